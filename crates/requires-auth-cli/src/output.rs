//! What the commands print: data to stdout, talk to stderr, colour only on a terminal.
//!
//! Texts are lower case without a final period. Whatever comes from a token goes through [`printable`].

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::time::{Duration, SystemTime};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::logging::Escape;

/// For what holds.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// For what does not hold.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// For what is worth a look.
pub(crate) const CARE: Style = AnsiColor::Yellow.on_default().bold();
/// For labels.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Prints one line of JSON to stdout.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", json_line(value)?)?;
    stdout.flush()
}

/// One line of JSON, without its end.
pub(crate) fn json_line(value: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string(value)?;
    // Claims are kept as the token has them, and may hold line breaks, but never within a string.
    let text = if text.contains(['\n', '\r', '\t']) { text.replace(['\n', '\r', '\t'], " ") } else { text };
    // Within a string, each character can be written as its number: a program reads the same, and a terminal nothing else.
    Ok(Escape::Json.all(&text).into_owned())
}

/// Prints aligned lines of label and value to stdout.
pub(crate) fn print_fields(fields: &[(&str, Cow<'_, str>)]) -> io::Result<()> {
    let width = fields.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    let mut stdout = anstream::stdout().lock();
    for (label, value) in fields {
        writeln!(stdout, "  {DIM}{label:width$}{DIM:#}  {value}")?;
    }
    Ok(())
}

/// Says something to stderr that a person should know and a program need not.
pub(crate) fn say(text: &str) {
    // Where stderr is closed there is nobody to tell.
    writeln!(anstream::stderr().lock(), "{text}").ok();
}

/// Warns on stderr.
pub(crate) fn warn(text: &str) {
    say(&format!("{CARE}warning:{CARE:#} {text}"));
}

/// Text from outside with control characters escaped, so that a token cannot drive the terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    Escape::Text.all(text)
}

/// A moment as seen from another: `in 59 min`, `2 h ago`.
pub(crate) fn relative(moment: SystemTime, now: SystemTime) -> String {
    match moment.duration_since(now) {
        Ok(ahead) => format!("in {}", rounded(ahead)),
        Err(behind) => format!("{} ago", rounded(behind.duration())),
    }
}

/// A duration in its largest unit, rounded down.
fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n\u{202e}é"), "a\\u{1b}[2Jb\\n\\u{202e}é");
        assert!(matches!(printable("https://a.example/é"), Cow::Borrowed(_)));
    }

    #[test]
    fn moments_are_told_in_their_largest_unit() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let in_seconds = |seconds| relative(now + Duration::from_secs(seconds), now);
        assert_eq!(in_seconds(119), "in 119 s");
        assert_eq!(in_seconds(3599), "in 59 min");
        assert_eq!(in_seconds(86_400), "in 24 h");
        assert_eq!(in_seconds(864_000), "in 10 days");
        assert_eq!(relative(now - Duration::from_secs(300), now), "5 min ago");
    }

    #[test]
    fn json_is_one_line() {
        let raw = serde_json::value::RawValue::from_string("{\n\"a\":\r\n1}".to_owned()).expect("JSON");
        assert_eq!(json_line(&raw).expect("JSON"), "{ \"a\":  1}");
    }

    #[test]
    fn json_drives_no_terminal_and_says_the_same() {
        let raw = serde_json::value::RawValue::from_string(
            "{\"a\u{202e}\": \"\u{9b}2J\u{2028}\u{200b}é\"}".to_owned(),
        );
        let raw = raw.expect("JSON");
        let line = json_line(&raw).expect("JSON");
        assert_eq!(line, "{\"a\\u202e\": \"\\u009b2J\\u2028\\u200bé\"}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(read(&line), read(raw.get()));
    }
}
