//! `claims` of a route: from TOML to the tests of a policy.

use requires_auth::config::{Entry, Reader};
use requires_auth::policy::{ClaimTest, ClaimValue};
use toml::de::DeValue;

use crate::gateway::routes::Pattern;

const FIELD: &str = "routes";
const KEYS: [&str; 5] = ["equals", "one_of", "contains", "prefix", "path"];

/// A rule, with where it stands.
pub(super) struct ClaimRule {
    pub(super) claim: String,
    pub(super) test: ClaimTest,
    place: String,
}

/// A value, a list of values, or one test by name for each claim.
pub(super) fn claim_rules(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<ClaimRule> {
    let Some(table) = reader.table(FIELD, entry) else { return Vec::new() };
    let mut rules = Vec::new();
    for entry in reader.entries(table, entry.path()) {
        let test = match entry.value() {
            DeValue::Table(_) => named_test(reader, &entry),
            plain => contains(plain).map(|test| {
                warn_of_patterns(reader, &entry);
                test
            }),
        };
        match test {
            Some(test) => {
                let (claim, place) = (entry.key().to_owned(), entry.path().to_owned());
                rules.push(ClaimRule { claim, test, place });
            }
            None if matches!(entry.value(), DeValue::Table(_)) => {}
            None => wrong(reader, &entry),
        }
    }
    rules
}

/// Notes each rule on a path parameter that a pattern of its route does not have, or has twice.
pub(super) fn check_path_rules(reader: &mut Reader<'_>, rules: &[ClaimRule], patterns: &[Pattern]) {
    for rule in rules {
        let Some(name) = rule.test.path_parameter() else { continue };
        for pattern in patterns.iter().filter(|pattern| pattern.places_of(name).count() != 1) {
            let found = format!("a rule on {{{name}}}, which stands not once in `{}`", pattern.as_str());
            let hint =
                format!("write match = \"GET /orgs/{{{name}}}/items\", with the place in each pattern");
            reader.report(FIELD, &rule.place, found, "a path parameter of the route", hint);
        }
    }
}

/// A plain value, or a list of them: the claim is one of these, or an array that has one.
fn contains(value: &DeValue<'_>) -> Option<ClaimTest> {
    match value {
        DeValue::Array(_) => values(value).map(ClaimTest::ContainsAny),
        one => claim_value(one).map(ClaimTest::Contains),
    }
}

/// `{ prefix = "repo:octo/" }` and the like.
fn named_test(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<ClaimTest> {
    let DeValue::Table(table) = entry.value() else { return None };
    let tests = reader.entries(table, entry.path());
    let [test] = tests.as_slice() else {
        wrong(reader, entry);
        return None;
    };
    let value = test.value();
    let read = match test.key() {
        "equals" => claim_value(value).map(ClaimTest::Equals),
        "one_of" => values(value).map(ClaimTest::OneOf),
        "contains" => contains(value),
        "prefix" => text(value).map(ClaimTest::Prefix),
        "path" => text(value).map(ClaimTest::Path),
        _ => {
            reader.unknown(FIELD, test, &KEYS);
            return None;
        }
    };
    if read.is_none() {
        wrong(reader, test);
    }
    read
}

/// A text that looks like a pattern is compared as it is, which nobody means.
fn warn_of_patterns(reader: &mut Reader<'_>, entry: &Entry<'_>) {
    let texts: Vec<_> = match entry.value() {
        DeValue::Array(list) => list.iter().filter_map(|item| text(item.get_ref())).collect(),
        one => text(one).into_iter().collect(),
    };
    let Some(text) = texts.into_iter().find(|text| text.contains(['*', '{'])) else { return };
    let hint = if text.contains('{') {
        "for a place of the path write { path = \"org\" }; for this very text { equals = \"..\" }"
    } else {
        "for the beginning of a text write { prefix = \"repo:octo/\" }; for this very text { equals = \"..\" }"
    };
    reader.report(
        FIELD,
        entry.path(),
        format!("`{text}`, which is not a pattern here"),
        "a plain value",
        hint,
    );
}

fn wrong(reader: &mut Reader<'_>, entry: &Entry<'_>) {
    let expected = "a text, number or boolean, a list of these, or one test";
    let hint = "write { \"org.plan\" = [\"pro\", \"team\"] }, or in place of the list { prefix = \"pro-\" }, { path = \"org\" }, \
                { equals = \"pro\" }, { one_of = [\"pro\"] } or { contains = [\"pro\"] }";
    reader.report(FIELD, entry.path(), "another value", expected, hint);
}

/// A list of at least one.
fn values(value: &DeValue<'_>) -> Option<Vec<ClaimValue>> {
    let DeValue::Array(list) = value else { return None };
    let values: Option<Vec<_>> = list.iter().map(|item| claim_value(item.get_ref())).collect();
    values.filter(|values| !values.is_empty())
}

/// A text that is not empty.
fn text(value: &DeValue<'_>) -> Option<String> {
    if let DeValue::String(text) = value {
        Some(text.to_string()).filter(|text| !text.is_empty())
    } else {
        None
    }
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
