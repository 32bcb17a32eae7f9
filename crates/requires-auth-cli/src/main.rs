//! `requires-auth` on the command line.
//!
//! Exit codes: 0 the token is allowed (or the work is done), 1 it is refused, 2 the command was used or
//! configured wrongly, or could not do its work. Data goes to stdout, messages for people to stderr.

// Each module uses only modules above it.

#[cfg(test)]
#[path = "../../../tests/reference/page.rs"]
mod reference;

// Shared ground.
mod context;
mod logging;
mod output;
mod error;
mod runtime;
mod http;
mod ports;
mod lifetime;
mod date;
mod token_argument;
mod defect_argument;
mod client_key;
mod browser;
mod curl;
mod pages;

// What judges tokens and requests; none of it knows a command.
mod verdict;
mod gateway;

// The commands, and the line that names one.
mod commands;
mod cli;

use std::process::ExitCode;

use crate::cli::Cli;
use crate::context::Outcome;

fn main() -> ExitCode {
    let cli = match Cli::parsed() {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    logging::start(&cli.logging());
    let code = match cli.run() {
        Ok(Outcome::Allow) => ExitCode::SUCCESS,
        Ok(Outcome::Refuse) => ExitCode::from(1),
        Err(failure) => {
            failure.print();
            ExitCode::from(2)
        }
    };
    logging::flush();
    code
}
