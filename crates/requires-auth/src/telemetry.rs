//! Metrics, through the `metrics` facade where the feature is on.
//!
//! Labels come from the configuration and from our own tables, never from a token.

/// A fetch of a key set came to `result`.
pub(crate) fn key_fetch(issuer: &str, result: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!("requires_auth_key_fetch_total", "issuer" => issuer.to_owned(), "result" => result).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = (issuer, result);
}
