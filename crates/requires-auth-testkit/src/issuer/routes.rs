//! Which path is answered by what, and what every request passes first.
//!
//! Each request is counted by its endpoint, and answered by the lie or the outage that a test has switched on, before anything
//! else. Pages of any origin may call the endpoints that clients in a browser need, as no cookie is ever looked at.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_TYPE, LOCATION,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::knobs::{Endpoint, Lie};
use super::state::Shared;
use super::wire::{self, Line, Pace};
use super::{authorization, development, documents, introspection, metadata, registration, rotation, token};

/// The longest request body, in bytes; a token is at most 16 KiB.
const MAX_BODY: usize = 64 * 1024;

/// Neither UTF-8 nor JSON.
const GARBAGE: &[u8] = b"{\"keys\": [\xff\x00";

/// What a captive portal puts before every address.
const PAGE: &str = "<!doctype html>\n<title>Welcome to the airport</title>\n";

/// All that the issuer answers, under a path such as `/oidc` or the empty one.
pub(super) fn router(state: &Shared, path: &str) -> Router {
    let switched = |endpoint, route: MethodRouter<Shared>| {
        route.route_layer(from_fn_with_state((Arc::clone(state), endpoint), apply_knobs))
    };
    let discovery = switched(Endpoint::Discovery, get(metadata::openid_configuration));
    let oauth_metadata = switched(Endpoint::OAuthMetadata, get(metadata::oauth_metadata));
    let introspection = switched(Endpoint::Introspection, post(introspection::introspect));
    let authorize = switched(Endpoint::Authorization, get(authorization::authorize));
    let register = switched(Endpoint::Registration, post(registration::register));
    let token = switched(Endpoint::Token, post(token::grant).get(development::mint));
    let mut router = Router::new()
        .route("/", get(documents::front_page))
        .route(&format!("{path}/.well-known/openid-configuration"), discovery)
        .route(&format!("/.well-known/oauth-authorization-server{path}"), oauth_metadata)
        .route(&format!("{path}/jwks"), switched(Endpoint::Jwks, get(documents::jwks)))
        .route(&format!("{path}/authorize"), authorize)
        .route(&format!("{path}/register"), register)
        .route(&format!("{path}/token"), token)
        .route(&format!("{path}/token/introspection"), introspection)
        .route(&format!("{path}/token/revocation"), post(introspection::revoke))
        .route(&format!("{path}/rotate"), post(rotation::rotate));
    if !path.is_empty() {
        router = router.route(path, get(documents::front_page));
    }
    router
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::<str>::from(format!("{path}/authorize")), cors))
        .layer(from_fn(wire::free))
        .with_state(Arc::clone(state))
}

/// Lets pages of any origin call the issuer; there is nothing here to protect. A page is sent to the authorization
/// endpoint and does not call it (RFC 9700 §2.6).
async fn cors(State(authorize): State<Arc<str>>, request: Request, next: Next) -> Response {
    if request.uri().path() == &*authorize {
        return next.run(request).await;
    }
    let mut response = if request.method() == Method::OPTIONS {
        let allowed = [
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST"),
            (ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, DPoP, MCP-Protocol-Version"),
        ];
        (StatusCode::NO_CONTENT, allowed).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce"));
    response
}

/// Counts the request, then waits, fails or lies as the switches of the endpoint say.
async fn apply_knobs(
    State((state, endpoint)): State<(Shared, Endpoint)>,
    ConnectInfo(line): ConnectInfo<Line>,
    mut request: Request,
    next: Next,
) -> Response {
    let behavior = state.knobs.arrive(endpoint);
    if !behavior.delay.is_zero() {
        tokio::time::sleep(behavior.delay).await;
    }
    if let Some(status) = behavior.failure {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return (status, "the development issuer was told to fail\n").into_response();
    }
    let pace = match &behavior.lie {
        Lie::Garbage => return ([(CONTENT_TYPE, "application/json")], GARBAGE).into_response(),
        Lie::Html => return ([(CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response(),
        Lie::Redirect(url) => return (StatusCode::FOUND, [(LOCATION, url.as_str())]).into_response(),
        Lie::Hang => Some(Pace::Hold),
        Lie::Trickle => Some(Pace::Drip),
        _ => None,
    };
    request.extensions_mut().insert(behavior.lie);
    let response = next.run(request).await;
    if let Some(pace) = pace {
        line.pace(pace);
    }
    response
}
