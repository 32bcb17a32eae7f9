//! When a key set may be fetched: a state machine without IO, whose every input is an argument.
//!
//! - In doubt (an unknown `kid`, a signature that does not match) at most 2 fetches in 30 s.
//! - A `kid` that a fetch has just not found is remembered, and asks for no other, until the next good fetch.
//! - A `kid` that a fetch has just removed asks for no other for 30 s: its tokens are still about, and must not
//!   use up what the next rotation needs.
//! - After a failure no fetch before 1 s, doubling to 30 s, for whatever reason one is wanted.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, SystemTime};

use url::Url;

use super::timing::{backoff, whole_seconds};
use crate::discovery::FetchFailure;

/// In doubt, a set is fetched again at most this many times ...
const DOUBTS: usize = 2;

/// ... within this time.
const DOUBT_WINDOW: Duration = Duration::from_secs(30);

/// How long the place of the key set is taken to be known.
const METADATA_LIFE: Duration = Duration::from_secs(60 * 60);

/// How many kids are remembered, of each kind. Beyond, the bucket alone holds a flood back.
const MAX_UNKNOWN_KIDS: usize = 1024;

/// Why a fetch is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause<'k> {
    /// A token that the keys at hand do not settle, with its `kid` if that is unknown.
    Doubt(Option<&'k str>),
    /// There are no keys, or theirs time has come.
    Need,
}

/// Whether to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Fetch,
    /// Not before this many seconds.
    Wait(u32),
}

/// What is remembered of the fetches of one issuer.
#[derive(Default)]
pub(super) struct Lifecycle {
    doubts: Vec<SystemTime>,
    unknown_kids: HashSet<u64>,
    withdrawn_kids: Vec<(u64, SystemTime)>,
    hasher: RandomState,
    failures: u32,
    not_before: Option<SystemTime>,
    key_set_url: Option<(Url, SystemTime)>,
    last_failure: Option<FetchFailure>,
}

impl Lifecycle {
    /// Decides whether to fetch now; a fetch for doubt is taken from the bucket.
    pub(super) fn decide(&mut self, cause: Cause<'_>, now: SystemTime) -> Decision {
        if let Some(wait) = self.waits(now) {
            return Decision::Wait(whole_seconds(wait));
        }
        let Cause::Doubt(kid) = cause else { return Decision::Fetch };
        // After a jump back of the clock nothing has an age, and nothing is recent.
        let is_recent = |then: SystemTime| now.duration_since(then).is_ok_and(|age| age < DOUBT_WINDOW);
        self.doubts.retain(|&then| is_recent(then));
        self.withdrawn_kids.retain(|&(_, then)| is_recent(then));
        if kid.is_some_and(|kid| self.is_known_to_be_absent(self.hasher.hash_one(kid))) {
            return Decision::Wait(1);
        }
        if self.doubts.len() >= DOUBTS {
            return Decision::Wait(1);
        }
        self.doubts.push(now);
        Decision::Fetch
    }

    fn is_known_to_be_absent(&self, kid: u64) -> bool {
        self.unknown_kids.contains(&kid) || self.withdrawn_kids.iter().any(|&(withdrawn, _)| withdrawn == kid)
    }

    /// How long fetches are held back after a failure; `None` if they are not.
    pub(super) fn waits(&self, now: SystemTime) -> Option<Duration> {
        // A clock that jumped back would hold fetches back for the length of the jump; no wait is that long.
        let wait = self.not_before?.duration_since(now).ok()?;
        (!wait.is_zero() && wait <= backoff(u32::MAX)).then_some(wait)
    }

