//! The gateway's own metrics, and their text for Prometheus.
//!
//! Their names stand in one [`table`], from which `docs/reference/metrics.md` is made. Those of the library are
//! collected beside them. Labels come from the configuration and from our own tables, never from a request.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use metrics::{Counter, Histogram, NoopRecorder, counter, gauge, histogram, with_local_recorder};
use requires_auth::{Denial, ErrorCode};

use super::prometheus::Prometheus;
use super::refusals::{Refusal, Refusals, Why};
use crate::error::Failure;

mod table;

use self::table::{DECISION_SECONDS, DECISIONS, GENERATION, METRICS, RELOAD_FAILED};

/// The series that the live view reads.
pub(crate) const DECISIONS_NAME: &str = DECISIONS.name;
pub(crate) const DECISION_SECONDS_NAME: &str = DECISION_SECONDS.name;

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
    Refused(Why),
    /// It would be refused if its route were not only watched.
    Shadow(Why),
}

impl Outcome {
    /// A request that is refused for this.
    pub(crate) const fn refused(denial: &Denial) -> Self {
        Self::Refused(Why::of(denial))
    }

    /// A request that is refused before its token is looked at.
    pub(crate) const fn refused_unseen(code: ErrorCode) -> Self {
        Self::Refused(Why { code, reason: None })
    }

    /// A request that would be refused for this.
    pub(crate) const fn shadow(denial: &Denial) -> Self {
        Self::Shadow(Why::of(denial))
    }
}

/// Counts and times the decisions of one gateway. Labels are names of routes and our own codes.
pub(crate) struct Decisions {
    routes: Vec<String>,
    /// The last refusals, where somebody may look at them.
    refusals: Option<Box<Refusals>>,
    /// Looked up on the first decision: until then nobody may be collecting yet.
    series: OnceLock<Series>,
}

struct Series {
    /// By route, with its place among all: most requests are allowed, and pay for no look-up in the registry.
    allowed: HashMap<String, (u16, Counter)>,
    seconds: Histogram,
}

impl Decisions {
    /// Those of a gateway with these routes, which keeps its last refusals if somebody may look at them.
    pub(crate) fn of<'r>(routes: impl Iterator<Item = &'r str>, keeps_refusals: bool) -> Self {
        let refusals = keeps_refusals.then(Box::default);
        Self { routes: routes.map(str::to_owned).collect(), refusals, series: OnceLock::new() }
    }

    /// The last refusals, where they are kept.
    pub(crate) fn refusals(&self) -> Option<&Refusals> {
        self.refusals.as_deref()
    }

    /// The name of the route at a place.
    pub(crate) fn route(&self, place: u16) -> Option<&str> {
        self.routes.get(usize::from(place)).map(String::as_str)
    }

    /// The time of a decision begins.
    pub(crate) fn begin(&self) -> Deciding<'_> {
        let series = self.series.get_or_init(|| Series {
            allowed: self
                .routes
                .iter()
                .zip(0..)
                .map(|(name, place)| (name.clone(), (place, decisions(name, "allowed", ""))))
                .collect(),
            seconds: histogram!(DECISION_SECONDS.name),
        });
        Deciding { series, refusals: self.refusals.as_deref(), started: Instant::now() }
    }
}

/// A decision that is being made.
pub(crate) struct Deciding<'d> {
    series: &'d Series,
    refusals: Option<&'d Refusals>,
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
                if let Some((_, counter)) = self.series.allowed.get(route) {
                    counter.increment(1);
                }
            }
            Outcome::Refused(why) => self.refused(route, "refused", why),
            Outcome::Shadow(why) => self.refused(route, "shadow", why),
        }
    }

    fn refused(&self, route: &str, outcome: &'static str, why: Why) {
        decisions(route, outcome, why.code.as_str()).increment(1);
        if let Some(refusals) = self.refusals {
            let route = self.series.allowed.get(route).map(|(place, _)| *place);
            refusals.note(Refusal { at: SystemTime::now(), route, is_shadow: outcome == "shadow", why });
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
