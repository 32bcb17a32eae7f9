//! What several policies need together.

use super::{Needs, Policy, Scopes, list};
use crate::error::ConfigProblem;

impl Policy {
    /// As [`parse`](Self::parse), where a mistake is one of this setting.
    pub(crate) fn parse_as(field: &'static str, scopes: &str) -> Result<Self, ConfigProblem> {
        let listed = list(field, scopes.split_ascii_whitespace())?;
        Ok(Self { scopes: Some(Scopes { listed, needs: Needs::All }), ..Self::default() })
    }

    /// Needs the scopes of another policy as well, behind its own and each once. Both need all of theirs.
    pub(crate) fn with_scopes_of(mut self, other: &Self) -> Self {
        let mut all: Vec<&str> = self.listed().collect();
        for scope in other.listed() {
            if !all.contains(&scope) {
                all.push(scope);
            }
        }
        if !all.is_empty() {
            self.scopes = Some(Scopes { listed: all.join(" ").into(), needs: Needs::All });
        }
        self
    }

    fn listed(&self) -> impl Iterator<Item = &str> {
        self.scope().into_iter().flat_map(|listed| listed.split(' '))
    }
}
