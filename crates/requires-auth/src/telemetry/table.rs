//! The metrics of the library: their names, and what `docs/reference/metrics.md` says about each.

/// A row of the table.
#[cfg_attr(not(test), expect(dead_code, reason = "only the name is needed outside the reference page"))]
pub(crate) struct Metric {
    kind: &'static str,
    pub(crate) name: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
}

const fn metric(
    kind: &'static str,
    name: &'static str,
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Metric {
    Metric { kind, name, labels, meaning }
}

pub(crate) const DECISIONS: Metric = metric(
    "counter",
    "requires_auth_decisions_total",
    &["issuer", "outcome", "code", "reason"],
    "requests that were decided: `outcome` is `allowed` or `refused`, `code` and `reason` are those of the refusal",
);

pub(crate) const KEY_FETCHES: Metric = metric(
    "counter",
    "requires_auth_key_fetch_total",
    &["issuer", "result"],
    "fetches of a key set: `result` is `ok`, or why it failed, such as `timeout`",
);

pub(crate) const KEY_AGE: Metric = metric(
    "gauge",
    "requires_auth_key_age_seconds",
    &["issuer"],
    "age of the key set in use; set by the timer of its refresh, and whenever the guard's health is read",
);

pub(crate) const INTROSPECTIONS: Metric = metric(
    "counter",
    "requires_auth_introspection_total",
    &["issuer", "result"],
    "questions about tokens: `result` is `ok`, whatever the answer, or why there was none, such as `timeout`; `held_back` \
     if there were too many to ask",
);

pub(crate) const INTROSPECTION: Metric = metric(
    "histogram",
    "requires_auth_introspection_seconds",
    &["issuer"],
    "time of a question about a token",
);

pub(crate) const CACHE_HITS: Metric =
    metric("counter", "requires_auth_token_cache_hits_total", &[], "tokens that the cache had");

pub(crate) const CACHE_MISSES: Metric =
    metric("counter", "requires_auth_token_cache_misses_total", &[], "tokens that the cache did not have");

pub(crate) const CACHE_EVICTIONS: Metric = metric(
    "counter",
    "requires_auth_token_cache_evictions_total",
    &[],
    "tokens that made room for others in the cache",
);

pub(crate) const VERIFICATION: Metric = metric(
    "histogram",
    "requires_auth_verification_seconds",
    &[],
    "time of a verification of a token that the cache did not have",
);

pub(crate) const REPLAY_ENTRIES: Metric = metric(
    "gauge",
    "requires_auth_replay_entries",
    &[],
    "used proofs that this process remembers; set every eight seconds while proofs come",
);

pub(crate) const REVOCATIONS: Metric =
    metric("gauge", "requires_auth_revocations", &[], "revocations in use; some may have ended");

pub(crate) const REVOCATION_READS: Metric = metric(
    "counter",
    "requires_auth_revocation_reads_total",
    &["result"],
    "readings of a changed file of revocations: `result` is `ok` or `failed`, where what was read before stays in use",
);

#[cfg(any(feature = "redis", test))]
pub(crate) const SHARED_STATE: Metric = metric(
    "counter",
    "requires_auth_shared_state_total",
    &["use", "result"],
    "commands to the server that instances share. With the `use` `replay`, `result` is `first`, `again`, `full`, `restarted` for \
     what the server may have forgotten, or `memory`; with `revocation` it is `told`; and `unavailable` where there was no answer",
);

#[cfg(any(feature = "redis", test))]
pub(crate) const SHARED_STATE_TIME: Metric = metric(
    "histogram",
    "requires_auth_shared_state_seconds",
    &["use"],
    "time of a question to the server that instances share",
);

#[cfg(any(feature = "redis", test))]
pub(crate) const SHARED_STATE_UP: Metric = metric(
    "gauge",
    "requires_auth_shared_state_up",
    &[],
    "1 while the server that instances share answers, 0 while it does not; set when that changes",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::reference::{code, hold, table};

    #[test]
    fn reference_of_the_library_s_metrics() {
        let metrics = [
            DECISIONS,
            KEY_FETCHES,
            KEY_AGE,
            INTROSPECTIONS,
            INTROSPECTION,
            CACHE_HITS,
            CACHE_MISSES,
            CACHE_EVICTIONS,
            VERIFICATION,
            REPLAY_ENTRIES,
            REVOCATIONS,
            REVOCATION_READS,
            SHARED_STATE,
            SHARED_STATE_TIME,
            SHARED_STATE_UP,
        ];
        let rows = metrics.map(|Metric { kind, name, labels, meaning }| {
            let labels: Vec<_> = labels.iter().map(|label| code(label)).collect();
            [code(name), kind.to_owned(), labels.join(", "), meaning.to_owned()]
        });
        hold("metrics.md", "library", &table(["name", "type", "labels", "meaning"], rows));
    }
}
