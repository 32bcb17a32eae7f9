//! What several policies need together.

use super::Policy;
use super::scopes::{Needs, Scopes};
use crate::error::Denial;
use crate::request::Request;
use crate::verify::{AccessToken, NoTrace};

impl Policy {
    /// Needs the scopes of another policy as well, behind its own and each once. Both need all of theirs.
    pub(crate) fn with_scopes_of(mut self, other: &Self) -> Self {
        let mut all: Vec<&str> = self.listed().collect();
        for scope in other.listed() {
            if !all.contains(&scope) {
                all.push(scope);
            }
        }
        if !all.is_empty() {
            self.scopes = Some(Scopes::listed(all.join(" ").into(), Needs::All));
        }
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

    fn listed(&self) -> impl Iterator<Item = &str> {
        self.scope().into_iter().flat_map(|listed| listed.split(' '))
    }
}
