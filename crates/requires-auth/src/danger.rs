//! What weakens a check. Each name says so where it is called.
//!
//! These are functions over a [`Builder`] or a setting and not methods of it, so that a search for `danger::` finds every place in a
//! program that gives something up. None of them is needed in production behind a public issuer.

use crate::dpop::Dpop;
use crate::guard::Builder;

/// Lets issuer and key set be fetched over plain `http` beyond loopback.
///
/// Whoever is on the way between this server and the issuer can then put in keys of his own and forge
/// any token. For private networks without TLS, and only there. Link-local addresses stay refused.
///
/// In a file it is `dangerously_allow_http_issuer = true`, in the environment
/// `REQUIRES_AUTH_DANGEROUSLY_ALLOW_HTTP_ISSUER=true`.
///
/// An issuer on loopback (`http://127.0.0.1:9100`, `http://localhost:9100`) does not need it, and an issuer with a private
/// certificate is better served by [`Builder::with_ca`].
///
/// ```
/// use requires_auth::{RequiresAuth, danger};
///
/// let builder = || RequiresAuth::builder("http://keycloak:8080/realms/test", "https://api.example");
/// let error = builder().build().unwrap_err();
/// assert_eq!(error.problems()[0].field(), "issuer");
///
/// let auth = danger::allow_http_issuer(builder()).build()?;
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
pub fn allow_http_issuer(builder: Builder) -> Builder {
    builder.allow_http()
}

/// Lets a proof of possession count as often as it is sent, for as long as it is new (RFC 9449 §11.1).
///
/// Whoever sees a request can then repeat it, with its token and its proof, for about a minute. Where the store of used proofs
/// is too slow or too large, nonces ([`Dpop::with_nonce_secret`]) bound that time, and do not end it.
///
/// ```
/// use requires_auth::dpop::Dpop;
/// use requires_auth::{RequiresAuth, danger};
///
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
///     .with_public_url("https://api.example")
///     .with_dpop(danger::without_replay_check(Dpop::allowed()))
///     .build()?;
/// # let _ = auth;
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
pub fn without_replay_check(dpop: Dpop) -> Dpop {
    dpop.without_replay()
}

/// Takes tokens of every tenant of the issuer named last, whose name has a placeholder.
///
/// Anyone who opens an account at the provider has a tenant there, and its tokens pass: the API has to look at
/// [`AccessToken::tenant`](crate::AccessToken::tenant) itself. Where the tenants are known, name them with
/// [`Builder::with_tenants`], or ask for them with [`Builder::with_resolver`].
///
/// ```
/// use requires_auth::{RequiresAuth, danger};
///
/// let builder = RequiresAuth::builder("https://login.microsoftonline.com/{tenant}/v2.0", "api://orders");
/// let auth = danger::any_tenant(builder).build()?;
/// # let _ = auth;
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
pub fn any_tenant(builder: Builder) -> Builder {
    builder.any_tenant()
}

/// Lets the guard use keys whose private halves are published: by `requires-auth-testkit`, by the RFCs
/// 7515, 7517, 7520 and 8037, or by jwt.io.
///
/// Anyone can sign with them. For tests that use the testkit's vectors, and only there: a test of your own makes a fresh
/// key with `SigningKey::generate`, which needs nothing of the kind.
///
/// ```
/// use requires_auth::{RequiresAuth, danger};
/// use requires_auth_testkit::{Algorithm, SigningKey, jwk_set};
///
/// let published = SigningKey::fixed(Algorithm::Es256);
/// let jwks = jwk_set([published]).to_string();
/// let builder = || RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks.clone());
///
/// // Refused by default: a key set with nothing but published keys has no key that can be used.
/// assert!(builder().build().is_err());
/// assert!(danger::allow_public_test_keys(builder()).build().is_ok());
/// ```
pub fn allow_public_test_keys(builder: Builder) -> Builder {
    builder.allow_public_test_keys()
}
