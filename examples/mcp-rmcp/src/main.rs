//! `cargo run -- ISSUER RESOURCE PORT`, for example
//! `cargo run -- https://tenant-id.logto.app/oidc https://api.example.com/mcp 8080`.

use std::error::Error;
use std::net::Ipv4Addr;

use requires_auth::RequiresAuth;
use requires_auth_example_mcp_rmcp::app;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [issuer, resource, port] = arguments.as_slice() else {
        return Err("write: ISSUER RESOURCE PORT".into());
    };
    let auth = RequiresAuth::for_resource(issuer, resource)?;
    let host = resource.split('/').nth(2).unwrap_or_default();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    axum::serve(listener, app(&auth, &[host, "localhost", "127.0.0.1"])).await?;
    Ok(())
}
