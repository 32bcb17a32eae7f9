//! How the shared server is doing, for operators.

use std::fmt;

/// How the server that instances share is doing, at one moment: from
/// [`Health::shared_state`](crate::guard::Health::shared_state).
#[derive(Clone, Debug)]
pub struct SharedHealth {
    pub(super) server: String,
    pub(super) status: SharedStatus,
    pub(super) last_error: Option<String>,
    pub(super) warnings: Vec<String>,
}

impl SharedHealth {
    /// Where it is, without user and password.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether there is a connection.
    pub const fn status(&self) -> SharedStatus {
        self.status
    }

    /// Why the last command or connection failed; `None` after a good one.
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// What is wrong with how the server is set up, a sentence each: it is found out at each connection.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Whether there is a connection to the server that instances share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SharedStatus {
    /// There was no need yet.
    Idle,
    /// There is one, and the last command was answered.
    Up,
    /// There is none, or the last command was not answered in time.
    Down,
}

impl SharedStatus {
    /// `idle`, `up` or `down`: short names that never change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for SharedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
