//! A server of rmcp. Guards: `none` is all that rmcp has, which has no code for a protected resource; `ours`.
//!
//!     server --port N --issuer URL --resource URL --guard NAME

use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use requires_auth::RequiresAuth;
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
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = option("--port")?.parse()?;
    let sessions = Arc::new(LocalSessionManager::default());
    let mcp = StreamableHttpService::new(|| Ok(Orders), sessions, StreamableHttpServerConfig::default());
    let app = Router::new().nest_service("/mcp", mcp);
    let app = match option("--guard")?.as_str() {
        "ours" => guarded(app, &option("--issuer")?, &option("--resource")?)?,
        _ => app,
    };
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    axum::serve(listener, app).await?;
    Ok(())
}

fn guarded(app: Router, issuer: &str, resource: &str) -> Result<Router, Box<dyn Error>> {
    let auth = RequiresAuth::for_resource(issuer, resource)?;
    let guard = auth.mcp().scopes("read:orders").tool("create_order", "write:orders").any_tool("");
    Ok(app.layer(guard.layer()))
}

fn option(name: &str) -> Result<String, String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).ok_or_else(|| format!("{name} is missing"))
}
