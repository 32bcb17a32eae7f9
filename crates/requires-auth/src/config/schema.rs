//! From TOML to a [`Config`]: which keys there are, and what each may hold.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::gateway::{self, GatewayConfig};
use super::nearest::nearest;
use super::reader::{Entry, Reader, shown};
use super::{Config, ErrorBody, IssuerConfig};
use crate::error::{ConfigError, ConfigProblem, Place};
use crate::verify::{Algorithm, Profile};

/// Keys for all issuers.
const TOP: [&str; 12] = [
    "issuers",
    "algorithms",
    "leeway",
    "profile",
    "scopes_from",
    "implied_scopes",
    "max_token_bytes",
    "stale",
    "cache",
    "state_file",
    "ca",
    "error_body",
];

/// Sections of the gateway.
const GATEWAY: [&str; 7] =
    ["enforce", "server", "forward_auth", "reverse_proxy", "headers", "routes", "tests"];

/// Keys of `[issuers.NAME]`.
const ISSUER: [&str; 7] =
    ["issuer", "audience", "jwks", "jwks_uri", "discovery_url", "algorithms", "scopes_from"];

/// A configuration that may have mistakes: it can be built to find more of them, and for nothing else.
pub(super) struct Draft {
    pub(super) config: Config,
    problems: Vec<ConfigProblem>,
}

impl Draft {
    /// # Errors
    ///
    /// The text is no TOML.
    pub(super) fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(text, file);
        let document = reader.document();
        ConfigError::unless_empty(std::mem::take(&mut reader.problems))?;
        let mut config = empty(&reader);
        read(&mut reader, &mut config, &document, file.parent().unwrap_or(Path::new("")));
        config.places = reader.places;
        Ok(Self { config, problems: reader.problems })
    }

    /// Adds what a trial to build it has found.
    pub(super) fn add(&mut self, found: Vec<ConfigProblem>) {
        let setting = |problem: &ConfigProblem| problem.place().map(|place| place.setting().to_owned());
        // A value that could not be read is no news as one that cannot work.
        let known: HashSet<_> = self.problems.iter().filter_map(setting).collect();
        let is_news = |problem: &ConfigProblem| setting(problem).is_none_or(|at| !known.contains(&at));
        self.problems.extend(found.into_iter().filter(is_news));
    }

    /// The configuration, if it has no mistakes; else these, in the order of the file.
    pub(super) fn finish(mut self) -> Result<Config, ConfigError> {
        self.problems.sort_by_key(|problem| problem.place().map_or(u32::MAX, Place::line));
        ConfigError::unless_empty(self.problems)?;
        Ok(self.config)
    }
}

fn empty(reader: &Reader<'_>) -> Config {
    Config {
        issuers: Vec::new(),
        algorithms: None,
        leeway: None,
        profile: None,
        scope_claims: None,
        implied_scopes: Vec::new(),
        max_token_bytes: None,
        stale: None,
        cache_entries: None,
        state_file: None,
        ca: None,
        error_body: None,
        gateway: GatewayConfig::default(),
        places: reader.places.clone(),
    }
}

