//! Keys in certificates: within a JWK Set, and instead of one.

use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::key_sets::{KeySet, changed, slug};
use crate::tokens::{es384, good};
use crate::x509::{base64, certificate, pem, public_key};

pub fn cases() -> Vec<Finished> {
    let mut cases: Vec<Finished> = Algorithm::ALL.into_iter().map(alone).collect();
    cases.extend(beside_members());
    cases.extend(damaged());
    cases.extend(map());
    cases.extend(in_pem());
    cases
}

fn case(id: &str, row: &'static str, about: &str, set: Value) -> Case {
    Case::new(id, row, about).keys(KeySet::new(id, set)).token(good(es384()).mint())
}

/// A key whose certificate is all there is of it.
fn alone(algorithm: Algorithm) -> Finished {
    let key = SigningKey::fixed(algorithm);
    let jwk = key.public_jwk();
    let jwk = json!({ "kty": jwk["kty"], "kid": jwk["kid"], "x5c": [base64(&certificate(key))] });
    let id = format!("certificate-{}-alone", slug(algorithm));
    Case::new(&*id, "P01", "the certificate is all there is of the key")
        .alg(algorithm.name())
        .keys(KeySet::of_jwks(&*id, [jwk]))
        .token(good(key).mint())
        .accept()
}

/// The certificate stands beside the members of a key.
fn beside_members() -> Vec<Finished> {
    let chain = |key: &SigningKey| json!([base64(&certificate(key))]);
    let with = |id: &str, row, about: &str, chain: Value| {
        case(id, row, about, json!({ "keys": [changed(&es384().public_jwk(), "x5c", chain)] }))
    };
    let own = certificate(es384());
    let other = SigningKey::second(Algorithm::Es384);
    let another_type = SigningKey::fixed(Algorithm::Rs256);
    let alone = |name: &str, value: Value| json!({ "keys": [changed(&json!({ "kty": "EC", "x5c": chain(es384()) }), name, value)] });
    vec![
        with("certificate-of-the-key", "P02", "the certificate is that of the key", chain(es384())).accept(),
        with(
            "certificate-with-its-issuer",
            "P02",
            "the certificate of the key, and that of its issuer",
            json!([base64(&own), base64(&certificate(another_type))]),
        )
        .accept(),
        with("certificate-of-another-key", "P02", "the certificate is that of another key", chain(other))
            .refuse("key_unknown"),
        with(
            "certificate-of-another-type",
            "P02",
            "the certificate is that of a key of another type",
            chain(another_type),
        )
        .refuse("key_unknown"),
        with(
            "certificate-of-the-key-second",
            "P02",
            "the certificate of the key is not the first",
            json!([base64(&certificate(other)), base64(&own)]),
        )
        .refuse("key_unknown"),
        case(
            "certificate-of-another-kty",
            "P02",
            "kty is not that of the certificate",
            alone("kty", json!("RSA")),
        )
        .refuse("key_unknown"),
        case(
            "certificate-of-another-crv",
            "P02",
            "crv is not that of the certificate",
            alone("crv", json!("P-256")),
        )
        .refuse("key_unknown"),
        case("certificate-with-crv", "P01", "crv is that of the certificate", alone("crv", json!("P-384")))
            .accept(),
        case("certificate-with-alg", "P01", "alg fits the certificate", alone("alg", json!("ES384")))
            .accept(),
        case("certificate-of-another-alg", "P01", "alg does not fit", alone("alg", json!("ES256")))
            .refuse("key_unknown"),
        case("certificate-for-encryption", "E08", "use is not for signatures", alone("use", json!("enc")))
            .refuse("key_unknown"),
    ]
}

/// One key in PEM instead of a JWK Set.
fn in_pem() -> Vec<Finished> {
    let with = |id: &str, about: &str, text: String| {
        Case::new(format!("pem-{id}"), "P04", about).setting("jwks", text).token(good(es384()).mint())
    };
    let other = SigningKey::second(Algorithm::Es384);
    let public = |key| pem("PUBLIC KEY", &public_key(key));
    vec![
        with("public-key", "a public key", public(es384())).accept(),
        with("public-key-of-another", "another public key", public(other)).refuse("signature_mismatch"),
        with("certificate", "a certificate", pem("CERTIFICATE", &certificate(es384()))).accept(),
        with("certificate-of-another", "another certificate", pem("CERTIFICATE", &certificate(other)))
            .refuse("signature_mismatch"),
        with("base64", "a public key without its first and last line", base64(&public_key(es384()))).accept(),
    ]
}

/// Certificates that are none.
fn damaged() -> Vec<Finished> {
    let own = certificate(es384());
    let mut longer = own.clone();
    longer.push(0);
    let chains = [
        ("absent", "no certificate in the list", json!([])),
        ("no-list", "the certificate is not in a list", json!(base64(&own))),
        ("number", "the certificate is a number", json!([1])),
        ("no-base64", "the certificate is not base64", json!(["-"])),
        ("cut", "the end of the certificate is missing", json!([base64(&own[..own.len() - 1])])),
        ("longer", "something stands behind the certificate", json!([base64(&longer)])),
        ("public-key", "a public key and no certificate", json!([base64(&public_key(es384()))])),
    ];
    let case = |(id, about, chain): (&str, &str, Value)| {
        let set = json!({ "keys": [{ "kty": "EC", "x5c": chain }] });
        case(&format!("certificate-{id}"), "P01", about, set).refuse("key_unknown")
    };
    chains.into_iter().map(case).collect()
}

/// A map from names to certificates instead of a JWK Set.
fn map() -> Vec<Finished> {
    let kid = es384().kid();
    let own = pem("CERTIFICATE", &certificate(es384()));
    let other = pem("CERTIFICATE", &certificate(SigningKey::fixed(Algorithm::Rs256)));
    vec![
        case("map-of-certificates", "P03", "certificates by kid", json!({ kid: own, "other": other }))
            .accept(),
        case(
            "map-of-public-keys",
            "P03",
            "public keys by kid",
            json!({ kid: pem("PUBLIC KEY", &public_key(es384())) }),
        )
        .accept(),
        case("map-of-another-name", "P03", "the certificate has another kid", json!({ "other": own }))
            .refuse("key_unknown"),
        case(
            "map-of-another-key",
            "P03",
            "the kid is that of another certificate",
            json!({ kid: other, "other": own }),
        )
        .refuse("algorithm_not_allowed"),
        case(
            "map-of-chains",
            "P03",
            "two certificates under one kid",
            json!({ kid: format!("{own}{own}"), "other": other }),
        )
        .refuse("key_unknown"),
    ]
}
