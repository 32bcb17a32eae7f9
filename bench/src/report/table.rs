//! The results as Markdown, to be read in a terminal just as well.

use std::fmt::Write as _;

use super::Report;
use super::figures::{Bound, Figure};
use super::memory::Each;
use crate::measure::flood::CONTROL as FLOOD_CONTROL;
use crate::measure::growth::Point;
use crate::measure::ratios::{Cell, Ratios};
use crate::measure::threads::CONTROL;

impl Report {
    /// All tables.
    pub(crate) fn table(&self) -> String {
        let machine = &self.machine;
        let mut text = format!(
            "`{}`, {}: {}, {} cores, {}, {}, load {} at the start.\n",
            machine.command,
            machine.date,
            machine.processor,
            machine.cores,
            machine.system,
            machine.rustc,
            machine.load,
        );
        for section in [
            self.figures_table(),
            self.verification_table(),
            self.threads_table(),
            self.route_table(),
            self.growth_table(),
            self.flood_table(),
        ] {
            text.push('\n');
            text.push_str(&section);
        }
        text
    }

    fn figures_table(&self) -> String {
        let row = |figure: &Figure| {
            let bound = match figure.bound {
                Bound::AtLeast => "at least",
                Bound::AtMost => "at most",
            };
            let holds = figure.holds.map_or("not judged", |holds| if holds { "holds" } else { "**misses**" });
            vec![
                figure.name.to_owned(),
                figure.measured.map_or("-".to_owned(), number),
                format!("{bound} {}", number(figure.limit)),
                holds.to_owned(),
            ]
        };
        let rows = self.figures.iter().map(row);
        titled("Held to", &table(["figure", "measured", "limit", ""], rows))
    }

    fn verification_table(&self) -> String {
        let heads = self.verification.iter().map(|ratios| ratios.algorithm);
        let head: Vec<_> = std::iter::once("one token, µs (× the signature alone)").chain(heads).collect();
        let cell = |ratios: &Ratios, place: usize| match &ratios.cells[place].result {
            Ok(timing) => format!("{} ({})", micros(timing.micros), times(timing.to_raw)),
            Err(_) => "-".to_owned(),
        };
        let row = |place: usize, first: &Cell| {
            std::iter::once(first.name.to_owned())
                .chain(self.verification.iter().map(|ratios| cell(ratios, place)))
                .collect()
        };
        let mut rows: Vec<Vec<_>> =
            self.verification[0].cells.iter().enumerate().map(|(place, first)| row(place, first)).collect();
        let of_all = |name: &str, of: &dyn Fn(&Ratios) -> String| {
            std::iter::once(name.to_owned()).chain(self.verification.iter().map(of)).collect::<Vec<_>>()
        };
        rows.push(of_all("the same token again / its SHA-256", &|ratios| {
            let again = &ratios.remembered;
            format!("{} / {} ({})", micros(again.micros), micros(again.sha256_micros), times(again.to_sha256))
        }));
        rows.push(of_all("bytes of the token", &|ratios| ratios.token_bytes.to_string()));
        let mut text = titled("Verification", &table(head, rows));
        for ratios in &self.verification {
            for cell in &ratios.cells {
                if let Err(reason) = &cell.result {
                    // Writing to a string does not fail.
                    let _ = writeln!(text, "\n{} cannot do {}: {reason}", cell.name, ratios.algorithm);
                }
            }
        }
        text
    }

    fn threads_table(&self) -> String {
        let rows = self.threads.iter().map(|own| {
            let rounds = format!("{} of {}", own.rounds_that_count, own.rounds);
            let figures = own.rates.as_ref().map_or(["-", "-", "-"].map(str::to_owned), |rates| {
                [format!("{:.0}", rates.one), times(rates.ratio), times(rates.control)]
            });
            std::iter::once(own.name.to_owned()).chain(figures).chain([rounds]).collect()
        });
        let note = format!(
            "The control, which only hashes, is measured before each turn; the rounds that count are those in which \
             its second thread makes it at least {CONTROL} times as fast.\n\n"
        );
        let head = ["ES384", "calls a second, 1 thread", "2 threads", "control", "rounds"];
        titled("Two threads beside one", &(note + &table(head, rows)))
    }

    fn route_table(&self) -> String {
        let servers = match &self.route {
            Err(reason) => return titled("Routes", &format!("Not measured: {reason}\n")),
            Ok(servers) => servers,
        };
        let tables = servers.iter().map(|server| {
            let rows = server.routes.iter().map(|route| {
                let rate = format!("{:.0}", route.requests_per_second);
                let [to_open, to_hash] = [route.to_open, route.to_hash].map(|ratio| format!("{ratio:.3}"));
                vec![route.name.to_owned(), rate, to_open, to_hash]
            });
            table([server.name, "requests a second", "× no guard", "× hash alone"], rows)
        });
        titled(
            "Routes of axum and actix-web under wrk, and of tonic, ES384",
            &tables.collect::<Vec<_>>().join("\n"),
        )
    }