fn read(reader: &mut Reader<'_>, config: &mut Config, document: &DeTable<'_>, folder: &Path) {
    let mut has_issuers = false;
    for entry in reader.entries(document, "") {
        match entry.key {
            "issuers" => {
                has_issuers = true;
                if let Some(table) = reader.table("issuers", &entry) {
                    config.issuers = issuers(reader, table, folder);
                }
            }
            "algorithms" => config.algorithms = algorithms(reader, &entry),
            "leeway" => config.leeway = reader.duration("leeway", &entry),
            "profile" => {
                let choices = [("jwt", Profile::Jwt), ("at+jwt", Profile::AccessTokenJwt)];
                config.profile = one_of(reader, "profile", &entry, "\"jwt\" or \"at+jwt\"", choices);
            }
            "scopes_from" => config.scope_claims = reader.texts("scopes_from", &entry),
            "implied_scopes" => config.implied_scopes = implied_scopes(reader, &entry),
            "max_token_bytes" => config.max_token_bytes = reader.count("max_token_bytes", &entry),
            "stale" => config.stale = reader.duration("stale", &entry),
            "cache" => config.cache_entries = reader.count("cache", &entry),
            "state_file" => config.state_file = path(reader, "state_file", &entry, folder),
            "ca" => config.ca = path(reader, "ca", &entry, folder),
            "error_body" => {
                let choices = [("json", ErrorBody::Json), ("problem", ErrorBody::Problem)];
                config.error_body = one_of(reader, "error_body", &entry, "\"json\" or \"problem\"", choices);
            }
            "revocation" => not_yet(reader, "configuration", &entry),
            key if GATEWAY.contains(&key) => {}
            key if ISSUER.contains(&key) => {
                let hint =
                    format!("write it into a table of its own: [issuers.main] and below it {key} = ...");
                reader.report(
                    "configuration",
                    &entry.path,
                    "a key of an issuer",
                    "a key for all issuers",
                    hint,
                );
            }
            key => {
                let known: Vec<_> = TOP.into_iter().chain(GATEWAY).collect();
                unknown(reader, "configuration", &entry, nearest(key, known.iter().copied()), &known);
            }
        }
    }
    config.gateway = gateway::read(reader, document, folder, &config.issuers);
    if !has_issuers {
        let hint =
            "write [issuers.main], and below it issuer = \"https://...\" and audience = \"https://...\"";
        reader.report("issuers", "issuers", "nothing", "at least one issuer", hint);
    }
}

fn issuers(reader: &mut Reader<'_>, table: &DeTable<'_>, folder: &Path) -> Vec<IssuerConfig> {
    let mut issuers: Vec<IssuerConfig> = Vec::new();
    for entry in reader.entries(table, "issuers") {
        let DeValue::Table(table) = entry.value else {
            let hint = "write [issuers.main], with a name of yours for `main`, and the settings below it";
            reader.report("issuers", &entry.path, "a value", "a table for each issuer", hint);
            continue;
        };
        let issuer = issuer(reader, &entry, table, folder);
        if let Some(same) =
            issuers.iter().find(|other| !issuer.issuer.is_empty() && other.issuer == issuer.issuer)
        {
            let found = format!("that of [issuers.{}] again", shown(&same.name));
            let hint = "name each issuer once, with all its audiences: [\"a\", \"b\"]";
            reader.report("issuer", &format!("{}.issuer", entry.path), found, "different issuers", hint);
        }
        issuers.push(issuer);
    }
    if table.is_empty() {
        let hint =
            "write [issuers.main], and below it issuer = \"https://...\" and audience = \"https://...\"";
        reader.report("issuers", "issuers", "an empty table", "at least one issuer", hint);
    }
    issuers
}

fn issuer(reader: &mut Reader<'_>, entry: &Entry<'_>, table: &DeTable<'_>, folder: &Path) -> IssuerConfig {
    let (name, within) = (entry.key.to_owned(), &entry.path);
    let mut issuer = IssuerConfig {
        name,
        issuer: String::new(),
        audience: Vec::new(),
        jwks: None,
        jwks_uri: None,
        discovery_url: None,
        algorithms: None,
        scope_claims: None,
    };
    for entry in reader.entries(table, within) {
        match entry.key {
            "issuer" => issuer.issuer = reader.text("issuer", &entry).unwrap_or_default(),
            "audience" => issuer.audience = reader.texts("audience", &entry).unwrap_or_default(),
            "jwks" => issuer.jwks = path(reader, "jwks", &entry, folder),
            "jwks_uri" => issuer.jwks_uri = reader.text("jwks_uri", &entry),
            "discovery_url" => issuer.discovery_url = reader.text("discovery_url", &entry),
            "algorithms" => issuer.algorithms = algorithms(reader, &entry),
            "scopes_from" => issuer.scope_claims = reader.texts("scopes_from", &entry),
            "accept_tokens" | "dpop" | "introspection" | "revocation" => not_yet(reader, "issuers", &entry),
            key if TOP.contains(&key) => {
                let hint = "write it above the first [table]: it is for all issuers";
                reader.report("issuers", &entry.path, "a key for all issuers", "a key of an issuer", hint);
            }
            key => unknown(reader, "issuers", &entry, nearest(key, ISSUER), &ISSUER),
        }
    }
    if !table.contains_key("issuer") {
        let hint = "copy `issuer` from the provider's /.well-known/openid-configuration";
        reader.report("issuer", &format!("{within}.issuer"), "nothing", "an https URL", hint);
    }
    if !table.contains_key("audience") {
        let hint = "use the identifier of this API at the issuer, such as https://api.example.com";
        let path = format!("{within}.audience");
        reader.report("audience", &path, "nothing", "the identifier of this API", hint);
    }
    let sources = ["jwks", "jwks_uri", "discovery_url"].into_iter().filter(|key| table.contains_key(*key));
    let sources: Vec<_> = sources.collect();
    for source in sources.iter().skip(1) {
        let found = format!("this beside `{}`", sources[0]);
        let hint = "keep the one that says where the keys are; without any they are discovered";
        let path = format!("{within}.{source}");
        reader.report(source, &path, found, "one of jwks, jwks_uri and discovery_url", hint);
    }
    issuer
}

