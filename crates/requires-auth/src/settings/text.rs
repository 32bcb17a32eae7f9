//! A text as the value of a setting, and what to say of one that is none.

use std::path::PathBuf;
use std::time::Duration;

use super::nearest::nearest;
use super::row::{Kind, Setting};
use super::secret::Secret;
use super::value::{Document, Table, Value};
use crate::error::ConfigProblem;

/// Where a setting is written, which is how a hint shows a right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each has its own way to write a value")]
pub enum Notation {
    /// A variable of the environment.
    Environment,
    /// An argument or a member of a dict, in Python.
    Python,
    /// A key of a file in TOML.
    Toml,
}

/// A value of another type than its setting has.
/// It becomes a [`ConfigProblem`] with the name of the setting as it is written in that place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// What was given, without the value: it may be a secret in the wrong place.
    pub found: String,
    /// What kind of value is expected.
    pub expected: &'static str,
    /// How to write one.
    pub hint: String,
}

impl Mismatch {
    /// As a problem of a setting.
    pub(crate) fn problem(self, key: &'static str) -> ConfigProblem {
        ConfigProblem::new(key, self.found, self.expected, self.hint)
    }
}

impl Kind {
    /// What a message expects, wherever a setting is written.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Url => "a URL",
            Self::Words | Self::Algorithms => "a text or a list of texts",
            Self::Audience => "a text, a list of texts, or a rule",
            Self::Scopes => "scopes that include others",
            Self::Duration(_) => "a duration",
            Self::Count(_) => "a whole number that is not negative",
            Self::Choice { expected, .. } | Self::Name { expected, .. } => expected,
            Self::Switch | Self::SwitchedOn => "true or false",
            Self::Places => "places of a token",
            Self::Path => "the path of a file",
            Self::Document { holds, .. } => holds,
            Self::Text => "a text",
            Self::Secret => "a secret",
            Self::Table { .. } => "a table",
        }
    }

    /// What to say of a value that this kind does not take. `text` is the value, if it is a text.
    pub fn mismatch(self, notation: Notation, found: impl Into<String>, text: Option<&str>) -> Mismatch {
        let hint = match (self, notation, text) {
            (Self::Choice { names, .. } | Self::Name { names, .. }, _, text) => {
                choice_hint(names, notation, text)
            }
            (Self::Duration(_), Notation::Toml, Some(text)) if is_number(text) => {
                format!("write {text} without quotes, or with a unit: \"{text}s\"")
            }
            (Self::Duration(_) | Self::Count(_), Notation::Python, Some(text)) if is_number(text) => {
                format!("write it without quotes: {text}")
            }
            _ => self.hint(notation).to_owned(),
        };
        Mismatch { found: found.into(), expected: self.expected(), hint }
    }

    const fn hint(self, notation: Notation) -> &'static str {
        use Notation::{Environment, Python, Toml};
        match (self, notation) {
            (Self::Url | Self::Text | Self::Secret, Environment) => "write it without quotes",
            (Self::Secret, Toml) => {
                "a secret stands in no configuration file: write { env = \"NAME\" } or { file = \"path\" }"
            }
            (Self::Table { short: None, .. }, Environment) => "each of its members is a variable of its own",
            (Self::Table { short: Some(short), .. }, Environment) => short.kind.hint(Environment),
            (Self::Table { .. }, Python) => "give a dict of its members",
            (Self::Table { .. }, Toml) => "write { key = value }, or a table of its own",
            (Self::Url | Self::Text | Self::Secret, _) => "write it in quotes",
            (Self::Words | Self::Algorithms | Self::Audience, Environment) => {
                "separate several by spaces or commas"
            }
            (Self::Words | Self::Algorithms, _) => "write [\"one\", \"two\"]",
            (Self::Audience, Toml) => {
                "write [\"one\", \"two\"], { prefix = \"urn:logto:organization:\" } or { claim = \"client_id\", one_of = [\"one\"] }"
            }
            (Self::Audience, Python) => {
                "write [\"one\", \"two\"], {\"prefix\": \"urn:logto:organization:\"} or {\"claim\": \"client_id\", \"one_of\": [\"one\"]}"
            }
            (Self::Scopes, Toml) => "write { admin = \"read write\" }",
            (Self::Scopes, _) => "write {\"admin\": \"read write\"}",
            (Self::Duration(_), Environment) => "write 30s, 5m, 1h or a number of seconds",
            (Self::Duration(_), Python) => "write a number of seconds without quotes: 30",
            (Self::Duration(_), Toml) => "write \"30s\", \"5m\", \"1h\" or a number of seconds",
            (Self::Count(_), Environment) => "write digits alone",
            (Self::Count(_), _) => "write it without quotes",
            (Self::Switch | Self::SwitchedOn, Environment) => "write true or false",
            (Self::Switch | Self::SwitchedOn, Python) => "write True or False without quotes",
            (Self::Switch | Self::SwitchedOn, Toml) => "write true or false without quotes",
            (Self::Places, Environment) => {
                "write authorization, header=NAME, cookie=NAME, subprotocol.prefix=PREFIX or subprotocol.after=NAME"
            }
            (Self::Places, Python) => {
                "write [\"authorization\", {\"header\": \"NAME\"}, {\"cookie\": \"NAME\"}, {\"subprotocol\": {\"after\": \"bearer\"}}], or some of them"
            }
            (Self::Places, Toml) => {
                "write [\"authorization\", { header = \"NAME\" }, { cookie = \"NAME\" }, { subprotocol = { after = \"bearer\" } }], or some of them"
            }
            (Self::Path, Python) => "give a str or a pathlib.Path",
            (Self::Document { .. }, Python) => "give the text itself or the path of a file",
            (Self::Path | Self::Document { .. }, _) => "write the path of a file",
            // Each has a hint that names the nearest choice.
            (Self::Choice { .. } | Self::Name { .. }, _) => "",
        }
    }

    /// Reads the text of a variable.
    ///
    /// # Errors
    ///
    /// The text is not such a value.
    pub fn parse(self, text: &str) -> Result<Value, Mismatch> {
        let read = match self {
            Self::Url | Self::Text => Some(Value::Text(text.to_owned())),
            Self::Secret => Some(Value::Secret(Secret::new(text))),
            Self::Words | Self::Algorithms => Some(Value::Words(words(text))),
            Self::Audience => Some(Value::Audience(words(text).into())),
            Self::Duration(_) => {
                let seconds = || number(text).map(Duration::from_secs);
                duration(text).or_else(seconds).map(Value::Duration)
            }
            Self::Count(_) => number(text).map(Value::Count),
            Self::Choice { names, .. } | Self::Name { names, .. } => {
                let chosen = names.iter().copied().find(|name| *name == text);
                let mismatch = || self.mismatch(Notation::Environment, shown_value(text), Some(text));
                return chosen.map(Value::Choice).ok_or_else(mismatch);
            }
            Self::Places => {
                words(text).iter().map(|word| word.parse().ok()).collect::<Option<_>>().map(Value::Places)
            }
            Self::Switch | Self::SwitchedOn => match text {
                "true" => Some(Value::Switch(true)),
                "false" => Some(Value::Switch(false)),
                _ => None,
            },
            Self::Path => Some(Value::Path(PathBuf::from(text))),
            Self::Document { .. } => Some(Value::Document(
                Document::itself(text).unwrap_or_else(|| Document::File(PathBuf::from(text))),
            )),
            Self::Table { short: Some(short), .. } => {
                return short.kind.parse(text).map(|value| Value::Table(Table::of(short, value)));
            }
            Self::Scopes | Self::Table { short: None, .. } => None,
        };
        read.ok_or_else(|| self.mismatch(Notation::Environment, "another text", Some(text)))
    }
}

