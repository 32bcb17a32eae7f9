//! The algorithm, and what a header demands or offers.

use requires_auth_testkit::{Algorithm, Defect, SigningKey};
use serde_json::json;

use crate::commands::conformance::case::Expect::Refuse;
use crate::commands::conformance::case::{Case, Needs, defect, must};
use crate::commands::conformance::craft::{edited, public_pem, signed_as, with_hmac};
use crate::commands::conformance::mint::{Attempt, Mint};

pub(crate) const CASES: &[Case] = &[
    defect(
        Defect::AlgorithmNotAllowed,
        ["algorithm-not-allowed", "C06", "RFC 8725 §3.2", "the algorithm none and no signature"],
    ),
    must(["none-capital", "C06", "RFC 8725 §3.2", "the algorithm None and no signature"], Refuse, |m| {
        unsigned(m, "None")
    }),
    must(["none-upper-case", "C06", "RFC 8725 §3.2", "the algorithm NONE and no signature"], Refuse, |m| {
        unsigned(m, "NONE")
    }),
    must(["none-mixed-case", "C06", "RFC 8725 §3.2", "the algorithm nOnE and no signature"], Refuse, |m| {
        unsigned(m, "nOnE")
    }),
    must(
        ["none-signed", "C06", "RFC 8725 §3.2", "the algorithm none, and a signature by the issuer"],
        Refuse,
        |m| m.send(&m.good().header("alg", "none").mint()),
    ),
    must(
        ["alg-missing", "C05", "RFC 7515 §4.1.1", "a header without an algorithm, well signed"],
        Refuse,
        |m| m.send(&m.good().without_header("alg").mint()),
    ),
    must(
        ["alg-empty", "C05", "RFC 7515 §4.1.1", "an algorithm that is an empty text, well signed"],
        Refuse,
        |m| m.send(&m.good().header("alg", "").mint()),
    ),
    must(
        ["alg-lower-case", "C05", "RFC 7515 §4.1.1", "the name of the algorithm in lower case, well signed"],
        Refuse,
        |m| {
            let name = m.setup.forge.key().algorithm().name().to_ascii_lowercase();
            m.send(&m.good().header("alg", name).mint())
        },
    ),
    must(
        ["alg-unknown", "C07", "RFC 8725 §3.1", "an algorithm that does not exist, well signed"],
        Refuse,
        |m| m.send(&m.good().header("alg", "XS999").mint()),
    ),
    must(
        ["hmac-pem", "C08", "RFC 8725 §2.1", "HS256 with the public key in PEM as the secret"],
        Refuse,
        |m| {
            let pem = public_pem(m.setup.forge.key());
            m.send(&with_hmac(&m.token(), pem.as_bytes(), None))
        },
    ),
    must(
        ["hmac-pem-trimmed", "C08", "RFC 8725 §2.1", "the same without the line break at its end"],
        Refuse,
        |m| {
            let pem = public_pem(m.setup.forge.key());
            m.send(&with_hmac(&m.token(), pem.trim_end().as_bytes(), None))
        },
    ),
    must(["hmac-jwk", "C08", "RFC 8725 §2.1", "HS256 with the public JWK as the secret"], Refuse, |m| {
        let jwk = m.setup.forge.key().public_jwk().to_string();
        m.send(&with_hmac(&m.token(), jwk.as_bytes(), None))
    }),
    must(["hmac-empty", "C08", "RFC 8725 §3.5", "HS256 with an empty secret"], Refuse, |m| {
        m.send(&with_hmac(&m.token(), b"", None))
    }),
    must(
        [
            "hmac-kid-path",
            "C14",
            "RFC 8725 §3.10",
            "HS256 with an empty secret, and a kid that is the path of an empty file",
        ],
        Refuse,
        |m| m.send(&with_hmac(&m.token(), b"", Some("../../../../../../dev/null"))),
    ),
    must(
        [
            "alg-of-another-key",
            "C09",
            "RFC 8725 §3.1",
            "RSASSA-PSS by a key that is published for PKCS1-v1.5 alone, or the other way",
        ],
        Refuse,
        other_padding,
    )
    .needs(Needs::Rsa),
    defect(
        Defect::CriticalHeader,
        ["critical-header", "C10", "RFC 7515 §4.1.11", "a critical extension that nobody knows, well signed"],
    ),
    must(
        ["crit-empty", "C11", "RFC 7515 §4.1.11", "an empty list of critical extensions, well signed"],
        Refuse,
        |m| m.send(&m.good().header("crit", json!([])).mint()),
    ),
    must(
        [
            "crit-text",
            "C11",
            "RFC 7515 §4.1.11",
            "critical extensions as a text instead of a list, well signed",
        ],
        Refuse,
        |m| m.send(&m.good().header("crit", "exp").header("exp", 1).mint()),
    ),
    must(
        [
            "crit-registered",
            "C11",
            "RFC 7515 §4.1.11",
            "a registered name among the critical extensions, well signed",
        ],
        Refuse,
        |m| m.send(&m.good().header("crit", json!(["alg"])).mint()),
    ),
    must(
        [
            "crit-absent",
            "C11",
            "RFC 7515 §4.1.11",
            "a critical extension that is not in the header, well signed",
        ],
        Refuse,
        |m| m.send(&m.good().header("crit", json!(["urn:example:absent"])).mint()),
    ),
    must(
        ["not-encoded", "C12", "RFC 7797 §7", "claims that say not to be encoded (b64), well signed"],
        Refuse,
        |m| m.send(&m.good().header("crit", json!(["b64"])).header("b64", false).mint()),
    ),
];

fn unsigned(m: &Mint<'_>, name: &str) -> Attempt {
    let token = edited(&m.token(), 0, |header| header["alg"] = json!(name));
    m.send(&signed_as(&token, ""))
}

/// Signed by the key of the issuer, and by an algorithm of the other padding.
fn other_padding(m: &Mint<'_>) -> Attempt {
    let key = m.setup.forge.key();
    let algorithm = match key.algorithm() {
        Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => Algorithm::Ps256,
        _ => Algorithm::Rs256,
    };
    let token = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8())
        .map(|other| m.good().key(&other.with_kid(key.kid())).mint());
    m.send(&token.unwrap_or_default())
}
