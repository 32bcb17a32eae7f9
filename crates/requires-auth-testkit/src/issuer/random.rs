//! Random names and the fingerprints under which secrets are kept.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::fill;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The SHA-256 of a secret, which is kept in its place. Two secrets are compared by their fingerprints, so that the time
/// it takes says nothing about the secret.
pub(super) type Fingerprint = [u8; 32];

/// A name that nobody guesses: 43 characters of base64url, 256 bits.
///
/// # Panics
///
/// When the operating system has no randomness.
pub(super) fn random_name() -> String {
    let mut bytes = [0; 32];
    fill(&mut bytes).expect("the operating system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn fingerprint(text: &str) -> Fingerprint {
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::{fingerprint, random_name};

    #[test]
    fn a_random_name_comes_once_and_a_fingerprint_each_time() {
        assert_ne!(random_name(), random_name());
        assert_eq!(random_name().len(), 43);
        assert_eq!(fingerprint("a"), fingerprint("a"));
        assert_ne!(fingerprint("a"), fingerprint("b"));
    }
}
