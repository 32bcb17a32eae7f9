//! What a route asks of a request.

use super::Policy;

/// What a route asks of a request: whether a token must be there, and what the token must allow.
///
/// ```
/// use requires_auth::Policy;
/// use requires_auth::policy::{Presence, Requirement};
///
/// let orders = Requirement::token(Policy::all_of(["read:orders"]));
/// assert_eq!(orders.presence(), Presence::Required);
/// assert_eq!(orders.policy().scope(), Some("read:orders"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Requirement {
    policy: Policy,
    presence: Presence,
}

/// Whether a request must have a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// Any request passes as anonymous: a token is not even looked at.
    Ignored,
    /// A request without an access token passes as anonymous, whatever other scheme is in its `Authorization` header.
    /// One with a bad token is refused.
    Optional,
    /// A request without a token is refused.
    #[default]
    Required,
}

impl Requirement {
    /// A valid token that a policy allows. `Policy::default()` allows any.
    pub const fn token(policy: Policy) -> Self {
        Self { policy, presence: Presence::Required }
    }

    /// No token, or a valid one that a policy allows.
    pub const fn optional(policy: Policy) -> Self {
        Self { policy, presence: Presence::Optional }
    }

    /// Nothing: a token is not even looked at.
    pub fn none() -> Self {
        Self { policy: Policy::default(), presence: Presence::Ignored }
    }

    /// What a token must allow.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether there must be a token.
    pub const fn presence(&self) -> Presence {
        self.presence
    }
}

/// A policy alone asks for a token.
impl From<Policy> for Requirement {
    fn from(policy: Policy) -> Self {
        Self::token(policy)
    }
}
