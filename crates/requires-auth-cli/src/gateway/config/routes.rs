//! `[[routes]]`: from TOML to a [`Route`].

use requires_auth::config::{Entry, IssuerConfig, Reader};
use requires_auth::policy::{ClaimTest, ClaimValue, Policy, Requirement};
use toml::de::{DeTable, DeValue};

use super::common::{shadow, unknown_issuer};
use crate::gateway::routes::{Pattern, Route};

const ROUTE: [&str; 9] =
    ["match", "public", "scopes", "any_scopes", "claims", "issuers", "preflight", "case", "enforce"];

pub(super) fn route(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    table: &DeTable<'_>,
    issuers: &[IssuerConfig],
    is_shadow: bool,
) -> Route {
    let within = entry.path();
    let mut patterns = Vec::new();
    let (mut scopes, mut claims, mut own_issuers) = (None, Vec::new(), Vec::new());
    let (mut is_public, mut allows_preflight, mut is_case_exact, mut is_shadow) =
        (false, true, false, is_shadow);
    for entry in reader.entries(table, within) {
        match entry.key() {
            "match" => {
                for text in reader.texts("routes", &entry).unwrap_or_default() {
                    match text.parse::<Pattern>() {
                        Ok(pattern) => patterns.push(pattern),
                        Err(error) => {
                            reader.report(
                                "routes",
                                entry.path(),
                                error.found,
                                "a method and a path",
                                error.hint,
                            );
                        }
                    }
                }
            }
            "public" => is_public = reader.switch("routes", &entry).unwrap_or(false),
            "scopes" | "any_scopes" => {
                if scopes.is_some() {
                    let hint = "keep the one that says what the route needs";
                    reader.report("routes", entry.path(), "scopes and any_scopes", "one of the two", hint);
                }
                scopes = policy_of(reader, &entry).or(scopes);
            }
            "claims" => claims = claim_rules(reader, &entry),
            "issuers" => {
                for name in reader.texts("routes", &entry).unwrap_or_default() {
                    match issuers.iter().find(|issuer| issuer.name() == name) {
                        Some(issuer) => own_issuers.push(issuer.issuer()),
                        None => unknown_issuer(reader, entry.path(), &name, issuers),
                    }
                }
            }
            "preflight" => {
                let choices = [("allow", true), ("deny", false)];
                allows_preflight =
                    reader.one_of("routes", &entry, "\"allow\" or \"deny\"", choices).unwrap_or(true);
            }
            "case" => {
                is_case_exact =
                    reader.one_of("routes", &entry, "\"exact\"", [("exact", true)]).unwrap_or(false);
            }
            "enforce" => is_shadow = shadow(reader, "routes", &entry),
            "dpop" | "accept_tokens" => reader.not_yet("routes", &entry),
            _ => reader.unknown("routes", &entry, &ROUTE),
        }
    }
    if !table.contains_key("match") {
        let hint = "write match = \"GET /orders/*\"";
        reader.report("routes", &format!("{within}.match"), "nothing", "a method and a path", hint);
    }
    if is_public {
        for key in
            ["scopes", "any_scopes", "claims", "issuers"].into_iter().filter(|key| table.contains_key(*key))
        {
            let hint = "a public route looks at no token: take one of the two out";
            reader.report("routes", &format!("{within}.{key}"), "this beside `public`", "nothing", hint);
        }
    }
    let requirement = if is_public {
        Requirement::none()
    } else {
        if !own_issuers.is_empty() {
            claims.push(("iss".to_owned(), ClaimTest::one_of(own_issuers)));
        }
        let policy = scopes.unwrap_or_default();
        Requirement::token(
            claims.into_iter().fold(policy, |policy: Policy, (path, test)| policy.with_claim(path, test)),
        )
    };
    let mut route = Route::new(patterns, requirement);
    route.allows_preflight = allows_preflight;
    route.is_shadow = is_shadow;
    route.is_case_exact = is_case_exact;
    route
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

fn claim_rules(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<(String, ClaimTest)> {
    let Some(table) = reader.table("routes", entry) else { return Vec::new() };
    let mut rules = Vec::new();
    for entry in reader.entries(table, entry.path()) {
        let test = match entry.value() {
            DeValue::Array(list) => {
                let values: Option<Vec<_>> = list.iter().map(|item| claim_value(item.get_ref())).collect();
                values.filter(|values| !values.is_empty()).map(ClaimTest::OneOf)
            }
            value => claim_value(value).map(ClaimTest::Equals),
        };
        if let Some(test) = test {
            rules.push((entry.key().to_owned(), test));
        } else {
            let expected = "a text, number or boolean, or a list";
            let hint = "write { \"org.plan\" = [\"pro\", \"team\"] }";
            reader.report("routes", entry.path(), "another value", expected, hint);
        }
    }
    rules
}

fn claim_value(value: &DeValue<'_>) -> Option<ClaimValue> {
    match value {
        DeValue::String(text) => Some(ClaimValue::Text(text.to_string())),
        DeValue::Boolean(value) => Some(ClaimValue::Bool(*value)),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(ClaimValue::Integer)
        }
        _ => None,
    }
}
