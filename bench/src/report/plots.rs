//! Which plots there are.

use super::Report;
use super::memory::Each;
use super::svg::{Bar, Line, bars, lines};
use crate::measure::growth::Point;
use crate::measure::ratios::Ratios;

impl Report {
    /// Each with the name of its file.
    pub(super) fn plots(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ratios.svg", self.ratios_plot()),
            ("growth-tokens.svg", self.tokens_plot()),
            ("growth-keys.svg", growth("One verification, by keys of the issuer", "keys", &self.keys)),
            (
                "growth-issuers.svg",
                growth("One verification, by issuers of the guard", "issuers", &self.issuers),
            ),
            ("growth-bytes.svg", self.bytes_plot()),
        ]
    }

    fn ratios_plot(&self) -> String {
        let group = |ratios: &Ratios| {
            let bar = |cell: &crate::measure::ratios::Cell| {
                let timing = cell.result.as_ref().ok()?;
                let is_own = cell.name.starts_with("requires-auth");
                Some(Bar { name: cell.name, value: timing.to_raw, is_own })
            };
            (ratios.algorithm, ratios.cells.iter().filter_map(bar).collect())
        };
        let groups: Vec<_> = self.verification.iter().map(group).collect();
        bars("One verification, as a multiple of the signature alone (less is better)", &groups)
    }

    fn tokens_plot(&self) -> String {
        let points = self.tokens.iter().map(|own| (own.tokens, own.micros)).collect();
        let line = Line { name: "token seen before", points };
        lines("A token seen before, by the number of remembered tokens", "remembered tokens", "µs", &[line])
    }

    fn bytes_plot(&self) -> String {
        let points = |bytes: &[Each], least: usize| {
            bytes.iter().filter(|own| own.count >= least).map(|own| (own.count, own.bytes)).collect()
        };
        let resident = self.tokens.iter().filter(|own| own.tokens > 100_000);
        let resident = resident.filter_map(|own| Some((own.tokens, own.resident_bytes?)));
        let mut tokens: Vec<_> = points(&self.memory.tokens, 100);
        tokens.extend(resident);
        let all = [
            Line { name: "a remembered token", points: tokens },
            Line { name: "a key of a set", points: points(&self.memory.keys, 1) },
            Line { name: "an issuer with one key", points: points(&self.memory.issuers, 1) },
        ];
        lines("Memory of each, by how many there are", "tokens, keys or issuers", "bytes", &all)
    }
}

fn growth(title: &str, across: &str, points: &[Point]) -> String {
    let line = |name, of: fn(&Point) -> f64| Line {
        name,
        points: points.iter().map(|point| (point.count, of(point))).collect(),
    };
    let all =
        [line("cache off", |point| point.cold_micros), line("token seen before", |point| point.warm_micros)];
    lines(title, across, "µs, ES384", &all)
}
