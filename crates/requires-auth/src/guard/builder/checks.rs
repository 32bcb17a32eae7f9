//! What each setting must be to work, beyond its type.

use url::Url;

use super::origin::Origin;
use crate::error::{ConfigProblem, quoted};
use crate::file::{MAX_GIVEN_BYTES, RegularFile};
use crate::issuer::{Transport, may_be_fetched};
use crate::jose::alg::{Algorithm, AlgorithmSet};
use crate::jose::key_set::{KeySet, KeySetLimits};
use crate::settings::{self, Document, Given, Key, Kind, Setting, Value, shown_value, with_scheme};
use crate::verify::{Implication, in_a_cycle};

const PEM_START: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The chosen algorithms.
pub(super) fn algorithms(given: &Given, problems: &mut Vec<ConfigProblem>) -> Option<AlgorithmSet> {
    let names = given.get(settings::ALGORITHMS)?;
    if names.is_empty() {
        let hint = "leave the setting out to accept each key's own algorithm";
        problems.push(ConfigProblem::new("algorithms", "an empty list", "at least one algorithm", hint));
    }
    let mut algorithms: Vec<Algorithm> = Vec::new();
    for name in &names {
        match name.parse() {
            Ok(algorithm) => algorithms.push(algorithm),
            Err(unknown) => {
                let hint =
                    format!("{unknown}; names are case-sensitive, and none and HS256 are never allowed");
                let found = if name.len() <= 24 { quoted(name) } else { shown_value(name) };
                problems.push(ConfigProblem::new("algorithms", found, "signature algorithms", hint));
            }
        }
    }
    Some(algorithms.into_iter().collect())
}

pub(super) fn check_claim_paths(given: &Given, problems: &mut Vec<ConfigProblem>) {
    for key in [settings::SCOPE_CLAIMS, settings::CLIENT_CLAIMS] {
        let (field, paths) = (key.setting.key, given.get(key).unwrap_or_default());
        if paths.iter().any(String::is_empty) {
            let hint = "name the claim, with dots for members of members: `realm_access.roles`";
            problems.push(ConfigProblem::new(field, "an empty path", "dotted paths", hint));
        }
        problems.extend(paths.iter().filter_map(|path| ConfigProblem::of_unseen(field, path)));
    }
}

pub(super) fn implications(given: &Given) -> Vec<Implication> {
    let all = given.get(settings::IMPLIED_SCOPES).unwrap_or_default();
    let read = |(scope, implied): (String, String)| {
        (scope.into_boxed_str(), implied.split_ascii_whitespace().map(Into::into).collect())
    };
    all.into_iter().map(read).collect()
}

pub(super) fn check_implied_scopes(given: &Given, problems: &mut Vec<ConfigProblem>) {
    let implications = implications(given);
    let scopes = implications.iter().map(|(scope, _)| scope);
    problems.extend(scopes.filter_map(|scope| ConfigProblem::of_unseen("implied_scopes", scope)));
    for scope in in_a_cycle(&implications) {
        let hint = "let the stronger scope imply the weaker one, and not the other way round too";
        let found = format!("`{scope}` implies itself");
        problems.push(ConfigProblem::new("implied_scopes", found, "scopes without a cycle", hint));
    }
}

/// A URL that keys may come from, if one is chosen.
pub(super) fn fetchable(
    given: &Given,
    key: Key<String>,
    transport: Transport,
) -> Result<Option<Url>, ConfigProblem> {
    let Some(text) = given.get(key) else { return Ok(None) };
    let field = key.setting.key;
    // Reading it as a URL would cut this off in silence.
    if let Some(unseen) = ConfigProblem::of_unseen(field, &text) {
        return Err(discreet(unseen, &text));
    }
    let parsed = Url::parse(&text).ok().filter(|url| may_be_fetched(url, transport));
    parsed.map(Some).ok_or_else(|| {
        let hint = match with_scheme(&text) {
            Some(meant) => format!("a URL begins with its scheme: write {meant}"),
            None => "use https; plain http is for loopback only (or, on a private network, `danger::allow_http_issuer`)"
                .to_owned(),
        };
        discreet(ConfigProblem::new(field, quoted(&text), "an https URL", hint), &text)
    })
}

