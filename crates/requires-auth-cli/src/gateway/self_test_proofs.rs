//! Proofs of the `[[tests]]` of a configuration (DPoP, RFC 9449): a test that needs one has a token that is bound to the key
//! of a client, and a proof by that key for its request.

use http::HeaderName;
use http::header::AUTHORIZATION;
use requires_auth::config::IssuerConfig;
use requires_auth::dpop::DpopMode;
use requires_auth::settings::dpop::{ALGORITHMS, MEMBERS, NONCE_SECRET, NONCE_SECRET_ENV, NONCE_SECRET_FILE};
use requires_auth::settings::{DPOP, PUBLIC_URL, Table};
use requires_auth_testkit::{Algorithm, ProofBuilder, SigningKey};

use super::config::{Config, ResourceConfig, RouteTest, mode_of};
use super::routes::{IsBelow, PlainPath};

/// Whether the token of a test has to come with a proof of its key.
pub(super) fn needs_proof(config: &Config, issuer: &IssuerConfig, test: &RouteTest) -> bool {
    let path = PlainPath::with_encoded_slashes(&test.target).ok();
    let is_below = |own: &&ResourceConfig| path.is_some_and(|path| own.below.look(path) == IsBelow::Yes);
    let route = config.gateway.routes.find(&test.method, &test.target, test.host.as_deref());
    mode_of(&config.guard, issuer) == DpopMode::Required
        || route.is_ok_and(|route| route.requirement.policy().needs_dpop())
        || config.gateway.resources.iter().filter(is_below).any(|own| own.needs_dpop)
}

/// A key of a client, for an algorithm that the configuration takes.
pub(super) fn client_key(config: &Config) -> SigningKey {
    let allowed = config.guard.get(DPOP).and_then(|table| table.get(ALGORITHMS)).unwrap_or_default();
    let first = allowed.iter().find_map(|name| name.parse().ok());
    SigningKey::generate(first.unwrap_or(Algorithm::Es256))
}

/// The headers that show a token with its proof.
pub(super) fn proven(
    config: &Config,
    client: &SigningKey,
    test: &RouteTest,
    token: &str,
) -> [(HeaderName, String); 2] {
    let origin = config.guard.get(PUBLIC_URL).unwrap_or_default();
    let path = test.target.split('?').next().unwrap_or_default();
    let url = format!("{}{path}", origin.trim_end_matches('/'));
    let proof = ProofBuilder::new(client, &test.method, url).token(token).mint();
    [(AUTHORIZATION, format!("DPoP {token}")), (HeaderName::from_static("dpop"), proof)]
}

/// A test has one request, and no client that could repeat it with a nonce. The secret need not be at hand either.
pub(super) fn without_nonces(config: &mut Config) {
    let Some(table) = config.guard.get(DPOP) else { return };
    let secrets = [NONCE_SECRET.setting, NONCE_SECRET_ENV.setting, NONCE_SECRET_FILE.setting];
    let mut kept = Table::default();
    for member in MEMBERS.iter().filter(|member| !secrets.contains(member)) {
        if let Some(value) = table.value(member.key) {
            kept.put(member, value.clone());
        }
    }
    config.guard.set(DPOP, Some(kept));
}
