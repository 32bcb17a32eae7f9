//! What each connection is doing, and when it has to end.
//!
//! A connection ends when the version of its protocol is not known in time, when nothing has been asked on it for too
//! long, and, where all connections are taken, when it has been idle for longer than any other. Whether a client says
//! something does not count: a PING is not a request.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::debug;

use super::connection_limit::Share;

/// How long a client may take until it is known whether it speaks HTTP/1.1 or HTTP/2, TLS included.
pub(crate) const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// How long a connection may be without a request. One of HTTP/1.1 has less: the time for the head of its next request.
pub(crate) const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// How long a client may take to close a connection that it was asked to close.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// How long a connection must have been idle to make room for another. Who has just come may be about to ask.
const SPARED: Duration = Duration::from_secs(1);

/// How often all are looked at.
const TICK: Duration = Duration::from_secs(1);

/// What a client of HTTP/2 says first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An answer on its way, which is given up once its client has not taken any of it for too long.
pub(crate) trait Abandon: Send + Sync {
    fn abandon_if_due(&self, now: Instant);
}

/// How a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In good order: what is asked is answered, and nothing more.
    Soon,
    /// At once.
    Now,
}

/// The life of one connection.
pub(crate) struct Life {
    share: Option<Share>,
    begun: Instant,
    /// How many bytes have been those of [`PREFACE`]; [`KNOWN`] once that says which version it is.
    matched: AtomicU8,
    /// Requests that are being answered.
    busy: AtomicUsize,
    /// Milliseconds from `begun` on, of the end of the last answer.
    idle_since: AtomicU64,
    end: AtomicU8,
    ends: Notify,
    answers: Mutex<Vec<Weak<dyn Abandon>>>,
}

const KNOWN: u8 = u8::MAX;

impl Life {
    fn new(share: Option<Share>) -> Self {
        Self {
            share,
            begun: Instant::now(),
            matched: AtomicU8::new(0),
            busy: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            end: AtomicU8::new(0),
            ends: Notify::new(),
            answers: Mutex::default(),
        }
    }

    /// Looks at what the client says first.
    pub(crate) fn heard(&self, bytes: &[u8]) {
        let mut matched = self.matched.load(Ordering::Relaxed);
        if matched == KNOWN {
            return;
        }
        for byte in bytes {
            matched += 1;
            let is_preface = PREFACE.get(usize::from(matched) - 1) == Some(byte);
            if !is_preface || usize::from(matched) == PREFACE.len() {
                matched = KNOWN;
                break;
            }
        }
        self.matched.store(matched, Ordering::Relaxed);
    }

    /// A request begins.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// Waits until this connection is to end.
    pub(crate) async fn ends(&self) -> End {
        loop {
            self.ends.notified().await;
            match self.end.load(Ordering::Relaxed) {
                0 => {}
                1 => return End::Soon,
                _ => return End::Now,
            }
        }
    }

    /// Asks for the end, if that has not been asked for yet.
    fn end(&self, end: End) {
        let end = match end {
            End::Soon => 1,
            End::Now => 2,
        };
        if self.end.fetch_max(end, Ordering::Relaxed) < end {
            self.ends.notify_one();
        }
    }

    /// For how long it has been idle; `None` while a request is being answered.
    fn idle(&self, now: Instant) -> Option<Duration> {
        let since = self.begun + Duration::from_millis(self.idle_since.load(Ordering::Relaxed));
        (self.busy.load(Ordering::Relaxed) == 0).then(|| now.saturating_duration_since(since))
    }

    /// Ends what has had its time.
    fn look(&self, now: Instant) {
        // Nothing of an answer is dropped while its list is locked: that may be the last of the connection.
        let answers: Vec<_> = {
            let mut answers = self.answers();
            answers.retain(|answer| answer.strong_count() > 0);
            answers.iter().filter_map(Weak::upgrade).collect()
        };
        for answer in answers {
            answer.abandon_if_due(now);
        }
        let age = now.saturating_duration_since(self.begun);
        let is_known = self.matched.load(Ordering::Relaxed) == KNOWN;
        match self.idle(now) {
            _ if !is_known && age >= VERSION_LIMIT => {
                debug!("a client has not said in time what it speaks");
                self.end(End::Now);
            }
            Some(idle) if idle >= IDLE_LIMIT + CLOSE_LIMIT => self.end(End::Now),
            Some(idle) if idle >= IDLE_LIMIT => self.end(End::Soon),
            _ => {}
        }
    }

