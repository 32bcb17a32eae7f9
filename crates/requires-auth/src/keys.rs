//! The key set of a remote issuer: fetched on first need, kept for its life, fetched again in doubt.
//!
//! 1. Reads take no lock ([`RemoteKeys::fresh`]).
//! 2. One fetch at a time, in a task of its own: whoever waits for it may give up without ending it.
//! 3. A token with an unknown `kid`, or a signature that does not match, makes the set be fetched again
//!    within the same request, at most twice in 30 s per issuer; beyond that the answer comes at once.
//! 4. A failed fetch is not repeated before 1 s, doubling to 30 s.
//! 5. An empty or unusable set never replaces a good one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::sync::watch;
use url::Url;

use crate::clock::Clock;
use crate::discovery::{self, Answer, FetchFailure, MAX_METADATA_BYTES};
use crate::fetch::{Fetch, FetchError, FetchRequest, FetchResponse, TOTAL_TIMEOUT};
use crate::issuer::{IssuerUrl, Transport};
use crate::jose::key_set::{KeySet, KeySetLimits};

/// How long a set lives when the issuer does not say.
const DEFAULT_LIFE: Duration = Duration::from_secs(10 * 60);

/// `max-age` counts within these bounds, whatever the issuer says.
const LIFE_BOUNDS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 60 * 60));

/// How long the place of the key set is taken to be known.
const METADATA_LIFE: Duration = Duration::from_secs(60 * 60);

/// In doubt, a set is fetched again at most this many times ...
const DOUBTS: usize = 2;

/// ... within this time.
const DOUBT_WINDOW: Duration = Duration::from_secs(30);

/// Failed fetches are repeated no sooner than this, doubling up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How to get the keys of one issuer.
pub(crate) struct Source {
    pub(crate) issuer: IssuerUrl,
    pub(crate) transport: Transport,
    pub(crate) limits: KeySetLimits,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The keys of one remote issuer. A clone shares them.
#[derive(Clone)]
pub(crate) struct RemoteKeys {
    shared: Arc<Shared>,
}

/// Why fresh keys are wanted.
#[derive(Clone, Copy)]
pub(crate) enum Want<'k> {
    /// There are none, or they are past their life.
    Keys,
    /// These did not settle it: the `kid` is unknown, or the signature does not match.
    OtherThan(&'k Arc<KeySet>),
}

/// What came of wanting fresh keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// There is another set than before, or the same one fetched again.
    Yes,
    /// No fetch was due, or it failed; try again in this many seconds.
    No { retry_after: u32 },
}

struct Shared {
    source: Source,
    current: ArcSwapOption<Snapshot>,
    state: Mutex<State>,
}

struct Snapshot {
    keys: Arc<KeySet>,
    fetched_at: SystemTime,
    life: Duration,
}

#[derive(Default)]
struct State {
    flight: Option<watch::Receiver<Option<Refreshed>>>,
    doubts: Vec<SystemTime>,
    failures: u32,
    not_before: Option<SystemTime>,
    key_set_url: Option<(Url, SystemTime)>,
    last_failure: Option<FetchFailure>,
}

impl RemoteKeys {
    pub(crate) fn new(source: Source) -> Self {
        let shared = Shared { source, current: ArcSwapOption::empty(), state: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// The key set, unless there is none or it is past its life.
    pub(crate) fn fresh(&self, now: SystemTime) -> Option<Arc<KeySet>> {
        let current = self.shared.current.load();
        let snapshot = current.as_ref()?;
        // After a jump back of the clock the age is unknown, and the set is fetched again.
        let age = now.duration_since(snapshot.fetched_at).ok()?;
        (age < snapshot.life).then(|| Arc::clone(&snapshot.keys))
    }

    /// Fetches the keys again if that is due, or waits for a fetch that is already on its way.
    pub(crate) async fn refresh(&self, want: Want<'_>) -> Refreshed {
        let mut flight = match self.shared.board(want) {
            Ok(flight) => flight,
            Err(refreshed) => return refreshed,
        };
        match flight.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(refreshed)) => refreshed.clone(),
            // The task is gone without a word: its runtime has shut down.
            _ => Refreshed::No { retry_after: 1 },
        }
    }

    /// Why the last fetch failed, if it did.
    pub(crate) fn last_failure(&self) -> Option<FetchFailure> {
        self.shared.state().last_failure.clone()
    }

    pub(crate) fn issuer(&self) -> &Arc<str> {
        self.shared.source.issuer.identifier()
    }
}

