//! Whether to keep the interpreter lock: a guess at which tokens the guard has in its cache. It decides nothing else.
//!
//! A cached token is settled in less than a microsecond. Releasing the lock for so short a time gains nothing: a
//! busy thread that takes it meanwhile keeps it for milliseconds. Everything else is settled without the lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// A power of two.
const PLACES: usize = 4096;

/// The ends of tokens, each in a place of its own; a newer one takes the place of an older one.
pub(crate) struct LockHint(Box<[AtomicU64]>);

impl LockHint {
    /// For a guard that remembers so many tokens; none if that is too few to go by.
    pub(crate) fn of_cache(entries: usize) -> Option<Self> {
        (entries >= PLACES).then(|| Self((0..PLACES).map(|_| AtomicU64::new(0)).collect()))
    }

    pub(crate) fn remember(&self, token: &[u8]) {
        let Some(end) = end(token) else { return };
        self.place(end).store(end, Ordering::Relaxed);
    }

    /// For a token that was refused after all, an expired one for example.
    pub(crate) fn forget(&self, token: &[u8]) {
        if let Some(end) = end(token).filter(|_| self.knows(token)) {
            self.place(end).store(0, Ordering::Relaxed);
        }
    }

    /// Whether the token is likely to be remembered by the guard.
    pub(crate) fn knows(&self, token: &[u8]) -> bool {
        end(token).is_some_and(|end| self.place(end).load(Ordering::Relaxed) == end)
    }

    fn place(&self, end: u64) -> &AtomicU64 {
        // Letters of base64url differ in their low bits: multiplying brings all of them to the top.
        let mixed = end.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - PLACES.trailing_zeros());
        &self.0[usize::try_from(mixed).unwrap_or_default() % PLACES]
    }
}

/// The last eight letters: a part of the signature, and so as good as random.
fn end(token: &[u8]) -> Option<u64> {
    token.last_chunk().map(|end| u64::from_le_bytes(*end))
}
