//! A token as revocations name it.

use super::AccessToken;
use crate::claims::NumericDate;
use crate::revocation::{Named, Sets};

impl AccessToken {
    /// Whether one of these entries is for the token.
    pub(crate) fn is_refused_by(&self, sets: &Sets) -> bool {
        let claim = |name: &str| self.claim(name);
        match &self.checks().marks {
            Some(marks) => sets.refuse(marks, self.checked_at, &self.named(marks.issued_at, &claim)),
            // It was made by a guard that is told of none.
            None => {
                let issued_at = self.with_claim("iat", NumericDate::parse).flatten();
                sets.refuse_named(self.checked_at, &self.named(issued_at, &claim))
            }
        }
    }

    fn named<'t>(
        &'t self,
        issued_at: Option<NumericDate>,
        claim: &'t dyn Fn(&str) -> Option<String>,
    ) -> Named<'t> {
        Named { issuer: self.issuer(), subject: self.subject(), client: self.client_id(), issued_at, claim }
    }
}
