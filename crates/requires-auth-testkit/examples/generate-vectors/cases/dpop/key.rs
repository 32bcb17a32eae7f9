//! Rows V05 to V07: the algorithm, the signature and the key that a proof brings along.

use std::iter::repeat_with;

use requires_auth_testkit::{Algorithm, ProofBuilder, ProofDefect, SigningKey};
use serde_json::{Value, json};

use super::{Asked, ask, client};
use crate::case::Finished;
use crate::key_sets::changed;
use crate::tokens::{decode, encode, parts, resigned, swapped};

pub fn cases() -> Vec<Finished> {
    let mut cases = algorithms();
    cases.extend(signatures());
    cases.extend(keys());
    cases.extend(spoiled_keys());
    cases
}

fn algorithms() -> Vec<Finished> {
    let of = |id, about: &str, algorithm| ask(id, "V05", about).key(SigningKey::second(algorithm));
    let ask = |id, about: &str| ask(id, "V05", about);
    vec![
        of("dpop-es256", "a proof by ES256", Algorithm::Es256).proven().allow(),
        of("dpop-es384", "a proof by ES384", Algorithm::Es384).proven().allow(),
        of("dpop-es512", "a proof by ES512", Algorithm::Es512).proven().allow(),
        of("dpop-rs256", "a proof by RS256", Algorithm::Rs256).proven().allow(),
        of("dpop-ps256", "a proof by PS256", Algorithm::Ps256).proven().allow(),
        ask("dpop-eddsa", "a proof by Ed25519 under its older name, EdDSA").proven().allow(),
        ask("dpop-ed25519", "a proof by Ed25519 under its own name (RFC 9864)")
            .proof(|proof| proof.header("alg", "Ed25519"))
            .allow(),
        of("dpop-es256k", "a proof by ES256K, which has to be allowed", Algorithm::Es256k)
            .proven()
            .malformed(),
        of("dpop-ml-dsa", "a proof by ML-DSA-44, which has to be allowed", Algorithm::MlDsa44)
            .proven()
            .malformed(),
        of("dpop-ml-dsa-allowed", "a proof by ML-DSA-44 where it is allowed", Algorithm::MlDsa44)
            .algorithms(&["ES256", "ML-DSA-44"])
            .proven()
            .allow(),
        ask("dpop-not-in-list", "an algorithm that is not in the list")
            .algorithms(&["ES256"])
            .proven()
            .malformed(),
        ask("dpop-in-list", "an algorithm in the list").algorithms(&["Ed25519"]).proven().allow(),
        ask("dpop-none", "the algorithm none")
            .proof(|proof| proof.defect(ProofDefect::AlgorithmNone))
            .malformed(),
        ask("dpop-none-upper-case", "the algorithm None")
            .proof(|proof| proof.header("alg", "None"))
            .malformed(),
        ask("dpop-hs256", "HS256, with the public key as the secret")
            .proof(|proof| proof.defect(ProofDefect::Hmac))
            .malformed(),
        ask("dpop-alg-unknown", "an algorithm that nobody knows")
            .proof(|proof| proof.header("alg", "XS256"))
            .malformed(),
        ask("dpop-alg-missing", "alg is missing").proof(|proof| proof.without_header("alg")).malformed(),
        ask("dpop-alg-case", "an algorithm in another case")
            .proof(|proof| proof.header("alg", "eddsa"))
            .malformed(),
    ]
}

fn signatures() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V06", about);
    let es256 = |id, about: &str| ask(id, about).key(SigningKey::second(Algorithm::Es256));
    vec![
        ask("dpop-signed", "the key in the header has signed").proven().allow(),
        ask("dpop-bit-flipped", "one bit of the signature is flipped")
            .proof(|proof| proof.defect(ProofDefect::Signature))
            .refused("proof_signature"),
        ask("dpop-signed-by-other", "another key has signed")
            .proof(|proof| proof.signed_by(SigningKey::fixed(Algorithm::Ed25519)))
            .refused("proof_signature"),
        ask("dpop-claims-swapped", "the claims were changed once it was signed")
            .text(|proof| swapped(&proof, 1, |claims| claims.replace("dpop-claims-swapped", "another")))
            .refused("proof_signature"),
        ask("dpop-signature-empty", "the signature is empty")
            .text(|proof| resigned(&proof, |_| Vec::new()))
            .refused("proof_signature"),
        es256("dpop-signature-zero", "an ES256 signature of zeros")
            .text(|proof| resigned(&proof, |_| vec![0; 64]))
            .refused("proof_signature"),
        in_der().refused("proof_signature"),
    ]
}