/// What is written by whoever takes a choice for a switch.
const SWITCHED_ON: [&str; 6] = ["1", "enable", "enabled", "on", "true", "yes"];
const SWITCHED_OFF: [&str; 6] = ["0", "disable", "disabled", "false", "no", "off"];

fn choice_hint(names: &[&str], notation: Notation, text: Option<&str>) -> String {
    format!("write {}", choice_to_write(names, notation, text))
}

/// Which of the names to write; `text` is what was given, if it was a text.
pub(crate) fn choice_to_write(names: &[&str], notation: Notation, text: Option<&str>) -> String {
    let written = |name: &str| match notation {
        Notation::Environment => name.to_owned(),
        Notation::Python | Notation::Toml => format!("\"{name}\""),
    };
    let is_among = |words: &[&str]| text.is_some_and(|text| words.contains(&&*text.to_ascii_lowercase()));
    let (is_on, is_off) = (is_among(&SWITCHED_ON), is_among(&SWITCHED_OFF));
    if is_on && names.contains(&"allowed") && names.contains(&"required") {
        let (allowed, required) = (written("allowed"), written("required"));
        return format!("{allowed}, or {required} once every client sends proofs");
    }
    // Where none is near, any of them may be meant. A word that switches something on is near to "off" by its letters alone.
    let known = |wanted: &str| names.iter().copied().find(|name| *name == wanted);
    let close = match text {
        Some(_) if is_on => known("on"),
        Some(_) if is_off => known("off"),
        Some(text) => nearest(text, names.iter().copied()),
        None => None,
    };
    let all = || names.iter().copied().filter(|name| !is_on || *name != "off").collect();
    let meant = close.map_or_else(all, |close| vec![close]);
    let meant: Vec<_> = meant.into_iter().map(written).collect();
    match meant.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Separated by spaces or commas.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_ascii_whitespace() || c == ',');
    words.filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
}

fn is_number(text: &str) -> bool {
    text.len() <= 20 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(text: &str) -> Option<u64> {
    // `parse` would take a plus sign.
    text.parse().ok().filter(|_| is_number(text))
}

/// `30s`, `5m` or `1h`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (digits, seconds) = match text.as_bytes().last()? {
        b's' => (text.strip_suffix('s')?, 1),
        b'm' => (text.strip_suffix('m')?, 60),
        b'h' => (text.strip_suffix('h')?, 60 * 60),
        _ => return None,
    };
    number(digits)?.checked_mul(seconds).map(Duration::from_secs)
}

