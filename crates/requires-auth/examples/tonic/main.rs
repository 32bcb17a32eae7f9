//! A gRPC service behind a guard, with tonic.
//!
//! ```console
//! $ export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
//! $ export REQUIRES_AUTH_AUDIENCE=https://api.example.com
//! $ cargo run -p requires-auth --example tonic --features tonic
//! $ grpcurl -plaintext -H "authorization: Bearer $TOKEN" -import-path crates/requires-auth/examples/tonic -proto shop.proto \
//!     -d '{"text": "two apples"}' 127.0.0.1:50051 shop.Orders/Create
//! ```
//!
//! `PORT` is 50051 unless set, and 0 takes a free one. The service of health checks is open, as whoever watches over this server has no
//! token.

use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use requires_auth::{AccessToken, RequiresAuth};
use shop::{Order, OrdersServer};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

mod shop;

/// The orders of everybody.
#[derive(Clone, Debug)]
struct Orders;

impl shop::Orders for Orders {
    async fn create(&self, request: Request<Order>) -> Result<Response<Order>, Status> {
        // The layer has let this call through, so that there is a token.
        let token = request.extensions().get::<AccessToken>();
        let subject = token.and_then(AccessToken::subject).unwrap_or("a client");
        let text = format!("{} for {subject}", request.get_ref().text);
        Ok(Response::new(Order { text }))
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    // A refusal is logged once, with the reason and a hint.
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).init();

    let auth = match RequiresAuth::from_env() {
        Ok(auth) => auth,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return Ok(ExitCode::from(2));
        }
    };
    // A call that is not named needs any valid token.
    let layer =
        auth.grpc().require("shop.Orders/Create", "write:orders").open("grpc.health.v1.Health").layer();

    let (_reporter, health) = tonic_health::server::health_reporter();
    let port = std::env::var("PORT").map_or(Ok(50051), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Server::builder()
        .layer(layer)
        .add_service(health)
        .add_service(OrdersServer(Orders))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(ExitCode::SUCCESS)
}

const USAGE: &str = "for example:
  export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
  export REQUIRES_AUTH_AUDIENCE=https://api.example.com";
