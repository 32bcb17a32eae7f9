//! What each tool, prompt and resource needs.

use std::collections::{BTreeMap, BTreeSet};

use super::message::Operation;
use super::uri::{Pattern, readings};
use crate::error::{Denial, ErrorCode};
use crate::policy::Policy;

/// The needs of the operations of one guard.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) prompts: Named,
    pub(super) resources: Matched,
    pub(super) tools: Named,
}

/// What tools or prompts need, by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    pub(super) needs: BTreeMap<Box<str>, Policy>,
    /// The same names as [`folded`] texts.
    folded: BTreeSet<String>,
    /// What those need that are not named.
    pub(super) others: Option<Policy>,
}

/// What resources need, by patterns of their URIs.
#[derive(Clone, Debug, Default)]
pub(super) struct Matched {
    /// Those that say most about a URI stand first.
    pub(super) needs: Vec<(Pattern, Policy)>,
}

/// What an operation needs.
pub(super) enum Need<'t> {
    /// What every request needs.
    Base,
    /// All of these.
    Policies(Vec<&'t Policy>),
}

impl Table {
    /// Whether nothing is said about any operation, so that all need the same.
    pub(super) fn is_empty(&self) -> bool {
        self.prompts.is_empty() && self.resources.needs.is_empty() && self.tools.is_empty()
    }

    /// All needs that are there.
    pub(super) fn policies(&self) -> impl Iterator<Item = &Policy> {
        let named = [&self.prompts, &self.tools].into_iter();
        let named = named.flat_map(|named| named.needs.values().chain(&named.others));
        named.chain(self.resources.needs.iter().map(|(_, policy)| policy))
    }

    /// What an operation needs.
    ///
    /// # Errors
    ///
    /// `McpOperationUnknown` for one that is not named where others are.
    pub(super) fn need(&self, operation: &Operation<'_>) -> Result<Need<'_>, Denial> {
        match operation {
            Operation::Prompt(name) => self.prompts.need(name),
            Operation::Resource(uri) => self.resources.need(uri),
            Operation::Tool(name) => self.tools.need(name),
            Operation::Other => Ok(Need::Base),
        }
    }
}

impl Named {
    fn is_empty(&self) -> bool {
        self.needs.is_empty() && self.others.is_none()
    }

    /// Adds a name; returns what it needed before, if it was there.
    pub(super) fn insert(&mut self, name: &str, policy: Policy) -> Option<Policy> {
        self.folded.insert(folded(name));
        self.needs.insert(name.into(), policy)
    }

    fn need(&self, name: &str) -> Result<Need<'_>, Denial> {
        if self.is_empty() {
            return Ok(Need::Base);
        }
        // A server that trims names, or folds their case, runs the one that is named.
        let is_alias = || is_hashed(name) || self.folded.contains(&folded(name));
        let others = || self.others.as_ref().filter(|_| !is_alias());
        let need = self.needs.get(name).or_else(others);
        need.map(|policy| Need::Policies(vec![policy])).ok_or_else(unknown)
    }
}

impl Matched {
    /// The needs of all readings of a URI together.
    fn need(&self, uri: &str) -> Result<Need<'_>, Denial> {
        if self.needs.is_empty() {
            return Ok(Need::Base);
        }
        let need = |reading: &str| {
            let met = self.needs.iter().find(|(pattern, _)| pattern.is_met_by(reading));
            met.map(|(_, policy)| policy).ok_or_else(unknown)
        };
        readings(uri).iter().map(|reading| need(reading)).collect::<Result<_, _>>().map(Need::Policies)
    }
}

/// Whether a name is one by which `FastMCP` finds a tool past its listed name: `__`, twelve hexadecimal digits, `_`, and the
/// name within its app. Such a name reaches a tool that may be named here as well, so only a rule of its own allows it.
fn is_hashed(name: &str) -> bool {
    const DIGITS: usize = 12;
    let Some((digits, rest)) = name.strip_prefix("__").and_then(|rest| rest.split_at_checked(DIGITS)) else {
        return false;
    };
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && rest.starts_with('_')
}

/// A name without blanks and without case.
fn folded(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect()
}

const fn unknown() -> Denial {
    Denial::new(ErrorCode::McpOperationUnknown)
}
