//! The configuration of a case as a text in TOML, for programs that read their settings from a file.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::Config;

impl Config {
    /// The issuer, the audience and the [settings](Self::settings) as a configuration file of requires-auth: the
    /// settings of the guard, then the table `[issuers.main]`. `is_of_issuer` says of a key whether it belongs there.
    ///
    /// Scopes, claim rules, the time and the key set are no settings and not in it.
    pub fn to_toml(&self, is_of_issuer: impl Fn(&str) -> bool) -> String {
        let (mut guard, mut issuer) = (String::new(), String::new());
        let mut put = |key: &str, value: &Value| {
            // Of an issuer, `dpop` is a mode alone; all else of it is of the guard.
            let is_table_of_guard = key == "dpop" && value.is_object();
            let table = if is_of_issuer(key) && !is_table_of_guard { &mut issuer } else { &mut guard };
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{} = {}", Value::from(key), inline(value));
        };
        for (key, value) in self.all_settings() {
            put(&key, &value);
        }
        format!("{guard}[issuers.main]\n{issuer}")
    }

    /// All settings by their keys: what has a member of its own in a case, and [`settings`](Self::settings), which count
    /// where both are there.
    pub fn all_settings(&self) -> Map<String, Value> {
        let members = [
            ("issuer", self.issuer.as_ref().map(|issuer| json!(issuer))),
            ("audience", (!self.audience.is_empty()).then(|| json!(self.audience))),
            ("algorithms", self.alg.as_ref().map(|names| json!(names))),
            ("leeway", self.leeway.map(|seconds| json!(seconds))),
            ("profile", self.profile.as_ref().map(|name| json!(name))),
        ];
        let members = members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        let mut all: Map<_, _> = members.chain(self.settings.clone()).collect();
        if let Some(Value::Array(entries)) = all.get("revocations") {
            all["revocations"] = json!(file_of(entries));
        }
        all
    }

    /// The text of the key set: that of the setting `jwks` if the case has one, else the JWK Set of the case.
    pub fn key_set(&self, jwks: &Value) -> String {
        let text = self.settings.get("jwks").and_then(Value::as_str);
        text.map_or_else(|| jwks.to_string(), ToOwned::to_owned)
    }

    /// The [claim rules](Self::claims) as the value of a key in TOML.
    pub fn claims_in_toml(&self) -> String {
        inline(&Value::Object(self.claims.clone()))
    }
}

/// The path of a file with these entries, one in each line: a case has the entries themselves. Cases with the same entries
/// share the file, which stays for the next run.
fn file_of(entries: &[Value]) -> PathBuf {
    let lines: Vec<_> = entries.iter().map(Value::to_string).collect();
    let lines = lines.join("\n");
    let mut hasher = DefaultHasher::new();
    lines.hash(&mut hasher);
    let folder = std::env::temp_dir().join("requires-auth-vectors");
    let path = folder.join(format!("revoked-{:016x}.jsonl", hasher.finish()));
    if fs::read_to_string(&path).is_ok_and(|content| content == lines) {
        return path;
    }
    let thread = std::thread::current().id();
    let new = path.with_extension(format!("{}-{thread:?}", std::process::id()));
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&new, lines))
        .and_then(|()| fs::rename(&new, &path));
    written.unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
    path
}

/// A value as TOML writes it in one line. There is no null.
fn inline(value: &Value) -> String {
    let of_all = |texts: Vec<String>| texts.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", of_all(items.iter().map(inline).collect())),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| format!("{} = {}", json!(key), inline(value));
            format!("{{ {} }}", of_all(members.iter().map(member).collect()))
        }
        Value::Null => panic!("TOML has no null"),
        // JSON escapes nothing that TOML does not escape in the same way, save for this letter, which it leaves as it is.
        text => text.to_string().replace('\u{7f}', "\\u007f"),
    }
}
