//! Why a guard could not be warmed.

use std::fmt;
use std::sync::Arc;

use crate::discovery::FetchFailure;

/// Issuers whose keys could not be fetched, each with the cause and what to do about it: the error of
/// [`RequiresAuth::warm`](crate::RequiresAuth::warm).
///
/// `Debug` is the same text as `Display`, as `main` and `unwrap` print an error with `Debug`.
///
/// ```
/// use requires_auth::RequiresAuth;
/// use requires_auth::discovery::FetchFailure;
/// use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
///
/// /// A provider that answers every question with 404, as one with a wrong path does.
/// struct WrongPath;
///
/// impl Fetch for WrongPath {
///     fn fetch(&self, _: FetchRequest) -> FetchFuture {
///         Box::pin(std::future::ready(Ok(FetchResponse::new(404, "not here"))))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let auth =
///     RequiresAuth::builder("https://issuer.example/oidc", "https://api.example").with_fetch(WrongPath).build()?;
/// let error = auth.warm().await.unwrap_err();
/// for (issuer, failure) in error.failures() {
///     assert_eq!((issuer, failure), ("https://issuer.example/oidc", &FetchFailure::NoMetadata(404)));
/// }
/// assert_eq!(format!("{error:?}"), error.to_string());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct KeysUnavailable {
    pub(super) failures: Vec<Unreached>,
}

/// An issuer whose keys could not be fetched.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Unreached {
    pub(super) issuer: Arc<str>,
    pub(super) failure: FetchFailure,
    /// What could not be fetched.
    pub(super) url: Option<String>,
}

impl KeysUnavailable {
    /// Each issuer, as configured, with the cause.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &FetchFailure)> {
        self.failures.iter().map(|unreached| (&*unreached.issuer, &unreached.failure))
    }
}

impl fmt::Display for KeysUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the keys could not be fetched")?;
        self.failures.iter().try_for_each(|Unreached { issuer, failure, url }| {
            write!(f, "\n{issuer}: {failure}")?;
            url.as_ref().map_or(Ok(()), |url| write!(f, " ({url})"))?;
            write!(f, "\n  hint: {}", failure.hint())
        })
    }
}

/// The same as `Display`, since `main` and `unwrap` print an error with `Debug`.
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
        let unreached = |issuer: &str, failure, url: Option<&str>| Unreached {
            issuer: issuer.into(),
            failure,
            url: url.map(ToOwned::to_owned),
        };
        let failures = vec![
            unreached("https://a.example", FetchFailure::Fetch(FetchError::Timeout), None),
            unreached("https://b.example", FetchFailure::NoMetadata(404), Some("https://b.example/metadata")),
        ];
        let error = KeysUnavailable { failures };
        assert_eq!(format!("{error:?}"), error.to_string(), "what `main` and `unwrap` show");
        let lines: Vec<_> = error.to_string().lines().map(ToOwned::to_owned).collect();
        assert_eq!(lines.len(), 5, "{error}");
        assert_eq!(lines[1], "https://a.example: it took too long");
        assert_eq!(
            lines[3],
            "https://b.example: no discovery document: status 404 (https://b.example/metadata)"
        );
        assert!(lines[2].starts_with("  hint: check that this machine reaches the issuer"), "{error}");
    }
}
