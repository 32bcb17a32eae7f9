//! The key set of a remote issuer: fetched on first need, refreshed ahead of its end, served through an
//! outage for a bounded time.
//!
//! 1. Reads take no lock ([`RemoteKeys::current`]).
//! 2. One fetch at a time, in a task of its own: a caller that waits for it may give up without ending it.
//! 3. From the first need on, a timer refreshes at 80 % of the life plus jitter, off the request path.
//! 4. While refreshes fail, the last good set serves up to an hour past its life, then nothing does.
//! 5. A token with an unknown `kid`, or a signature that does not match, makes the set be fetched again
//!    within the same request. Where that fetch fails or is held back, it cannot be known whether the token is good, and
//!    the answer says so; only a good fetch makes it a bad token.
//! 6. An empty or unusable set never replaces a good one, and a key that a good fetch has removed is never
//!    used again.
//!
//! When to fetch is decided in `lifecycle`, `doubts` and `timing`, which are pure; `fetching` fetches, `timer` refreshes.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::discovery::FetchFailure;
use crate::jose::key_set::KeySet;
use crate::telemetry;

mod timing;
mod bucket;
mod doubts;
mod unproven;
mod fetching;
mod lifecycle;
mod saved;
mod held;
mod log;
mod timer;
mod examine;

pub(crate) use doubts::Doubt;
use doubts::Mark;
pub use examine::{Examination, ExaminedDocument};
pub(crate) use fetching::Source;
use fetching::{Failed, Fetched, Place};
pub(crate) use held::Held;
pub(crate) use lifecycle::LastFailure;
use lifecycle::{Cause, Decision, Lifecycle};
pub(crate) use log::shown;
pub(crate) use saved::StateFile;
pub(crate) use timing::whole_seconds;
pub(crate) use unproven::{Allowance, Unproven};

/// The keys of one remote issuer. A clone shares them.
#[derive(Clone)]
pub(crate) struct RemoteKeys {
    shared: Arc<Shared>,
}

/// Keys of the same issuer that another guard has.
#[derive(Clone, Copy)]
pub(crate) enum Earlier<'k> {
    /// What it has fetched is what this one begins with.
    Copied(&'k RemoteKeys),
    /// They are those of both from now on, if they come from the same place in the same way.
    Shared(&'k RemoteKeys),
}

/// Why fresh keys are wanted.
#[derive(Clone, Copy)]
pub(crate) enum Want<'k> {
    /// There are none, or they are too old to be used.
    Keys,
    /// These did not settle it.
    OtherThan { seen: &'k Arc<KeySet>, doubt: Doubt<'k> },
}

/// What came of wanting fresh keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// The set was fetched for who asks; it may be another than before.
    Yes,
    /// A fetch has brought a set that was in progress before it was asked for. The set may be older than the key that is
    /// wanted.
    Underway,
    /// What the keys at hand say of the token holds: a good fetch has said so before, or just now.
    Settled,
    /// The fetch has failed or was held back; there may be another in this many seconds.
    No { retry_after: u32 },
}

/// The state of the keys of one issuer, at one moment.
pub(crate) struct Status {
    pub(crate) keys: Option<Held>,
    pub(crate) last_failure: Option<LastFailure>,
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
    running: Option<Running>,
    timer: Option<AbortHandle>,
}

/// Tells who waits for a fetch what has come of it.
type Running = watch::Receiver<Option<Refreshed>>;

impl RemoteKeys {
    /// Keys that are fetched on first need, beginning with those of `earlier`, or else in `saved`, that are not too old.
    pub(crate) fn new(source: Source, saved: Option<Arc<StateFile>>, earlier: Option<Earlier<'_>>) -> Self {
        let earlier = match earlier {
            Some(Earlier::Shared(keys)) if keys.shared.source.is_same(&source) => return keys.clone(),
            Some(Earlier::Shared(keys) | Earlier::Copied(keys)) => Some(keys),
            None => None,
        };
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

    /// Fetches the keys again if that is due, or waits for the fetch in progress.
    pub(crate) async fn refresh(&self, want: Want<'_>) -> Refreshed {
        if let Want::OtherThan { seen, .. } = want {
            let current = self.shared.current.load();
            if current.as_ref().is_some_and(|held| !Arc::ptr_eq(&held.keys, seen)) {
                return Refreshed::Underway;
            }
        }
        self.shared.refresh(want.into()).await
    }

    /// Remembers that these keys do not settle a doubt though they were fetched for it.
    pub(crate) fn remember(&self, seen: &Arc<KeySet>, doubt: Doubt<'_>) {
        let mut state = self.shared.state();
        // A set is accepted under this lock, so it is still the one that was tried.
        if self.shared.current.load().as_ref().is_some_and(|held| Arc::ptr_eq(&held.keys, seen)) {
            let mark = state.lifecycle.doubts.mark(doubt);
            state.lifecycle.doubts.remember(mark, self.shared.source.clock.now());
        }
    }

    /// How the keys are doing.
    pub(crate) fn status(&self) -> Status {
        let keys = self.shared.current.load().as_ref().map(|held| Held::clone(held));
        Status { keys, last_failure: self.shared.state().lifecycle.last_failure().cloned() }
    }

    /// Fetches everything anew, and tells what was found. What is in use stays.
    pub(crate) async fn examine(&self) -> Examination {
        self.shared.source.examine().await
    }

    pub(crate) fn issuer(&self) -> &Arc<str> {
        self.shared.source.issuer.identifier()
    }
}

impl<'k> From<Want<'k>> for Cause<'k> {
    fn from(want: Want<'k>) -> Self {
        match want {
            Want::Keys => Self::Need,
            Want::OtherThan { doubt, .. } => Self::Doubt(doubt),
        }
    }
}

