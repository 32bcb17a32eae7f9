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
            plain => {
                refuse_patterns(reader, &entry);
                contains(plain)
            }
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
fn refuse_patterns(reader: &mut Reader<'_>, entry: &Entry<'_>) {
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

#[cfg(test)]
mod tests {
    use requires_auth::policy::ClaimTest;

    use crate::gateway::config::Config;

    fn parse(pattern: &str, claims: &str) -> Result<Vec<String>, String> {
        let text = format!(
            "[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"https://api.example\"\n\
             [[routes]]\nmatch = {pattern}\nclaims = {claims}\n"
        );
        let config = Config::parse(&text, "gateway.toml").map_err(|error| error.to_string())?;
        let route = config.gateway.routes.iter().next().expect("a route");
        Ok(route.requirement.policy().path_parameters().map(str::to_owned).collect())
    }

    #[track_caller]
    fn refused(pattern: &str, claims: &str, expected: &str) {
        let error = parse(pattern, claims).expect_err(claims);
        assert!(error.contains("gateway.toml:6") && error.contains(expected), "{claims}: {error}");
    }

    #[test]
    fn every_test_has_its_name() {
        for claims in [
            "{ sub = { equals = \"repo:*\" } }",
            "{ sub = { one_of = [\"a\", 3, true] } }",
            "{ sub = { contains = \"a\" }, aud = { contains = [\"b\"] } }",
            "{ sub = { prefix = \"repo:octo/\" } }",
        ] {
            assert_eq!(parse("\"/orders\"", claims), Ok(Vec::new()), "{claims}");
        }
        assert_eq!(parse("\"/orgs/{org}/items\"", "{ o = { path = \"org\" } }"), Ok(vec!["org".to_owned()]));
        assert_eq!(ClaimTest::path("org").path_parameter(), Some("org"));
    }

    #[test]
    fn what_looks_like_a_pattern_is_not_taken_as_it_is() {
        refused("\"/orders\"", "{ sub = \"repo:octo/*\" }", "write { prefix = ");
        refused("\"/orders\"", "{ sub = [\"a\", \"repo:octo/*\"] }", "write { prefix = ");
        refused("\"/orgs/{org}/x\"", "{ organization_id = \"{org}\" }", "write { path = ");
    }

    #[test]
    fn a_path_parameter_stands_once_in_each_pattern() {
        let rule = "{ o = { path = \"org\" } }";
        refused("\"/orders\"", rule, "a path parameter of the route");
        refused("[\"/orgs/{org}\", \"/orders\"]", rule, "`/orders`");
        refused("\"/{org}/{org}\"", rule, "a path parameter of the route");
        assert!(parse("[\"/orgs/{org}\", \"/o/{org}/*\"]", rule).is_ok());
    }

    #[test]
    fn other_values_are_not_rules() {
        for claims in ["{ a = [] }", "{ a = 1.5 }", "{ a = {} }", "{ a = { equals = 1, prefix = \"b\" } }"] {
            refused("\"/orders\"", claims, "or one test");
        }
        refused("\"/orders\"", "{ a = { prefix = \"\" } }", "or one test");
        refused("\"/orders\"", "{ a = { one_of = \"b\" } }", "or one test");
        refused("\"/orders\"", "{ a = { prefxi = \"b\" } }", "did you mean `prefix`?");
    }

    #[test]
    fn the_blocks_of_the_documentation_can_be_read() {
        let page = include_str!("../../../../../docs/claims.md");
        let blocks: Vec<_> =
            page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(blocks.len(), 2);
        for block in blocks {
            let config = Config::parse(block, "gateway.toml").unwrap_or_else(|error| panic!("{error}"));
            config.guard.build().unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
