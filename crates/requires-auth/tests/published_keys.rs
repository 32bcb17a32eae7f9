//! Keys whose private halves are printed where everybody can read them: an RFC, jwt.io.

#![allow(missing_docs, reason = "tests")]

use requires_auth::{RequiresAuth, danger};
use serde_json::{Value, json};

const EXAMPLES: &str = include_str!("data/published_keys.json");

fn examples() -> Vec<(String, Value)> {
    let examples: serde_json::Map<_, _> = serde_json::from_str(EXAMPLES).expect("a JSON object");
    examples.into_iter().collect()
}

fn builder(jwks: &Value) -> requires_auth::guard::Builder {
    RequiresAuth::builder("https://issuer.example.test", "https://api.example.test")
        .with_jwks(jwks.to_string())
}

#[test]
fn a_key_that_an_rfc_or_jwt_io_prints_is_refused_outside_tests() {
    let examples = examples();
    assert_eq!(examples.len(), 12);
    for (origin, key) in examples {
        let jwks = json!({ "keys": [key] });
        let error = builder(&jwks).build().expect_err(&origin);
        assert!(error.to_string().contains("published test key"), "{origin}: {error}");
        assert!(danger::allow_public_test_keys(builder(&jwks)).build().is_ok(), "{origin}");
    }
}

#[test]
fn other_names_and_algorithms_make_no_other_key() {
    for (origin, mut key) in examples() {
        key["kid"] = json!("my-key");
        key["use"] = json!("sig");
        if key["kty"] == "RSA" {
            key["alg"] = json!("PS384");
        }
        assert!(builder(&json!({ "keys": [key] })).build().is_err(), "{origin}");
    }
}

#[test]
fn a_good_key_beside_a_published_one_still_counts() {
    let good =
        requires_auth_testkit::SigningKey::generate(requires_auth_testkit::Algorithm::Es256).public_jwk();
    let keys: Vec<Value> = examples().into_iter().map(|(_, key)| key).collect();
    let mut jwks = json!({ "keys": keys });
    assert!(builder(&jwks).build().is_err());
    jwks["keys"].as_array_mut().expect("an array").push(serde_json::to_value(good).expect("a key"));
    let auth = builder(&jwks).build().expect("one good key");
    assert_eq!(auth.health().issuers()[0].skipped().len(), examples().len());
}
