//! The claim `cnf` of a token (RFC 7800 §3.1), beside a good proof of the client's key.
//!
//! Input: the JSON of the claim.

#![no_main]

use libfuzzer_sys::fuzz_target;
use requires_auth_fuzz::proven::{CLIENT, judge, proof, token_with_cnf};
use requires_auth_fuzz::strict::{self, Flaw};
use serde_json::Value;

fuzz_target!(|json: &[u8]| {
    let Ok(cnf) = std::str::from_utf8(json) else { return };
    let token = token_with_cnf(cnf);
    // A longer token is refused before anything else.
    if token.len() > 16_384 {
        return;
    }
    let verdict = judge(&token, proof(&token).mint().as_bytes());
    // Whatever ends the claim early changes the claims behind it, of which there are none.
    let members = match strict::object(format!("{{\"a\":0,\"cnf\":{cnf}}}").as_bytes()) {
        Ok(members) if members.len() == 2 => members,
        Ok(_) | Err(Flaw::NumberOutOfRange) => return,
        Err(Flaw::NotStrict) => {
            assert!(verdict.is_err(), "accepted {cnf}");
            return;
        }
    };
    let bound = members["cnf"].as_object();
    let is_proven = bound.is_some_and(|bound| {
        bound.get("jkt").and_then(Value::as_str) == Some(CLIENT.thumbprint())
            && ["jwk", "jwe", "jku", "kid", "x5t#S256"].iter().all(|name| !bound.contains_key(*name))
    });
    assert_eq!(verdict.is_ok(), is_proven, "{cnf}: {verdict:?}");
});
