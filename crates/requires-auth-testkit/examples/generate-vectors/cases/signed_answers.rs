//! Rows O11 to O13: answers that are signed, and JWTs about which the issuer is asked too.

use requires_auth_testkit::{Algorithm, SigningKey, TokenBuilder};
use serde_json::{Value, json};

use super::opaque::{answered, told, with};
use crate::case::{Case, Finished};
use crate::key_sets::KeySet;
use crate::tokens::{ISSUER, NOW, es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = nested();
    cases.extend(flat());
    cases.extend(always());
    cases
}

/// The key that signs answers: its signatures are the same at each run.
fn key() -> &'static SigningKey {
    SigningKey::fixed(Algorithm::Ed25519)
}

/// An answer that is signed, about an opaque token.
fn signed(id: &'static str, row: &'static str, about: &str, answer: TokenBuilder) -> Case {
    let keys = KeySet::fixed(Algorithm::Ed25519);
    answered(id, row, about, answer.mint()).keys(keys).introspection("signed", true)
}

/// A JWT of the issuer with these claims, of the type that RFC 9701 §5 has.
fn answer_of(claims: &Value) -> TokenBuilder {
    good(key()).header("typ", "token-introspection+jwt").raw_claims(claims.to_string())
}

/// The answer stands within (RFC 9701 §5).
fn nested() -> Vec<Finished> {
    let within =
        |inner: Value| json!({ "iss": ISSUER, "aud": "api", "iat": NOW, "token_introspection": inner });
    let changed = |name: &str, value: Value| {
        let mut claims = within(told());
        claims[name] = value;
        claims
    };
    let case = |id, about: &str, claims: Value| signed(id, "O11", about, answer_of(&claims));
    let other = SigningKey::second(Algorithm::Ed25519);
    vec![
        case("opaque-signed", "the answer is signed", within(told())).accept(),
        case(
            "opaque-signed-list",
            "it is for this client and another",
            changed("aud", json!(["other", "api"])),
        )
        .accept(),
        case(
            "opaque-signed-inactive",
            "it says that the token is not active",
            within(json!({ "active": false })),
        )
        .refuse("inactive"),
        case("opaque-signed-other-client", "it is for another client", changed("aud", json!("other")))
            .unknown(),
        case("opaque-signed-no-client", "it is for nobody", changed("aud", Value::Null)).unknown(),
        case(
            "opaque-signed-other-issuer",
            "it is of another issuer",
            changed("iss", json!("https://a.example")),
        )
        .unknown(),
        case(
            "opaque-signed-contradiction",
            "outside it says something else",
            changed("active", json!(false)),
        )
        .unknown(),
        case("opaque-signed-same-outside", "outside it says the same", changed("active", json!(true)))
            .accept(),
        case("opaque-signed-text", "there is a text within", within(json!(told().to_string()))).unknown(),
        signed("opaque-signed-type", "O11", "it is another kind of JWT", {
            answer_of(&within(told())).header("typ", "at+jwt")
        })
        .unknown(),
        signed("opaque-signed-critical", "O11", "it has an extension that is critical", {
            answer_of(&within(told())).header("crit", json!(["x"])).header("x", 1)
        })
        .unknown(),
        signed("opaque-signed-nested", "O11", "it says that it has a JWT within", {
            answer_of(&within(told())).header("cty", "JWT")
        })
        .unknown(),
        signed("opaque-signed-other-key", "O11", "another key has signed it", {
            answer_of(&within(told())).key(other).header("kid", key().kid())
        })
        .unknown(),
        answered("opaque-not-signed", "O11", "it is not signed", told().to_string())
            .introspection("signed", true)
            .unknown(),
        answered("opaque-signed-not-asked-for", "O11", "nobody has asked for a signature", {
            answer_of(&within(told())).mint()
        })
        .unknown(),
    ]
}

/// The answer is the claims of the JWT, as drafts of RFC 9701 had it.
fn flat() -> Vec<Finished> {
    let case = |id, about: &str, name: &str, value: Value| {
        let claims: Value = serde_json::from_str(&with(name, value)).unwrap_or_default();
        signed(id, "O12", about, answer_of(&claims))
    };
    vec![
        case("opaque-flat", "the answer is the JWT itself", "sub", json!("alice")).accept(),
        case("opaque-flat-inactive", "the token is not active", "active", json!(false)).refuse("inactive"),
        case("opaque-flat-aud", "the token is for another API", "aud", json!("https://a.example"))
            .refuse("audience_mismatch"),
        case("opaque-flat-type", "the token has no type", "token_type", Value::Null)
            .refuse("type_not_allowed"),
        case("opaque-flat-no-issuer", "nobody says that it is theirs", "iss", Value::Null).unknown(),
    ]
}

/// Where the issuer is asked about JWTs too.
fn always() -> Vec<Finished> {
    let jwt = |id, about: &str, token: TokenBuilder, active: Value| {
        let case = Case::new(id, "O13", about).answered(200, with("active", active));
        case.introspection("always", true).alg("ES384").token(token.mint())
    };
    let good = || good(es384());
    let expired = || good().issued_at(NOW - 7200).lifetime(3600);
    let told_with = |id, about: &str, name: &str, value: Value| {
        let case = Case::new(id, "O13", about).answered(200, with(name, value));
        case.introspection("always", true).alg("ES384").token(good().mint())
    };
    vec![
        jwt("always-active", "a JWT is good, and active", good(), json!(true)).accept(),
        jwt("always-inactive", "a JWT is good, and was revoked", good(), json!(false)).refuse("inactive"),
        jwt(
            "always-expired",
            "a JWT that has expired is refused, whatever is answered",
            expired(),
            json!(true),
        )
        .refuse("expired"),
        told_with(
            "always-other-issuer",
            "the answer is about a token of another issuer",
            "iss",
            json!("https://a.example"),
        )
        .refuse("issuer_mismatch"),
        told_with("always-no-issuer", "the answer names no issuer", "iss", Value::Null).accept(),
        told_with("always-ended", "the answer says that the token has expired", "exp", json!(NOW - 31))
            .refuse("expired"),
        told_with("always-ahead", "the answer says that the token is not valid yet", "nbf", json!(NOW + 31))
            .refuse("not_yet_valid"),
        told_with(
            "always-other-subject",
            "the answer is about a token of somebody else",
            "sub",
            json!("bob"),
        )
        .refuse("claim_malformed"),
        told_with("always-no-subject", "the answer names no subject", "sub", Value::Null).accept(),
        told_with(
            "always-other-client",
            "the answer is about a token of another client",
            "client_id",
            json!("other"),
        )
        .refuse("claim_malformed"),
        told_with(
            "always-bound",
            "the answer says that the token is bound",
            "cnf",
            json!({ "jkt": "A".repeat(43) }),
        )
        .refuse("binding_mismatch"),
        told_with("always-refresh", "the answer is about a refresh token", "token_type", Value::Null)
            .refuse("type_not_allowed"),
        Case::new("always-outage", "O13", "nobody can tell whether it was revoked")
            .answered(500, "")
            .introspection("always", true)
            .alg("ES384")
            .token(good().mint())
            .unknown(),
    ]
}
