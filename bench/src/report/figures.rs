//! The figures that this library is held to.

use serde::Serialize;

use super::Report;
use crate::measure::route::Route;
use crate::measure::threads::{CONTROL, Rates};

/// One figure.
#[derive(Serialize)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) bound: Bound,
    pub(crate) limit: f64,
    /// `None` if it was not measured, or if the machine was too busy to tell.
    pub(crate) measured: Option<f64>,
    pub(crate) holds: Option<bool>,
}

/// On which side of the limit the figure must be.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtLeast,
    AtMost,
}

impl Figure {
    fn new(name: &'static str, bound: Bound, limit: f64, measured: Option<f64>) -> Self {
        let holds = measured.map(|measured| match bound {
            Bound::AtLeast => measured >= limit,
            Bound::AtMost => measured <= limit,
        });
        Self { name, bound, limit, measured, holds }
    }
}

impl Report {
    pub(super) fn figures(&self) -> Vec<Figure> {
        use Bound::{AtLeast, AtMost};
        let cold = |algorithm: &str, id: &str| Some(self.ratios(algorithm)?.cell(id)?.to_raw);
        let remembered = self.ratios("ES384").map(|ratios| ratios.remembered.to_sha256);
        let route = |server: &str, ratio: fn(&Route) -> f64| {
            let server = self.route.as_ref().ok()?.iter().find(|own| own.id == server)?;
            server.route("warm").map(ratio)
        };
        let tokens = |count: usize| {
            self.tokens.iter().find(|point| point.tokens == count).map(|point| point.to_thousand)
        };
        let keys = self.keys.iter().find(|point| point.count == 1_000).map(|point| point.cold_to_one);
        let flood = |id: &str| {
            let latency = self.flood.iter().find(|own| own.id == id)?.latency.as_ref()?;
            Some(latency.flood / latency.quiet)
        };
        let threads =
            |of: fn(&Rates) -> f64| self.threads.iter().find(|own| own.id == "warm")?.rates.as_ref().map(of);
        vec![
            Figure::new("ES384, first sight / signature alone", AtMost, 1.02, cold("ES384", "first_sight")),
            Figure::new("ES384, cache off / signature alone", AtMost, 1.02, cold("ES384", "cold")),
            Figure::new("RS256, first sight / signature alone", AtMost, 1.15, cold("RS256", "first_sight")),
            Figure::new("RS256, cache off / signature alone", AtMost, 1.10, cold("RS256", "cold")),
            Figure::new("ES384 token seen before / its SHA-256", AtMost, 1.5, remembered),
            Figure::new(
                "allocations of 1,000 calls for a token seen before",
                AtMost,
                0.0,
                Some(self.memory.warm_allocations as f64),
            ),
            Figure::new("seen before: 2 threads / 1", AtLeast, 1.7, threads(|rates| rates.ratio)),
            Figure::new(
                "its control, SHA-256: 2 threads / 1",
                AtLeast,
                CONTROL,
                threads(|rates| rates.control),
            ),
            Figure::new(
                "axum route, seen before / no guard",
                AtLeast,
                0.95,
                route("default", |route| route.to_open),
            ),
            Figure::new(
                "the same / no guard, but the SHA-256 of the token",
                AtLeast,
                0.95,
                route("default", |route| route.to_hash),
            ),
            Figure::new("seen before: 10,000 tokens / 1,000", AtMost, 1.2, tokens(10_000)),
            Figure::new("seen before: 1,000,000 tokens / 1,000", AtMost, 3.5, tokens(1_000_000)),
            Figure::new("cache off: 1,000 keys / 1", AtMost, 1.05, keys),
            Figure::new("bytes of a remembered Logto token", AtMost, 1_024.0, Some(self.memory.logto.bytes)),
            Figure::new("p99 of tokens seen before: flood / quiet", AtMost, 1.5, flood("warm")),
            Figure::new("p99 with the cache off: flood / quiet", AtMost, 1.5, flood("cold")),
        ]
    }
}
