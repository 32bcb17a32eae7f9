//! An MCP server of rmcp: orders, which everybody with a token may list and some may create.

use axum::Router;
use axum::http::request::Parts;
use requires_auth::{AccessToken, RequiresAuth};
use rmcp::handler::server::common::Extension;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};

#[derive(Clone)]
struct Orders;

#[tool_router]
impl Orders {
    #[tool(description = "Lists the orders")]
    fn list_orders(&self) -> String {
        "orders: 1, 2".to_owned()
    }

    /// The guard has put the token into the extensions of the request, and rmcp hands these on.
    #[tool(description = "Creates an order for whoever calls")]
    fn create_order(&self, Extension(parts): Extension<Parts>) -> String {
        let subject = parts.extensions.get::<AccessToken>().and_then(AccessToken::subject);
        format!("created: 3 for {}", subject.unwrap_or("nobody"))
    }
}

#[tool_handler]
impl ServerHandler for Orders {}

/// The server behind its guard. `hosts` are the names under which clients call it: rmcp refuses all others.
pub fn app(auth: &RequiresAuth, hosts: &[&str]) -> Router {
    // Without sessions, as rmcp binds one to nobody: whoever learns the id of a session could go on with it.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_allowed_hosts(hosts.iter().copied());
    let mcp = StreamableHttpService::new(|| Ok(Orders), LocalSessionManager::default().into(), config);
    let guard = auth.mcp().scopes("read:orders").tool("list_orders", "").tool("create_order", "write:orders");
    Router::new().nest_service("/mcp", mcp).layer(guard.layer())
}
