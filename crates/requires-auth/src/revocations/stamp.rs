//! How it is noticed that a file has changed.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Two changes within this time may leave the same stamp, since file systems do not tell times exactly.
const COARSEST_TIME: Duration = Duration::from_secs(2);

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    identity: Identity,
}

/// Which file it is, and when its content or its mode last changed. No program can set that time.
#[cfg(unix)]
type Identity = (u64, u64, i64, i64);
#[cfg(not(unix))]
type Identity = ();

impl Stamp {
    pub(super) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(Self::of_metadata)
    }

    #[cfg(unix)]
    fn of_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let identity = (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec());
        Self { modified: metadata.modified().ok(), length: metadata.len(), identity }
    }

    #[cfg(not(unix))]
    fn of_metadata(metadata: &Metadata) -> Self {
        Self { modified: metadata.modified().ok(), length: metadata.len(), identity: () }
    }

    /// Whether a later change surely leaves another stamp: the last one is long enough ago.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let age =
            self.changed().map(|time| now.duration_since(time).unwrap_or_else(|ahead| ahead.duration()));
        age.is_some_and(|age| age > COARSEST_TIME)
    }

    #[cfg(unix)]
    fn changed(&self) -> Option<SystemTime> {
        let (.., seconds, nanoseconds) = self.identity;
        let since = Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    }

    #[cfg(not(unix))]
    fn changed(&self) -> Option<SystemTime> {
        self.modified
    }
}
