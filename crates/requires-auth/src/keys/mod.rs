//! The key set of a remote issuer: fetched on first need, refreshed ahead of its end, served through an
//! outage for a bounded time.
//!
//! 1. Reads take no lock ([`RemoteKeys::current`]).
//! 2. One fetch at a time, in a task of its own: whoever waits for it may give up without ending it.
//! 3. From the first need on, a timer refreshes at 80 % of the life plus jitter, off the request path.
//! 4. While refreshes fail, the last good set serves up to an hour past its life, then nothing does.
//! 5. A token with an unknown `kid`, or a signature that does not match, makes the set be fetched again
//!    within the same request, at most twice in 30 s; beyond that the answer comes at once.
//! 6. An empty or unusable set never replaces a good one, and a key that a good fetch has removed is never
//!    used again.
//!
//! When to fetch is decided in `lifecycle` and `timing`, which are pure; `flight` fetches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::discovery::FetchFailure;
use crate::fetch::{FetchError, TOTAL_TIMEOUT};
use crate::jose::key_set::KeySet;
use crate::telemetry;

mod timing;
mod lifecycle;
mod flight;
mod saved;

pub(crate) use flight::Source;
use flight::{Content, Fetched, Validator};
use lifecycle::{Cause, Decision, Lifecycle};
use saved::SavedKeys;
pub(crate) use saved::StateFile;
use timing::{refresh_age, whole_seconds};

/// The timer looks at the clock at least this often, so that a jump of the clock is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// A request looks at the clock once. A set that lands a moment later is younger than that, and good all the same.
const A_MOMENT: Duration = TOTAL_TIMEOUT;

/// The keys of one remote issuer. A clone shares them.
#[derive(Clone)]
pub(crate) struct RemoteKeys {
    shared: Arc<Shared>,
}

/// Why fresh keys are wanted.
#[derive(Clone, Copy)]
pub(crate) enum Want<'k> {
    /// There are none, or they are too old to be used.
    Keys,
    /// These did not settle it: the `kid` is unknown, or the signature does not match.
    OtherThan { seen: &'k Arc<KeySet>, unknown_kid: Option<&'k str> },
}

/// What came of wanting fresh keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// The set was fetched for who asks; it may be another than before.
    Yes,
    /// A set has landed that was on its way before it was asked for. It may be older than the key that is wanted.
    Underway,
    /// No fetch was due, or it failed; try again in this many seconds.
    No { retry_after: u32 },
}

/// The state of the keys of one issuer, at one moment.
pub(crate) struct Status {
    pub(crate) keys: Option<Held>,
    pub(crate) last_failure: Option<FetchFailure>,
}

/// A set that was fetched.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) keys: Arc<KeySet>,
    pub(crate) fetched_at: SystemTime,
    pub(crate) life: Duration,
    pub(crate) refresh_at: SystemTime,
    pub(crate) is_from_file: bool,
    usable_for: Duration,
    validator: Option<Validator>,
}

struct Shared {
    source: Source,
    current: ArcSwapOption<Held>,
    state: Mutex<State>,
    timer_runs: Arc<AtomicBool>,
    saved: Option<Arc<StateFile>>,
}

#[derive(Default)]
struct State {
    lifecycle: Lifecycle,
    flight: Option<Flight>,
    timer: Option<AbortHandle>,
}

type Flight = watch::Receiver<Option<Refreshed>>;

impl RemoteKeys {
    /// Keys that are fetched on first need, beginning with those of `earlier`, or else in `saved`, that are not too old.
    pub(crate) fn new(source: Source, saved: Option<Arc<StateFile>>, earlier: Option<&Self>) -> Self {
        let now = source.clock.now();
        let taken = earlier.and_then(|earlier| Held::of(earlier, &source)).filter(|held| held.is_usable(now));
        let held = taken.or_else(|| {
            let held = Held::from_file(saved.as_ref()?, &source)?;
            held.is_usable(now).then_some(held)
        });
        let shared = Shared {
            source,
            current: ArcSwapOption::new(held.map(Arc::new)),
            state: Mutex::default(),
            timer_runs: Arc::default(),
            saved,
        };
        Self { shared: Arc::new(shared) }
    }

    /// The key set, unless there is none or it is too old to be used.
    pub(crate) fn current(&self, now: SystemTime) -> Option<Arc<KeySet>> {
        let current = self.shared.current.load();
        let held = current.as_ref()?;
        if now >= held.refresh_at {
            self.shared.start_timer();
        }
        held.is_usable(now).then(|| Arc::clone(&held.keys))
    }

    /// Whether this is the current set, and may be used.
    pub(crate) fn is_current(&self, keys: &Weak<KeySet>, now: SystemTime) -> bool {
        let current = self.shared.current.load();
        let Some(held) = current.as_ref() else { return false };
        if now >= held.refresh_at {
            self.shared.start_timer();
        }
        std::ptr::eq(keys.as_ptr(), Arc::as_ptr(&held.keys)) && held.is_usable(now)
    }

