//! The metrics of the gateway: `/metrics` and `docs/reference/metrics.md` describe them with the same words.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// A row of the table.
pub(super) struct Metric {
    kind: Kind,
    pub(super) name: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference page, which a test holds"))]
    labels: &'static [&'static str],
    meaning: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    /// In seconds.
    Histogram,
}

impl Metric {
    const fn new(
        kind: Kind,
        name: &'static str,
        labels: &'static [&'static str],
        meaning: &'static str,
    ) -> Self {
        Self { kind, name, labels, meaning }
    }

    /// Tells the recorder what the metric means.
    pub(super) fn describe(&self) {
        match self.kind {
            Kind::Counter => describe_counter!(self.name, self.meaning),
            Kind::Gauge => describe_gauge!(self.name, self.meaning),
            Kind::Histogram => describe_histogram!(self.name, Unit::Seconds, self.meaning),
        }
    }
}

pub(super) const DECISIONS: Metric = Metric::new(
    Kind::Counter,
    "requires_auth_gateway_decisions_total",
    &["route", "outcome", "code"],
    "requests decided about: `shadow` are those that would have been refused",
);

pub(super) const DECISION_SECONDS: Metric =
    Metric::new(Kind::Histogram, "requires_auth_gateway_decision_seconds", &[], "time of a decision");

pub(super) const GENERATION: Metric = Metric::new(
    Kind::Gauge,
    "requires_auth_config_generation",
    &[],
    "how many configurations have been in use since the start",
);

pub(super) const RELOAD_FAILED: Metric = Metric::new(
    Kind::Gauge,
    "requires_auth_config_reload_failed",
    &[],
    "1 if the configuration file is one that could not be taken, else 0",
);

/// Every metric of the gateway.
pub(super) const METRICS: [Metric; 4] = [DECISIONS, DECISION_SECONDS, GENERATION, RELOAD_FAILED];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{code, hold, table};

    #[test]
    fn reference_of_the_gateway_s_metrics() {
        let rows = METRICS.map(|Metric { kind, name, labels, meaning }| {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let labels: Vec<_> = labels.iter().map(|label| code(label)).collect();
            [code(name), kind.to_owned(), labels.join(", "), meaning.to_owned()]
        });
        hold("metrics.md", "gateway", &table(["name", "type", "labels", "meaning"], rows));
    }
}