    fn growth_table(&self) -> String {
        let bytes = |bytes: &[Each], count: usize| {
            let own = bytes.iter().find(|own| own.count == count);
            own.map_or("-".to_owned(), |own| format!("{:.0}", own.bytes))
        };
        let point = |kind: &str, point: &Point, memory: &[Each]| {
            vec![
                counted(point.count, kind),
                micros(point.cold_micros),
                format!("{:.3}", point.cold_to_one),
                micros(point.warm_micros),
                bytes(memory, point.count),
            ]
        };
        let keys = self.keys.iter().map(|own| point("key", own, &self.memory.keys));
        let issuers = self.issuers.iter().map(|own| point("issuer", own, &self.memory.issuers));
        let head = ["ES384", "cache off, µs", "× 1", "seen before, µs", "bytes each"];
        let first = table(head, keys.chain(issuers));
        let tokens = self.tokens.iter().map(|own| {
            let resident =
                || own.resident_bytes.map_or("-".to_owned(), |bytes| format!("{bytes:.0} resident"));
            let allocated = bytes(&self.memory.tokens, own.tokens);
            vec![
                counted(own.tokens, "remembered token"),
                micros(own.micros),
                format!("{:.2}", own.to_thousand),
                if allocated == "-" { resident() } else { allocated },
            ]
        });
        let second = table(["Ed25519", "seen before, µs", "× 1,000", "bytes each"], tokens);
        let logto = format!(
            "\nA remembered ES384 token of {} bytes takes {:.0} bytes in a full cache of {}.\n",
            self.memory.logto.token_bytes.unwrap_or_default(),
            self.memory.logto.bytes,
            grouped(self.memory.logto.count),
        );
        titled("Growth", &format!("{first}\n{second}{logto}"))
    }

    fn flood_table(&self) -> String {
        let rows = self.flood.iter().map(|own| {
            let figures = own.latency.as_ref().map_or(["-", "-", "-", "-"].map(str::to_owned), |latency| {
                let ratio = times(latency.flood / latency.quiet);
                [micros(latency.quiet), micros(latency.control), micros(latency.flood), ratio]
            });
            let rounds = format!("{} of {}", own.rounds_that_count, own.rounds);
            let first = std::iter::once(own.name.to_owned()).chain(figures);
            first.chain([rounds, own.fetches.to_string()]).collect()
        });
        let head = ["good ES384 tokens", "quiet", "hashing", "flood", "flood / quiet", "rounds", "fetches"];
        let note = format!(
            "99th percentiles in µs: nothing else happens, a second thread hashes, a second thread throws. The rounds \
             that count are those in which hashing costs the good tokens at most {FLOOD_CONTROL} times the time.\n\n"
        );
        titled("10,000 tokens with random key ids", &(note + &table(head, rows)))
    }
}

fn titled(title: &str, text: &str) -> String {
    format!("### {title}\n\n{text}")
}

/// A Markdown table whose columns line up: text to the left, numbers to the right.
fn table<'a>(head: impl IntoIterator<Item = &'a str>, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let head: Vec<String> = head.into_iter().map(str::to_owned).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&head).chain(&rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default().max(3)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let line = |row: &[String]| {
        let cell = |(column, text): (usize, &String)| {
            let width = widths[column];
            if column == 0 { format!("{text:<width$}") } else { format!("{text:>width$}") }
        };
        format!("| {} |\n", row.iter().enumerate().map(cell).collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<_> = widths
        .iter()
        .enumerate()
        .map(|(column, width)| if column == 0 { "-".repeat(*width) } else { "-".repeat(width - 1) + ":" })
        .collect();
    let rows: String = rows.iter().map(|row| line(row)).collect();
    line(&head) + &line(&rule) + &rows
}

fn micros(value: f64) -> String {
    match value {
        ..1.0 => format!("{value:.3}"),
        1.0..100.0 => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    }
}

fn times(value: f64) -> String {
    match value {
        ..0.1 => format!("{value:.4}×"),
        0.1..10.0 => format!("{value:.3}×"),
        _ => format!("{value:.1}×"),
    }
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

fn counted(number: usize, thing: &str) -> String {
    format!("{} {thing}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// With a comma between thousands.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 12, 123, 1_000, 1_234_567].map(grouped), ["0", "12", "123", "1,000", "1,234,567"]);
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["a".to_owned(), "1.5".to_owned()], vec!["µµ".to_owned(), "22.75".to_owned()]];
        let expected = "| x   |     y |\n| --- | ----: |\n| a   |   1.5 |\n| µµ  | 22.75 |\n";
        assert_eq!(table(["x", "y"], rows), expected);
    }
}
