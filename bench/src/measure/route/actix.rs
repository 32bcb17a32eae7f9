//! The same routes of actix-web.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread;

use actix_web::http::header::AUTHORIZATION;
use actix_web::rt::System;
use actix_web::web::get;
use actix_web::{App, HttpRequest, HttpServer};

use super::hash;
use crate::fixture;

/// Serves until the process ends, with one worker.
pub(super) fn serve(jwks: String) -> Result<SocketAddr, String> {
    let (sender, address) = mpsc::channel();
    thread::spawn(move || {
        System::new().block_on(async {
            let warm = fixture::guard(&jwks, 10_000).await;
            let cold = fixture::guard(&jwks, 0).await;
            let server = HttpServer::new(move || {
                App::new()
                    .route("/warm", get().to(hello).wrap(warm.middleware()))
                    .route("/cold", get().to(hello).wrap(cold.middleware()))
                    .route("/hash", get().to(hello_after_hash))
                    .route("/open", get().to(hello))
            });
            let server = server.workers(1).bind((Ipv4Addr::LOCALHOST, 0))?;
            // The receiver waits for exactly this.
            sender.send(server.addrs()[0]).ok();
            server.run().await
        })
    });
    address.recv().map_err(|_| "the server of actix-web does not start".to_owned())
}

async fn hello() -> &'static str {
    "hello"
}

async fn hello_after_hash(request: HttpRequest) -> &'static str {
    hash(request.headers().get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes()));
    hello().await
}
