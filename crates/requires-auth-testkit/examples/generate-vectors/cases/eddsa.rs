//! Ed25519: its two names, numbers out of range and the other Edwards curve.

use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::json;

use crate::case::{Case, Finished};
use crate::key_sets::{KeySet, jwk_with};
use crate::recorded::FOREIGN;
use crate::tokens::{decode, encode, good, resigned};

pub fn cases() -> Vec<Finished> {
    let key = SigningKey::fixed(Algorithm::Ed25519);
    let case = |id: &str, about: &str| {
        Case::new(id, "C19", about).alg("EdDSA").keys(KeySet::fixed(Algorithm::Ed25519))
    };
    let renamed = KeySet::of_jwks("ed25519-alg-fully-specified", [jwk_with(key, "alg", "Ed25519")]);
    let by_new_name = || good(key).header("alg", "Ed25519").mint();
    let public = decode(key.public_jwk()["x"].as_str().unwrap_or_default());
    vec![
        case("eddsa-jwk-alg-ed25519", "header EdDSA, JWK Ed25519: one algorithm")
            .keys(renamed.clone())
            .token(good(key).mint())
            .accept(),
        case("ed25519-jwk-alg-ed25519", "header Ed25519, JWK Ed25519")
            .alg("Ed25519")
            .keys(renamed)
            .token(by_new_name())
            .accept(),
        case("eddsa-list-ed25519", "header EdDSA, list Ed25519: one algorithm")
            .with("alg", json!(["Ed25519"]))
            .token(good(key).mint())
            .accept(),
        case("ed25519-list-eddsa", "header Ed25519, list EdDSA: one algorithm")
            .alg("Ed25519")
            .with("alg", json!(["EdDSA"]))
            .token(by_new_name())
            .accept(),
        case("eddsa-s-plus-l", "S is greater by the order of the group (RFC 8032 §5.1.7)")
            .token(FOREIGN.token("eddsa-s-plus-l"))
            .refuse("signature_mismatch"),
        case("eddsa-s-negated", "S is negated")
            .token(FOREIGN.token("eddsa-s-negated"))
            .refuse("signature_mismatch"),
        case("eddsa-r-is-public-key", "R is the public key")
            .token(resigned(&good(key).mint(), |signature| [&public, &signature[32..]].concat()))
            .refuse("signature_mismatch"),
        case("eddsa-r-identity-s-zero", "R is the neutral element and S is 0")
            .token(resigned(&good(key).mint(), |_| [&[1][..], &[0; 63]].concat()))
            .refuse("signature_mismatch"),
        case("ed448-under-eddsa", "EdDSA with an Ed448 key")
            .keys(FOREIGN.key_set("ed448"))
            .token(FOREIGN.token("ed448-eddsa"))
            .refuse("key_unknown"),
        case("ed448", "Ed448 is not supported")
            .alg(None)
            .keys(FOREIGN.key_set("ed448"))
            .token(FOREIGN.token("ed448"))
            .refuse("algorithm_not_allowed"),
        case("eddsa-jwk-crv-x25519", "a key for key agreement")
            .keys(KeySet::of_jwks("ed25519-crv-x25519", [jwk_with(key, "crv", "X25519")]))
            .token(good(key).mint())
            .refuse("key_unknown"),
        case("eddsa-jwk-x-short", "31 bytes of public key")
            .keys(KeySet::of_jwks("ed25519-x-short", [jwk_with(key, "x", encode(&public[..31]))]))
            .token(good(key).mint())
            .refuse("key_unknown"),
        case("eddsa-jwk-x-long", "33 bytes of public key")
            .keys(KeySet::of_jwks(
                "ed25519-x-long",
                [jwk_with(key, "x", encode([&public[..], &[0]].concat()))],
            ))
            .token(good(key).mint())
            .refuse("key_unknown"),
    ]
}
