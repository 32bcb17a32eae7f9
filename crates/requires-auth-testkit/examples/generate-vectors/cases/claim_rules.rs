//! Claim rules of a route: what a claim is compared with, and how.

use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::tokens::{es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = plain();
    cases.extend(exact());
    cases.extend(prefixes());
    cases.extend(audiences());
    cases
}

fn case(row: &'static str, id: &str, about: &str, rule: Value, claim: Value) -> Case {
    Case::new(format!("rule-{id}"), row, about)
        .claim("groups", rule)
        .token(good(es384()).claim("groups", claim).mint())
}

/// A value or a list in place of a test: the claim is one of them, or has one.
fn plain() -> Vec<Finished> {
    let case = |id, about: &str, rule, claim| case("Q21", id, about, rule, claim);
    let contains = json!({ "contains": ["admin", "editor"] });
    vec![
        case("plain-text", "the text itself", json!("admin"), json!("admin")).accept(),
        case("plain-array", "an array that has it", json!("admin"), json!(["x", "admin"])).accept(),
        case("plain-other", "an array that does not have it", json!("admin"), json!(["x"])).deny(),
        case("plain-part", "a longer text", json!("admin"), json!("superadmin")).deny(),
        case("plain-words", "words are not split", json!("admin"), json!("x admin")).deny(),
        case("plain-nested", "an array within the array", json!("admin"), json!([["admin"]])).deny(),
        case("plain-number", "a number", json!(3), json!([1, 3])).accept(),
        case("plain-number-text", "digits in a text are not a number", json!(3), json!(["3"])).deny(),
        case("plain-true", "true", json!(true), json!(true)).accept(),
        case("plain-false", "false", json!(false), json!(false)).accept(),
        case("plain-false-true", "true where false is wanted", json!(false), json!(true)).deny(),
        case("plain-null", "null is nothing", json!("admin"), Value::Null).deny(),
        case(
            "plain-object",
            "a member of an object is not an element",
            json!("admin"),
            json!({ "admin": true }),
        )
        .deny(),
        case("list-second", "an array that has one of two", json!(["admin", "editor"]), json!(["editor"]))
            .accept(),
        case("list-text", "one of two itself", json!(["admin", "editor"]), json!("editor")).accept(),
        case("list-none", "an array that has neither", json!(["admin", "editor"]), json!(["x"])).deny(),
        case("list-empty", "an empty array", json!(["admin", "editor"]), json!([])).deny(),
        case("contains-one", "the test by its name", json!({ "contains": "admin" }), json!(["admin"]))
            .accept(),
        case("contains-list", "the test by its name, with two", contains.clone(), json!(["editor"])).accept(),
        case("contains-none", "the test by its name, with neither", contains, json!("x")).deny(),
        Case::new("rule-absent", "Q21", "a claim that is absent meets no rule")
            .claim("groups", "admin")
            .token(good(es384()).mint())
            .deny(),
        Case::new("rule-after-scope", "Q21", "the scope is looked at first")
            .claim("groups", "admin")
            .token(good(es384()).mint())
            .forbid("write:items"),
    ]
}

fn exact() -> Vec<Finished> {
    let case = |id, about: &str, rule, claim| case("Q22", id, about, rule, claim);
    vec![
        case("equals", "just the value", json!({ "equals": "admin" }), json!("admin")).accept(),
        case(
            "equals-array",
            "an array of the value is not the value",
            json!({ "equals": "admin" }),
            json!(["admin"]),
        )
        .deny(),
        case("equals-star", "a star is a star", json!({ "equals": "a*" }), json!("a*")).accept(),
        case("equals-no-pattern", "a star stands for nothing else", json!({ "equals": "a*" }), json!("ab"))
            .deny(),
        case("one-of", "one of two", json!({ "one_of": ["a", "b"] }), json!("b")).accept(),
        case("one-of-array", "an array is neither", json!({ "one_of": ["a", "b"] }), json!(["b"])).deny(),
        case("one-of-other", "another", json!({ "one_of": ["a", "b"] }), json!("c")).deny(),
    ]
}

fn prefixes() -> Vec<Finished> {
    let rule = || json!({ "prefix": "octo/app/.github/workflows/release.yml@" });
    let case = |id, about: &str, claim| case("Q23", id, about, rule(), claim);
    vec![
        case(
            "prefix",
            "a text that begins so",
            json!("octo/app/.github/workflows/release.yml@refs/heads/main"),
        )
        .accept(),
        case(
            "prefix-alone",
            "the beginning and nothing else",
            json!("octo/app/.github/workflows/release.yml@"),
        )
        .accept(),
        case(
            "prefix-array",
            "an array that has one",
            json!(["x", "octo/app/.github/workflows/release.yml@1"]),
        )
        .accept(),
        case(
            "prefix-other",
            "another beginning",
            json!("evil/app/.github/workflows/release.yml@refs/heads/main"),
        )
        .deny(),
        case(
            "prefix-inside",
            "the beginning stands further on",
            json!("x octo/app/.github/workflows/release.yml@"),
        )
        .deny(),
        case("prefix-case", "in capitals", json!("OCTO/APP/.github/workflows/release.yml@main")).deny(),
        case("prefix-number", "a number", json!(5)).deny(),
    ]
}

fn audiences() -> Vec<Finished> {
    let case = |id: &str, about: &str, rule: Value, aud: Value| {
        Case::new(format!("rule-aud-{id}"), "Q24", about)
            .without("audience")
            .setting("audience", json!({ "prefix": "urn:logto:organization:" }))
            .claim("aud", rule)
            .token(good(es384()).claim("aud", aud).mint())
    };
    let acme = "urn:logto:organization:acme";
    vec![
        case("text", "one audience", json!({ "equals": acme }), json!(acme)).accept(),
        case("array", "an array of one means the same", json!({ "equals": acme }), json!([acme])).accept(),
        case("one-of-array", "one of two, in an array", json!({ "one_of": [acme, "x"] }), json!(["y", acme]))
            .accept(),
        case("other", "another audience", json!({ "equals": acme }), json!(["urn:logto:organization:other"]))
            .deny(),
    ]
}
