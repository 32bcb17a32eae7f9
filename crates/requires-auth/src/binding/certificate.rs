//! Whether the client has shown the certificate that its token is bound to (RFC 8705 §3).

use crate::error::Reason;
use crate::jose::digest::sha256;
use crate::request::Certificate;

/// Compares the SHA-256 in the token with that of the certificate of the connection. The certificate itself is public, so
/// the comparison need not hide where it differs; that the client has its key is for TLS to prove.
///
/// # Errors
///
/// `binding_mismatch` for another certificate, and for none.
pub(super) fn check(bound: &[u8; 32], shown: Option<Certificate<'_>>) -> Result<(), Reason> {
    match shown.map(digest) {
        Some(shown) if shown == *bound => Ok(()),
        Some(_) | None => Err(Reason::BindingMismatch),
    }
}

/// The SHA-256 of the DER.
pub(super) fn digest(certificate: Certificate<'_>) -> [u8; 32] {
    match certificate {
        Certificate::Der(der) => sha256(der),
        Certificate::Sha256(digest) => digest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_certificate_of_the_token_passes() {
        let der = b"a certificate";
        let bound = sha256(der);
        assert_eq!(check(&bound, Some(Certificate::Der(der))), Ok(()));
        assert_eq!(check(&bound, Some(Certificate::Sha256(bound))), Ok(()));
        for other in [None, Some(Certificate::Der(b"another")), Some(Certificate::Sha256([0; 32]))] {
            assert_eq!(check(&bound, other), Err(Reason::BindingMismatch));
        }
    }
}
