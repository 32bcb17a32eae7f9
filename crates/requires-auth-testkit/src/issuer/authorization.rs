//! The authorization endpoint: `GET {issuer}/authorize` with the code grant and PKCE (RFC 6749 §4.1, RFC 7636, RFC 9207).
//!
//! Nobody is asked: on loopback every login is granted at once, to the user whom `login_hint` names.
//!
//! The checks come in this order:
//!
//! 1. `client_id` and `redirect_uri`. Until both are known to belong together, a mistake is a page for the person in front of the
//!    browser, never a redirect: the address could be anybody's (RFC 6749 §4.1.2.1).
//! 2. `response_type`, PKCE with `S256`, `resource` (RFC 8707 §2: an absolute URI without a fragment) and `scope`. A mistake in
//!    them is sent to the client as `error`, with `state` and `iss`.
//! 3. What is granted becomes a code, which the token endpoint takes once, within 60 seconds, from this client alone.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::clients::{Client, GrantType};
use super::dpop::is_thumbprint;
use super::grants::Login;
use super::knobs::Lie;
use super::oauth_error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::pkce::Challenge;
use super::redirect_uri::RedirectUri;
use super::resource::resources;
use super::scope::{scope_of, words};
use super::state::Shared;

/// The scope that a refresh token comes with (OIDC Core §11), as most providers have it. A client that was given one without
/// asking may use it where it should log in again, for more scopes: version 1 of the TypeScript SDK of MCP does.
const OFFLINE_ACCESS: &str = "offline_access";

/// Where an answer may be sent: to a client that is known, at a redirect URI that it has registered.
struct Addressee {
    client: Arc<Client>,
    redirect_uri: RedirectUri,
}

/// Grants a login. What says who asks has to be right before anything is sent there (RFC 6749 §4.1.2.1); every later
/// mistake is told to the client.
pub(super) async fn authorize(
    State(state): State<Shared>,
    Extension(lie): Extension<Lie>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(pairs)) => Parameters::new(pairs),
        Err(rejection) => return page(&rejection.body_text()),
    };
    let addressee = match addressee(&state, &query) {
        Ok(addressee) => addressee,
        Err(mistake) => return page(&mistake),
    };
    let issuer = match &lie {
        Lie::WrongIssuer(other) => other,
        _ => &state.urls.issuer,
    };
    let granted = login(&state, &query, &addressee).map(|login| {
        let now = state.now();
        state.grants().begin(login, now)
    });
    let error = granted.as_ref().err().map(|error| (error.code().name(), error.printable_description()));
    let mut answer = match (&granted, &error) {
        (Ok(code), _) => vec![("code", code.as_str())],
        (_, Some((code, description))) => vec![("error", *code), ("error_description", description.as_str())],
        (Err(_), None) => Vec::new(),
    };
    // A state that comes twice is an error, and not repeated.
    answer.extend(query.one("state").ok().flatten().map(|state| ("state", state)));
    answer.push(("iss", issuer));
    addressee
        .redirect_uri
        .with(&answer)
        .map_or_else(|| page("the redirect URI is not a header value"), redirect)
}

/// The client and the redirect URI of a request; the error is a sentence for the page.
fn addressee(state: &Shared, query: &Parameters) -> Result<Addressee, String> {
    let told = |error: OAuthError| error.description().to_owned();
    let id = query.required("client_id").map_err(told)?;
    let client = state.settings.clients.named(id).filter(|client| !client.redirect_uris.is_empty());
    let client = client.ok_or_else(|| {
        format!("no client of this client_id logs users in: register one at {}", state.urls.registration)
    })?;
    let redirect_uri = match query.one("redirect_uri").map_err(told)? {
        Some(text) => {
            let uri = RedirectUri::parse(text).ok().filter(|uri| client.is_sent_to(uri));
            uri.ok_or("redirect_uri is not one that the client has registered, byte for byte")?
        }
        None => match client.redirect_uris.as_slice() {
            [one] => one.clone(),
            _ => return Err("redirect_uri is missing, and the client has several".to_owned()),
        },
    };
    Ok(Addressee { client, redirect_uri })
}