    fn answers(&self) -> MutexGuard<'_, Vec<Weak<dyn Abandon>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered, for as long as anybody has this.
pub(crate) struct Busy(Arc<Life>);

impl Busy {
    /// Has an answer looked at until it is dropped.
    pub(crate) fn watch(&self, answer: Weak<dyn Abandon>) {
        self.0.answers().push(answer);
    }
}

impl Clone for Busy {
    fn clone(&self) -> Self {
        self.0.begin()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let idle_since = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.idle_since.store(idle_since, Ordering::Relaxed);
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The lives of all connections of a listener.
#[derive(Default)]
pub(crate) struct Lives(Mutex<Vec<Weak<Life>>>);

impl Lives {
    /// A connection begins.
    pub(crate) fn begin(&self, share: Option<Share>) -> Arc<Life> {
        let life = Arc::new(Life::new(share));
        self.all().push(Arc::downgrade(&life));
        life
    }

    /// Ends the one that has been idle for longest, of this share or of all, and tells whether there was one.
    pub(crate) fn end_idlest(&self, share: Option<Share>) -> bool {
        let now = Instant::now();
        let all = self.all();
        let candidates = all
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|life| (share.is_none() || life.share == share) && life.end.load(Ordering::Relaxed) < 2);
        let idle = candidates.filter_map(|life| Some((life.idle(now)?, life)));
        let idlest = idle.filter(|(idle, _)| *idle >= SPARED).max_by_key(|(idle, _)| *idle);
        drop(all);
        idlest.is_some_and(|(_, life)| {
            life.end(End::Now);
            true
        })
    }

    /// Looks at all of them, again and again. It does not end.
    pub(crate) async fn look_after(self: Arc<Self>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look(Instant::now());
        }
    }

    fn look(&self, now: Instant) {
        let lives: Vec<_> = {
            let mut all = self.all();
            all.retain(|life| life.strong_count() > 0);
            all.iter().filter_map(Weak::upgrade).collect()
        };
        for life in lives {
            life.look(now);
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Weak<Life>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    async fn end_of(life: &Life) -> Option<End> {
        timeout(Duration::ZERO, life.ends()).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_says_in_time_what_it_speaks_or_is_gone() {
        let clients: [(&[&[u8]], bool); 8] = [
            (&[][..], false),
            (&[b"P"], false),
            (&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"], false),
            (&[b"PRI * HTTP/2.0\r\n", b"\r\nSM\r\n\r\n"], true),
            (&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nand more than that"], true),
            (&[b"P", b"OST"], true),
            (&[b"G"], true),
            (&[b"\0"], true),
        ];
        for (said, is_known) in clients {
            let lives = Lives::default();
            let life = lives.begin(None);
            for bytes in said {
                life.heard(bytes);
            }
            advance(VERSION_LIMIT.saturating_sub(Duration::from_millis(1))).await;
            lives.look(Instant::now());
            assert_eq!(end_of(&life).await, None, "{said:?}");
            advance(Duration::from_millis(2)).await;
            lives.look(Instant::now());
            assert_eq!(end_of(&life).await, (!is_known).then_some(End::Now), "{said:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_request_is_asked_to_close_and_then_closed() {
        let lives = Lives::default();
        let life = lives.begin(None);
        life.heard(PREFACE);
        let busy = life.begin();
        advance(IDLE_LIMIT * 3).await;
        lives.look(Instant::now());
        assert_eq!(end_of(&life).await, None, "a request is being answered");
        let copy = busy.clone();
        drop(busy);
        advance(IDLE_LIMIT * 3).await;
        lives.look(Instant::now());
        assert_eq!(end_of(&life).await, None, "its body is under way");
        drop(copy);
        advance(IDLE_LIMIT).await;
        lives.look(Instant::now());
        assert_eq!(end_of(&life).await, Some(End::Soon));
        lives.look(Instant::now());
        assert_eq!(end_of(&life).await, None, "it is told once");
        advance(CLOSE_LIMIT).await;
        lives.look(Instant::now());
        assert_eq!(end_of(&life).await, Some(End::Now));
    }

    #[tokio::test(start_paused = true)]
    async fn the_idlest_makes_room_and_one_that_is_busy_or_new_does_not() {
        let share = Some(Share::of([192, 0, 2, 1].into()));
        let lives = Lives::default();
        let busy = lives.begin(None);
        let _request = busy.begin();
        advance(SPARED).await;
        let (idlest, own) = (lives.begin(None), lives.begin(share));
        advance(SPARED).await;
        let new = lives.begin(None);
        assert!(lives.end_idlest(share));
        assert_eq!(end_of(&own).await, Some(End::Now));
        assert!(lives.end_idlest(None));
        assert_eq!(end_of(&idlest).await, Some(End::Now));
        assert!(!lives.end_idlest(None), "nobody else has been idle for long enough");
        assert_eq!((end_of(&busy).await, end_of(&new).await), (None, None));
        drop((idlest, own));
        lives.look(Instant::now());
        assert_eq!(lives.all().len(), 2, "those that have ended are forgotten");
    }
}
