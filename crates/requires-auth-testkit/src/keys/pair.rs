//! The private keys of aws-lc-rs behind one type.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
    ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding, RsaKeyPair,
};

use crate::Algorithm;

const NO_RANDOMNESS: &str = "the operating system has randomness";

pub(super) enum Pair {
    Ec { curve: &'static str, pair: EcdsaKeyPair },
    Ed25519(Ed25519KeyPair),
    MlDsa { pair: PqdsaKeyPair, signature_length: usize },
    Rsa { pair: RsaKeyPair, padding: &'static dyn RsaEncoding },
}

/// A public key, cut into the parts that a JWK has.
pub(super) enum PublicKey {
    Akp { public: Vec<u8> },
    Ec { curve: &'static str, x: Vec<u8>, y: Vec<u8> },
    Okp { x: Vec<u8> },
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

/// What an algorithm needs from aws-lc-rs.
enum Scheme {
    Ec(&'static str, &'static EcdsaSigningAlgorithm),
    Ed25519,
    MlDsa(&'static PqdsaSigningAlgorithm),
    Rsa(&'static dyn RsaEncoding),
}

impl Scheme {
    fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Ed25519 => Self::Ed25519,
            Algorithm::Es256 => Self::Ec("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es256k => Self::Ec("secp256k1", &ECDSA_P256K1_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => Self::Ec("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::Es512 => Self::Ec("P-521", &ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::MlDsa44 => Self::MlDsa(&ML_DSA_44_SIGNING),
            Algorithm::MlDsa65 => Self::MlDsa(&ML_DSA_65_SIGNING),
            Algorithm::MlDsa87 => Self::MlDsa(&ML_DSA_87_SIGNING),
            Algorithm::Ps256 => Self::Rsa(&RSA_PSS_SHA256),
            Algorithm::Ps384 => Self::Rsa(&RSA_PSS_SHA384),
            Algorithm::Ps512 => Self::Rsa(&RSA_PSS_SHA512),
            Algorithm::Rs256 => Self::Rsa(&RSA_PKCS1_SHA256),
            Algorithm::Rs384 => Self::Rsa(&RSA_PKCS1_SHA384),
            Algorithm::Rs512 => Self::Rsa(&RSA_PKCS1_SHA512),
        }
    }
}

impl Pair {
    pub(super) fn generate(algorithm: Algorithm) -> Self {
        // Generating fails only without randomness, which the caller's documentation names.
        match Scheme::of(algorithm) {
            Scheme::Ec(curve, scheme) => {
                Self::Ec { curve, pair: EcdsaKeyPair::generate(scheme).expect(NO_RANDOMNESS) }
            }
            Scheme::Ed25519 => Self::Ed25519(Ed25519KeyPair::generate().expect(NO_RANDOMNESS)),
            Scheme::MlDsa(scheme) => {
                Self::ml_dsa(scheme, PqdsaKeyPair::generate(scheme).expect(NO_RANDOMNESS))
            }
            Scheme::Rsa(padding) => {
                Self::Rsa { pair: RsaKeyPair::generate(KeySize::Rsa2048).expect(NO_RANDOMNESS), padding }
            }
        }
    }

    pub(super) fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, InvalidKey> {
        let invalid = |_| InvalidKey { algorithm };
        Ok(match Scheme::of(algorithm) {
            Scheme::Ec(curve, scheme) => {
                Self::Ec { curve, pair: EcdsaKeyPair::from_pkcs8(scheme, der).map_err(invalid)? }
            }
            Scheme::Ed25519 => {
                Self::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(invalid)?)
            }
            Scheme::MlDsa(scheme) => {
                Self::ml_dsa(scheme, PqdsaKeyPair::from_pkcs8(scheme, der).map_err(invalid)?)
            }
            Scheme::Rsa(padding) => {
                Self::Rsa { pair: RsaKeyPair::from_pkcs8(der).map_err(invalid)?, padding }
            }
        })
    }

    fn ml_dsa(scheme: &PqdsaSigningAlgorithm, pair: PqdsaKeyPair) -> Self {
        Self::MlDsa { pair, signature_length: scheme.signature_len() }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        // Signing with a valid key fails only without randomness, which the caller's documentation names.
        match self {
            Self::Ec { pair, .. } => pair.sign(&random, message).expect(NO_RANDOMNESS).as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::MlDsa { pair, signature_length } => {
                let mut signature = vec![0; *signature_length];
                let written = pair.sign(message, &mut signature).expect(NO_RANDOMNESS);
                signature.truncate(written);
                signature
            }
            Self::Rsa { pair, padding } => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &random, message, &mut signature).expect(NO_RANDOMNESS);
                signature
            }
        }
    }

    pub(super) fn to_pkcs8(&self) -> Vec<u8> {
        // The DER of a key in memory is written without randomness and without a limit.
        match self {
            Self::Ec { pair, .. } => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Self::Ed25519(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Self::MlDsa { pair, .. } => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Self::Rsa { pair, .. } => AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| der.as_ref().to_vec()),
        }
        .expect("a key in memory has a DER form")
    }

    pub(super) fn public_key(&self) -> PublicKey {
        match self {
            Self::Ec { curve, pair } => {
                // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y, and aws-lc-rs gives no other form.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                PublicKey::Ec { curve, x: x.to_vec(), y: y.to_vec() }
            }
            Self::Ed25519(pair) => PublicKey::Okp { x: pair.public_key().as_ref().to_vec() },
            Self::MlDsa { pair, .. } => PublicKey::Akp { public: pair.public_key().as_ref().to_vec() },
            Self::Rsa { pair, .. } => {
                let (modulus, exponent) = rsa_components(pair.public_key().as_ref());
                PublicKey::Rsa { modulus, exponent }
            }
        }
    }
}

/// Cuts an `RSAPublicKey` (RFC 8017 §A.1.1): a sequence of two positive integers.
fn rsa_components(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (sequence, _) = der_value(der);
    let (modulus, rest) = der_value(sequence);
    let (exponent, _) = der_value(rest);
    let unsigned = |integer: &[u8]| integer.iter().copied().skip_while(|byte| *byte == 0).collect();
    (unsigned(modulus), unsigned(exponent))
}

/// Splits off the content of the first DER value; the DER of aws-lc-rs is complete and its lengths fit.
fn der_value(der: &[u8]) -> (&[u8], &[u8]) {
    let short = usize::from(der[1]);
    let (length, start) = if short < 0x80 {
        (short, 2)
    } else {
        let start = 2 + (short & 0x7f);
        (der[2..start].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), start)
    };
    der[start..].split_at(length)
}

/// A private key that its algorithm cannot sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey {
    algorithm: Algorithm,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected an unencrypted PKCS#8 private key for {}", self.algorithm)
    }
}

impl std::error::Error for InvalidKey {}
