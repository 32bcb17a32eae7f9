//! From a text in TOML to a [`Config`]: which keys there are, and which of them belong where.

use std::collections::HashSet;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::model::{Config, IssuerConfig};
use super::reader::{Entry, Reader};
use super::values::value;
use crate::error::{ConfigError, ConfigProblem, Place};
use crate::guard::RequiresAuth;
use crate::providers::{self, AudienceRule, Provider, Shape, audience_hint};
use crate::settings::{self, ALL, Given, Setting, shown_key};

/// Sections that other programs keep in the same file: those of the gateway.
const FOREIGN: [&str; 8] =
    ["enforce", "server", "forward_auth", "reverse_proxy", "headers", "resources", "routes", "tests"];

/// Keys of an issuer that later versions will have.
const NOT_YET: [&str; 2] = ["dpop", "revocation"];

/// Settings that say where the keys of an issuer are.
const SOURCES: [&str; 3] = ["jwks", "jwks_uri", "discovery_url"];

/// A configuration that may have mistakes.
pub(super) struct Draft<T> {
    pub(super) config: Config,
    other: T,
    pub(super) problems: Vec<ConfigProblem>,
}

impl<T> Draft<T> {
    /// # Errors
    ///
    /// The text is not TOML.
    pub(super) fn parse(
        text: &str,
        file: &Path,
        sections: impl FnOnce(&mut Reader<'_>, &DeTable<'_>, &[IssuerConfig]) -> T,
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(text, file);
        let document = reader.document();
        ConfigError::unless_empty(std::mem::take(&mut reader.problems))?;
        let has_resource = ["resource", "resources"].iter().any(|key| document.contains_key(*key));
        let mut read = Read { reader: &mut reader, warnings: Vec::new(), has_resource };
        let (given, issuers) = read.document(&document);
        let warnings = read.warnings;
        let other = sections(&mut reader, &document, &issuers);
        let Reader { places, problems, .. } = reader;
        let config = Config { issuers, given, places, warnings };
        Ok(Self { config, other, problems })
    }

    /// The configuration, if it has no mistakes; else these, in the order of the file.
    pub(super) fn finish(mut self) -> Result<(Config, T), ConfigError> {
        self.problems.sort_by_key(|problem| problem.place().map_or(u32::MAX, Place::line));
        ConfigError::unless_empty(self.problems)?;
        Ok((self.config, self.other))
    }

    /// As [`finish`](Self::finish), with what came of building the guard.
    pub(super) fn finish_with(
        mut self,
        built: Result<RequiresAuth, ConfigError>,
    ) -> Result<(Config, RequiresAuth, T), ConfigError> {
        let guard = match built {
            Ok(guard) => guard,
            Err(error) => {
                self.add(&self.config.located(&error));
                return self.finish().and(Err(error));
            }
        };
        let (config, other) = self.finish()?;
        Ok((config, guard, other))
    }

    /// Adds what the builder has found. A value that could not be read is not told again as one that cannot work.
    fn add(&mut self, found: &ConfigError) {
        let setting = |problem: &ConfigProblem| problem.place().map(|place| place.setting().to_owned());
        let known: HashSet<_> = self.problems.iter().filter_map(setting).collect();
        let is_news = |problem: &&ConfigProblem| setting(problem).is_none_or(|at| !known.contains(&at));
        self.problems.extend(found.problems().iter().filter(is_news).cloned());
    }
}

/// What reads the settings of the library.
struct Read<'r, 't> {
    reader: &'r mut Reader<'t>,
    warnings: Vec<String>,
    /// Whether the API has a URL, which issuers without an audience take for one.
    has_resource: bool,
}

impl Read<'_, '_> {
    fn document(&mut self, document: &DeTable<'_>) -> (Given, Vec<IssuerConfig>) {
        let (mut given, mut read) = (Given::default(), Vec::new());
        for entry in self.reader.entries(document, "") {
            let setting = settings::find(entry.key);
            match entry.key {
                "issuers" => {
                    if let Some(table) = self.reader.table("issuers", &entry) {
                        read = self.issuers(table);
                    }
                }
                _ if setting.is_some_and(Setting::is_of_guard) => {
                    self.setting(setting, &entry, "", &mut given);
                }
                key if FOREIGN.contains(&key) => {}
                "revocation" => self.reader.not_yet("configuration", &entry),
                key if setting.is_some() => {
                    let hint =
                        format!("write it into a table of its own: [issuers.main] and below it {key} = ...");
                    let found = "a key of an issuer";
                    self.reader.report("configuration", &entry.path, found, "a key for all issuers", hint);
                }
                _ => self.reader.unknown("configuration", &entry, &known_keys()),
            }
        }
        if !document.contains_key("issuers") {
            self.no_issuer("nothing");
        }
        // The gateway has it in a section of its own.
        if given.get(settings::PUBLIC_URL).is_none()
            && let Some(url) = public_url_of_server(document)
        {
            given.set(settings::PUBLIC_URL, url);
        }
        (given, read)
    }

    fn no_issuer(&mut self, found: &str) {
        let hint =
            "write [issuers.main], and below it issuer = \"https://...\" and audience = \"https://...\"";
        self.reader.report("issuers", "issuers", found, "at least one issuer", hint);
    }

