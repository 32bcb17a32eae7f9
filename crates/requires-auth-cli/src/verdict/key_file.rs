//! A JWK Set in a file.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use requires_auth::verify::{KeySet, KeySetError};

use crate::error::Failure;
use crate::output::warn;

/// A key set may be this long, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a key set and its text, and warns if no key of it can be used.
pub(crate) fn read(path: &Path) -> Result<(Arc<KeySet>, Vec<u8>), Failure> {
    let mut text = Vec::new();
    // One byte more than allowed, so that too much is seen as such.
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut text));
    read.map_err(|error| {
        Failure::new(format!("the key set `{}` cannot be read: {error}", path.display()))
            .hint("save the answer of the issuer's jwks_uri in a file and name that")
    })?;
    let keys = KeySet::parse(&text).map_err(|error| {
        let hint = match error {
            KeySetError::NoKeys => "a single key becomes a set as {\"keys\": [KEY]}",
            KeySetError::NotPem => {
                "the PEM is to be a public key (-----BEGIN PUBLIC KEY-----) or a certificate"
            }
            KeySetError::PrivateKey => {
                "give the public key alone: whoever reads the private one can sign tokens"
            }
            KeySetError::SeveralInPem => "the PEM is to hold the one key or certificate that signs tokens",
            KeySetError::TooLarge => "a key set has at most 16 MiB",
            _ => "the file is to hold the answer of the issuer's jwks_uri: {\"keys\": [...]}",
        };
        Failure::new(format!("`{}`: {error}", path.display())).hint(hint)
    })?;
    if keys.is_empty() {
        let skipped = keys.skipped().iter().map(|key| format!("; key {}: {}", key.index(), key.reason()));
        warn(&format!("`{}` has no usable key{}", path.display(), skipped.collect::<String>()));
    }
    Ok((Arc::new(keys), text))
}
