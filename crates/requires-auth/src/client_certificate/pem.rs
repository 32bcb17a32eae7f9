//! A certificate as a PEM text (RFC 7468 §5) with percent escapes.

use super::format::base64;
use super::{CertificateFault, ClientCertificate};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Whether a text is meant to be PEM, with or without escapes.
pub(super) fn is_meant(text: &str) -> bool {
    text.starts_with("-----BEGIN")
}

/// The certificate in a text. `+`, `/` and `=` may stand in it as they are, as AWS writes them, or as escapes.
pub(super) fn read(text: &str) -> Result<ClientCertificate, CertificateFault> {
    let decoded = unescaped(text).ok_or(CertificateFault::Unreadable)?;
    let decoded = decoded.trim_end_matches(['\r', '\n']);
    let inner = decoded.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    let inner = inner.ok_or(CertificateFault::Unreadable)?;
    if inner.contains(BEGIN) || inner.contains(END) {
        return Err(CertificateFault::Several);
    }
    base64(&inner.replace(['\r', '\n'], ""))
}

/// A text without its escapes. What is not ASCII, or not a whole escape, stands in no PEM text.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut decoded = String::with_capacity(text.len());
    decoded.push_str(parts.next()?);
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok().filter(|byte| is_hex && byte.is_ascii())?;
        decoded.push(byte.into());
        decoded.push_str(rest);
    }
    Some(decoded)
}
