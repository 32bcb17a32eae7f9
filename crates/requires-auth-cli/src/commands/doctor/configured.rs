//! What is configured for an issuer, as far as it shows online.

use std::time::Duration;

use requires_auth::config::IssuerConfig;
use requires_auth::settings;
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

/// What is looked at of an issuer: itself, or of a pattern each of the tenants that are named.
pub(super) fn names(issuer: &IssuerConfig) -> Vec<String> {
    let name = issuer.issuer();
    let parts = name.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?.1)));
    let shares_keys = issuer.get(settings::JWKS_URI).is_some_and(|url| !url.contains('{'));
    match (parts, issuer.get(settings::TENANTS)) {
        (Some((before, after)), Some(mut tenants)) if !shares_keys => {
            tenants.sort_unstable();
            tenants.dedup();
            tenants.iter().map(|tenant| format!("{before}{tenant}{after}")).collect()
        }
        _ => vec![name],
    }
}

/// The scopes of a policy, one by one.
pub(super) fn scopes_of(policy: &Policy) -> impl Iterator<Item = String> + '_ {
    policy.scope().unwrap_or_default().split_ascii_whitespace().map(ToOwned::to_owned)
}
