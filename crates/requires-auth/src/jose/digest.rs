//! SHA-256, for the names of keys (RFC 7638), the fingerprints of tokens and of proofs, and HMAC with it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_lc_rs::hmac;

/// The SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// The SHA-256 of several texts, each with its length in front, so that no two lists have the same.
pub(crate) fn sha256_of_all(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// The HMAC-SHA-256 (RFC 2104) of several texts, each with its length in front.
pub(crate) fn hmac_sha256_of_all(secret: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// Whether two texts are the same, in a time that tells nothing about where they differ.
pub(crate) fn are_equal(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2 appendix B.1.
    #[test]
    fn is_sha256() {
        assert_eq!(sha256(b"abc")[..4], [0xBA, 0x78, 0x16, 0xBF]);
    }

    #[test]
    fn parts_are_told_apart() {
        assert_ne!(sha256_of_all(&[b"ab", b"c"]), sha256_of_all(&[b"a", b"bc"]));
        assert_ne!(sha256_of_all(&[b"abc"]), sha256_of_all(&[b"abc", b""]));
        assert_eq!(sha256_of_all(&[b"a"]), sha256(&[0, 0, 0, 0, 0, 0, 0, 1, b'a']));
        let mac = |secret: &[u8], parts: &[&[u8]]| hmac_sha256_of_all(secret, parts);
        assert_ne!(mac(b"s", &[b"ab", b"c"]), mac(b"s", &[b"a", b"bc"]));
        assert_ne!(mac(b"s", &[b"a"]), mac(b"t", &[b"a"]));
    }

    #[test]
    fn equal_texts_are_equal() {
        assert!(are_equal(b"abc", b"abc") && are_equal(b"", b""));
        assert!(!are_equal(b"abc", b"abd") && !are_equal(b"abc", b"ab"));
    }
}