/// A problem of a URL without its password.
pub(super) fn discreet(problem: ConfigProblem, url: &str) -> ConfigProblem {
    let has_user = match Url::parse(url) {
        Ok(url) => !url.username().is_empty() || url.password().is_some(),
        // What cannot be read as a URL is not shown if it may have a user.
        Err(_) => url.contains('@'),
    };
    if has_user { problem.with_found("a URL with a user") } else { problem }
}

/// Paths of files that are written, and have white space around them.
pub(super) fn check_paths(given: &Given) -> Vec<ConfigProblem> {
    let check = |(setting, value): (&'static Setting, &Value)| match value {
        Value::Path(path) => outer_space(setting.key, path.to_str()?),
        _ => None,
    };
    given.iter().filter_map(check).collect()
}

/// White space around a path, such as the line break at the end of a mounted secret: no file is called so.
fn outer_space(field: &'static str, path: &str) -> Option<ConfigProblem> {
    if path.trim() == path { None } else { ConfigProblem::of_unseen(field, path) }
}

/// The text of a document, if one is chosen.
pub(super) fn document(
    given: &Given,
    key: Key<Document>,
    origin: &Origin,
) -> Result<Option<Vec<u8>>, ConfigProblem> {
    let path = match given.get(key) {
        None => return Ok(None),
        Some(Document::Bytes(bytes)) => return Ok(Some(bytes)),
        Some(Document::File(path)) => path,
    };
    let field = key.setting.key;
    if let Some(unseen) = path.to_str().and_then(|path| outer_space(field, path)) {
        return Err(unseen);
    }
    let read = RegularFile::open(&path).and_then(|file| file.read(MAX_GIVEN_BYTES));
    read.map(Some).map_err(|cause| {
        let found = format!("{}: {cause}", quoted(&path.display().to_string()));
        let hint = match (given.name(field), origin) {
            (Some(variable), _) => format!("set {variable} to the path of a file, or unset it"),
            (None, Origin::File(_)) => {
                "a path is relative to the folder of the configuration file".to_owned()
            }
            (None, _) => "give the text itself or the path of a file".to_owned(),
        };
        let expected = if let Kind::Document { file, .. } = key.setting.kind { file } else { "a file" };
        ConfigProblem::new(field, found, expected, hint)
    })
}

/// Certificates to trust; none if there are none, or a problem.
pub(super) fn certificates(given: &Given, origin: &Origin, problems: &mut Vec<ConfigProblem>) -> Vec<u8> {
    let pem = match document(given, settings::CA, origin) {
        Ok(pem) => pem.unwrap_or_default(),
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    // Also where nothing is fetched, so that nobody reads them. No text is the same as not asking for any.
    let is_file = matches!(given.get(settings::CA), Some(Document::File(_)));
    if (is_file || !pem.is_empty()) && memchr::memmem::find(&pem, PEM_START).is_none() {
        let hint = "start each with -----BEGIN CERTIFICATE-----";
        problems.push(ConfigProblem::new("ca", "no certificate", "certificates in PEM", hint));
        return Vec::new();
    }
    pem
}

pub(super) fn static_keys(jwks: &[u8], limits: KeySetLimits) -> Result<KeySet, ConfigProblem> {
    let problem =
        |found: String, hint: String| ConfigProblem::new("jwks", found, "a JWK Set with a usable key", hint);
    let keys =
        KeySet::read(jwks, limits).map_err(|error| problem(error.to_string(), error.hint().to_owned()))?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    let skipped: Vec<_> =
        keys.skipped().iter().map(|key| format!("key {}: {}", key.index(), key.reason())).collect();
    Err(problem(
        "no usable key".to_owned(),
        if skipped.is_empty() { "the set is empty".to_owned() } else { skipped.join("; ") },
    ))
}
