//! One key of a set (RFC 7517 §4): usable as it stands, or skipped with the reason.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::alg::{Algorithm, KeyType};
use super::base64url;
use super::digest::sha256;
use super::json::{Object, Raw};
use super::signature::{KeyMaterial, PublicKey};

/// A longer `kid` is nobody's: keys that have one are skipped, so a token with one finds no key.
const MAX_KID_BYTES: usize = 1024;

/// RFC 7518 §3.3: at least 2048 bits. At most 8192: beyond, one signature costs milliseconds.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A larger RSA exponent buys nothing and costs time on each signature.
const MAX_RSA_EXPONENT: u64 = 1 << 32;

/// Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 9964 §3).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A key that verifies signatures.
#[derive(Debug)]
pub(crate) struct Jwk {
    kid: Option<Box<str>>,
    thumbprint: Thumbprint,
    public: PublicKey,
}

impl Jwk {
    /// Reads a key from its JSON.
    pub(crate) fn parse(value: Raw<'_>) -> Result<Self, Unusable> {
        let jwk = value.as_object().ok_or(Unusable::Malformed)?;
        if PRIVATE_MEMBERS.iter().any(|member| jwk.get(member).is_some()) {
            return Err(Unusable::Private);
        }
        check_use(&jwk)?;
        let kid = match jwk.get("kid") {
            Some(kid) => Some(kid.as_str().ok_or(Unusable::Malformed)?),
            None => None,
        };
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(Unusable::Malformed);
        }
        let named = match jwk.get("alg") {
            Some(name) => Some(algorithm(name)?),
            None => None,
        };
        let (key_type, material, thumbprint) = material(&jwk)?;
        // RFC 8725 §3.1: a key serves the algorithms of its own type and curve, and of its `alg` if it has one.
        let fits = |algorithm: &Algorithm| algorithm.key_type() == key_type;
        let algorithms = match named {
            Some(algorithm) if fits(&algorithm) => vec![algorithm],
            Some(_) => return Err(Unusable::AlgorithmMismatch),
            None => Algorithm::ALL.iter().copied().filter(fits).collect(),
        };
        let public = PublicKey::parse(&material, algorithms.into_iter()).ok_or(Unusable::Invalid)?;
        Ok(Self { kid: kid.map(Into::into), thumbprint, public })
    }

    /// Whether both are the same key with the same name for the same algorithms.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.kid == other.kid
            && self.thumbprint == other.thumbprint
            && self.public.algorithms().eq(other.public.algorithms())
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(crate) const fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) const fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }
}

/// The SHA-256 thumbprint of a key (RFC 7638).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Thumbprint([u8; 32]);

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
            Self::Invalid => "it is not a valid public key of its type, or its size is out of range",
            Self::Malformed => "a member is missing, duplicated or of the wrong type",
            Self::OtherUse => "its use or key_ops is not for verifying signatures",
            Self::Private => "it is a private or symmetric key",
            Self::PublicTestKey => "it is a published test key with which anyone can sign",
            Self::Unsupported => "its type, curve or algorithm is not supported",
        })
    }
}

/// RFC 7517 §4.2, §4.3.
fn check_use(jwk: &Object<'_>) -> Result<(), Unusable> {
    if let Some(usage) = jwk.get("use") {
        let usage = usage.as_str().ok_or(Unusable::Malformed)?;
        if usage != "sig" {
            return Err(Unusable::OtherUse);
        }
    }
    if let Some(operations) = jwk.get("key_ops") {
        let operations = operations.as_array().ok_or(Unusable::Malformed)?;
        if !operations.iter().any(|operation| operation.as_str().as_deref() == Some("verify")) {
            return Err(Unusable::OtherUse);
        }
    }
    Ok(())
}

fn algorithm(name: Raw<'_>) -> Result<Algorithm, Unusable> {
    let name = name.as_str().ok_or(Unusable::Malformed)?;
    Algorithm::from_name(&name).ok_or(Unusable::Unsupported)
}

