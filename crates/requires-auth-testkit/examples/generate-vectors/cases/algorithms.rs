//! What holds for every algorithm alike.

use aws_lc_rs::hmac;
use requires_auth_testkit::{Algorithm, Defect, SigningKey, TokenBuilder};
use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::key_sets::{KeySet, jwk_with, slug};
use crate::tokens::{self, encode, parts, resigned, swapped};

/// An algorithm under one of its names.
struct Named {
    algorithm: Algorithm,
    name: &'static str,
    slug: String,
}

pub fn cases() -> Vec<Finished> {
    let ed25519 = Named { algorithm: Algorithm::Ed25519, name: "Ed25519", slug: "ed25519".to_owned() };
    let named =
        Algorithm::ALL.map(|algorithm| Named { algorithm, name: algorithm.name(), slug: slug(algorithm) });
    let mut cases = Vec::new();
    for named in named.into_iter().chain([ed25519]) {
        cases.extend(signature(&named));
        cases.extend(algorithm_names(&named));
        cases.extend(keys(&named));
        cases.extend(claims(&named));
    }
    cases.retain(|case| !is_spared(case.json["id"].as_str().unwrap_or_default()));
    cases
}

/// Tokens of the bigger ML-DSA parameters are big: what ML-DSA-44 shows for them is left out.
fn is_spared(id: &str) -> bool {
    const SPARED: [&str; 18] = [
        "-accept-among-all",
        "-alg-none",
        "-audience-mismatch",
        "-binding-mismatch",
        "-expired",
        "-header-tampered",
        "-issuer-mismatch",
        "-jwk-key-ops-verify",
        "-kid-absent-other-key",
        "-kid-of-other-set",
        "-listed",
        "-not-yet-valid",
        "-scope-granted",
        "-scope-missing",
        "-set-without-kids",
        "-signature-one-byte",
        "-signature-ones",
        "-signature-reversed",
    ];
    ["ml-dsa-65", "ml-dsa-87"]
        .iter()
        .any(|slug| id.strip_prefix(slug).is_some_and(|rest| SPARED.contains(&rest)))
}

impl Named {
    fn key(&self) -> &'static SigningKey {
        SigningKey::fixed(self.algorithm)
    }

    fn second(&self) -> &'static SigningKey {
        SigningKey::second(self.algorithm)
    }

    fn good(&self) -> TokenBuilder {
        tokens::good(self.key()).header("alg", self.name)
    }

    fn row(&self) -> &'static str {
        match self.family() {
            Family::Ecdsa => "C16",
            Family::EdDsa => "C19",
            Family::MlDsa => "C20",
            Family::Pkcs1 => "C22",
            Family::Pss => "C18",
        }
    }

    fn family(&self) -> Family {
        match &self.name[..2] {
            "Ed" => Family::EdDsa,
            "ML" => Family::MlDsa,
            "PS" => Family::Pss,
            "RS" => Family::Pkcs1,
            _ => Family::Ecdsa,
        }
    }

    /// A neighbour that someone could confuse with this algorithm.
    fn neighbour(&self) -> &'static str {
        match self.algorithm {
            Algorithm::Es256 => "ES256K",
            Algorithm::Es384 => "ES512",
            Algorithm::Es512 => "ES384",
            Algorithm::MlDsa44 => "ML-DSA-65",
            Algorithm::MlDsa65 => "ML-DSA-87",
            Algorithm::MlDsa87 => "ML-DSA-44",
            Algorithm::Ps256 => "RS256",
            Algorithm::Ps384 => "PS512",
            Algorithm::Ps512 => "PS384",
            Algorithm::Rs256 => "PS256",
            Algorithm::Rs384 => "RS512",
            Algorithm::Rs512 => "RS384",
            _ => "ES256",
        }
    }

    fn case(&self, name: &str, row: &'static str, about: &str) -> Case {
        Case::new(format!("{}-{name}", self.slug), row, about)
            .alg(self.name)
            .keys(KeySet::fixed(self.algorithm))
    }

    /// A set with one changed member in the JWK.
    fn changed(&self, what: &str, member: &str, value: impl Into<Value>) -> KeySet {
        let name = format!("{}-{what}", slug(self.algorithm));
        KeySet::of_jwks(name, [jwk_with(self.key(), member, value)])
    }
}

