//! When a key set may be fetched: a state machine without IO, whose every input is an argument.
//!
//! - What a token leaves in doubt asks for a fetch unless that is settled already, within its bucket (`doubts`).
//! - After a failure no fetch before 1 s, doubling to 8 s, less up to a fifth, for whatever reason one is wanted.
//! - The place of the key set is kept between tries. Where a try there fails, the next one reads the metadata again.

use std::time::{Duration, SystemTime};

use url::Url;

use super::doubts::{Doubt, Doubts, Mark};
use super::fetching::{Failed, Place};
use super::timing::{backoff, sooner, whole_seconds};
use crate::discovery::FetchFailure;

/// How long the place of the key set is taken to be known.
const METADATA_LIFE: Duration = Duration::from_secs(60 * 60);

/// A set that is younger answers a doubt that its bucket holds back.
const YOUNG: Duration = Duration::from_secs(10);

/// Why a fetch is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause<'t> {
    /// A token that the keys at hand do not settle.
    Doubt(Doubt<'t>),
    /// There are no keys, or their time has come.
    Need,
}

/// Whether to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Fetch,
    /// Not before this many seconds: until then nobody can tell.
    HeldBack(u32),
    /// What the keys at hand say holds.
    Settled,
}

/// What is remembered of the fetches of one issuer.
#[derive(Default)]
pub(super) struct Lifecycle {
    pub(super) doubts: Doubts,
    failures: u32,
    not_before: Option<SystemTime>,
    key_set_at: Option<(Url, SystemTime)>,
    /// Whether the last try at that place has failed.
    was_in_vain: bool,
    last_failure: Option<LastFailure>,
}

/// Why the last fetch failed, and what could not be fetched.
#[derive(Clone, Debug)]
pub(crate) struct LastFailure {
    pub(crate) failure: FetchFailure,
    pub(crate) url: Option<Url>,
}

impl Lifecycle {
    /// Decides whether to fetch now; a fetch for doubt is taken from its bucket. `fetched_at` is when the set at hand
    /// was fetched.
    pub(super) fn decide(
        &mut self,
        cause: Cause<'_>,
        fetched_at: Option<SystemTime>,
        now: SystemTime,
    ) -> Decision {
        let mark = self.mark(cause);
        if mark.is_some_and(|mark| self.doubts.is_settled(mark, now)) {
            return Decision::Settled;
        }
        if let Some(wait) = self.waits(now) {
            return Decision::HeldBack(whole_seconds(wait));
        }
        let Some(Err(wait)) = mark.map(|mark| self.doubts.take(mark, now)) else { return Decision::Fetch };
        // A set that is ahead of the clock was accepted a moment ago.
        let is_young = |then| now.duration_since(then).unwrap_or_default() < YOUNG;
        if fetched_at.is_some_and(is_young) {
            Decision::Settled
        } else {
            Decision::HeldBack(whole_seconds(wait))
        }
    }

    /// What is in doubt, in the form that may be kept.
    pub(super) fn mark(&self, cause: Cause<'_>) -> Option<Mark> {
        match cause {
            Cause::Doubt(doubt) => Some(self.doubts.mark(doubt)),
            Cause::Need => None,
        }
    }

    /// How long fetches are held back after a failure; `None` if they are not.
    pub(super) fn waits(&self, now: SystemTime) -> Option<Duration> {
        // A clock that jumped back would hold fetches back for the length of the jump; no wait is that long.
        let wait = self.not_before?.duration_since(now).ok()?;
        (!wait.is_zero() && wait <= backoff(u32::MAX)).then_some(wait)
    }

    /// Remembers a good fetch from this place.
    pub(super) fn succeeded(&mut self, url: Url, now: SystemTime) {
        self.failures = 0;
        self.not_before = None;
        self.last_failure = None;
        self.was_in_vain = false;
        self.key_set_at = Some((url, now));
    }

