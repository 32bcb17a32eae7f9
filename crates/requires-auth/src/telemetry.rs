//! Metrics, through the `metrics` facade where that feature is on; otherwise every function here is empty.
//!
//! | name | labels | what |
//! | --- | --- | --- |
//! | `requires_auth_decisions_total` | `issuer`, `outcome`, `code`, `reason` | requests judged |
//! | `requires_auth_key_fetch_total` | `issuer`, `result` | fetches of a key set |
//! | `requires_auth_key_age_seconds` | `issuer` | age of the key set in use |
//! | `requires_auth_token_cache_hits_total`, `..._misses_total`, `..._evictions_total` | | the token cache |
//! | `requires_auth_verification_seconds` | | time of a verification that was not remembered |
//!
//! Labels come from the configuration and from our own tables, never from a token. The issuer of a refused token
//! is known only where there is one issuer, and empty elsewhere.

pub(crate) use facade::*;

#[cfg(feature = "metrics")]
mod facade {
    use std::time::{Duration, Instant};

    use metrics::{counter, gauge, histogram};

    use crate::error::Denial;

    pub(crate) fn key_fetch(issuer: &str, result: &'static str) {
        counter!("requires_auth_key_fetch_total", "issuer" => issuer.to_owned(), "result" => result)
            .increment(1);
    }

    pub(crate) fn key_age(issuer: &str, age: Duration) {
        gauge!("requires_auth_key_age_seconds", "issuer" => issuer.to_owned()).set(age.as_secs_f64());
    }

    pub(crate) fn decision(issuer: Option<&str>, denial: Option<&Denial>) {
        let code = denial.map_or("", |denial| denial.code().as_str());
        let reason = denial.and_then(Denial::reason).map_or("", |reason| reason.as_str());
        counter!(
            "requires_auth_decisions_total",
            "issuer" => issuer.unwrap_or_default().to_owned(),
            "outcome" => if denial.is_some() { "refused" } else { "allowed" },
            "code" => code,
            "reason" => reason
        )
        .increment(1);
    }

    pub(crate) fn cache_hit() {
        counter!("requires_auth_token_cache_hits_total").increment(1);
    }

    pub(crate) fn cache_miss() {
        counter!("requires_auth_token_cache_misses_total").increment(1);
    }

    pub(crate) fn cache_eviction() {
        counter!("requires_auth_token_cache_evictions_total").increment(1);
    }

    /// Takes the time from now until it is dropped.
    pub(crate) struct Verification(Instant);

    pub(crate) fn verification() -> Verification {
        Verification(Instant::now())
    }

    impl Drop for Verification {
        fn drop(&mut self) {
            histogram!("requires_auth_verification_seconds").record(self.0.elapsed());
        }
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use std::time::Duration;

    use crate::error::Denial;

    pub(crate) const fn key_fetch(_: &str, _: &'static str) {}

    pub(crate) const fn key_age(_: &str, _: Duration) {}

    pub(crate) const fn decision(_: Option<&str>, _: Option<&Denial>) {}

    pub(crate) const fn cache_hit() {}

    pub(crate) const fn cache_miss() {}

    pub(crate) const fn cache_eviction() {}

    pub(crate) struct Verification;

    pub(crate) const fn verification() -> Verification {
        Verification
    }
}
