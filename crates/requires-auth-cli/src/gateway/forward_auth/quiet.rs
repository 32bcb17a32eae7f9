//! Work that leaves no trace: the second question about a request whose refusal is logged and counted already.

use std::future::{Future, poll_fn};
use std::pin::pin;

use tracing::dispatcher::{Dispatch, with_default};

use crate::gateway::telemetry::silently;

/// Does it without its log lines and its metrics. What it starts as a task of its own, a fetch of keys, keeps them.
pub(super) async fn quietly<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|context| silently(|| with_default(&Dispatch::none(), || work.as_mut().poll(context)))).await
}