/// Seconds in the largest unit that has no rest.
pub(super) fn shown_duration(seconds: u64) -> String {
    let units = [(60 * 60, 'h'), (60, 'm')];
    let fits = units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    let (unit, letter) = fits.unwrap_or((1, 's'));
    format!("{}{letter}", seconds / unit)
}

/// A short value in backquotes. A long one is not a name, and may be a secret that stands in the wrong place.
pub fn shown_value(value: &str) -> String {
    let is_short = value.len() <= 24 && value.chars().all(|c| !c.is_control());
    if is_short { format!("`{value}`") } else { "another text".to_owned() }
}

/// A key as it is written in TOML: in quotes where it needs them.
pub fn shown_key(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if is_bare { key.to_owned() } else { format!("{key:?}") }
}

impl Setting {
    /// The value that holds without it, as it is written in a file; `None` where there is no such value.
    pub fn default(&self) -> Option<String> {
        Some(match self.kind {
            Kind::Duration(limits) => shown_duration(limits.default),
            Kind::Count(limits) => limits.default.to_string(),
            Kind::Choice { names, .. } => (*names.first()?).to_owned(),
            Kind::Switch => "false".to_owned(),
            Kind::SwitchedOn => "true".to_owned(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, seconds) in [("0s", 0), ("30s", 30), ("5m", 300), ("1h", 3600), ("007s", 7)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "s", "30", "30 s", "-1s", "+1s", "1.5h", "1d", "30S", "1h30m", "5124095576030432h", "1ß"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
        for (seconds, text) in [(0, "0s"), (5, "5s"), (60, "1m"), (90, "90s"), (3600, "1h"), (7200, "2h")] {
            assert_eq!(shown_duration(seconds), text);
        }
    }

    #[test]
    fn keys_are_shown_as_they_are_written() {
        assert_eq!(shown_key("main-1_a"), "main-1_a");
        assert_eq!(shown_key("a.b"), "\"a.b\"");
        assert_eq!(shown_key(""), "\"\"");
        assert_eq!(shown_key("a\u{1b}[31m"), "\"a\\u{1b}[31m\"");
    }

    #[test]
    fn words_are_separated_by_spaces_or_commas() {
        assert_eq!(words("a, b\tc,,d\n"), ["a", "b", "c", "d"]);
        assert_eq!(words(" , "), [""; 0]);
    }

    #[test]
    fn a_hint_names_the_choice_that_is_near_and_else_every_one() {
        let names: &[&str] = &["auth0", "entra", "logto"];
        for (text, notation, expected) in [
            (Some("logot"), Notation::Python, "write \"logto\""),
            (Some("azure"), Notation::Toml, "write \"auth0\", \"entra\" or \"logto\""),
            (Some("azure"), Notation::Environment, "write auth0, entra or logto"),
            (None, Notation::Python, "write \"auth0\", \"entra\" or \"logto\""),
        ] {
            assert_eq!(choice_hint(names, notation, text), expected);
        }
        assert_eq!(
            choice_hint(&["keep", "needed"], Notation::Toml, Some("all")),
            "write \"keep\" or \"needed\""
        );
        assert_eq!(choice_hint(&["one"], Notation::Toml, Some("twelve")), "write \"one\"");
    }

    /// Who wants something on is never told to switch it off.
    #[test]
    fn a_word_of_a_switch_is_not_near_to_a_name_by_its_letters() {
        let modes: &[&str] = &["off", "allowed", "required", "pass"];
        let hint = "write allowed, or required once every client sends proofs";
        for on in ["on", "On", "yes", "true", "1", "enabled"] {
            assert_eq!(choice_hint(modes, Notation::Environment, Some(on)), hint, "{on}");
        }
        for off in ["no", "false", "0", "OFF"] {
            assert_eq!(choice_hint(modes, Notation::Toml, Some(off)), "write \"off\"", "{off}");
        }
        assert_eq!(choice_hint(modes, Notation::Toml, Some("of")), "write \"off\"");
        let of_routes: &[&str] = &["on", "shadow"];
        assert_eq!(choice_hint(of_routes, Notation::Toml, Some("true")), "write \"on\"");
        assert_eq!(choice_hint(of_routes, Notation::Toml, Some("off")), "write \"on\" or \"shadow\"");
        for setting in
            super::super::ALL.iter().flat_map(|row| [*row].into_iter().chain(row.members().iter().copied()))
        {
            let (Kind::Choice { names, .. } | Kind::Name { names, .. }) = setting.kind else { continue };
            for on in SWITCHED_ON {
                let hint = choice_hint(names, Notation::Environment, Some(on));
                let words: Vec<_> = hint.split([' ', ',']).collect();
                assert!(!words.contains(&"off") && names.iter().any(|name| words.contains(name)), "{hint}");
            }
        }
    }
}