    fn issuers(&mut self, table: &DeTable<'_>) -> Vec<IssuerConfig> {
        let mut issuers = Vec::new();
        for entry in self.reader.entries(table, "issuers") {
            if let DeValue::Table(table) = entry.value {
                issuers.push(self.issuer(&entry, table));
            } else {
                let hint = "write [issuers.main], with a name of yours for `main`, and the settings below it";
                self.reader.report("issuers", &entry.path, "a value", "a table for each issuer", hint);
            }
        }
        if table.is_empty() {
            self.no_issuer("an empty table");
        }
        issuers
    }

    fn issuer(&mut self, entry: &Entry<'_>, table: &DeTable<'_>) -> IssuerConfig {
        let (name, within) = (entry.key.to_owned(), &entry.path);
        let mut given = Given::default();
        for entry in self.reader.entries(table, within) {
            let setting = settings::find(entry.key);
            match entry.key {
                _ if setting.is_some_and(Setting::is_of_issuer) => {
                    self.setting(setting, &entry, within, &mut given);
                }
                key if NOT_YET.contains(&key) => self.reader.not_yet("issuers", &entry),
                key if setting.is_some() || key == "issuers" => {
                    let hint = "write it above the first [table]: it is for all issuers";
                    let found = "a key for all issuers";
                    self.reader.report("issuers", &entry.path, found, "a key of an issuer", hint);
                }
                _ => self.reader.unknown("issuers", &entry, &keys(Setting::is_of_issuer)),
            }
        }
        self.check_issuer(&name, &given, table);
        IssuerConfig { name, given }
    }

    /// Puts the value of a setting among those that are given.
    fn setting(
        &mut self,
        setting: Option<&'static Setting>,
        entry: &Entry<'_>,
        within: &str,
        given: &mut Given,
    ) {
        let Some(setting) = setting else { return };
        let path =
            if within.is_empty() { setting.key.to_owned() } else { format!("{within}.{}", setting.key) };
        if setting.key != entry.key {
            let at = self.reader.told(&entry.path);
            self.warnings.push(format!("{at} is now called `{}`; the old name is still read", setting.key));
        }
        if given.value(setting).is_some() {
            let hint = format!("keep `{}` alone", setting.key);
            self.reader.report(setting.key, &entry.path, "the same setting twice", "one of the two", hint);
            return;
        }
        if let Some(value) = value(self.reader, setting, entry) {
            given.put(setting, value, None);
        }
        if setting.key != entry.key {
            self.reader.is_written_as(path, entry);
        }
    }

    /// What is missing, and what stands beside what it excludes.
    fn check_issuer(&mut self, name: &str, given: &Given, table: &DeTable<'_>) {
        let within = format!("issuers.{}", shown_key(name));
        let provider = given.get(settings::PROVIDER).and_then(providers::find);
        let is_told = |row: &Provider| match row.form.shape {
            Shape::Fixed(_) => true,
            Shape::Template(_) => {
                ["tenants", "dangerously_any_tenant"].iter().any(|key| table.contains_key(*key))
            }
            _ => false,
        };
        if !table.contains_key("issuer") && !provider.is_some_and(is_told) {
            let (expected, hint) = match provider.and_then(|row| row.issuer("").err()) {
                Some(wrong) => (wrong.expected, wrong.hint),
                None => (
                    "an https URL",
                    "copy `issuer` from the provider's /.well-known/openid-configuration".to_owned(),
                ),
            };
            self.reader.report("issuer", &format!("{within}.issuer"), "nothing", expected, hint);
        }
        let has_default = |row: &Provider| matches!(row.audience_rule, AudienceRule::Default(_));
        let is_given =
            table.contains_key("audience") || provider.is_some_and(has_default) || self.has_resource;
        if !is_given && !given.is_on(settings::DANGEROUSLY_ANY_AUDIENCE) {
            let hint = audience_hint(provider);
            let path = format!("{within}.audience");
            self.reader.report("audience", &path, "nothing", "the identifier of this API", hint);
        }
        let sources: Vec<_> = SOURCES.into_iter().filter(|key| table.contains_key(*key)).collect();
        for source in sources.iter().skip(1) {
            let found = format!("this beside `{}`", sources[0]);
            let hint = "keep the one that says where the keys are; without any they are discovered";
            let path = format!("{within}.{source}");
            self.reader.report(source, &path, found, "one of jwks, jwks_uri and discovery_url", hint);
        }
    }
}

fn public_url_of_server(document: &DeTable<'_>) -> Option<String> {
    let DeValue::Table(server) = document.get("server")?.get_ref() else { return None };
    let DeValue::String(url) = server.get("public_url")?.get_ref() else { return None };
    Some(url.to_string())
}

/// Keys that may stand above all tables, in the order in which a message lists them.
fn known_keys() -> Vec<&'static str> {
    ["issuers"].into_iter().chain(keys(Setting::is_of_guard)).chain(FOREIGN).collect()
}

fn keys(is_of: fn(&Setting) -> bool) -> Vec<&'static str> {
    ALL.iter().filter(|setting| is_of(setting)).map(|setting| setting.key).collect()
}
