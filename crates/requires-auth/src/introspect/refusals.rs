//! Tokens that were refused after their issuer was asked, for a few seconds, so that whoever sends one again does not make
//! the issuer be asked again.

use std::fmt;
use std::time::{Duration, SystemTime};

use quick_cache::sync::Cache;

use crate::error::Reason;
use crate::token_cache::CacheKey;

/// Refused tokens by their SHA-256, in a table of their own, so that no flood of them takes the place of good ones.
pub(super) struct Refusals {
    entries: Cache<CacheKey, Refusal>,
    ttl: Duration,
}

#[derive(Clone, Copy)]
struct Refusal {
    reason: Reason,
    at: SystemTime,
}

impl Refusals {
    /// A table for so many; `None` if nothing is to be remembered.
    pub(super) fn new(entries: usize, ttl: Duration) -> Option<Self> {
        (entries > 0 && !ttl.is_zero()).then(|| Self { entries: Cache::new(entries), ttl })
    }

    /// Why the token was refused, if that was not long ago. A clock that was set back makes an entry worthless.
    pub(super) fn get(&self, key: &CacheKey, now: SystemTime) -> Option<Reason> {
        let refusal = self.entries.get(key)?;
        let age = now.duration_since(refusal.at).ok()?;
        (age < self.ttl).then_some(refusal.reason)
    }

    pub(super) fn insert(&self, key: CacheKey, reason: Reason, now: SystemTime) {
        self.entries.insert(key, Refusal { reason, at: now });
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_refusal_counts_for_its_time_alone() {
        let refusals = Refusals::new(10, Duration::from_secs(10)).expect("a table");
        let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(1_000 + seconds);
        let (one, other) = (CacheKey::of(b"one"), CacheKey::of(b"other"));
        refusals.insert(one, Reason::Inactive, at(0));
        assert_eq!(refusals.get(&one, at(9)), Some(Reason::Inactive));
        assert_eq!(refusals.get(&one, at(10)), None);
        assert_eq!(refusals.get(&one, UNIX_EPOCH), None);
        assert_eq!(refusals.get(&other, at(0)), None);
    }

    #[test]
    fn there_are_never_more_than_the_table_holds() {
        let refusals = Refusals::new(100, Duration::from_secs(10)).expect("a table");
        for number in 0..10_000_u32 {
            refusals.insert(CacheKey::of(&number.to_le_bytes()), Reason::Inactive, UNIX_EPOCH);
        }
        assert!(refusals.entries.len() <= 100);
        assert!(Refusals::new(0, Duration::from_secs(10)).is_none());
        assert!(Refusals::new(10, Duration::ZERO).is_none());
    }
}