enum Family {
    Ecdsa,
    EdDsa,
    MlDsa,
    Pkcs1,
    Pss,
}

fn signature(named: &Named) -> Vec<Finished> {
    let row = named.row();
    let good = named.good().mint();
    let case = |name, about: &str| named.case(name, row, about);
    let mismatch =
        |name, about: &str, token: String| case(name, about).token(token).refuse("signature_mismatch");
    let others_signature =
        named.good().key(named.second()).header("kid", named.key().kid()).header("alg", named.name);
    vec![
        case("accept", "a good token").token(&*good).accept(),
        case("accept-among-all", "a good token, with the keys of all algorithms in the set")
            .keys(KeySet::all())
            .token(named.good().mint())
            .accept(),
        named
            .case("payload-tampered", "C27", "another subject under the old signature")
            .token(swapped(&good, 1, |claims| claims.replace("alice", "admin")))
            .refuse("signature_mismatch"),
        mismatch(
            "header-tampered",
            "one more header member under the old signature",
            swapped(&good, 0, |header| header.replace("\"kid\"", "\"x\":1,\"kid\"")),
        ),
        mismatch(
            "signature-first-bit",
            "the first bit of the signature is flipped",
            resigned(&good, |signature| flipped(signature, 0, 0x80)),
        ),
        mismatch(
            "signature-last-bit",
            "the last bit of the signature is flipped",
            resigned(&good, |mut signature| {
                let last = signature.len() - 1;
                signature[last] ^= 1;
                signature
            }),
        ),
        mismatch(
            "signature-truncated",
            "the last byte of the signature is missing",
            resigned(&good, |mut signature| {
                signature.pop();
                signature
            }),
        ),
        mismatch(
            "signature-extended",
            "one zero byte after the signature",
            resigned(&good, |signature| [signature, vec![0]].concat()),
        ),
        mismatch("signature-empty", "no signature", resigned(&good, |_| Vec::new())),
        mismatch("signature-one-byte", "a signature of one byte", resigned(&good, |_| vec![0])),
        mismatch(
            "signature-zero",
            "a signature of zero bytes only",
            resigned(&good, |signature| vec![0; signature.len()]),
        ),
        mismatch(
            "signature-ones",
            "a signature of one bits only",
            resigned(&good, |signature| vec![0xff; signature.len()]),
        ),
        mismatch(
            "signature-reversed",
            "the bytes of the signature in reverse",
            resigned(&good, |mut signature| {
                signature.reverse();
                signature
            }),
        ),
        mismatch(
            "other-key",
            "signed with another key than the one that the header names",
            others_signature.mint(),
        ),
    ]
}

fn flipped(mut signature: Vec<u8>, index: usize, bit: u8) -> Vec<u8> {
    signature[index] ^= bit;
    signature
}

fn algorithm_names(named: &Named) -> Vec<Finished> {
    let neighbour = named.neighbour();
    let not_allowed = |name, row, about: &str, alg: &str| {
        let token = named.good().header("alg", alg).mint();
        named.case(name, row, about).alg(None).token(token).refuse("algorithm_not_allowed")
    };
    let rsa = matches!(named.family(), Family::Pkcs1 | Family::Pss);
    let other_alg = named.changed("alg-of-neighbour", "alg", neighbour);
    let other_alg = named
        .case("jwk-alg-of-neighbour", "C09", "the JWK is for another algorithm")
        .keys(other_alg)
        .token(named.good().mint());
    // An RSA key fits six algorithms; any other key with a foreign `alg` is not usable at all.
    let other_alg = other_alg.refuse(if rsa { "algorithm_not_allowed" } else { "key_unknown" });
    vec![
        named
            .case("alg-of-neighbour", "C09", "the header names an algorithm that the key is not for")
            .alg(neighbour)
            .token(named.good().header("alg", neighbour).mint())
            .refuse("algorithm_not_allowed"),
        other_alg,
        not_allowed(
            "alg-lower-case",
            "C05",
            "the name of the algorithm in the wrong case",
            &mangled_case(named.name),
        ),
        not_allowed("alg-none", "C06", "`none` with the signature of the key", "none"),
        named
            .case("alg-none-unsigned", "C06", "`none` and no signature")
            .alg(None)
            .token(resigned(&named.good().header("alg", "none").mint(), |_| Vec::new()))
            .refuse("algorithm_not_allowed"),
        named
            .case("hmac-with-public-key", "C08", "HS256 with the public JWK as the secret")
            .alg("HS256")
            .token(hmac_token(named))
            .refuse("algorithm_not_allowed"),
        named
            .case("listed", "C07", "the list of the guard has the algorithm")
            .with("alg", json!([neighbour, named.name]))
            .token(named.good().mint())
            .accept(),
        named
            .case("not-listed", "C07", "the list of the guard lacks the algorithm")
            .with("alg", json!([neighbour]))
            .token(named.good().mint())
            .refuse("algorithm_not_allowed"),
    ]
}

