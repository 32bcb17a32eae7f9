//! A refusal: its code, and what its answer needs beside that.

use std::fmt;
use std::sync::Arc;

use super::{ErrorCode, Reason};

/// A refusal: which code, for `invalid_token` which reason, and what the challenge needs to say.
///
/// It holds nothing of the token, so it may be logged and sent as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Denial {
    code: ErrorCode,
    reason: Option<Reason>,
    scope: Option<Arc<str>>,
    acr_values: Option<Arc<str>>,
    max_age: Option<u64>,
    retry_after: Option<u32>,
    is_undecided: bool,
}

impl Denial {
    /// A refusal that has no more to say than its code.
    pub const fn new(code: ErrorCode) -> Self {
        Self {
            code,
            reason: None,
            scope: None,
            acr_values: None,
            max_age: None,
            retry_after: None,
            is_undecided: false,
        }
    }

    pub(crate) const fn invalid_token(reason: Reason) -> Self {
        let mut denial = Self::new(ErrorCode::InvalidToken);
        denial.reason = Some(reason);
        denial
    }

    pub(crate) fn insufficient_scope(needed: Arc<str>) -> Self {
        Self { scope: Some(needed), ..Self::new(ErrorCode::InsufficientScope) }
    }

    pub(crate) fn insufficient_user_authentication(
        acr_values: Option<Arc<str>>,
        max_age: Option<u64>,
    ) -> Self {
        Self { acr_values, max_age, ..Self::new(ErrorCode::InsufficientUserAuthentication) }
    }

    pub(crate) fn issuer_unavailable(retry_after: u32) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(ErrorCode::IssuerUnavailable) }
    }

    /// The keys at hand refuse the token, and fresh ones could not be asked for.
    pub(crate) fn undecided(retry_after: u32) -> Self {
        Self { is_undecided: true, ..Self::issuer_unavailable(retry_after) }
    }

    /// The code of the answer.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Why the token is invalid; `None` unless the code is `invalid_token`.
    pub const fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// The HTTP status of the answer.
    pub const fn status(&self) -> u16 {
        self.code.status()
    }

    /// One fixed sentence for the client: the reason's, else the code's.
    pub const fn message(&self) -> &'static str {
        match self.reason {
            Some(reason) => reason.message(),
            None => self.code.message(),
        }
    }

    /// What to do about it, for the person who debugs: the reason's, else the code's.
    pub const fn hint(&self) -> &'static str {
        match self.reason {
            Some(reason) => reason.hint(),
            None => self.code.hint(),
        }
    }

    /// All scopes that the route needs, space-separated, when one is missing.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The login strengths that the route accepts, space-separated (RFC 9470 §3).
    pub fn acr_values(&self) -> Option<&str> {
        self.acr_values.as_deref()
    }

    /// How old the login may be, in seconds (RFC 9470 §3).
    pub const fn max_age(&self) -> Option<u64> {
        self.max_age
    }

    /// After how many seconds to try again, when the issuer is out of reach.
    pub const fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// Whether there are keys, and they refuse the token, and only a fetch that failed or was held back could tell
    /// whether newer ones would not.
    ///
    /// Anybody can cause this with a token of his own making, while good tokens pass: what stands in front of the API
    /// must not take it for a failure of the guard that opens the way.
    pub const fn is_undecided(&self) -> bool {
        self.is_undecided
    }
}

impl fmt::Debug for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Denial");
        out.field("code", &self.code.as_str());
        if let Some(reason) = self.reason {
            out.field("reason", &reason.as_str());
        }
        if let Some(scope) = &self.scope {
            out.field("scope", scope);
        }
        if self.is_undecided {
            out.field("is_undecided", &true);
        }
        out.finish_non_exhaustive()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Some(reason) => write!(f, "{} ({reason}): {}", self.code, self.message()),
            None => write!(f, "{}: {}", self.code, self.message()),
        }
    }
}

impl std::error::Error for Denial {}
