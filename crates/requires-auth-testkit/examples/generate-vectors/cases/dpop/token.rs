//! Rows V13 to V15, V18 and V20: the token that goes with a proof, and what it is bound to.

use requires_auth_testkit::{Algorithm, Defect, ProofBuilder, SigningKey};
use serde_json::{Value, json};

use super::{Asked, ask, bound, client, unbound};
use crate::answers;
use crate::case::Finished;
use crate::tokens::{Text, claims_of};

pub fn cases() -> Vec<Finished> {
    let mut cases = keys();
    cases.extend(schemes());
    cases.extend(bearer());
    cases.extend(confirmations());
    cases.extend(answers_of_the_scheme());
    cases
}

fn keys() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V13", about);
    let by = |key: &'static SigningKey| {
        move |asked: Asked| {
            let proof = ProofBuilder::new(key, "GET", "https://api.example.test/items");
            let proof = proof.token(&asked.token).issued_at(crate::tokens::NOW).claim("jti", asked.id).mint();
            asked.header("DPoP", &proof)
        }
    };
    let other = SigningKey::fixed(Algorithm::Ed25519);
    vec![
        ask("dpop-bound-key", "a proof by the key of the token").proven().allow(),
        by(other)(ask("dpop-other-key", "a good proof by another key, as a thief of the token has one"))
            .invalid_token("binding_mismatch"),
        by(SigningKey::second(Algorithm::Es256))(ask(
            "dpop-other-type",
            "a good proof by a key of another type",
        ))
        .invalid_token("binding_mismatch"),
        ask("dpop-jwk-of-victim", "the key of the token in the header, and the signature of another")
            .proof(|proof| proof.signed_by(other))
            .refused("proof_signature"),
    ]
}

fn schemes() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V14", about);
    vec![
        ask("dpop-scheme", "a bound token and its proof").proven().allow(),
        ask("dpop-scheme-lower-case", "the scheme in lower case (RFC 9110 §11.1)")
            .authorization("dpop {token}")
            .proven()
            .allow(),
        ask("dpop-proof-missing", "a bound token without a proof").refused("proof_missing"),
        ask("dpop-unbound", "a token that is bound to nothing, with a good proof")
            .token(unbound())
            .proven()
            .invalid_token("binding_mismatch"),
        ask("dpop-unbound-no-proof", "a token that is bound to nothing, without a proof")
            .token(unbound())
            .invalid_token("binding_mismatch"),
        ask("dpop-proof-alone", "a proof without a token")
            .authorization("")
            .proven()
            .no_credentials("auth.authorization_header_missing"),
        ask("dpop-both-schemes", "the token by both schemes at once")
            .header("Authorization", "Bearer {token}")
            .proven()
            .refused_by_bearer(&answers::invalid_request()),
        ask("dpop-two-tokens", "two bound tokens, with a proof for the first")
            .header("Authorization", "DPoP {token}")
            .proven()
            .refused_by_bearer(&answers::invalid_request()),
    ]
}

fn bearer() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V15", about);
    vec![
        ask("dpop-as-bearer", "a bound token by Bearer").bearer().invalid_bearer("binding_mismatch"),
        ask("dpop-as-bearer-with-proof", "a bound token by Bearer, with its proof")
            .bearer()
            .proven()
            .invalid_bearer("binding_mismatch"),
        ask("dpop-bearer", "a token that is bound to nothing, by Bearer").token(unbound()).bearer().allow(),
        ask(
            "dpop-bearer-with-proof",
            "a token that is bound to nothing, by Bearer, and a proof that nobody asked for",
        )
        .token(unbound())
        .bearer()
        .proven()
        .allow(),
        ask(
            "dpop-in-other-header",
            "a bound token in a header of its own, which has no scheme, with its proof",
        )
        .setting("token_from", json!(["authorization", { "header": "X-Access-Token" }]))
        .authorization("")
        .header("X-Access-Token", "{token}")
        .proven()
        .invalid_bearer("binding_mismatch"),
        ask("dpop-in-cookie", "a bound token in a cookie, with its proof")
            .setting("token_from", json!(["authorization", { "cookie": "__Host-token" }]))
            .authorization("")
            .header("Cookie", "__Host-token={token}")
            .proven()
            .invalid_bearer("binding_mismatch"),
    ]
}

