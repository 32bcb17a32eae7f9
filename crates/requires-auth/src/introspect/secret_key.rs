//! The private key by which a client says who it is (RFC 7523 §2.2): read from PEM or a JWK, and used for nothing else.

use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::jose::base64url;
use crate::jose::json::{Object, Raw};

/// A key that signs, with the header that its signatures have.
pub(super) struct PrivateKey {
    pair: Pair,
    header: String,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
}

/// The curves of ECDSA, with their names in a JWK (RFC 7518 §6.2.1.1), their algorithms and the length of a coordinate.
const CURVES: [(&str, &str, &EcdsaSigningAlgorithm, usize); 3] = [
    ("P-256", "ES256", &ECDSA_P256_SHA256_FIXED_SIGNING, 32),
    ("P-384", "ES384", &ECDSA_P384_SHA384_FIXED_SIGNING, 48),
    ("P-521", "ES512", &ECDSA_P521_SHA512_FIXED_SIGNING, 66),
];

impl PrivateKey {
    /// Reads a JWK (RFC 7517 §4) or PEM (RFC 7468 §10: `PRIVATE KEY`, `EC PRIVATE KEY`, `RSA PRIVATE KEY`); `None` if it
    /// is neither, encrypted, or not a key that can be used. Nothing of the text is kept for a message.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim();
        if text.starts_with('{') {
            Self::of_jwk(&Object::parse(text.as_bytes()).ok()?)
        } else {
            Self::of_pem(text)
        }
    }

    fn new(pair: Pair, algorithm: &str, kid: Option<&str>) -> Self {
        let mut header = serde_json::json!({ "alg": algorithm, "typ": "JWT" });
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        Self { pair, header: header.to_string() }
    }

    fn of_pem(text: &str) -> Option<Self> {
        let (label, rest) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
        let (encoded, after) = rest.split_once("-----END ")?;
        if after.trim_end() != format!("{label}-----") {
            return None;
        }
        let encoded: String = encoded.split_ascii_whitespace().collect();
        let der = STANDARD.decode(encoded).ok()?;
        let of_ec = |read: fn(&'static EcdsaSigningAlgorithm, &[u8]) -> Option<EcdsaKeyPair>| {
            let mut curves = CURVES.iter();
            curves.find_map(|(_, name, curve, _)| Some(Self::new(Pair::Ec(read(curve, &der)?), name, None)))
        };
        let of_rsa =
            |pair: RsaKeyPair| Self::new(Pair::Rsa(Box::new(pair), &RSA_PKCS1_SHA256), "RS256", None);
        match label {
            "PRIVATE KEY" => of_ec(|curve, der| EcdsaKeyPair::from_pkcs8(curve, der).ok())
                .or_else(|| {
                    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok()?;
                    Some(Self::new(Pair::Ed25519(pair), "EdDSA", None))
                })
                .or_else(|| RsaKeyPair::from_pkcs8(&der).ok().map(of_rsa)),
            "EC PRIVATE KEY" => of_ec(|curve, der| EcdsaKeyPair::from_private_key_der(curve, der).ok()),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok().map(of_rsa),
            _ => None,
        }
    }

    fn of_jwk(jwk: &Object<'_>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Raw::as_str);
        let bytes = |name: &str| base64url::decode(&text(name)?).ok();
        let (algorithm, kid) = (text("alg"), text("kid"));
        let (algorithm, kid) = (algorithm.as_deref(), kid.as_deref());
        match (text("kty")?.as_ref(), text("crv").as_deref()) {
            ("EC", Some(curve)) => {
                let (_, name, curve, length) = CURVES.into_iter().find(|(own, ..)| *own == curve)?;
                let (d, x, y) = (
                    padded(bytes("d")?, length)?,
                    padded(bytes("x")?, length)?,
                    padded(bytes("y")?, length)?,
                );
                let point = [&[4], x.as_slice(), &y].concat();
                let pair = EcdsaKeyPair::from_private_key_and_public_key(curve, &d, &point).ok()?;
                is_for(algorithm, &[name]).then(|| Self::new(Pair::Ec(pair), name, kid))
            }
            ("OKP", Some("Ed25519")) => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes("d")?, &bytes("x")?).ok()?;
                is_for(algorithm, &["EdDSA", "Ed25519"])
                    .then(|| Self::new(Pair::Ed25519(pair), algorithm.unwrap_or("EdDSA"), kid))
            }
            ("RSA", _) => {
                let pair = RsaKeyPair::from_components(&KeyPairComponents {
                    public_key: PublicKeyComponents { n: bytes("n")?, e: bytes("e")? },
                    d: bytes("d")?,
                    p: bytes("p")?,
                    q: bytes("q")?,
                    dP: bytes("dp")?,
                    dQ: bytes("dq")?,
                    qInv: bytes("qi")?,
                });
                let (name, padding): (_, &'static dyn RsaEncoding) = match algorithm {
                    None | Some("RS256") => ("RS256", &RSA_PKCS1_SHA256),
                    Some("PS256") => ("PS256", &RSA_PSS_SHA256),
                    Some(_) => return None,
                };
                Some(Self::new(Pair::Rsa(Box::new(pair.ok()?), padding), name, kid))
            }
            _ => None,
        }
    }

    /// A signed JWT with these claims (RFC 7515 §3.1); `None` if the operating system has no randomness.
    pub(super) fn sign(&self, claims: &str) -> Option<String> {
        let encode = |text: &[u8]| URL_SAFE_NO_PAD.encode(text);
        let input = format!("{}.{}", encode(self.header.as_bytes()), encode(claims.as_bytes()));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ec(pair) => pair.sign(&random, input.as_bytes()).ok()?.as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(input.as_bytes()).as_ref().to_vec(),
            Pair::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &random, input.as_bytes(), &mut signature).ok()?;
                signature
            }
        };
        Some(format!("{input}.{}", encode(&signature)))
    }
}

