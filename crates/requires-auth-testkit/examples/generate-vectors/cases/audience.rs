//! Whom a token must be meant for, where that is not a name: a prefix, or another claim.

use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::tokens::{es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = prefixes();
    cases.extend(other_claims());
    cases.extend(any());
    cases
}

const PREFIX: &str = "urn:logto:organization:";

fn prefixes() -> Vec<Finished> {
    let case = |id: &str, about: &str, aud: Value| {
        Case::new(format!("aud-prefix-{id}"), "Q03", about)
            .setting("audience", json!({ "prefix": PREFIX }))
            .token(good(es384()).claim("aud", aud).mint())
    };
    let mismatch = "audience_mismatch";
    vec![
        case("one", "an organization", json!("urn:logto:organization:acme")).accept(),
        case("second", "an organization as the second of two", json!(["a", "urn:logto:organization:acme"]))
            .accept(),
        case("bare", "the prefix and nothing after it", json!(PREFIX)).refuse(mismatch),
        case("case", "the prefix in capitals", json!("URN:LOGTO:ORGANIZATION:acme")).refuse(mismatch),
        case("inside", "the prefix after something else", json!("x urn:logto:organization:acme"))
            .refuse(mismatch),
        case("other", "an API", json!("https://api.example.test")).refuse(mismatch),
        case("none", "no audience in the list", json!([])).refuse(mismatch),
        case("number", "a number in the list", json!(["urn:logto:organization:acme", 1]))
            .refuse("claim_malformed"),
        Case::new("aud-prefix-absent", "Q03", "no audience at all")
            .setting("audience", json!({ "prefix": PREFIX }))
            .token(good(es384()).without_claim("aud").mint())
            .refuse("claim_missing"),
    ]
}

fn other_claims() -> Vec<Finished> {
    let by = |claim: &str, id: &str, about: &str, value: Option<Value>| {
        let token = good(es384()).without_claim("aud");
        let token = match value {
            Some(value) => token.claim(claim, value),
            None => token.without_claim(claim),
        };
        Case::new(format!("aud-claim-{id}"), "Q04", about)
            .without("audience")
            .setting("audience", json!({ "claim": claim, "one_of": ["abc", "def"] }))
            .token(token.mint())
    };
    let by_client = |id, about, value| by("client_id", id, about, Some(value));
    let mismatch = "audience_mismatch";
    vec![
        by_client("first", "the first client", json!("abc")).accept(),
        by_client("second", "the second client", json!("def")).accept(),
        by_client("other", "another client", json!("xyz")).refuse(mismatch),
        by_client("begins", "a client whose name begins so", json!("abcd")).refuse(mismatch),
        by_client("case", "the client in capitals", json!("ABC")).refuse(mismatch),
        by("client_id", "absent", "no client", None).refuse("claim_missing"),
        by("azp", "azp", "the authorized party, as at Clerk", Some(json!("abc"))).accept(),
        by("azp", "azp-list", "one of a list", Some(json!(["x", "def"]))).accept(),
        by("azp", "azp-other", "another authorized party", Some(json!("https://other.example")))
            .refuse(mismatch),
        by("azp", "azp-null", "null counts as absent", Some(Value::Null)).refuse("claim_missing"),
        by("azp", "azp-number", "a number", Some(json!(5))).refuse("claim_malformed"),
        Case::new("aud-claim-path", "Q04", "a member of a member")
            .setting("audience", json!({ "claim": "app.id", "one_of": "abc" }))
            .token(good(es384()).without_claim("aud").claim("app", json!({ "id": "abc" })).mint())
            .accept(),
        Case::new("aud-claim-beside-aud", "Q05", "the client fits, and aud names somebody")
            .setting("audience", json!({ "claim": "azp", "one_of": ["abc"] }))
            .token(good(es384()).claim("azp", "abc").mint())
            .refuse(mismatch),
        Case::new("aud-claim-empty-aud", "Q05", "the client fits, and aud is a list of nobody")
            .setting("audience", json!({ "claim": "azp", "one_of": ["abc"] }))
            .token(good(es384()).claim("azp", "abc").claim("aud", json!([])).mint())
            .refuse(mismatch),
        by("azp", "without-aud", "the client fits, and there is no aud", Some(json!("abc")))
            .row("Q05")
            .accept(),
    ]
}

fn any() -> Vec<Finished> {
    let any = |id, about: &str, token: String| {
        Case::new(id, "Q06", about).without("audience").setting("dangerously_any_audience", true).token(token)
    };
    let other = good(es384()).claim("aud", "https://other.example.test");
    vec![
        any("aud-any-other", "an audience that is not ours", other.clone().mint()).accept(),
        any("aud-any-absent", "no audience", good(es384()).without_claim("aud").mint()).accept(),
        any("aud-any-number", "an audience that is a number", good(es384()).claim("aud", 5).mint())
            .refuse("claim_malformed"),
        any("aud-any-strict", "RFC 9068 demands aud all the same", good(es384()).without_claim("aud").mint())
            .strict()
            .refuse("claim_missing"),
        Case::new("aud-any-off", "Q06", "without the setting it is refused")
            .token(other.mint())
            .refuse("audience_mismatch"),
    ]
}
