//! Why a guard could not be warmed.

use std::fmt;
use std::sync::Arc;

use crate::discovery::FetchFailure;

/// Issuers whose keys could not be fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct KeysUnavailable {
    pub(super) failures: Vec<(Arc<str>, FetchFailure)>,
}

impl KeysUnavailable {
    /// Each issuer with the cause.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &FetchFailure)> {
        self.failures.iter().map(|(issuer, failure)| (&**issuer, failure))
    }
}

impl fmt::Display for KeysUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the keys could not be fetched")?;
        self.failures()
            .try_for_each(|(issuer, failure)| write!(f, "\n{issuer}: {failure}\n  hint: {}", failure.hint()))
    }
}

/// As it is displayed: `main` and `unwrap` show an error so.
impl fmt::Debug for KeysUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for KeysUnavailable {}
