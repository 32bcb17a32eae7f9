//! Examples that RFCs print. Most of their payloads are no claims: what our rules make of them is
//! still worth a case, because a wrong signature would be found first.

use crate::case::{Case, Finished};
use crate::recorded::STANDARDS;
use crate::tokens::resigned;

/// The time of expiry in the examples of RFC 7515.
const JOE_EXPIRES: i64 = 1_300_819_380;

pub fn cases() -> Vec<Finished> {
    let mut cases = rfc7515();
    cases.extend(rfc7520());
    cases.extend(rfc8037());
    cases
}

fn case(id: &str, about: &str, alg: &'static str, keys: &str, token: &str) -> Case {
    Case::new(id, "C28", about).alg(alg).keys(STANDARDS.key_set(keys)).token(STANDARDS.token(token))
}

fn rfc7515() -> Vec<Finished> {
    let joe = |id: &str, about: &str, alg, example: &str| {
        case(id, about, alg, example, example)
            .with("issuer", "joe")
            .without("audience")
            .with("now", JOE_EXPIRES - 60)
    };
    let tampered = |id: &str, alg, example: &str| {
        let token = resigned(STANDARDS.token(example), |mut signature| {
            signature[10] ^= 0x10;
            signature
        });
        joe(id, "one bit of the signature is flipped", alg, example).token(token).refuse("signature_mismatch")
    };
    vec![
        joe("rfc7515-a2", "RFC 7515 A.2: RS256, issuer joe, no audience", "RS256", "rfc7515-a2").accept(),
        joe("rfc7515-a2-audience", "RFC 7515 A.2 where an audience is configured", "RS256", "rfc7515-a2")
            .with("audience", "joes-api")
            .refuse("claim_missing"),
        joe("rfc7515-a2-expired", "RFC 7515 A.2, a leeway after its expiry", "RS256", "rfc7515-a2")
            .with("now", JOE_EXPIRES + 30)
            .refuse("expired"),
        joe("rfc7515-a2-strict", "RFC 7515 A.2 in the profile at+jwt", "RS256", "rfc7515-a2")
            .strict()
            .refuse("type_not_allowed"),
        tampered("rfc7515-a2-tampered", "RS256", "rfc7515-a2"),
        joe("rfc7515-a3", "RFC 7515 A.3: ES256, issuer joe, no audience", "ES256", "rfc7515-a3").accept(),
        joe("rfc7515-a3-issuer", "RFC 7515 A.3 where another issuer is configured", "ES256", "rfc7515-a3")
            .with("issuer", "jane")
            .refuse("issuer_mismatch"),
        tampered("rfc7515-a3-tampered", "ES256", "rfc7515-a3"),
        joe("rfc7515-a1", "RFC 7515 A.1: HS256, with its secret as a JWK", "HS256", "rfc7515-a1")
            .refuse("algorithm_not_allowed"),
        Case::new("rfc7515-a5", "C28", "RFC 7515 A.5: an unsecured JWS")
            .alg(None)
            .keys(STANDARDS.key_set("rfc7515-a3"))
            .with("issuer", "joe")
            .without("audience")
            .with("now", JOE_EXPIRES - 60)
            .token(STANDARDS.token("rfc7515-a5"))
            .refuse("algorithm_not_allowed"),
    ]
}

fn rfc7520() -> Vec<Finished> {
    let frodo = |id: &str, about: &str, alg, keys: &str, example: &str| case(id, about, alg, keys, example);
    let tampered = |id: &str, alg, keys: &str, example: &str| {
        let token = resigned(STANDARDS.token(example), |mut signature| {
            signature[10] ^= 0x10;
            signature
        });
        case(id, "one bit of the signature is flipped", alg, keys, example)
            .token(token)
            .refuse("signature_mismatch")
    };
    let text = "the signature is good, and the payload is no JSON";
    vec![
        frodo("rfc7520-4-1", text, "RS256", "rfc7520-3.3", "rfc7520-4.1").refuse("malformed"),
        tampered("rfc7520-4-1-tampered", "RS256", "rfc7520-3.3", "rfc7520-4.1"),
        frodo("rfc7520-4-1-ec-key", "the kid is that of the EC key", "RS256", "rfc7520-3.1", "rfc7520-4.1")
            .refuse("algorithm_not_allowed"),
        frodo("rfc7520-4-2", text, "PS384", "rfc7520-3.3", "rfc7520-4.2").refuse("malformed"),
        tampered("rfc7520-4-2-tampered", "PS384", "rfc7520-3.3", "rfc7520-4.2"),
        frodo("rfc7520-4-3", text, "ES512", "rfc7520-3.1", "rfc7520-4.3").refuse("malformed"),
        tampered("rfc7520-4-3-tampered", "ES512", "rfc7520-3.1", "rfc7520-4.3"),
        frodo("rfc7520-4-4", "HS256, with its secret as a JWK", "HS256", "rfc7520-3.5", "rfc7520-4.4")
            .refuse("algorithm_not_allowed"),
    ]
}

fn rfc8037() -> Vec<Finished> {
    let token = resigned(STANDARDS.token("rfc8037-a4"), |mut signature| {
        signature[10] ^= 0x10;
        signature
    });
    let example = |id: &str, about: &str| case(id, about, "EdDSA", "rfc8037-a4", "rfc8037-a4");
    vec![
        example("rfc8037-a4", "the signature is good, and the payload is no JSON").refuse("malformed"),
        example("rfc8037-a4-tampered", "one bit of the signature is flipped")
            .token(token)
            .refuse("signature_mismatch"),
        example("rfc8037-a4-not-listed", "EdDSA is not in the list")
            .with("alg", serde_json::json!(["ES256"]))
            .refuse("algorithm_not_allowed"),
    ]
}
