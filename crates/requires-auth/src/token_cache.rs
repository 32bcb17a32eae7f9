//! Tokens that were accepted, so that the second time costs a hash and a few comparisons.
//!
//! An entry is found by the SHA-256 of the token, which is itself never stored. It counts only while the key set
//! that verified it is current, and while the token is within its times; policy and binding are checked again
//! on every hit, by whoever asked. The only lock is that of a shard, held for the look-up alone.

use std::fmt;

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, UnitWeighter};

use crate::jose::digest::sha256;
use crate::telemetry;
use crate::verify::AccessToken;

/// How many tokens a guard remembers by default.
pub(crate) const DEFAULT_ENTRIES: usize = 10_000;

/// More threads than this rarely meet in one shard.
const SHARDS: usize = 64;

/// Accepted tokens of one guard, by their SHA-256.
pub(crate) struct TokenCache {
    entries: Cache<[u8; 32], AccessToken, UnitWeighter, DefaultHashBuilder, CountEvictions>,
}

/// The SHA-256 of a token, under which its entry stands.
#[derive(Clone, Copy)]
pub(crate) struct CacheKey([u8; 32]);

impl CacheKey {
    pub(crate) fn of(token: &[u8]) -> Self {
        Self(sha256(token))
    }
}

impl TokenCache {
    /// A cache for about this many tokens; `None` for 0.
    pub(crate) fn new(entries: usize) -> Option<Self> {
        if entries == 0 {
            return None;
        }
        let options = OptionsBuilder::new()
            .estimated_items_capacity(entries)
            .weight_capacity(entries as u64)
            .shards(SHARDS)
            .build()
            .ok()?;
        let entries =
            Cache::with_options(options, UnitWeighter, DefaultHashBuilder::default(), CountEvictions);
        Some(Self { entries })
    }

    /// What was accepted under this key. Whether it still counts is for the caller to say.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<AccessToken> {
        self.entries.get(&key.0)
    }

    pub(crate) fn insert(&self, key: &CacheKey, token: AccessToken) {
        self.entries.insert(key.0, token);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("entries", &self.len()).finish_non_exhaustive()
    }
}

/// Counts the tokens that had to make room for others.
#[derive(Clone)]
struct CountEvictions;

impl Lifecycle<[u8; 32], AccessToken> for CountEvictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: [u8; 32], _: AccessToken) {
        telemetry::cache_eviction();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_of_nothing_is_no_cache() {
        assert!(TokenCache::new(0).is_none());
        assert!(TokenCache::new(1).is_some());
    }

    #[test]
    fn many_threads_find_shards_of_their_own() {
        let cache = TokenCache::new(DEFAULT_ENTRIES).expect("a cache");
        assert!(cache.entries.num_shards() >= 64);
    }
}
