//! What comes of the measurements: JSON, a table, plots.

use std::path::Path;
use std::{fs, io};

use serde::Serialize;

use self::figures::Figure;
use self::memory::Memory;
use crate::measure::flood::Flooded;
use crate::measure::growth::Point;
use crate::measure::ratios::Ratios;
use crate::measure::route::Server;
use crate::measure::threads::Scaling;
use crate::measure::tokens::Remembered;

pub(crate) mod memory;
mod figures;
mod machine;
mod plots;
mod svg;
mod table;

pub(crate) use machine::Machine;

/// Everything, as it stands in the JSON.
#[derive(Serialize)]
pub(crate) struct Report {
    machine: Machine,
    figures: Vec<Figure>,
    verification: Vec<Ratios>,
    threads: Vec<Scaling>,
    route: Result<Vec<Server>, String>,
    keys: Vec<Point>,
    issuers: Vec<Point>,
    tokens: Vec<Remembered>,
    flood: Vec<Flooded>,
    memory: Memory,
}

impl Report {
    #[expect(clippy::too_many_arguments, reason = "one for each measurement, each with a type of its own")]
    pub(crate) fn new(
        machine: Machine,
        verification: Vec<Ratios>,
        threads: Vec<Scaling>,
        route: Result<Vec<Server>, String>,
        keys: Vec<Point>,
        issuers: Vec<Point>,
        tokens: Vec<Remembered>,
        flood: Vec<Flooded>,
        memory: Memory,
    ) -> Self {
        let figures = Vec::new();
        let report =
            Self { machine, figures, verification, threads, route, keys, issuers, tokens, flood, memory };
        Self { figures: report.figures(), ..report }
    }

    /// Writes all files.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("latest.json"), serde_json::to_string_pretty(self)? + "\n")?;
        fs::write(folder.join("table.md"), self.table())?;
        for (name, plot) in self.plots() {
            fs::write(folder.join(name), plot)?;
        }
        Ok(())
    }

    fn ratios(&self, algorithm: &str) -> Option<&Ratios> {
        self.verification.iter().find(|ratios| ratios.algorithm == algorithm)
    }
}
