//! `bench FOLDER [--quick]`: measures and writes the results into the folder. Meant to be started by `run.sh`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (options, folders): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let quick = options == ["--quick"];
    let ([folder], true) = (&folders[..], quick || options.is_empty()) else {
        eprintln!("usage: bench FOLDER [--quick]");
        return ExitCode::from(2);
    };
    match requires_auth_bench::run(Path::new(folder), quick) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
