//! When a connection has to be closed that was opened with a token.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::RequiresAuth;
use crate::verify::AccessToken;

/// When a token ends with which a connection was opened, such as a WebSocket: it is to be closed then. There is no end where
/// `close_on_expiry` is off.
///
/// In axum, with the guard as state; `examples/axum_websocket.rs` is the whole program:
///
#[cfg_attr(feature = "axum", doc = "```")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
/// use axum::extract::State;
/// use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
/// use axum::response::Response;
/// use requires_auth::guard::TokenEnd;
/// use requires_auth::{AccessToken, RequiresAuth};
///
/// async fn live(upgrade: WebSocketUpgrade, token: AccessToken, State(auth): State<RequiresAuth>) -> Response {
///     let end = auth.token_end(&token);
///     // Of the subprotocols that a client offers, the server answers with one of these, and never with a token.
///     upgrade.protocols(["bearer"]).on_upgrade(async move |mut socket| loop {
///         tokio::select! {
///             () = end.reached() => {
///                 let frame = CloseFrame { code: TokenEnd::CLOSE_CODE, reason: TokenEnd::REASON.into() };
///                 socket.send(Message::Close(Some(frame))).await.ok();
///                 break;
///             }
///             message = socket.recv() => match message {
///                 Some(Ok(message)) => { /* answer it */ }
///                 _ => break,
///             },
///         }
///     })
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TokenEnd(Option<Instant>);

impl TokenEnd {
    /// The code to close a WebSocket with (RFC 6455 §7.4.1, policy violation).
    pub const CLOSE_CODE: u16 = 1008;

    /// The reason to close it with.
    pub const REASON: &'static str = "the token has expired";

    /// Waits for the end; for ever if there is none. It can be waited for again and again.
    pub async fn reached(self) {
        match self.0 {
            Some(end) => sleep_until(end).await,
            None => std::future::pending().await,
        }
    }

    /// How long it is until then; `None` if there is no end.
    pub fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }
}

impl RequiresAuth {
    /// When a connection has to be closed that is opened now with this token; see [`TokenEnd`].
    pub fn token_end(&self, token: &AccessToken) -> TokenEnd {
        // Further ahead than a clock can tell is no end.
        TokenEnd(self.closes_in(token).and_then(|left| Instant::now().checked_add(left)))
    }
}
