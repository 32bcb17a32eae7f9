//! What counts once: the `jti` of assertions and proofs, remembered until it expires.

use super::bounded::Bounded;
use super::random::{Fingerprint, fingerprint};

/// How many are remembered until they expire.
const CAPACITY: usize = 10_000;

/// Why something cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// It has been used before.
    Again,
    /// So much is remembered that one could be forgotten and count again.
    Full,
}

/// What has been used and has not expired, with the time at which it does.
pub(super) struct Used(Bounded<Fingerprint, i64>);

impl Default for Used {
    fn default() -> Self {
        Self(Bounded::new(CAPACITY))
    }
}

impl Used {
    /// Records that something of this name is used; `owner` is whose name it is.
    ///
    /// # Errors
    ///
    /// When it was used before, or too much is remembered.
    pub(super) fn spend(&mut self, owner: &str, name: &str, expires: i64, now: i64) -> Result<(), Spent> {
        let name = fingerprint(&serde_json::json!([owner, name]).to_string());
        if self.0.is_full() {
            self.0.retain(|expires| *expires > now);
        }
        if self.0.get(&name).is_some_and(|expires| *expires > now) {
            return Err(Spent::Again);
        }
        if self.0.is_full() {
            return Err(Spent::Full);
        }
        self.0.insert(name, expires);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Spent, Used};

    #[test]
    fn a_full_memory_refuses_until_something_expires() {
        let mut used = Used::default();
        for number in 0..CAPACITY {
            used.spend("api", &number.to_string(), 100, 0).expect("the first time");
        }
        assert_eq!(used.spend("api", "new", 100, 0), Err(Spent::Full));
        assert_eq!(used.spend("api", "0", 100, 99), Err(Spent::Again));
        assert_eq!(used.spend("api", "new", 200, 100), Ok(()));
        assert_eq!(used.spend("api", "new", 200, 100), Err(Spent::Again));
        assert_eq!(used.spend("web", "new", 200, 100), Ok(()));
    }
}