fn algorithms(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Vec<Algorithm>> {
    let names = reader.texts("algorithms", entry)?;
    let mut algorithms = Vec::new();
    for name in &names {
        match name.parse() {
            Ok(algorithm) => algorithms.push(algorithm),
            Err(error) => {
                let hint = format!("{error}; names are case-sensitive, and none and HS256 are never allowed");
                reader.report("algorithms", &entry.path, shown_value(name), "signature algorithms", hint);
            }
        }
    }
    Some(algorithms)
}

fn implied_scopes(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<(String, String)> {
    let Some(table) = reader.table("implied_scopes", entry) else { return Vec::new() };
    let entries = reader.entries(table, &entry.path);
    let implied = entries
        .iter()
        .filter_map(|entry| Some((entry.key.to_owned(), reader.texts("implied_scopes", entry)?.join(" "))));
    implied.collect()
}

pub(super) fn path(
    reader: &mut Reader<'_>,
    field: &'static str,
    entry: &Entry<'_>,
    folder: &Path,
) -> Option<PathBuf> {
    let path = reader.text(field, entry)?;
    if path.is_empty() {
        reader.report(
            field,
            &entry.path,
            "an empty text",
            "the path of a file",
            "leave the setting out instead",
        );
        return None;
    }
    Some(folder.join(path))
}

pub(super) fn one_of<T, const N: usize>(
    reader: &mut Reader<'_>,
    field: &'static str,
    entry: &Entry<'_>,
    expected: &'static str,
    choices: [(&'static str, T); N],
) -> Option<T> {
    let text = reader.text(field, entry)?;
    let names = choices.each_ref().map(|(name, _)| *name);
    let chosen = choices.into_iter().find(|(name, _)| *name == text).map(|(_, choice)| choice);
    if chosen.is_none() {
        let hint = format!("write {} = \"{}\"", entry.key, nearest(&text, names).unwrap_or(names[0]));
        reader.report(field, &entry.path, shown_value(&text), expected, hint);
    }
    chosen
}

pub(super) fn not_yet(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) {
    let hint = "take it out: this version would not do what it says";
    reader.report(field, &entry.path, "a key that is not supported yet", "a key that is supported", hint);
}

pub(super) fn unknown(
    reader: &mut Reader<'_>,
    field: &'static str,
    entry: &Entry<'_>,
    meant: Option<&str>,
    known: &[&str],
) {
    let hint = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the keys here are {}", known.join(", ")),
    };
    reader.report(field, &entry.path, "an unknown key", "a known key", hint);
}

/// A short value in backquotes. A long one is no name, and may be a secret that stands in the wrong place.
pub(super) fn shown_value(value: &str) -> String {
    let is_short = value.len() <= 24 && value.chars().all(|c| !c.is_control());
    if is_short { format!("`{value}`") } else { "another text".to_owned() }
}
