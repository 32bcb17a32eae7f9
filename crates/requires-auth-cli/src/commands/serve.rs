//! `requires-auth serve`: the gateway.

use std::path::PathBuf;

use clap::Args;

use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::gateway::config::Listen;
use crate::gateway::serve;
use crate::logging::LogFormat;
use crate::output::print_json;

const EXAMPLES: &str = "\
Examples:
  requires-auth serve gateway.toml
  requires-auth check gateway.toml && requires-auth serve gateway.toml
  requires-auth serve --listen 0.0.0.0:$PORT gateway.toml    the platform's port
  requires-auth serve --log json /etc/requires-auth.toml     for a log collector

It reads the file again on SIGHUP and when it has changed; one that `check` would refuse changes nothing.
SIGTERM lets requests that are under way end, a second one does not.";

/// The flags of `serve`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The configuration file; `requires-auth check FILE` tells what is wrong with it
    #[arg(value_name = "FILE", default_value = "requires-auth.toml")]
    file: PathBuf,

    /// Where to listen, in place of `listen` in the file: an address and a port, or unix: and the path of a socket
    #[arg(long, value_name = "ADDRESS", env = "REQUIRES_AUTH_LISTEN", value_parser = listen)]
    listen: Option<Listen>,

    /// How events are written to stderr: lines to read, or one JSON object each
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) log: LogFormat,
}

impl ServeArgs {
    /// Runs `serve` until it is told to stop.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let is_json = context.format == Format::Json;
        serve::run(self.file, self.listen, |addresses| if is_json { print_json(addresses) } else { Ok(()) })?;
        Ok(Outcome::Allow)
    }
}

/// Where to listen.
fn listen(text: &str) -> Result<Listen, String> {
    Listen::parse(text).ok_or_else(|| {
        "expected an address and a port, such as 127.0.0.1:9180 or unix:/run/gateway.sock".to_owned()
    })
}
