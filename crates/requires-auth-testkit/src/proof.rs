//! Proofs of possession (DPoP, RFC 9449): good ones, and ones that are wrong in exactly one way.
//!
//! A token that is bound to a key counts only beside a proof: a JWT that the key signs for one request, in the header `DPoP`.
//! [`TokenBuilder::bound_to`](crate::TokenBuilder::bound_to) binds a token, and [`Forge::proof`](crate::Forge::proof) or
//! [`ProofBuilder::new`] starts a proof.
//!
//! | to test | use |
//! | --- | --- |
//! | that a request gets through | [`method`](ProofBuilder::method), [`url`](ProofBuilder::url), [`token`](ProofBuilder::token) |
//! | that each kind of bad proof is refused | [`defect`](ProofBuilder::defect) with every [`ProofDefect`] |
//! | times, with a clock that stands still | [`issued_at`](ProofBuilder::issued_at) |
//! | nonces of a server | [`nonce`](ProofBuilder::nonce) |
//! | a proof that no library would write | [`header`](ProofBuilder::header), [`claim`](ProofBuilder::claim), [`raw_header`](ProofBuilder::raw_header), [`raw_claims`](ProofBuilder::raw_claims) |

mod defect;

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub use self::defect::{ProofDefect, UnknownProofDefect};
use crate::SigningKey;
use crate::draft::{Draft, Edit, edited, members, random_id, unix_now};

/// A proof in the making; what is set later wins. Finished by [`mint`](Self::mint) or [`lines`](Self::lines).
///
/// `Debug` shows no claim.
#[derive(Clone)]
#[must_use = "a proof is made by `mint`"]
pub struct ProofBuilder {
    key: SigningKey,
    method: String,
    url: String,
    token: Option<String>,
    issued_at: Option<i64>,
    header: Vec<Edit>,
    claims: Vec<Edit>,
    raw_header: Option<Vec<u8>>,
    raw_claims: Option<Vec<u8>>,
    signer: Option<SigningKey>,
    defects: Vec<ProofDefect>,
}

