//! Asks the endpoint of one issuer: one call at a time for each token, so many at a time and so many a second.
//!
//! What comes of a call is for the guard to judge. It tells the outcome to everyone who waits for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::endpoint::Endpoint;
use super::failure::AskFailure;
use super::rate::Rate;
use super::refusals::Refusals;
use super::share::{Share, UnderWay};
use super::{Client, Introspect};
use crate::clock::Clock;
use crate::error::{Denial, Reason};
use crate::fetch::FetchError;
use crate::telemetry;
use crate::token_cache::CacheKey;
use crate::verify::AccessToken;

/// How long one call may take, with the look for the endpoint.
const LONGEST_CALL: Duration = Duration::from_secs(5);

/// A failure of a kind is logged once in this time.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// What comes of asking about a token.
pub(crate) type Outcome = Result<AccessToken, Denial>;

/// What is asked, of whom, and within which limits.
pub(crate) struct Asker {
    pub(super) issuer: Arc<str>,
    pub(super) client: Client,
    pub(super) endpoint: Endpoint,
    pub(super) introspect: Arc<dyn Introspect>,
    pub(super) clock: Arc<dyn Clock>,
    /// Whether the answer has to be signed (RFC 9701).
    pub(super) is_signed: bool,
    in_flight: usize,
    refusals: Option<Refusals>,
    state: Mutex<State>,
}

/// How much may be asked, and how long a refusal is remembered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) in_flight: usize,
    pub(crate) calls_per_second: u32,
    pub(crate) refusals: usize,
    pub(crate) refusal_ttl: Duration,
}

