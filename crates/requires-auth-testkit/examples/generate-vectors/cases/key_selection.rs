//! Which key of a set is chosen.

use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::key_sets::{KeySet, changed, jwk_with};
use crate::tokens::{es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = without_kid();
    cases.extend(with_kid());
    cases.extend(mixed_sets());
    cases.extend(other_types());
    cases
}

/// Other P-384 keys: that many, each under its own `kid`.
fn others(count: usize) -> Vec<Value> {
    // Points on the curve, so that each of these keys is usable: the second fixed key under several names.
    (0..count)
        .map(|index| jwk_with(SigningKey::second(Algorithm::Es384), "kid", format!("other-{index}")))
        .collect()
}

fn without_kid() -> Vec<Finished> {
    let token = || good(es384()).without_header("kid").mint();
    let at_place = |place: usize| {
        let mut keys = others(place - 1);
        keys.push(es384().public_jwk());
        KeySet::of_jwks(format!("es384-at-place-{place}"), keys)
    };
    let case = |id: &str, about: &str| Case::new(format!("no-kid-{id}"), "C15", about).token(token());
    let among_others = KeySet::of(
        "es384-after-other-types",
        [
            Algorithm::Rs256,
            Algorithm::Es256,
            Algorithm::Ed25519,
            Algorithm::Es512,
            Algorithm::Es256k,
            Algorithm::Es384,
        ]
        .map(SigningKey::fixed),
    );
    let other_alg = KeySet::of("rs256-only", [SigningKey::fixed(Algorithm::Rs256)]);
    vec![
        case("first", "the first key signed").keys(at_place(1)).accept(),
        case("second", "the second key that fits signed").keys(at_place(2)).accept(),
        case("fourth", "the fourth key that fits signed").keys(at_place(4)).accept(),
        case("fifth", "the fifth key that fits signed").keys(at_place(5)).accept(),
        case("eighth", "the eighth key that fits signed").keys(at_place(8)).accept(),
        case("ninth", "the ninth key that fits is not tried").keys(at_place(9)).refuse("signature_mismatch"),
        case("after-others", "keys that do not fit are not counted").keys(among_others).accept(),
        case("none-verifies", "no key that fits signed")
            .keys(KeySet::of_jwks("others-3", others(3)))
            .refuse("signature_mismatch"),
        case("none-fits", "no key fits").keys(other_alg).refuse("key_unknown"),
        case("kidless-set", "neither token nor set has a kid")
            .keys(KeySet::of_jwks("es384-without-kid", [jwk_with(es384(), "kid", Value::Null)]))
            .accept(),
    ]
}

fn with_kid() -> Vec<Finished> {
    let token = || good(es384()).header("kid", "shared").mint();
    let renamed = |key: &SigningKey| jwk_with(key, "kid", "shared");
    let (mine, other) = (renamed(es384()), renamed(SigningKey::second(Algorithm::Es384)));
    let rs256 = renamed(SigningKey::fixed(Algorithm::Rs256));
    let case = |id: &str, row, about: &str, keys: Vec<Value>| {
        let id = format!("kid-{id}");
        let keys = KeySet::of_jwks(&*id, keys);
        Case::new(id, row, about).keys(keys).token(token())
    };
    vec![
        case(
            "shared-second",
            "C15",
            "two keys of one kid, the second one signed",
            vec![other.clone(), mine.clone()],
        )
        .accept(),
        case(
            "shared-first",
            "C15",
            "two keys of one kid, the first one signed",
            vec![mine.clone(), other.clone()],
        )
        .accept(),
        case(
            "shared-neither",
            "C15",
            "two keys of one kid, neither signed",
            vec![other.clone(), changed(&other, "x-note", 1)],
        )
        .refuse("signature_mismatch"),
        case(
            "shared-other-type",
            "C15",
            "two keys of one kid, one of them fits",
            vec![rs256.clone(), mine.clone()],
        )
        .accept(),
        case("of-other-type", "C09", "the kid is that of a key of another type", vec![rs256])
            .refuse("algorithm_not_allowed"),
        case(
            "not-tried-elsewhere",
            "C15",
            "the key of this kid did not sign, the other one did",
            vec![other.clone(), changed(&mine, "kid", "another")],
        )
        .refuse("signature_mismatch"),
        case(
            "same-kid-other-issuer",
            "D02",
            "another issuer uses the same kid; only our issuer's key counts",
            vec![renamed(SigningKey::second(Algorithm::Es384))],
        )
        .refuse("signature_mismatch"),
        case("same-kid-our-issuer", "D02", "the key of this kid is our issuer's", vec![mine.clone()])
            .accept(),
        case(
            "unusable",
            "C15",
            "the key of this kid is unusable, another one has another kid",
            vec![changed(&mine, "use", "enc"), changed(&mine, "kid", "another")],
        )
        .refuse("key_unknown"),
    ]
}

