//! A bare server of rmcp, as the gateway protects one. `--guard none` is all that rmcp has: it has no code for a
//! protected resource.
//!
//!     server --port N --issuer URL --resource URL --guard NAME

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
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

    #[tool(description = "Creates an order")]
    fn create_order(&self) -> String {
        "created: 3".to_owned()
    }
}

#[tool_handler]
impl ServerHandler for Orders {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = option("--port").ok_or("--port is missing")?.parse()?;
    let sessions = Arc::new(LocalSessionManager::default());
    let mcp = StreamableHttpService::new(|| Ok(Orders), sessions, StreamableHttpServerConfig::default());
    let app = Router::new().nest_service("/mcp", mcp);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    axum::serve(listener, app).await?;
    Ok(())
}

fn option(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}
