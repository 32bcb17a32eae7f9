//! Public keys that verify: those of clients that authenticate by a signature (RFC 7523).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The names of the algorithms that a [`VerifyingKey`] verifies, as metadata list them.
pub(crate) const VERIFIED_ALGORITHMS: [&str; 11] =
    ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

/// The curves of ECDSA: name in a JWK, algorithm, verification and length of a coordinate (RFC 7518 §3.4 and §6.2.1).
const CURVES: [(&str, &str, &dyn VerificationAlgorithm, usize); 3] = [
    ("P-256", "ES256", &ECDSA_P256_SHA256_FIXED, 32),
    ("P-384", "ES384", &ECDSA_P384_SHA384_FIXED, 48),
    ("P-521", "ES512", &ECDSA_P521_SHA512_FIXED, 66),
];

/// The two paddings of RSA, each with three hash functions (RFC 7518 §3.3 and §3.5).
const PADDINGS: [(&str, &RsaParameters); 6] = [
    ("RS256", &RSA_PKCS1_2048_8192_SHA256),
    ("RS384", &RSA_PKCS1_2048_8192_SHA384),
    ("RS512", &RSA_PKCS1_2048_8192_SHA512),
    ("PS256", &RSA_PSS_2048_8192_SHA256),
    ("PS384", &RSA_PSS_2048_8192_SHA384),
    ("PS512", &RSA_PSS_2048_8192_SHA512),
];

/// A public key out of a JWK, for signatures alone.
#[derive(Clone, Debug)]
pub(crate) struct VerifyingKey {
    kid: Option<String>,
    /// The one algorithm that the JWK allows; without it, each that the type allows.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Ec { algorithm: &'static str, verification: &'static dyn VerificationAlgorithm, point: Vec<u8> },
    Ed25519 { x: Vec<u8> },
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

impl VerifyingKey {
    /// Reads a public JWK (RFC 7517 §4); `None` if it is private, for encryption, or of a type that is not verified here.
    pub(crate) fn of_jwk(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok().filter(|bytes| !bytes.is_empty());
        if jwk.get("d").is_some() || text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let material = match (text("kty")?, text("crv")) {
            ("EC", Some(curve)) => {
                let (_, algorithm, verification, length) =
                    CURVES.into_iter().find(|(name, ..)| *name == curve)?;
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != length || y.len() != length {
                    return None;
                }
                Material::Ec { algorithm, verification, point: [vec![4], x, y].concat() }
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519 { x: bytes("x").filter(|x| x.len() == 32)? },
            ("RSA", _) => Material::Rsa { modulus: bytes("n")?, exponent: bytes("e")? },
            _ => return None,
        };
        let owned = |name: &str| text(name).map(str::to_owned);
        let key = Self { kid: owned("kid"), algorithm: owned("alg"), material };
        key.algorithm.as_deref().is_none_or(|name| key.can(name)).then_some(key)
    }

    /// Whether a header may mean this key: it names no key, or this one, or the key has no name.
    pub(crate) fn is_named(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.kid.as_deref().is_none_or(|own| own == kid))
    }

    /// Whether the signature of the message is that of this key by the algorithm.
    pub(crate) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        if !self.can(algorithm) || self.algorithm.as_deref().is_some_and(|own| !is_same(own, algorithm)) {
            return false;
        }
        match &self.material {
            Material::Ec { verification, point, .. } => {
                UnparsedPublicKey::new(*verification, point).verify(message, signature).is_ok()
            }
            Material::Ed25519 { x } => UnparsedPublicKey::new(&ED25519, x).verify(message, signature).is_ok(),
            Material::Rsa { modulus, exponent } => padding(algorithm).is_some_and(|padding| {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(padding, message, signature).is_ok()
            }),
        }
    }

    fn can(&self, name: &str) -> bool {
        match &self.material {
            Material::Ec { algorithm, .. } => *algorithm == name,
            Material::Ed25519 { .. } => is_same("EdDSA", name),
            Material::Rsa { .. } => padding(name).is_some(),
        }
    }
}

fn padding(algorithm: &str) -> Option<&'static RsaParameters> {
    PADDINGS.into_iter().find(|(name, _)| *name == algorithm).map(|(_, padding)| padding)
}

/// `EdDSA` (RFC 8037) and `Ed25519` (RFC 9864) mean the same here.
fn is_same(one: &str, other: &str) -> bool {
    let is_ed25519 = |name| matches!(name, "EdDSA" | "Ed25519");
    one == other || is_ed25519(one) && is_ed25519(other)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::VerifyingKey;
    use crate::{Algorithm, SigningKey};

    const MESSAGE: &[u8] = b"header.payload";

    fn verified() -> impl Iterator<Item = &'static SigningKey> {
        let others =
            [Algorithm::Es256k, Algorithm::MlDsa44, Algorithm::MlDsa65, Algorithm::MlDsa87].as_slice();
        let algorithms = Algorithm::ALL.into_iter().filter(move |algorithm| !others.contains(algorithm));
        algorithms.map(SigningKey::fixed)
    }

    #[test]
    fn a_signature_counts_for_its_key_message_and_algorithm_alone() {
        for key in verified() {
            let (name, signature) = (key.algorithm().name(), key.sign(MESSAGE));
            let public = VerifyingKey::of_jwk(&key.public_jwk()).expect(name);
            assert!(public.verifies(name, MESSAGE, &signature), "{name}");
            assert!(!public.verifies(name, b"another", &signature), "{name}");
            assert!(!public.verifies("none", MESSAGE, &signature), "{name}");
            assert!(!public.verifies(name, MESSAGE, b""), "{name}");
            let other = VerifyingKey::of_jwk(&SigningKey::second(key.algorithm()).public_jwk()).expect(name);
            assert!(!other.verifies(name, MESSAGE, &signature), "{name}");
            let wrong = if name == "RS256" { "PS256" } else { "RS256" };
            assert!(!public.verifies(wrong, MESSAGE, &key.sign(MESSAGE)), "{name} as {wrong}");
        }
    }

    #[test]
    fn a_name_is_compared_where_both_sides_have_one() {
        let jwk = SigningKey::fixed(Algorithm::Es256).clone().with_kid("one").public_jwk();
        let key = VerifyingKey::of_jwk(&jwk).expect("a public key");
        assert!(key.is_named(None) && key.is_named(Some("one")) && !key.is_named(Some("two")));
    }

    #[test]
    fn a_jwk_that_is_not_a_public_key_for_signatures_is_refused() {
        let spoiled = |name: &str, value: Value| {
            let mut jwk = SigningKey::fixed(Algorithm::Es256).public_jwk();
            jwk[name] = value;
            jwk
        };
        for jwk in [
            json!(null),
            json!({}),
            spoiled("d", json!("AA")),
            spoiled("use", json!("enc")),
            spoiled("alg", json!("ES384")),
            spoiled("crv", json!("P-384")),
            spoiled("x", json!("AA")),
            spoiled("y", json!("!")),
            spoiled("kty", json!("oct")),
        ] {
            assert!(VerifyingKey::of_jwk(&jwk).is_none(), "{jwk}");
        }
    }
}