    /// Fetches the keys again if that is due, or waits for a fetch that is already on its way.
    pub(crate) async fn refresh(&self, want: Want<'_>) -> Refreshed {
        if let Want::OtherThan { seen, .. } = want {
            let current = self.shared.current.load();
            if current.as_ref().is_some_and(|held| !Arc::ptr_eq(&held.keys, seen)) {
                return Refreshed::Underway;
            }
        }
        let (cause, wanted) = match want {
            Want::Keys => (Cause::Need, None),
            Want::OtherThan { unknown_kid, .. } => (Cause::Doubt(unknown_kid), unknown_kid),
        };
        let refreshed = self.shared.fetch(cause).await;
        if let (Some(kid), Refreshed::Yes) = (wanted, refreshed) {
            self.shared.remember_if_unknown(kid);
        }
        refreshed
    }

    /// How the keys are doing.
    pub(crate) fn status(&self) -> Status {
        let keys = self.shared.current.load().as_ref().map(|held| Held::clone(held));
        Status { keys, last_failure: self.shared.state().lifecycle.last_failure().cloned() }
    }

    pub(crate) fn issuer(&self) -> &Arc<str> {
        self.shared.source.issuer.identifier()
    }
}

impl Held {
    /// What another guard holds, if that comes from the same place.
    fn of(earlier: &RemoteKeys, source: &Source) -> Option<Self> {
        let Shared { source: theirs, current, .. } = &*earlier.shared;
        let held = current.load_full().filter(|_| theirs.is_same_place(source))?;
        Some(Self { usable_for: held.life.saturating_add(source.stale), ..Self::clone(&held) })
    }

    fn from_file(file: &StateFile, source: &Source) -> Option<Self> {
        let SavedKeys { keys, fetched_at, life } = file.load(source.issuer.identifier(), source.limits)?;
        Some(Self {
            keys: Arc::new(keys),
            fetched_at,
            life,
            // What was saved is as old as the outage or the restart: it is refreshed at first need.
            refresh_at: source.clock.now(),
            is_from_file: true,
            usable_for: life.saturating_add(source.stale),
            validator: None,
        })
    }

    /// Whether the set may still be used: within its life, or past it by no more than the stale time.
    pub(crate) fn is_usable(&self, now: SystemTime) -> bool {
        match now.duration_since(self.fetched_at) {
            Ok(age) => age < self.usable_for,
            // After a jump back of the clock the age is unknown, and the set is fetched again.
            Err(ahead) => ahead.duration() <= A_MOMENT,
        }
    }
}

