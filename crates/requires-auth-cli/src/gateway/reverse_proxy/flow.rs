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

/// How fast a body has to come, or an answer to be taken, while it is waited for.
pub(super) const LEAST_RATE: Rate = Rate(500);

/// Bytes per second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate(u64);

impl Rate {
    /// How long this many bytes take.
    pub(super) fn time_of(self, bytes: usize) -> Duration {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        Duration::from_millis(bytes.saturating_mul(1000) / self.0)
    }
}

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
    /// How fast it has to come.
    rate: Option<Rate>,
    /// For how long it may still be waited for. It is never more than `timeout`, and what comes adds to it.
    credit: Duration,
    waiting_since: Option<Instant>,
    /// When it has stood still for too long; there is none while it moves.
    limit: Option<Pin<Box<Sleep>>>,
}

impl<B: Body> Passing<B> {
    /// The body of an answer: an application may take its time, as long as it says something now and then.
    pub(super) fn of_application(body: B, timeout: Duration) -> Self {
        Self::new(body, Arc::new(Activity::new()), timeout, None)
    }

    /// The body of a request. It may be waited for as long as `timeout`, altogether: each piece of it gives back the time
    /// that it takes at the least rate. So a client cannot keep a connection with a byte now and then.
    pub(super) fn of_client(body: B, activity: Arc<Activity>, timeout: Duration) -> Self {
        Self::new(body, activity, timeout, Some(LEAST_RATE))
    }

    fn new(body: B, activity: Arc<Activity>, timeout: Duration, rate: Option<Rate>) -> Self {
        let passing =
            Self { body, activity, timeout, rate, credit: timeout, waiting_since: None, limit: None };
        passing.note();
        passing
    }

    /// This many bytes have come.
    fn came(&mut self, bytes: usize) {
        self.limit = None;
        let waited = self.waiting_since.take().map_or(Duration::ZERO, |since| since.elapsed());
        self.credit = match self.rate {
            Some(rate) => {
                self.timeout.min(self.credit.saturating_sub(waited).saturating_add(rate.time_of(bytes)))
            }
            None => self.timeout,
        };
        self.note();
    }

    /// It has moved. Whoever reads it need not ask for more once it says that there is none.
    fn note(&self) {
        self.activity.note();
        if self.body.is_end_stream() {
            self.activity.is_sent.store(true, Ordering::Relaxed);
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Passing<B>
where
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                self.came(frame.data_ref().map_or(0, Bytes::len));
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
                let now = Instant::now();
                let until = now + self.credit;
                self.waiting_since.get_or_insert(now);
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::BodyExt as _;
    use tokio::time::sleep;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(60);

    /// A body without an end: pieces of one length, each after a pause.
    struct Pieces {
        length: usize,
        pause: Duration,
        next: Pin<Box<Sleep>>,
    }

    impl Pieces {
        fn new(length: usize, pause: Duration) -> Self {
            Self { length, pause, next: Box::pin(sleep(pause)) }
        }
    }

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            std::task::ready!(self.next.as_mut().poll(cx));
            self.next = Box::pin(sleep(self.pause));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'a'; self.length])))))
        }
    }

    /// How long a body has been passed on, up to an hour.
    async fn passed<B: Body<Data = Bytes> + Unpin>(mut body: Passing<B>) -> Duration
    where
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(3600) && body.frame().await.is_some_and(|f| f.is_ok()) {}
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_comes_at_the_least_rate_or_not_at_all() {
        let hour = Duration::from_secs(3600);
        for (length, pause, is_passed) in [
            (1, 1, false),
            (1, 59, false),
            (2_500, 6, false),
            (2_500, 5, true),
            (29_500, 59, true),
            (10, 61, false),
        ] {
            let pieces = Pieces::new(length, Duration::from_secs(pause));
            let body = Passing::of_client(pieces, Arc::new(Activity::new()), TIMEOUT);
            let time = passed(body).await;
            assert_eq!(time >= hour, is_passed, "{length} bytes each {pause} s: {time:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_fast_is_not_saved_for_later() {
        // A hundred hours at the least rate.
        let mut body =
            Passing::of_client(Pieces::new(180_000_000, Duration::ZERO), Arc::new(Activity::new()), TIMEOUT);
        assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
        body.body.next = Box::pin(sleep(TIMEOUT * 2));
        assert!(passed(body).await <= TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn an_application_may_say_little_but_not_nothing() {
        let pieces = |pause| Pieces::new(1, Duration::from_secs(pause));
        assert!(passed(Passing::of_application(pieces(59), TIMEOUT)).await >= Duration::from_secs(3600));
        assert_eq!(passed(Passing::of_application(pieces(61), TIMEOUT)).await, TIMEOUT);
    }
}
