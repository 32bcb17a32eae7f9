//! Events of the library on stderr.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Starts to log; by default only what the command does not say itself.
pub(crate) fn start(cli: &Cli) {
    // With `explain` the first -v is for its own output.
    let verbose = cli.verbose.saturating_sub(u8::from(matches!(cli.command, Command::Explain(_))));
    let default = match (verbose, &cli.command) {
        // These report refusals themselves, or provoke them.
        (0, Command::Explain(_) | Command::Verify(_)) => "error",
        (0, Command::Demo(args)) if args.once => "error",
        // The first question to a gateway is why a request was refused.
        (0, Command::Serve(_)) => "info,requires_auth::gateway::connections=warn",
        (0, _) => "warn",
        (1, _) => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !is_plain)
        .with_target(false);
    match &cli.command {
        // The span of a request has its id.
        Command::Serve(args) if args.log == LogFormat::Json => {
            logger.json().flatten_event(true).with_span_list(false).init();
        }
        _ => logger.init(),
    }
}
