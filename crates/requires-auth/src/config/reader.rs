//! TOML with its lines: gives out values of the right type, and notes what is not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::error::{ConfigProblem, Place};
use crate::settings::{Kind, Limits, Notation, choice_to_write, duration, nearest, shown_key, shown_value};

/// Numbers without limits, for messages alone.
const ANY: Limits = Limits { default: 0, least: 0, most: u64::MAX, expected: "", hint: "" };

/// Where each setting of a file stands.
#[derive(Clone, Debug)]
pub(super) struct Places {
    file: Arc<str>,
    /// By path: `issuers.main.audience`.
    lines: HashMap<String, u32>,
    /// The paths of settings that stand there under an earlier name, each with the path as it is written.
    earlier: HashMap<String, String>,
}

impl Places {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_string_lossy().into(), lines: HashMap::new(), earlier: HashMap::new() }
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

    pub(super) fn place(&self, setting: &str) -> Option<Place> {
        let problem = ConfigProblem::new("", "", "", "");
        self.locate(problem, setting).place().cloned()
    }

    pub(super) fn locate(&self, problem: ConfigProblem, setting: &str) -> ConfigProblem {
        let setting = self.earlier.get(setting).map_or(setting, String::as_str);
        problem.at(Arc::clone(&self.file), self.line(setting), setting)
    }
}

/// A key of a table with its value.
#[derive(Debug)]
pub struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) path: String,
    pub(super) value: &'a DeValue<'a>,
}

impl<'a> Entry<'a> {
    /// The key.
    pub const fn key(&self) -> &'a str {
        self.key
    }

    /// The key with the tables that it is in, which messages name: `server.listen`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value.
    pub const fn value(&self) -> &'a DeValue<'a> {
        self.value
    }
}

