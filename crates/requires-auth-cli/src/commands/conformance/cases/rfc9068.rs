//! The profile of access tokens that are JWTs (RFC 9068).

use requires_auth_testkit::Defect;

use crate::commands::conformance::case::Expect::{Accept, Refuse};
use crate::commands::conformance::case::{Case, defect, must, should};
use crate::commands::conformance::mint::{Attempt, Mint};

pub(crate) const CASES: &[Case] = &[
    must(["typ-long", "C23", "RFC 9068 §4", "a good token of the type application/at+jwt"], Accept, |m| {
        typ(m, "application/at+jwt")
    }),
    should(
        ["typ-upper-case", "C23", "RFC 7515 §4.1.9", "a good token whose type is in upper case"],
        Accept,
        |m| typ(m, "AT+JWT"),
    ),
    must(["typ-jwt", "C23", "RFC 9068 §4", "the type JWT"], Refuse, |m| typ(m, "JWT")),
    must(["typ-missing", "C23", "RFC 9068 §4", "no type"], Refuse, |m| {
        m.send(&m.good().without_header("typ").mint())
    }),
    defect(Defect::TypeNotAllowed, ["type-not-allowed", "C24", "RFC 9068 §4", "the type of a logout token"]),
    must(
        ["typ-longer", "C23", "RFC 9068 §4", "a type that only begins like that of an access token"],
        Refuse,
        |m| typ(m, "at+jwt+x"),
    ),
    must(
        ["id-token-for-api", "D15", "RFC 9068 §4", "an ID token whose audiences are a client and this API"],
        Refuse,
        |m| {
            let aud = serde_json::json!(["test-client", m.setup.audience]);
            m.send(&m.good().header("typ", "JWT").claim("aud", aud).claim("nonce", "n-0S6_WzA2Mj").mint())
        },
    ),
    must(["iss-missing", "D07", "RFC 9068 §4", "no issuer"], Refuse, |m| without(m, "iss")),
    defect(Defect::ClaimMissing, ["claim-missing", "D07", "RFC 9068 §4", "no expiry"]),
    should(["sub-missing", "D07", "RFC 9068 §2.2", "no subject, which is a required claim"], Refuse, |m| {
        without(m, "sub")
    }),
    should(
        ["client-id-missing", "D07", "RFC 9068 §2.2", "no client_id, which is a required claim"],
        Refuse,
        |m| without(m, "client_id"),
    ),
    should(
        ["iat-missing", "D07", "RFC 9068 §2.2", "no time of issue, which is a required claim"],
        Refuse,
        |m| without(m, "iat"),
    ),
    should(["jti-missing", "D07", "RFC 9068 §2.2", "no jti, which is a required claim"], Refuse, |m| {
        without(m, "jti")
    }),
];

fn typ(m: &Mint<'_>, typ: &str) -> Attempt {
    m.send(&m.good().header("typ", typ).mint())
}

fn without(m: &Mint<'_>, claim: &str) -> Attempt {
    m.send(&m.good().without_claim(claim).mint())
}
