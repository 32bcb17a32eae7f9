//! A WebSocket behind a guard, with axum: it repeats what it is told, and is closed when its token ends.
//!
//! ```console
//! $ export REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
//! $ export REQUIRES_AUTH_AUDIENCE=https://api.example.com
//! $ cargo run -p requires-auth --example axum_websocket --features axum
//! ```
//!
//! A page opens it with `new WebSocket("ws://127.0.0.1:8000/live", ["bearer", token])`.

use std::error::Error;
use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use requires_auth::credential::TokenPlace;
use requires_auth::guard::{Builder, TokenEnd};
use requires_auth::{AccessToken, RequiresAuth};
use tokio::net::TcpListener;

pub(crate) fn app(auth: &RequiresAuth) -> Router {
    Router::new().route("/live", any(live)).layer(auth.layer()).with_state(auth.clone())
}

async fn live(upgrade: WebSocketUpgrade, token: AccessToken, State(auth): State<RequiresAuth>) -> Response {
    let end = auth.token_end(&token);
    // Of what a client offers, the server answers with one of these, and never with a token.
    upgrade.protocols(["bearer"]).on_upgrade(move |socket| talk(socket, end))
}

async fn talk(mut socket: WebSocket, end: TokenEnd) {
    loop {
        let message = tokio::select! {
            () = end.reached() => break,
            message = socket.recv() => message,
        };
        match message {
            Some(Ok(message @ Message::Text(_))) => {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            Some(Ok(_)) => {}
            _ => return,
        }
    }
    let frame = CloseFrame { code: TokenEnd::CLOSE_CODE, reason: TokenEnd::REASON.into() };
    socket.send(Message::Close(Some(frame))).await.ok();
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).init();
    let places = [TokenPlace::authorization(), TokenPlace::subprotocol_after("bearer")?];
    let auth = Builder::from_env().with_token_from(places).build()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 8000)).await?;
    println!("listening on ws://{}/live", listener.local_addr()?);
    axum::serve(listener, app(&auth)).await?;
    Ok(())
}
