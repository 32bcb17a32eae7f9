//! The one-line token endpoint: `GET {issuer}/token?scope=read:items` answers nothing but a token.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::dpop::is_thumbprint;
use super::parameters::Parameters;
use super::state::{Order, Shared};

const PARAMETERS: [&str; 10] =
    ["scope", "sub", "aud", "client_id", "claim", "lifetime", "opaque", "jkt", "x5t", "defect"];

/// Mints what the query asks for; a mistake in it is answered with what would be right.
pub(super) async fn mint(
    State(state): State<Shared>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Response {
    match query.map_err(|rejection| rejection.body_text()).and_then(|Query(pairs)| order(pairs)) {
        Ok(order) => ([(CACHE_CONTROL, "no-store")], state.mint(order)).into_response(),
        Err(mistake) => (StatusCode::BAD_REQUEST, format!("{mistake}\n")).into_response(),
    }
}

/// Reads the query; the error is one line for the developer.
fn order(pairs: Vec<(String, String)>) -> Result<Order, String> {
    let query = Parameters::new(pairs);
    if let Some(name) = query.unknown(&PARAMETERS) {
        return Err(format!("unknown parameter {name:?}: expected one of {}", PARAMETERS.join(", ")));
    }
    let one = |name| query.one(name).map_err(|error| error.description().to_owned());
    let owned = |name| one(name).map(|value| value.map(str::to_owned));
    let lifetime = one("lifetime")?.map(|seconds| {
        seconds.parse().map_err(|_| format!("the lifetime {seconds:?} is not a whole number of seconds"))
    });
    let opaque = one("opaque")?
        .map(|text| text.parse().map_err(|_| format!("opaque is true or false, and not {text:?}")));
    // The thumbprint of a key (RFC 9449 §6.1), and of a certificate (RFC 8705 §3.1).
    let thumbprint = |name| match one(name)? {
        Some(text) if !is_thumbprint(text) => {
            Err(format!("{name} is a SHA-256 in base64url, and not {text:?}"))
        }
        text => Ok(text.map(str::to_owned)),
    };
    let defect = one("defect")?.map(|name| name.parse().map_err(|unknown| format!("{unknown}")));
    Ok(Order {
        subject: owned("sub")?,
        client_id: owned("client_id")?,
        audience: query.all("aud").map(str::to_owned).collect(),
        scope: owned("scope")?,
        claims: query.all("claim").map(claim).collect::<Result<_, _>>()?,
        lifetime: lifetime.transpose()?,
        opaque: opaque.transpose()?,
        bound_key: thumbprint("jkt")?,
        bound_certificate: thumbprint("x5t")?,
        grant: None,
        defect: defect.transpose()?,
    })
}

/// `NAME=VALUE`, the value as JSON; what does not look like JSON is a text, so that quotes are not needed twice.
fn claim(text: &str) -> Result<(String, Value), String> {
    let wanted = || format!("the claim {text:?} is not NAME=VALUE, the value as JSON or plain text");
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(wanted)?;
    let value = match serde_json::from_str(value) {
        Ok(value) => value,
        Err(_) if value.starts_with(['[', '{', '"']) => return Err(wanted()),
        Err(_) => Value::from(value),
    };
    Ok((name.to_owned(), value))
}
