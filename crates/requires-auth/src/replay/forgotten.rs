//! Which proofs a store can say nothing about any more: those of buckets that were dropped.
//!
//! With a clock that only goes forward nobody asks about them. A clock that is set back makes such proofs acceptable
//! again, and then the store must not call one the first.

/// Ranges of buckets that held entries when they were dropped.
#[derive(Debug, Default)]
pub(super) struct Forgotten(Vec<(u64, u64)>);

/// Buckets that lie closer together count as one range: a server is not always busy.
const CLOSE: u64 = 128;

/// A clock that jumps ahead and back leaves a range for each jump. Of more than this, two become one.
const MAX_RANGES: usize = 8;

impl Forgotten {
    /// A bucket with entries was dropped.
    pub(super) fn add(&mut self, bucket: u64) {
        let after = self.0.partition_point(|(first, _)| *first <= bucket);
        self.0.insert(after, (bucket, bucket));
        self.0.dedup_by(|later, earlier| {
            let is_close = later.0.saturating_sub(earlier.1) <= CLOSE;
            if is_close {
                earlier.1 = earlier.1.max(later.1);
            }
            is_close
        });
        if self.0.len() > MAX_RANGES {
            self.merge_closest();
        }
    }

    pub(super) fn has(&self, bucket: u64) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&bucket))
    }

    fn merge_closest(&mut self) {
        let gaps = self.0.windows(2).map(|pair| pair[1].0 - pair[0].1);
        let Some((closest, _)) = gaps.enumerate().min_by_key(|(_, gap)| *gap) else { return };
        let later = self.0.remove(closest + 1);
        self.0[closest].1 = later.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_server_leaves_one_range() {
        let mut forgotten = Forgotten::default();
        (1_000..5_000).step_by(7).for_each(|bucket| forgotten.add(bucket));
        assert_eq!(forgotten.0, [(1_000, 4_997)]);
        assert!(forgotten.has(1_000) && forgotten.has(1_001) && forgotten.has(4_997));
        assert!(!forgotten.has(999) && !forgotten.has(4_998));
    }

    #[test]
    fn a_jump_ahead_and_back_does_not_take_the_time_between() {
        let mut forgotten = Forgotten::default();
        for bucket in [1_000, 1_001, 9_000_000, 9_000_001, 1_003] {
            forgotten.add(bucket);
        }
        assert!(forgotten.has(1_002) && forgotten.has(9_000_000));
        assert!(!forgotten.has(1_004));
    }

    #[test]
    fn many_jumps_take_more_and_never_less() {
        let mut forgotten = Forgotten::default();
        let buckets: Vec<u64> = (0..100).map(|jump| jump * jump * 1_000).collect();
        for bucket in &buckets {
            forgotten.add(*bucket);
        }
        assert!(forgotten.0.len() <= MAX_RANGES);
        assert!(buckets.iter().all(|bucket| forgotten.has(*bucket)));
    }
}
