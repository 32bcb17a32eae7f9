//! `WebSocket` (RFC 6455): a connection that is handed over once the application has agreed to that.
//!
//! The token was valid when the connection began; how long it may go on is up to the application.

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Version};
use hyper::body::Body;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tracing::debug;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const AS_UPGRADE: HeaderValue = HeaderValue::from_static("upgrade");

/// The client's connection, if the request asks for a WebSocket. No other protocol is passed on.
pub(super) fn asked<B: Body>(request: &mut Request<B>) -> Option<OnUpgrade> {
    let is_asked = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.body().is_end_stream()
        && is_agreed(request.headers());
    is_asked.then(|| hyper::upgrade::on(request))
}

/// Whether these headers change the protocol to WebSocket.
pub(super) fn is_agreed(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(UPGRADE).iter();
    let (Some(protocol), None) = (protocols.next(), protocols.next()) else { return false };
    let mut options =
        headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    protocol.as_bytes().eq_ignore_ascii_case(b"websocket")
        && options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

/// Says that the protocol changes, on the next connection.
pub(super) fn announce(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, AS_UPGRADE);
    headers.insert(UPGRADE, WEBSOCKET);
}

/// Carries bytes both ways until one side ends. What is `held` is free after that: above all the client's permit.
pub(super) async fn tunnel<H: Send>(client: OnUpgrade, application: OnUpgrade, held: H) {
    let connections = tokio::try_join!(client, application);
    let carried = match connections {
        Ok((client, application)) => {
            let (mut client, mut application) = (TokioIo::new(client), TokioIo::new(application));
            tokio::io::copy_bidirectional(&mut client, &mut application)
                .await
                .map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = carried {
        debug!(error, "a websocket ended early");
    }
    drop(held);
}
