//! Metrics, through the `metrics` facade where that feature is on; otherwise every function here is empty.
//!
//! Their names stand in one [`table`], from which `docs/reference/metrics.md` is made. Labels come from the
//! configuration and from our own tables, never from a token. The issuer of a refused token is known only where
//! there is one issuer, and empty elsewhere.

#[cfg(all(test, feature = "metrics"))]
#[path = "../../../tests/reference/page.rs"]
mod reference;
#[cfg(feature = "metrics")]
mod table;

pub(crate) use facade::*;

#[cfg(feature = "metrics")]
mod facade {
    use std::time::{Duration, Instant};

    use metrics::{Key, Label, Level, Metadata, counter, gauge, histogram, with_recorder};

    use super::table::{
        CACHE_EVICTIONS, CACHE_HITS, CACHE_MISSES, DECISIONS, INTROSPECTION, INTROSPECTIONS, KEY_AGE,
        KEY_FETCHES, REPLAY_ENTRIES, REVOCATION_READS, REVOCATIONS, VERIFICATION,
    };
    #[cfg(feature = "redis")]
    use super::table::{SHARED_STATE, SHARED_STATE_TIME, SHARED_STATE_UP};
    use crate::error::{Denial, Reason};

    pub(crate) fn key_fetch(issuer: &str, result: &'static str) {
        counter!(KEY_FETCHES.name, "issuer" => issuer.to_owned(), "result" => result).increment(1);
    }

    pub(crate) fn key_age(issuer: &str, age: Duration) {
        gauge!(KEY_AGE.name, "issuer" => issuer.to_owned()).set(age.as_secs_f64());
    }

    /// Counts the allowed requests of a guard, without allocating: each issuer's series is named in advance.
    pub(crate) struct Allowed(Vec<Key>);

    impl Allowed {
        pub(crate) fn new<'a>(issuers: impl Iterator<Item = &'a str>) -> Self {
            let labels = |issuer: &str| {
                let issuer = Label::new("issuer", issuer.to_owned());
                vec![
                    issuer,
                    Label::from_static_parts("outcome", "allowed"),
                    Label::from_static_parts("code", ""),
                    Label::from_static_parts("reason", ""),
                ]
            };
            Self(issuers.map(|issuer| Key::from_parts(DECISIONS.name, labels(issuer))).collect())
        }

