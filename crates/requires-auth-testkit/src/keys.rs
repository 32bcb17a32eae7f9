//! Signing keys, fresh or fixed, and the JWK Sets that publish them.
//!
//! The fixed keys are public: their private parts are in this crate, so that the vectors can be
//! made again and a failing case can be signed anew. Nothing that they sign proves anything, and a
//! guard refuses them outside tests by [`fixed_thumbprints`].

mod fixed;
mod jwk;
mod pair;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};

pub use self::fixed::fixed_thumbprints;
pub use self::pair::InvalidKey;
use self::pair::Pair;
use crate::Algorithm;

/// A private key for one algorithm, with the name under which a JWK Set publishes it.
///
/// A clone is cheap and signs with the same key. `Debug` shows the `kid` and the algorithm only.
#[derive(Clone)]
pub struct SigningKey {
    material: Arc<Material>,
    kid: Arc<str>,
}

/// What clones share.
struct Material {
    algorithm: Algorithm,
    pair: Pair,
    /// The members of the public JWK that the thumbprint covers.
    public: Map<String, Value>,
    thumbprint: Arc<str>,
}

impl SigningKey {
    /// Makes a fresh random key; RSA keys have 2048 bits and take about a tenth of a second.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub fn generate(algorithm: Algorithm) -> Self {
        Self::new(algorithm, Pair::generate(algorithm))
    }

    /// The fixed public test key of an algorithm, which signs the vectors.
    pub fn fixed(algorithm: Algorithm) -> &'static Self {
        fixed::key(algorithm, 0)
    }

    /// Another fixed public test key, for cases in which the wrong key signs.
    pub fn second(algorithm: Algorithm) -> &'static Self {
        fixed::key(algorithm, 1)
    }

    /// Reads an unencrypted PKCS#8 private key (DER).
    ///
    /// # Errors
    ///
    /// When the bytes are no PKCS#8 key of the type and curve that the algorithm needs, or an RSA
    /// key of less than 2048 or more than 8192 bits.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, InvalidKey> {
        Pair::from_pkcs8(algorithm, der).map(|pair| Self::new(algorithm, pair))
    }

    fn new(algorithm: Algorithm, pair: Pair) -> Self {
        let public = jwk::public_members(algorithm, &pair);
        let thumbprint: Arc<str> = jwk::thumbprint(&public).into();
        let kid = Arc::clone(&thumbprint);
        Self { material: Arc::new(Material { algorithm, pair, public, thumbprint }), kid }
    }

    /// Publishes the key under another `kid`; without this, it is the thumbprint.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = kid.into().into();
        self
    }

    /// The algorithm that this key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.material.algorithm
    }

    /// The name of the key in a JWK Set and in the header of its tokens.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The SHA-256 JWK thumbprint (RFC 7638; RFC 9964 for ML-DSA), base64url.
    pub fn thumbprint(&self) -> &str {
        &self.material.thumbprint
    }

    /// The public JWK: the members of its type, then `kid`, `use` and `alg`.
    pub fn public_jwk(&self) -> Value {
        let mut jwk = self.material.public.clone();
        jwk.insert("kid".to_owned(), json!(self.kid()));
        jwk.insert("use".to_owned(), json!("sig"));
        jwk.insert("alg".to_owned(), json!(self.algorithm().name()));
        Value::Object(jwk)
    }

    /// Signs the message as JWS does: ECDSA signatures are R and S, each of the length of the field.
    ///
    /// ECDSA and ML-DSA and RSASSA-PSS signatures differ from call to call.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.material.pair.sign(message)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid())
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// The JWK Set (RFC 7517 §5) that publishes the keys, in their order.
pub fn jwk_set<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Value {
    let keys: Vec<Value> = keys.into_iter().map(SigningKey::public_jwk).collect();
    json!({ "keys": keys })
}

#[cfg(test)]
mod tests;
