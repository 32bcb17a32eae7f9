//! Introspection (RFC 7662, and signed by RFC 9701): `POST {issuer}/token/introspection`; revocation (RFC 7009):
//! `POST {issuer}/token/revocation`.

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form, Json};
use serde_json::{Value, json};

use super::authentication::authenticate;
use super::knobs::Lie;
use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use super::state::Shared;

/// The media type of a signed answer.
const SIGNED: &str = "application/token-introspection+jwt";

/// The claims that an answer repeats (RFC 7662 §2.2; `cnf` by RFC 8705 §3.2 and RFC 9449 §6.2).
const REPEATED: [&str; 10] = ["iss", "sub", "aud", "client_id", "scope", "exp", "nbf", "iat", "jti", "cnf"];

/// Tells what the issuer knows about a token that it minted; of any other only that it is inactive.
pub(super) async fn introspect(
    State(state): State<Shared>,
    Extension(lie): Extension<Lie>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, OAuthError> {
    let form = Parameters::from_form(form)?;
    let client = authenticate(&state, &headers, &form)?;
    if client.is_public() {
        return Err(OAuthError::invalid_client("introspection is for clients that authenticate"));
    }
    let mut answer = match state.active_claims(form.required("token")?) {
        Some(claims) => active(&claims),
        None => json!({ "active": false }),
    };
    lie.bend(&mut answer);
    if wants_signed(&headers) {
        return Ok(signed(&state, &client.id, &answer));
    }
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Forgets an access token, or ends the grant of a refresh token with all its access tokens (RFC 7009 §2.1).
pub(super) async fn revoke(
    State(state): State<Shared>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<StatusCode, OAuthError> {
    let form = Parameters::from_form(form)?;
    let client = authenticate(&state, &headers, &form)?;
    state.revoke_of(form.required("token")?, &client.id)?;
    Ok(StatusCode::OK)
}

/// RFC 9701 §4: the client asks for it by `Accept`.
fn wants_signed(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts
        .flat_map(|value| value.split(','))
        .any(|kind| kind.split(';').next().map(str::trim) == Some(SIGNED))
}

/// RFC 9701 §5.
fn signed(state: &Shared, client: &str, answer: &Value) -> Response {
    let claims = json!({
        "iss": state.urls.issuer, "aud": client, "iat": state.now(), "token_introspection": answer,
    });
    let token = state.forge().token().header("typ", "token-introspection+jwt").raw_claims(claims.to_string());
    ([(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, SIGNED)], token.mint()).into_response()
}

fn active(claims: &Value) -> Value {
    let is_bound = claims.get("cnf").is_some_and(|cnf| cnf.get("jkt").is_some());
    let mut answer = json!({ "active": true, "token_type": if is_bound { "DPoP" } else { "Bearer" } });
    for name in REPEATED {
        if let Some(value) = claims.get(name) {
            answer[name] = value.clone();
        }
    }
    answer
}
