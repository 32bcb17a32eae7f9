//! Tokens that are validly signed and must not pass all the same. Widely used libraries accept most of them
//! when issuer and audience are configured; each row names the check that closes the hole.

mod support;

use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder, jwk_set};
use serde_json::json;
use support::{ManualClock, verdict};

const ISSUER: &str = "https://good.example";

#[tokio::test]
async fn a_valid_signature_is_not_enough() {
    let (key, clock) = (SigningKey::generate(Algorithm::Es384), ManualClock::new());
    let guard = requires_auth::RequiresAuth::builder(ISSUER, "me")
        .with_jwks(jwk_set([&key]).to_string())
        .with_clock(clock.clone())
        .build()
        .expect("a configuration");
    let now = clock.unix();
    let token = || Forge::new(ISSUER, "me", key.clone()).token().issued_at(now);
    let claims = |json: String| token().raw_claims(json);
    let rows: Vec<(&str, TokenBuilder, &str)> = vec![
        ("the good one", token(), "ok"),
        ("no aud", token().without_claim("aud"), "claim_missing"),
        ("aud 5", token().claim("aud", 5), "claim_malformed"),
        ("aud [1,2]", token().claim("aud", json!([1, 2])), "claim_malformed"),
        ("aud {}", token().claim("aud", json!({})), "claim_malformed"),
        ("aud of another", token().claim("aud", "you"), "audience_mismatch"),
        ("aud as a part", token().claim("aud", "me2"), "audience_mismatch"),
        ("no iss", token().without_claim("iss"), "claim_missing"),
        ("iss 7", token().claim("iss", 7), "claim_malformed"),
        ("iss array", token().claim("iss", json!(["evil", ISSUER])), "claim_malformed"),
        ("iss as a part", token().claim("iss", "https://good.example.evil"), "issuer_mismatch"),
        ("iss with a slash", token().claim("iss", "https://good.example/"), "issuer_mismatch"),
        ("unknown crit", token().header("crit", json!(["x"])).header("x", 1), "critical_header"),
        ("empty crit", token().header("crit", json!([])), "critical_header"),
        ("b64 false", token().header("b64", false).header("crit", json!(["b64"])), "critical_header"),
        ("typ dpop+jwt", token().header("typ", "dpop+jwt"), "type_not_allowed"),
        ("typ logout+jwt", token().header("typ", "logout+jwt"), "type_not_allowed"),
        ("nbf in the future", token().claim("nbf", now + 3600), "not_yet_valid"),
        ("nbf as a string", token().claim("nbf", "soon"), "claim_malformed"),
        ("nbf null", token().claim("nbf", json!(null)), "claim_malformed"),
        ("expired 31 s ago", token().claim("exp", now - 31), "expired"),
        ("no exp", token().without_claim("exp"), "claim_missing"),
        ("exp as a string", token().claim("exp", (now + 60).to_string()), "claim_malformed"),
        ("exp negative", token().claim("exp", -1), "claim_malformed"),
        ("exp null", token().claim("exp", json!(null)), "claim_malformed"),
        (
            "aud twice",
            claims(format!(r#"{{"iss":"{ISSUER}","aud":"you","aud":"me","exp":{}}}"#, now + 60)),
            "malformed",
        ),
        ("cnf", token().claim("cnf", json!({"jkt": "x"})), "binding_mismatch"),
        ("empty cnf", token().claim("cnf", json!({})), "binding_mismatch"),
        ("an ID token", token().header("typ", "JWT").claim("at_hash", "x"), "type_not_allowed"),
    ];
    for (name, token, expected) in rows {
        assert_eq!(verdict(&guard, &token.mint()).await, expected, "{name}");
    }
}
