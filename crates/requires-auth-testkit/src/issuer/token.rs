//! The token endpoint of OAuth: `POST {issuer}/token` with the grants of [`GrantType`].
//!
//! - `client_credentials`: a token for the client itself. `resource` or `audience` name the API, else it is that of the issuer.
//! - `authorization_code`: what a login granted, against its code and the verifier of PKCE. A code that comes a second time ends
//!   the tokens that the first one brought (RFC 6749 §4.1.2).
//! - `refresh_token`: a new pair of tokens. The refresh token changes with each use, and one that comes again ends all tokens of
//!   its login (RFC 9700 §4.14.2). A login has one only if it asked for `offline_access`.
//!
//! With a header `DPoP` the token is bound to the key of its proof (RFC 9449 §5), and so is the refresh token of a public client.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use serde_json::{Value, json};

use super::authentication::authenticate;
use super::clients::{Client, GrantType};
use super::dpop::{proven_key, with_nonce};
use super::grants::{Login, Redeemed, Redeemer, Wanted};
use super::oauth_error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::resource::resources;
use super::scope::{scope_of, words};
use super::state::{Order, Shared};

/// Answers a grant of RFC 6749 §4.1.3, §4.4 or §6.
pub(super) async fn grant(
    State(state): State<Shared>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let answer = answer_grant(&state, &headers, form).map_or_else(OAuthError::into_response, |answer| {
        ([(CACHE_CONTROL, "no-store")], Json(answer)).into_response()
    });
    with_nonce(&state, answer)
}

/// Who asks for a token, and with which proof.
struct Asker {
    client: Arc<Client>,
    /// The thumbprint of the key to which the token is bound.
    key: Option<String>,
}

impl Asker {
    fn redeemer(&self) -> Redeemer<'_> {
        Redeemer { client_id: &self.client.id, is_public: self.client.is_public(), key: self.key.as_deref() }
    }
}

fn answer_grant(
    state: &Shared,
    headers: &HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Value, OAuthError> {
    let form = Parameters::from_form(form)?;
    let client = authenticate(state, headers, &form)?;
    let grant = GrantType::named(form.required("grant_type")?).ok_or_else(|| {
        let names = GrantType::ALL.map(GrantType::name).join(", ");
        let description = format!("the development issuer supports {names}");
        OAuthError::new(ErrorCode::UnsupportedGrantType, description)
    })?;
    if !client.may(grant) {
        let description = format!("the client is not registered for {}", grant.name());
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, description));
    }
    // Before the grant: a code has one try, and a client that lacks a nonce comes again with the same code.
    let asker = Asker { key: proven_key(state, headers)?, client };
    if asker.client.binds_tokens && asker.key.is_none() {
        let description =
            "the client is registered with dpop_bound_access_tokens, and there is no header DPoP";
        return Err(OAuthError::new(ErrorCode::InvalidDpopProof, description));
    }
    match grant {
        GrantType::AuthorizationCode => code(state, &asker, &form),
        GrantType::RefreshToken => refresh(state, &asker, &form),
        GrantType::ClientCredentials => client_credentials(state, &asker, &form),
    }
}

/// RFC 6749 §4.4; `resource` (RFC 8707) or `audience` names the API, and `sub` anyone.
fn client_credentials(state: &Shared, asker: &Asker, form: &Parameters) -> Result<Value, OAuthError> {
    let client = &asker.client;
    if client.is_public() {
        let description = "client_credentials is for clients that authenticate";
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, description));
    }
    let scope = scope_of(form, &state.settings.scopes)?;
    let subject = form.one("sub")?.unwrap_or(&client.id).to_owned();
    let audience = form.all("resource").chain(form.all("audience")).map(str::to_owned).collect();
    let token = state.mint(Order {
        subject: Some(subject),
        client_id: Some(client.id.clone()),
        audience,
        scope: scope.clone(),
        bound_key: asker.key.clone(),
        ..Order::default()
    });
    Ok(answer(state, &token, asker, scope))
}

/// RFC 6749 §4.1.3. PKCE takes the place of `redirect_uri`, which may be absent (OAuth 2.1 §10.2); if it is there, it has
/// to be that of the authorization request.
fn code(state: &Shared, asker: &Asker, form: &Parameters) -> Result<Value, OAuthError> {
    let (code, verifier) = (form.required("code")?, form.required("code_verifier")?);
    let redirect_uri = form.one("redirect_uri")?;
    let wanted = Wanted { scope: None, audience: resources(form)? };
    let now = state.now();
    let redeemed = state.grants().take_code(code, asker.redeemer(), redirect_uri, verifier, now)?;
    wanted.within(&redeemed.login)?;
    Ok(tokens(state, asker, redeemed, wanted, true))
}

/// RFC 6749 §6, with a new refresh token for each that is used.
fn refresh(state: &Shared, asker: &Asker, form: &Parameters) -> Result<Value, OAuthError> {
    let token = form.required("refresh_token")?;
    let wanted = Wanted { scope: scope_of(form, &[])?, audience: resources(form)? };
    let now = state.now();
    let redeemed = state.grants().take_refresh(token, asker.redeemer(), &wanted, now)?;
    Ok(tokens(state, asker, redeemed, wanted, false))
}

/// The tokens of a login; an ID token comes with the first ones alone.
fn tokens(state: &Shared, asker: &Asker, redeemed: Redeemed, wanted: Wanted, is_first: bool) -> Value {
    let Redeemed { grant, login, refresh_token } = redeemed;
    let scope = wanted.scope.or_else(|| login.scope.clone());
    let audience = if wanted.audience.is_empty() { login.audience.clone() } else { wanted.audience };
    let token = state.mint(Order {
        subject: login.subject.clone(),
        client_id: Some(login.client_id.clone()),
        audience,
        scope: scope.clone(),
        bound_key: asker.key.clone(),
        grant: Some(grant),
        ..Order::default()
    });
    let is_openid = words(scope.as_deref().unwrap_or_default()).any(|word| word == "openid");
    let mut answer = answer(state, &token, asker, scope);
    if let Some(refresh_token) = refresh_token {
        answer["refresh_token"] = json!(refresh_token);
    }
    if is_first && is_openid {
        answer["id_token"] = json!(id_token(state, &login));
    }
    answer
}

fn answer(state: &Shared, token: &str, asker: &Asker, scope: Option<String>) -> Value {
    // RFC 9449 §5: a client that asked for a bound token has to learn that it got one.
    let kind = if asker.key.is_some() { "DPoP" } else { "Bearer" };
    let mut answer =
        json!({ "access_token": token, "token_type": kind, "expires_in": state.settings.lifetime });
    if let Some(scope) = scope {
        answer["scope"] = json!(scope);
    }
    answer
}

/// OIDC Core §2. It is for the client, and an API has to refuse it.
fn id_token(state: &Shared, login: &Login) -> String {
    let now = state.now();
    let mut claims = json!({
        "iss": state.urls.issuer,
        "sub": login.subject.as_deref().unwrap_or("alice"),
        "aud": login.client_id,
        "iat": now,
        "exp": now.saturating_add(state.settings.lifetime),
    });
    if let Some(nonce) = &login.nonce {
        claims["nonce"] = json!(nonce);
    }
    state.forge().token().header("typ", "JWT").raw_claims(claims.to_string()).mint()
}
