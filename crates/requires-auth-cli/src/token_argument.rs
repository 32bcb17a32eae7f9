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
        Some(text) if text != "-" => return not_a_file(not_empty(alone(text), "the argument")?),
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
    not_empty(alone(text.trim_ascii_end().to_owned()), "stdin")
}

/// A token as it is copied from a header: the name of the header and the scheme may stand before it.
pub(crate) struct Copied<'t> {
    /// What stands before the token, if anything does.
    pub(crate) before: Option<&'t str>,
    pub(crate) token: &'t str,
}

/// The token of `Authorization: Bearer TOKEN`, of `DPoP TOKEN`, or of the token alone, with white space around it.
pub(crate) fn as_copied(text: &str) -> Copied<'_> {
    let text = text.trim();
    let name = "authorization:";
    let named = text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    let value = if named { text[name.len()..].trim_start() } else { text };
    let (scheme, rest) = value.split_at(value.find([' ', '\t']).unwrap_or(value.len()));
    let is_scheme = ["Bearer", "DPoP"].into_iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let token = if is_scheme { rest.trim_start() } else { value };
    let before = text[..text.len() - token.len()].trim_end();
    Copied { before: Some(before).filter(|before| !before.is_empty()), token }
}

/// The token alone, and a note of what was left out; any other text as it is.
fn alone(text: String) -> String {
    let Copied { before: Some(before), token } = as_copied(&text) else { return text };
    if !token.is_empty() {
        say(&format!("note: `{}` is not part of the token, and is left out", printable(before)));
    }
    token.to_owned()
}

/// Whoever asks for a token that does not come passes on nothing.
fn not_empty(token: String, place: &str) -> Result<String, Failure> {
    if token.trim().is_empty() {
        return Err(Failure::new(format!("there is no token: {place} is empty"))
            .hint("if a command was to give it, run that command alone to see what it says"));
    }
    Ok(token)
}

/// A file that is named in the place of the token is a slip; a signed token is never the name of a file.
fn not_a_file(token: String) -> Result<String, Failure> {
    let path = Path::new(&token);
    if !path.is_file() {
        return Ok(token);
    }
    let name = printable(&token);
    let hint = if path.extension().is_some_and(|ending| ending == "toml") {
        format!(
            "judge a token by a configuration: `requires-auth explain --config {name} TOKEN`, and so `verify`"
        )
    } else {
        format!("read the token from the file: < {name}")
    };
    Err(Failure::new(format!("`{name}` is a file, and a token is expected")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_as_it_is_copied() {
        for (text, before) in [
            ("a.b.c", None),
            (" a.b.c\n", None),
            ("Bearer a.b.c", Some("Bearer")),
            ("dpop\ta.b.c", Some("dpop")),
            ("Authorization: Bearer a.b.c", Some("Authorization: Bearer")),
            ("authorization:a.b.c", Some("authorization:")),
            ("authorization:  DPoP   a.b.c ", Some("authorization:  DPoP")),
        ] {
            let copied = as_copied(text);
            assert_eq!((copied.before, copied.token), (before, "a.b.c"), "{text}");
        }
    }

    #[test]
    fn any_other_text_is_left_as_it_is() {
        for text in
            ["Basic a.b.c", "Bearera.b.c", "a Bearer b", "Proxy-Authorization: Bearer a", "é", "\"a.b.c\""]
        {
            let copied = as_copied(text);
            assert_eq!((copied.before, copied.token), (None, text));
        }
        for nothing in ["", " ", "Bearer", "dpop ", "Authorization: ", "Authorization: Bearer"] {
            assert_eq!(as_copied(nothing).token, "", "{nothing}");
        }
    }

    #[test]
    fn nothing_is_not_a_token() {
        for text in ["", " ", "\n\t"] {
            let failure = not_empty(text.to_owned(), "stdin").expect_err("nothing");
            assert_eq!(failure.to_string(), "there is no token: stdin is empty");
        }
        assert_eq!(not_empty("a".to_owned(), "stdin").expect("a token"), "a");
    }
}
