//! What several policies need together.

use super::Policy;
use super::scopes::{Needs, Scopes, union};
use crate::error::Denial;
use crate::request::Request;
use crate::verify::{AccessToken, NoTrace};

impl Policy {
    /// Needs the scopes of another policy as well, behind its own and each once. Both need all of theirs.
    pub(crate) fn with_scopes_of(mut self, other: &Self) -> Self {
        let lists = [self.scope(), other.scope()].into_iter().flatten();
        self.scopes = union(lists).map(|all| Scopes::listed(all.into(), Needs::All));
        self
    }

    /// The same, where [`check_beside`](Self::check_beside) asks for the base scopes of the guard.
    pub(crate) const fn leaving_base(mut self) -> Self {
        self.leaves_base = true;
        self
    }

    /// As [`check`](Self::check), with the base scopes of the guard, which are asked for together with these.
    pub(crate) fn check_beside(
        &self,
        token: &AccessToken,
        request: &Request<'_>,
        base: Option<&Self>,
    ) -> Result<(), Denial> {
        self.check_with(token, request.path_parameters(), base, &mut NoTrace)
    }
}
