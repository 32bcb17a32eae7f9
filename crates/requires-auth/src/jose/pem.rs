//! A public key or a certificate in PEM (RFC 7468).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::material::{Material, Unusable};
use super::spki;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Why a text in PEM is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAKey {
    /// It cannot be read, or is something else.
    Other,
    /// A private key is in it.
    Private,
    /// There is more than one key or certificate in it.
    Several,
    /// It is a public key that cannot be used.
    Unusable(Unusable),
}

/// Whether a text is meant to be PEM.
pub(crate) fn is_meant(text: &str) -> bool {
    text.contains(BEGIN)
}

/// The one key in a text: a public key, or that of one certificate.
///
/// What stands before and behind the block counts for nothing (RFC 7468 §2). A text that has come through a variable of the
/// environment may have `\n`, or nothing but spaces, where its lines ended.
pub(crate) fn key(text: &str) -> Result<Material, NotAKey> {
    let labels: Vec<_> = text.split(BEGIN).skip(1).filter_map(|rest| rest.split(DASHES).next()).collect();
    if labels.iter().any(|label| label.ends_with("PRIVATE KEY")) {
        return Err(NotAKey::Private);
    }
    let label = match labels.as_slice() {
        [label] => *label,
        [] => return Err(NotAKey::Other),
        _ => return Err(NotAKey::Several),
    };
    let read = match label {
        "CERTIFICATE" => spki::of_certificate,
        "PUBLIC KEY" => spki::of_public_key,
        "RSA PUBLIC KEY" => spki::of_rsa_key,
        _ => return Err(NotAKey::Other),
    };
    let der = body(text, label).ok_or(NotAKey::Other)?;
    read(&der).map_err(|unusable| match unusable {
        Unusable::Malformed => NotAKey::Other,
        unusable => NotAKey::Unusable(unusable),
    })
}

/// The key of a text that is what stands between the lines of PEM, as some consoles show a public key.
pub(crate) fn key_without_label(text: &str) -> Option<Result<Material, Unusable>> {
    let der = decode(text).filter(|der| der.len() > 32)?;
    let read = match spki::of_public_key(&der) {
        Err(Unusable::Malformed) => spki::of_certificate(&der),
        read => read,
    };
    match read {
        Err(Unusable::Malformed) => None,
        read => Some(read),
    }
}

fn body(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(BEGIN)?;
    let rest = rest.strip_prefix(label)?.strip_prefix(DASHES)?;
    let (body, rest) = rest.split_once(END)?;
    rest.strip_prefix(label)?.strip_prefix(DASHES)?;
    decode(&body.replace("\\n", "\n").replace("\\r", "\n"))
}

fn decode(body: &str) -> Option<Vec<u8>> {
    let plain: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(plain).ok()
}
