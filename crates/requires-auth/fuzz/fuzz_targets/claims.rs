//! Claims, signed as they come and judged in both profiles by the library and by the oracle.
//!
//! Input: the JSON of the claims.

#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use requires_auth::fuzzing;
use requires_auth_fuzz::compare::compare;
use requires_auth_fuzz::setting::{KEYS, Setting};
use requires_auth_fuzz::strict::{self, Flaw};
use requires_auth_testkit::vectors::token_cases;
use serde_json::{Map, Value, json};

/// The configuration of most vectors.
static SETTING: LazyLock<Setting> = LazyLock::new(|| Setting::of(&token_cases()[0].config));

static HEADER: LazyLock<String> = LazyLock::new(|| {
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": KEYS.ed25519.kid() });
    URL_SAFE_NO_PAD.encode(header.to_string())
});

fuzz_target!(|json: &[u8]| {
    if !is_read_as_serde_json_reads(json) {
        return;
    }
    let signing_input = format!("{}.{}", *HEADER, URL_SAFE_NO_PAD.encode(json));
    let signature = KEYS.ed25519.sign(signing_input.as_bytes());
    let token = format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature));
    compare(&token, &SETTING);
    compare(&token, &Setting { at_jwt: true, ..SETTING.clone() });
});

/// Whether the text is an object; the library and `serde_json` must agree on that, and on every member.
fn is_read_as_serde_json_reads(json: &[u8]) -> bool {
    match (fuzzing::object(json), strict::object(json)) {
        (Some(members), Ok(expected)) => {
            let value = |text: &str| serde_json::from_str::<Value>(text).expect("a value");
            let members: Map<_, _> = members.iter().map(|(name, text)| (name.clone(), value(text))).collect();
            assert_eq!(members, expected);
            true
        }
        (None, Err(Flaw::NotStrict)) => false,
        (_, Err(Flaw::NumberOutOfRange)) => true,
        (ours, theirs) => panic!("this library reads {ours:?}, and serde_json {theirs:?}"),
    }
}