impl Shared {
    /// Joins the fetch in progress, or starts one, and waits for its end.
    async fn refresh(self: &Arc<Self>, cause: Cause<'_>) -> Refreshed {
        let (mut running, is_own) = match self.start_or_join(cause) {
            Ok(running) => running,
            Err(refreshed) => return refreshed,
        };
        match running.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Refreshed::Yes)) if !is_own => Refreshed::Underway,
            Ok(Some(refreshed)) => *refreshed,
            // The task is gone without a word: its runtime has shut down.
            _ => Refreshed::No { retry_after: 1 },
        }
    }

    /// The fetch in progress, and whether this call started it; or what there is to say without a fetch.
    fn start_or_join(self: &Arc<Self>, cause: Cause<'_>) -> Result<(Running, bool), Refreshed> {
        let mut state = self.state();
        let now = self.source.clock.now();
        let mark = state.lifecycle.mark(cause);
        if mark.is_some_and(|mark| state.lifecycle.doubts.is_settled(mark, now)) {
            return Err(Refreshed::Settled);
        }
        // A fetch whose task is gone has a closed channel, and is replaced.
        if let Some(running) = state.running.as_ref().filter(|running| running.has_changed().is_ok()) {
            return Ok((running.clone(), false));
        }
        let Ok(runtime) = Handle::try_current() else {
            tracing::error!(issuer = %self.source.issuer.identifier(), "keys cannot be fetched outside a tokio runtime");
            return Err(Refreshed::No { retry_after: 1 });
        };
        let fetched_at = self.current.load().as_ref().map(|held| held.fetched_at);
        match state.lifecycle.decide(cause, fetched_at, now) {
            Decision::Fetch => self
                .source
                .may_fetch(now)
                .map_err(|wait| Refreshed::No { retry_after: whole_seconds(wait) })?,
            Decision::HeldBack(retry_after) => return Err(Refreshed::No { retry_after }),
            Decision::Settled => return Err(Refreshed::Settled),
        }
        let (done, running) = watch::channel(None);
        state.running = Some(running.clone());
        drop(state);
        let wanted = match cause {
            Cause::Doubt(Doubt::Kid(kid)) => Some(kid.to_owned()),
            Cause::Doubt(Doubt::Signature(_)) | Cause::Need => None,
        };
        let shared = Arc::clone(self);
        runtime.spawn(async move {
            let refreshed = shared.fetch(mark, wanted.as_deref()).await;
            done.send_replace(Some(refreshed));
        });
        self.start_timer();
        Ok((running, true))
    }

    /// One fetch, from its begin to its end. `wanted` is the `kid` that it is for, `mark` what is in doubt.
    async fn fetch(&self, mark: Option<Mark>, wanted: Option<&str>) -> Refreshed {
        let began = self.source.clock.now();
        let held = self.current.load_full();
        let known = self.state().lifecycle.key_set_url(began);
        let validator = held.as_ref().and_then(|held| held.validator.as_ref());
        match self.source.fetch_keys(known, validator, wanted).await {
            Ok(fetched) => self.accept(fetched, held.as_deref(), mark, wanted),
            Err(failed) => self.fail(&failed, mark, began),
        }
    }

    fn accept(
        &self,
        fetched: Fetched,
        before: Option<&Held>,
        mark: Option<Mark>,
        wanted: Option<&str>,
    ) -> Refreshed {
        let (now, issuer) = (self.source.clock.now(), self.source.issuer.identifier());
        let label = self.source.label();
        let url = fetched.url.clone();
        let Some((held, json)) = Held::of_fetch(fetched, before, &self.source, now) else {
            // A server that says so of a set that we do not have is not to be believed.
            let failed = Failed { url: Some(url), failure: FetchFailure::Status(304), place: Place::Known };
            return self.fail(&failed, mark, now);
        };
        match (&self.saved, json) {
            (Some(saved), Some(json)) => saved.save(issuer, json, now, held.life),
            (Some(saved), None) => saved.renew(issuer, now, held.life),
            (None, _) => {}
        }
        log::fetched(issuer, &held);
        telemetry::key_fetch(label, "ok");
        let keys = Arc::clone(&held.keys);
        let mut state = self.state();
        let before = self.current.swap(Some(Arc::new(held)));
        state.running = None;
        let lifecycle = &mut state.lifecycle;
        lifecycle.succeeded(url, now);
        let is_same = before.as_ref().is_some_and(|before| Arc::ptr_eq(&before.keys, &keys));
        let kids_before = before.iter().flat_map(|before| before.keys.kids());
        let withdrawn = kids_before.filter(|kid| !keys.has_kid(kid));
        lifecycle.doubts.accepted(withdrawn, keys.kids(), !is_same, now);
        let is_unsettled = wanted.map_or(is_same, |kid| !keys.has_kid(kid));
        if let Some(mark) = mark.filter(|_| is_unsettled) {
            lifecycle.doubts.remember(mark, now);
        }
        Refreshed::Yes
    }

    fn fail(&self, failed: &Failed, mark: Option<Mark>, began: SystemTime) -> Refreshed {
        let (now, issuer) = (self.source.clock.now(), self.source.issuer.identifier());
        let mut state = self.state();
        let wait = state.lifecycle.failed(failed, mark, began, now);
        state.running = None;
        drop(state);
        telemetry::key_fetch(self.source.label(), failed.failure.as_str());
        log::failed(issuer, failed, wait, self.current.load().as_deref(), now);
        Refreshed::No { retry_after: whole_seconds(wait) }
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
