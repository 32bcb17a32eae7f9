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
        Self {
            processor: processor(&read("/proc/cpuinfo")),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            system: output("uname", &["-srm"]),
            rustc: output("rustc", &["--version"]),
            date: output("date", &["-u", "+%Y-%m-%d"]),
            command: if quick { "bench/run.sh --quick" } else { "bench/run.sh" },
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

/// The name of the processor, and which one of that name it is: what cryptography costs differs much between them.
fn processor(cpuinfo: &str) -> String {
    let field = |name| {
        let mut fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(own, _)| own.trim() == name).map_or("unknown", |(_, value)| value.trim())
    };
    let wide = field("flags").split(' ').any(|flag| flag == "avx512ifma");
    let wide = if wide { "with" } else { "without" };
    format!(
        "{} (family {}, model {}, {wide} AVX-512 IFMA)",
        field("model name"),
        field("cpu family"),
        field("model")
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_told_from_another_of_its_name() {
        let cpuinfo = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx512ifma\n";
        assert_eq!(processor(cpuinfo), "AMD EPYC (family 25, model 17, with AVX-512 IFMA)");
        assert!(processor("").starts_with("unknown"));
    }
}
