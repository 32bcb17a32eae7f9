//! What every command is told, and how every command ends.

use clap::ValueEnum;

/// What stdout gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

/// The flags that every command has.
#[derive(Debug)]
pub(crate) struct Context {
    /// What stdout gets.
    pub(crate) format: Format,
    /// How often `--verbose` is given.
    pub(crate) verbosity: u8,
}

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
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
