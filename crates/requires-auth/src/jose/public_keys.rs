//! Keys whose private halves are public, because the testkit ships them for its vectors.
//!
//! Anyone can sign with them, so a guard never uses one, wherever it comes from.

use super::jwk::Thumbprint;

/// Whether this is a fixed key of `requires-auth-testkit`.
pub(crate) fn is_public_test_key(thumbprint: &Thumbprint) -> bool {
    let thumbprint = thumbprint.to_string();
    PUBLIC_TEST_KEYS.contains(&thumbprint.as_str())
}

/// RFC 7638 thumbprints; a test compares them with the testkit.
const PUBLIC_TEST_KEYS: &[&str] = &[];
