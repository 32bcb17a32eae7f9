//! Key rotation from outside: `POST {issuer}/rotate`.
//!
//! A new key signs from now on, and the earlier ones stay in the key set, so that their tokens count until they expire. That is
//! what providers do, and what a guard has to follow without a refusal: it meets a `kid` that it has never seen.

use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::{Form, Json};
use serde_json::Value;

use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use super::state::Shared;
use crate::{Algorithm, SigningKey};

/// Lets a fresh key sign, of the algorithm `alg` (query or form) or else of the same as before.
pub(super) async fn rotate(
    State(state): State<Shared>,
    Query(mut pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Json<Value>, OAuthError> {
    // Without a content type there is no body to read.
    if headers.contains_key(CONTENT_TYPE) {
        let Form(body) = form.map_err(|rejection| OAuthError::invalid_request(rejection.body_text()))?;
        pairs.extend(body);
    }
    let parameters = Parameters::new(pairs);
    if parameters.unknown(&["alg"]).is_some() {
        return Err(OAuthError::invalid_request("unknown parameter: expected alg"));
    }
    let algorithm = match parameters.one("alg")? {
        Some(name) => name.parse().map_err(|unknown| OAuthError::invalid_request(format!("{unknown}")))?,
        None => state.ring().current().algorithm(),
    };
    let key = fresh_key(algorithm).await?;
    let mut ring = state.ring();
    ring.rotate_to(key);
    Ok(Json(ring.report()))
}

/// Makes the key on a thread of its own: an RSA key takes longer than a request should block others.
async fn fresh_key(algorithm: Algorithm) -> Result<SigningKey, OAuthError> {
    let making = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm));
    making.await.map_err(|_| OAuthError::server_error("the key could not be made"))
}
