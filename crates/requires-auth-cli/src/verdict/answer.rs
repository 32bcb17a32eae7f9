//! The answer to a token as JSON: the same for one token, a batch line and `explain`.

use requires_auth::challenge::www_authenticate;
use requires_auth::{AccessToken, Denial, Reason};
use serde::Serialize;
use serde_json::value::RawValue;

/// `{"id"?, "ok", "error", "hint"?, "claims"?}`.
#[derive(Serialize)]
pub(crate) struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'a RawValue>,
    pub(crate) ok: bool,
    pub(crate) error: Option<ErrorBody>,
    /// What to do about a refusal; only where one token is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
    /// The payload of the token, as it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Box<RawValue>>,
}

impl Answer<'_> {
    /// The answer to a token that was judged.
    pub(crate) fn new(judged: &Result<AccessToken, Denial>) -> Self {
        match judged {
            // The payload of an accepted token is a JSON object, which any text of JSON can hold.
            Ok(token) => Self { id: None, ok: true, error: None, hint: None, claims: token.claims().ok() },
            Err(denial) => Self::refusal(denial.into()),
        }
    }

    /// The same with what to do about it.
    pub(crate) const fn with_hint(mut self, hint: Option<&'static str>) -> Self {
        self.hint = hint;
        self
    }

    /// The answer to what was refused.
    pub(crate) fn refusal(error: ErrorBody) -> Self {
        Self { id: None, ok: false, error: Some(error), hint: None, claims: None }
    }
}

/// `{"code", "status", "reason", "challenge"}`.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody {
    code: &'static str,
    status: u16,
    reason: Option<&'static str>,
    challenge: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl ErrorBody {
    /// A batch line that says no token to judge, or not how. No request is ever answered with this code.
    pub(crate) fn invalid_input(message: String) -> Self {
        Self { code: "invalid_input", status: 400, reason: None, challenge: None, message: Some(message) }
    }
}

impl From<&Denial> for ErrorBody {
    fn from(denial: &Denial) -> Self {
        Self {
            code: denial.code().as_str(),
            status: denial.status(),
            reason: denial.reason().map(Reason::as_str),
            challenge: challenge(denial),
            message: None,
        }
    }
}

/// The value of `WWW-Authenticate`, if the refusal has one.
pub(crate) fn challenge(denial: &Denial) -> Option<String> {
    let values = www_authenticate(denial);
    (!values.is_empty()).then(|| values.join(", "))
}
