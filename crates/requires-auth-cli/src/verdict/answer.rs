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
    hint: Option<String>,
    /// The payload of the token, as it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Box<RawValue>>,
}

impl Answer<'_> {
    /// The answer to a token that was judged.
    pub(crate) fn new(judged: &Result<AccessToken, Denial>) -> Self {
        judged.as_ref().map_or_else(|denial| Self::refusal(denial.into()), |token| Self::allowed(Some(token)))
    }

    /// The answer where a request is allowed, with its token if one was looked at.
    pub(crate) fn allowed(token: Option<&AccessToken>) -> Self {
        // The payload of an accepted token is a JSON object, which any text of JSON can hold.
        let claims = token.and_then(|token| token.claims().ok());
        Self { id: None, ok: true, error: None, hint: None, claims }
    }

    /// The same with what to do about it.
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Self {
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