    /// Remembers a good fetch, and the kids that it removed.
    pub(super) fn succeeded<'k>(&mut self, withdrawn: impl Iterator<Item = &'k str>, now: SystemTime) {
        self.withdrawn_kids.extend(withdrawn.map(|kid| (self.hasher.hash_one(kid), now)));
        let excess = self.withdrawn_kids.len().saturating_sub(MAX_UNKNOWN_KIDS);
        self.withdrawn_kids.drain(..excess);
        self.failures = 0;
        self.not_before = None;
        self.last_failure = None;
        self.unknown_kids.clear();
    }

    /// Remembers a failure; returns for how long fetches are held back.
    pub(super) fn failed(&mut self, failure: FetchFailure, now: SystemTime) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let wait = backoff(self.failures);
        self.not_before = now.checked_add(wait);
        // Whatever went wrong, the place of the set may have changed.
        self.key_set_url = None;
        self.last_failure = Some(failure);
        wait
    }

    /// Remembers a `kid` that the newest set does not have.
    pub(super) fn remember_unknown(&mut self, kid: &str) {
        if self.unknown_kids.len() < MAX_UNKNOWN_KIDS {
            self.unknown_kids.insert(self.hasher.hash_one(kid));
        }
    }

    /// Where the key set is, as far as that is known and recent.
    pub(super) fn key_set_url(&self, now: SystemTime) -> Option<Url> {
        let (url, read_at) = self.key_set_url.as_ref()?;
        now.duration_since(*read_at).is_ok_and(|age| age < METADATA_LIFE).then(|| url.clone())
    }

    pub(super) fn found_key_set_at(&mut self, url: Url, now: SystemTime) {
        self.key_set_url = Some((url, now));
    }

    pub(super) const fn last_failure(&self) -> Option<&FetchFailure> {
        self.last_failure.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::FetchError;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    #[test]
    fn the_bucket_holds_two_doubts_in_thirty_seconds() {
        let mut lifecycle = Lifecycle::default();
        let decisions: Vec<_> = [0, 10, 20, 29, 30, 31, 40, 41]
            .map(|second| lifecycle.decide(Cause::Doubt(None), at(second)) == Decision::Fetch)
            .into();
        assert_eq!(decisions, [true, true, false, false, true, false, true, false]);
        assert_eq!(lifecycle.decide(Cause::Need, at(41)), Decision::Fetch, "a need is no doubt");
    }

    #[test]
    fn a_kid_that_was_not_found_takes_nothing_from_the_bucket() {
        let mut lifecycle = Lifecycle::default();
        lifecycle.remember_unknown("gone");
        for _ in 0..10 {
            assert_eq!(lifecycle.decide(Cause::Doubt(Some("gone")), at(0)), Decision::Wait(1));
        }
        assert_eq!(lifecycle.decide(Cause::Doubt(Some("new")), at(0)), Decision::Fetch);
        lifecycle.succeeded(std::iter::empty(), at(0));
        assert_eq!(
            lifecycle.decide(Cause::Doubt(Some("gone")), at(1)),
            Decision::Fetch,
            "forgotten at a good fetch"
        );
    }

    #[test]
    fn a_kid_that_was_removed_asks_for_nothing_for_a_while() {
        let mut lifecycle = Lifecycle::default();
        lifecycle.succeeded(["old"].into_iter(), at(0));
        lifecycle.succeeded(std::iter::empty(), at(10));
        assert_eq!(lifecycle.decide(Cause::Doubt(Some("old")), at(29)), Decision::Wait(1));
        assert_eq!(
            lifecycle.decide(Cause::Doubt(Some("old")), at(30)),
            Decision::Fetch,
            "it may have come back"
        );
    }

    #[test]
    fn the_memory_of_kids_is_bounded() {
        let mut lifecycle = Lifecycle::default();
        let kids: Vec<_> = (0..10_000).map(|i| format!("kid-{i}")).collect();
        for kid in &kids {
            lifecycle.remember_unknown(kid);
        }
        assert_eq!(lifecycle.unknown_kids.len(), MAX_UNKNOWN_KIDS);
        lifecycle.succeeded(kids.iter().map(String::as_str), at(0));
        assert_eq!(lifecycle.withdrawn_kids.len(), MAX_UNKNOWN_KIDS);
    }

    #[test]
    fn failures_hold_back_every_cause() {
        let mut lifecycle = Lifecycle::default();
        let failure = || FetchFailure::Fetch(FetchError::Timeout);
        lifecycle.failed(failure(), at(0));
        lifecycle.failed(failure(), at(1));
        assert_eq!(lifecycle.decide(Cause::Need, at(1)), Decision::Wait(2));
        assert_eq!(lifecycle.decide(Cause::Doubt(None), at(2)), Decision::Wait(1));
        assert_eq!(lifecycle.decide(Cause::Need, at(3)), Decision::Fetch);
        lifecycle.succeeded(std::iter::empty(), at(0));
        assert_eq!(lifecycle.failed(failure(), at(4)), Duration::from_secs(1), "a success starts over");
    }

    #[test]
    fn a_jump_back_of_the_clock_holds_nothing_back() {
        let mut lifecycle = Lifecycle::default();
        lifecycle.failed(FetchFailure::NotMetadata, at(10_000));
        assert_eq!(lifecycle.decide(Cause::Need, at(0)), Decision::Fetch);
        lifecycle.succeeded(std::iter::empty(), at(0));
        assert_eq!(lifecycle.decide(Cause::Doubt(None), at(10_000)), Decision::Fetch);
        assert_eq!(lifecycle.decide(Cause::Doubt(None), at(10_000)), Decision::Fetch);
        assert_eq!(lifecycle.decide(Cause::Doubt(None), at(0)), Decision::Fetch);
    }

    #[test]
    fn the_place_of_the_set_is_known_for_an_hour_or_until_a_failure() {
        let mut lifecycle = Lifecycle::default();
        let url: Url = "https://a.example/jwks".parse().expect("a URL");
        lifecycle.found_key_set_at(url.clone(), at(0));
        assert_eq!(lifecycle.key_set_url(at(3599)), Some(url.clone()));
        assert_eq!(lifecycle.key_set_url(at(3600)), None);
        lifecycle.failed(FetchFailure::Status(500), at(10));
        assert_eq!(lifecycle.key_set_url(at(10)), None);
    }
}
