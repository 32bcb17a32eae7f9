//! A key set: every key is either usable or skipped, and what is usable may be used.
//!
//! Input: the JSON of the set, or PEM.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use requires_auth::verify::{KeySet, KeySetError};
use requires_auth::{Algorithm, Bearer, fuzzing};
use requires_auth_fuzz::setting::{KEYS, Setting};
use requires_auth_fuzz::strict::{self, Flaw, Members};
use requires_auth_testkit::Forge;
use requires_auth_testkit::vectors::token_cases;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Members that only a private or symmetric key has.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

static SETTING: LazyLock<Setting> = LazyLock::new(|| Setting::of(&token_cases()[0].config));

/// A good token without `kid`, so that every Ed25519 key of a set is tried.
static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let issuer = SETTING.issuer.clone().unwrap_or_default();
    let forge = Forge::new(issuer, SETTING.audiences[0].clone(), KEYS.ed25519.clone());
    forge.token().issued_at(SETTING.now.into()).without_header("kid").mint()
});

#[derive(Deserialize)]
struct Set {
    keys: Vec<IgnoredAny>,
}

fuzz_target!(|json: &[u8]| {
    let set = KeySet::parse(json);
    if !json.trim_ascii_start().starts_with(b"{") {
        check_one(set.as_ref());
        return;
    }
    let members = match strict::outer_object(json) {
        Ok(members) => members,
        Err(Flaw::NumberOutOfRange) => {
            if let Ok(set) = &set {
                check_count(set, json);
            }
            return;
        }
        Err(Flaw::NotStrict) => {
            assert_eq!(set.err(), Some(KeySetError::NotJson));
            return;
        }
    };
    match (set, members.get("keys")) {
        (Ok(set), Some(Value::Array(keys))) => {
            check_count(&set, json);
            check_usable(&set, json, keys);
            check_lookup(&set, keys);
            check_verdict(set, keys);
        }
        (Err(KeySetError::NoKeys), keys) if !keys.is_some_and(Value::is_array) => {}
        (Ok(set), keys) if !keys.is_some_and(Value::is_array) => check_map(&set, &members),
        (set, _) => panic!("{set:?}"),
    }
});

/// What is not JSON is one key in PEM, or nothing.
fn check_one(set: Result<&KeySet, &KeySetError>) {
    if let Ok(set) = set {
        assert_eq!(set.len() + set.skipped().len(), 1, "{set:?}");
    }
}

/// A map has a text in PEM for each name, and no key of it is lost.
fn check_map(set: &KeySet, members: &Members) {
    assert_eq!(set.len() + set.skipped().len(), members.len());
    assert!(!members.is_empty());
    for value in members.values() {
        assert!(value.as_str().is_some_and(|text| text.contains("-----BEGIN ")), "{value}");
    }
}

/// No key is lost: usable and skipped ones are all there are, each skipped one by its place.
fn check_count(set: &KeySet, json: &[u8]) {
    let count = serde_json::from_slice::<Set>(json).expect("a JWK Set").keys.len();
    assert_eq!(set.len() + set.skipped().len(), count);
    let places: Vec<_> = set.skipped().iter().map(requires_auth::verify::SkippedKey::index).collect();
    assert!(
        places.is_sorted_by(|one, other| one < other) && places.iter().all(|place| *place < count),
        "{places:?}"
    );
}

/// A usable key is a public key for signatures, by the letter of RFC 7517 and RFC 7518.
fn check_usable(set: &KeySet, json: &[u8], keys: &[Value]) {
    // Here the duplicates within a key are gone, so the whole set is asked whether it has any.
    let has_no_duplicates = strict::object(json).is_ok();
    let is_skipped = |index: usize| set.skipped().iter().any(|key| key.index() == index);
    for (_, key) in keys.iter().enumerate().filter(|(index, _)| !is_skipped(*index)) {
        let Value::Object(key) = key else { panic!("a usable key that is not an object: {key}") };
        assert!(PRIVATE.iter().all(|name| !key.contains_key(*name)), "a usable private key");
        assert!(key.get("use").is_none_or(|usage| usage == "sig"));
        let may_verify =
            |operations: &Value| operations.as_array().is_some_and(|all| all.contains(&"verify".into()));
        assert!(key.get("key_ops").is_none_or(may_verify));
        assert!(key.get("kid").is_none_or(|kid| kid.as_str().is_some_and(|kid| kid.len() <= 1024)));
        // A certificate may stand for the members.
        if has_no_duplicates && !key.contains_key("x5c") {
            check_material(key);
        }
    }
}

fn check_material(key: &Members) {
    let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
    let bytes = |name: &str| requires_auth_fuzz::base64url::decode(text(name)).expect("base64url");
    let bits = |number: &[u8]| number.iter().skip_while(|byte| **byte == 0).count() * 8;
    match (text("kty"), text("crv")) {
        ("EC", "P-256" | "secp256k1") => assert!(bytes("x").len() <= 32 && bytes("y").len() <= 32),
        ("EC", "P-384") => assert!(bytes("x").len() <= 48 && bytes("y").len() <= 48),
        ("EC", "P-521") => assert!(bytes("x").len() <= 66 && bytes("y").len() <= 66),
        ("OKP", "Ed25519") => assert_eq!(bytes("x").len(), 32),
        ("RSA", _) => {
            assert!((2048..=8192).contains(&bits(&bytes("n"))));
            assert!(bytes("e").last().is_some_and(|last| last % 2 == 1) && bits(&bytes("e")) <= 40);
        }
        ("AKP", _) => {
            let length = match text("alg") {
                "ML-DSA-44" => 1312,
                "ML-DSA-65" => 1952,
                "ML-DSA-87" => 2592,
                other => panic!("a usable AKP key for {other}"),
            };
            assert_eq!(bytes("pub").len(), length);
        }
        other => panic!("a usable key of type {other:?}"),
    }
}

/// Looking a key up never panics, tries at most four, and a strange `kid` finds nothing where keys have names.
fn check_lookup(set: &KeySet, keys: &[Value]) {
    let kids: Vec<_> = keys.iter().filter_map(|key| key.get("kid")?.as_str()).collect();
    let mut found = 0;
    for &algorithm in Algorithm::ALL {
        let nameless = fuzzing::candidates(set, algorithm, None).unwrap_or_default();
        found += nameless;
        let stranger = fuzzing::candidates(set, algorithm, Some("a kid that nobody has")).unwrap_or_default();
        assert!(stranger == 0 || stranger == nameless, "either kids count in this set, or they do not");
        for kid in &kids {
            let named = fuzzing::candidates(set, algorithm, Some(kid)).unwrap_or_default();
            assert!(named <= nameless && nameless <= 4.min(set.len()));
        }
    }
    assert_eq!(found == 0, set.is_empty(), "every usable key serves an algorithm");
}

/// A token passes only with a set that has the key that signed it.
fn check_verdict(set: KeySet, keys: &[Value]) {
    let bearer = Bearer::parse(&TOKEN).expect("a b64token");
    let judged = SETTING.rules().verify(bearer, &Arc::new(set), SETTING.time());
    let own = KEYS.ed25519.public_jwk();
    assert!(judged.is_err() || keys.iter().any(|key| key["x"] == own["x"]), "a token passed without its key");
}
