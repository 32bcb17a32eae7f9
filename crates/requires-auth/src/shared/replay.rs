//! Used proofs in Redis: what one instance has seen, all know.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::health::SharedHealth;
use super::link::{Failure, Link, is_nil, is_ok};
use super::options::Options;
use crate::clock::Clock;
use crate::replay::{MemoryReplay, ReplayKey, ReplayStore, Shares, Use, UseFuture};
use crate::telemetry;

/// A proof is kept for so many seconds longer than it can be accepted by our clock, since those of other instances may be
/// behind it.
const CLOCKS_APART: u64 = 30;

/// What [`RedisReplay::with_longest_use`] is by default: a proof is accepted for a minute, with clocks 5 seconds apart.
const LONGEST_USE: u64 = 70;

/// So many proofs are remembered in memory while Redis does not answer, and a sixteenth of them for one client.
const ENTRIES_IN_MEMORY: usize = 1_000_000;

/// Used proofs that all instances know: `SET ra:NAMESPACE:j:ID 1 NX PX ..`, once for each proof.
///
/// It always has to be waited for, within [`SharedState::with_timeout`](super::SharedState::with_timeout). What a share may
/// hold is counted by each instance for itself.
pub struct RedisReplay {
    link: Arc<Link>,
    prefix: Box<str>,
    clock: Arc<dyn Clock>,
    seen: Arc<Seen>,
    longest_use: u64,
}

/// What this instance has seen itself. Guards that share a connection share it, too.
pub(super) struct Seen {
    /// Where the instance may go by that alone.
    memory: Option<MemoryReplay>,
    shares: Mutex<Shares>,
}

impl Seen {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            memory: options.falls_back.then(|| MemoryReplay::new(ENTRIES_IN_MEMORY)),
            shares: Mutex::new(Shares::of(ENTRIES_IN_MEMORY)),
        }
    }

    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RedisReplay {
    pub(super) fn new(link: Arc<Link>, options: &Options, seen: Arc<Seen>, clock: Arc<dyn Clock>) -> Self {
        let prefix = format!("ra:{}:j:", options.namespace).into();
        Self { link, prefix, clock, seen, longest_use: LONGEST_USE }
    }

    /// For how many seconds a proof can be accepted from its first use on, at the longest. Default 70.
    ///
    /// A server that has just started may have forgotten what it was told before. Proofs that may be from before its start are
    /// [`Use::Unavailable`]: those whose last second is not later than this after the start. Proofs that are signed afterwards
    /// pass at once, but for the seconds by which a proof may be ahead of our clock.
    #[must_use]
    pub fn with_longest_use(mut self, seconds: u64) -> Self {
        self.longest_use = seconds;
        self
    }

    /// By this clock instead of that of the machine, as a test wants it.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How the server is doing.
    pub fn health(&self) -> SharedHealth {
        self.link.health()
    }

    async fn ask(&self, key: ReplayKey, until: u64) -> Use {
        let clock = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = clock.as_secs();
        let own = self.seen.memory.as_ref().and_then(|memory| memory.first_use_now(&key, until, now));
        if own == Some(Use::Again) {
            return Use::Again;
        }
        if self.seen.shares().is_over(&key, now) {
            return Use::OverShare;
        }
        let milliseconds = until.saturating_sub(now).saturating_add(CLOCKS_APART).saturating_mul(1_000);
        let mut command = redis::cmd("SET");
        command.arg(self.name(&key)).arg(1).arg("NX").arg("PX").arg(milliseconds);
        let timed = telemetry::shared_state("replay");
        let answer = self.link.ask(&command).await;
        let (said, result) = match &answer {
            Ok(answer) if is_ok(&answer.value) && self.may_be_older(until, clock, answer.age) => {
                (Use::Unavailable, "restarted")
            }
            Ok(answer) if is_ok(&answer.value) => (Use::First, "first"),
            Ok(answer) if is_nil(&answer.value) => (Use::Again, "again"),
            Err(Failure::Full) => (Use::Full, "full"),
            Ok(_) | Err(Failure::Refused(_) | Failure::Unknown(_)) => match own {
                Some(own) => (own, "memory"),
                None => (Use::Unavailable, "unavailable"),
            },
        };
        timed.end(result);
        if said == Use::First {
            self.seen.shares().count(&key, until, now);
        }
        said
    }

    /// Whether a proof was used, without using it: `EXISTS`.
    async fn look(&self, key: ReplayKey, until: u64) -> Use {
        let mut command = redis::cmd("EXISTS");
        command.arg(self.name(&key));
        match self.link.ask(&command).await.map(|answer| answer.value) {
            Ok(redis::Value::Int(0)) => Use::First,
            Ok(redis::Value::Int(_)) => Use::Again,
            Ok(_) | Err(_) => match &self.seen.memory {
                Some(memory) => memory.look_up(key, until).await,
                None => Use::Unavailable,
            },
        }
    }

    /// Whether a proof may have been used before the server has started, which then does not know of it.
    fn may_be_older(&self, until: u64, now: Duration, age: Duration) -> bool {
        // The server counts seconds from one whole second to another.
        let started = now.saturating_sub(age).saturating_add(Duration::from_secs(1));
        Duration::from_secs(until) <= started.saturating_add(Duration::from_secs(self.longest_use))
    }

    fn name(&self, key: &ReplayKey) -> String {
        let mut name = String::with_capacity(self.prefix.len() + 22);
        name.push_str(&self.prefix);
        URL_SAFE_NO_PAD.encode_string(key.id, &mut name);
        name
    }
}

impl ReplayStore for RedisReplay {
    /// Always `None`: the answer is elsewhere.
    fn first_use_now(&self, _: &ReplayKey, _: u64, _: u64) -> Option<Use> {
        None
    }

    fn first_use(&self, key: ReplayKey, until: u64) -> UseFuture<'_> {
        Box::pin(self.ask(key, until))
    }

    fn look_up(&self, key: ReplayKey, until: u64) -> UseFuture<'_> {
        Box::pin(self.look(key, until))
    }
}

impl fmt::Debug for RedisReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplay")
            .field("link", &self.link)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
