//! The scopes of a policy, and lists that may stand in a challenge.

use std::fmt;
use std::sync::Arc;

use crate::error::ConfigProblem;
use crate::verify::AccessToken;

/// The scopes of a policy. `listed` is what the challenge says: every scope, space-separated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scopes {
    pub(super) listed: Arc<str>,
    needs: Needs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    All,
    Any,
}

impl Scopes {
    pub(super) fn new<T: AsRef<str>>(
        scopes: impl IntoIterator<Item = T>,
        needs: Needs,
    ) -> Result<Self, ConfigProblem> {
        Ok(Self { listed: list("scope", scopes)?, needs })
    }

    /// With a list that is joined and checked already.
    #[cfg(feature = "mcp")]
    pub(super) const fn listed(listed: Arc<str>, needs: Needs) -> Self {
        Self { listed, needs }
    }

    pub(super) fn are_met_by(&self, token: &AccessToken) -> bool {
        let mut scopes = self.listed.split(' ');
        match self.needs {
            Needs::All => scopes.all(|scope| token.has_scope(scope)),
            Needs::Any => scopes.any(|scope| token.has_scope(scope)),
        }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needs = match self.needs {
            Needs::All => "all of",
            Needs::Any => "any of",
        };
        write!(f, "{needs} {}", self.listed)
    }
}

/// Joins tokens that may stand in a quoted string: `%x21 / %x23-5B / %x5D-7E` each (RFC 6749 §3.3).
pub(super) fn list<T: AsRef<str>>(
    field: &'static str,
    tokens: impl IntoIterator<Item = T>,
) -> Result<Arc<str>, ConfigProblem> {
    let mut listed = String::new();
    for token in tokens {
        let token = token.as_ref();
        if token.is_empty() || !token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)) {
            let hint = "write one scope per entry, without spaces, quotes or backslashes: `read:orders`";
            return Err(ConfigProblem::new(
                field,
                format!("`{token}`"),
                "printable ASCII without spaces",
                hint,
            ));
        }
        if !listed.is_empty() {
            listed.push(' ');
        }
        listed.push_str(token);
    }
    if listed.is_empty() {
        let hint = "leave the rule out if any valid token will do";
        return Err(ConfigProblem::new(field, "an empty list", "at least one entry", hint));
    }
    Ok(listed.into())
}