    /// Remembers a failure of a fetch for `mark` that was begun at `began`; returns for how long fetches are held back.
    ///
    /// The wait counts from the beginning, so that a provider that is silent does not make it longer.
    pub(super) fn failed(
        &mut self,
        failed: &Failed,
        mark: Option<Mark>,
        began: SystemTime,
        now: SystemTime,
    ) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let gone = now.duration_since(began).unwrap_or_default();
        let wait = sooner(backoff(self.failures)).saturating_sub(gone).max(sooner(backoff(1)));
        self.not_before = now.checked_add(wait);
        match failed.place {
            Place::Known => self.was_in_vain = true,
            Place::Metadata => self.was_in_vain = false,
            Place::Learnt => {
                self.was_in_vain = false;
                self.key_set_at = failed.url.clone().map(|url| (url, now));
            }
        }
        self.last_failure = Some(LastFailure { failure: failed.failure.clone(), url: failed.url.clone() });
        if let Some(mark) = mark {
            self.doubts.give_back(mark);
        }
        wait
    }

    /// Where to fetch the key set, unless the metadata are to be read first: they are old, or the last try there failed.
    pub(super) fn key_set_url(&self, now: SystemTime) -> Option<Url> {
        let (url, read_at) = self.key_set_at.as_ref().filter(|_| !self.was_in_vain)?;
        let is_recent = now.duration_since(*read_at).is_ok_and(|age| age < METADATA_LIFE);
        // While the metadata cannot be had, an old place is better than none.
        (is_recent || self.failures > 0).then(|| url.clone())
    }

    pub(super) const fn last_failure(&self) -> Option<&LastFailure> {
        self.last_failure.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::FetchError;

    const KID: Cause<'_> = Cause::Doubt(Doubt::Kid("a"));
    const SIGNATURE: Cause<'_> = Cause::Doubt(Doubt::Signature(b"a.b.c"));

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    fn jwks() -> Url {
        "https://a.example/jwks".parse().expect("a URL")
    }

    fn failed(place: Place) -> Failed {
        Failed { url: Some(jwks()), failure: FetchFailure::Fetch(FetchError::Timeout), place }
    }

    fn fail(lifecycle: &mut Lifecycle, second: u64) -> Duration {
        lifecycle.failed(&failed(Place::Metadata), None, at(second), at(second))
    }

    #[test]
    fn an_empty_bucket_is_an_answer_while_the_set_is_young_and_a_doubt_later() {
        let mut lifecycle = Lifecycle::default();
        for cause in [KID, SIGNATURE] {
            for _ in 0..2 {
                assert_eq!(lifecycle.decide(cause, Some(at(0)), at(9)), Decision::Fetch);
            }
            assert_eq!(lifecycle.decide(cause, Some(at(0)), at(9)), Decision::Settled);
            assert_eq!(lifecycle.decide(cause, Some(at(0)), at(10)), Decision::HeldBack(14));
        }
        assert_eq!(
            lifecycle.decide(Cause::Need, Some(at(0)), at(10)),
            Decision::Fetch,
            "a need is not a doubt"
        );
    }

    #[test]
    fn what_is_settled_takes_nothing_from_the_bucket() {
        let mut lifecycle = Lifecycle::default();
        for cause in [KID, SIGNATURE] {
            let mark = lifecycle.mark(cause).expect("a doubt");
            lifecycle.doubts.remember(mark, at(0));
            for _ in 0..10 {
                assert_eq!(lifecycle.decide(cause, None, at(20)), Decision::Settled);
            }
        }
        assert_eq!(lifecycle.decide(Cause::Doubt(Doubt::Kid("b")), None, at(20)), Decision::Fetch);
        assert_eq!(lifecycle.decide(Cause::Doubt(Doubt::Signature(b"a.b.d")), None, at(20)), Decision::Fetch);
    }

    #[test]
    fn failures_hold_back_every_cause_and_nobody_can_tell() {
        let mut lifecycle = Lifecycle::default();
        fail(&mut lifecycle, 0);
        let wait = fail(&mut lifecycle, 1);
        assert!(wait > Duration::from_millis(1500) && wait <= Duration::from_secs(2), "{wait:?}");
        for cause in [Cause::Need, KID, SIGNATURE] {
            assert_eq!(lifecycle.decide(cause, Some(at(1)), at(1)), Decision::HeldBack(2), "{cause:?}");
            assert_eq!(lifecycle.decide(cause, Some(at(1)), at(3)), Decision::Fetch, "{cause:?}");
        }
        lifecycle.succeeded(jwks(), at(3));
        assert!(fail(&mut lifecycle, 4) <= Duration::from_secs(1), "a success starts over");
    }

    #[test]
    fn a_failed_fetch_is_not_taken_from_the_bucket() {
        let mut lifecycle = Lifecycle::default();
        for second in [0, 10, 20, 30] {
            assert_eq!(lifecycle.decide(KID, None, at(second)), Decision::Fetch, "{second}");
            let mark = lifecycle.mark(KID);
            lifecycle.failed(&failed(Place::Metadata), mark, at(second), at(second));
        }
    }

    #[test]
    fn the_time_of_a_silent_fetch_counts_as_waiting() {
        let mut lifecycle = Lifecycle::default();
        for second in 0..10 {
            fail(&mut lifecycle, second);
        }
        let wait = lifecycle.failed(&failed(Place::Known), None, at(20), at(25));
        assert!(wait > Duration::from_secs(1) && wait <= Duration::from_secs(3), "{wait:?}");
        let wait = lifecycle.failed(&failed(Place::Known), None, at(20), at(35));
        assert!(wait >= Duration::from_millis(800) && wait <= Duration::from_secs(1), "{wait:?}");
    }

    #[test]
    fn a_jump_back_of_the_clock_holds_nothing_back() {
        let mut lifecycle = Lifecycle::default();
        fail(&mut lifecycle, 10_000);
        assert_eq!(lifecycle.decide(Cause::Need, None, at(0)), Decision::Fetch);
    }

    #[test]
    fn the_place_of_the_set_is_known_for_an_hour() {
        let mut lifecycle = Lifecycle::default();
        assert_eq!(lifecycle.key_set_url(at(0)), None);
        lifecycle.succeeded(jwks(), at(0));
        assert_eq!(lifecycle.key_set_url(at(3599)), Some(jwks()));
        assert_eq!(lifecycle.key_set_url(at(3600)), None);
    }

    #[test]
    fn what_was_learnt_is_kept_between_tries() {
        let mut lifecycle = Lifecycle::default();
        let mut fail = |place| {
            lifecycle.failed(&failed(place), None, at(0), at(0));
            lifecycle.key_set_url(at(4000)).is_some()
        };
        assert!(!fail(Place::Metadata), "nothing is known yet");
        assert!(fail(Place::Learnt), "the metadata need not be read again");
        assert!(!fail(Place::Known), "the set may have moved");
        assert!(fail(Place::Metadata), "the place is still the best that is known");
    }
}
