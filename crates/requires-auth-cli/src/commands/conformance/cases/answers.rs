//! What a refusal says. Each row looks at one part of one answer, so that a part that is always missing is not counted for
//! every token.

use requires_auth_testkit::Defect;

use crate::commands::conformance::case::Expect::{Bare, Challenge, Error, Quiet};
use crate::commands::conformance::case::{Case, must, should};
use crate::commands::conformance::mint::no_credentials;

/// RFC 6750 §3.1; and RFC 9449 §7.1, where a token was sent with a proof.
const INVALID_TOKEN: &[&str] = &["invalid_token"];

/// What must not come back: it would end a quoted text.
const MARK: &str = "\"><x-mark>";

pub(crate) const CASES: &[Case] = &[
    must(
        ["challenge-no-token", "B01", "RFC 6750 §3", "no credentials: the answer has a challenge"],
        Challenge,
        no_credentials,
    ),
    should(
        ["challenge-no-token-bare", "A05", "RFC 6750 §3.1", "no credentials: the challenge has no error"],
        Bare,
        no_credentials,
    ),
    must(
        ["challenge-expired", "B01", "RFC 6750 §3", "an expired token: the answer has a challenge"],
        Challenge,
        |m| m.send(&m.good().defect(Defect::Expired).mint()),
    ),
    must(
        [
            "challenge-malformed",
            "B01",
            "RFC 6750 §3",
            "a token that is not a JWT: the answer has a challenge",
        ],
        Challenge,
        |m| m.send("not-a-token"),
    ),
    must(
        [
            "challenge-signature",
            "B01",
            "RFC 6750 §3",
            "a token with a wrong signature: the answer has a challenge",
        ],
        Challenge,
        |m| m.send(&m.good().defect(Defect::SignatureMismatch).mint()),
    ),
    should(
        [
            "error-expired",
            "B02",
            "RFC 6750 §3.1",
            "an expired token: the challenge has error=\"invalid_token\"",
        ],
        Error(INVALID_TOKEN),
        |m| m.send(&m.good().defect(Defect::Expired).mint()),
    ),
    should(
        [
            "error-malformed",
            "B02",
            "RFC 6750 §3.1",
            "a token that is not a JWT: the challenge has error=\"invalid_token\"",
        ],
        Error(INVALID_TOKEN),
        |m| m.send("not-a-token"),
    ),
    should(
        [
            "error-audience",
            "B05",
            "RFC 6750 §3.1",
            "a token for another API: the challenge has error=\"invalid_token\"",
        ],
        Error(INVALID_TOKEN),
        |m| m.send(&m.good().defect(Defect::AudienceMismatch).mint()),
    ),
    must(
        [
            "nothing-repeated",
            "B06",
            "RFC 6750 §3",
            "quotes and angle brackets as a token: the challenge does not repeat them",
        ],
        Quiet(MARK),
        |m| m.authorized(format!("{} {MARK}", m.setup.scheme), MARK),
    ),
];