/// What is granted to the client.
fn login(state: &Shared, query: &Parameters, addressee: &Addressee) -> Result<Login, OAuthError> {
    let client = &addressee.client;
    query.one("state")?;
    if !client.may(GrantType::AuthorizationCode) {
        let wrong = "the client is not registered for authorization_code";
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, wrong));
    }
    for (name, code) in
        [("request", ErrorCode::RequestNotSupported), ("request_uri", ErrorCode::RequestUriNotSupported)]
    {
        if query.one(name)?.is_some() {
            return Err(OAuthError::new(code, "the parameters stand in the query"));
        }
    }
    if query.required("response_type")? != "code" {
        let wanted = "response_type has to be code";
        return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, wanted));
    }
    if query.one("response_mode")?.is_some_and(|mode| mode != "query") {
        return Err(OAuthError::invalid_request("response_mode has to be query"));
    }
    let challenge = Challenge::of(query)?;
    let mut audience = resources(query)?;
    if audience.is_empty() {
        audience.push(state.settings.audience.clone());
    }
    query.short("scope")?;
    let scope = scope_of(query, &state.settings.scopes)?;
    let (subject, nonce) = (query.short("login_hint")?, query.short("nonce")?);
    let bound_key = query.one("dpop_jkt")?;
    if bound_key.is_some_and(|thumbprint| !is_thumbprint(thumbprint)) {
        return Err(OAuthError::invalid_request("dpop_jkt is not the thumbprint of a key"));
    }
    if !state.settings.consents {
        let why = "the development issuer grants a login only where it listens on loopback";
        return Err(OAuthError::new(ErrorCode::AccessDenied, why));
    }
    let is_offline = words(scope.as_deref().unwrap_or_default()).any(|word| word == OFFLINE_ACCESS);
    Ok(Login {
        client_id: client.id.clone(),
        redirect_uri: addressee.redirect_uri.clone(),
        challenge,
        subject: subject.map(str::to_owned),
        scope,
        audience,
        nonce: nonce.map(str::to_owned),
        bound_key: bound_key.map(str::to_owned),
        refreshes: is_offline && client.may(GrantType::RefreshToken),
    })
}

fn redirect(location: HeaderValue) -> Response {
    let headers = [
        (LOCATION, location),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (StatusCode::FOUND, headers).into_response()
}

/// The page of a request that cannot be answered to a client. It is text, and repeats nothing of the request.
fn page(mistake: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (StatusCode::BAD_REQUEST, headers, format!("this login cannot begin: {mistake}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::header::LOCATION;

    use super::super::state::{self, Settings, Urls};
    use super::super::{Builder, ring::KeyRing};
    use super::*;
    use crate::{Algorithm, SigningKey};

    /// The answer to a good request, of an issuer that others reach or do not reach.
    async fn location(consents: bool) -> String {
        let mut settings: Settings = Builder::new().redirect_uri("client", "app:/callback").into_settings();
        settings.consents = consents;
        let ring = KeyRing::new(SigningKey::fixed(Algorithm::Es256).clone());
        let state = Arc::new(state::State::new(Urls::new("http://0.0.0.0:9100", "/oidc"), settings, ring));
        let query = [
            ("client_id", "client"),
            ("response_type", "code"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let query: Query<Vec<(String, String)>> = Query(query);
        let answer = authorize(State(state), Extension(Lie::Nothing), Ok(query)).await;
        answer.headers()[LOCATION].to_str().expect("ASCII").to_owned()
    }

    #[tokio::test]
    async fn a_login_is_granted_on_loopback_alone() {
        assert!(location(true).await.starts_with("app:/callback?code="));
        assert!(location(false).await.starts_with("app:/callback?error=access_denied&"));
    }
}
