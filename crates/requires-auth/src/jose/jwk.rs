//! One key of a set (RFC 7517 §4): usable as it stands, or skipped with the reason.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::alg::{Algorithm, KeyType};
use super::base64url;
use super::json::{Object, Raw};
use super::material::Material;
pub(crate) use super::material::Thumbprint;
pub use super::material::Unusable;
use super::signature::PublicKey;
use super::spki;

/// A longer `kid` is nobody's: keys that have one are skipped, so a token with one finds no key.
const MAX_KID_BYTES: usize = 1024;

/// Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 9964 §3).
const PRIVATE_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A key that verifies signatures.
#[derive(Debug)]
pub(crate) struct Jwk {
    kid: Option<Box<str>>,
    thumbprint: Thumbprint,
    public: PublicKey,
    /// For which issuer it is, where a set is shared by many.
    issuer: Option<Box<str>>,
}

impl Jwk {
    /// Reads a key from its JSON.
    pub(crate) fn parse(value: Raw<'_>) -> Result<Self, Unusable> {
        Self::read(value, None)
    }

    /// Reads a key that is used with this algorithm alone, such as the one in the header of a proof.
    pub(crate) fn parse_for(value: Raw<'_>, algorithm: Algorithm) -> Result<Self, Unusable> {
        Self::read(value, Some(algorithm))
    }

    fn read(value: Raw<'_>, wanted: Option<Algorithm>) -> Result<Self, Unusable> {
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
        let named = match (named, wanted) {
            (Some(named), Some(wanted)) if named != wanted => return Err(Unusable::AlgorithmMismatch),
            (named, wanted) => named.or(wanted),
        };
        let issuer = jwk.get("issuer").and_then(Raw::as_str).map(Into::into);
        Ok(Self { issuer, ..Self::of(kid.map(Into::into), named, &material(&jwk)?)? })
    }

    /// A key that comes without members of its own, from a certificate or in PEM.
    pub(crate) fn bare(kid: Option<&str>, material: &Material) -> Result<Self, Unusable> {
        if kid.is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(Unusable::Malformed);
        }
        Self::of(kid.map(Into::into), None, material)
    }

    fn of(kid: Option<Box<str>>, named: Option<Algorithm>, material: &Material) -> Result<Self, Unusable> {
        // RFC 8725 §3.1: a key serves the algorithms of its own type and curve, and of its `alg` if it has one.
        let fits = |algorithm: &Algorithm| algorithm.key_type() == material.key_type();
        let algorithms = match named {
            Some(algorithm) if fits(&algorithm) => vec![algorithm],
            Some(_) => return Err(Unusable::AlgorithmMismatch),
            None => Algorithm::ALL.iter().copied().filter(fits).collect(),
        };
        let public = PublicKey::parse(material.public(), algorithms.into_iter()).ok_or(Unusable::Invalid)?;
        Ok(Self { kid, thumbprint: *material.thumbprint(), public, issuer: None })
    }

    /// Whether both are the same key with the same name for the same algorithms.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.kid == other.kid
            && self.thumbprint == other.thumbprint
            && self.issuer == other.issuer
            && self.public.algorithms().eq(other.public.algorithms())
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The issuer that it is for, as its member `issuer` says at Entra ID, where `{tenantid}` stands for each tenant.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    pub(crate) const fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) const fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
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

/// The key that the members of a JWK describe, or the certificate in `x5c` where it stands for them (RFC 7517 §4.7).
fn material(jwk: &Object<'_>) -> Result<Material, Unusable> {
    let has_own = ["n", "x", "pub"].iter().any(|member| jwk.get(member).is_some());
    let Some(chain) = jwk.get("x5c") else { return own_material(jwk) };
    let certified = certified(chain);
    if !has_own {
        let certified = certified?;
        let fits =
            |name: &str, own: &str| jwk.get(name).is_none_or(|value| value.as_str().as_deref() == Some(own));
        let names = certified.key_type().names();
        let is_same_type = fits("kty", names.0) && names.1.is_none_or(|curve| fits("crv", curve));
        return if is_same_type { Ok(certified) } else { Err(Unusable::CertificateMismatch) };
    }
    let own = own_material(jwk)?;
    // A certificate that cannot be read says nothing, as before: the members are the key.
    match certified {
        Ok(certified) if certified.thumbprint() != own.thumbprint() => Err(Unusable::CertificateMismatch),
        _ => Ok(own),
    }
}

/// The key of the first certificate, which is that of the key itself. It is not looked at for its validity: that the issuer
/// publishes it here is what makes it good.
fn certified(chain: Raw<'_>) -> Result<Material, Unusable> {
    let chain = chain.as_array().ok_or(Unusable::Malformed)?;
    let first = chain.first().and_then(|first| first.as_str()).ok_or(Unusable::Malformed)?;
    let der = STANDARD.decode(first.as_bytes()).map_err(|_| Unusable::Malformed)?;
    spki::of_certificate(&der)
}

fn own_material(jwk: &Object<'_>) -> Result<Material, Unusable> {
    let member = |name| jwk.get(name).and_then(Raw::as_str).ok_or(Unusable::Malformed);
    let bytes = |name| base64url::decode(&member(name)?).map_err(|_| Unusable::Malformed);
    match member("kty")?.as_ref() {
        "EC" => {
            let key_type = KeyType::of_curve(&member("crv")?).ok_or(Unusable::Unsupported)?;
            Material::ec(key_type, &bytes("x")?, &bytes("y")?)
        }
        "OKP" => {
            let key_type = KeyType::of_okp(&member("crv")?).ok_or(Unusable::Unsupported)?;
            Material::okp(key_type, bytes("x")?)
        }
        "AKP" => {
            // RFC 9964 §3: `alg` is required and names the parameter set.
            let key_type = KeyType::of_akp(&member("alg")?).ok_or(Unusable::Unsupported)?;
            Material::akp(key_type, bytes("pub")?)
        }
        "RSA" => Material::rsa(&bytes("n")?, &bytes("e")?),
        _ => Err(Unusable::Unsupported),
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn encode(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn parse(json: &str) -> Result<Jwk, Unusable> {
        let outer = format!("{{\"key\":{json}}}");
        let object = Object::parse_outer(outer.as_bytes()).expect("an object");
        Jwk::parse(object.get("key").expect("a key"))
    }

    #[test]
    fn a_key_for_one_algorithm_serves_that_alone() {
        let for_one = |members: &str, algorithm| {
            let outer = format!(r#"{{"key":{{"kty":"RSA","n":"{RSA_N}","e":"AQAB"{members}}}}}"#);
            let object = Object::parse(outer.as_bytes()).expect("an object");
            Jwk::parse_for(object.get("key").expect("a key"), algorithm)
        };
        let algorithms = |jwk: Jwk| jwk.public().algorithms().collect::<Vec<_>>();
        assert_eq!(for_one("", Algorithm::Ps256).map(algorithms), Ok(vec![Algorithm::Ps256]));
        assert_eq!(
            for_one(r#","alg":"PS256""#, Algorithm::Ps256).map(algorithms),
            Ok(vec![Algorithm::Ps256])
        );
        assert_eq!(for_one(r#","alg":"RS256""#, Algorithm::Ps256).err(), Some(Unusable::AlgorithmMismatch));
        assert_eq!(for_one("", Algorithm::Es256).err(), Some(Unusable::AlgorithmMismatch));
        assert_eq!(for_one(r#","d":"AA""#, Algorithm::Ps256).err(), Some(Unusable::Private));
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