impl ProofBuilder {
    /// Starts a good proof by this key for a request.
    ///
    /// The header has `typ` (`dpop+jwt`), `alg` and the public `jwk`. The claims are `jti` (random), `htm`, `htu` (the URL
    /// without query and fragment) and `iat` (now); `ath` comes with [`token`](Self::token).
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, ProofBuilder, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::Es256);
    /// let proof = ProofBuilder::new(&key, "POST", "https://issuer.example/token").mint();
    /// assert_eq!(proof.split('.').count(), 3);
    /// ```
    pub fn new(key: &SigningKey, method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            key: key.clone(),
            method: method.into(),
            url: url.into(),
            token: None,
            issued_at: None,
            header: Vec::new(),
            claims: Vec::new(),
            raw_header: None,
            raw_claims: None,
            signer: None,
            defects: Vec::new(),
        }
    }

    /// Sets the method of the request, `htm`.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = method.into();
        self
    }

    /// Sets the URL of the request. `htu` is that URL without query and fragment (RFC 9449 §4.2); to write another one,
    /// set the [`claim`](Self::claim).
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Sets the access token that is sent beside the proof; `ath` is its SHA-256 (RFC 9449 §4.2).
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets `iat`, in seconds since 1970; now by default.
    pub fn issued_at(mut self, unix: i64) -> Self {
        self.issued_at = Some(unix);
        self
    }

    /// Sets `nonce`, which a server has given in a header `DPoP-Nonce` (RFC 9449 §8 and §9).
    pub fn nonce(self, nonce: impl Into<String>) -> Self {
        self.claim("nonce", nonce.into())
    }

    /// Sets a claim to any JSON value, one of the usual claims too. The value is written as it is.
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, ProofBuilder, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::Es256);
    /// // A guard compares URLs after normalization (RFC 3986 §6.2.2): this one is that of the request.
    /// let proof = ProofBuilder::new(&key, "GET", "").claim("htu", "HTTPS://API.example:443/a/../items").mint();
    /// # assert_eq!(proof.split('.').count(), 3);
    /// ```
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.push((name.into(), Some(value.into())));
        self
    }

    /// Leaves out a claim.
    pub fn without_claim(mut self, name: impl Into<String>) -> Self {
        self.claims.push((name.into(), None));
        self
    }

    /// Sets a member of the header to any JSON value, without changing how the proof is signed.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.header.push((name.into(), Some(value.into())));
        self
    }

    /// Leaves out a member of the header.
    pub fn without_header(mut self, name: impl Into<String>) -> Self {
        self.header.push((name.into(), None));
        self
    }

    /// Takes these bytes as the header, whatever else was said about it.
    pub fn raw_header(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.raw_header = Some(json.into());
        self
    }

    /// Takes these bytes as the claims, whatever else was said about them.
    pub fn raw_claims(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.raw_claims = Some(json.into());
        self
    }

    /// Signs with another key, while the header goes on to show the key of the proof: what a thief can do who has seen
    /// the public key.
    pub fn signed_by(mut self, key: &SigningKey) -> Self {
        self.signer = Some(key.clone());
        self
    }

    /// Makes the proof wrong in one more way; this wins over everything but raw JSON.
    pub fn defect(mut self, defect: ProofDefect) -> Self {
        self.defects.push(defect);
        self
    }

    /// Signs the proof and writes it as the value of the header `DPoP`. Where a [`defect`](Self::defect) is that there are
    /// two proofs they stand behind each other, separated by a comma, as a proxy joins two lines; where it is that there is
    /// none, the value is empty. [`lines`](Self::lines) keeps the lines apart.
    ///
    /// Two proofs are never the same, as `jti` is random.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub fn mint(self) -> String {
        self.lines().join(", ")
    }

    /// The values of the header `DPoP`, one for each line of the request: one, save for the defects that change their
    /// number.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, ProofBuilder, ProofDefect, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::Es256);
    /// let proof = || ProofBuilder::new(&key, "GET", "https://api.example/items");
    /// assert_eq!(proof().lines().len(), 1);
    /// assert_eq!(proof().defect(ProofDefect::TwoProofs).lines().len(), 2);
    /// assert!(proof().defect(ProofDefect::Missing).lines().is_empty());
    /// ```
    pub fn lines(self) -> Vec<String> {
        let defects = self.defects.clone();
        let mut lines = vec![self.signed()];
        for defect in defects {
            lines = defect.mangle(lines, || self.signed());
        }
        lines
    }

    /// One signed proof, with what can be wrong within it.
    fn signed(&self) -> String {
        let signer = self.defects.iter().rev().find_map(|defect| defect.signer(&self.key));
        let key = signer.as_ref().unwrap_or(&self.key);
        let mut draft = self.draft(key);
        for defect in &self.defects {
            defect.spoil(&mut draft);
        }
        let json = |raw: &Option<Vec<u8>>, members| {
            raw.clone().unwrap_or_else(|| Value::Object(members).to_string().into())
        };
        let header = json(&self.raw_header, draft.header);
        let claims = json(&self.raw_claims, draft.claims);
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.signer.as_ref().unwrap_or(key).sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn draft(&self, key: &SigningKey) -> Draft {
        let issued_at = self.issued_at.unwrap_or_else(unix_now);
        let header = members([
            ("typ", json!("dpop+jwt")),
            ("alg", json!(key.algorithm().name())),
            ("jwk", key.bare_jwk()),
        ]);
        let target = self.url.split(['?', '#']).next().unwrap_or_default();
        let mut claims = members([
            ("jti", json!(random_id())),
            ("htm", json!(self.method)),
            ("htu", json!(target)),
            ("iat", json!(issued_at)),
        ]);
        if let Some(token) = &self.token {
            claims.insert("ath".to_owned(), json!(token_hash(token)));
        }
        Draft { header: edited(header, &self.header), claims: edited(claims, &self.claims), issued_at }
    }
}

/// The SHA-256 of a token, base64url: `ath` of the proofs that are sent beside it (RFC 9449 §4.2).
///
/// ```
/// // The token of RFC 9449, figure 13.
/// let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
/// let hash = requires_auth_testkit::proof::token_hash(token);
/// assert_eq!(hash, "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
/// ```
pub fn token_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

impl fmt::Debug for ProofBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofBuilder")
            .field("key", &self.key)
            .field("defects", &self.defects)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
