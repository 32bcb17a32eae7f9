//! An axum application: a layer around all of it, another around the route.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::routing::any;
use http::{Request, Response};
use requires_auth::AccessToken;
use tower::ServiceExt;

use super::tower::{Passed, answer};
use super::{Answer, Guarded};

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

async fn handler(token: Option<AccessToken>) -> Extension<Passed> {
    Extension(Passed::with(token.as_ref()))
}
