//! RSA: key sizes, exponents, paddings and salts.

use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::Value;

use crate::case::{Case, Finished};
use crate::key_sets::{KeySet, jwk_with};
use crate::recorded::FOREIGN;
use crate::tokens::{good, swapped};

pub fn cases() -> Vec<Finished> {
    let mut cases = sizes();
    cases.extend(pkcs1());
    cases.extend(pss());
    cases.extend(without_alg());
    cases
}

/// Keys with a size or exponent at the limits; key set and token have the same name.
fn sizes() -> Vec<Finished> {
    let case = |name: &str, about: &str| {
        Case::new(format!("rs256-{name}"), "C17", about)
            .alg("RS256")
            .keys(FOREIGN.key_set(name))
            .token(FOREIGN.token(name))
    };
    vec![
        case("rsa-1024", "1024 bits are too few").refuse("key_unknown"),
        case("rsa-2040", "2040 bits are too few").refuse("key_unknown"),
        case("rsa-3072", "3072 bits").accept(),
        case("rsa-4096", "4096 bits").accept(),
        case("rsa-8192", "8192 bits, the most that is allowed").accept(),
        case("rsa-8200", "8200 bits are too many").refuse("key_unknown"),
        case("rsa-exponent-3", "exponent 3, the least that is allowed").accept(),
        case("rsa-exponent-2-32-minus-1", "exponent 2^32 - 1").accept(),
        case("rsa-exponent-2-32-plus-1", "exponent 2^32 + 1 is too great").refuse("key_unknown"),
        Case::new(
            "rs256-exponent-3-short-padding",
            "C17",
            "a forged signature for exponent 3: garbage after the digest (Bleichenbacher 2006)",
        )
        .alg("RS256")
        .keys(FOREIGN.key_set("rsa-exponent-3"))
        .token(FOREIGN.token("rsa-exponent-3-short-padding"))
        .refuse("signature_mismatch"),
    ]
}

fn pkcs1() -> Vec<Finished> {
    let mismatch = |name: &str, about: &str| {
        Case::new(name, "C22", about)
            .alg("RS256")
            .keys(KeySet::fixed(Algorithm::Rs256))
            .token(FOREIGN.token(name))
            .refuse("signature_mismatch")
    };
    vec![
        mismatch("rs256-bare-digest", "the digest without its algorithm"),
        mismatch("rs256-block-type-2", "the padding of encryption"),
        mismatch("rs256-digest-info-without-null", "no parameters beside the digest algorithm"),
        mismatch("rs256-signature-negated", "modulus minus signature"),
        mismatch("rs256-signed-with-pss", "signed with PSS under the name of PKCS #1"),
        mismatch("rs256-signed-with-sha1", "hashed with SHA-1"),
        mismatch("rs256-signed-with-sha384", "hashed with SHA-384"),
        mismatch("rs256-signed-with-sha512", "hashed with SHA-512"),
    ]
}

fn pss() -> Vec<Finished> {
    let mut cases = Vec::new();
    for (algorithm, slug) in
        [(Algorithm::Ps256, "ps256"), (Algorithm::Ps384, "ps384"), (Algorithm::Ps512, "ps512")]
    {
        let kinds = [
            ("salt-0", "no salt"),
            ("salt-20", "a salt of 20 bytes"),
            ("salt-max", "the longest salt that fits"),
            ("other-hash", "another hash function"),
            ("mgf1-sha1", "the mask made with SHA-1"),
            ("signed-with-pkcs1", "signed with PKCS #1 under the name of PSS"),
        ];
        for (kind, about) in kinds {
            let name = format!("{slug}-{kind}");
            let token = FOREIGN.token(&name);
            let case = Case::new(&*name, "C18", about).alg(algorithm.name()).keys(KeySet::fixed(algorithm));
            cases.push(case.token(token).refuse("signature_mismatch"));
        }
    }
    cases
}

/// A key without `alg` serves all six algorithms, but each signature only its own.
fn without_alg() -> Vec<Finished> {
    let mut cases = Vec::new();
    for algorithm in [Algorithm::Ps256, Algorithm::Ps384, Algorithm::Rs384, Algorithm::Rs512] {
        let key = SigningKey::fixed(algorithm);
        let slug = algorithm.name().to_lowercase();
        let keys = KeySet::of_jwks(format!("{slug}-without-alg"), [jwk_with(key, "alg", Value::Null)]);
        let other = if algorithm == Algorithm::Ps256 { "RS256" } else { "PS256" };
        let token = good(key).mint();
        let renamed = swapped(&token, 0, |header| header.replace(algorithm.name(), other));
        cases.push(
            Case::new(
                format!("{slug}-renamed-{}", other.to_lowercase()),
                "C09",
                "the header names another RSA algorithm under the old signature",
            )
            .alg(other)
            .keys(keys.clone())
            .token(renamed)
            .refuse("signature_mismatch"),
        );
        let token = good(key).header("alg", other).mint();
        cases.push(
            Case::new(
                format!("{slug}-as-{}", other.to_lowercase()),
                "C09",
                "signed with another RSA algorithm than the header names",
            )
            .alg(other)
            .keys(keys)
            .token(token)
            .refuse("signature_mismatch"),
        );
    }
    cases
}
