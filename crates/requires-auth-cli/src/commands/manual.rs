//! `completions` and `man`: both are made of the command line itself, so they are never behind it.

use std::io::Write as _;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::context::Outcome;
use crate::error::Failure;

const NAME: &str = "requires-auth";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  requires-auth completions bash \\
    > ~/.local/share/bash-completion/completions/requires-auth
  requires-auth completions fish \\
    > ~/.config/fish/completions/requires-auth.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  requires-auth man > ~/.local/share/man/man1/requires-auth.1
  requires-auth man config emit \\
    > ~/.local/share/man/man1/requires-auth-config-emit.1";

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

impl CompletionsArgs {
    /// Runs `completions`; `all` is the whole command line.
    pub(crate) fn run(self, mut all: Command) -> Result<Outcome, Failure> {
        // By way of a buffer: the generator panics where stdout is closed.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut all, NAME, &mut script);
        std::io::stdout().lock().write_all(&script)?;
        Ok(Outcome::Allow)
    }
}

impl ManArgs {
    /// Runs `man`; `all` is the whole command line.
    pub(crate) fn run(self, mut all: Command) -> Result<Outcome, Failure> {
        all.build();
        let mut command = &all;
        for name in &self.command {
            let Some(inner) = command.find_subcommand(name) else {
                let names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
                let failure = Failure::new(format!("there is no command `{}`", self.command.join(" ")));
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
}
