//! `requires-auth config`: an example to begin with, the schema of the file, and the proxy's side of it.

mod emit;
mod starter;
mod init;
mod schema;

use clap::{Args, Subcommand};

use crate::context::{Context, Outcome};
use crate::error::Failure;

/// The flags of `config`.
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand, Debug)]
enum ConfigCommand {
    /// Write an example with comments, to fill in
    Init(init::InitArgs),
    /// Print the JSON Schema of the file, for editors
    Schema,
    /// Print the proxy's side of a configuration: what asks the gateway, and passes on who it is
    Emit(emit::EmitArgs),
}

impl ConfigArgs {
    /// Runs `config`.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        match self.command {
            ConfigCommand::Init(args) => args.run(context),
            ConfigCommand::Schema => schema::run(),
            ConfigCommand::Emit(args) => args.run(context),
        }
    }
}
