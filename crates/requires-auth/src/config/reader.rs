//! TOML with its lines: gives out values of the right type, and notes what is not.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::error::ConfigProblem;

/// Where each setting of a file stands.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) file: Arc<str>,
    /// By path: `issuers.main.audience`.
    lines: HashMap<String, u32>,
}

impl Places {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_string_lossy().into(), lines: HashMap::new() }
    }

    /// The line of a setting, else that of the table that it would stand in.
    pub(super) fn line(&self, setting: &str) -> u32 {
        let mut path = setting;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rsplit_once('.') {
                Some((table, _)) => path = table,
                None => return 1,
            }
        }
    }

    pub(super) fn locate(&self, problem: ConfigProblem, setting: &str) -> ConfigProblem {
        problem.at(Arc::clone(&self.file), self.line(setting), setting)
    }
}

/// One setting.
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    /// The key with the tables that it is in.
    pub(super) path: String,
    pub(super) value: &'a DeValue<'a>,
}

/// What is known of a file so far.
pub(super) struct Reader<'t> {
    text: &'t str,
    /// Where its lines end.
    ends: Vec<usize>,
    pub(super) places: Places,
    pub(super) problems: Vec<ConfigProblem>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, file: &Path) -> Self {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        Self { text, ends, places: Places::new(file), problems: Vec::new() }
    }

    /// The text as a table. If it is no TOML, that is noted, and the table is not to be used.
    pub(super) fn document(&mut self) -> DeTable<'t> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        let mut last = 0;
        for error in &errors {
            // A slip makes more errors in its own line. The parser's message quotes nothing of the file.
            let line = self.line_at(error.span().map_or(0, |span| span.start));
            if line != last {
                let hint = "texts stand in quotes, lists in brackets, and a key stands once in its table";
                let found = error.message().lines().collect::<Vec<_>>().join(", ");
                let problem = ConfigProblem::new("file", found, "TOML", hint);
                self.problems.push(problem.at(Arc::clone(&self.places.file), line, ""));
            }
            last = line;
        }
        document.into_inner()
    }

    /// The settings of a table in the order of the file; `within` is its path, empty for the file itself.
    pub(super) fn entries<'a>(&mut self, table: &'a DeTable<'a>, within: &str) -> Vec<Entry<'a>> {
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&'a toml::Spanned<_>, &'a toml::Spanned<_>)| {
            let (key, start): (&'a std::borrow::Cow<'a, str>, _) = (key.get_ref(), key.span().start);
            let path = if within.is_empty() { shown(key) } else { format!("{within}.{}", shown(key)) };
            self.places.lines.insert(path.clone(), self.line_at(start));
            Entry { key, path, value: value.get_ref() }
        };
        keys.into_iter().map(entry).collect()
    }

    /// Notes where something stands that no key names: an item of a list.
    pub(super) fn place(&mut self, path: &str, start: usize) {
        let line = self.line_at(start);
        self.places.lines.insert(path.to_owned(), line);
    }

    pub(super) fn report(
        &mut self,
        field: &'static str,
        path: &str,
        found: impl Into<String>,
        expected: &'static str,
        hint: impl Into<String>,
    ) {
        let problem = ConfigProblem::new(field, found, expected, hint);
        self.problems.push(self.places.locate(problem, path));
    }

    pub(super) fn table<'a>(&mut self, field: &'static str, entry: &Entry<'a>) -> Option<&'a DeTable<'a>> {
        let DeValue::Table(table) = entry.value else {
            self.wrong_type(field, entry, "a table", &format!("write it as [{}]", entry.path));
            return None;
        };
        Some(table)
    }

    pub(super) fn text(&mut self, field: &'static str, entry: &Entry<'_>) -> Option<String> {
        let DeValue::String(text) = entry.value else {
            self.wrong_type(field, entry, "a text", "write it in quotes");
            return None;
        };
        Some(text.to_string())
    }

    /// A list of texts, or one text alone.
    pub(super) fn texts(&mut self, field: &'static str, entry: &Entry<'_>) -> Option<Vec<String>> {
        let texts = match entry.value {
            DeValue::String(text) => Some(vec![text.to_string()]),
            DeValue::Array(list) => list
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::String(text) => Some(text.to_string()),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        if texts.is_none() {
            self.wrong_type(field, entry, "a text or a list of texts", "write [\"one\", \"two\"]");
        }
        texts
    }

    /// A number that is not negative.
    pub(super) fn count(&mut self, field: &'static str, entry: &Entry<'_>) -> Option<usize> {
        let count = whole_number(entry.value).and_then(|number| usize::try_from(number).ok());
        if count.is_none() {
            self.wrong_type(field, entry, "a whole number that is not negative", "write it without quotes");
        }
        count
    }

    /// `"30s"`, `"5m"`, `"1h"`, or a number of seconds.
    pub(super) fn duration(&mut self, field: &'static str, entry: &Entry<'_>) -> Option<Duration> {
        let duration = match entry.value {
            DeValue::String(text) => duration(text),
            value => whole_number(value).map(Duration::from_secs),
        };
        if duration.is_none() {
            self.wrong_type(
                field,
                entry,
                "a duration",
                "write \"30s\", \"5m\", \"1h\" or a number of seconds",
            );
        }
        duration
    }

    fn wrong_type(&mut self, field: &'static str, entry: &Entry<'_>, expected: &'static str, hint: &str) {
        self.report(field, &entry.path, kind(entry.value), expected, hint);
    }

    fn line_at(&self, offset: usize) -> u32 {
        let lines = self.ends.partition_point(|end| *end < offset);
        u32::try_from(lines).map_or(u32::MAX, |lines| lines.saturating_add(1))
    }
}

/// A key as it is written: in quotes where TOML needs them.
pub(super) fn shown(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if is_bare { key.to_owned() } else { format!("{key:?}") }
}

fn whole_number(value: &DeValue<'_>) -> Option<u64> {
    let DeValue::Integer(number) = value else { return None };
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn duration(text: &str) -> Option<Duration> {
    let (number, seconds) = match text.as_bytes().last()? {
        b's' => (text.strip_suffix('s')?, 1),
        b'm' => (text.strip_suffix('m')?, 60),
        b'h' => (text.strip_suffix('h')?, 60 * 60),
        _ => return None,
    };
    // `parse` would take a plus sign.
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| is_number)?;
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// What a value is, without the value: it may be a secret that stands in the wrong place.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "another text",
        DeValue::Integer(number) if number.as_str().starts_with('-') => "a negative number",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
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
    }

    #[test]
    fn keys_are_shown_as_they_are_written() {
        assert_eq!(shown("main-1_a"), "main-1_a");
        assert_eq!(shown("a.b"), "\"a.b\"");
        assert_eq!(shown(""), "\"\"");
        assert_eq!(shown("a\u{1b}[31m"), "\"a\\u{1b}[31m\"");
    }
}
