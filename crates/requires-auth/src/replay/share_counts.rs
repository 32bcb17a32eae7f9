//! How many entries count to each share, in a room that does not grow with the number of clients.
//!
//! Each share has one counter in each of four rows, found by its keyed hash, and others may have the same: the least of the
//! four is what counts. It is never too low. With as many shares at their limit as the store has room for, the least is too
//! high for one other share in 300 million.
//!
//! Without such a limit one client that signs proofs as fast as it can fills the store, and every other client gets 503. With it, that
//! client gets 429. A table with a counter for each client would be filled by whoever has many keys.

const ROWS: usize = 4;
const WIDTH: usize = 1 << WIDTH_BITS;
const WIDTH_BITS: usize = 11;

/// Counters of all buckets together, and of each, so that a bucket that is dropped takes its counts with it.
pub(super) struct ShareCounts {
    all: Counters,
    buckets: Vec<(u64, Counters)>,
    max_buckets: usize,
}

/// What comes of one entry more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Counted,
    /// The share has as many as it may have.
    OverShare,
    /// There are more buckets than a store keeps.
    NoBucket,
}

struct Counters(Box<[u32]>);

impl ShareCounts {
    pub(super) fn new(max_buckets: usize) -> Self {
        Self { all: Counters::new(), buckets: Vec::new(), max_buckets }
    }

    /// Whether the share with this hash has `limit` entries, or more.
    pub(super) fn is_over(&self, share: u64, limit: u32) -> bool {
        self.all.least(share) >= limit
    }

    /// Counts an entry to the share with this hash, if it has fewer than `limit`.
    pub(super) fn take(&mut self, share: u64, bucket: u64, limit: u32) -> Taken {
        if self.is_over(share, limit) {
            return Taken::OverShare;
        }
        let own = self.buckets.iter().position(|(number, _)| *number == bucket);
        let own = match own {
            Some(own) => own,
            None if self.buckets.len() == self.max_buckets => return Taken::NoBucket,
            None => {
                self.buckets.push((bucket, Counters::new()));
                self.buckets.len() - 1
            }
        };
        self.buckets[own].1.add(share);
        self.all.add(share);
        Taken::Counted
    }

    /// Takes out what the buckets before this one have counted.
    pub(super) fn drop_before(&mut self, bucket: u64) {
        let all = &mut self.all;
        self.buckets.retain(|(number, counters)| {
            let stays = *number >= bucket;
            if !stays {
                all.subtract(counters);
            }
            stays
        });
    }
}

impl Counters {
    fn new() -> Self {
        Self(vec![0; ROWS * WIDTH].into_boxed_slice())
    }

    fn least(&self, share: u64) -> u32 {
        places(share).map(|place| self.0[place]).into_iter().min().unwrap_or(u32::MAX)
    }

    fn add(&mut self, share: u64) {
        for place in places(share) {
            self.0[place] = self.0[place].saturating_add(1);
        }
    }

    fn subtract(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own = own.saturating_sub(*other);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "eleven bits of the hash for each row")]
fn places(share: u64) -> [usize; ROWS] {
    std::array::from_fn(|row| row * WIDTH + ((share >> (row * WIDTH_BITS)) as usize & (WIDTH - 1)))
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    #[test]
    fn a_share_ends_at_its_limit_and_others_do_not() {
        let (random, mut counts) = (RandomState::new(), ShareCounts::new(4));
        let (one, other) = (random.hash_one(1), random.hash_one(2));
        for _ in 0..100 {
            assert_eq!(counts.take(one, 7, 100), Taken::Counted);
        }
        assert_eq!(counts.take(one, 7, 100), Taken::OverShare);
        assert_eq!(counts.take(one, 8, 100), Taken::OverShare, "all buckets count together");
        assert_eq!(counts.take(other, 8, 100), Taken::Counted);
    }

    #[test]
    fn counts_go_away_with_their_bucket() {
        let (random, mut counts) = (RandomState::new(), ShareCounts::new(4));
        let one = random.hash_one(1);
        for (bucket, entries) in [(7, 60), (8, 40)] {
            (0..entries).for_each(|_| assert_eq!(counts.take(one, bucket, 100), Taken::Counted));
        }
        counts.drop_before(8);
        (0..60).for_each(|_| assert_eq!(counts.take(one, 9, 100), Taken::Counted));
        assert_eq!(counts.take(one, 9, 100), Taken::OverShare);
        counts.drop_before(10);
        assert!(counts.all.0.iter().all(|counter| *counter == 0), "nothing is left");
    }

    #[test]
    fn there_are_never_more_buckets_than_said() {
        let mut counts = ShareCounts::new(4);
        let taken: Vec<_> = (0..5).map(|bucket| counts.take(1, bucket, 100)).collect();
        assert_eq!(taken[3..], [Taken::Counted, Taken::NoBucket]);
    }

    #[test]
    fn sixteen_clients_at_their_limit_leave_the_others_alone() {
        let (random, mut counts) = (RandomState::new(), ShareCounts::new(4));
        for client in 0..16_u32 {
            (0..1_000)
                .for_each(|_| assert_eq!(counts.take(random.hash_one(client), 7, 1_000), Taken::Counted));
        }
        let refused = (16..20_000_u32).filter(|client| counts.all.least(random.hash_one(client)) >= 1_000);
        assert_eq!(refused.count(), 0);
    }
}