/// Reads a file: gives out values of the right type, and notes each mistake with its line.
///
/// `field` names the part of the file that a mistake is in: [`ConfigProblem::field`].
#[derive(Debug)]
pub struct Reader<'t> {
    text: &'t str,
    folder: PathBuf,
    /// Where its lines end.
    ends: Vec<usize>,
    pub(super) places: Places,
    pub(super) problems: Vec<ConfigProblem>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, file: &Path) -> Self {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        Self { text, folder, ends, places: Places::new(file), problems: Vec::new() }
    }

    /// The text as a table. If it is not TOML, that is noted, and the table is not to be used.
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
    pub fn entries<'a>(&mut self, table: &'a DeTable<'a>, within: &str) -> Vec<Entry<'a>> {
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&'a toml::Spanned<_>, &'a toml::Spanned<_>)| {
            let (key, start): (&'a std::borrow::Cow<'a, str>, _) = (key.get_ref(), key.span().start);
            let path =
                if within.is_empty() { shown_key(key) } else { format!("{within}.{}", shown_key(key)) };
            self.places.lines.insert(path.clone(), self.line_at(start));
            Entry { key, path, value: value.get_ref() }
        };
        keys.into_iter().map(entry).collect()
    }

    /// The tables of a list `[[name]]`, each with its path: `routes.1`.
    pub fn tables<'a>(
        &mut self,
        document: &'a DeTable<'a>,
        name: &'static str,
    ) -> Vec<(Entry<'a>, &'a DeTable<'a>)> {
        let Some(value) = document.get(name) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            let hint = format!("begin each with a line [[{name}]]");
            self.report(name, name, "another value", "a list of tables", hint);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (place, item) in list.iter().enumerate() {
            let path = format!("{name}.{}", place + 1);
            let line = self.line_at(item.span().start);
            self.places.lines.insert(path.clone(), line);
            let value = item.get_ref();
            if let DeValue::Table(table) = value {
                tables.push((Entry { key: name, path, value }, table));
            } else {
                let hint = format!("begin it with a line [[{name}]]");
                self.report(name, &path, "another value", "a table", hint);
            }
        }
        tables
    }

    /// The line of a setting, from 1 on; that of the table that it would stand in, if it is not there.
    pub fn line(&self, path: &str) -> u32 {
        self.places.line(path)
    }

    /// The file, and where it stands in it.
    pub(super) fn told(&self, path: &str) -> String {
        format!("{}:{}: {path}", self.places.file, self.places.line(path))
    }

    /// Lets messages about a setting name it as it is written, under its earlier name.
    pub(super) fn is_written_as(&mut self, path: String, entry: &Entry<'_>) {
        self.places.earlier.insert(path, entry.path.clone());
    }

    /// Notes a mistake: what was found, what is expected, and what to do about it.
    pub fn report(
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

    /// A table.
    pub fn table<'a>(&mut self, field: &'static str, entry: &Entry<'a>) -> Option<&'a DeTable<'a>> {
        let DeValue::Table(table) = entry.value else {
            let hint = format!("write it as [{}]", entry.path);
            self.report(field, &entry.path, found(entry.value), "a table", hint);
            return None;
        };
        Some(table)
    }

    /// A text.
    pub fn text(&mut self, field: &'static str, entry: &Entry<'_>) -> Option<String> {
        let DeValue::String(text) = entry.value else {
            self.report(field, &entry.path, found(entry.value), "a text", "write it in quotes");
            return None;
        };
        Some(text.to_string())
    }

    /// A list of texts, or one text alone.
    pub fn texts(&mut self, field: &'static str, entry: &Entry<'_>) -> Option<Vec<String>> {
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
        texts.or_else(|| self.wrong_type(field, entry, Kind::Words))
    }

    /// A number that is not negative.
    pub fn count(&mut self, field: &'static str, entry: &Entry<'_>) -> Option<u64> {
        whole_number(entry.value).or_else(|| self.wrong_type(field, entry, Kind::Count(ANY)))
    }

    /// `"30s"`, `"5m"`, `"1h"`, or a number of seconds.
    pub fn duration(&mut self, field: &'static str, entry: &Entry<'_>) -> Option<Duration> {
        let read = match entry.value {
            DeValue::String(text) => duration(text),
            value => whole_number(value).map(Duration::from_secs),
        };
        read.or_else(|| self.wrong_type(field, entry, Kind::Duration(ANY)))
    }

    /// True or false.
    pub fn switch(&mut self, field: &'static str, entry: &Entry<'_>) -> Option<bool> {
        let DeValue::Boolean(value) = entry.value else { return self.wrong_type(field, entry, Kind::Switch) };
        Some(*value)
    }

    /// The path of a file, relative to the folder of this one.
    pub fn path(&mut self, field: &'static str, entry: &Entry<'_>) -> Option<PathBuf> {
        let path = self.text(field, entry)?;
        if path.is_empty() {
            let hint = "leave the setting out instead";
            self.report(field, &entry.path, "an empty text", "the path of a file", hint);
            return None;
        }
        Some(self.folder.join(path))
    }

    /// A path, relative to the folder of the file.
    pub fn beside(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// One of some names, each with what it stands for.
    pub fn one_of<T, const N: usize>(
        &mut self,
        field: &'static str,
        entry: &Entry<'_>,
        expected: &'static str,
        choices: [(&'static str, T); N],
    ) -> Option<T> {
        let names = choices.each_ref().map(|(name, _)| *name);
        let name = self.name(field, entry, expected, &names)?;
        choices.into_iter().find(|(own, _)| *own == name).map(|(_, choice)| choice)
    }

    pub(super) fn name(
        &mut self,
        field: &'static str,
        entry: &Entry<'_>,
        expected: &'static str,
        names: &[&'static str],
    ) -> Option<&'static str> {
        let (text, shown) = match entry.value {
            DeValue::String(text) => (Some(&**text), shown_value(text)),
            DeValue::Boolean(value) => {
                (Some(if *value { "true" } else { "false" }), found(entry.value).to_owned())
            }
            value => (None, found(value).to_owned()),
        };
        let is_text = matches!(entry.value, DeValue::String(_));
        let chosen = names.iter().copied().find(|name| is_text && text == Some(*name));
        if chosen.is_none() {
            let meant = choice_to_write(names, Notation::Toml, text);
            self.report(field, &entry.path, shown, expected, format!("write {} = {meant}", entry.key));
        }
        chosen
    }

    /// Notes a key that is not supported yet.
    pub fn not_yet(&mut self, field: &'static str, entry: &Entry<'_>) {
        let hint = "take it out: this version would not do what it says";
        self.report(field, &entry.path, "a key that is not supported yet", "a key that is supported", hint);
    }

    /// Notes an unknown key beside those that are known.
    pub fn unknown(&mut self, field: &'static str, entry: &Entry<'_>, known: &[&str]) {
        let hint = match nearest(entry.key, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the keys here are {}", known.join(", ")),
        };
        self.report(field, &entry.path, "an unknown key", "a known key", hint);
    }

    pub(super) fn wrong_type<T>(&mut self, field: &'static str, entry: &Entry<'_>, kind: Kind) -> Option<T> {
        let text = if let DeValue::String(text) = entry.value { Some(&**text) } else { None };
        let wrong = kind.mismatch(Notation::Toml, found(entry.value), text);
        self.report(field, &entry.path, wrong.found, wrong.expected, wrong.hint);
        None
    }

    fn line_at(&self, offset: usize) -> u32 {
        let lines = self.ends.partition_point(|end| *end < offset);
        u32::try_from(lines).map_or(u32::MAX, |lines| lines.saturating_add(1))
    }
}

fn whole_number(value: &DeValue<'_>) -> Option<u64> {
    let DeValue::Integer(number) = value else { return None };
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// What a value is, without the value: it may be a secret that stands in the wrong place.
fn found(value: &DeValue<'_>) -> &'static str {
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
