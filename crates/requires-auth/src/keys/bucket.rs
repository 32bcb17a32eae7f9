//! A token bucket: so many fetches in a row, and one more after each period. Pure.

use std::time::{Duration, SystemTime};

/// Fetches that may be made: a full bucket at first, which gets one back after each period.
#[derive(Debug)]
pub(super) struct Bucket {
    capacity: u32,
    /// How long it takes until there is one more.
    one_back: Duration,
    missing: u32,
    /// Since when the next one is on its way back.
    since: SystemTime,
}

impl Bucket {
    /// A full one.
    pub(super) const fn new(capacity: u32, one_back: Duration) -> Self {
        Self { capacity, one_back, missing: 0, since: SystemTime::UNIX_EPOCH }
    }

    /// Takes a fetch, or tells when there will be one.
    pub(super) fn take(&mut self, now: SystemTime) -> Result<(), Duration> {
        // After a jump back of the clock it is full.
        let mut waited = now.duration_since(self.since).unwrap_or(self.one_back * self.capacity);
        while self.missing > 0 && waited >= self.one_back {
            self.missing -= 1;
            self.since += self.one_back;
            waited -= self.one_back;
        }
        if self.missing >= self.capacity {
            return Err(self.one_back.saturating_sub(waited));
        }
        if self.missing == 0 {
            self.since = now;
        }
        self.missing += 1;
        Ok(())
    }

    /// Puts one back that was taken.
    pub(super) const fn give_back(&mut self) {
        self.missing = self.missing.saturating_sub(1);
    }
}
