//! An axum application: a layer around all of it, another around the route.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::routing::any;
use http::{Request, Response};
use requires_auth::AccessToken;
use tower::ServiceExt;

use super::tower::{Passed, answer};
use super::{Answer, Document, Guarded};

pub async fn ask(guarded: &Guarded, path: Option<&str>, request: Request<()>) -> Answer {
    let route = any(handler).layer(guarded.inner());
    let app = match path {
        Some(path) => Router::new().route(path, route),
        None => Router::new().route("/", route.clone()).route("/{*path}", route),
    };
    let app = app.layer(guarded.outer());
    let response = app.oneshot(request.map(|()| Body::empty())).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    answer(&Response::from_parts(parts, body.to_vec()))
}

/// Asks a router with a layer around it for a document.
pub async fn metadata(guarded: &Guarded, request: Request<()>) -> Option<Document> {
    document(Router::new().route("/mcp", any(handler)).layer(guarded.outer()), request).await
}

/// The same where a layer stands around one route alone, and the routes of the document are merged.
pub async fn merged_metadata(guarded: &Guarded, request: Request<()>) -> Option<Document> {
    let app = Router::new().route("/mcp", any(handler).layer(guarded.inner()));
    document(app.merge(guarded.auth.metadata_router()), request).await
}

async fn document(app: Router, request: Request<()>) -> Option<Document> {
    let response = app.oneshot(request.map(|()| Body::empty())).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Document::of(&Response::from_parts(parts, body.to_vec()))
}

async fn handler(token: Option<AccessToken>) -> Extension<Passed> {
    Extension(Passed::with(token.as_ref()))
}
