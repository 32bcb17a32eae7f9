//! An API of axum behind jsonwebtoken: the token is taken out of the request by axum-extra, as axum's example `jwt` does, and verified
//! by `decode` with a `Validation` that names algorithm, audience and issuer, as jsonwebtoken's README shows. The example's secret
//! (HS256) is replaced by the key set of an issuer, whose key is found by `kid`.

use std::env;
use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, RequestPartsExt as _, Router, extract::FromRequestParts};
use axum_extra::TypedHeader;
use axum_extra::headers::{Authorization, authorization::Bearer};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::json;

static KEYS: LazyLock<JwkSet> = LazyLock::new(|| {
    let text = ureq::get(format!("{}/jwks", setting("ISSUER")))
        .call()
        .expect("a key set")
        .body_mut()
        .read_to_string();
    serde_json::from_str(&text.expect("text")).expect("a JWK Set")
});

#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: String,
}

enum AuthError {
    MissingToken,
    InvalidToken,
    MissingScope,
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let (status, challenge, error) = match self {
            Self::MissingToken => (StatusCode::UNAUTHORIZED, "Bearer", "Missing token"),
            Self::InvalidToken => {
                (StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\"", "Invalid token")
            }
            Self::MissingScope => {
                (StatusCode::FORBIDDEN, "Bearer error=\"insufficient_scope\"", "Missing scope")
            }
        };
        (status, [(WWW_AUTHENTICATE, challenge)], Json(json!({ "error": error }))).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Claims {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let TypedHeader(Authorization(bearer)) = parts
            .extract::<TypedHeader<Authorization<Bearer>>>()
            .await
            .map_err(|_| AuthError::MissingToken)?;
        let header = decode_header(bearer.token()).map_err(|_| AuthError::InvalidToken)?;
        let jwk = header.kid.as_deref().and_then(|kid| KEYS.find(kid)).ok_or(AuthError::InvalidToken)?;
        let key = DecodingKey::from_jwk(jwk).map_err(|_| AuthError::InvalidToken)?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[setting("AUDIENCE")]);
        validation.set_issuer(&[setting("ISSUER")]);
        let token = decode::<Self>(bearer.token(), &key, &validation).map_err(|_| AuthError::InvalidToken)?;
        Ok(token.claims)
    }
}

async fn items(claims: Claims) -> Result<String, AuthError> {
    if claims.scope.split(' ').any(|scope| scope == "read:items") {
        Ok(claims.sub)
    } else {
        Err(AuthError::MissingScope)
    }
}

fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

#[tokio::main]
async fn main() {
    tokio::task::spawn_blocking(|| LazyLock::force(&KEYS)).await.expect("the keys are there");
    let port = setting("PORT");
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a port");
    axum::serve(listener, Router::new().route("/api/items", get(items))).await.expect("it serves");
}
