//! The gateway's own metrics, and their text for Prometheus.
//!
//! Their names stand in one [`table`], from which `docs/reference/metrics.md` is made. Those of the library are
//! collected beside them. Labels come from the configuration and from our own tables, never from a request.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Instant;

use metrics::{Counter, Histogram, NoopRecorder, counter, gauge, histogram, with_local_recorder};
use requires_auth::ErrorCode;

use super::prometheus::Prometheus;
use crate::error::Failure;

mod table;

use self::table::{DECISION_SECONDS, DECISIONS, GENERATION, METRICS, RELOAD_FAILED};

/// Collects metrics from now on.
pub(crate) fn collect() -> Result<Prometheus, Failure> {
    let metrics = Prometheus::install()
        .map_err(|error| Failure::new(format!("metrics cannot be collected: {error}")))?;
    for metric in &METRICS {
        metric.describe();
    }
    Ok(metrics)
}

thread_local! {
    static IS_SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Does it without its metrics, those of the gateway and of the library.
pub(crate) fn silently<R>(work: impl FnOnce() -> R) -> R {
    /// Ends the silence, by a panic too.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            IS_SILENT.set(false);
        }
    }
    IS_SILENT.set(true);
    let _end = End;
    with_local_recorder(&NoopRecorder, work)
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Allowed,
    Refused(ErrorCode),
    /// It would be refused if its route were not only watched.
    Shadow(ErrorCode),
}

/// Counts and times the decisions of one gateway. Labels are names of routes and our own codes.
pub(crate) struct Decisions {
    routes: Vec<String>,
    /// Looked up on the first decision: until then nobody may be collecting yet.
    series: OnceLock<Series>,
}

struct Series {
    /// By route: most requests are allowed, and pay for no look-up in the registry.
    allowed: HashMap<String, Counter>,
    seconds: Histogram,
}

impl Decisions {
    pub(crate) fn of<'r>(routes: impl Iterator<Item = &'r str>) -> Self {
        Self { routes: routes.map(str::to_owned).collect(), series: OnceLock::new() }
    }

    /// The time of a decision begins.
    pub(crate) fn begin(&self) -> Deciding<'_> {
        let series = self.series.get_or_init(|| Series {
            allowed: self.routes.iter().map(|name| (name.clone(), decisions(name, "allowed", ""))).collect(),
            seconds: histogram!(DECISION_SECONDS.name),
        });
        Deciding { series, started: Instant::now() }
    }
}

/// A decision that is being made.
pub(crate) struct Deciding<'d> {
    series: &'d Series,
    started: Instant,
}

impl Deciding<'_> {
    /// It is made; `route` is empty if there is none for the request.
    pub(crate) fn end(self, route: &str, outcome: Outcome) {
        if IS_SILENT.get() {
            return;
        }
        self.series.seconds.record(self.started.elapsed());
        match outcome {
            Outcome::Allowed => {
                if let Some(counter) = self.series.allowed.get(route) {
                    counter.increment(1);
                }
            }
            Outcome::Refused(code) => decisions(route, "refused", code.as_str()).increment(1),
            Outcome::Shadow(code) => decisions(route, "shadow", code.as_str()).increment(1),
        }
    }
}

fn decisions(route: &str, outcome: &'static str, code: &'static str) -> Counter {
    counter!(DECISIONS.name, "route" => route.to_owned(), "outcome" => outcome, "code" => code)
}

/// Another configuration is in use.
pub(crate) fn took(generation: u32) {
    gauge!(GENERATION.name).set(f64::from(generation));
    reload_failed(false);
}

/// Whether the file is one that could not be taken.
pub(crate) fn reload_failed(failed: bool) {
    gauge!(RELOAD_FAILED.name).set(f64::from(u8::from(failed)));
}
