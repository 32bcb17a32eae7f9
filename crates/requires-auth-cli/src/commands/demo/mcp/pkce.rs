//! The proof of a client that it has begun the login that it ends (RFC 7636).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::fill;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Failure;

/// A verifier, which stays with the client, and its challenge, which begins the login.
pub(super) struct Pkce {
    pub(super) verifier: String,
    pub(super) challenge: String,
}

/// A text that nobody guesses: 256 bits in base64url.
pub(super) fn random() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    fill(&mut bytes).map_err(|_| Failure::new("the operating system has no randomness"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Pkce {
    pub(super) fn new() -> Result<Self, Failure> {
        let verifier = random()?;
        Ok(Self { challenge: URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())), verifier })
    }
}