fn mixed_sets() -> Vec<Finished> {
    let kidless = jwk_with(es384(), "kid", Value::Null);
    let other = SigningKey::second(Algorithm::Es384).public_jwk();
    let other_kidless = changed(&other, "kid", Value::Null);
    let case = |id: &str, about: &str, keys: Vec<Value>, token: String| {
        let id = format!("mixed-set-{id}");
        let keys = KeySet::of_jwks(&*id, keys);
        Case::new(id, "C15", about).keys(keys).token(token)
    };
    let (with, without) = (good(es384()).mint(), good(es384()).without_header("kid").mint());
    vec![
        case(
            "kid-unknown",
            "a kid that no key has is not tried on the key without one",
            vec![kidless.clone(), other.clone()],
            with.clone(),
        )
        .refuse("key_unknown"),
        case(
            "no-kid",
            "without a kid both keys are tried",
            vec![other.clone(), kidless.clone()],
            without.clone(),
        )
        .accept(),
        case("no-kid-first", "without a kid both keys are tried", vec![kidless.clone(), other], without)
            .accept(),
        case(
            "unusable-kid",
            "the only key with a kid is unusable: a set without kids",
            vec![jwk_with(es384(), "use", "enc"), kidless.clone()],
            with.clone(),
        )
        .accept(),
        case(
            "kidless-two",
            "no key has a kid: all that fit are tried",
            vec![other_kidless.clone(), kidless],
            with.clone(),
        )
        .accept(),
        case("kidless-none", "no key has a kid, and none signed", vec![other_kidless], with)
            .refuse("signature_mismatch"),
    ]
}

/// A token that names a key of another type.
fn other_types() -> Vec<Finished> {
    let pairs = [
        (Algorithm::Es384, Algorithm::Rs256),
        (Algorithm::Rs256, Algorithm::Es256),
        (Algorithm::Es256, Algorithm::Es256k),
        (Algorithm::Es256k, Algorithm::Es256),
        (Algorithm::Ed25519, Algorithm::Es384),
        (Algorithm::Ps256, Algorithm::Ed25519),
        (Algorithm::MlDsa44, Algorithm::Rs256),
        (Algorithm::Es512, Algorithm::Es384),
    ];
    let mut cases = Vec::new();
    for (signer, named) in pairs {
        let id = format!("kid-{}-names-{}", signer.name().to_lowercase(), named.name().to_lowercase());
        let token = good(SigningKey::fixed(signer)).header("kid", SigningKey::fixed(named).kid()).mint();
        cases.push(
            Case::new(&*id, "C09", "kid names a key that is not for the algorithm of the header")
                .alg(signer.name())
                .keys(KeySet::all())
                .token(token)
                .refuse("algorithm_not_allowed"),
        );
    }
    let no_kid = json!({ "alg": "RS256", "typ": "at+jwt" });
    cases.push(
        Case::new("no-kid-none-of-type", "C09", "no kid, and no key of the type of the algorithm")
            .alg("RS256")
            .token(good(es384()).raw_header(no_kid.to_string()).mint())
            .refuse("key_unknown"),
    );
    cases
}
