//! `[[routes]]`: from TOML to a [`Route`].

use std::time::Duration;

use requires_auth::config::{Entry, IssuerConfig, Reader};
use requires_auth::policy::{ClaimTest, Policy, Requirement};
use requires_auth::settings::shown_value;
use toml::de::DeTable;

use super::claim_rules::{ClaimRule, check_path_rules, claim_rules};
use super::common::{needs_dpop, shadow, unknown_issuer};
use crate::gateway::host::HostPattern;
use crate::gateway::routes::{Pattern, Route};

const ROUTE: [&str; 15] = [
    "match",
    "host",
    "public",
    "scopes",
    "any_scopes",
    "claims",
    "acr",
    "max_age",
    "issuers",
    "audience",
    "dpop",
    "preflight",
    "case",
    "encoded_slash",
    "enforce",
];

/// What a table of `[[routes]]` says, key by key.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key by itself")]
struct Keys {
    patterns: Vec<Pattern>,
    hosts: Vec<HostPattern>,
    is_public: bool,
    scopes: Option<Policy>,
    claims: Vec<ClaimRule>,
    /// Of which strength the login must be, best first.
    acr: Vec<String>,
    /// How long ago the login may be.
    max_age: Option<Duration>,
    /// `iss` of each issuer that it names.
    issuers: Vec<String>,
    audience: Vec<String>,
    needs_dpop: bool,
    denies_preflight: bool,
    is_case_exact: bool,
    allows_encoded_slash: bool,
    is_shadow: Option<bool>,
}

/// One of `[[routes]]`. Where it does not say whether it is in shadow, `is_shadow` holds.
pub(super) fn route(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    table: &DeTable<'_>,
    issuers: &[IssuerConfig],
    is_shadow: bool,
) -> Route {
    let within = entry.path();
    let mut keys = Keys::default();
    for entry in reader.entries(table, within) {
        keys.read(reader, &entry, issuers);
    }
    if !table.contains_key("match") {
        let hint = "write match = \"GET /orders/*\"";
        reader.report("routes", &format!("{within}.match"), "nothing", "a method and a path", hint);
    }
    if keys.is_public {
        let of_tokens = ["scopes", "any_scopes", "claims", "acr", "max_age", "issuers", "audience", "dpop"];
        for key in of_tokens.into_iter().filter(|key| table.contains_key(*key)) {
            let hint = "a public route looks at no token: take one of the two out";
            reader.report("routes", &format!("{within}.{key}"), "this beside `public`", "nothing", hint);
        }
    }
    check_path_rules(reader, &keys.claims, &keys.patterns);
    keys.into_route(is_shadow)
}

impl Keys {
    fn read(&mut self, reader: &mut Reader<'_>, entry: &Entry<'_>, issuers: &[IssuerConfig]) {
        match entry.key() {
            "match" => self.patterns = patterns(reader, entry),
            "host" => self.hosts = hosts(reader, entry),
            "public" => self.is_public = reader.switch("routes", entry).unwrap_or(false),
            "scopes" | "any_scopes" => {
                if self.scopes.is_some() {
                    let hint = "keep the one that says what the route needs";
                    reader.report("routes", entry.path(), "scopes and any_scopes", "one of the two", hint);
                }
                self.scopes = policy_of(reader, entry).or(self.scopes.take());
            }
            "claims" => self.claims = claim_rules(reader, entry),
            "acr" => self.acr = acr_values(reader, entry),
            "max_age" => self.max_age = max_age(reader, entry),
            "issuers" => {
                for name in reader.texts("routes", entry).unwrap_or_default() {
                    match issuers.iter().find(|issuer| issuer.name() == name) {
                        Some(issuer) => self.issuers.extend(issuer.names()),
                        None => unknown_issuer(reader, "routes", entry.path(), &name, issuers),
                    }
                }
            }
            "audience" => self.audience = audience(reader, entry),
            "dpop" => self.needs_dpop = needs_dpop(reader, "routes", entry),
            "preflight" => {
                let choices = [("allow", false), ("deny", true)];
                let chosen = reader.one_of("routes", entry, "\"allow\" or \"deny\"", choices);
                self.denies_preflight = chosen.unwrap_or(false);
            }
            "case" => {
                let chosen = reader.one_of("routes", entry, "\"exact\"", [("exact", true)]);
                self.is_case_exact = chosen.unwrap_or(false);
            }
            "encoded_slash" => {
                let choices = [("deny", false), ("allow", true)];
                let chosen = reader.one_of("routes", entry, "\"allow\" or \"deny\"", choices);
                self.allows_encoded_slash = chosen.unwrap_or(false);
            }
            "enforce" => self.is_shadow = Some(shadow(reader, "routes", entry)),
            "accept_tokens" => reader.not_yet("routes", entry),
            _ => reader.unknown("routes", entry, &ROUTE),
        }
    }

