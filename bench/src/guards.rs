//! Guards with many keys, and guards with many issuers.

use requires_auth::RequiresAuth;
use requires_auth::guard::Builder;
use requires_auth_testkit::{SigningKey, jwk_set};

use crate::fixture::{AUDIENCE, ISSUER};

/// A guard of one issuer with all these keys.
pub fn of_keys(keys: &[SigningKey]) -> Builder {
    RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(jwk_set(keys).to_string())
}

/// A guard of `count` issuers, each with a set of its own, in which there is the same key.
pub fn of_issuers(key: &SigningKey, count: usize) -> Builder {
    let jwks = jwk_set([key]).to_string();
    let first = RequiresAuth::builder(&issuer(0), AUDIENCE).with_jwks(jwks.clone());
    (1..count).fold(first, |guard, place| guard.with_issuer(&issuer(place), AUDIENCE).with_jwks(jwks.clone()))
}

/// The name of one of many issuers.
pub fn issuer(place: usize) -> String {
    format!("https://tenant-{place}.logto.app/oidc")
}
