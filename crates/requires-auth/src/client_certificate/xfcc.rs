//! Envoy's `X-Forwarded-Client-Cert`: one element for each proxy on the way, each of pairs such as `Hash=..;Cert="..."`.
//!
//! Only one element can be read: of two, nobody can tell here which one our proxy has written. A pair that counts stands
//! once, since a certificate has names that its owner chooses, and Envoy writes them beside it.
//!
//! ```text
//! By=spiffe://mesh/api;Hash=8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4;Subject="CN=a, O=b"
//! ```
//!
//! `Hash` alone is enough, as it is the SHA-256 of the DER. Where `Cert` is there as well, both have to be of the same certificate. A quote
//! within a quoted value has a backslash before it.

use std::borrow::Cow;

use super::{CertificateFault, ClientCertificate, pem};

/// The certificate in the one element of a header.
pub(super) fn read(text: &str) -> Result<ClientCertificate, CertificateFault> {
    let (mut hash, mut certificate) = (None, None);
    let mut rest = text;
    loop {
        let (key, value, after) = pair(rest).ok_or(CertificateFault::Unreadable)?;
        // Names have no case, values do.
        let found = match key.to_ascii_lowercase().as_str() {
            "hash" => hash.replace(digest(&value)?),
            "cert" => certificate.replace(pem::read(&value)?),
            _ => None,
        };
        if found.is_some() {
            return Err(CertificateFault::Several);
        }
        rest = match after.split_at_checked(1) {
            None => break,
            Some((";", next)) => next,
            Some((",", _)) => return Err(CertificateFault::Several),
            Some(_) => return Err(CertificateFault::Unreadable),
        };
    }
    match (hash, certificate) {
        (Some(hash), Some(certificate)) if hash != certificate => Err(CertificateFault::Contradiction),
        (Some(found), _) | (None, Some(found)) => Ok(found),
        (None, None) => Err(CertificateFault::NotACertificate),
    }
}

/// The first pair of a text, and what follows its value.
fn pair(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let (key, rest) = text.split_once('=')?;
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        return unquoted(quoted).map(|(value, after)| (key, Cow::Owned(value), after));
    }
    let end = rest.find([';', ',']).unwrap_or(rest.len());
    let (value, after) = rest.split_at(end);
    (!value.contains('"')).then_some((key, Cow::Borrowed(value), after))
}

/// A value up to its closing quote, and what follows the quote. A backslash is left out where it keeps a quote or a backslash
/// from having a meaning, and is part of the value elsewhere.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (before, from) = rest.split_at(rest.find(['"', '\\'])?);
        value.push_str(before);
        if let Some(after) = from.strip_prefix('"') {
            return Some((value, after));
        }
        let (pair, after) = from.split_at_checked(2)?; // all of it is ASCII
        value.push_str(
            pair.strip_prefix('\\').filter(|escaped| ["\"", "\\"].contains(escaped)).unwrap_or(pair),
        );
        rest = after;
    }
}

/// A SHA-256 in hexadecimal digits.
fn digest(text: &str) -> Result<ClientCertificate, CertificateFault> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64).ok_or(CertificateFault::Unreadable)?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
    }
    Ok(ClientCertificate::from_sha256(bytes))
}
