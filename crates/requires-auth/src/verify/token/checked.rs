//! What the checks hand on to the token.

use std::borrow::Cow;

use crate::claims::{Confirmation, NumericDate, Strings};

/// What the checks have already read, kept for the token.
pub(in crate::verify) struct Checked<'t> {
    pub(in crate::verify) issuer: Cow<'t, str>,
    /// Which tenant the issuer is.
    pub(in crate::verify) tenant: Option<&'t str>,
    pub(in crate::verify) parties: Parties<'t>,
    pub(in crate::verify) kind: Kind,
    pub(in crate::verify) audience: Strings<'t>,
    /// Whether the rule of the issuer takes it.
    pub(in crate::verify) is_for_guard: bool,
    pub(in crate::verify) scopes: Strings<'t>,
    pub(in crate::verify) expires_at: NumericDate,
    /// The latest of `nbf`, `iat`, and when the issuer was asked.
    pub(in crate::verify) not_before: Option<NumericDate>,
    pub(in crate::verify) confirmation: Option<Confirmation>,
    /// Until when it may be remembered, if not until it expires.
    pub(in crate::verify) remembered_until: Option<NumericDate>,
}

impl Checked<'_> {
    /// Remembered from `now` on, no longer than this, and never past its end (RFC 7662 §4). A clock that is set back by more
    /// than the leeway makes what was remembered worthless: it would hold for the length of the jump otherwise.
    pub(in crate::verify) fn remembered_until(self, now: NumericDate, until: NumericDate) -> Self {
        let not_before = self.not_before.map_or(now, |start| start.later(now));
        let remembered_until = Some(until.earlier(self.expires_at));
        Self { not_before: Some(not_before), remembered_until, ..self }
    }
}

/// Whether a token speaks for its client or for a user.
#[derive(Clone, Copy)]
pub(in crate::verify) struct Kind {
    /// `None` if nobody knows.
    pub(in crate::verify) is_client: Option<bool>,
    pub(in crate::verify) may_be_user: bool,
}

/// For whom, and by whom.
pub(in crate::verify) struct Parties<'t> {
    pub(in crate::verify) subject: Option<Cow<'t, str>>,
    pub(in crate::verify) client_id: Option<Cow<'t, str>>,
}
