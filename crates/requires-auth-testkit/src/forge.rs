//! The token forge: good access tokens, and ones that are wrong in exactly one way.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::defect::Draft;
use crate::{Defect, SigningKey};

/// How long a token lives unless the test says otherwise, in seconds.
const LIFETIME: i64 = 3600;

/// Mints access tokens of one issuer for one audience.
///
/// ```
/// use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey};
///
/// let key = SigningKey::generate(Algorithm::Es384);
/// let forge = Forge::new("https://issuer.example.test", "https://api.example.test", key);
/// let good = forge.token().scope("read:items").mint();
/// let bad = forge.token().scope("read:items").defect(Defect::Expired).mint();
/// assert_eq!(good.split('.').count(), 3);
/// assert_ne!(good, bad);
/// ```
#[derive(Clone, Debug)]
pub struct Forge {
    issuer: String,
    audience: String,
    key: SigningKey,
}

impl Forge {
    /// A forge whose tokens name this issuer and audience and are signed with this key.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, key: SigningKey) -> Self {
        Self { issuer: issuer.into(), audience: audience.into(), key }
    }

    /// The key that signs, unless a token names another.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Starts a good token, like one of Logto's.
    ///
    /// The header has `alg`, `typ` (`at+jwt`) and `kid`. The claims are `jti` (random), `sub`
    /// (`alice`), `iat` (now), `exp` (an hour later), `client_id` (`test-client`), `iss` and `aud`.
    pub fn token(&self) -> TokenBuilder {
        TokenBuilder {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            key: self.key.clone(),
            issued_at: None,
            lifetime: LIFETIME,
            header: Vec::new(),
            claims: Vec::new(),
            raw_header: None,
            raw_claims: None,
            defects: Vec::new(),
        }
    }
}

/// An access token in the making; what is set later wins.
///
/// `Debug` shows no claim.
#[derive(Clone)]
#[must_use = "a token is made by `mint`"]
pub struct TokenBuilder {
    issuer: String,
    audience: String,
    key: SigningKey,
    issued_at: Option<i64>,
    lifetime: i64,
    header: Vec<Edit>,
    claims: Vec<Edit>,
    raw_header: Option<Vec<u8>>,
    raw_claims: Option<Vec<u8>>,
    defects: Vec<Defect>,
}

/// A member to set, or to remove when there is no value.
type Edit = (String, Option<Value>);

impl TokenBuilder {
    /// Sets `sub`; `alice` by default.
    pub fn subject(self, subject: impl Into<String>) -> Self {
        self.claim("sub", subject.into())
    }

    /// Sets `client_id`; `test-client` by default.
    pub fn client_id(self, client_id: impl Into<String>) -> Self {
        self.claim("client_id", client_id.into())
    }

    /// Sets `scope`, the granted scopes separated by spaces; absent by default.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.claim("scope", scope.into())
    }

    /// Sets `iat`, and `exp` with it, in seconds since 1970; now by default.
    pub fn issued_at(mut self, unix: i64) -> Self {
        self.issued_at = Some(unix);
        self
    }

    /// Sets `exp`, in seconds after `iat`; 3600 by default.
    pub fn lifetime(mut self, seconds: i64) -> Self {
        self.lifetime = seconds;
        self
    }

    /// Sets a claim to any JSON value.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.push((name.into(), Some(value.into())));
        self
    }

    /// Leaves out a claim.
    pub fn without_claim(mut self, name: impl Into<String>) -> Self {
        self.claims.push((name.into(), None));
        self
    }

    /// Sets a member of the header to any JSON value, without changing how the token is signed.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.header.push((name.into(), Some(value.into())));
        self
    }

    /// Leaves out a member of the header.
    pub fn without_header(mut self, name: impl Into<String>) -> Self {
        self.header.push((name.into(), None));
        self
    }

    /// Signs with another key; the header names that key and its algorithm.
    pub fn key(mut self, key: &SigningKey) -> Self {
        self.key = key.clone();
        self
    }

    /// Takes these bytes as the header, whatever else was said about it: for JSON that no serializer writes.
    pub fn raw_header(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.raw_header = Some(json.into());
        self
    }

    /// Takes these bytes as the claims, whatever else was said about them: for JSON that no serializer writes.
    pub fn raw_claims(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.raw_claims = Some(json.into());
        self
    }

    /// Makes the token wrong in one more way; this wins over everything but raw JSON.
    pub fn defect(mut self, defect: Defect) -> Self {
        self.defects.push(defect);
        self
    }

    /// Signs the token and writes it in the compact form.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub fn mint(self) -> String {
        let mut draft = self.draft();
        for defect in &self.defects {
            defect.spoil(&mut draft);
        }
        let header = self.raw_header.unwrap_or_else(|| Value::Object(draft.header).to_string().into());
        let claims = self.raw_claims.unwrap_or_else(|| Value::Object(draft.claims).to_string().into());
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes()));
        let token = format!("{message}.{signature}");
        self.defects.iter().fold(token, |token, defect| defect.mangle(token))
    }

    fn draft(&self) -> Draft {
        let issued_at = self.issued_at.unwrap_or_else(unix_now);
        let header = members([
            ("alg", json!(self.key.algorithm().name())),
            ("typ", json!("at+jwt")),
            ("kid", json!(self.key.kid())),
        ]);
        let claims = members([
            ("jti", json!(random_id())),
            ("sub", json!("alice")),
            ("iat", json!(issued_at)),
            ("exp", json!(issued_at.saturating_add(self.lifetime))),
            ("client_id", json!("test-client")),
            ("iss", json!(self.issuer)),
            ("aud", json!(self.audience)),
        ]);
        Draft { header: edited(header, &self.header), claims: edited(claims, &self.claims), issued_at }
    }
}

impl fmt::Debug for TokenBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBuilder")
            .field("key", &self.key)
            .field("defects", &self.defects)
            .finish_non_exhaustive()
    }
}

fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn edited(mut members: Map<String, Value>, edits: &[Edit]) -> Map<String, Value> {
    for (name, value) in edits {
        match value {
            Some(value) => {
                members.insert(name.clone(), value.clone());
            }
            None => {
                // Keeps the order of the others, which the bytes of the token show.
                members.shift_remove(name);
            }
        }
    }
    members
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn random_id() -> String {
    let mut bytes = [0; 16];
    // Fails only without randomness, which `mint` documents.
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests;
