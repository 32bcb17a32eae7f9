use serde::Deserialize;
use serde_json::Value;

/// What a guard says about a token.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Answer")]
#[non_exhaustive]
pub enum Verdict {
    /// The token is accepted.
    Accept {
        /// All claims of the token, as they are in it.
        claims: Value,
    },
    /// The token is refused.
    Refuse(Refusal),
}

/// How a guard refuses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The code in the body, such as `invalid_token`.
    pub code: String,
    /// The reason beside `invalid_token`, such as `expired`; other codes have none.
    pub reason: Option<String>,
    /// The value of `WWW-Authenticate`, if there is one.
    pub challenge: Option<String>,
}

/// A verdict as the files have it.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    claims: Option<Value>,
    #[serde(flatten)]
    refusal: Option<Refusal>,
}

impl TryFrom<Answer> for Verdict {
    type Error = &'static str;

    fn try_from(answer: Answer) -> Result<Self, Self::Error> {
        match answer {
            Answer { ok: true, claims: Some(claims), .. } => Ok(Self::Accept { claims }),
            Answer { ok: false, refusal: Some(refusal), .. } => Ok(Self::Refuse(refusal)),
            Answer { ok: true, .. } => Err("an accepted token has claims"),
            Answer { ok: false, .. } => Err("a refused token has a status and a code"),
        }
    }
}
