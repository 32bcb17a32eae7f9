//! The compact form, base64url and JSON.

use requires_auth_testkit::Defect;

use crate::commands::conformance::case::Expect::Refuse;
use crate::commands::conformance::case::{Case, defect, must};
use crate::commands::conformance::craft::parts;
use crate::commands::conformance::mint::{Attempt, Mint};

pub(crate) const CASES: &[Case] = &[
    defect(
        Defect::Malformed,
        ["malformed", "C01", "RFC 7515 §7.1", "a token with two parts instead of three"],
    ),
    defect(
        Defect::Encrypted,
        ["encrypted", "C01", "RFC 7515 §7.1", "a token of five parts, as an encrypted one"],
    ),
    defect(Defect::Opaque, ["opaque", "C01", "RFC 7515 §7.1", "a random text without a dot"]),
    must(["fourth-part", "C01", "RFC 7515 §7.1", "a good token with a dot behind it"], Refuse, |m| {
        m.send(&format!("{}.", m.token()))
    }),
    must(
        ["padding", "C02", "RFC 7515 §2", "claims with the padding that base64url must not have"],
        Refuse,
        padded,
    ),
    must(
        ["not-base64url", "C02", "RFC 7515 §5.2", "claims in letters that base64url does not have"],
        Refuse,
        |m| {
            let token = m.token();
            let [header, claims, signature] = parts(&token);
            m.send(&format!("{header}.~{claims}.{signature}"))
        },
    ),
    must(["header-not-json", "C03", "RFC 7519 §7.2", "a header that is not JSON"], Refuse, |m| {
        m.send(&m.good().raw_header("not JSON").mint())
    }),
    must(["header-array", "C03", "RFC 7519 §7.2", "a header that is a JSON array"], Refuse, |m| {
        let header = format!("[{}]", m.header_text());
        m.send(&m.good().raw_header(header).mint())
    }),
    must(
        ["claims-not-json", "C03", "RFC 7519 §7.2", "claims that are not JSON, with a good signature"],
        Refuse,
        |m| m.send(&m.good().raw_claims("not JSON").mint()),
    ),
    must(
        ["claims-array", "C03", "RFC 7519 §7.2", "claims in a JSON array, with a good signature"],
        Refuse,
        |m| {
            let claims = format!("[{}]", m.claims_text());
            m.send(&m.good().raw_claims(claims).mint())
        },
    ),
    must(
        ["claims-text", "C03", "RFC 7519 §7.2", "claims that are a JSON text, with a good signature"],
        Refuse,
        |m| m.send(&m.good().raw_claims("\"alice\"").mint()),
    ),
    must(
        ["claims-not-utf8", "C03", "RFC 7519 §7.2", "claims that are not UTF-8, with a good signature"],
        Refuse,
        |m| {
            let mut claims = m.claims_text().replace("alice", "al?ce").into_bytes();
            claims.iter_mut().filter(|byte| **byte == b'?').for_each(|byte| *byte = 0xff);
            m.send(&m.good().raw_claims(claims).mint())
        },
    ),
    must(
        [
            "duplicate-exp",
            "C04",
            "RFC 7519 §4",
            "exp twice, the last one in the past: refused, or the last one counts",
        ],
        Refuse,
        |m| duplicate(m, "\"exp\":1"),
    ),
    must(
        [
            "duplicate-aud",
            "C04",
            "RFC 7519 §4",
            "aud twice, the last one another API: refused, or the last one counts",
        ],
        Refuse,
        |m| duplicate(m, "\"aud\":\"https://another-api.example.test\""),
    ),
    must(
        [
            "duplicate-iss",
            "C04",
            "RFC 7519 §4",
            "iss twice, the last one another issuer: refused, or the last one counts",
        ],
        Refuse,
        |m| duplicate(m, "\"iss\":\"https://another-issuer.example.test\""),
    ),
    must(["nested", "C25", "RFC 7519 §7.2", "a good token inside a signed token"], Refuse, |m| {
        m.send(&m.good().header("cty", "JWT").raw_claims(m.token()).mint())
    }),
];

/// A token whose claims have a length that would need padding, and have it.
fn padded(m: &Mint<'_>) -> Attempt {
    let token = m.token();
    let [header, claims, signature] = parts(&token);
    let padded = match claims.len() % 4 {
        2 => format!("{claims}=="),
        3 => format!("{claims}="),
        // One blank more at the end of the JSON changes nothing but the length.
        _ => {
            let longer = m.good().raw_claims(format!("{} ", m.claims_text())).mint();
            let [header, claims, signature] = parts(&longer);
            return m.send(&format!("{header}.{claims}==.{signature}"));
        }
    };
    m.send(&format!("{header}.{padded}.{signature}"))
}

/// A token whose claims end with one more member.
fn duplicate(m: &Mint<'_>, member: &str) -> Attempt {
    let claims = m.claims_text();
    let claims = format!("{},{member}}}", claims.trim_end_matches('}'));
    m.send(&m.good().raw_claims(claims).mint())
}
