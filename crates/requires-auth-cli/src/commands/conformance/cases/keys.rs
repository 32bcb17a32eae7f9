//! Which key may have signed.

use serde_json::json;

use crate::commands::conformance::case::Expect::Refuse;
use crate::commands::conformance::case::{Case, must};

pub(crate) const CASES: &[Case] = &[
    must(
        ["stranger", "D02", "RFC 8725 §3.8", "a key that the issuer does not have, under a name of its own"],
        Refuse,
        |m| m.send(&m.good().key(&m.setup.stranger).mint()),
    ),
    must(
        [
            "stranger-our-kid",
            "D02",
            "RFC 8725 §3.8",
            "a key that the issuer does not have, under the name of the issuer's key",
        ],
        Refuse,
        |m| {
            let key = m.setup.stranger.clone().with_kid(m.setup.forge.key().kid());
            m.send(&m.good().key(&key).mint())
        },
    ),
    must(
        ["stranger-no-kid", "C15", "RFC 8725 §3.8", "a key that the issuer does not have, without a name"],
        Refuse,
        |m| m.send(&m.good().key(&m.setup.stranger).without_header("kid").mint()),
    ),
    must(
        ["stranger-jwk", "C13", "RFC 8725 §3.8", "a key that the issuer does not have, in the header (jwk)"],
        Refuse,
        |m| {
            let key = &m.setup.stranger;
            m.send(&m.good().key(key).header("jwk", key.public_jwk()).mint())
        },
    ),
    must(
        ["stranger-jku", "C13", "RFC 8725 §3.10", "the URL of a key set of a stranger in the header (jku)"],
        Refuse,
        |m| {
            m.send(
                &m.good()
                    .key(&m.setup.stranger)
                    .header("jku", format!("{}/stranger-jku", m.setup.bait))
                    .mint(),
            )
        },
    ),
    must(
        [
            "stranger-x5u",
            "C13",
            "RFC 8725 §3.10",
            "the URL of a certificate of a stranger in the header (x5u)",
        ],
        Refuse,
        |m| {
            m.send(
                &m.good()
                    .key(&m.setup.stranger)
                    .header("x5u", format!("{}/stranger-x5u", m.setup.bait))
                    .mint(),
            )
        },
    ),
    must(
        [
            "kid-path",
            "C14",
            "RFC 8725 §3.10",
            "a key that the issuer does not have, and a kid that is a path",
        ],
        Refuse,
        |m| m.send(&m.good().key(&m.setup.stranger).header("kid", "../../../../etc/hostname").mint()),
    ),
    must(
        [
            "kid-query",
            "C14",
            "RFC 8725 §3.10",
            "a key that the issuer does not have, and a kid that is part of an SQL query",
        ],
        Refuse,
        |m| m.send(&m.good().key(&m.setup.stranger).header("kid", "x' OR '1'='1").mint()),
    ),
    must(
        [
            "kid-number",
            "C14",
            "RFC 7515 §4.1.4",
            "a kid that is a number, and a key that the issuer does not have",
        ],
        Refuse,
        |m| m.send(&m.good().key(&m.setup.stranger).header("kid", json!(1)).mint()),
    ),
];
