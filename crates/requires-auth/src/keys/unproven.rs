//! What may be fetched for issuers that nobody has configured by name, before they have verified a token: whoever sends a
//! token chooses which tenant it names.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::bucket::Bucket;

/// How many fetches there may be at once.
const CAPACITY: u32 = 20;

/// How long it takes until one more is allowed.
const ONE_BACK: Duration = Duration::from_millis(500);

/// How much may be asked on behalf of all unproven issuers of a guard together: 20 at once, and two more every second.
#[derive(Debug)]
pub(crate) struct Allowance(Mutex<Bucket>);

impl Allowance {
    /// Takes one, or tells when there will be one.
    pub(crate) fn take(&self, now: SystemTime) -> Result<(), Duration> {
        // Each change is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(now)
    }
}

impl Default for Allowance {
    fn default() -> Self {
        Self(Mutex::new(Bucket::new(CAPACITY, ONE_BACK)))
    }
}

/// An issuer that has to verify a token before it may fetch as one that is configured by name.
#[derive(Debug)]
pub(crate) struct Unproven {
    allowance: Arc<Allowance>,
    is_over: AtomicBool,
}

impl Unproven {
    pub(crate) const fn new(allowance: Arc<Allowance>) -> Self {
        Self { allowance, is_over: AtomicBool::new(false) }
    }

    /// It has verified a token.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Takes a fetch, or tells when there may be one.
    pub(super) fn take(&self, now: SystemTime) -> Result<(), Duration> {
        if self.is_over() { Ok(()) } else { self.allowance.take(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + Duration::from_millis(millis)
    }

    #[test]
    fn the_allowance_is_twenty_at_once_and_two_a_second() {
        let allowance = Allowance::default();
        let taken = |millis| (0..100).filter(|_| allowance.take(at(millis)).is_ok()).count();
        assert_eq!(taken(0), 20);
        assert_eq!(allowance.take(at(100)), Err(Duration::from_millis(400)), "when there is one again");
        assert_eq!((taken(499), taken(500), taken(999), taken(2000)), (0, 1, 0, 3));
        assert_eq!(taken(1_000_000), 20, "it never holds more");
        assert_eq!(taken(0), 20, "the clock has jumped back");
    }

    #[test]
    fn all_unproven_issuers_share_one_allowance_and_a_proven_one_needs_none() {
        let allowance = Arc::new(Allowance::default());
        let (one, other) = (Unproven::new(Arc::clone(&allowance)), Unproven::new(allowance));
        while one.take(at(0)).is_ok() {}
        assert!(other.take(at(0)).is_err());
        other.end();
        assert!(other.is_over() && (0..100).all(|_| other.take(at(0)).is_ok()));
        assert!(one.take(at(0)).is_err());
    }
}
