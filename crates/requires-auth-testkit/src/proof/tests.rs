use std::collections::BTreeSet;

use super::*;
use crate::keys::{VerifyingKey, jwk_thumbprint};
use crate::{Algorithm, Forge};

const NOW: i64 = 1_800_000_000;
const URL: &str = "https://api.example.test/items?page=2#top";

fn good() -> ProofBuilder {
    let key = SigningKey::fixed(Algorithm::Es256);
    ProofBuilder::new(key, "GET", URL).token("a token").issued_at(NOW).claim("jti", "one")
}

fn part(proof: &str, index: usize) -> Value {
    let part = proof.split('.').nth(index).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// Whether the key in the header has signed the proof.
fn verifies(proof: &str) -> bool {
    let (message, signature) = proof.rsplit_once('.').expect("three parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let header = part(proof, 0);
    let algorithm = header["alg"].as_str().expect("a name");
    VerifyingKey::of_jwk(&header["jwk"])
        .is_some_and(|key| key.verifies(algorithm, message.as_bytes(), &signature))
}

/// The members in which a proof differs from the good one, with their values.
fn differences(proof: &str, index: usize) -> Value {
    let (good, bad) = (part(&good().mint(), index), part(proof, index));
    let (good, bad) = (good.as_object().expect("an object"), bad.as_object().expect("an object"));
    let names: BTreeSet<_> = good.keys().chain(bad.keys()).collect();
    names
        .into_iter()
        .filter(|name| good.get(*name) != bad.get(*name))
        .map(|name| (name.clone(), bad.get(name).cloned().unwrap_or(Value::Null)))
        .collect()
}

#[test]
fn a_good_proof_is_that_of_rfc_9449() {
    let proof = good().nonce("n").mint();
    let key = SigningKey::fixed(Algorithm::Es256);
    let header = part(&proof, 0);
    assert_eq!(header, json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.bare_jwk() }));
    assert_eq!(
        header["jwk"].as_object().expect("a JWK").keys().collect::<Vec<_>>(),
        ["kty", "crv", "x", "y"]
    );
    let expected = json!({
        "jti": "one", "htm": "GET", "htu": "https://api.example.test/items", "iat": NOW,
        "ath": token_hash("a token"), "nonce": "n",
    });
    assert_eq!(part(&proof, 1), expected);
    assert!(verifies(&proof));
}

#[test]
fn every_algorithm_of_a_client_signs_a_proof() {
    for algorithm in
        [Algorithm::Es256, Algorithm::Es384, Algorithm::Ed25519, Algorithm::Rs256, Algorithm::Ps256]
    {
        let key = SigningKey::fixed(algorithm);
        let proof = ProofBuilder::new(key, "POST", URL).mint();
        assert!(verifies(&proof), "{algorithm}");
        assert_eq!(jwk_thumbprint(&part(&proof, 0)["jwk"]).as_deref(), Some(key.thumbprint()));
        assert!(!verifies(
            &ProofBuilder::new(key, "POST", URL).signed_by(SigningKey::second(algorithm)).mint()
        ));
    }
}

#[test]
fn two_proofs_differ_and_are_of_now() {
    let mint = || part(&ProofBuilder::new(SigningKey::fixed(Algorithm::Ed25519), "GET", URL).mint(), 1);
    let (one, two) = (mint(), mint());
    assert_ne!(one["jti"], two["jti"]);
    assert!((one["iat"].as_i64().expect("a number") - unix_now()).abs() < 60);
    assert_eq!(one.get("ath"), None);
}

#[test]
fn the_thumbprint_is_that_of_rfc_9449_figure_2() {
    // The key of the proof in figure 2, whose thumbprint is `cnf.jkt` in figure 7.
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "kid": "ignored",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    });
    assert_eq!(jwk_thumbprint(&jwk).as_deref(), Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
    for bad in [
        json!(null),
        json!({}),
        json!({ "kty": "EC", "crv": "P-256", "x": "a" }),
        json!({ "kty": "oct", "k": 1 }),
    ] {
        assert_eq!(jwk_thumbprint(&bad), None, "{bad}");
    }
}