fn keys() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V07", about);
    let jwk = |jwk: Value| move |proof: ProofBuilder| proof.header("jwk", jwk);
    let own = client().bare_jwk();
    let with = |name: &str, value: Value| jwk(changed(&own, name, value));
    let es256 = SigningKey::second(Algorithm::Es256).bare_jwk();
    vec![
        ask("dpop-jwk", "the public key alone").proven().allow(),
        ask("dpop-jwk-members", "kid, use and alg beside the key").proof(jwk(client().public_jwk())).allow(),
        ask("dpop-jwk-order", "members in another order, and one that nobody knows")
            .proof(jwk(json!({ "x": own["x"], "y-not": 1, "kty": "OKP", "crv": "Ed25519" })))
            .allow(),
        ask("dpop-jwk-missing", "jwk is missing").proof(|proof| proof.without_header("jwk")).malformed(),
        ask("dpop-jwk-string", "jwk is a string").proof(jwk(json!(own.to_string()))).malformed(),
        ask("dpop-jwk-null", "jwk is null").proof(jwk(json!(null))).malformed(),
        ask("dpop-kid", "kid in the place of jwk")
            .proof(|proof| proof.without_header("jwk").header("kid", client().kid()))
            .malformed(),
        ask("dpop-jwk-private", "jwk with its private part")
            .proof(|proof| proof.defect(ProofDefect::KeyPrivate))
            .refused("proof_key"),
        ask("dpop-jwk-private-null", "jwk with a private part that is null")
            .proof(|proof| {
                proof.header(
                    "jwk",
                    json!({ "kty": "OKP", "crv": "Ed25519", "x": client().bare_jwk()["x"], "d": null }),
                )
            })
            .refused("proof_key"),
        ask("dpop-jwk-symmetric", "jwk is a symmetric key")
            .proof(|proof| proof.defect(ProofDefect::Key))
            .refused("proof_key"),
        ask("dpop-jwk-symmetric-beside", "the public key with k beside it")
            .proof(with("k", json!("AAAA")))
            .refused("proof_key"),
        ask("dpop-jwk-encryption", "jwk is for encryption")
            .proof(with("use", json!("enc")))
            .refused("proof_key"),
        ask("dpop-jwk-other-alg", "jwk says another algorithm")
            .proof(with("alg", json!("ES256")))
            .refused("proof_key"),
        ask("dpop-jwk-other-type", "jwk is of another type than the algorithm")
            .proof(jwk(es256))
            .refused("proof_key"),
        ask("dpop-jwk-empty", "jwk is an empty object").proof(jwk(json!({}))).refused("proof_key"),
    ]
}

fn spoiled_keys() -> Vec<Finished> {
    let with = |id, about: &str, key: &'static SigningKey, name: &str, value: Value| {
        let jwk = changed(&key.bare_jwk(), name, value);
        ask(id, "V07", about).key(key).proof(|proof| proof.header("jwk", jwk)).refused("proof_key")
    };
    let (okp, ec) = (client(), SigningKey::second(Algorithm::Es256));
    let rsa = SigningKey::second(Algorithm::Rs256);
    vec![
        with("dpop-x-short", "x is too short", okp, "x", json!("AAAA")),
        with("dpop-x-missing", "x is missing", okp, "x", json!(null)),
        with("dpop-x-number", "x is a number", okp, "x", json!(1)),
        with("dpop-point-not-on-curve", "the point is not on the curve", ec, "y", json!(encode([1; 32]))),
        with("dpop-point-zero", "the point is zero", ec, "x", json!(encode([0; 32]))),
        with("dpop-crv-other", "another curve", ec, "crv", json!("P-384")),
        with("dpop-rsa-1024", "an RSA key of 1024 bits", rsa, "n", json!(encode([0xc5; 128]))),
        with("dpop-rsa-exponent-1", "an RSA key with the exponent 1", rsa, "e", json!("AQ")),
        with("dpop-rsa-exponent-even", "an RSA key with an even exponent", rsa, "e", json!("Ag")),
        with("dpop-rsa-huge", "an RSA key of 16,400 bits", rsa, "n", json!(encode([0xc5; 2050]))),
    ]
}

/// A good signature, but as ASN.1, which is not the form of JWS.
fn in_der() -> Asked {
    let key = SigningKey::second(Algorithm::Es256);
    let asked = ask("dpop-signature-der", "V06", "an ES256 signature in DER").key(key);
    // Of one length, so that the case stays the same.
    let proofs = repeat_with(|| resigned(&asked.good_proof().mint(), |signature| der(&signature)));
    let proof =
        proofs.into_iter().find(|proof| decode(parts(proof).2).len() == 71).expect("every second one");
    asked.header("DPoP", &proof)
}

fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let mut content: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        if content.first().is_some_and(|byte| *byte >= 0x80) {
            content.insert(0, 0);
        }
        [vec![2, u8::try_from(content.len()).expect("short")], content].concat()
    };
    let (r, s) = signature.split_at(32);
    let both = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(both.len()).expect("short")], both].concat()
}
