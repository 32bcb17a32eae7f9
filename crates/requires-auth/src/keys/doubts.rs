//! What tokens leave in doubt: what is settled already, and what may ask for a fetch. Pure.
//!
//! - A `kid` that a fetch has not found is remembered for 30 s, at most until the next good fetch.
//! - A `kid` that a fetch has removed asks for nothing until 30 s after the last good fetch: its tokens are still
//!   about after a rotation, and every good fetch shows again that it is gone.
//! - A signature that a fetch has not settled is remembered, by a hash of the token, until the set changes.
//! - Kids and signatures have a bucket each: two fetches, and one more every 15 s.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, SystemTime};

use super::bucket::Bucket;

/// How many fetches a bucket allows in a row.
const CAPACITY: u32 = 2;

/// How long it takes until a bucket allows one more.
const ONE_BACK: Duration = Duration::from_secs(15);

/// How long an absent `kid` is remembered.
const ABSENCE: Duration = Duration::from_secs(30);

/// How many doubts are remembered, of each kind. The oldest make room.
const MOST: usize = 1024;

/// Why the keys at hand do not settle a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt<'t> {
    /// They do not have this `kid`.
    Kid(&'t str),
    /// None of them has made the signature of this token.
    Signature(&'t [u8]),
}

/// A doubt, by a hash that nobody outside can foresee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Kid(u64),
    Signature(u64),
}

/// The doubts about the keys of one issuer.
pub(super) struct Doubts {
    kids: Bucket,
    signatures: Bucket,
    absent_kids: Vec<(u64, SystemTime)>,
    withdrawn_kids: Vec<u64>,
    unsettled: Vec<u64>,
    fetched_at: Option<SystemTime>,
    hasher: RandomState,
}

impl Default for Doubts {
    fn default() -> Self {
        let bucket = || Bucket::new(CAPACITY, ONE_BACK);
        Self {
            kids: bucket(),
            signatures: bucket(),
            absent_kids: Vec::new(),
            withdrawn_kids: Vec::new(),
            unsettled: Vec::new(),
            fetched_at: None,
            hasher: RandomState::new(),
        }
    }
}

impl Doubts {
    pub(super) fn mark(&self, doubt: Doubt<'_>) -> Mark {
        match doubt {
            Doubt::Kid(kid) => Mark::Kid(self.hasher.hash_one(kid)),
            Doubt::Signature(token) => Mark::Signature(self.hasher.hash_one(token)),
        }
    }

    /// Whether a good fetch has answered this already.
    pub(super) fn is_settled(&self, mark: Mark, now: SystemTime) -> bool {
        // After a jump back of the clock nothing has an age, and nothing is recent.
        let is_recent = |then: SystemTime| now.duration_since(then).is_ok_and(|age| age < ABSENCE);
        match mark {
            Mark::Signature(token) => self.unsettled.contains(&token),
            Mark::Kid(kid) => {
                self.absent_kids.iter().any(|&(absent, then)| absent == kid && is_recent(then))
                    || self.fetched_at.is_some_and(is_recent) && self.withdrawn_kids.contains(&kid)
            }
        }
    }

    /// Takes a fetch from the bucket of this kind of doubt, or tells when there will be one.
    pub(super) fn take(&mut self, mark: Mark, now: SystemTime) -> Result<(), Duration> {
        self.bucket(mark).take(now)
    }

    /// Puts a fetch back that has failed: the back-off holds those back.
    pub(super) fn give_back(&mut self, mark: Mark) {
        self.bucket(mark).give_back();
    }

    /// Remembers what a good fetch has not settled.
    pub(super) fn remember(&mut self, mark: Mark, now: SystemTime) {
        match mark {
            Mark::Kid(kid) => {
                self.absent_kids.retain(|&(absent, _)| absent != kid);
                self.absent_kids.push((kid, now));
                drop_oldest(&mut self.absent_kids);
            }
            Mark::Signature(token) if self.unsettled.contains(&token) => {}
            Mark::Signature(token) => {
                self.unsettled.push(token);
                drop_oldest(&mut self.unsettled);
            }
        }
    }

    /// After a good fetch: which kids it has removed, which there are now, and whether any key is another than before.
    pub(super) fn accepted<'k>(
        &mut self,
        withdrawn: impl Iterator<Item = &'k str>,
        present: impl Iterator<Item = &'k str>,
        has_changed: bool,
        now: SystemTime,
    ) {
        self.fetched_at = Some(now);
        self.absent_kids.clear();
        if has_changed {
            self.unsettled.clear();
        }
        let present: Vec<_> = present.map(|kid| self.hasher.hash_one(kid)).collect();
        self.withdrawn_kids.retain(|kid| !present.contains(kid));
        self.withdrawn_kids.extend(withdrawn.map(|kid| self.hasher.hash_one(kid)));
        drop_oldest(&mut self.withdrawn_kids);
    }

    const fn bucket(&mut self, mark: Mark) -> &mut Bucket {
        match mark {
            Mark::Kid(_) => &mut self.kids,
            Mark::Signature(_) => &mut self.signatures,
        }
    }
}

