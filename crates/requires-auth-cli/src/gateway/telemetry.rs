//! The gateway's own metrics, and their text for Prometheus.
//!
//! | name | labels | what |
//! | --- | --- | --- |
//! | `requires_auth_config_generation` | | how many configurations have been in use since the start |
//! | `requires_auth_config_reload_failed` | | 1 if the file is one that could not be taken, else 0 |
//!
//! Those of the library are beside them. Labels come from the configuration and from our own tables, never from a
//! request.

use metrics::{describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::error::Failure;

const GENERATION: &str = "requires_auth_config_generation";
const RELOAD_FAILED: &str = "requires_auth_config_reload_failed";

/// Upper bounds in seconds: a decision takes microseconds, and one that has to fetch keys takes a network's time.
const BUCKETS: [f64; 12] =
    [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.5, 5.0];

/// Collects metrics from now on.
pub(crate) fn collect() -> Result<PrometheusHandle, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(format!("metrics cannot be collected: {error}"));
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
        .map_err(|error| failed(&error))?;
    let handle = builder.install_recorder().map_err(|error| failed(&error))?;
    describe_gauge!(GENERATION, "how many configurations have been in use since the start");
    describe_gauge!(RELOAD_FAILED, "1 if the configuration file is one that could not be taken, else 0");
    Ok(handle)
}

/// Another configuration is in use.
pub(crate) fn took(generation: u32) {
    gauge!(GENERATION).set(f64::from(generation));
    reload_failed(false);
}

/// Whether the file is one that could not be taken.
pub(crate) fn reload_failed(failed: bool) {
    gauge!(RELOAD_FAILED).set(f64::from(u8::from(failed)));
}
