//! The signature.

use requires_auth_testkit::Defect;
use serde_json::json;

use crate::commands::conformance::case::Expect::Refuse;
use crate::commands::conformance::case::{Case, Needs, defect, must};
use crate::commands::conformance::craft::{edited, encode, parts, signed_as, with_der_signature};

pub(crate) const CASES: &[Case] = &[
    defect(
        Defect::SignatureMismatch,
        ["signature-mismatch", "C27", "RFC 7515 §5.2", "a signature with one bit flipped"],
    ),
    must(
        ["signature-empty", "C27", "RFC 7515 §5.2", "a good token with its signature cut off"],
        Refuse,
        |m| m.send(&signed_as(&m.token(), "")),
    ),
    must(
        ["signature-short", "C27", "RFC 7515 §5.2", "a signature that lacks its last bytes"],
        Refuse,
        |m| {
            let token = m.token();
            let signature = parts(&token)[2];
            m.send(&signed_as(&token, signature.get(..signature.len().saturating_sub(8)).unwrap_or_default()))
        },
    ),
    must(
        ["signature-of-another", "C27", "RFC 7515 §5.2", "the signature of another good token"],
        Refuse,
        |m| {
            let other = m.token();
            m.send(&signed_as(&m.token(), parts(&other)[2]))
        },
    ),
    must(
        ["claims-changed", "C27", "RFC 7515 §5.2", "another subject under the signature of a good token"],
        Refuse,
        |m| m.send(&edited(&m.token(), 1, |claims| claims["sub"] = json!("admin"))),
    ),
    must(
        [
            "header-changed",
            "C27",
            "RFC 7515 §5.2",
            "one more member of the header under the signature of a good token",
        ],
        Refuse,
        |m| m.send(&edited(&m.token(), 0, |header| header["x"] = json!(1))),
    ),
    must(["ecdsa-zeros", "C16", "RFC 7518 §3.4", "an ECDSA signature of zeros alone"], Refuse, |m| {
        let token = m.token();
        let length = parts(&token)[2].len() / 4 * 3 + parts(&token)[2].len() % 4 * 3 / 4;
        m.send(&signed_as(&token, &encode(vec![0; length])))
    })
    .needs(Needs::Ec),
    must(
        ["ecdsa-der", "C16", "RFC 7518 §3.4", "a good ECDSA signature in the form of certificates (DER)"],
        Refuse,
        |m| m.send(&with_der_signature(&m.token())),
    )
    .needs(Needs::Ec),
];
