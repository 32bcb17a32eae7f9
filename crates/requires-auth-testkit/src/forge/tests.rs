use serde_json::Map;

use super::*;
use crate::Algorithm;

const NOW: i64 = 1_800_000_000;

fn good() -> TokenBuilder {
    let key = SigningKey::fixed(Algorithm::Es384).clone();
    Forge::new("https://issuer.example.test", "https://api.example.test", key)
        .token()
        .issued_at(NOW)
        .claim("jti", "one")
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// The claims or header members in which the token differs from the good one, with their values.
fn differences(token: &str, index: usize) -> Map<String, Value> {
    let (good, bad) = (part(&good().mint(), index), part(token, index));
    let (good, bad) = (good.as_object().expect("an object"), bad.as_object().expect("an object"));
    let names = good.keys().chain(bad.keys().filter(|name| !good.contains_key(*name)));
    names
        .filter(|name| good.get(*name) != bad.get(*name))
        .map(|name| (name.clone(), bad.get(name).cloned().unwrap_or(Value::Null)))
        .collect()
}

fn signature(token: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(token.rsplit('.').next().expect("a part")).expect("base64url")
}

#[test]
fn the_default_token_is_like_logtos() {
    let token = good().mint();
    let kid = SigningKey::fixed(Algorithm::Es384).kid();
    assert_eq!(part(&token, 0).to_string(), format!(r#"{{"alg":"ES384","typ":"at+jwt","kid":"{kid}"}}"#));
    assert_eq!(
        part(&token, 1).to_string(),
        r#"{"jti":"one","sub":"alice","iat":1800000000,"exp":1800003600,"client_id":"test-client","iss":"https://issuer.example.test","aud":"https://api.example.test"}"#
    );
    assert_eq!(signature(&token).len(), 96);
}

#[test]
fn tokens_are_issued_now_with_an_id_of_their_own() {
    let mint = || part(&good().without_claim("jti").mint(), 1);
    assert_eq!(mint()["jti"], Value::Null);
    let key = SigningKey::fixed(Algorithm::Ed25519).clone();
    let forge = Forge::new("issuer", "audience", key);
    let (one, two) = (part(&forge.token().mint(), 1), part(&forge.token().mint(), 1));
    assert_ne!(one["jti"], two["jti"]);
    assert!((one["iat"].as_i64().expect("a number") - unix_now()).abs() < 60);
}

#[test]
fn setters_change_what_they_name() {
    let token =
        good().subject("bob").client_id("cli").scope("a b").lifetime(60).claim("act", json!({"sub": "eve"}));
    let expected =
        json!({"sub": "bob", "exp": NOW + 60, "client_id": "cli", "scope": "a b", "act": {"sub": "eve"}});
    assert_eq!(Value::Object(differences(&token.mint(), 1)), expected);
    let token = good().header("typ", "JWT").without_header("kid").mint();
    assert_eq!(Value::Object(differences(&token, 0)), json!({"typ": "JWT", "kid": null}));
}

#[test]
fn another_key_names_itself_in_the_header() {
    let key = SigningKey::fixed(Algorithm::Rs256);
    assert_eq!(
        Value::Object(differences(&good().key(key).mint(), 0)),
        json!({"alg": "RS256", "kid": key.kid()})
    );
}

#[test]
fn raw_json_stays_as_it_is() {
    let token = good().raw_header(r#"{"alg":"ES384","alg":"none"}"#).raw_claims([0xff]).mint();
    let (header, rest) = token.split_once('.').expect("three parts");
    assert_eq!(URL_SAFE_NO_PAD.decode(header).expect("base64url"), br#"{"alg":"ES384","alg":"none"}"#);
    assert!(rest.starts_with("_w."));
}

#[test]
fn defects_of_the_header_change_the_header_alone() {
    let cases = [
        (Defect::AlgorithmNotAllowed, json!({"alg": "none"})),
        (Defect::CriticalHeader, json!({"crit": ["urn:example:unknown"], "urn:example:unknown": true})),
        (Defect::KeyUnknown, json!({"kid": "unknown"})),
        (Defect::TypeNotAllowed, json!({"typ": "logout+jwt"})),
    ];
    for (defect, expected) in cases {
        let token = good().defect(defect).mint();
        assert_eq!(Value::Object(differences(&token, 0)), expected, "{defect}");
        assert!(differences(&token, 1).is_empty(), "{defect}");
    }
    assert!(good().defect(Defect::AlgorithmNotAllowed).mint().ends_with('.'));
}

#[test]
fn defects_of_the_claims_change_the_claims_alone() {
    let cases = [
        (Defect::AudienceMismatch, json!({"aud": "https://another-api.example.test"})),
        (Defect::BindingMismatch, json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}})),
        (Defect::ClaimMalformed, json!({"exp": "1800003600"})),
        (Defect::ClaimMissing, json!({"exp": null})),
        (Defect::Expired, json!({"iat": NOW - 7200, "exp": NOW - 3600})),
        (Defect::IssuerMismatch, json!({"iss": "https://another-issuer.example.test"})),
        (Defect::NotYetValid, json!({"nbf": NOW + 3600})),
        (Defect::TooLarge, json!({"padding": "x".repeat(16384)})),
    ];
    for (defect, expected) in cases {
        let token = good().defect(defect).mint();
        assert_eq!(Value::Object(differences(&token, 1)), expected, "{defect}");
        assert!(differences(&token, 0).is_empty(), "{defect}");
        assert_eq!(signature(&token).len(), 96, "{defect}");
    }
}

#[test]
fn defects_of_the_finished_token_change_its_shape() {
    let dots = |defect| good().defect(defect).mint().matches('.').count();
    assert_eq!(dots(Defect::Malformed), 1);
    assert_eq!(dots(Defect::Encrypted), 4);
    assert_eq!(dots(Defect::Opaque), 0);

    let key = SigningKey::fixed(Algorithm::Ed25519);
    let (good, bad) = (good().key(key).mint(), good().key(key).defect(Defect::SignatureMismatch).mint());
    let flipped: u32 =
        signature(&good).iter().zip(signature(&bad)).map(|(good, bad)| (good ^ bad).count_ones()).sum();
    assert_eq!(flipped, 1);
}

#[test]
fn defects_add_up() {
    let token = good().defect(Defect::Expired).defect(Defect::AudienceMismatch).mint();
    assert_eq!(differences(&token, 1).keys().collect::<Vec<_>>(), ["iat", "exp", "aud"]);
}

#[test]
fn debug_shows_no_claim() {
    let text = format!("{:?}", good().subject("secret"));
    assert!(!text.contains("secret") && !text.contains("issuer"), "{text}");
}
