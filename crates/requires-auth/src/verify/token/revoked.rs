//! A token as revocations name it.

use std::sync::atomic::Ordering;

use super::AccessToken;
use crate::claims::NumericDate;
use crate::revocation::{Found, Named, Sets};

impl AccessToken {
    /// Whether one of these entries is for the token.
    ///
    /// That there is none is remembered beside the token, by the version of the sets. It says nothing of any other memory, so it
    /// may come and go in any order.
    pub(crate) fn is_refused_by(&self, sets: &Sets) -> bool {
        let checks = self.checks();
        if checks.not_among.load(Ordering::Relaxed) == sets.version {
            return false;
        }
        let claim = |name: &str| self.claim(name);
        let Some(marks) = &checks.marks else {
            // It was made by a guard that is told of none.
            let issued_at = self.with_claim("iat", NumericDate::parse).flatten();
            return sets.refuse_named(self.checked_at, &self.named(issued_at, &claim));
        };
        let found = sets.look(marks, self.checked_at, &self.named(marks.issued_at, &claim));
        if found == Found::Nothing {
            checks.not_among.store(sets.version, Ordering::Relaxed);
        }
        found == Found::Refused
    }

    fn named<'t>(
        &'t self,
        issued_at: Option<NumericDate>,
        claim: &'t dyn Fn(&str) -> Option<String>,
    ) -> Named<'t> {
        Named { issuer: self.issuer(), subject: self.subject(), client: self.client_id(), issued_at, claim }
    }
}
