//! Where and when it was measured.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// The machine, the day and the command.
#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
    pub(crate) rustc: String,
    /// Of the day, UTC.
    pub(crate) date: String,
    pub(crate) command: &'static str,
    /// What else the machine was doing, at the start: processes that want a core, over one minute.
    pub(crate) load: String,
}

impl Machine {
    pub(crate) fn of_this_run(quick: bool) -> Self {
        let processor = read("/proc/cpuinfo");
        let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: processor.map_or("unknown", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            system: output("uname", &["-srm"]),
            rustc: output("rustc", &["--version"]),
            date: output("date", &["-u", "+%Y-%m-%d"]),
            command: if quick { "bench/run.sh --quick" } else { "bench/run.sh" },
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// What a program prints; nothing if it cannot be run.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}
