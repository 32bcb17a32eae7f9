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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::FetchError;

    #[test]
    fn debug_is_what_is_displayed() {
        let failures = vec![
            ("https://a.example".into(), FetchFailure::Fetch(FetchError::Timeout)),
            ("https://b.example".into(), FetchFailure::NoMetadata(404)),
        ];
        let error = KeysUnavailable { failures };
        assert_eq!(format!("{error:?}"), error.to_string(), "what `main` and `unwrap` show");
        let lines: Vec<_> = error.to_string().lines().map(ToOwned::to_owned).collect();
        assert_eq!(lines.len(), 5, "{error}");
        assert_eq!(lines[1], "https://a.example: it took too long");
        assert!(lines[2].starts_with("  hint: check that this machine reaches the issuer"), "{error}");
    }
}
