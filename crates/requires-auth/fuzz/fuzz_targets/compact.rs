//! The compact serialization, against a decoder that works bit by bit.
//!
//! Input: the token.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use requires_auth::{Bearer, Reason, fuzzing};
use requires_auth_fuzz::base64url;

fuzz_target!(|token: &str| {
    let Ok(bearer) = Bearer::parse(token) else { return };
    let parts: Vec<_> = token.split('.').collect();
    let decoded: Option<Vec<_>> = parts.iter().map(|part| base64url::decode(part)).collect();
    match (fuzzing::compact(bearer), parts.len(), decoded) {
        (Ok(token), 3, Some(decoded)) => {
            assert_eq!(decoded, [&*token.header, &*token.payload, &*token.signature]);
            assert_eq!(token.signing_input, format!("{}.{}", parts[0], parts[1]).as_bytes());
            // There is one spelling: what was decoded encodes to what was sent.
            let encoded: Vec<_> = decoded.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
            assert_eq!(encoded, parts);
        }
        (Err(Reason::Opaque), 1, _)
        | (Err(Reason::Encrypted), 5, _)
        | (Err(Reason::Malformed), 3, None)
        | (Err(Reason::Malformed), 2 | 4 | 6.., _) => {}
        (other, count, decoded) => panic!("{count} parts, {decoded:?} expected: {other:?}"),
    }
});
