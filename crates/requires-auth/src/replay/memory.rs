//! Used proofs in the memory of this process.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use super::shard::{Known, MAX_BUCKETS, Shard};
use super::share_counts::{ShareCounts, Taken};
use super::{ReplayKey, ReplayStore, Use, UseFuture};
use crate::clock::{Clock, SystemClock};
use crate::telemetry;

/// Entries that end within the same eight seconds are dropped together.
pub(super) const BUCKET_SECONDS: u64 = 8;

/// No more parts than this, and none for fewer entries.
const MAX_SHARDS: usize = 64;
const ENTRIES_FOR_A_SHARD: usize = 4_096;

/// Used proofs in the memory of this process: the default of a guard. Right for one instance; several need one that they
/// share, or a client can use a proof once at each.
///
/// It holds a number of entries and never more, at about 24 bytes each, and one client (by [`ReplayKey::share`]) at most a
/// sixteenth of them. An entry is never forgotten before its end, and at most eight seconds after it. Nothing sweeps:
/// entries that end together are dropped together, and one call moves at most 32 others.
///
/// When it is full, what comes is [`Use::Full`] until entries have ended. A clock that is set back to before entries that
/// were dropped makes it answer [`Use::Unavailable`] for proofs of that time, since it cannot know.
///
/// ```
/// use requires_auth::replay::{MemoryReplay, ReplayKey, ReplayStore, Use};
///
/// let store = MemoryReplay::new(1_000_000);
/// let key = ReplayKey { id: [1; 16], share: [2; 16] };
/// let now = 1_800_000_000;
/// assert_eq!(store.first_use_now(&key, now + 65, now), Some(Use::First));
/// assert_eq!(store.first_use_now(&key, now + 65, now + 1), Some(Use::Again));
/// ```
pub struct MemoryReplay {
    entries: usize,
    entries_of_a_share: u32,
    used: AtomicUsize,
    /// The bucket of the time that was last seen.
    turned: AtomicU64,
    shards: Box<[Mutex<Shard>]>,
    shares: Mutex<ShareCounts>,
    /// Nobody who does not know it can aim at a page or at a counter.
    random: RandomState,
}

impl MemoryReplay {
    /// A store for so many entries. A server that takes 1,000 proofs a second, each good for 65 seconds, needs 73,000.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        let shards = (entries / ENTRIES_FOR_A_SHARD).max(1).next_power_of_two().min(MAX_SHARDS);
        Self {
            entries,
            entries_of_a_share: u32::try_from(entries / 16).unwrap_or(u32::MAX).max(1),
            used: AtomicUsize::new(0),
            turned: AtomicU64::new(0),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            shares: Mutex::new(ShareCounts::new(MAX_BUCKETS)),
            random: RandomState::new(),
        }
    }

    /// So many entries may belong to one client; more are [`Use::OverShare`]. Default: a sixteenth of the store.
    #[must_use]
    pub fn with_entries_of_a_share(mut self, entries: u32) -> Self {
        self.entries_of_a_share = entries;
        self
    }

    /// How many entries it holds. Those that have ended count until the next call after their bucket.
    pub fn len(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn record(&self, key: &ReplayKey, until: u64, now: u64) -> Use {
        let (bucket, current) = (until / BUCKET_SECONDS, now / BUCKET_SECONDS);
        self.turn_to(current);
        if bucket < current {
            // It has ended: to keep it would be to keep it for no time.
            return Use::Unavailable;
        }
        let entry = u128::from_le_bytes(key.id);
        let hash = self.random.hash_one(entry);
        let mut shard = lock(self.shard(hash));
        match shard.look(entry, hash, bucket) {
            Known::Present => return Use::Again,
            Known::Forgotten => return Use::Unavailable,
            Known::New => {}
        }
        if !self.take_room() {
            return Use::Full;
        }
        let client = self.random.hash_one(key.share);
        let taken = lock(&self.shares).take(client, bucket, self.entries_of_a_share);
        let answer = match taken {
            Taken::OverShare => Use::OverShare,
            Taken::Counted if shard.insert(entry, |entry| self.random.hash_one(entry), bucket) => Use::First,
            Taken::Counted | Taken::NoBucket => Use::Full,
        };
        if answer != Use::First {
            self.used.fetch_sub(1, Ordering::Relaxed);
        }
        answer
    }

    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        // The tables go by the last bits.
        &self.shards[(hash >> 58) as usize & (self.shards.len() - 1)]
    }

    fn take_room(&self) -> bool {
        let more = |used: usize| (used < self.entries).then_some(used + 1);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Drops what has ended, in the first call of each eight seconds. That costs a lock for each part, whatever they hold.
    fn turn_to(&self, bucket: u64) {
        if self.turned.load(Ordering::Relaxed) == bucket
            || self.turned.swap(bucket, Ordering::Relaxed) == bucket
        {
            return;
        }
        for shard in &self.shards {
            let dropped = lock(shard).drop_before(bucket);
            self.used.fetch_sub(dropped, Ordering::Relaxed);
        }
        lock(&self.shares).drop_before(bucket);
        telemetry::replay_entries(self.len());
    }
}

impl ReplayStore for MemoryReplay {
    fn first_use_now(&self, key: &ReplayKey, until: u64, now: u64) -> Option<Use> {
        Some(self.record(key, until, now))
    }

    /// By the clock of this machine. A guard never calls it, since [`first_use_now`](Self::first_use_now) has an answer.
    fn first_use(&self, key: ReplayKey, until: u64) -> UseFuture<'_> {
        let now = SystemClock.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Box::pin(std::future::ready(self.record(&key, until, now)))
    }

    fn look_up(&self, key: ReplayKey, until: u64) -> UseFuture<'_> {
        let entry = u128::from_le_bytes(key.id);
        let hash = self.random.hash_one(entry);
        let known = lock(self.shard(hash)).look(entry, hash, until / BUCKET_SECONDS);
        let used = match known {
            Known::New => Use::First,
            Known::Present => Use::Again,
            Known::Forgotten => Use::Unavailable,
        };
        Box::pin(std::future::ready(used))
    }
}

impl fmt::Debug for MemoryReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplay")
            .field("entries", &self.entries)
            .field("used", &self.len())
            .finish_non_exhaustive()
    }
}

/// Nothing in a lock can panic half way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