impl Shared {
    /// Gets on the fetch that is on its way, or starts one, and waits for it to land.
    async fn fetch(self: &Arc<Self>, cause: Cause<'_>) -> Refreshed {
        let (mut flight, is_own) = match self.board(cause) {
            Ok(boarded) => boarded,
            Err(retry_after) => return Refreshed::No { retry_after },
        };
        match flight.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Refreshed::Yes)) if !is_own => Refreshed::Underway,
            Ok(Some(refreshed)) => *refreshed,
            // The task is gone without a word: its runtime has shut down.
            _ => Refreshed::No { retry_after: 1 },
        }
    }

    /// A flight, and whether it takes off for this caller.
    fn board(self: &Arc<Self>, cause: Cause<'_>) -> Result<(Flight, bool), u32> {
        let mut state = self.state();
        // A flight whose task is gone has a closed channel, and is replaced.
        if let Some(flight) = state.flight.as_ref().filter(|flight| flight.has_changed().is_ok()) {
            return Ok((flight.clone(), false));
        }
        let Ok(runtime) = Handle::try_current() else {
            tracing::error!(issuer = %self.source.issuer.identifier(), "keys cannot be fetched outside a tokio runtime");
            return Err(1);
        };
        if let Decision::Wait(seconds) = state.lifecycle.decide(cause, self.source.clock.now()) {
            return Err(seconds);
        }
        let (done, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        drop(state);
        let wanted = match cause {
            Cause::Doubt(kid) => kid.map(ToOwned::to_owned),
            Cause::Need => None,
        };
        let shared = Arc::clone(self);
        runtime.spawn(async move {
            let refreshed = shared.fly(wanted.as_deref()).await;
            done.send_replace(Some(refreshed));
        });
        self.start_timer();
        Ok((flight, true))
    }

    /// One fetch, from take-off to landing. It has five seconds, discovery included.
    async fn fly(&self, wanted: Option<&str>) -> Refreshed {
        let held = self.current.load_full();
        let known = self.state().lifecycle.key_set_url(self.source.clock.now());
        let validator = held.as_ref().and_then(|held| held.validator.as_ref());
        let fetch = self.source.fetch_keys(known, validator, wanted);
        let fetched = tokio::time::timeout(TOTAL_TIMEOUT, fetch).await;
        match fetched.unwrap_or(Err(FetchFailure::Fetch(FetchError::Timeout))) {
            Ok(fetched) => self.land(fetched, held.as_deref()),
            Err(failure) => self.crash(&failure),
        }
    }

    fn land(&self, fetched: Fetched, held: Option<&Held>) -> Refreshed {
        let (now, issuer) = (self.source.clock.now(), self.source.issuer.identifier());
        let Fetched { url, life, content } = fetched;
        let (keys, validator) = match (content, held) {
            (Content::NotModified, Some(held)) => {
                if let Some(saved) = &self.saved {
                    saved.renew(issuer, now, life);
                }
                (Arc::clone(&held.keys), held.validator.clone())
            }
            // A server that says so of a set that we do not have is not to be believed.
            (Content::NotModified, None) => return self.crash(&FetchFailure::Status(304)),
            (Content::Keys { keys, json, etag }, held) => {
                for skipped in keys.skipped() {
                    tracing::warn!(%issuer, index = skipped.index(), reason = %skipped.reason(), "a key of the set is not used");
                }
                if let Some(saved) = &self.saved {
                    saved.save(issuer, json, now, life);
                }
                // The same keys stay the same set, so that whoever holds on to them need not look again.
                let same = held.map(|held| &held.keys).filter(|held| held.has_same_keys(&keys)).cloned();
                let validator = etag.map(|etag| Validator { url: url.clone(), etag });
                (same.unwrap_or_else(|| Arc::new(keys)), validator)
            }
        };
        tracing::info!(%issuer, keys = keys.len(), life = life.as_secs(), "fetched the key set");
        telemetry::key_fetch(issuer, "ok");
        let held = Held {
            keys,
            fetched_at: now,
            life,
            refresh_at: now + refresh_age(life),
            is_from_file: false,
            usable_for: life.saturating_add(self.source.stale),
            validator,
        };
        let mut state = self.state();
        let before = self.current.swap(Some(Arc::new(held.clone())));
        let kids_before = before.iter().flat_map(|before| before.keys.kids());
        state.flight = None;
        state.lifecycle.succeeded(kids_before.filter(|kid| !held.keys.has_kid(kid)), now);
        state.lifecycle.found_key_set_at(url, now);
        Refreshed::Yes
    }

    fn crash(&self, failure: &FetchFailure) -> Refreshed {
        let issuer = self.source.issuer.identifier();
        let mut state = self.state();
        let wait = state.lifecycle.failed(failure.clone(), self.source.clock.now());
        state.flight = None;
        drop(state);
        telemetry::key_fetch(issuer, failure.as_str());
        tracing::warn!(
            %issuer, result = failure.as_str(), error = %failure, hint = failure.hint(),
            retry_after = wait.as_secs(), "the key set could not be fetched"
        );
        Refreshed::No { retry_after: whole_seconds(wait) }
    }

    fn remember_if_unknown(&self, kid: &str) {
        let current = self.current.load();
        if current.as_ref().is_some_and(|held| !held.keys.has_kid(kid)) {
            self.state().lifecycle.remember_unknown(kid);
        }
    }

    /// Starts the timer, unless it runs or there is no runtime for it to run on.
    fn start_timer(self: &Arc<Self>) {
        if self.timer_runs.load(Ordering::Acquire) {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        if self.timer_runs.swap(true, Ordering::AcqRel) {
            return;
        }
        let running = Running(Arc::clone(&self.timer_runs));
        let keys = Arc::downgrade(self);
        let timer = runtime.spawn(async move {
            let _running = running;
            refresh_ahead(keys).await;
        });
        self.state().timer = Some(timer.abort_handle());
    }

    /// How long until the set is to be fetched again.
    fn until_due(&self) -> Duration {
        let now = self.source.clock.now();
        let current = self.current.load();
        let until_refresh = current
            .as_ref()
            .filter(|held| held.is_usable(now))
            .map_or(Duration::ZERO, |held| held.refresh_at.duration_since(now).unwrap_or_default());
        until_refresh.max(self.state().lifecycle.waits(now).unwrap_or_default())
    }

    /// Tells the age of the keys, and how long until they are to be fetched again.
    fn tick(&self) -> Duration {
        if let Some(held) = self.current.load().as_ref() {
            let age = self.source.clock.now().duration_since(held.fetched_at).unwrap_or_default();
            telemetry::key_age(self.source.issuer.identifier(), age);
        }
        self.until_due()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything can panic, so a poisoned one is still right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(timer) = self.state().timer.take() {
            timer.abort();
        }
    }
}

/// Says that the timer no longer runs, however it ends: also when its runtime shuts down.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Refreshes keys ahead of their end, until the last guard that uses them is gone.
async fn refresh_ahead(keys: Weak<Shared>) {
    loop {
        let Some(wait) = keys.upgrade().map(|shared| shared.tick()) else { return };
        if wait.is_zero() {
            let Some(shared) = keys.upgrade() else { return };
            let refreshed = shared.fetch(Cause::Need).await;
            drop(shared);
            if !matches!(refreshed, Refreshed::No { .. }) {
                continue;
            }
        }
        // A moment at least: a clock that stands still must not make this spin.
        tokio::time::sleep(wait.clamp(Duration::from_millis(100), LONGEST_SLEEP)).await;
    }
}