fn drop_oldest<T>(remembered: &mut Vec<T>) {
    let excess = remembered.len().saturating_sub(MOST);
    remembered.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    fn nothing<'k>() -> impl Iterator<Item = &'k str> {
        std::iter::empty()
    }

    #[test]
    fn a_bucket_holds_two_and_gets_one_back_every_fifteen_seconds() {
        let mut bucket = Bucket::new(CAPACITY, ONE_BACK);
        let taken: Vec<_> = [0, 1, 2, 14, 15, 16, 29, 30, 31, 100, 100, 100]
            .map(|second| bucket.take(at(second)).is_ok())
            .into();
        let expected = [true, true, false, false, true, false, false, true, false, true, true, false];
        assert_eq!(taken, expected);
        assert_eq!(bucket.take(at(103)), Err(Duration::from_secs(12)), "when there is one again");
    }

    #[test]
    fn kids_and_signatures_do_not_share_a_bucket() {
        let mut doubts = Doubts::default();
        let (kid, signature) = (doubts.mark(Doubt::Kid("a")), doubts.mark(Doubt::Signature(b"a")));
        while doubts.take(signature, at(0)).is_ok() {}
        assert_eq!(doubts.take(kid, at(0)), Ok(()));
        doubts.give_back(signature);
        assert_eq!(doubts.take(signature, at(0)), Ok(()), "a failed fetch was put back");
        assert!(doubts.take(signature, at(0)).is_err());
    }

    #[test]
    fn an_absent_kid_is_forgotten_after_thirty_seconds_or_a_good_fetch() {
        let mut doubts = Doubts::default();
        let (absent, other) = (doubts.mark(Doubt::Kid("absent")), doubts.mark(Doubt::Kid("other")));
        doubts.remember(absent, at(0));
        assert!(doubts.is_settled(absent, at(29)) && !doubts.is_settled(other, at(29)));
        assert!(!doubts.is_settled(absent, at(30)), "it may have been published meanwhile");
        doubts.remember(absent, at(30));
        doubts.accepted(nothing(), nothing(), false, at(31));
        assert!(!doubts.is_settled(absent, at(31)));
    }

    #[test]
    fn a_withdrawn_kid_is_settled_until_thirty_seconds_after_the_last_good_fetch() {
        let mut doubts = Doubts::default();
        let old = doubts.mark(Doubt::Kid("old"));
        doubts.accepted(["old"].into_iter(), ["new"].into_iter(), true, at(0));
        assert!(doubts.is_settled(old, at(29)) && !doubts.is_settled(old, at(30)));
        doubts.accepted(nothing(), ["new"].into_iter(), false, at(40));
        assert!(doubts.is_settled(old, at(69)) && !doubts.is_settled(old, at(70)));
        doubts.accepted(nothing(), ["new", "old"].into_iter(), true, at(80));
        assert!(!doubts.is_settled(old, at(80)), "it has come back");
    }

    #[test]
    fn an_unsettled_signature_is_remembered_until_the_set_changes() {
        let mut doubts = Doubts::default();
        let token = doubts.mark(Doubt::Signature(b"header.payload.signature"));
        doubts.remember(token, at(0));
        doubts.accepted(nothing(), nothing(), false, at(100_000));
        assert!(doubts.is_settled(token, at(200_000)));
        assert!(!doubts.is_settled(doubts.mark(Doubt::Signature(b"header.payload.other")), at(0)));
        doubts.accepted(nothing(), nothing(), true, at(200_000));
        assert!(!doubts.is_settled(token, at(200_000)));
    }

    #[test]
    fn the_memory_is_bounded_and_the_newest_stay() {
        let mut doubts = Doubts::default();
        let names: Vec<_> = (0..10_000).map(|number| format!("name-{number}")).collect();
        for name in &names {
            let (kid, signature) =
                (doubts.mark(Doubt::Kid(name)), doubts.mark(Doubt::Signature(name.as_bytes())));
            doubts.remember(kid, at(0));
            doubts.remember(signature, at(0));
        }
        assert_eq!((doubts.absent_kids.len(), doubts.unsettled.len()), (MOST, MOST));
        assert!(doubts.is_settled(doubts.mark(Doubt::Signature(b"name-9999")), at(0)));
        assert!(!doubts.is_settled(doubts.mark(Doubt::Signature(b"name-0")), at(0)));
        doubts.accepted(names.iter().map(String::as_str), nothing(), true, at(0));
        assert_eq!(doubts.withdrawn_kids.len(), MOST);
    }

    #[test]
    fn a_jump_back_of_the_clock_holds_nothing_back() {
        let mut doubts = Doubts::default();
        let kid = doubts.mark(Doubt::Kid("a"));
        while doubts.take(kid, at(10_000)).is_ok() {}
        doubts.remember(kid, at(10_000));
        assert!(!doubts.is_settled(kid, at(0)));
        assert_eq!(doubts.take(kid, at(0)), Ok(()));
    }
}
