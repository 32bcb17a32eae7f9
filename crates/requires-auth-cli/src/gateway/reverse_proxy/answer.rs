//! An answer of the application on its way to the client, which must not wait for the client for ever.
//!
//! A server of HTTP/2 does not ask a body for more while the window of its stream is shut. So it is not the body but
//! the care for all connections (`life`) that gives it up: what is given up frees the connection to the application at
//! once, and is an error if it is ever asked for again.

use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::Instant;
use tracing::info;

use super::flow::{LEAST_RATE, Silent};
use crate::gateway::life::{Abandon, Busy};

/// For how long a client may take nothing of an answer, beside the time that its last piece takes at the least rate.
const UNREAD_LIMIT: Duration = Duration::from_secs(60);

/// The client has everything, or it is not its turn.
const NEVER: u64 = u64::MAX;

/// A body that is given up if its client takes nothing of it.
pub(super) struct Answer<B: Send + 'static>(Arc<Shared<B>>);

struct Shared<B> {
    begun: Instant,
    /// Milliseconds from `begun` on, until when the client is to ask for more.
    due: AtomicU64,
    state: Mutex<State<B>>,
}

enum State<B> {
    /// The body, and what is to be kept until it has ended.
    Going(B, #[expect(dead_code, reason = "it is held")] Box<dyn Send>),
    Ended,
    GivenUp,
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Answer<B> {
    /// A body that keeps `busy` and `held` until its end.
    pub(super) fn new(body: B, busy: &Busy, held: impl Send + 'static) -> Self {
        let held: Box<dyn Send> = Box::new((busy.clone(), held));
        let state = Mutex::new(State::Going(body, held));
        let shared = Arc::new(Shared { begun: Instant::now(), due: AtomicU64::new(NEVER), state });
        shared.wait_for_client(0);
        let watched: Weak<Shared<B>> = Arc::downgrade(&shared);
        busy.watch(watched);
        Self(shared)
    }
}

impl<B> Shared<B> {
    fn state(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client has this many bytes to take.
    fn wait_for_client(&self, bytes: usize) {
        let time = self.begun.elapsed() + UNREAD_LIMIT + LEAST_RATE.time_of(bytes);
        self.due.store(u64::try_from(time.as_millis()).unwrap_or(NEVER), Ordering::Relaxed);
    }
}

impl<B: Send> Abandon for Shared<B> {
    fn abandon_if_due(&self, now: Instant) {
        let due = Duration::from_millis(self.due.load(Ordering::Relaxed));
        if now.saturating_duration_since(self.begun) < due {
            return;
        }
        self.due.store(NEVER, Ordering::Relaxed);
        let before = std::mem::replace(&mut *self.state(), State::GivenUp);
        match before {
            State::Going(..) => info!("a client has taken nothing of an answer for too long"),
            ended => *self.state() = ended,
        }
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Body for Answer<B>
where
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let shared = &self.0;
        let mut state = shared.state();
        let State::Going(body, _) = &mut *state else {
            let is_given_up = matches!(*state, State::GivenUp);
            return Poll::Ready(is_given_up.then(|| Err(Silent.into())));
        };
        // It is the application's turn until there is something to give.
        shared.due.store(NEVER, Ordering::Relaxed);
        let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
        if let Some(Ok(frame)) = frame {
            shared.wait_for_client(frame.data_ref().map_or(0, Bytes::len));
            return Poll::Ready(Some(Ok(frame)));
        }
        // What is held is dropped once the state can be asked again.
        let before = std::mem::replace(&mut *state, State::Ended);
        drop(state);
        drop(before);
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        match &*self.0.state() {
            State::Going(body, _) => body.is_end_stream(),
            State::Ended => true,
            State::GivenUp => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &*self.0.state() {
            State::Going(body, _) => body.size_hint(),
            State::Ended => SizeHint::with_exact(0),
            State::GivenUp => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};
    use tokio::time::advance;

    use super::*;
    use crate::gateway::life::Lives;

    /// An answer, its connection, and what it holds.
    fn answer() -> (Answer<Full<Bytes>>, Arc<crate::gateway::life::Life>, Weak<()>) {
        let life = Lives::default().begin(None);
        let held = Arc::new(());
        let weak = Arc::downgrade(&held);
        (Answer::new(Full::from("abc"), &life.begin(), held), life, weak)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_is_given_up_and_never_looks_whole() {
        let (mut answer, _life, held) = answer();
        advance(UNREAD_LIMIT.saturating_sub(Duration::from_millis(5))).await;
        answer.0.abandon_if_due(Instant::now());
        assert!(held.upgrade().is_some(), "there is time yet");
        advance(Duration::from_millis(10)).await;
        answer.0.abandon_if_due(Instant::now());
        assert!(held.upgrade().is_none(), "the connection to the application is free");
        assert!(!answer.is_end_stream());
        assert!(answer.frame().await.expect("no end").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_taken_is_whole_and_holds_nothing_any_more() {
        let (mut answer, _life, held) = answer();
        advance(UNREAD_LIMIT / 2).await;
        let frame = answer.frame().await.expect("a frame").expect("no error");
        assert_eq!(frame.into_data().expect("data"), "abc");
        advance(UNREAD_LIMIT).await;
        answer.0.abandon_if_due(Instant::now());
        assert!(answer.frame().await.is_none());
        assert!(answer.is_end_stream() && held.upgrade().is_none());
        advance(UNREAD_LIMIT * 2).await;
        answer.0.abandon_if_due(Instant::now());
        assert!(answer.is_end_stream(), "what has ended is not given up");
    }
}
