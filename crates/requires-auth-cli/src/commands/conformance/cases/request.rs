//! How a token stands in a request.

use requires_auth_testkit::Defect;

use crate::commands::conformance::case::Expect::{Accept, Malformed, Refuse};
use crate::commands::conformance::case::{Case, must, should};
use crate::commands::conformance::mint::{Attempt, Mint, no_credentials};

pub(crate) const CASES: &[Case] = &[
    must(["good-token", "A01", "RFC 6750 §2.1", "a good token"], Accept, |m| m.send(&m.token())),
    must(["no-token", "A05", "RFC 6750 §3", "no credentials"], Refuse, no_credentials),
    must(
        [
            "scheme-lower-case",
            "A02",
            "RFC 9110 §11.1",
            "a good token, and the name of the scheme in lower case",
        ],
        Accept,
        |m| scheme(m, &m.setup.scheme.to_ascii_lowercase()),
    ),
    must(
        [
            "scheme-upper-case",
            "A02",
            "RFC 9110 §11.1",
            "a good token, and the name of the scheme in upper case",
        ],
        Accept,
        |m| scheme(m, &m.setup.scheme.to_ascii_uppercase()),
    ),
    must(["two-spaces", "A03", "RFC 9110 §11.4", "a good token behind two spaces"], Accept, |m| {
        scheme(m, &format!("{} ", m.setup.scheme))
    }),
    should(
        ["scheme-basic", "A06", "RFC 6750 §3.1", "the scheme Basic with a user and a password"],
        Refuse,
        |m| m.bare().header("Authorization", "Basic YWxpY2U6c2VjcmV0"),
    ),
    must(
        ["scheme-unknown", "A06", "RFC 6750 §2.1", "a good token by a scheme that does not exist"],
        Malformed,
        |m| scheme(m, "Token"),
    ),
    must(
        ["scheme-longer", "A06", "RFC 6750 §2.1", "a good token by a scheme whose name only begins alike"],
        Malformed,
        |m| scheme(m, &format!("{}X", m.setup.scheme)),
    ),
    must(["scheme-missing", "A07", "RFC 6750 §2.1", "a good token without a scheme"], Malformed, |m| {
        let token = m.token();
        m.authorized(token.as_str(), &token)
    }),
    must(["token-missing", "A07", "RFC 6750 §2.1", "the scheme alone"], Malformed, |m| {
        m.bare().header("Authorization", m.setup.scheme)
    }),
    must(
        ["token-and-more", "A07", "RFC 6750 §2.1", "a good token and another word behind it"],
        Malformed,
        |m| {
            let token = m.token();
            m.authorized(format!("{} {token} more", m.setup.scheme), &token)
        },
    ),
    must(
        ["token-high-byte", "A04", "RFC 6750 §2.1", "a good token and a byte that is not ASCII behind it"],
        Malformed,
        |m| {
            let token = m.token();
            let mut value = format!("{} {token}", m.setup.scheme).into_bytes();
            value.push(0xff);
            m.authorized(value, &token)
        },
    ),
    should(
        ["header-and-query", "A08", "RFC 6750 §2", "a good token in the header and once more in the query"],
        Malformed,
        |m| {
            let token = m.token();
            m.send(&token).query("access_token", &token)
        },
    ),
    should(
        [
            "query-alone",
            "A11",
            "RFC 9700 §4.3.2",
            "a good token in the query, where logs and browsers keep it",
        ],
        Malformed,
        |m| m.bare().query("access_token", &m.token()),
    ),
    should(
        [
            "two-headers-good-first",
            "A09",
            "RFC 6750 §2",
            "two headers Authorization: a good token, then an expired one",
        ],
        Malformed,
        |m| both(m, &m.token(), &expired(m)),
    ),
    should(
        [
            "two-headers-good-last",
            "B04",
            "RFC 6750 §2",
            "two headers Authorization: an expired token, then a good one",
        ],
        Malformed,
        |m| both(m, &expired(m), &m.token()),
    ),
];

fn scheme(m: &Mint<'_>, scheme: &str) -> Attempt {
    let token = m.token();
    m.authorized(format!("{scheme} {token}"), &token)
}

fn expired(m: &Mint<'_>) -> String {
    m.good().defect(Defect::Expired).mint()
}

fn both(m: &Mint<'_>, first: &str, last: &str) -> Attempt {
    let scheme = m.setup.scheme;
    m.send(first).header("Authorization", format!("{scheme} {last}"))
}
