//! The protected demo API: one public route, one for any token, two that need a scope, one that takes opaque tokens, one for
//! tenants, and one for tokens that are bound to a key.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, Method, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use requires_auth::guard::Builder;
use requires_auth::{AccessToken, ConfigError, RequiresAuth};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_http::cors::{Any, CorsLayer};

use crate::error::Failure;
use crate::ports::cannot_listen;

/// How many ports after the wanted one are tried.
const FURTHER_PORTS: u16 = 100;

/// The guards of the API. Each is one of its own, so that the other routes show what an API without it says.
pub(super) struct Guards {
    /// Takes JWTs of one issuer.
    pub(super) auth: RequiresAuth,
    /// Asks the issuer about opaque tokens, too.
    pub(super) asking: Option<RequiresAuth>,
    /// Takes tokens of some tenants of an issuer with many.
    pub(super) tenants: Option<RequiresAuth>,
    /// Takes tokens with a proof of their key alone, once it is told the URL of the API.
    pub(super) proving: Option<Builder>,
}

/// The routes, guarded; `url` is that of the API, which proofs are for.
pub(super) fn router(guards: Guards, url: &str) -> Result<Router, ConfigError> {
    let Guards { auth, asking, tenants, proving } = guards;
    let proving = proving.map(|guard| guard.with_public_url(url).build()).transpose()?;
    // A ready layer rather than one of our own: it is what an API that copies this would use. It stands outside
    // the guard, so that a page of another origin can read a refusal too; which headers of it, the guard says.
    let cors = CorsLayer::new().allow_origin(Any).allow_methods([Method::GET, Method::POST]).allow_headers([
        AUTHORIZATION,
        CONTENT_TYPE,
        HeaderName::from_static("dpop"),
    ]);
    let guarded = |path, guard: &RequiresAuth| Router::new().route(path, get(me)).layer(guard.layer());
    let opaque = asking.as_ref().map(|asking| guarded("/opaque/me", asking));
    let bound = proving.as_ref().map(|proving| guarded("/bound/me", proving));
    let of_tenants = tenants.as_ref().map(|tenants| guarded("/tenants/me", tenants));
    Ok(Router::new()
        .route("/api/me", get(me))
        .route("/api/items", get(items).layer(auth.require("read:items")))
        .route("/api/items", post(create_item).layer(auth.require("write:items")))
        .layer(auth.layer())
        .merge(opaque.unwrap_or_default())
        .merge(of_tenants.unwrap_or_default())
        .merge(bound.unwrap_or_default())
        // Added after the guard, so it is outside.
        .route("/public", get(public))
        .layer(cors))
}

async fn public() -> Json<Value> {
    Json(json!({ "message": "anyone may read this" }))
}

async fn me(token: AccessToken) -> Json<Value> {
    let scopes: Vec<_> = token.scopes().collect();
    let mut answer = json!({ "sub": token.subject(), "client_id": token.client_id(), "scopes": scopes });
    if let Some(tenant) = token.tenant() {
        answer["tenant"] = tenant.into();
    }
    Json(answer)
}

async fn items() -> Json<Value> {
    Json(json!({ "items": [{ "id": 1, "name": "a bicycle" }, { "id": 2, "name": "a kite" }] }))
}

async fn create_item(token: AccessToken) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({ "id": 3, "created_by": token.subject() })))
}

/// The API, listening on loopback; dropping it stops it.
pub(super) struct DemoApi {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl DemoApi {
    /// Listens on a port, or on the next free one.
    pub(super) async fn start(guards: Guards, port: u16) -> Result<Self, Failure> {
        let failed = |error: io::Error| cannot_listen(Ipv4Addr::LOCALHOST.into(), port, &error);
        let listener = listen(port).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let router = router(guards, &format!("http://{address}"))?;
        let serving = tokio::spawn(async move {
            // Serving ends only with the task; there is no error to report.
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { address, serving })
    }

    /// Where it is, without a slash at the end.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port that it listens on.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for DemoApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Listens on a port of loopback, or on the next free one.
pub(super) async fn listen(wanted: u16) -> io::Result<TcpListener> {
    let mut port = wanted;
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && port - wanted < FURTHER_PORTS => {
                port = port.checked_add(1).ok_or(error)?;
            }
            outcome => return outcome,
        }
    }
}
