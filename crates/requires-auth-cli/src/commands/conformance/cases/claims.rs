//! Who issued a token, for whom, and for how long.

use requires_auth_testkit::Defect;
use serde_json::{Value, json};

use crate::commands::conformance::case::Expect::{Accept, Refuse};
use crate::commands::conformance::case::{Case, defect, must};
use crate::commands::conformance::mint::{Attempt, Mint};

const ANOTHER_API: &str = "https://another-api.example.test";

pub(crate) const CASES: &[Case] = &[
    defect(Defect::Expired, ["expired", "D04", "RFC 7519 §4.1.4", "a token that has expired an hour ago"]),
    must(
        ["expired-yesterday", "D04", "RFC 7519 §4.1.4", "a token that has expired a day ago"],
        Refuse,
        |m| m.send(&m.good().lifetime(-86_400).mint()),
    ),
    must(["exp-negative", "D06", "RFC 7519 §4.1.4", "an expiry before 1970"], Refuse, |m| {
        claim(m, "exp", json!(-1))
    }),
    defect(
        Defect::ClaimMalformed,
        ["claim-malformed", "D06", "RFC 7519 §4.1.4", "an expiry that is a text with a number"],
    ),
    must(["exp-text", "D06", "RFC 7519 §4.1.4", "an expiry that is a text without a number"], Refuse, |m| {
        claim(m, "exp", json!("tomorrow"))
    }),
    must(["exp-null", "D06", "RFC 7519 §4.1.4", "an expiry that is null"], Refuse, |m| {
        claim(m, "exp", Value::Null)
    }),
    must(["exp-object", "D06", "RFC 7519 §4.1.4", "an expiry that is an object"], Refuse, |m| {
        claim(m, "exp", json!({}))
    }),
    must(
        ["exp-fraction", "D06", "RFC 7519 §2", "an expiry in an hour with a fraction of a second"],
        Accept,
        |m| {
            let claims = fraction(&m.claims_text());
            m.send(&m.good().raw_claims(claims).mint())
        },
    ),
    defect(
        Defect::NotYetValid,
        ["not-yet-valid", "D05", "RFC 7519 §4.1.5", "a token that is valid only in an hour (nbf)"],
    ),
    must(["nbf-past", "D05", "RFC 7519 §4.1.5", "a good token with nbf an hour ago"], Accept, |m| {
        claim(m, "nbf", json!(1_000_000_000))
    }),
    must(["nbf-text", "D06", "RFC 7519 §4.1.5", "an nbf that is a text without a number"], Refuse, |m| {
        claim(m, "nbf", json!("tomorrow"))
    }),
    defect(
        Defect::AudienceMismatch,
        ["audience-mismatch", "D03", "RFC 7519 §4.1.3", "a token for another API"],
    ),
    must(
        ["aud-list", "D03", "RFC 7519 §4.1.3", "a token for several APIs, of which this is one"],
        Accept,
        |m| claim(m, "aud", json!([ANOTHER_API, m.setup.audience])),
    ),
    must(["aud-list-others", "D03", "RFC 7519 §4.1.3", "a token for several other APIs"], Refuse, |m| {
        claim(m, "aud", json!([ANOTHER_API, "account"]))
    }),
    must(["aud-list-empty", "D03", "RFC 8725 §3.9", "an empty list of audiences"], Refuse, |m| {
        claim(m, "aud", json!([]))
    }),
    must(["aud-missing", "D03", "RFC 8725 §3.9", "a token for no API in particular"], Refuse, |m| {
        m.send(&m.good().without_claim("aud").mint())
    }),
    must(
        ["aud-longer", "D03", "RFC 7519 §4.1.3", "an audience that only begins like this API"],
        Refuse,
        |m| claim(m, "aud", json!(format!("{}.example.test", m.setup.audience))),
    ),
    must(
        ["aud-shorter", "D03", "RFC 7519 §4.1.3", "an audience that is only the beginning of this API"],
        Refuse,
        |m| {
            let mut shorter = m.setup.audience.clone();
            shorter.pop();
            claim(m, "aud", json!(shorter))
        },
    ),
    must(["aud-number", "D03", "RFC 7519 §4.1.3", "an audience that is a number"], Refuse, |m| {
        claim(m, "aud", json!(1))
    }),
    must(
        ["aud-object", "D03", "RFC 7519 §4.1.3", "an object whose member is named like this API"],
        Refuse,
        |m| claim(m, "aud", json!({ &m.setup.audience: true })),
    ),
    defect(
        Defect::IssuerMismatch,
        ["issuer-mismatch", "D01", "RFC 8725 §3.8", "another issuer, signed by the key of this one"],
    ),
    must(
        ["iss-slash", "D01", "RFC 7519 §2", "the issuer with a slash at its end that it does not have"],
        Refuse,
        |m| claim(m, "iss", json!(format!("{}/", m.setup.issuer))),
    ),
    must(["iss-case", "D01", "RFC 7519 §2", "the issuer in upper case"], Refuse, |m| {
        claim(m, "iss", json!(m.setup.issuer.to_ascii_uppercase()))
    }),
    must(["iss-longer", "D01", "RFC 7519 §2", "an issuer that only begins like this one"], Refuse, |m| {
        claim(m, "iss", json!(format!("{}.example.test", m.setup.issuer)))
    }),
    must(["iss-list", "D01", "RFC 7519 §4.1.1", "a list of issuers, of which this is one"], Refuse, |m| {
        claim(m, "iss", json!([m.setup.issuer, "https://another-issuer.example.test"]))
    }),
    must(["id-token", "D15", "RFC 8725 §3.12", "an ID token, whose audience is a client"], Refuse, |m| {
        let token = m.good().header("typ", "JWT").claim("aud", "test-client").claim("nonce", "n-0S6_WzA2Mj");
        m.send(&token.without_claim("client_id").without_claim("scope").without_claim("jti").mint())
    }),
];

fn claim(m: &Mint<'_>, name: &str, value: Value) -> Attempt {
    m.send(&m.good().claim(name, value).mint())
}

/// The claims, whose expiry has a fraction.
fn fraction(claims: &str) -> String {
    let Some((before, after)) = claims.split_once("\"exp\":") else { return claims.to_owned() };
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = after.split_at(digits);
    format!("{before}\"exp\":{number}.5{rest}")
}
