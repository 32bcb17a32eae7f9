//! A gRPC server: each request is sent as a call, and the answer of gRPC is read as one of HTTP.

use std::convert::Infallible;

use axum::body::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};

use super::tower::{Passed, answer};
use super::{Answer, Document, Guarded};

/// The statuses of gRPC, and what each is over HTTP.
const STATUSES: [(&str, u16); 5] = [("3", 400), ("16", 401), ("7", 403), ("8", 429), ("14", 503)];

pub async fn ask(guarded: &Guarded, mut request: Request<()>) -> Answer {
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc+proto"));
    let mut response = send(guarded, request).await;
    if response.extensions().get::<Passed>().is_none() {
        as_http(&mut response);
    }
    answer(&response)
}

/// Asks for a document, which is not a call.
pub async fn metadata(guarded: &Guarded, request: Request<()>) -> Option<Document> {
    Document::of(&send(guarded, request).await)
}

async fn send(guarded: &Guarded, request: Request<()>) -> Response<Vec<u8>> {
    let layer = guarded.auth.grpc().others(guarded.requirement.clone()).layer();
    let (parts, body) = layer.layer(service_fn(handler)).oneshot(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes().to_vec())
}

async fn handler(request: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    response.extensions_mut().insert(Passed::with(request.extensions().get()));
    Ok(response)
}

/// A refusal as HTTP has it, of which nothing is lost in gRPC but the media type.
fn as_http(response: &mut Response<Vec<u8>>) {
    assert_eq!((response.status().as_u16(), response.body().len()), (200, 0));
    let taken = |headers: &mut HeaderMap, name: &str| {
        headers.remove(name).map(|value| value.to_str().unwrap().to_owned())
    };
    let headers = response.headers_mut();
    assert_eq!(taken(headers, "content-type").as_deref(), Some("application/grpc"));
    let status = taken(headers, "grpc-status").unwrap();
    let (_, status) = STATUSES.iter().find(|(grpc, _)| *grpc == status).unwrap();
    assert!(taken(headers, "grpc-message").is_some_and(|message| !message.is_empty()));
    let (code, reason) = (taken(headers, "auth-code"), taken(headers, "auth-reason"));
    let body = json!({ "status": status, "code": code.unwrap(), "reason": reason });
    *response.body_mut() = body.to_string().into_bytes();
    *response.status_mut() = (*status).try_into().unwrap();
}