impl Shared {
    /// Gets on the fetch that is on its way, or starts one.
    fn board(self: &Arc<Self>, want: Want<'_>) -> Result<watch::Receiver<Option<Refreshed>>, Refreshed> {
        let now = self.source.clock.now();
        let mut state = self.state();
        if let Want::OtherThan(seen) = want {
            let current = self.current.load();
            if current.as_ref().is_some_and(|snapshot| !Arc::ptr_eq(&snapshot.keys, seen)) {
                return Err(Refreshed::Yes);
            }
        }
        // A flight whose task is gone has a closed channel, and is replaced.
        if let Some(flight) = state.flight.as_ref().filter(|flight| flight.has_changed().is_ok()) {
            return Ok(flight.clone());
        }
        if let Some(wait) = state.not_before.and_then(|then| then.duration_since(now).ok()).filter(|wait| !wait.is_zero()) {
            return Err(Refreshed::No { retry_after: whole_seconds(wait) });
        }
        if let Want::OtherThan(_) = want {
            state.doubts.retain(|then| now.duration_since(*then).is_ok_and(|age| age < DOUBT_WINDOW));
            if state.doubts.len() >= DOUBTS {
                return Err(Refreshed::No { retry_after: 1 });
            }
            state.doubts.push(now);
        }
        let Ok(runtime) = Handle::try_current() else {
            tracing::error!(issuer = %self.source.issuer.identifier(), "keys cannot be fetched outside a tokio runtime");
            return Err(Refreshed::No { retry_after: 1 });
        };
        let (done, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let shared = Arc::clone(self);
        runtime.spawn(async move {
            let refreshed = shared.fly().await;
            done.send_replace(Some(refreshed));
        });
        Ok(flight)
    }

    /// One fetch, from take-off to landing.
    async fn fly(&self) -> Refreshed {
        let fetched = match tokio::time::timeout(TOTAL_TIMEOUT, self.fetch_keys()).await {
            Ok(fetched) => fetched,
            Err(_) => Err(FetchFailure::Fetch(FetchError::Timeout)),
        };
        let now = self.source.clock.now();
        let issuer = self.source.issuer.identifier();
        let mut state = self.state();
        state.flight = None;
        match fetched {
            Ok((keys, life)) => {
                for skipped in keys.skipped() {
                    tracing::warn!(%issuer, index = skipped.index(), reason = %skipped.reason(), "a key of the set is not used");
                }
                tracing::info!(%issuer, keys = keys.len(), life = life.as_secs(), "fetched the key set");
                self.current.store(Some(Arc::new(Snapshot { keys: Arc::new(keys), fetched_at: now, life })));
                state.failures = 0;
                state.not_before = None;
                state.last_failure = None;
                Refreshed::Yes
            }
            Err(failure) => {
                let wait = (BACKOFF.0 * 2_u32.saturating_pow(state.failures)).min(BACKOFF.1);
                tracing::warn!(
                    %issuer, result = failure.as_str(), error = %failure, hint = failure.hint(),
                    retry_after = wait.as_secs(), "the key set could not be fetched"
                );
                state.failures = state.failures.saturating_add(1).min(16);
                state.not_before = now.checked_add(wait);
                // Whatever went wrong, the place of the set may have changed.
                state.key_set_url = None;
                state.last_failure = Some(failure);
                Refreshed::No { retry_after: whole_seconds(wait) }
            }
        }
    }

    async fn fetch_keys(&self) -> Result<(KeySet, Duration), FetchFailure> {
        let limits = self.source.limits;
        let url = self.find_key_set().await?;
        let response = self.get(url, limits.bytes).await?;
        if response.status() != 200 {
            return Err(FetchFailure::Status(response.status()));
        }
        let keys = KeySet::read(response.body(), limits).map_err(|error| FetchFailure::KeySet(error.to_string()))?;
        if keys.is_empty() {
            return Err(FetchFailure::EmptyKeySet);
        }
        Ok((keys, life(response.cache_control())))
    }

    async fn find_key_set(&self) -> Result<Url, FetchFailure> {
        let Source { issuer, transport, clock, .. } = &self.source;
        if let Some((url, read_at)) = &self.state().key_set_url
            && clock.now().duration_since(*read_at).is_ok_and(|age| age < METADATA_LIFE)
        {
            return Ok(url.clone());
        }
        let mut last_status = 0;
        for url in issuer.metadata_urls() {
            let response = self.get(url, MAX_METADATA_BYTES).await?;
            match discovery::read(&response, issuer, *transport)? {
                Answer::KeySetAt(url) => {
                    self.state().key_set_url = Some((url.clone(), clock.now()));
                    return Ok(url);
                }
                Answer::NotHere(status) => last_status = status,
            }
        }
        Err(FetchFailure::NoMetadata(last_status))
    }

    async fn get(&self, url: Url, max_bytes: usize) -> Result<FetchResponse, FetchFailure> {
        self.source.fetch.fetch(FetchRequest::new(url, max_bytes)).await.map_err(FetchFailure::Fetch)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything can panic, so a poisoned one is still right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a set lives (RFC 9111 §5.2.2), within our own bounds: real servers send `max-age=0`, `no-store`
/// or nothing at all.
fn life(cache_control: Option<&str>) -> Duration {
    let Some(cache_control) = cache_control else { return DEFAULT_LIFE };
    let directives = || cache_control.split(',').map(str::trim);
    if directives().any(|directive| matches!(directive, "no-store" | "no-cache")) {
        return LIFE_BOUNDS.0;
    }
    let max_age = directives().find_map(|directive| directive.strip_prefix("max-age=")?.trim_matches('"').parse().ok());
    max_age.map_or(DEFAULT_LIFE, |seconds| Duration::from_secs(seconds).clamp(LIFE_BOUNDS.0, LIFE_BOUNDS.1))
}

/// At least 1, rounded up.
fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_set_keeps_within_bounds() {
        let seconds = |header: Option<&str>| life(header).as_secs();
        assert_eq!(seconds(None), 600);
        assert_eq!(seconds(Some("public")), 600);
        assert_eq!(seconds(Some("public, max-age=900")), 900);
        assert_eq!(seconds(Some("max-age=0")), 60);
        assert_eq!(seconds(Some("max-age=999999")), 86_400);
        assert_eq!(seconds(Some("no-cache, max-age=0, must-revalidate")), 60);
        assert_eq!(seconds(Some("max-age=900, no-store")), 60);
        assert_eq!(seconds(Some("max-age=x")), 600);
    }
}