    fn into_route(self, is_shadow: bool) -> Route {
        let requirement = if self.is_public {
            Requirement::none()
        } else {
            let of_issuers = ("iss".to_owned(), ClaimTest::one_of(self.issuers.iter().cloned()));
            let of_issuers = (!self.issuers.is_empty()).then_some(of_issuers);
            let rules = self.claims.into_iter().map(|rule| (rule.claim, rule.test)).chain(of_issuers);
            let policy = self.scopes.unwrap_or_default();
            let policy = if self.audience.is_empty() { policy } else { policy.with_audience(&self.audience) };
            let policy = if self.needs_dpop { policy.with_dpop_required() } else { policy };
            let policy = rules.fold(policy, |policy: Policy, (path, test)| policy.with_claim(path, test));
            let policy = if self.acr.is_empty() { policy } else { policy.with_acr_values(&self.acr) };
            Requirement::token(match self.max_age {
                Some(max_age) => policy.with_max_age(max_age),
                None => policy,
            })
        };
        let mut route = Route::new(self.patterns, requirement);
        route.hosts = self.hosts;
        route.allows_preflight = !self.denies_preflight;
        route.is_shadow = self.is_shadow.unwrap_or(is_shadow);
        route.is_case_exact = self.is_case_exact;
        route.allows_encoded_slash = self.allows_encoded_slash;
        route
    }
}

fn patterns(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for text in reader.texts("routes", entry).unwrap_or_default() {
        match text.parse::<Pattern>() {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                reader.report("routes", entry.path(), error.found, "a method and a path", error.hint);
            }
        }
    }
    patterns
}

fn hosts(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    let hint = "write \"api.example.com\", or \"*.example.com\" for one label before it; without scheme, port and path";
    let Some(texts) = reader.texts("routes", entry) else { return hosts };
    if texts.is_empty() {
        reader.report("routes", entry.path(), "an empty list", "a host", hint);
    }
    for text in texts {
        match HostPattern::parse(&text) {
            Some(host) => hosts.push(host),
            None => reader.report("routes", entry.path(), shown_value(&text), "a host", hint),
        }
    }
    hosts
}

/// Identifiers as the issuers of the file have them: `aud` is compared with them byte for byte.
fn audience(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<String> {
    let names = reader.texts("routes", entry).unwrap_or_default();
    let is_name =
        |name: &String| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
    if names.is_empty() || !names.iter().all(is_name) {
        let hint =
            "write the identifier of this part of the API at the issuer: \"https://api.example.com/billing\"";
        reader.report("routes", entry.path(), "nothing, or white space", "an audience", hint);
    }
    names
}

/// Names of strengths as the issuer has them, which a challenge lists (RFC 9470 §3): the characters are those of scopes.
fn acr_values(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<String> {
    let Some(values) = reader.texts("routes", entry) else { return Vec::new() };
    let is_value = |value: &String| {
        !value.is_empty()
            && value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    };
    if values.is_empty() || !values.iter().all(is_value) {
        let hint =
            "name what the issuer writes into `acr` after such a login, best first: acr = [\"phr\", \"mfa\"]";
        let expected = "strengths of a login, without spaces, quotes and backslashes";
        reader.report("routes", entry.path(), "an empty list, or another text", expected, hint);
        return Vec::new();
    }
    values
}

/// The age of a login: whole seconds, as a challenge tells them.
fn max_age(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Duration> {
    let max_age = reader.duration("routes", entry)?;
    if max_age.is_zero() {
        let hint = "a login is never as fresh as that: write max_age = \"5m\"";
        reader.report("routes", entry.path(), "0", "a time", hint);
        return None;
    }
    Some(max_age)
}

fn policy_of(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Policy> {
    let scopes = reader.texts("routes", entry)?;
    // Whether they are scope tokens at all; a list of none needs nothing, which nobody writes on purpose.
    if Policy::parse(&scopes.join(" ")).is_err()
        || scopes.iter().any(|scope| scope.contains(char::is_whitespace))
    {
        let hint = "write one entry for each, without spaces: [\"read:orders\", \"write:orders\"]";
        reader.report("routes", entry.path(), "an empty list, or no scope", "scopes (RFC 6749 §3.3)", hint);
        return None;
    }
    Some(if entry.key() == "scopes" { Policy::all_of(scopes) } else { Policy::any_of(scopes) })
}
