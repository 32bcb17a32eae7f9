//! The routes of axum.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::routing::get;
use tokio::net::TcpListener;

use super::{Workers, hash, runtime};
use crate::fixture;

/// Serves until the process ends.
pub(super) fn serve(jwks: String, workers: Workers) -> Result<SocketAddr, String> {
    let (sender, address) = mpsc::channel();
    thread::spawn(move || {
        runtime(workers).block_on(async {
            let warm = fixture::guard(&jwks, 10_000).await;
            let cold = fixture::guard(&jwks, 0).await;
            let app = Router::new()
                .route("/warm", get(hello).layer(warm.layer()))
                .route("/cold", get(hello).layer(cold.layer()))
                .route("/hash", get(hello_after_hash))
                .route("/open", get(hello));
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            // The receiver waits for exactly this.
            sender.send(listener.local_addr()?).ok();
            axum::serve(listener, app).await
        })
    });
    address.recv().map_err(|_| "the server of axum does not start".to_owned())
}

async fn hello() -> &'static str {
    "hello"
}

async fn hello_after_hash(headers: HeaderMap) -> &'static str {
    hash(headers.get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes()));
    hello().await
}
