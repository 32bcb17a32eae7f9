//! TLS to the server: rustls, with the cryptography of the rest of this crate.

use rustls::crypto::CryptoProvider;

/// The client of Redis takes the cryptography that the process has chosen for rustls, and panics where there is none to
/// take. A program that has chosen another keeps it.
pub(super) fn have_provider() {
    if CryptoProvider::get_default().is_none() {
        // Somebody else may be first, and then there is one.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    }
}