struct State {
    calls: HashMap<CacheKey, Call>,
    under_way: UnderWay,
    rate: Rate,
    logged: Option<(&'static str, SystemTime)>,
}

/// A call on its way.
struct Call {
    outcome: watch::Receiver<Option<Outcome>>,
    client: Option<Share>,
}

/// What to do about a token that has to be asked about.
pub(crate) enum Question {
    /// It was asked about in the meantime.
    Answered(Outcome),
    /// Somebody asks already: wait for this.
    Joined(watch::Receiver<Option<Outcome>>),
    /// Ask, and tell the outcome with the first; wait for it with the second.
    Started(StartedCall, watch::Receiver<Option<Outcome>>),
    /// There are too many calls at the moment.
    HeldBack,
}

/// The end of a call. Dropped without an outcome, it leaves those who wait without one, and the way free for the next call.
pub(crate) struct StartedCall {
    asker: Arc<Asker>,
    key: CacheKey,
    done: watch::Sender<Option<Outcome>>,
}

impl Asker {
    pub(crate) fn new(
        issuer: Arc<str>,
        client: Client,
        endpoint: Endpoint,
        introspect: Arc<dyn Introspect>,
        clock: Arc<dyn Clock>,
        is_signed: bool,
        limits: Limits,
    ) -> Self {
        let state = State {
            calls: HashMap::new(),
            under_way: UnderWay::default(),
            rate: Rate::new(limits.calls_per_second),
            logged: None,
        };
        Self {
            issuer,
            client,
            endpoint,
            introspect,
            clock,
            is_signed,
            in_flight: limits.in_flight,
            refusals: Refusals::new(limits.refusals, limits.refusal_ttl),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn client_id(&self) -> &str {
        self.client.id()
    }

    /// Whether the answer has to be signed.
    pub(crate) const fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// Why the token was refused a moment ago, if it was.
    pub(crate) fn refused(&self, key: &CacheKey, now: SystemTime) -> Option<Reason> {
        self.refusals.as_ref()?.get(key, now)
    }

    /// Remembers that a token was refused.
    pub(crate) fn refuse(&self, key: CacheKey, reason: Reason, now: SystemTime) {
        if let Some(refusals) = &self.refusals {
            refusals.insert(key, reason, now);
        }
    }

    /// Joins the call about a token, or starts one. `is_known` says that the token was good before: no flood of others
    /// keeps it from being asked about. `client` is who has sent it, where that is known: nobody takes the calls that others
    /// need. `look` tells what has become known of the token since the caller has looked.
    pub(crate) fn start_or_join(
        self: &Arc<Self>,
        key: CacheKey,
        is_known: bool,
        client: Option<Share>,
        look: impl FnOnce() -> Option<Outcome>,
    ) -> Question {
        let mut state = self.state();
        // A call whose task is gone has a closed channel, and is replaced.
        if let Some(call) = state.calls.get(&key).filter(|call| call.outcome.has_changed().is_ok()) {
            return Question::Joined(call.outcome.clone());
        }
        // A call tells what it has found out before it ends, so with this lock there is either the one or the other.
        if let Some(outcome) = look() {
            return Question::Answered(outcome);
        }
        let may_ask = if is_known {
            state.has_room(self.in_flight)
        } else {
            state.has_room_for(client, self.in_flight) && state.rate.take(client, self.clock.now())
        };
        if !may_ask {
            telemetry::introspection_held_back(&self.issuer);
            return Question::HeldBack;
        }
        let (done, call) = watch::channel(None);
        state.begin(key, Call { outcome: call.clone(), client });
        drop(state);
        Question::Started(StartedCall { asker: Arc::clone(self), key, done }, call)
    }

    /// Asks about a token, within five seconds in all.
    pub(crate) async fn call(&self, token: &str) -> Result<Vec<u8>, AskFailure> {
        let timed = telemetry::introspection(&self.issuer);
        let called = tokio::time::timeout(LONGEST_CALL, self.ask(token)).await;
        let called = called.unwrap_or(Err(AskFailure::Fetch(FetchError::Timeout)));
        timed.end(called.as_ref().map_or_else(AskFailure::as_str, |_| "ok"));
        if called.as_ref().is_err_and(AskFailure::may_have_moved) {
            self.endpoint.forget().await;
        }
        called
    }

    async fn ask(&self, token: &str) -> Result<Vec<u8>, AskFailure> {
        let url = self.endpoint.find().await?;
        let accept = if self.is_signed { "application/token-introspection+jwt" } else { "application/json" };
        let request = self.client.request(url, &self.issuer, token, accept, self.clock.now());
        let request = request.ok_or(AskFailure::NoRandomness)?;
        let response = self.introspect.introspect(request).await.map_err(AskFailure::Fetch)?;
        match response.status() {
            200 => Ok(response.into_body()),
            status => Err(AskFailure::of_status(status)),
        }
    }

    /// Finds the endpoint, so that a mistake shows before the first token. A failure is logged, as that of a token is.
    pub(crate) async fn warm(&self) -> Result<(), crate::discovery::FetchFailure> {
        let found = self.endpoint.find().await.map(drop);
        if let Err(failure) = &found {
            self.log(&failure.clone().into());
        }
        found
    }

    /// Logs a failure, unless one of its kind was logged a moment ago: strangers can bring it about.
    pub(crate) fn log(&self, failure: &AskFailure) {
        let (now, kind) = (self.clock.now(), failure.as_str());
        let mut state = self.state();
        let is_recent = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age < LOG_PAUSE);
        if state.logged.is_some_and(|(logged, at)| logged == kind && is_recent(at)) {
            return;
        }
        state.logged = Some((kind, now));
        drop(state);
        let (issuer, hint) = (self.issuer(), failure.hint());
        if failure.is_ours() {
            tracing::error!(issuer, cause = %failure, hint, "tokens cannot be introspected");
        } else {
            tracing::warn!(issuer, cause = %failure, hint, "tokens cannot be introspected");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether there may be one more call about a token that is not known: a quarter of all is for tokens that were good
    /// before. Of the rest, half is for clients that have fewer on their way than their share.
    fn has_room_for(&mut self, client: Option<Share>, in_flight: usize) -> bool {
        let room = in_flight - in_flight / 4;
        if !self.has_room(room) {
            return false;
        }
        let is_below_share = |client| self.under_way.is_below_share(client, room);
        self.calls.len() < room.div_ceil(2) || client.is_none_or(is_below_share)
    }

    fn has_room(&mut self, room: usize) -> bool {
        if self.calls.len() >= room {
            // Calls whose runtime has shut down have not said so.
            let under_way = &mut self.under_way;
            self.calls.retain(|_, call| {
                let is_alive = call.outcome.has_changed().is_ok();
                if !is_alive {
                    under_way.end(call.client);
                }
                is_alive
            });
        }
        self.calls.len() < room
    }

    fn begin(&mut self, key: CacheKey, call: Call) {
        self.under_way.begin(call.client);
        if let Some(dead) = self.calls.insert(key, call) {
            self.under_way.end(dead.client);
        }
    }
}

impl StartedCall {
    /// Tells the outcome to everyone who waits. What is to be remembered of it must be remembered by now.
    pub(crate) fn finish(self, outcome: Outcome) {
        // Whoever comes after somebody was told must not join: the answer may be older than what he knows.
        self.leave();
        self.done.send_replace(Some(outcome));
    }

    fn leave(&self) {
        let mut state = self.asker.state();
        let left = match state.calls.entry(self.key) {
            Entry::Occupied(call) if call.get().outcome.same_channel(&self.done.subscribe()) => call.remove(),
            _ => return,
        };
        state.under_way.end(left.client);
    }
}

impl Drop for StartedCall {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_whose_task_is_gone_takes_no_room() {
        let mut state = State {
            calls: HashMap::new(),
            under_way: UnderWay::default(),
            rate: Rate::new(100),
            logged: None,
        };
        let begin = |state: &mut State, name: &[u8]| {
            let (done, outcome) = watch::channel(None);
            state.begin(CacheKey::of(name), Call { outcome, client: None });
            done
        };
        let (alive, gone) = (begin(&mut state, b"alive"), begin(&mut state, b"gone"));
        assert!(!state.has_room(2) && state.has_room(3));
        drop(gone);
        assert!(state.has_room(2) && !state.has_room(1));
        // A quarter is for tokens that were good before.
        assert!(state.has_room_for(None, 4));
        let others = [begin(&mut state, b"one"), begin(&mut state, b"another")];
        assert!(!state.has_room_for(None, 4) && state.has_room(4));
        drop((alive, others));
    }
}
