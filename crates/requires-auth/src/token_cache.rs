//! Tokens that were accepted, so that the second time costs a hash and a few comparisons.
//!
//! An entry is found by the SHA-256 of the token, which is itself never stored. It counts only while the key set
//! that verified it is current, and while the token is within its times; policy and binding are checked again
//! on every hit, by the caller. The only lock is that of a shard, held for the look-up alone.

use std::fmt;
use std::hash::{BuildHasher, Hasher};

use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, OptionsBuilder, UnitWeighter};

use crate::jose::digest::sha256;
use crate::telemetry;
use crate::verify::{AccessToken, Proof};

/// So many that a flood of unknown tokens, which takes the lock of a shard with each of them, rarely has that of a good
/// token's shard in hand.
const SHARDS: usize = 512;

/// Accepted tokens of one guard, by their SHA-256.
pub(crate) struct TokenCache {
    entries: Cache<[u8; 32], Proof, UnitWeighter, DigestHasher, CountEvictions>,
}

/// The SHA-256 of a token, under which its entry stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey([u8; 32]);

impl CacheKey {
    pub(crate) fn of(token: &[u8]) -> Self {
        Self(sha256(token))
    }

    /// The SHA-256 itself.
    pub(crate) const fn digest(&self) -> &[u8; 32] {
        &self.0
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
        let entries = Cache::with_options(options, UnitWeighter, DigestHasher::default(), CountEvictions);
        Some(Self { entries })
    }

    /// What was accepted under this key. Whether it still counts is for the caller to say.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<Proof> {
        self.entries.get(&key.0)
    }

    pub(crate) fn insert(&self, key: &CacheKey, token: &AccessToken) {
        self.entries.insert(key.0, token.proof().clone());
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

/// A digest is as good as its own hash: the first eight bytes of it.
#[derive(Clone, Copy, Default)]
struct DigestHasher(u64);

impl BuildHasher for DigestHasher {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self::default()
    }
}

impl Hasher for DigestHasher {
    fn write(&mut self, digest: &[u8]) {
        self.0 = digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    }

    /// Every digest has the same length.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Counts the tokens that had to make room for others.
#[derive(Clone)]
struct CountEvictions;

impl Lifecycle<[u8; 32], Proof> for CountEvictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: [u8; 32], _: Proof) {
        telemetry::cache_eviction();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_cache_of_nothing_is_not_made() {
        assert!(TokenCache::new(0).is_none());
        assert!(TokenCache::new(1).is_some());
    }

    #[test]
    fn different_digests_have_different_hashes() {
        let hashes: HashSet<_> = (0..1_000_u32)
            .map(|number| DigestHasher::default().hash_one(sha256(&number.to_le_bytes())))
            .collect();
        assert_eq!(hashes.len(), 1_000);
    }

    #[test]
    fn many_threads_find_shards_of_their_own() {
        let cache = TokenCache::new(10_000).expect("a cache");
        assert!(cache.entries.num_shards() >= 64);
    }
}
