//! Where the token comes from: the command line or stdin.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use crate::error::Failure;
use crate::output::{printable, say};

/// Stdin is read up to this many bytes: more than any token that is looked into.
const MAX_BYTES: u64 = 1024 * 1024;

/// The token of the command line; `-`, or nothing where stdin is piped, reads it from stdin.
pub(crate) fn read_token(argument: Option<String>) -> Result<String, Failure> {
    match argument {
        Some(text) if text != "-" => return not_a_file(without_scheme(text)),
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
    Ok(without_scheme(text.trim_ascii_end().to_owned()))
}

/// The token of `Bearer TOKEN` or `DPoP TOKEN`, as it is copied from a header; any other text as it is.
fn without_scheme(text: String) -> String {
    let Some((scheme, token)) = split_scheme(&text) else { return text };
    say(&format!("note: the word {scheme} is not part of the token, and is left out"));
    token.to_owned()
}

/// The scheme and the token of `Bearer TOKEN` or `DPoP TOKEN`.
pub(crate) fn split_scheme(text: &str) -> Option<(&'static str, &str)> {
    let (scheme, rest) = text.split_once(' ')?;
    let scheme = ["Bearer", "DPoP"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    Some((scheme, rest.trim_ascii()))
}

/// A file that is named in the place of the token is a slip; a signed token is never the name of a file.
fn not_a_file(token: String) -> Result<String, Failure> {
    if !Path::new(&token).is_file() {
        return Ok(token);
    }
    let name = printable(&token);
    Err(Failure::new(format!("`{name}` is a file, and a token is expected"))
        .hint(format!("read the token from the file: < {name}")))
}