fn mangled_case(name: &str) -> String {
    let lower = name.to_lowercase();
    if lower == name { name.to_uppercase() } else { lower }
}

fn hmac_token(named: &Named) -> String {
    let token = named.good().header("alg", "HS256").mint();
    let (header, claims, _) = parts(&token);
    let message = format!("{header}.{claims}");
    let secret = hmac::Key::new(hmac::HMAC_SHA256, named.key().public_jwk().to_string().as_bytes());
    format!("{message}.{}", encode(hmac::sign(&secret, message.as_bytes())))
}

fn keys(named: &Named) -> Vec<Finished> {
    let good = || named.good().mint();
    let second = KeySet::of(format!("{}-second", slug(named.algorithm)), [named.second()]);
    let no_alg = named
        .case("jwk-without-alg", "C09", "the JWK does not name an algorithm")
        .keys(named.changed("without-alg", "alg", Value::Null))
        .token(good());
    // RFC 9964 §3: an AKP key says nothing without `alg`.
    let no_alg = match named.family() {
        Family::MlDsa => no_alg.refuse("key_unknown"),
        _ => no_alg.accept(),
    };
    vec![
        no_alg,
        named
            .case("jwk-use-enc", "E08", "the key is for encryption")
            .keys(named.changed("use-enc", "use", "enc"))
            .token(good())
            .refuse("key_unknown"),
        named
            .case("jwk-key-ops-sign", "E08", "the operations of the key lack `verify`")
            .keys(named.changed("key-ops-sign", "key_ops", json!(["sign"])))
            .token(good())
            .refuse("key_unknown"),
        named
            .case("jwk-key-ops-verify", "E08", "the operations of the key have `verify`")
            .keys(named.changed("key-ops-verify", "key_ops", json!(["verify"])))
            .token(good())
            .accept(),
        named
            .case("kid-unknown", "C15", "a good signature, but a `kid` that no key has")
            .token(named.good().defect(Defect::KeyUnknown).mint())
            .refuse("key_unknown"),
        named
            .case("kid-absent", "C15", "no `kid`, and one key that fits")
            .token(named.good().without_header("kid").mint())
            .accept(),
        named
            .case("kid-absent-other-key", "C15", "no `kid`, and one key that fits but did not sign")
            .keys(second.clone())
            .token(named.good().without_header("kid").mint())
            .refuse("signature_mismatch"),
        named
            .case("kid-of-other-set", "D02", "the set has only another key of this kind")
            .keys(second)
            .token(good())
            .refuse("key_unknown"),
        named
            .case("set-without-kids", "C15", "a `kid`, but no key of the set has one")
            .keys(named.changed("without-kid", "kid", Value::Null))
            .token(good())
            .accept(),
    ]
}

fn claims(named: &Named) -> Vec<Finished> {
    let defect = |defect: Defect, row, about: &str| {
        named
            .case(&defect.name().replace('_', "-"), row, about)
            .token(named.good().defect(defect).mint())
            .refuse(defect.name())
    };
    vec![
        defect(Defect::Expired, "D04", "a good signature, but expired"),
        defect(Defect::NotYetValid, "D05", "a good signature, but not valid yet"),
        defect(Defect::AudienceMismatch, "D03", "a good signature, but for another API"),
        defect(Defect::IssuerMismatch, "D01", "a good signature, but of another issuer"),
        defect(Defect::BindingMismatch, "D14", "a good signature, but bound to a key"),
        named
            .case("scope-granted", "D09", "the needed scope is granted")
            .with("scope", "read:items")
            .token(named.good().mint())
            .accept(),
        named
            .case("scope-missing", "D09", "the needed scope is not granted")
            .token(named.good().mint())
            .forbid("write:items"),
    ]
}
