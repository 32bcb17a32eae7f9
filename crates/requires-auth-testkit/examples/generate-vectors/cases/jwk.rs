//! Which JWKs are usable at all.

use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::key_sets::{KeySet, changed, jwk_with};
use crate::recorded::FOREIGN;
use crate::tokens::{decode, encode, es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = common();
    cases.extend(elliptic());
    cases.extend(rsa());
    cases.extend(akp());
    cases.extend(sets());
    cases
}

/// A good token of this algorithm meets its key with one member changed or, by null, dropped.
fn with_member(
    algorithm: Algorithm,
    id: &str,
    row: &'static str,
    about: &str,
    name: &str,
    value: impl Into<Value>,
) -> Case {
    with_jwk(algorithm, id, row, about, jwk_with(SigningKey::fixed(algorithm), name, value))
}

fn with_jwk(algorithm: Algorithm, id: &str, row: &'static str, about: &str, jwk: Value) -> Case {
    let id = format!("jwk-{}-{id}", algorithm.name().to_lowercase());
    let keys = KeySet::of_jwks(&*id, [jwk]);
    Case::new(id, row, about)
        .alg(algorithm.name())
        .keys(keys)
        .token(good(SigningKey::fixed(algorithm)).mint())
}

fn common() -> Vec<Finished> {
    let with = |id: &str, row, about: &str, name: &str, value: Value| {
        with_member(Algorithm::Es384, id, row, about, name, value)
    };
    let unusable = |id: &str, row, about: &str, name: &str, value: Value| {
        with(id, row, about, name, value).refuse("key_unknown")
    };
    vec![
        with("use-absent", "E08", "no use", "use", Value::Null).accept(),
        unusable("use-upper", "E08", "use in the wrong case", "use", json!("SIG")),
        unusable("use-number", "E08", "use is a number", "use", json!(1)),
        unusable("key-ops-empty", "E08", "no operation", "key_ops", json!([])),
        with("key-ops-both", "E08", "sign and verify", "key_ops", json!(["sign", "verify"])).accept(),
        unusable("key-ops-string", "E08", "key_ops is a string", "key_ops", json!("verify")),
        unusable(
            "key-ops-encrypt",
            "E08",
            "operations of an encryption key",
            "key_ops",
            json!(["encrypt", "wrapKey"]),
        ),
        unusable("alg-number", "C09", "alg is a number", "alg", json!(384)),
        unusable("alg-unknown", "C09", "alg is unknown", "alg", json!("XS384")),
        unusable("alg-lower", "C09", "alg in the wrong case", "alg", json!("es384")),
        unusable("alg-encryption", "C09", "alg is for key agreement", "alg", json!("ECDH-ES")),
        unusable("alg-hmac", "C09", "alg is HMAC", "alg", json!("HS384")),
        unusable("kid-number", "C14", "kid is a number", "kid", json!(1)),
        unusable("kty-lower", "E07", "kty in the wrong case", "kty", json!("ec")),
        unusable("kty-absent", "E07", "no kty", "kty", Value::Null),
        unusable("kty-other", "E07", "kty does not fit the members", "kty", json!("RSA")),
        unusable("kty-oct", "E08", "a symmetric key", "kty", json!("oct")),
        unusable(
            "private",
            "E08",
            "the private part is published",
            "d",
            json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ),
        with("unknown-member", "E07", "an unknown member", "x-note", json!({ "a": 1 })).accept(),
        with("certificate", "E07", "a certificate beside the key", "x5c", json!(["MIIBCgKCAQEA"])).accept(),
        with(
            "issuer-member",
            "E07",
            "Entra ID adds the issuer",
            "issuer",
            json!("https://login.example.test/{tenantid}/v2.0"),
        )
        .accept(),
    ]
}

