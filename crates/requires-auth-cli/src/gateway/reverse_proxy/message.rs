//! The body of a request to an MCP server: it is read and judged as a whole before any of it is passed on.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Either, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use requires_auth::mcp::Body;

use super::flow::{Activity, Passing, Silent};
use super::trouble::Trouble;
use crate::gateway::asked::Asked;
use crate::gateway::decide::{Decision, Gateway};
use crate::gateway::found::Unread;

/// The body of a request on its way to the application: as it comes from the client, or one that was judged.
pub(super) type Sent = Either<Incoming, Full<Bytes>>;

/// Reads the body of a request, up to the limit, and decides about it. What is passed on is what was judged, byte for byte.
///
/// # Errors
///
/// The client has not sent all of it in time.
pub(super) async fn judge(
    gateway: &Gateway,
    unread: &Unread,
    asked: Asked<'_>,
    body: Incoming,
    timeout: Duration,
) -> Result<(Decision, Sent), Trouble> {
    let bytes = match read(body, unread.limit(), timeout).await {
        Ok(bytes) => bytes,
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok((gateway.after_body(unread, asked, Body::TooLarge), nothing()));
        }
        Err(error) if error.is::<Silent>() => return Err(Trouble::SlowClient),
        Err(_) => return Ok((gateway.after_body(unread, asked, Body::Broken), nothing())),
    };
    let decision = gateway.after_body(unread, asked, Body::Bytes(&bytes));
    Ok((decision, Either::Right(Full::new(bytes))))
}

async fn read(
    body: Incoming,
    limit: usize,
    timeout: Duration,
) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let body = Passing::of_client(body, Arc::new(Activity::new()), timeout);
    Limited::new(body, limit).collect().await.map(http_body_util::Collected::to_bytes)
}

/// In the place of a body that is not passed on.
fn nothing() -> Sent {
    Either::Right(Full::default())
}