/// The type of a key, its public part, and its thumbprint.
fn material(jwk: &Object<'_>) -> Result<(KeyType, KeyMaterial, Thumbprint), Unusable> {
    let member = |name| jwk.get(name).and_then(Raw::as_str).ok_or(Unusable::Malformed);
    let bytes = |name| base64url::decode(&member(name)?).map_err(|_| Unusable::Malformed);
    let find = |matches: &dyn Fn(KeyType) -> bool| {
        let mut types = Algorithm::ALL.iter().map(|algorithm| algorithm.key_type());
        types.find(|&key_type| matches(key_type)).ok_or(Unusable::Unsupported)
    };
    match member("kty")?.as_ref() {
        "EC" => {
            let crv = member("crv")?;
            let key_type = find(&|key_type| matches!(key_type, KeyType::Ec { curve, .. } if curve == crv))?;
            let KeyType::Ec { curve, coordinate_bytes } = key_type else { return Err(Unusable::Unsupported) };
            let (x, y) = (padded(&bytes("x")?, coordinate_bytes)?, padded(&bytes("y")?, coordinate_bytes)?);
            let thumbprint =
                thumbprint(&[("crv", curve), ("kty", "EC"), ("x", &encode(&x)), ("y", &encode(&y))]);
            let point = [&[4][..], &x, &y].concat();
            Ok((key_type, KeyMaterial::Bytes(point), thumbprint))
        }
        "OKP" => {
            let crv = member("crv")?;
            let key_type = find(&|key_type| matches!(key_type, KeyType::Okp(curve) if curve == crv))?;
            let x = bytes("x")?;
            let thumbprint = thumbprint(&[("crv", &crv), ("kty", "OKP"), ("x", &encode(&x))]);
            Ok((key_type, KeyMaterial::Bytes(x), thumbprint))
        }
        "AKP" => {
            // RFC 9964 §3: `alg` is required and names the parameter set.
            let alg = member("alg")?;
            let key_type = find(&|key_type| matches!(key_type, KeyType::Akp(name) if name == alg))?;
            let public = bytes("pub")?;
            let thumbprint = thumbprint(&[("alg", &alg), ("kty", "AKP"), ("pub", &encode(&public))]);
            Ok((key_type, KeyMaterial::Bytes(public), thumbprint))
        }
        "RSA" => {
            let (modulus, exponent) = (without_zeros(bytes("n")?), without_zeros(bytes("e")?));
            check_rsa(&modulus, &exponent)?;
            let thumbprint =
                thumbprint(&[("e", &encode(&exponent)), ("kty", "RSA"), ("n", &encode(&modulus))]);
            Ok((KeyType::Rsa, KeyMaterial::Rsa { modulus, exponent }, thumbprint))
        }
        _ => Err(Unusable::Unsupported),
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

fn without_zeros(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.drain(..zeros);
    number
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// RFC 7638 §3.1. The values hold only base64url and registered names, so nothing needs escaping.
fn thumbprint(members: &[(&str, &str)]) -> Thumbprint {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    Thumbprint(sha256(format!("{{{}}}", members.join(",")).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Jwk, Unusable> {
        let outer = format!("{{\"key\":{json}}}");
        let object = Object::parse_outer(outer.as_bytes()).expect("an object");
        Jwk::parse(object.get("key").expect("a key"))
    }

    /// RFC 7638 §3.1.
    const RSA_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    #[test]
    fn thumbprint_is_that_of_rfc_7638() {
        let jwk =
            parse(&format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"AQAB","alg":"RS256","kid":"2011-04-29"}}"#));
        assert_eq!(
            jwk.expect("a key").thumbprint().to_string(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn an_rsa_key_without_alg_serves_both_families() {
        let jwk = parse(&format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"AQAB"}}"#)).expect("a key");
        assert_eq!(jwk.public().algorithms().count(), 6);
        let jwk =
            parse(&format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"AAEAAQ","alg":"PS256"}}"#)).expect("a key");
        assert_eq!(jwk.public().algorithms().collect::<Vec<_>>(), [Algorithm::Ps256]);
    }

    #[test]
    fn the_same_key_has_the_same_name_material_and_algorithms() {
        let key = |n: &str, members: &str| {
            parse(&format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"{members}}}"#)).expect("a key")
        };
        let one = key(RSA_N, r#","kid":"a","alg":"RS256""#);
        assert!(one.is_same(&key(RSA_N, r#","alg":"RS256","kid":"a","use":"sig""#)));
        assert!(!one.is_same(&key(RSA_N, r#","kid":"b","alg":"RS256""#)), "another name");
        assert!(!one.is_same(&key(RSA_N, r#","kid":"a","alg":"PS256""#)), "another algorithm");
        assert!(!one.is_same(&key(RSA_N, r#","kid":"a""#)), "more algorithms");
        let other = RSA_N.replacen("0vx7", "0vx8", 1);
        assert!(!one.is_same(&key(&other, r#","kid":"a","alg":"RS256""#)), "another modulus");
    }

    #[test]
    fn each_fault_skips_the_key_for_its_own_reason() {
        let rsa =
            |members: &str| parse(&format!(r#"{{"kty":"RSA","n":"{RSA_N}","e":"AQAB"{members}}}"#)).err();
        assert_eq!(rsa(""), None);
        assert_eq!(rsa(r#","unknown":[1,{"a":2}]"#), None);
        assert_eq!(rsa(r#","use":"sig","key_ops":["verify","x"]"#), None);
        assert_eq!(rsa(r#","use":"enc""#), Some(Unusable::OtherUse));
        assert_eq!(rsa(r#","use":5"#), Some(Unusable::Malformed));
        assert_eq!(rsa(r#","key_ops":["sign"]"#), Some(Unusable::OtherUse));
        assert_eq!(rsa(r#","key_ops":"verify""#), Some(Unusable::Malformed));
        assert_eq!(rsa(r#","kid":5"#), Some(Unusable::Malformed));
        assert_eq!(rsa(&format!(r#","kid":"{}""#, "k".repeat(1024))), None);
        assert_eq!(rsa(&format!(r#","kid":"{}""#, "k".repeat(1025))), Some(Unusable::Malformed));
        assert_eq!(rsa(r#","kty":"RSA""#), Some(Unusable::Malformed));
        assert_eq!(rsa(r#","d":"AQAB""#), Some(Unusable::Private));
        assert_eq!(rsa(r#","alg":"ES256""#), Some(Unusable::AlgorithmMismatch));
        assert_eq!(rsa(r#","alg":"RSA-OAEP""#), Some(Unusable::Unsupported));
        assert_eq!(rsa(r#","alg":7"#), Some(Unusable::Malformed));
    }

    #[test]
    fn rsa_numbers_have_bounds() {
        let with = |n: &str, e: &str| parse(&format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#)).err();
        let modulus = |bytes: usize, first: u8| {
            let mut modulus = vec![0xFF; bytes];
            modulus[0] = first;
            encode(&modulus)
        };
        assert_eq!(with(&modulus(256, 0x80), "AQAB"), None, "2048 bits");
        assert_eq!(with(&modulus(256, 0x7F), "AQAB"), Some(Unusable::Invalid), "2047 bits");
        assert_eq!(with(&modulus(1024, 0xFF), "AQAB"), None, "8192 bits");
        assert_eq!(with(&modulus(1025, 0x01), "AQAB"), Some(Unusable::Invalid), "8193 bits");
        assert_eq!(with(RSA_N, "Aw"), None, "e = 3");
        assert_eq!(with(RSA_N, "AQ"), Some(Unusable::Invalid), "e = 1");
        assert_eq!(with(RSA_N, "Ag"), Some(Unusable::Invalid), "e even");
        assert_eq!(with(RSA_N, ""), Some(Unusable::Invalid), "no e");
        assert_eq!(with(RSA_N, &encode(&[1, 0, 0, 0, 1])), Some(Unusable::Invalid), "e above 2^32");
        assert_eq!(with(RSA_N, &encode(&[1; 9])), Some(Unusable::Invalid), "e above 2^64");
    }

    #[test]
    fn unknown_types_are_unsupported_and_symmetric_keys_private() {
        assert_eq!(
            parse(r#"{"kty":"EC","crv":"P-192","x":"AA","y":"AA"}"#).err(),
            Some(Unusable::Unsupported)
        );
        assert_eq!(parse(r#"{"kty":"OKP","crv":"Ed448","x":"AA"}"#).err(), Some(Unusable::Unsupported));
        assert_eq!(parse(r#"{"kty":"AKP","alg":"SLH-DSA","pub":"AA"}"#).err(), Some(Unusable::Unsupported));
        assert_eq!(parse(r#"{"kty":"AKP","pub":"AA"}"#).err(), Some(Unusable::Malformed));
        assert_eq!(parse(r#"{"kty":"oct","k":"AA"}"#).err(), Some(Unusable::Private));
        assert_eq!(parse(r#"{"kty":"LMS"}"#).err(), Some(Unusable::Unsupported));
        assert_eq!(parse("5").err(), Some(Unusable::Malformed));
    }
}
