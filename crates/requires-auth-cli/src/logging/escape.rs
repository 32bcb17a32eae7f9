//! Text from outside, made harmless for whoever reads it: on a terminal, in a log, or in JSON on either.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character could drive a terminal, end a line, or make a text look like another: C0 and C1 controls, marks
/// of text direction, characters without a width, separators of lines and paragraphs, and tags.
pub(crate) fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// How a character is written in place of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// As in Rust: `\n`, `\u{202e}`.
    Text,
    /// As in a string of JSON: `\u202e`.
    Json,
}

impl Escape {
    /// The text without what is dangerous, but for what is `kept`.
    pub(crate) fn all_but(self, text: &str, kept: impl Fn(char) -> bool) -> Cow<'_, str> {
        let is_escaped = |c: char| is_dangerous(c) && !kept(c);
        if !text.contains(is_escaped) {
            return Cow::Borrowed(text);
        }
        let mut escaped = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            if is_escaped(c) {
                self.push(&mut escaped, c);
            } else {
                escaped.push(c);
            }
        }
        Cow::Owned(escaped)
    }

    /// The text without what is dangerous.
    pub(crate) fn all(self, text: &str) -> Cow<'_, str> {
        self.all_but(text, |_| false)
    }

    fn push(self, text: &mut String, c: char) {
        match self {
            Self::Text => text.extend(c.escape_default()),
            Self::Json => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // A text takes all that is written to it.
                    write!(text, "\\u{unit:04x}").ok();
                }
            }
        }
    }
}

/// A line of a log without what is dangerous, but for the colours that a logger has put into it, which themselves
/// escape what stands between them.
pub(super) fn line(text: &str, escape: Escape, has_colours: bool) -> Cow<'_, str> {
    if !has_colours || !text.contains('\u{1b}') {
        return escape.all(text);
    }
    let mut parts = text.split('\u{1b}');
    let mut escaped = parts.next().map_or_else(String::new, |part| escape.all(part).into_owned());
    for part in parts {
        let is_colour = part.strip_prefix('[').is_some_and(|rest| {
            rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m')
        });
        escaped.push_str(if is_colour { "\u{1b}" } else { "\\u{1b}" });
        escaped.push_str(&escape.all(part));
    }
    Cow::Owned(escaped)
}

/// The longest text of a request that a line of the log has.
const LONGEST: usize = 512;

/// The beginning of a text that a client chooses the length of.
pub(crate) fn short(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DANGEROUS: &str = "\0\u{7}\t\n\r\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{2028}\u{2029}\u{202e}\
                             \u{2060}\u{2066}\u{feff}\u{e0041}";

    #[test]
    fn nothing_dangerous_is_left_and_json_says_the_same() {
        for c in DANGEROUS.chars() {
            let text = format!("a{c}b");
            let escaped = Escape::Text.all(&text);
            assert!(escaped.starts_with("a\\") && !escaped.contains(is_dangerous), "{escaped}");
            let json = Escape::Json.all(&format!("\"{text}\"")).into_owned();
            assert!(!json.contains(is_dangerous), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text);
        }
        for harmless in ["", "https://a.example/é?x=1", "日本語 🙂", "a\\u{1b}"] {
            assert!(matches!(Escape::Text.all(harmless), Cow::Borrowed(_)), "{harmless}");
        }
    }

    #[test]
    fn only_colours_of_our_own_are_left() {
        let coloured = "\u{1b}[33m WARN\u{1b}[0m a\nb\u{1b}[2J\u{1b}]0;x\u{202e}";
        let expected = "\u{1b}[33m WARN\u{1b}[0m a\\nb\\u{1b}[2J\\u{1b}]0;x\\u{202e}";
        assert_eq!(line(coloured, Escape::Text, true), expected);
        assert!(!line(coloured, Escape::Text, false).contains(is_dangerous));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(400);
        assert_eq!((short("/orders"), short(&long).len()), ("/orders", LONGEST));
        assert_eq!(short(&format!("a{long}")).len(), LONGEST - 1);
    }
}
