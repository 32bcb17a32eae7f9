//! The documents that hold keys: a JWK Set (RFC 7517 §5), a map from names to keys in PEM as Google publishes it, or one
//! key in PEM.

use std::fmt;

use super::json::{Object, Raw};
use super::jwk::{Jwk, Unusable};
use super::material::Material;
use super::pem::{self, NotAKey};
use super::public_keys::is_public_test_key;

/// What a key set may be at most, and whether published test keys count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeySetLimits {
    pub(crate) bytes: usize,
    pub(crate) keys: usize,
    pub(crate) public_test_keys: bool,
}

impl KeySetLimits {
    /// A set fetched from an issuer: 256 KiB and 100 keys.
    pub(crate) const FETCHED: Self = Self { bytes: 256 * 1024, keys: 100, public_test_keys: false };

    /// A set that the operator gave: 16 MiB, any number of keys.
    pub(crate) const GIVEN: Self =
        Self { bytes: 16 * 1024 * 1024, keys: usize::MAX, public_test_keys: false };
}

/// One key of a document, not yet judged.
pub(crate) enum Entry<'d> {
    /// A member of a JWK Set.
    Jwk(Raw<'d>),
    /// A member of a map from names to keys in PEM.
    Named { kid: String, pem: String },
    /// A key without a name.
    Bare(Result<Material, Unusable>),
}

impl Entry<'_> {
    /// The keys of a document, in its order.
    pub(crate) fn all(document: &[u8], limits: KeySetLimits) -> Result<Vec<Entry<'_>>, KeySetError> {
        if document.len() > limits.bytes {
            return Err(KeySetError::TooLarge);
        }
        let text = std::str::from_utf8(document).map_err(|_| KeySetError::NotJson)?;
        let entries = if text.trim_start().starts_with(['{', '[', '"']) {
            of_json(document)?
        } else {
            vec![Entry::Bare(of_text(text)?)]
        };
        if entries.len() > limits.keys { Err(KeySetError::TooLarge) } else { Ok(entries) }
    }

    /// The key, if it may be used.
    pub(crate) fn usable(&self, limits: KeySetLimits) -> Result<Jwk, Unusable> {
        let jwk = match self {
            Self::Jwk(member) => Jwk::parse(*member)?,
            Self::Named { kid, pem } => {
                let material = pem::key(pem).map_err(|fault| match fault {
                    NotAKey::Private => Unusable::Private,
                    NotAKey::Unusable(unusable) => unusable,
                    NotAKey::Other | NotAKey::Several => Unusable::Malformed,
                })?;
                Jwk::bare(Some(kid), &material)?
            }
            Self::Bare(material) => Jwk::bare(None, material.as_ref().map_err(|unusable| *unusable)?)?,
        };
        let is_public = is_public_test_key(jwk.thumbprint()) && !limits.public_test_keys;
        if is_public { Err(Unusable::PublicTestKey) } else { Ok(jwk) }
    }
}

fn of_json(json: &[u8]) -> Result<Vec<Entry<'_>>, KeySetError> {
    let document = Object::parse_outer(json).map_err(|_| KeySetError::NotJson)?;
    if let Some(members) = document.get("keys").and_then(Raw::as_array) {
        return Ok(members.into_iter().map(Entry::Jwk).collect());
    }
    let named = |(kid, value): (&str, Raw<'_>)| {
        let pem = value.as_str().filter(|text| pem::is_meant(text))?.into_owned();
        Some(Entry::Named { kid: kid.to_owned(), pem })
    };
    let all: Option<Vec<_>> = document.iter().map(named).collect();
    all.filter(|all| !all.is_empty()).ok_or(KeySetError::NoKeys)
}

fn of_text(text: &str) -> Result<Result<Material, Unusable>, KeySetError> {
    if !pem::is_meant(text) {
        return pem::key_without_label(text).ok_or(KeySetError::NotJson);
    }
    match pem::key(text) {
        Ok(material) => Ok(Ok(material)),
        Err(NotAKey::Unusable(unusable)) => Ok(Err(unusable)),
        Err(NotAKey::Private) => Err(KeySetError::PrivateKey),
        Err(NotAKey::Several) => Err(KeySetError::SeveralInPem),
        Err(NotAKey::Other) => Err(KeySetError::NotPem),
    }
}

/// The text is not a key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetError {
    /// There is no array `keys`, and it is not a map from names to keys in PEM either.
    NoKeys,
    /// The text is not one JSON object, nor a public key or certificate in PEM.
    NotJson,
    /// The text is PEM, and not that of a public key or of a certificate.
    NotPem,
    /// A private key is in it, which nobody who verifies tokens needs.
    PrivateKey,
    /// There is more than one key or certificate in the PEM, so that it does not say which of them signs.
    SeveralInPem,
    /// More bytes or more keys than the limit: 16 MiB for a given set, 256 KiB and 100 keys for a fetched one.
    TooLarge,
}

impl KeySetError {
    /// What to do about it, for whoever has given the text.
    pub(crate) const fn hint(self) -> &'static str {
        match self {
            Self::NoKeys | Self::NotJson => "save the answer of the issuer's jwks_uri: {\"keys\": [...]}",
            Self::NotPem => {
                "give the public key (-----BEGIN PUBLIC KEY-----) or the certificate of the issuer's signing key"
            }
            Self::PrivateKey => {
                "give the public key alone, and take the private one away from here: whoever reads it can sign tokens"
            }
            Self::SeveralInPem => {
                "give the one certificate or public key that signs tokens, without those that issued it; several keys stand \
                 in a JWK Set"
            }
            Self::TooLarge => "a key set has at most 16 MiB",
        }
    }
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoKeys => "the JSON has no array `keys`: it is not a JWK Set",
            Self::NotJson => "the text is not one JSON object",
            Self::NotPem => "the PEM is not that of a public key or of a certificate",
            Self::PrivateKey => "there is a private key in the PEM",
            Self::SeveralInPem => "there is more than one key or certificate in the PEM",
            Self::TooLarge => "the key set has more bytes or keys than the limit",
        })
    }
}

impl std::error::Error for KeySetError {}
