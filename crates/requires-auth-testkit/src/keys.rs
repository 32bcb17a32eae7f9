//! Signing keys, fresh or fixed, and the JWK Sets that publish them.
//!
//! The fixed keys are public: their private parts are in this crate, so that the vectors can be
//! made again and a failing case can be signed anew. Nothing that they sign proves anything, and a
//! guard refuses them outside tests by [`fixed_thumbprints`].

mod fixed;
mod jwk;
mod pair;
mod verifying;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};

pub use self::fixed::fixed_thumbprints;
pub use self::jwk::{certificate_thumbprint, jwk_thumbprint};
pub use self::pair::InvalidKey;
use self::pair::Pair;
pub(crate) use self::verifying::{VERIFIED_ALGORITHMS, VerifyingKey};
use crate::Algorithm;

/// A private key for one algorithm, with the name under which a JWK Set publishes it.
///
/// A clone is cheap and signs with the same key. `Debug` shows the `kid` and the algorithm only.
///
/// | the test needs | key |
/// | --- | --- |
/// | any key | [`generate`](Self::generate) |
/// | the same bytes in each run | [`fixed`](Self::fixed), whose private half is public |
/// | a key of an existing service | [`from_pkcs8`](Self::from_pkcs8) |
/// | two keys of the same name | [`with_kid`](Self::with_kid) |
///
/// ```
/// use requires_auth_testkit::{Algorithm, SigningKey, jwk_set};
///
/// let key = SigningKey::generate(Algorithm::Es256);
/// // The public half goes to the guard under test; the private half never leaves this value.
/// let published = jwk_set([&key]).to_string();
/// assert!(published.contains(key.kid()) && !published.contains(r#""d":"#));
/// ```
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
    /// Makes a fresh random key; RSA keys have 2048 bits and take about a tenth of a second. Its `kid` is its thumbprint.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub fn generate(algorithm: Algorithm) -> Self {
        Self::new(algorithm, Pair::generate(algorithm))
    }

    /// The fixed public test key of an algorithm, which signs the vectors.
    ///
    /// **Its private half is public**, so a guard of `requires-auth` refuses it unless it is built with
    /// `danger::allow_public_test_keys`. Prefer [`generate`](Self::generate), unless a token has to be the same in each run:
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, Forge, SigningKey};
    ///
    /// // Ed25519 signs without randomness. With a fixed `jti` the whole token is fixed, as a snapshot test needs.
    /// let forge = Forge::new("https://issuer.example", "https://api.example", SigningKey::fixed(Algorithm::Ed25519).clone());
    /// let token = || forge.token().issued_at(1_800_000_000).claim("jti", "1").mint();
    /// assert_eq!(token(), token());
    /// ```
    pub fn fixed(algorithm: Algorithm) -> &'static Self {
        fixed::key(algorithm, 0)
    }

    /// Another fixed public test key, for cases in which the wrong key signs.
    pub fn second(algorithm: Algorithm) -> &'static Self {
        fixed::key(algorithm, 1)
    }

    /// Reads an unencrypted PKCS#8 private key (DER). A PEM file is base64 of it between two lines.
    /// # Errors
    ///
    /// When the bytes are not a PKCS#8 key of the type and curve that the algorithm needs, or are an RSA
    /// key of less than 2048 or more than 8192 bits.
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, SigningKey};
    ///
    /// let error = SigningKey::from_pkcs8(Algorithm::Es256, b"not a key").unwrap_err();
    /// assert_eq!(error.to_string(), "expected an unencrypted PKCS#8 private key for ES256");
    /// ```
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
    ///
    /// Issuers exist that give a new key the name of the old one. A guard that keeps keys by their name must not go on with
    /// the old key:
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, SigningKey};
    ///
    /// let old = SigningKey::generate(Algorithm::Es256).with_kid("signing");
    /// let new = SigningKey::generate(Algorithm::Es256).with_kid("signing");
    /// assert_eq!(old.kid(), new.kid());
    /// assert_ne!(old.public_jwk(), new.public_jwk());
    /// ```
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

    /// The public JWK: the members of its type, then `kid`, `use` and `alg`. It is a value, so a test can spoil it:
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, SigningKey};
    /// use serde_json::json;
    ///
    /// let mut jwk = SigningKey::generate(Algorithm::Es256).public_jwk();
    /// // A key for encryption must not verify signatures (RFC 7517 §4.2).
    /// jwk["use"] = json!("enc");
    /// let key_set = json!({ "keys": [jwk] });
    /// assert_eq!(key_set["keys"][0]["use"], "enc");
    /// ```
    pub fn public_jwk(&self) -> Value {
        let mut jwk = self.material.public.clone();
        jwk.insert("kid".to_owned(), json!(self.kid()));
        jwk.insert("use".to_owned(), json!("sig"));
        jwk.insert("alg".to_owned(), json!(self.algorithm().name()));
        Value::Object(jwk)
    }

    /// The public JWK with the members of its type alone, as the header of a DPoP proof has it (RFC 9449 §4.2).
    pub fn bare_jwk(&self) -> Value {
        Value::Object(self.material.public.clone())
    }

    /// The private key as unencrypted PKCS#8 (DER), which [`from_pkcs8`](Self::from_pkcs8) reads. It is the secret itself: write it
    /// where nobody else reads it.
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::Es256);
    /// let read = SigningKey::from_pkcs8(Algorithm::Es256, &key.to_pkcs8()).unwrap();
    /// assert_eq!(read.thumbprint(), key.thumbprint());
    /// ```
    pub fn to_pkcs8(&self) -> Vec<u8> {
        self.material.pair.to_pkcs8()
    }

    /// Signs the message as JWS does: ECDSA signatures are R and S, each of the length of the field. For whole tokens there
    /// is [`Forge`](crate::Forge).
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
///
/// ```
/// use requires_auth_testkit::{Algorithm, SigningKey, jwk_set};
///
/// // In the middle of a rotation both keys are published.
/// let (old, new) = (SigningKey::generate(Algorithm::Es256), SigningKey::generate(Algorithm::Es384));
/// let jwks = jwk_set([&old, &new]);
/// assert_eq!(jwks["keys"].as_array().map(Vec::len), Some(2));
/// // `jwks.to_string()` is what a key set endpoint answers, and what `Builder::with_jwks` of requires-auth takes.
/// ```
pub fn jwk_set<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Value {
    let keys: Vec<Value> = keys.into_iter().map(SigningKey::public_jwk).collect();
    json!({ "keys": keys })
}

#[cfg(test)]
mod tests;
