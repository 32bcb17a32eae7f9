//! A plain tower service behind one layer, or behind two where only a policy forbids the anonymous.

use std::convert::Infallible;

use http::{Request, Response};
use requires_auth::policy::Presence;
use requires_auth::tower::AuthLayer;
use requires_auth::{AccessToken, Denial, Reason};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};

use super::{Answer, Document, Guarded};

pub async fn ask(guarded: &Guarded, request: Request<()>) -> Answer {
    let layers: Vec<AuthLayer> = match guarded.requirement.presence() {
        Presence::Optional => vec![guarded.inner(), guarded.outer()],
        _ => vec![guarded.inner()],
    };
    match layers.as_slice() {
        [only] => answer(&only.layer(service_fn(handler)).oneshot(request).await.unwrap()),
        [inner, outer] => {
            answer(&outer.layer(inner.layer(service_fn(handler))).oneshot(request).await.unwrap())
        }
        _ => unreachable!(),
    }
}

/// Asks for a document.
pub async fn metadata(guarded: &Guarded, request: Request<()>) -> Option<Document> {
    Document::of(&guarded.inner().layer(service_fn(handler)).oneshot(request).await.unwrap())
}

async fn handler(request: Request<()>) -> Result<Response<Vec<u8>>, Infallible> {
    let mut response = Response::new(Vec::new());
    response.extensions_mut().insert(Passed::with(request.extensions().get()));
    Ok(response)
}

/// What a handler says of the token that it was given; in the extensions, as an answer to HEAD has no body.
#[derive(Clone)]
pub struct Passed(Option<Value>);

impl Passed {
    pub fn with(token: Option<&AccessToken>) -> Self {
        Self(token.map(|token| token.claims().unwrap()))
    }
}

pub fn answer(response: &Response<Vec<u8>>) -> Answer {
    match response.extensions().get() {
        Some(Passed(Some(claims))) => return Answer::Token(claims.clone()),
        Some(Passed(None)) => return Answer::NoToken,
        None => {}
    }
    let headers = response.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let (status, body) = (response.status().as_u16(), response.body());
    if !body.is_empty() {
        return Answer::refused(status, headers, body);
    }
    // An answer to HEAD: what its body would say is with the response.
    let denial: &Denial = response.extensions().get().unwrap();
    let reason = denial.reason().map(Reason::as_str);
    let body = json!({ "code": denial.code().as_str(), "status": denial.status(), "reason": reason });
    Answer::refused(status, headers, body.to_string().as_bytes())
}
