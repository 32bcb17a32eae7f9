//! Granted and needed scopes.

use requires_auth_testkit::TokenBuilder;
use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::tokens::{es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = strings();
    cases.extend(arrays());
    cases.extend(malformed());
    cases.extend(hierarchies());
    cases
}

/// A token with this `scope` claim.
fn granted(scope: impl Into<Value>) -> String {
    good(es384()).claim("scope", scope).mint()
}

/// A token with this `scp` claim and no `scope`.
fn granted_scp(scp: impl Into<Value>) -> String {
    good(es384()).without_claim("scope").claim("scp", scp).mint()
}

fn case(id: &str, about: &str, token: String) -> Case {
    Case::new(format!("scope-{id}"), "D09", about).token(token)
}

fn needs(case: Case, scope: &str) -> Case {
    case.with("scope", scope)
}

fn strings() -> Vec<Finished> {
    let allow = |id: &str, about: &str, scope: &str, needed: &str| {
        needs(case(id, about, granted(scope)), needed).accept()
    };
    let forbid =
        |id: &str, about: &str, scope: &str, needed: &str| case(id, about, granted(scope)).forbid(needed);
    vec![
        allow("one", "the only one", "read:items", "read:items"),
        allow("first", "the first of two", "read:items write:items", "read:items"),
        allow("last", "the last of two", "read:items write:items", "write:items"),
        case("all-in-array", "all of two, in another order", granted("a b c"))
            .with("scope", json!(["c", "a"]))
            .accept(),
        allow("all-in-string", "all of two in one string", "a b c", "c a"),
        allow("spaces", "more spaces than needed", "  read:items   write:items ", "write:items"),
        allow(
            "url",
            "a URL as a scope",
            "https://api.example.test/items.read",
            "https://api.example.test/items.read",
        ),
        allow("twice", "granted twice", "a a", "a"),
        case("none-needed", "nothing is needed", granted("a")).accept(),
        case(
            "none-needed-none-granted",
            "nothing is needed, nothing granted",
            good(es384()).without_claim("scope").mint(),
        )
        .accept(),
        case("none-needed-empty", "nothing is needed, an empty string granted", granted("")).accept(),
        forbid("missing", "another one is granted", "read:items", "write:items"),
        forbid("one-of-two", "only one of two is granted", "read:items", "read:items write:items"),
        forbid("neither-of-three", "none of three is granted", "x", "a b c"),
        forbid("longer", "a longer one is granted", "read:items", "read"),
        forbid("shorter", "a shorter one is granted", "read", "read:items"),
        forbid("other-case", "the case differs", "Read:Items", "read:items"),
        forbid("empty", "the empty string grants nothing", "", "read:items"),
        forbid("only-spaces", "spaces grant nothing", "   ", "read:items"),
        forbid("comma", "a comma does not separate", "a,b", "a"),
        forbid("tab", "a tab does not separate", "a\tb", "a"),
        forbid("line-break", "a line break does not separate", "a\nb", "b"),
        forbid("plus", "a plus does not separate", "a+b", "a"),
        forbid("wildcard", "a star stands for itself", "*", "read:items"),
        case("absent", "no scope", good(es384()).without_claim("scope").mint()).forbid("read:items"),
        case(
            "in-permissions",
            "permissions are no scopes unless configured",
            good(es384()).without_claim("scope").claim("permissions", json!(["read:items"])).mint(),
        )
        .forbid("read:items"),
        case(
            "in-roles",
            "roles are no scopes unless configured",
            good(es384()).without_claim("scope").claim("roles", json!(["read:items"])).mint(),
        )
        .forbid("read:items"),
    ]
}

fn arrays() -> Vec<Finished> {
    let array = json!(["read:items", "write:items"]);
    vec![
        needs(case("array", "an array", granted(array.clone())), "write:items").accept(),
        case("array-missing", "an array without the needed one", granted(array.clone())).forbid("admin"),
        case("array-empty", "an empty array", granted(json!([]))).forbid("read:items"),
        needs(case("array-with-empty", "an array with an empty entry", granted(json!(["", "a"]))), "a")
            .accept(),
        case("array-with-space", "an entry with a space is one scope", granted(json!(["a b"]))).forbid("a"),
        needs(case("scp-array", "scp as an array", granted_scp(array.clone())), "read:items").accept(),
        needs(case("scp-string", "scp as a string", granted_scp("read:items write:items")), "write:items")
            .accept(),
        case("scp-missing", "scp without the needed one", granted_scp(array)).forbid("admin"),
        case(
            "scp-beside-scope",
            "scp is not looked at beside scope",
            good(es384()).claim("scope", "a").claim("scp", "b").mint(),
        )
        .forbid("b"),
        needs(
            case(
                "scope-beside-scp",
                "scope counts beside scp",
                good(es384()).claim("scope", "a").claim("scp", "b").mint(),
            ),
            "a",
        )
        .accept(),
        case(
            "scp-beside-empty-scope",
            "scp is not looked at beside an empty scope",
            good(es384()).claim("scope", "").claim("scp", "b").mint(),
        )
        .forbid("b"),
    ]
}

fn malformed() -> Vec<Finished> {
    let null = |id: &str, about: &str, token: TokenBuilder| {
        Case::new(format!("scope-{id}"), "Q07", about).token(token.mint())
    };
    let mut cases = vec![
        null("null", "null counts as absent", good(es384()).claim("scope", Value::Null)).accept(),
        null("null-needed", "null grants nothing", good(es384()).claim("scope", Value::Null))
            .forbid("read:items"),
        null(
            "null-beside-scp",
            "beside null, scp counts",
            good(es384()).claim("scope", Value::Null).claim("scp", "a"),
        )
        .with("scope", "a")
        .accept(),
        null(
            "scp-null",
            "scp is null, which counts as absent",
            good(es384()).without_claim("scope").claim("scp", Value::Null),
        )
        .accept(),
    ];
    let values = [
        ("number", json!(1)),
        ("true", json!(true)),
        ("object", json!({ "read:items": true })),
        ("array-with-number", json!(["read:items", 1])),
        ("array-with-null", json!([null])),
        ("nested-array", json!([["read:items"]])),
    ];
    for (id, value) in values {
        cases.push(
            case(id, "the type of scope is wrong, even where none is needed", granted(value.clone()))
                .refuse("claim_malformed"),
        );
        cases.push(
            case(&format!("scp-{id}"), "the type of scp is wrong", granted_scp(value))
                .refuse("claim_malformed"),
        );
    }
    cases
}

/// Without a configured hierarchy no scope implies another.
fn hierarchies() -> Vec<Finished> {
    let case = |id: &str, about: &str, scope: &str| {
        Case::new(format!("scope-hierarchy-{id}"), "D10", about).token(granted(scope))
    };
    vec![
        case("admin", "admin implies nothing", "admin").forbid("read"),
        case("parent", "the part before a colon implies nothing", "items").forbid("items:read"),
        case("child", "a longer scope implies nothing", "items:read:own").forbid("items:read"),
        case("dot", "the part before a dot implies nothing", "items").forbid("items.read"),
        case("itself", "a scope implies itself", "admin").with("scope", "admin").accept(),
    ]
}
