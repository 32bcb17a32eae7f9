//! Side-by-side measurements of requires-auth and its peers: see the README of this folder.
//!
//! One process measures everything that takes time; another, `memory`, counts bytes and allocations. Cases that are
//! compared take short turns, and what is reported is the median of the ratios of the rounds.

pub mod fixture;
pub mod guards;
pub mod resident;

mod timing;
mod subject;
mod measure;
mod report;

use std::error::Error;
use std::path::Path;
use std::process::Command;

use tokio::runtime::Builder;

use self::measure::{Effort, flood, growth, ratios, route, threads, tokens};
use self::report::{Machine, Report, memory::Memory};

/// Measures everything, writes `latest.json`, `table.md` and the plots into `folder`, and prints the table.
///
/// `quick` measures less of everything, only to see that it runs.
///
/// # Errors
///
/// The results cannot be written, or `memory`, which is expected beside this program, cannot be run.
pub fn run(folder: &Path, quick: bool) -> Result<(), Box<dyn Error>> {
    let effort = if quick { Effort::Quick } else { Effort::Full };
    let machine = Machine::of_this_run(quick);
    let memory = memory(quick)?;
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let within = runtime.enter();
    let ratios = ratios::measure(effort);
    let threads = threads::measure(effort);
    let flood = flood::measure(effort, runtime.handle());
    drop(within);
    let keys = growth::keys(effort);
    let issuers = growth::issuers(effort);
    let route = route::measure(effort);
    // Last, as it leaves the most behind.
    let tokens = tokens::measure(effort);
    let report = Report::new(machine, ratios, threads, route, keys, issuers, tokens, flood, memory);
    report.write(folder)?;
    print!("{}", report.table());
    Ok(())
}

fn memory(quick: bool) -> Result<Memory, Box<dyn Error>> {
    eprintln!("memory");
    let program = std::env::current_exe()?.with_file_name("memory");
    let output = Command::new(program).args(quick.then_some("--quick")).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
