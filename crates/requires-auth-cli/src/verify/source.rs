//! Where the token comes from: the command line or stdin.

use std::io::{self, IsTerminal as _, Read as _};

use crate::error::Failure;

/// Stdin is read up to this many bytes: more than any token that is looked into.
const MAX_BYTES: u64 = 1024 * 1024;

/// The token of the command line; `-`, or nothing where stdin is piped, reads it from stdin.
pub(crate) fn read_token(argument: Option<String>) -> Result<String, Failure> {
    match argument {
        Some(token) if token != "-" => return Ok(token),
        None if io::stdin().is_terminal() => {
            return Err(Failure::new("there is no token")
                .hint("give it as an argument, or on stdin: requires-auth verify ... - < token.txt"));
        }
        _ => {}
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(MAX_BYTES).read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(format!("stdin cannot be read: {error}")))?;
    // What is not UTF-8 becomes characters that no token has, and is refused for them.
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_ascii_end().to_owned())
}
