//! Opens a page in the browser of whoever runs the command.

use std::process::{Command, Stdio};

use crate::error::Failure;

/// The program that opens an address, and what it is told first.
const OPENER: (&str, &[&str]) = if cfg!(target_os = "macos") {
    ("open", &[])
} else if cfg!(windows) {
    ("rundll32", &["url.dll,FileProtocolHandler"])
} else {
    ("xdg-open", &[])
};

/// Opens an address of our own. Programs of this machine that list processes may see it.
///
/// # Errors
///
/// There is no program for it.
pub(crate) fn open(url: &str) -> Result<(), Failure> {
    let (program, first) = OPENER;
    let mut command = Command::new(program);
    command.args(first).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Whoever opens the browser may stay for as long as the browser does.
    command.spawn().map(drop).map_err(|error| {
        Failure::new(format!("no browser can be opened: {program}: {error}"))
            .hint("leave --open out, and copy the address into a browser")
    })
}
