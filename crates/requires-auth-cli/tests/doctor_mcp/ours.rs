//! A server behind this library's own guard.

use std::net::TcpListener;
use std::thread;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::{Json, Router};
use http::{HeaderName, Method, StatusCode, header};
use requires_auth::RequiresAuth;
use serde_json::{Value, json};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// What the server is made of.
#[derive(Clone, Copy)]
pub struct Server {
    /// The path of the resource.
    pub path: &'static str,
    /// Whether a layer for CORS is around the guard.
    pub serves_pages: bool,
    /// Whether tools have scopes of their own.
    pub has_scopes: bool,
}

/// The URL of a server behind a guard with a resource, which trusts this issuer.
pub fn start(server: Server, issuer: &str) -> String {
    let path = server.path;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let resource = format!("http://{}{path}", listener.local_addr().expect("an address"));
    let builder = RequiresAuth::resource_builder(issuer, &resource).with_base_scopes(["read:orders"]);
    let auth = builder.build().expect("a guard");
    let route = if path.is_empty() { "/" } else { path };
    let app = Router::new().route(route, any(answer));
    let mut app = if server.has_scopes {
        app.layer(auth.mcp().any_tool("").tool("create_order", "write:orders").layer())
    } else {
        app.layer(auth.layer())
    };
    if server.serves_pages {
        app = app.layer(cors());
    }
    serve(listener, app);
    resource
}

/// The URL of a server without a guard.
pub fn start_bare() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    serve(listener, Router::new().route("/mcp", any(answer)));
    url
}

fn serve(listener: TcpListener, app: Router) {
    listener.set_nonblocking(true).expect("a socket");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            axum::serve(listener, app).await.expect("it serves");
        });
    });
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("mcp-protocol-version"),
        ])
        .expose_headers([header::WWW_AUTHENTICATE])
}

/// A server with two tools.
async fn answer(request: Request) -> Response {
    if request.method() != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let body = axum::body::to_bytes(request.into_body(), 1 << 16).await.expect("a body");
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-06-18" }),
        Some("tools/list") => json!({ "tools": [{ "name": "list_orders" }, { "name": "create_order" }] }),
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}
