//! `completions` and `man`: both are made of the command line itself, so they are never behind it.

use std::io::Write as _;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::Outcome;
use crate::cli::Cli;
use crate::error::Failure;

const NAME: &str = "requires-auth";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  requires-auth completions bash > ~/.local/share/bash-completion/completions/requires-auth
  requires-auth completions fish > ~/.config/fish/completions/requires-auth.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  requires-auth man > ~/.local/share/man/man1/requires-auth.1
  requires-auth man config emit > ~/.local/share/man/man1/requires-auth-config-emit.1";

/// The flags of `completions`.
#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// The flags of `man`.
#[derive(Args, Debug)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct ManArgs {
    /// The command whose page it is, such as `config emit` [default: all of requires-auth]
    command: Vec<String>,
}

/// Runs `completions`.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Outcome, Failure> {
    // By way of a buffer: the generator panics where stdout is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Outcome::Allow)
}

/// Runs `man`.
pub(crate) fn man(args: &ManArgs) -> Result<Outcome, Failure> {
    let mut all = Cli::command();
    all.build();
    let mut command = &all;
    for name in &args.command {
        let Some(inner) = command.find_subcommand(name) else {
            let names: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
            let failure = Failure::new(format!("there is no command `{}`", args.command.join(" ")));
            return Err(if names.is_empty() {
                failure
            } else {
                failure.hint(format!("one of {}", names.join(", ")))
            });
        };
        command = inner;
    }
    let mut page = Vec::new();
    let source = format!("{NAME} {}", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).source(source).render(&mut page)?;
    std::io::stdout().lock().write_all(&page)?;
    Ok(Outcome::Allow)
}
