//! Introspection (RFC 7662): `POST {issuer}/token/introspection`.

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form, Json};
use serde_json::{Value, json};

use super::knobs::Lie;
use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use super::state::Shared;

/// The claims that an answer repeats (RFC 7662 §2.2).
const REPEATED: [&str; 9] = ["iss", "sub", "aud", "client_id", "scope", "exp", "nbf", "iat", "jti"];

/// Tells what the issuer knows about a token that it minted; of any other only that it is inactive.
pub(super) async fn introspect(
    State(state): State<Shared>,
    Extension(lie): Extension<Lie>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, OAuthError> {
    let form = Parameters::from_form(form)?;
    state.settings.clients.authenticate(&headers, &form)?;
    let mut answer = match state.active_claims(form.required("token")?) {
        Some(claims) => active(&claims),
        None => json!({ "active": false }),
    };
    lie.bend(&mut answer);
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

fn active(claims: &Value) -> Value {
    let mut answer = json!({ "active": true, "token_type": "Bearer" });
    for name in REPEATED {
        if let Some(value) = claims.get(name) {
            answer[name] = value.clone();
        }
    }
    answer
}
