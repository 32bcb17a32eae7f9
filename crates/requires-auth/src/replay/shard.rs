//! One part of the entries in memory, with a lock of its own around it.
//!
//! It has a table for each bucket of time. A proof always falls into the same bucket, since its end is made of its own `iat`, so one
//! table has to be looked at. Buckets whose time has passed are dropped as a whole, and what they have had is remembered as a bound:
//! a clock that is set back may ask for a bucket that was dropped, and then nobody knows whether the proof was used.

use super::forgotten::Forgotten;
use super::table::{Page, Table};

/// So many buckets may hold entries at the same time: an entry is kept for at most some minutes, and a clock that is set
/// back adds others.
pub(super) const MAX_BUCKETS: usize = 128;

/// Entries by the bucket in which they end.
#[derive(Default)]
pub(super) struct Shard {
    buckets: Vec<(u64, Table)>,
    /// Pages of buckets that were dropped. Each insertion frees one, so that none takes long.
    spare: Vec<Page>,
    forgotten: Forgotten,
}

/// What a shard knows of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    New,
    Present,
    /// Its bucket was dropped with entries in it.
    Forgotten,
}

impl Shard {
    pub(super) fn look(&self, entry: u128, hash: u64, bucket: u64) -> Known {
        let table = self.buckets.iter().find(|(number, _)| *number == bucket);
        if table.is_some_and(|(_, table)| table.has(entry, hash)) {
            Known::Present
        } else if self.forgotten.has(bucket) {
            Known::Forgotten
        } else {
            Known::New
        }
    }

    /// Adds an entry that is [`Known::New`]. `false` if it finds no place.
    pub(super) fn insert(&mut self, entry: u128, hash: impl Fn(u128) -> u64, bucket: u64) -> bool {
        let own = self.buckets.iter().position(|(number, _)| *number == bucket);
        let own = match own {
            Some(own) => own,
            None if self.buckets.len() == MAX_BUCKETS => return false,
            None => {
                self.buckets.push((bucket, Table::default()));
                self.buckets.len() - 1
            }
        };
        let is_added = self.buckets[own].1.insert(entry, hash, &mut self.spare);
        if self.spare.pop().is_none() {
            self.spare = Vec::new();
        }
        is_added
    }

    /// Drops the buckets before this one, and says how many entries they had.
    pub(super) fn drop_before(&mut self, bucket: u64) -> usize {
        let mut dropped = 0;
        let mut number = 0;
        while let Some((own, _)) = self.buckets.get(number) {
            if *own >= bucket {
                number += 1;
                continue;
            }
            let (own, table) = self.buckets.swap_remove(number);
            if table.len() > 0 {
                self.forgotten.add(own);
            }
            dropped += table.len();
            self.spare.append(&mut table.into_pages());
        }
        dropped
    }

    /// How many entries were moved within the tables that are there.
    #[cfg(test)]
    pub(super) fn moved(&self) -> usize {
        self.buckets.iter().map(|(_, table)| table.moved).sum()
    }
}
