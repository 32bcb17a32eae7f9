//! The scopes of a resource: those that every request needs, those that its document names, and those that a challenge lists.

use std::sync::Arc;

use crate::error::{ConfigProblem, quoted};
use crate::policy::is_scope;

/// The scopes of a resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scopes {
    /// What every request needs, space-separated.
    pub(crate) base: Option<Arc<str>>,
    supported: Vec<Box<str>>,
    pub(crate) challenged: ChallengeScopes,
}

/// Which scopes the challenge of a request names that lacks one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChallengeScopes {
    /// Those that the request needs, and those of the resource that its token has: some clients ask for exactly what they are told,
    /// and would lose the others.
    #[default]
    Keep,
    /// Those that the request needs alone.
    Needed,
}

impl ChallengeScopes {
    pub(crate) const ALL: [Self; 2] = [Self::Keep, Self::Needed];

    /// The value of the setting: `keep` or `needed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Needed => "needed",
        }
    }
}

impl Scopes {
    /// `supported` is what the document names; without it the base.
    pub(crate) fn new(base: &[String], supported: Option<Vec<String>>, challenged: ChallengeScopes) -> Self {
        let supported = supported.unwrap_or_else(|| base.to_vec());
        Self {
            base: (!base.is_empty()).then(|| base.join(" ").into()),
            supported: supported.into_iter().map(Into::into).collect(),
            challenged,
        }
    }

    pub(crate) fn supported(&self) -> &[Box<str>] {
        &self.supported
    }

    /// Whether a scope is one of this resource, as its own settings say.
    pub(crate) fn knows(&self, scope: &str) -> bool {
        let base = self.base.as_deref().unwrap_or_default();
        base.split(' ').chain(self.supported.iter().map(|own| &**own)).any(|own| own == scope)
    }
}

/// Scopes that are not the resource's: they say what the authorization server gives to the client.
const OF_THE_SERVER: [&str; 2] = ["offline_access", "openid"];

/// Scopes that a client is told to ask for.
pub(crate) fn check_scopes(field: &'static str, scopes: &[String], problems: &mut Vec<ConfigProblem>) {
    for scope in scopes {
        let mut report = |expected, hint: &str| {
            problems.push(ConfigProblem::new(field, quoted(scope), expected, hint));
        };
        if !is_scope(scope) {
            report(
                "scopes",
                "write one scope per entry, without spaces, quotes or backslashes: `read:orders`",
            );
        } else if OF_THE_SERVER.contains(&scope.as_str()) {
            report(
                "scopes of this API",
                "leave it out: a client asks for it by itself, and it opens nothing here",
            );
        } else if ["scope=", "error="].iter().any(|word| scope.contains(word)) {
            report("scopes without `=`", "clients would take it for a parameter of the challenge");
        }
    }
}
