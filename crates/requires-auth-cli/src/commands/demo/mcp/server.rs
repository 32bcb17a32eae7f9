//! A small MCP server: two tools over streamable HTTP, without sessions, behind the guard.

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use requires_auth::{AccessToken, RequiresAuth};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_http::cors::{Any, CorsLayer};

/// The tool that the base scope suffices for.
pub(super) const LIST: &str = "list_items";

/// The tool that needs `write:items` too.
pub(super) const CREATE: &str = "create_item";

/// The revision of the protocol that is answered to a client that names none.
const VERSION: &str = "2025-11-25";

/// The server, listening on loopback; dropping it stops it.
pub(super) struct McpServer {
    url: String,
    serving: JoinHandle<()>,
}

impl McpServer {
    pub(super) fn start(auth: &RequiresAuth, listener: TcpListener, url: String) -> Self {
        let router = router(auth);
        let serving = tokio::spawn(async move {
            // Serving ends only with the task; there is no error to report.
            axum::serve(listener, router).await.ok();
        });
        Self { url, serving }
    }

    /// The URL that a client is given.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for McpServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn router(auth: &RequiresAuth) -> Router {
    let headers = ["mcp-protocol-version", "mcp-method", "mcp-name"].map(HeaderName::from_static);
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE].into_iter().chain(headers).collect::<Vec<_>>());
    // The two lines that guard an MCP server: the base scope is the guard's, and a tool names what it needs beside it.
    let guard = auth.mcp().tool(LIST, "").tool(CREATE, "write:items").layer();
    Router::new().route("/mcp", post(answer)).layer(guard).layer(cors)
}

/// Answers one message of JSON-RPC.
async fn answer(token: AccessToken, Json(message): Json<Value>) -> Response {
    let Some(id) = message.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": message["params"]["protocolVersion"].as_str().unwrap_or(VERSION),
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "requires-auth demo", "version": env!("CARGO_PKG_VERSION") },
        }),
        "ping" => json!({}),
        "tools/list" => json!({ "tools": [
            tool(LIST, "Lists the items; read:items suffices"),
            tool(CREATE, "Makes an item; needs write:items too"),
        ] }),
        "tools/call" => call(message["params"]["name"].as_str().unwrap_or_default(), &token),
        _ => {
            let error = json!({ "code": -32601, "message": "no such method" });
            return Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}

fn tool(name: &str, description: &str) -> Value {
    json!({ "name": name, "description": description, "inputSchema": { "type": "object", "properties": {} } })
}

/// What a tool says. The guard has let only calls of these two pass.
fn call(tool: &str, token: &AccessToken) -> Value {
    let text = match tool {
        CREATE => format!("a scooter, made by {}", token.subject().unwrap_or("nobody")),
        _ => "a bicycle, a kite".to_owned(),
    };
    json!({ "content": [{ "type": "text", "text": text }] })
}
