//! The command line: the commands, the flags that all of them have, and which code runs. Each command's own flags are
//! beside its code.

use std::env;

use clap::{ArgAction, CommandFactory as _, Parser, Subcommand};

use crate::commands::check::CheckArgs;
use crate::commands::config::ConfigArgs;
use crate::commands::conformance::ConformanceArgs;
use crate::commands::demo::DemoArgs;
use crate::commands::doctor::DoctorArgs;
use crate::commands::explain::ExplainArgs;
use crate::commands::inspect::InspectArgs;
use crate::commands::issuer::IssuerArgs;
use crate::commands::manual::{CompletionsArgs, ManArgs};
use crate::commands::proof::ProofArgs;
use crate::commands::revoke::RevokeArgs;
use crate::commands::serve::ServeArgs;
use crate::commands::token::TokenArgs;
use crate::commands::verify::VerifyArgs;
use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::logging::Logging;

const EXAMPLES: &str = "\
Examples:
  requires-auth demo                        an issuer, an API, curl lines
  requires-auth issuer                      only the issuer, to develop against
  requires-auth token --scope read:items    a token from that issuer
  requires-auth verify --issuer https://id.example.com \\
    --audience https://api.example.com < token.txt
  requires-auth explain --config gateway.toml --url /orders < token.txt
  requires-auth inspect gateway.toml        the same on a page for the browser
  requires-auth config init gateway.toml    a configuration file to fill in
  requires-auth check gateway.toml          what is wrong with it; run its tests
  requires-auth doctor gateway.toml         what is wrong online
  requires-auth conformance http://127.0.0.1:8000/api/items
                                            judge the guard of any API
  requires-auth serve gateway.toml          the gateway for nginx, Envoy, ...

Exit codes: 0 allowed, 1 refused, 2 usage or configuration.";

/// Access tokens on the command line: try the guard, make tokens, verify and explain them
#[derive(Parser)]
#[command(name = "requires-auth", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Log what happens to stderr: -v info, -vv debug; `RUST_LOG` wins
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 900)]
    verbose: u8,

    /// What stdout gets: text to read, or JSON
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", display_order = 901)]
    output: Format,
}

/// From this length on a word of the command line may be a token.
const LENGTH_OF_A_TOKEN: usize = 40;

impl Cli {
    /// What was asked for.
    ///
    /// # Errors
    ///
    /// The code to end with, once a message is printed, or the help that was asked for. clap tells a word back that it did not expect;
    /// one that may be a token is left out, as what is on a terminal ends up in logs and in chats.
    pub(crate) fn parsed() -> Result<Self, u8> {
        Self::try_parse().map_err(|error| {
            if !error.use_stderr() || env::args().all(|word| word.len() < LENGTH_OF_A_TOKEN) {
                // Nobody is there to be told that it cannot be printed.
                error.print().ok();
            } else {
                eprint!("{}", without_tokens(error.render().to_string()));
            }
            u8::try_from(error.exit_code()).unwrap_or(u8::MAX)
        })
    }
}

/// The text without the words of the command line, and the values of flags, that may be tokens.
fn without_tokens(mut text: String) -> String {
    for word in env::args() {
        let value = word.split_once('=').map_or("", |(_, value)| value);
        for told in [&*word, value].into_iter().filter(|told| told.len() >= LENGTH_OF_A_TOKEN) {
            text = text.replace(told, "(not shown)");
        }
    }
    text
}

#[derive(Subcommand)]
enum Command {
    /// Check a configuration file and run its tests, without touching the network
    Check(CheckArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Begin a configuration file, or print its schema or the proxy's side of it
    Config(ConfigArgs),
    /// Judge the guard of any API over HTTP: right, wrong and dangerous, by section of the standards
    Conformance(Box<ConformanceArgs>),
    /// Run a development issuer and a protected demo API, and print curl lines to paste
    Demo(DemoArgs),
    /// Look for what is wrong online: with issuers, the public side of an API, and the login of an MCP server
    Doctor(DoctorArgs),
    /// Show every check of a token: passed, failed with what was found, or not reached
    Explain(ExplainArgs),
    /// Serve a page on loopback that shows every check of a token that is pasted there
    Inspect(InspectArgs),
    /// Run a development issuer: an identity provider on loopback that mints tokens for whoever asks
    Issuer(IssuerArgs),
    /// Print a page of the manual, for `man`
    Man(ManArgs),
    /// Make a DPoP proof for one request, good or deliberately bad, with the key of a client
    Proof(ProofArgs),
    /// Refuse tokens before they expire: write a revocation into a file, or send it to a gateway
    Revoke(RevokeArgs),
    /// Run the gateway: answer a proxy whether each request may pass
    Serve(ServeArgs),
    /// Get a token, good or deliberately bad, from a running development issuer
    Token(TokenArgs),
    /// Verify a token, or a file of tokens, and say what a request with it would be answered
    Verify(VerifyArgs),
}

impl Cli {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        let context = &Context { format: self.output, verbosity: self.verbose };
        match self.command {
            Command::Check(args) => args.run(context),
            Command::Completions(args) => args.run(Self::command()),
            Command::Config(args) => args.run(context),
            Command::Conformance(args) => args.run(context),
            Command::Demo(args) => args.run(context),
            Command::Doctor(args) => args.run(context),
            Command::Explain(args) => args.run(context),
            Command::Inspect(args) => args.run(context),
            Command::Issuer(args) => args.run(context),
            Command::Man(args) => args.run(Self::command()),
            Command::Proof(args) => args.run(context),
            Command::Revoke(args) => args.run(context),
            Command::Serve(args) => args.run(context),
            Command::Token(args) => args.run(context),
            Command::Verify(args) => args.run(context),
        }
    }