fn confirmations() -> Vec<Finished> {
    let with = |id, about: &str, cnf: Value| ask(id, "V18", about).token(bound().claim("cnf", cnf)).proven();
    let jkt = client().thumbprint();
    let raw = |id, about: &str, cnf: &str| {
        let text = Text::claims_of(&claims_of(&bound().mint())).set("cnf", cnf).json();
        ask(id, "V18", about).token(unbound().raw_claims(text)).proven()
    };
    vec![
        with("dpop-cnf-jkt", "jkt alone", json!({ "jkt": jkt })).allow(),
        with(
            "dpop-cnf-other",
            "a member that nobody knows beside jkt, as Keycloak writes one",
            json!({ "jkt": jkt, "kc-jkt-type": "rfc9449" }),
        )
        .allow(),
        with(
            "dpop-cnf-other-alone",
            "a member that nobody knows, alone",
            json!({ "kc-jkt-type": "rfc9449" }),
        )
        .invalid_token("binding_mismatch"),
        with("dpop-cnf-empty", "no member", json!({})).invalid_token("binding_mismatch"),
        with(
            "dpop-cnf-certificate",
            "a certificate beside jkt, and none is shown",
            json!({ "jkt": jkt, "x5t#S256": jkt }),
        )
        .invalid_token("binding_mismatch"),
        with(
            "dpop-cnf-jwk",
            "a key as jwk beside jkt, which is not proven here",
            json!({ "jkt": jkt, "jwk": client().bare_jwk() }),
        )
        .invalid_token("binding_mismatch"),
        with("dpop-cnf-jku", "jku beside jkt", json!({ "jkt": jkt, "jku": "https://id.example.test/keys" }))
            .invalid_token("binding_mismatch"),
        with("dpop-cnf-kid", "kid beside jkt", json!({ "jkt": jkt, "kid": "1" }))
            .invalid_token("binding_mismatch"),
        with("dpop-cnf-jwe", "jwe beside jkt", json!({ "jkt": jkt, "jwe": "a.b.c.d.e" }))
            .invalid_token("binding_mismatch"),
        with("dpop-cnf-string", "a string", json!(jkt)).invalid_token("binding_mismatch"),
        with("dpop-cnf-array", "an array", json!([{ "jkt": jkt }])).invalid_token("binding_mismatch"),
        with("dpop-jkt-number", "jkt is a number", json!({ "jkt": 1 })).invalid_token("binding_mismatch"),
        with("dpop-jkt-null", "jkt is null", json!({ "jkt": null })).invalid_token("binding_mismatch"),
        with("dpop-jkt-short", "jkt is too short", json!({ "jkt": &jkt[1..] }))
            .invalid_token("binding_mismatch"),
        with("dpop-jkt-padding", "jkt with padding", json!({ "jkt": format!("{jkt}=") }))
            .invalid_token("binding_mismatch"),
        raw("dpop-jkt-twice", "jkt stands twice", &format!(r#"{{"jkt":"{jkt}","jkt":"{jkt}"}}"#))
            .invalid_token("malformed"),
    ]
}

/// The attempted scheme says what is wrong, whatever it is (RFC 9449 §7.1).
fn answers_of_the_scheme() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V20", about);
    let expired = || bound().defect(Defect::Expired);
    vec![
        ask("dpop-scope", "the scope is granted").with("scope", "read:items").proven().allow(),
        ask("dpop-scope-missing", "the scope is not granted").proven().insufficient_scope("write:items"),
        ask("dpop-scope-missing-bearer", "the scope is not granted to a token that is bound to nothing")
            .token(unbound())
            .bearer()
            .with("scope", "write:items")
            .refused_by_bearer(&answers::insufficient_scope("write:items")),
        ask("dpop-expired", "the token has expired").token(expired()).proven().invalid_token("expired"),
        ask(
            "dpop-expired-bad-proof",
            "the token has expired, and the proof is bad: the token is judged first",
        )
        .token(expired())
        .header("DPoP", "x")
        .invalid_token("expired"),
        ask("dpop-audience", "the token is for another audience")
            .token(bound().defect(Defect::AudienceMismatch))
            .proven()
            .invalid_token("audience_mismatch"),
        ask("dpop-origin", "a page of another origin may read challenge and nonce")
            .header("Origin", "https://app.example.test")
            .refused("proof_missing"),
        ask(
            "dpop-scope-bad-proof",
            "the scope is not granted, and the proof is bad: the proof is checked first",
        )
        .with("scope", "write:items")
        .header("DPoP", "x")
        .malformed(),
    ]
}
