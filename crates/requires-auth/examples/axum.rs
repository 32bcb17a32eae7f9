//! An API behind a guard, with axum.
//!
//! ```console
//! $ export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
//! $ export REQUIRES_AUTH_AUDIENCE=https://api.example.com
//! $ cargo run -p requires-auth --example axum --features axum
//! $ curl -i -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8000/user/info
//! ```
//!
//! `REQUIRES_AUTH_JWKS` names a file with the keys, if they are not to be fetched;
//! `REQUIRES_AUTH_ALGORITHMS` narrows the algorithms; `PORT` is 8000 unless set, and 0 takes a free one.

use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;

use axum::Router;
use axum::routing::{get, post};
use requires_auth::{AccessToken, RequiresAuth};
use tokio::net::TcpListener;

fn app(auth: &RequiresAuth) -> Router {
    Router::new()
        .route("/user/info", get(user_info))
        // Two methods of one path are two lines: a layer guards the methods before it, and no other.
        .route("/orders", get(list_orders).layer(auth.require("read:orders")))
        .route("/orders", post(create_order).layer(auth.require("write:orders")))
        .route("/api/items", get(list_items).layer(auth.require("read:items")))
        // Any valid token will do for what stands above; what is added below is public.
        .layer(auth.layer())
        .route("/public", get(public))
}

async fn user_info(token: AccessToken) -> String {
    token.subject().unwrap_or("no subject").to_owned()
}

async fn list_orders() -> &'static str {
    "orders"
}

async fn create_order() -> &'static str {
    "the order was created"
}

async fn list_items() -> &'static str {
    "apples, pears"
}

async fn public() -> &'static str {
    "everybody may read this"
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    // A refusal is logged once, with the reason and a hint.
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).init();

    // With values of your own: RequiresAuth::new("https://tenant-id.logto.app/oidc", "https://api.example.com")?
    let auth = match RequiresAuth::from_env() {
        Ok(auth) => auth,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return Ok(ExitCode::from(2));
        }
    };

    let port = std::env::var("PORT").map_or(Ok(8000), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app(&auth)).await?;
    Ok(ExitCode::SUCCESS)
}

const USAGE: &str = "for example:
  export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
  export REQUIRES_AUTH_AUDIENCE=https://api.example.com";
