//! What is configured for an issuer, as far as it shows online.

use std::time::Duration;

use requires_auth::{Algorithm, Policy};

/// What is configured for an issuer, as far as it shows online.
pub(super) struct Configured {
    pub(super) issuer: String,
    pub(super) algorithms: Option<Vec<Algorithm>>,
    pub(super) leeway: Duration,
    /// Its provider, if that is named.
    pub(super) provider: Option<&'static str>,
    /// The scopes that routes name.
    pub(super) scopes: Vec<String>,
}

/// The scopes of a policy, one by one.
pub(super) fn scopes_of(policy: &Policy) -> impl Iterator<Item = String> + '_ {
    policy.scope().unwrap_or_default().split_ascii_whitespace().map(ToOwned::to_owned)
}
