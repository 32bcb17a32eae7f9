//! `requires-auth` on the command line.
//!
//! Exit codes: 0 the token is allowed (or the work is done), 1 it is refused, 2 the command was used or
//! configured wrongly, or could not do its work. Data goes to stdout, talk to stderr.

mod check;
mod cli;
mod config;
mod demo;
mod doctor;
mod error;
mod explain;
mod gateway;
mod http;
mod issuer;
mod judge;
mod key_file;
mod logging;
mod manual;
mod output;
#[cfg(test)]
#[path = "../../../tests/reference/page.rs"]
mod reference;
mod runtime;
mod settings;
mod token;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::error::Failure;

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Allowed, or done: exit 0.
    Allow,
    /// Refused: exit 1.
    Refuse,
}

impl From<bool> for Outcome {
    fn from(ok: bool) -> Self {
        if ok { Self::Allow } else { Self::Refuse }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(&cli);
    let code = match run(cli) {
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

fn run(cli: Cli) -> Result<Outcome, Failure> {
    match cli.command {
        Command::Check(args) => check::run(&args, cli.output),
        Command::Completions(args) => manual::completions(&args),
        Command::Config(args) => config::run(&args, cli.output),
        Command::Demo(args) => demo::run(&args, cli.output),
        Command::Doctor(args) => doctor::run(&args, cli.output),
        Command::Explain(args) => explain::run(args, cli.output, cli.verbose > 0),
        Command::Issuer(args) => issuer::run(&args, cli.output),
        Command::Man(args) => manual::man(&args),
        Command::Serve(args) => gateway::serve::run(&args, cli.output),
        Command::Token(args) => token::run(&args, cli.output),
        Command::Verify(args) => verify::run(args, cli.output),
    }
}
