//! A proof of a key (RFC 9449), through a guard.
//!
//! Input: a byte that chooses what the rest is: the claims of the proof, its header (both are signed by the right key), or the
//! value of the header `DPoP` as it is.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use requires_auth::{Denial, ErrorCode};
use requires_auth_fuzz::proven::{CLIENT, NOW, TOKEN, URL, hash_of, judge, proof};
use requires_auth_fuzz::strict::{self, Members};
use serde_json::Value;
use url::Url;

static HASH: LazyLock<String> = LazyLock::new(|| hash_of(&TOKEN));

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else { return };
    let verdict = match choice % 3 {
        0 => claims(rest),
        1 => header(rest),
        _ => {
            let verdict = judge(&TOKEN, rest);
            assert!(verdict.is_err(), "nobody but the holder of the key can have made it");
            verdict
        }
    };
    if let Err(denial) = verdict {
        assert!(is_about_the_proof(&denial), "{denial}");
    }
});

fn is_about_the_proof(denial: &Denial) -> bool {
    let reason = denial.reason().map(|reason| reason.as_str());
    match denial.code() {
        ErrorCode::InvalidDpopProof => reason.is_some_and(|reason| reason.starts_with("proof_")),
        ErrorCode::InvalidToken => reason == Some("binding_mismatch"),
        _ => false,
    }
}

/// Whatever the claims say, a signature makes them no better.
fn claims(json: &[u8]) -> Result<(), Denial> {
    let verdict = judge(&TOKEN, proof(&TOKEN).raw_claims(json).mint().as_bytes());
    let Ok(members) = strict::object(json) else {
        // A number that no double holds is no opinion of serde_json.
        return verdict;
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let url = text("htu").unwrap_or_default();
    let holds = text("jti").is_some_and(|jti| (1..=256).contains(&jti.len()))
        && text("htm") == Some("GET")
        && text("ath") == Some(&HASH)
        && members.get("nonce").is_none_or(Value::is_string)
        && is_recent(&members);
    if verdict.is_ok() {
        assert!(holds && is_same_request(url), "accepted {members:?}");
    } else {
        assert!(!(holds && url == URL), "refused {members:?}");
    }
    verdict
}

fn is_recent(claims: &Members) -> bool {
    let now = f64::from(i32::try_from(NOW).expect("a time"));
    claims.get("iat").and_then(Value::as_f64).is_some_and(|iat| (now - 60.0..=now + 5.0).contains(&iat))
}

/// By another reader of URLs, as far as that says: the same origin, and nothing but a path behind it.
fn is_same_request(url: &str) -> bool {
    let Ok(read) = Url::parse(url) else { return false };
    let bare = read.query().is_none() && read.fragment().is_none() && !url.contains('@');
    let path = read.path().to_ascii_lowercase();
    bare && read.origin() == Url::parse(URL).expect("a URL").origin()
        && (path == "/v1/orders" || path.contains('%') || url.contains('%'))
}

/// Whatever the header says, its key is the one that the token is bound to, and public.
fn header(json: &[u8]) -> Result<(), Denial> {
    let verdict = judge(&TOKEN, proof(&TOKEN).raw_header(json).mint().as_bytes());
    if verdict.is_ok() {
        let members = strict::object(json).expect("a strict object");
        let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
        let typ = text("typ").to_ascii_lowercase();
        assert_eq!(typ.strip_prefix("application/").unwrap_or(&typ), "dpop+jwt");
        assert_eq!(text("alg"), "ES256");
        assert!(!members.contains_key("crit"));
        let (own, key) = (CLIENT.public_jwk(), &members["jwk"]);
        for name in ["kty", "crv"] {
            assert_eq!(key[name], own[name]);
        }
        assert!(key.get("d").is_none() && key.get("k").is_none());
    }
    verdict
}
