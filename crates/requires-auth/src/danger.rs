//! What weakens a check. Each name says so where it is called.

use crate::guard::Builder;

/// Lets issuer and key set be fetched over plain `http` beyond loopback.
///
/// Whoever is on the way between this server and the issuer can then put in keys of his own and forge
/// any token. For private networks without TLS, and only there. Link-local addresses stay refused.
pub fn allow_http_issuer(builder: Builder) -> Builder {
    builder.allow_http()
}

/// Lets the guard use keys whose private halves are published: by `requires-auth-testkit`, by the RFCs
/// 7515, 7517, 7520 and 8037, or by jwt.io.
///
/// Anyone can sign with them. For tests that use the testkit's vectors, and only there.
pub fn allow_public_test_keys(builder: Builder) -> Builder {
    builder.allow_public_test_keys()
}