    /// What is logged while it runs; by default only what the command does not say itself.
    pub(crate) fn logging(&self) -> Logging {
        // With `explain` the first -v is for its own output.
        let verbosity = self.verbose.saturating_sub(u8::from(matches!(self.command, Command::Explain(_))));
        let filter = match (verbosity, &self.command) {
            // These report refusals themselves, or provoke them.
            (0, Command::Explain(_) | Command::Verify(_)) => "error",
            (0, Command::Demo(args)) if args.once => "error",
            // The first question to a gateway is why a request was refused.
            (0, Command::Serve(_)) => "info,requires_auth::gateway::connections=warn",
            (0, _) => "warn",
            (1, _) => "info",
            _ => "debug",
        };
        let gateway = match &self.command {
            Command::Serve(args) => Some(args.log),
            _ => None,
        };
        Logging { filter, gateway }
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Every command, with what stands before it.
    fn commands(command: &Command) -> Vec<Command> {
        let inner = command.get_subcommands().flat_map(commands);
        std::iter::once(command.clone()).chain(inner).collect()
    }

    /// The lines of examples in a text.
    fn examples(text: &str) -> Vec<&str> {
        let lines = text.lines().skip_while(|line| *line != "Examples:").skip(1);
        lines.take_while(|line| !line.is_empty()).collect()
    }

    /// The first line of an example that is broken where a shell would not go on; `shown` is what a terminal has.
    fn broken<'t>(text: &'t str, shown: &str) -> Option<&'t str> {
        let shown: Vec<_> = shown.lines().map(str::trim_end).collect();
        let mut goes_on = false;
        examples(text).into_iter().find(|line| {
            let indent = line.len() - line.trim_start().len();
            let is_right = match indent {
                2 => !goes_on && ["  requires-auth ", "  curl "].iter().any(|name| line.starts_with(name)),
                4 => goes_on,
                // What is said of the example above it.
                _ => indent > 40 && !goes_on,
            };
            goes_on = line.ends_with(" \\");
            !is_right || !shown.contains(line)
        })
    }

    #[test]
    fn an_example_can_be_copied_from_a_narrow_terminal() {
        let all = commands(&Cli::command());
        let mut count = 0;
        for command in all {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for width in [80, 100] {
                let shown = command.clone().term_width(width).render_help().to_string();
                let name = command.get_name();
                assert_eq!(broken(&text, &shown), None, "{name} at {width} columns:\n{shown}");
                assert!(!shown.contains("Examples:") || !examples(&shown).is_empty(), "{name}: {shown}");
            }
            count += examples(&text).len();
        }
        assert!(count > 50, "{count} lines of examples: they are not found any more");
    }

    #[test]
    fn an_example_that_a_terminal_breaks_is_found() {
        let long =
            format!("Examples:\n  requires-auth verify {} < token.txt\n\nMore", "--scope a ".repeat(8));
        let shown = |text: &str| {
            Command::new("a").after_help(text.to_owned()).term_width(80).render_help().to_string()
        };
        assert!(broken(&long, &shown(&long)).is_some_and(|line| line.contains("verify")));
        for (text, wrong) in [
            ("  requires-auth a \\\n    --b", None),
            ("  requires-auth a\n    --b", Some("    --b")),
            ("  requires-auth a <\n  token.txt", Some("  token.txt")),
            ("  requires-auth a \\\n  requires-auth b", Some("  requires-auth b")),
        ] {
            let text = format!("Examples:\n{text}\n\nMore");
            assert_eq!(broken(&text, &shown(&text)), wrong, "{text}");
        }
    }
}