#[test]
fn defects_within_a_proof_change_one_member_and_keep_the_signature() {
    let jwk = SigningKey::fixed(Algorithm::Es256).bare_jwk();
    let with = |name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        json!({ "jwk": jwk })
    };
    let private = with("d", json!(token_hash("private")));
    let same = json!({});
    for (defect, header, claims) in [
        (ProofDefect::Type, json!({ "typ": "JWT" }), same.clone()),
        (ProofDefect::KeyPrivate, private, same.clone()),
        (ProofDefect::ClaimMalformed, same.clone(), json!({ "iat": "1800000000" })),
        (ProofDefect::ClaimMissing, same.clone(), json!({ "jti": null })),
        (ProofDefect::Method, same.clone(), json!({ "htm": "DELETE" })),
        (ProofDefect::MethodCase, same.clone(), json!({ "htm": "get" })),
        (ProofDefect::Stale, same.clone(), json!({ "iat": NOW - 3600 })),
        (ProofDefect::Future, same.clone(), json!({ "iat": NOW + 3600 })),
        (ProofDefect::Token, same.clone(), json!({ "ath": token_hash("another token") })),
        (ProofDefect::Url, same.clone(), json!({ "htu": "https://api.example.test/items/another" })),
        (ProofDefect::UrlHost, same.clone(), json!({ "htu": "https://another.example.test/items" })),
        (ProofDefect::Reused, same.clone(), same.clone()),
    ] {
        let proof = good().defect(defect).mint();
        assert_eq!((differences(&proof, 0), differences(&proof, 1)), (header, claims), "{defect}");
        let is_signed = defect == ProofDefect::KeyPrivate || verifies(&proof);
        assert!(is_signed, "{defect}");
    }
}

#[test]
fn defects_of_the_key_and_the_signature_show_there() {
    let proof = good().defect(ProofDefect::AnotherKey).mint();
    assert!(verifies(&proof));
    let key = SigningKey::fixed(Algorithm::Es256);
    assert_ne!(jwk_thumbprint(&part(&proof, 0)["jwk"]).as_deref(), Some(key.thumbprint()));
    assert_eq!(differences(&proof, 1), json!({}));
    assert_eq!(part(&good().defect(ProofDefect::Key).mint(), 0)["jwk"]["kty"], "oct");
    assert!(!verifies(&good().defect(ProofDefect::Signature).mint()));

    let none = good().defect(ProofDefect::AlgorithmNone).mint();
    assert!(none.ends_with('.') && part(&none, 0)["alg"] == "none");
    let hmac = good().defect(ProofDefect::Hmac).mint();
    assert_eq!((part(&hmac, 0)["alg"].as_str(), differences(&hmac, 1)), (Some("HS256"), json!({})));
    assert_eq!(
        URL_SAFE_NO_PAD.decode(hmac.rsplit('.').next().expect("a part")).expect("base64url").len(),
        32
    );
}

#[test]
fn defects_of_the_lines_change_their_number() {
    let lines = |defect| good().without_claim("jti").defect(defect).lines();
    assert!(lines(ProofDefect::Missing).is_empty());
    assert_eq!(good().defect(ProofDefect::Missing).mint(), "");
    let two = lines(ProofDefect::TwoProofs);
    assert!(two.len() == 2 && two.iter().all(|line| verifies(line)));
    let comma = lines(ProofDefect::Comma);
    assert_eq!((comma.len(), comma[0].matches(", ").count(), comma[0].matches('.').count()), (1, 1, 4));
    assert_eq!(lines(ProofDefect::Malformed)[0].matches('.').count(), 1);
}

#[test]
fn names_begin_with_the_reason_come_in_order_and_read_back() {
    let names: Vec<_> = ProofDefect::ALL.iter().map(|defect| defect.name()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for defect in ProofDefect::ALL {
        assert!(defect.name().starts_with(defect.reason()), "{defect}");
        assert_eq!(defect.to_string().parse(), Ok(defect));
        assert_eq!(defect.name().replace('_', "-").parse(), Ok(defect));
        assert_eq!(defect.times(), if defect == ProofDefect::Reused { 2 } else { 1 });
    }
    let reasons: BTreeSet<_> = ProofDefect::ALL.iter().map(|defect| defect.reason()).collect();
    let of_rfc = [
        "binding_mismatch",
        "proof_key",
        "proof_malformed",
        "proof_method",
        "proof_missing",
        "proof_reused",
        "proof_signature",
        "proof_time",
        "proof_token",
        "proof_url",
    ];
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), of_rfc);
}

#[test]
fn raw_json_stays_as_it_is_and_debug_shows_no_claim() {
    let proof = good().raw_header("{}").raw_claims([0xff]).mint();
    assert!(proof.starts_with("e30._w."), "{proof}");
    let text = format!("{:?}", good().claim("sub", "secret"));
    assert!(!text.contains("secret") && !text.contains("api.example"), "{text}");
}

#[test]
fn a_token_is_bound_to_a_key_and_a_certificate() {
    let key = SigningKey::fixed(Algorithm::Es256);
    let forge = Forge::new("https://issuer.example.test", "https://api.example.test", key.clone());
    let claims = part(&forge.token().bound_to(key).bound_to_certificate(b"DER").mint(), 1);
    assert_eq!(claims["cnf"], json!({ "jkt": key.thumbprint(), "x5t#S256": token_hash("DER") }));
    assert_eq!(
        part(&forge.token().bound_to(key).without_claim("cnf").bound_to_certificate(b"DER").mint(), 1)["cnf"],
        json!({ "x5t#S256": token_hash("DER") })
    );
    assert_eq!(part(&forge.proof(key).mint(), 1)["htu"], "https://api.example.test");
}
