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

/// Whether a text is one scope, which may stand in a quoted string: `%x21 / %x23-5B / %x5D-7E` (RFC 6749 §3.3).
pub(crate) fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

/// Lists of scopes as one, each scope once, in the order in which they come.
pub(crate) fn union<'s>(lists: impl IntoIterator<Item = &'s str>) -> Option<String> {
    let mut all: Vec<&str> = Vec::new();
    for scope in lists.into_iter().flat_map(|list| list.split(' ')) {
        if !scope.is_empty() && !all.contains(&scope) {
            all.push(scope);
        }
    }
    (!all.is_empty()).then(|| all.join(" "))
}

/// Joins tokens that may stand in a quoted string, as [scopes](is_scope) may.
pub(super) fn list<T: AsRef<str>>(
    field: &'static str,
    tokens: impl IntoIterator<Item = T>,
) -> Result<Arc<str>, ConfigProblem> {
    let mut listed = String::new();
    for token in tokens {
        let token = token.as_ref();
        if !is_scope(token) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_one_list_in_which_each_scope_stands_once() {
        assert_eq!(union(["a b", "b c", "", "a"]).as_deref(), Some("a b c"));
        assert_eq!(union([""; 2]), None);
    }
}