fn elliptic() -> Vec<Finished> {
    let with = |id: &str, about: &str, name: &str, value: Value| {
        with_member(Algorithm::Es384, id, "C21", about, name, value)
    };
    let unusable =
        |id: &str, about: &str, name: &str, value: Value| with(id, about, name, value).refuse("key_unknown");
    let jwk = es384().public_jwk();
    let x = decode(jwk["x"].as_str().unwrap_or_default());
    let y = decode(jwk["y"].as_str().unwrap_or_default());
    let mut off_curve = y.clone();
    off_curve[47] ^= 1;
    let zero = encode([0; 48]);
    let at_zero = changed(&changed(&jwk, "x", zero.clone()), "y", zero);
    let swapped = changed(&changed(&jwk, "x", encode(&y)), "y", encode(&x));
    let mut cases = vec![
        unusable("crv-absent", "no curve", "crv", Value::Null),
        unusable("crv-unknown", "a curve that no algorithm uses", "crv", json!("P-192")),
        unusable("crv-other", "another curve than that of the point", "crv", json!("P-256")),
        unusable("crv-lower", "the curve in the wrong case", "crv", json!("p-384")),
        unusable("y-absent", "no y", "y", Value::Null),
        unusable("x-absent", "no x", "x", Value::Null),
        unusable("x-empty", "an empty x", "x", json!("")),
        unusable("x-number", "x is a number", "x", json!(1)),
        unusable("x-no-base64", "x is no base64url", "x", json!("*")),
        unusable("x-padded", "x in padded base64url", "x", json!(format!("{}=", encode(&x)))),
        unusable(
            "x-long",
            "x is one zero byte longer than the field",
            "x",
            json!(encode([&[0], &x[..]].concat())),
        ),
        unusable(
            "y-long",
            "y is one zero byte longer than the field",
            "y",
            json!(encode([&[0], &y[..]].concat())),
        ),
        unusable("off-curve", "the point is not on the curve", "y", json!(encode(&off_curve))),
        unusable("x-too-great", "x is greater than the field", "x", json!(encode([0xff; 48]))),
        with_jwk(Algorithm::Es384, "zero-point", "C21", "x and y are 0", at_zero).refuse("key_unknown"),
        with_jwk(Algorithm::Es384, "swapped-point", "C21", "x and y are swapped", swapped)
            .refuse("key_unknown"),
        Case::new("jwk-es256-brainpool", "C21", "a key on another curve of the same size")
            .alg("ES256")
            .keys(FOREIGN.key_set("brainpool"))
            .token(FOREIGN.token("brainpool"))
            .refuse("key_unknown"),
    ];
    for (name, alg) in [
        ("es256-short-x", "ES256"),
        ("es256k-short-y", "ES256K"),
        ("es384-short-y", "ES384"),
        ("es512-short-x", "ES512"),
    ] {
        let padded = format!("{name}-padded");
        for (set, about) in [
            (name, "a coordinate without its leading zeros"),
            (&*padded, "the same key with its leading zeros"),
        ] {
            let case = Case::new(format!("jwk-{set}"), "C21", about).alg(alg).keys(FOREIGN.key_set(set));
            cases.push(case.token(FOREIGN.token(name)).accept());
        }
    }
    cases
}

fn rsa() -> Vec<Finished> {
    let unusable = |id: &str, about: &str, name: &str, value: Value| {
        with_member(Algorithm::Rs256, id, "C17", about, name, value).refuse("key_unknown")
    };
    vec![
        unusable(
            "e-one",
            "exponent 1, under which every padded message is its own signature",
            "e",
            json!("AQ"),
        ),
        unusable("e-two", "an even exponent", "e", json!("Ag")),
        unusable("e-even", "exponent 65536", "e", json!("AQAA")),
        unusable("e-zero", "exponent 0", "e", json!("AA")),
        unusable("e-empty", "an empty exponent", "e", json!("")),
        unusable("e-absent", "no exponent", "e", Value::Null),
        unusable("e-number", "the exponent as a number", "e", json!(65537)),
        unusable("e-long", "an exponent of 64 bits", "e", json!(encode([0xff; 8]))),
        unusable("n-absent", "no modulus", "n", Value::Null),
        unusable("n-empty", "an empty modulus", "n", json!("")),
        unusable("n-short", "a modulus of 512 bits", "n", json!(encode([0xff; 64]))),
        unusable("n-no-base64", "the modulus is no base64url", "n", json!("a b")),
        unusable("private-d", "the private exponent is published", "d", json!("AQAB")),
        unusable("private-p", "a prime is published", "p", json!("AQAB")),
        unusable("alg-oaep", "alg is for encryption", "alg", json!("RSA-OAEP-256")),
        unusable("alg-rsa1-5", "alg is for encryption", "alg", json!("RSA1_5")),
        unusable("alg-es256", "alg is for another type of key", "alg", json!("ES256")),
    ]
}