/// 128 random bits as text, for a `jti`; `None` if the operating system has no randomness.
pub(super) fn random_name() -> Option<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether the `alg` of a JWK, if it has one, is among these.
fn is_for(algorithm: Option<&str>, names: &[&str]) -> bool {
    algorithm.is_none_or(|algorithm| names.contains(&algorithm))
}

/// A number of the curve in its full length (RFC 7518 §6.2.1.2); some tools leave out leading zeros.
fn padded(bytes: Vec<u8>, length: usize) -> Option<Vec<u8>> {
    let missing = length.checked_sub(bytes.len())?;
    Some([vec![0; missing], bytes].concat())
}

#[cfg(test)]
pub(super) mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;

    use super::*;

    /// A new key pair for an algorithm, in PKCS#8.
    pub(in crate::introspect) fn pkcs8(algorithm: &str) -> Vec<u8> {
        let curve = CURVES.iter().find(|(_, name, ..)| *name == algorithm);
        match (algorithm, curve) {
            (_, Some((.., curve, _))) => {
                let pair = EcdsaKeyPair::generate(curve).expect("a pair");
                pair.to_pkcs8v1().expect("PKCS#8").as_ref().to_vec()
            }
            ("RS256", _) => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a pair");
                pair.as_der().expect("PKCS#8").as_ref().to_vec()
            }
            _ => Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a pair").as_ref().to_vec(),
        }
    }

    /// RFC 7515 §A.3.1, RFC 8037 §A.1: keys as a JWK, one with its `kid` and its `alg`.
    #[test]
    fn a_jwk_gives_key_algorithm_and_kid() {
        let ec = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","kid":"k1"}"#;
        let read = PrivateKey::parse(ec.as_bytes()).expect("a key");
        let header: serde_json::Value = serde_json::from_str(&read.header).expect("JSON");
        assert_eq!(header, serde_json::json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" }));
        assert_eq!(read.sign("{}").expect("a JWT").split('.').count(), 3);
        let okp = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let signed = PrivateKey::parse(okp.as_bytes()).and_then(|key| key.sign("{}")).expect("a JWT");
        assert_eq!(signed, PrivateKey::parse(okp.as_bytes()).and_then(|key| key.sign("{}")).expect("a JWT"));
        for wrong in [
            ec.replace("\"d\"", "\"e\""),
            ec.replace("P-256", "P-384"),
            ec.replace("\"kid\":\"k1\"", "\"alg\":\"ES384\""),
            ec.replace("f83O", "g83O"),
            okp.replace("11qY", "21qY"),
            okp.replace("Ed25519", "X25519"),
            r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned(),
        ] {
            assert!(PrivateKey::parse(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
