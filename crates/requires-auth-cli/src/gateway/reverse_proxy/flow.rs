//! Bodies on their way, and for how long nothing may happen to them.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

/// When a request was last seen to move.
pub(super) struct Activity {
    begun: Instant,
    /// Milliseconds since then.
    last: AtomicU64,
    is_sent: AtomicBool,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), last: AtomicU64::new(0), is_sent: AtomicBool::new(false) }
    }

    /// Whether the client has sent all of it.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent.load(Ordering::Relaxed)
    }

    fn note(&self) {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Relaxed);
    }

    fn until(&self, timeout: Duration) -> Instant {
        self.begun + Duration::from_millis(self.last.load(Ordering::Relaxed)) + timeout
    }

    /// Waits for an answer, as long as the request is moving; `None` if it has stood still for `timeout`.
    pub(super) async fn watch<F: Future>(&self, answer: F, timeout: Duration) -> Option<F::Output> {
        let mut answer = std::pin::pin!(answer);
        loop {
            let until = self.until(timeout);
            match timeout_at(until, &mut answer).await {
                Ok(answer) => return Some(answer),
                Err(_) if self.until(timeout) > until => {}
                Err(_) => return None,
            }
        }
    }
}

/// A body that is passed on as it comes, without its trailers.
pub(super) struct Passing<B> {
    body: B,
    activity: Arc<Activity>,
    timeout: Duration,
    /// When it has stood still for too long; there is none while it moves.
    limit: Option<Pin<Box<Sleep>>>,
}

impl<B: Body> Passing<B> {
    pub(super) fn new(body: B, activity: Arc<Activity>, timeout: Duration) -> Self {
        let passing = Self { body, activity, timeout, limit: None };
        passing.note();
        passing
    }

    /// It has moved. Whoever reads it need not ask for more once it says that there is none.
    fn note(&self) {
        self.activity.note();
        if self.body.is_end_stream() {
            self.activity.is_sent.store(true, Ordering::Relaxed);
        }
    }
}

impl<B: Body<Data = Bytes, Error = hyper::Error> + Unpin> Body for Passing<B> {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                self.limit = None;
                self.note();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            // Trailers are the last that there is of a body.
            Poll::Ready(_) => {
                self.activity.note();
                self.activity.is_sent.store(true, Ordering::Relaxed);
                Poll::Ready(None)
            }
            Poll::Pending => {
                let until = Instant::now() + self.timeout;
                let limit = self.limit.get_or_insert_with(|| Box::pin(sleep_until(until)));
                limit.as_mut().poll(cx).map(|()| Some(Err(Silent.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that has stood still.
#[derive(Debug)]
pub(super) struct Silent;

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing has come for too long")
    }
}

impl Error for Silent {}
