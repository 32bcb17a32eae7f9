//! Public keys, parsed when their set is loaded, and the one call that verifies a signature with them.
//!
//! This module and `digest` alone name the crypto crate.

use std::fmt;

use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};

use super::alg::Algorithm;
use super::compact::Unverified;

/// What a JWK says about its public key, decoded.
pub(crate) enum KeyMaterial {
    /// The key as its algorithm writes it: an uncompressed point (SEC 1 §2.3.3), or the bytes of `x`
    /// (RFC 8037) or `pub` (RFC 9964).
    Bytes(Vec<u8>),
    /// Modulus and exponent of an RSA key, big-endian without leading zeros.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

/// A public key, ready for each algorithm that it may serve.
pub(crate) struct PublicKey {
    parsed: Vec<(Algorithm, ParsedPublicKey)>,
}

impl PublicKey {
    /// Parses a key for `algorithms`; `None` if it is not a valid key, such as a point off the curve (RFC 8725 §3.4).
    pub(crate) fn parse(material: &KeyMaterial, algorithms: impl Iterator<Item = Algorithm>) -> Option<Self> {
        let parse = |algorithm| Some((algorithm, parse(material, algorithm)?));
        let parsed: Vec<_> = algorithms.map(parse).collect::<Option<_>>()?;
        if parsed.is_empty() { None } else { Some(Self { parsed }) }
    }

    pub(crate) fn serves(&self, algorithm: Algorithm) -> bool {
        self.parsed.iter().any(|&(served, _)| served == algorithm)
    }

    pub(crate) fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.parsed.iter().map(|&(algorithm, _)| algorithm)
    }

    /// Verifies the signature of a token; `None` if it does not match.
    pub(crate) fn verify<'t>(&self, algorithm: Algorithm, token: &'t Unverified<'_>) -> Option<Verified<'t>> {
        let (_, key) = self.parsed.iter().find(|&&(served, _)| served == algorithm)?;
        key.verify_sig(token.signing_input(), token.signature()).ok()?;
        Some(Verified { payload: token.payload() })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.algorithms()).finish()
    }
}

/// The proof that a key of the issuer signed this payload. Only [`PublicKey::verify`] makes one.
#[derive(Clone, Copy)]
pub(crate) struct Verified<'t> {
    payload: &'t [u8],
}

impl<'t> Verified<'t> {
    pub(crate) const fn payload(self) -> &'t [u8] {
        self.payload
    }
}

fn parse(material: &KeyMaterial, algorithm: Algorithm) -> Option<ParsedPublicKey> {
    match (material, verifier(algorithm)) {
        (KeyMaterial::Bytes(bytes), Verifier::Other(verifier)) => ParsedPublicKey::new(verifier, bytes).ok(),
        (KeyMaterial::Rsa { modulus, exponent }, Verifier::Rsa(parameters)) => {
            RsaPublicKeyComponents { n: modulus, e: exponent }.to_parsed_public_key(parameters).ok()
        }
        _ => None,
    }
}

enum Verifier {
    Other(&'static dyn VerificationAlgorithm),
    Rsa(&'static RsaParameters),
}

/// ECDSA signatures are R and S, each as long as the field, never DER (RFC 7518 §3.4); the salt of PS* is
/// as long as the hash (RFC 7518 §3.5); ML-DSA is pure with an empty context (RFC 9964 §4).
const fn verifier(algorithm: Algorithm) -> Verifier {
    use Verifier::{Other, Rsa};
    match algorithm {
        Algorithm::Ed25519 => Other(&signature::ED25519),
        Algorithm::Es256 => Other(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::Es256k => Other(&signature::ECDSA_P256K1_SHA256_FIXED),
        Algorithm::Es384 => Other(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::Es512 => Other(&signature::ECDSA_P521_SHA512_FIXED),
        Algorithm::MlDsa44 => Other(&signature::ML_DSA_44),
        Algorithm::MlDsa65 => Other(&signature::ML_DSA_65),
        Algorithm::MlDsa87 => Other(&signature::ML_DSA_87),
        Algorithm::Ps256 => Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Rs256 => Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
    }
}
