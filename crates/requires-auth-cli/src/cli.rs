//! The commands and the flags that all of them have; each command's own flags are beside its code.

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::check::CheckArgs;
use crate::config::ConfigArgs;
use crate::demo::DemoArgs;
use crate::doctor::DoctorArgs;
use crate::explain::ExplainArgs;
use crate::gateway::serve::ServeArgs;
use crate::issuer::IssuerArgs;
use crate::manual::{CompletionsArgs, ManArgs};
use crate::token::TokenArgs;
use crate::verify::VerifyArgs;

const EXAMPLES: &str = "\
Examples:
  requires-auth demo                        an issuer and a protected API, with curl lines to paste
  requires-auth issuer                      only the issuer, to develop your own API against
  requires-auth token --scope read:items    a token from that issuer
  requires-auth verify --issuer https://id.example.com --audience https://api.example.com < token.txt
  requires-auth explain --jwks keys.json --audience https://api.example.com eyJhbGciOi...
  requires-auth config init gateway.toml    a configuration file to fill in
  requires-auth check gateway.toml          what is wrong with a configuration, and whether its tests hold
  requires-auth doctor gateway.toml         what is wrong online, with issuers and with the API
  requires-auth serve gateway.toml          the gateway for nginx, Caddy, Traefik or Envoy

Exit codes: 0 allowed, 1 refused, 2 usage or configuration.";

/// Access tokens on the command line: try the guard, make tokens, verify and explain them
#[derive(Parser)]
#[command(name = "requires-auth", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Log what happens to stderr: -v info, -vv debug; `RUST_LOG` wins
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 900)]
    pub(crate) verbose: u8,

    /// What stdout gets: text to read, or JSON
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", display_order = 901)]
    pub(crate) output: Format,
}

/// What stdout gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check a configuration file and run its tests, without touching the network
    Check(CheckArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Begin a configuration file, or print its schema or the proxy's side of it
    Config(ConfigArgs),
    /// Run a development issuer and a protected demo API, and print curl lines to paste
    Demo(DemoArgs),
    /// Look for what is wrong online: with the issuers, and with the public side of the API
    Doctor(DoctorArgs),
    /// Show every check of a token: passed, failed with what was found, or not reached
    Explain(ExplainArgs),
    /// Run a development issuer: an identity provider on loopback that mints tokens for whoever asks
    Issuer(IssuerArgs),
    /// Print a page of the manual, for `man`
    Man(ManArgs),
    /// Run the gateway: answer a proxy whether each request may pass
    Serve(ServeArgs),
    /// Get a token, good or deliberately bad, from a running development issuer
    Token(TokenArgs),
    /// Verify a token, or a file of tokens, and say what a request with it would be answered
    Verify(VerifyArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