        pub(crate) fn count(&self, issuer: usize) {
            static METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, None);
            let Some(key) = self.0.get(issuer) else { return };
            with_recorder(|recorder| recorder.register_counter(key, &METADATA)).increment(1);
        }
    }

    pub(crate) fn refused(issuer: Option<&str>, denial: &Denial) {
        counter!(
            DECISIONS.name,
            "issuer" => issuer.unwrap_or_default().to_owned(),
            "outcome" => "refused",
            "code" => denial.code().as_str(),
            "reason" => denial.reason().map_or("", Reason::as_str)
        )
        .increment(1);
    }

    /// An issuer is asked about a token: takes the time until it has answered.
    pub(crate) struct Introspection<'i> {
        issuer: &'i str,
        begun: Instant,
    }

    pub(crate) fn introspection(issuer: &str) -> Introspection<'_> {
        Introspection { issuer, begun: Instant::now() }
    }

    impl Introspection<'_> {
        pub(crate) fn end(self, result: &'static str) {
            let issuer = self.issuer.to_owned();
            histogram!(INTROSPECTION.name, "issuer" => issuer.clone()).record(self.begun.elapsed());
            counter!(INTROSPECTIONS.name, "issuer" => issuer, "result" => result).increment(1);
        }
    }

    pub(crate) fn introspection_held_back(issuer: &str) {
        counter!(INTROSPECTIONS.name, "issuer" => issuer.to_owned(), "result" => "held_back").increment(1);
    }

    pub(crate) fn cache_hit() {
        counter!(CACHE_HITS.name).increment(1);
    }

    pub(crate) fn cache_miss() {
        counter!(CACHE_MISSES.name).increment(1);
    }

    pub(crate) fn cache_eviction() {
        counter!(CACHE_EVICTIONS.name).increment(1);
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a floating-point number")]
    pub(crate) fn replay_entries(entries: usize) {
        gauge!(REPLAY_ENTRIES.name).set(entries as f64);
    }

    /// The shared server is asked: takes the time until it has answered.
    #[cfg(feature = "redis")]
    pub(crate) struct SharedState {
        purpose: &'static str,
        begun: Instant,
    }

    #[cfg(feature = "redis")]
    pub(crate) fn shared_state(purpose: &'static str) -> SharedState {
        SharedState { purpose, begun: Instant::now() }
    }

    #[cfg(feature = "redis")]
    impl SharedState {
        pub(crate) fn end(self, result: &'static str) {
            histogram!(SHARED_STATE_TIME.name, "use" => self.purpose).record(self.begun.elapsed());
            counter!(SHARED_STATE.name, "use" => self.purpose, "result" => result).increment(1);
        }
    }

    #[cfg(feature = "redis")]
    pub(crate) fn shared_state_up(is_up: bool) {
        gauge!(SHARED_STATE_UP.name).set(f64::from(u8::from(is_up)));
    }

    pub(crate) fn revocations(entries: usize) {
        #[expect(clippy::cast_precision_loss, reason = "there are at most some millions")]
        gauge!(REVOCATIONS.name).set(entries as f64);
    }

    pub(crate) fn revocations_read(result: &'static str) {
        counter!(REVOCATION_READS.name, "result" => result).increment(1);
    }

    /// Takes the time from now until it is dropped.
    pub(crate) struct Verification(Instant);

    pub(crate) fn verification() -> Verification {
        Verification(Instant::now())
    }

    impl Drop for Verification {
        fn drop(&mut self) {
            histogram!(VERIFICATION.name).record(self.0.elapsed());
        }
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use std::time::Duration;

    use crate::error::Denial;

    pub(crate) const fn key_fetch(_: &str, _: &'static str) {}

    pub(crate) const fn key_age(_: &str, _: Duration) {}

    pub(crate) const fn revocations(_: usize) {}

    pub(crate) const fn revocations_read(_: &'static str) {}

    pub(crate) struct Allowed;

    impl Allowed {
        pub(crate) fn new<'a>(_: impl Iterator<Item = &'a str>) -> Self {
            Self
        }

        #[expect(clippy::unused_self, reason = "it counts where the feature is on")]
        pub(crate) const fn count(&self, _: usize) {}
    }

    pub(crate) const fn refused(_: Option<&str>, _: &Denial) {}

    pub(crate) struct Introspection;

    pub(crate) const fn introspection(_: &str) -> Introspection {
        Introspection
    }

    impl Introspection {
        #[expect(clippy::unused_self, reason = "it counts where the feature is on")]
        pub(crate) const fn end(&self, _: &'static str) {}
    }

    pub(crate) const fn introspection_held_back(_: &str) {}

    pub(crate) const fn cache_hit() {}

    pub(crate) const fn cache_miss() {}

    pub(crate) const fn cache_eviction() {}

    pub(crate) const fn replay_entries(_: usize) {}

    #[cfg(feature = "redis")]
    pub(crate) struct SharedState;

    #[cfg(feature = "redis")]
    pub(crate) const fn shared_state(_: &'static str) -> SharedState {
        SharedState
    }

    #[cfg(feature = "redis")]
    impl SharedState {
        #[expect(clippy::unused_self, reason = "it counts where the feature is on")]
        pub(crate) const fn end(self, _: &'static str) {}
    }

    #[cfg(feature = "redis")]
    pub(crate) const fn shared_state_up(_: bool) {}

    pub(crate) struct Verification;

    pub(crate) const fn verification() -> Verification {
        Verification
    }
}
