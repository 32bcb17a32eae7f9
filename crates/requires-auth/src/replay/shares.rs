//! What each client may hold in a store that is elsewhere, as far as one instance knows.

use std::hash::{BuildHasher, RandomState};

use super::ReplayKey;
use super::memory::BUCKET_SECONDS;
use super::shard::MAX_BUCKETS;
use super::share_counts::ShareCounts;

/// Counts of entries by share; each ends with its entry, or within eight seconds after it.
pub(crate) struct Shares {
    counts: ShareCounts,
    limit: u32,
    random: RandomState,
    turned: u64,
}

impl Shares {
    /// A share may hold a sixteenth of so many entries.
    pub(crate) fn of(entries: usize) -> Self {
        Self {
            counts: ShareCounts::new(MAX_BUCKETS),
            limit: u32::try_from(entries / 16).unwrap_or(u32::MAX).max(1),
            random: RandomState::new(),
            turned: 0,
        }
    }

    /// Whether the share of this entry has all that it may have.
    pub(crate) fn is_over(&mut self, key: &ReplayKey, now: u64) -> bool {
        self.turn_to(now / BUCKET_SECONDS);
        self.counts.is_over(self.random.hash_one(key.share), self.limit)
    }

    /// Counts an entry that was taken. One that ends too far ahead is not counted.
    pub(crate) fn count(&mut self, key: &ReplayKey, until: u64, now: u64) {
        self.turn_to(now / BUCKET_SECONDS);
        let bucket = until / BUCKET_SECONDS;
        if bucket >= self.turned {
            let _: super::share_counts::Taken =
                self.counts.take(self.random.hash_one(key.share), bucket, u32::MAX);
        }
    }

    fn turn_to(&mut self, bucket: u64) {
        if self.turned != bucket {
            self.turned = bucket;
            self.counts.drop_before(bucket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_ends_at_its_limit_until_its_entries_end() {
        let mut shares = Shares::of(160);
        let (one, other) =
            (ReplayKey { id: [0; 16], share: [1; 16] }, ReplayKey { id: [0; 16], share: [2; 16] });
        for _ in 0..10 {
            assert!(!shares.is_over(&one, 1_000));
            shares.count(&one, 1_065, 1_000);
        }
        assert!(shares.is_over(&one, 1_000) && shares.is_over(&one, 1_065));
        assert!(!shares.is_over(&other, 1_000));
        assert!(!shares.is_over(&one, 1_065 + BUCKET_SECONDS));
    }
}
