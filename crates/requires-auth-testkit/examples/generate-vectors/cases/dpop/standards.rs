//! Rows V03, V09, V11 to V13 and V16: what RFC 9449 and RFC 7638 print, taken letter by letter.
//!
//! The token of figure 12 of RFC 9449 is in no form that a guard reads (it has three parts, and is not a JWT), so no case has it:
//! that its proof holds is a test of the library.

use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::json;

use super::{Asked, ask, unbound};
use crate::case::Finished;
use crate::tokens::{encode, parts, signed_parts};

/// The proof of RFC 9449, figure 2: for a token request.
const FIGURE_2: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZ\
OXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM\
0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A\
0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

/// The proof of RFC 9449, figures 12 and 13: for `GET https://resource.example.org/protectedresource`.
const FIGURE_12: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZ\
OXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl\
9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZ\
lVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoM\
xhAJpLjA";

/// The thumbprint of the key of both, as the figures 7 to 10 of RFC 9449 have it.
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

/// `iat` of the second one.
const MADE: i64 = 1_562_262_618;

/// The RSA key of RFC 7638 §3.1, whose private part is in RFC 7517, appendix A.2.
const RSA_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV\
4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD\
08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

/// Its thumbprint, as RFC 7638 §3.1 has it.
const RSA_JKT: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

/// Its signature under the proof of the case `dpop-rfc7638`.
const RSA_SIGNATURE: &str = "eMs8pEu-65w_G5CvLqQJr-TbGwxnUrZxjOkZx6LhqlCqMPQXQ6lYKyl_N-4YHywyCBygMU3_WkD4lWSLiSRXeeWaZJJpYxhCaVTl6vQDxvWDnM\
MIIDHPWdtMgP1D3oYgf59W1RcMgcgj9uUTgO9cdx61hpucsEClXNSrrT20oqnj1QIMm2q-PQeVw-zJZ7KVujpuT0id6rsrTxmI2Zv1P833T2e20dEwZLbQ8XJSLWsTY5fJQ-R8VYixh-\
OJS8bkiGZvBmdZSY_KJFhVBrCBTf7JL44OagvplrsD8REHhqFqSBd_ZFhzBtD28vTsLVPLJmi8RsQY0u1FByLEf7GOrQ";

pub fn cases() -> Vec<Finished> {
    let mut cases = figures();
    cases.extend(challenges());
    cases.extend(thumbprints());
    cases
}

/// A request with the figure's proof and a token that is bound to the figure's key.
fn figure(id: &'static str, row: &'static str, about: &str, now: i64) -> Asked {
    ask(id, row, about)
        .setting("public_url", "https://resource.example.org")
        .url("/protectedresource")
        .with("now", now)
        .token(unbound().issued_at(MADE - 60).claim("cnf", json!({ "jkt": JKT })))
        .header("DPoP", FIGURE_12)
}

fn figures() -> Vec<Finished> {
    vec![
        ask(
            "dpop-rfc9449-figure-2",
            "V03",
            "RFC 9449, figure 2: the proof of a token request, which has no ath",
        )
        .setting("public_url", "https://server.example.com")
        .url("/token")
        .method("POST")
        .with("now", MADE)
        .token(unbound().issued_at(MADE - 60).claim("cnf", json!({ "jkt": JKT })))
        .header("DPoP", FIGURE_2)
        .malformed(),
        figure(
            "dpop-rfc9449-figure-12",
            "V12",
            "RFC 9449, figure 12: a proof that holds, but for another token",
            MADE,
        )
        .refused("proof_token"),
        figure("dpop-rfc9449-figure-12-host", "V09", "RFC 9449, figure 12, at another server", MADE)
            .setting("public_url", "https://resource.example.com")
            .refused("proof_url"),
        figure("dpop-rfc9449-figure-12-method", "V08", "RFC 9449, figure 12, with another method", MADE)
            .method("POST")
            .refused("proof_method"),
        figure("dpop-rfc9449-figure-12-late", "V11", "RFC 9449, figure 12, 61 s later", MADE + 61)
            .refused("proof_time"),
    ]
}

fn challenges() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V16", about).authorization("").algorithms(&["ES256", "PS256"]);
    let missing = "auth.authorization_header_missing";
    vec![
        ask("dpop-rfc9449-figure-15", "RFC 9449, figure 15: DPoP alone, with its algorithms")
            .required()
            .no_credentials(missing),
        ask("dpop-rfc9449-figure-17", "RFC 9449, figure 17: both schemes").no_credentials(missing),
    ]
}

/// RFC 7638 §3.1: the thumbprint of a key is that of its required members in their order.
fn thumbprints() -> Vec<Finished> {
    let of = |id, about: &str, jkt: &str| {
        ask(id, "V13", about).token(unbound().claim("cnf", json!({ "jkt": jkt })))
    };
    let own = of("dpop-rfc7638", "RFC 7638 §3.1: a proof by the key of the example", RSA_JKT);
    let signed = format!("{}.{RSA_SIGNATURE}", unsigned(&own));
    let by_another = |asked: Asked| {
        let proof = unsigned(&asked);
        let (header, claims) = proof.split_once('.').expect("two parts");
        let signed = signed_parts(SigningKey::fixed(Algorithm::Rs256), header, claims);
        asked.header("DPoP", &signed)
    };
    vec![
        own.header("DPoP", &signed).allow(),
        by_another(of(
            "dpop-rfc7638-signature",
            "the key of the example, and the signature of another",
            RSA_JKT,
        ))
        .refused("proof_signature"),
        by_another(of(
            "dpop-rfc7638-letter",
            "the thumbprint of the example with another letter",
            &RSA_JKT.replace("Nzb", "Nza"),
        ))
        .invalid_token("binding_mismatch"),
    ]
}

/// Header and claims of a proof for this request, with the key of the example.
fn unsigned(asked: &Asked) -> String {
    let jwk = json!({ "kty": "RSA", "n": RSA_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" });
    let header = json!({ "typ": "dpop+jwt", "alg": "RS256", "jwk": jwk });
    let proof = asked.good_proof().mint();
    format!("{}.{}", encode(header.to_string()), parts(&proof).1)
}
