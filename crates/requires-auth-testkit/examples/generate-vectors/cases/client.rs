//! Which client a token names, and whether it speaks for that client.

use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::tokens::{es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = names();
    cases.extend(configured());
    cases.extend(kinds());
    cases
}

/// A token with these claims, and no other one that names a client.
fn naming(claims: &[(&str, Value)]) -> String {
    let token = good(es384()).without_claim("client_id");
    claims.iter().fold(token, |token, (name, value)| token.claim(*name, value.clone())).mint()
}

fn names() -> Vec<Finished> {
    let case = |id: &str, about: &str, claims: &[(&str, Value)], client: Value| {
        let id = format!("client-{id}");
        Case::new(id, "Q10", about).token(naming(claims)).reads("client_id", client).accept()
    };
    let refused = |id: &str, about: &str, claims: &[(&str, Value)]| {
        Case::new(format!("client-{id}"), "Q10", about).token(naming(claims)).refuse("claim_malformed")
    };
    vec![
        case("id", "client_id", &[("client_id", json!("spa"))], json!("spa")),
        case("azp", "azp, as at Keycloak and Auth0", &[("azp", json!("spa"))], json!("spa")),
        case("cid", "cid, as at Okta", &[("cid", json!("spa"))], json!("spa")),
        case("appid", "appid, as at Entra ID", &[("appid", json!("spa"))], json!("spa")),
        case(
            "order",
            "client_id goes before azp",
            &[("azp", json!("b")), ("client_id", json!("a"))],
            json!("a"),
        ),
        case(
            "null",
            "a null counts as absent",
            &[("client_id", Value::Null), ("azp", json!("b"))],
            json!("b"),
        ),
        case("none", "nobody", &[], Value::Null),
        case(
            "azp-number",
            "an azp that is a number is another claim",
            &[("azp", json!(5)), ("cid", json!("c"))],
            json!("c"),
        ),
        refused("id-number", "a client_id that is a number", &[("client_id", json!(5)), ("azp", json!("b"))]),
    ]
}

fn configured() -> Vec<Finished> {
    let case = |id: &str, about: &str, claims: &[(&str, Value)]| {
        Case::new(format!("client-claims-{id}"), "Q11", about)
            .setting("client_claims", json!(["app.id", "azp"]))
            .token(naming(claims))
    };
    vec![
        case("first", "the first one", &[("app", json!({ "id": "a" })), ("azp", json!("b"))])
            .reads("client_id", "a")
            .accept(),
        case("second", "the second one", &[("azp", json!("b"))]).reads("client_id", "b").accept(),
        case("others", "those that are not listed do not count", &[("client_id", json!("c"))])
            .reads("client_id", Value::Null)
            .accept(),
        case("number", "a listed claim of another type", &[("azp", json!(5))]).refuse("claim_malformed"),
        case("strict", "RFC 9068 demands client_id all the same", &[("azp", json!("b"))])
            .strict()
            .refuse("claim_missing"),
    ]
}

fn kinds() -> Vec<Finished> {
    let case = |id: &str, about: &str, sub: &str, claims: &[(&str, Value)], is_client: Value| {
        let claims: Vec<_> = claims.iter().cloned().chain([("sub", json!(sub))]).collect();
        Case::new(format!("is-client-{id}"), "Q12", about)
            .token(naming(&claims))
            .reads("is_client", is_client)
            .accept()
    };
    vec![
        case("id", "the subject is the client_id", "app", &[("client_id", json!("app"))], json!(true)),
        case("azp", "the subject is the azp", "app", &[("azp", json!("app"))], json!(true)),
        case(
            "other",
            "the subject is somebody, and nobody knows who",
            "alice",
            &[("azp", json!("app"))],
            Value::Null,
        ),
        case("none", "no client is named", "alice", &[], Value::Null),
    ]
}
