//! The public part of a key, wherever it was written: members of a JWK, a certificate, PEM.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::alg::KeyType;
use super::digest::sha256;
use super::signature::KeyMaterial;

/// RFC 7518 §3.3: at least 2048 bits. At most 8192: beyond, one signature costs milliseconds.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A larger RSA exponent buys nothing and costs time on each signature.
const MAX_RSA_EXPONENT: u64 = 1 << 32;

/// The type of a key, its public part, and its thumbprint.
pub(crate) struct Material {
    key_type: KeyType,
    public: KeyMaterial,
    thumbprint: Thumbprint,
}

impl Material {
    /// A point on a curve. Coordinates that are too short are filled up.
    pub(crate) fn ec(key_type: KeyType, x: &[u8], y: &[u8]) -> Result<Self, Unusable> {
        let KeyType::Ec { curve, coordinate_bytes } = key_type else { return Err(Unusable::Unsupported) };
        let (x, y) = (padded(x, coordinate_bytes)?, padded(y, coordinate_bytes)?);
        let thumbprint = thumbprint(&[("crv", curve), ("kty", "EC"), ("x", &encode(&x)), ("y", &encode(&y))]);
        let point = [&[4][..], &x, &y].concat();
        Ok(Self { key_type, public: KeyMaterial::Bytes(point), thumbprint })
    }

    /// A key of RFC 8037.
    pub(crate) fn okp(key_type: KeyType, x: Vec<u8>) -> Result<Self, Unusable> {
        let KeyType::Okp(curve) = key_type else { return Err(Unusable::Unsupported) };
        let thumbprint = thumbprint(&[("crv", curve), ("kty", "OKP"), ("x", &encode(&x))]);
        Ok(Self { key_type, public: KeyMaterial::Bytes(x), thumbprint })
    }

    /// A key of RFC 9964.
    pub(crate) fn akp(key_type: KeyType, public: Vec<u8>) -> Result<Self, Unusable> {
        let KeyType::Akp(alg) = key_type else { return Err(Unusable::Unsupported) };
        let thumbprint = thumbprint(&[("alg", alg), ("kty", "AKP"), ("pub", &encode(&public))]);
        Ok(Self { key_type, public: KeyMaterial::Bytes(public), thumbprint })
    }

    /// Modulus and exponent, big-endian.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, Unusable> {
        let (modulus, exponent) = (without_zeros(modulus), without_zeros(exponent));
        check_rsa(&modulus, &exponent)?;
        let thumbprint = thumbprint(&[("e", &encode(&exponent)), ("kty", "RSA"), ("n", &encode(&modulus))]);
        Ok(Self { key_type: KeyType::Rsa, public: KeyMaterial::Rsa { modulus, exponent }, thumbprint })
    }

    pub(crate) const fn key_type(&self) -> KeyType {
        self.key_type
    }

    pub(crate) const fn public(&self) -> &KeyMaterial {
        &self.public
    }

    pub(crate) const fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }
}

/// The SHA-256 thumbprint of a key (RFC 7638).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// The SHA-256 itself.
    pub(crate) const fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a key of a set is not used. `Display` completes the sentence "the key is not used, because ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// `alg` is a signature algorithm, but not of this key's type and curve.
    AlgorithmMismatch,
    /// The certificate in `x5c` is that of another key (RFC 7517 §4.7).
    CertificateMismatch,
    /// The key is not on its curve, too small, too large, or otherwise not valid. An RSA key has 2048 to 8192 bits.
    Invalid,
    /// A member is missing, duplicated, or of the wrong type.
    Malformed,
    /// `use` or `key_ops` says that the key does not verify signatures.
    OtherUse,
    /// The set shows a private or symmetric key: whoever reads it can sign.
    Private,
    /// A key whose private half is published, by our testkit, an RFC or jwt.io: anyone can sign with it.
    PublicTestKey,
    /// The key type, curve or algorithm is not one that we verify.
    Unsupported,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlgorithmMismatch => "its alg does not fit its type and curve",
            Self::CertificateMismatch => "its x5c is the certificate of another key",
            Self::Invalid => "it is not a valid public key of its type, or its size is out of range",
            Self::Malformed => "a member is missing, duplicated or of the wrong type",
            Self::OtherUse => "its use or key_ops is not for verifying signatures",
            Self::Private => "it is a private or symmetric key",
            Self::PublicTestKey => "it is a published test key with which anyone can sign",
            Self::Unsupported => "its type, curve or algorithm is not supported",
        })
    }
}

/// RFC 7518 §6.2.1.2 wants coordinates as long as the field. Some servers strip leading zeros, so shorter
/// ones are filled up; longer ones are not coordinates.
fn padded(coordinate: &[u8], length: usize) -> Result<Vec<u8>, Unusable> {
    let missing = length.checked_sub(coordinate.len()).ok_or(Unusable::Malformed)?;
    let mut padded = vec![0; missing];
    padded.extend_from_slice(coordinate);
    Ok(padded)
}

fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), Unusable> {
    let leading_zeros = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let exponent =
        exponent.iter().try_fold(0_u64, |value, &byte| value.checked_mul(256)?.checked_add(byte.into()));
    let exponent_fits = exponent.is_some_and(|e| e % 2 == 1 && (3..=MAX_RSA_EXPONENT).contains(&e));
    let size_fits = RSA_BITS.contains(&(modulus.len() * 8 - leading_zeros));
    if exponent_fits && size_fits { Ok(()) } else { Err(Unusable::Invalid) }
}

fn without_zeros(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.iter().skip(zeros).copied().collect()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// RFC 7638 §3.1. The values hold only base64url and registered names, so nothing needs escaping.
fn thumbprint(members: &[(&str, &str)]) -> Thumbprint {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    Thumbprint(sha256(format!("{{{}}}", members.join(",")).as_bytes()))
}