fn akp() -> Vec<Finished> {
    let unusable = |id: &str, about: &str, name: &str, value: Value| {
        with_member(Algorithm::MlDsa44, id, "C20", about, name, value).refuse("key_unknown")
    };
    let public = SigningKey::fixed(Algorithm::MlDsa44).public_jwk();
    let public = decode(public["pub"].as_str().unwrap_or_default());
    vec![
        unusable("pub-absent", "no public key", "pub", Value::Null),
        unusable("pub-short", "one byte too few", "pub", json!(encode(&public[1..]))),
        unusable("pub-long", "one byte too many", "pub", json!(encode([&public[..], &[0]].concat()))),
        unusable("pub-empty", "an empty public key", "pub", json!("")),
        unusable("alg-unknown", "a parameter set that does not exist", "alg", json!("ML-DSA-45")),
        unusable("alg-hybrid", "a composite algorithm", "alg", json!("ML-DSA-44-ES256")),
        unusable("private", "the seed is published", "priv", json!(encode([0; 32]))),
        unusable("kty-okp", "kty is OKP", "kty", json!("OKP")),
    ]
}

/// Bad keys beside good ones, and sets that are none.
fn sets() -> Vec<Finished> {
    let good_jwk = es384().public_jwk();
    let token = || good(es384()).mint();
    let case = |id: &str, about: &str, set: Value| {
        Case::new(id, "E07", about).keys(KeySet::new(id, set)).token(token())
    };
    let oct = json!({ "kty": "oct", "kid": es384().kid(), "alg": "HS256", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" });
    let bad = [
        json!({}),
        json!({ "kty": "EC", "crv": "P-384", "kid": "half" }),
        json!({ "kty": "XYZ", "kid": "unknown-type" }),
        json!({ "kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "unknown-curve" }),
        json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "tiny" }),
    ];
    let keys_first: Vec<&Value> = bad.iter().chain([&good_jwk]).collect();
    let keys_last: Vec<&Value> = [&good_jwk].into_iter().chain(&bad).collect();
    vec![
        case("set-bad-keys-first", "bad keys before the good one are skipped", json!({ "keys": keys_first }))
            .accept(),
        case("set-bad-keys-last", "bad keys after the good one are skipped", json!({ "keys": keys_last }))
            .accept(),
        case(
            "set-odd-entries",
            "entries that are no objects are skipped",
            json!({ "keys": [null, 1, "key", [], good_jwk] }),
        )
        .accept(),
        case(
            "set-unknown-member",
            "a set with members of its own",
            json!({ "keys": [good_jwk], "next": "later" }),
        )
        .accept(),
        case(
            "set-symmetric-same-kid",
            "a symmetric key of the same kid is skipped",
            json!({ "keys": [oct, good_jwk] }),
        )
        .accept(),
        case("set-symmetric-only", "a symmetric key is never used", json!({ "keys": [oct] }))
            .refuse("key_unknown"),
        case("set-bad-keys-only", "no key is usable", json!({ "keys": bad })).refuse("key_unknown"),
        case("set-empty", "no key", json!({ "keys": [] })).refuse("key_unknown"),
        case("set-no-keys-member", "no member keys", json!({})).refuse("key_unknown"),
    ]
}
