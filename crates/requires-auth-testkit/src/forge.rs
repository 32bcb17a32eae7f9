//! The token forge: good access tokens, and ones that are wrong in exactly one way.
//!
//! A [`Forge`] has what all tokens of an issuer share: issuer, audience and key. [`Forge::token`] starts one token, which
//! is good as it is; the methods of [`TokenBuilder`] change it, and [`TokenBuilder::mint`] signs it.
//!
//! | to test | use |
//! | --- | --- |
//! | that a user, a scope or a claim gets through | [`subject`](TokenBuilder::subject), [`scope`](TokenBuilder::scope), [`claim`](TokenBuilder::claim) |
//! | that each kind of bad token is refused | [`defect`](TokenBuilder::defect) with every [`Defect`] |
//! | times | [`issued_at`](TokenBuilder::issued_at) and [`lifetime`](TokenBuilder::lifetime), with a clock that stands still |
//! | a rotated or a foreign key | [`key`](TokenBuilder::key) |
//! | a token that is bound to a key or a certificate | [`bound_to`](TokenBuilder::bound_to), [`bound_to_certificate`](TokenBuilder::bound_to_certificate), and a [`proof`](Forge::proof) for each request |
//! | a token that no library would write | [`raw_header`](TokenBuilder::raw_header), [`raw_claims`](TokenBuilder::raw_claims) |

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::draft::{Draft, Edit, edited, members, random_id, unix_now};
use crate::keys::certificate_thumbprint;
use crate::{Defect, ProofBuilder, SigningKey};

/// How long a token lives unless the test says otherwise, in seconds.
const LIFETIME: i64 = 3600;

/// Mints access tokens of one issuer for one audience.
///
/// The key stays with the test, and the guard under test gets its public half: with `requires-auth` that is
/// `builder.with_jwks(jwk_set([&key]).to_string())`. Nothing is fetched then, and no issuer has to run.
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
    /// A forge whose tokens name this issuer and audience and are signed with this key. Neither is checked: they are what
    /// the guard under test compares.
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
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, Forge, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::Es384);
    /// let forge = Forge::new("https://issuer.example", "https://api.example", key);
    ///
    /// // What a test needs often is worth a function: a member of the staff, in one line.
    /// let staff = |name: &str| forge.token().subject(name).scope("read:orders write:orders").claim("staff", true);
    /// # use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    /// # fn part(token: &str, index: usize) -> serde_json::Value {
    /// #     let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    /// #     serde_json::from_slice(&part).unwrap()
    /// # }
    /// let token = staff("carol").mint();
    /// assert_eq!(part(&token, 1)["sub"], "carol");
    /// // The builder goes on: the same, but expired for an hour.
    /// let expired = staff("carol").lifetime(-3600).mint();
    /// assert!(part(&expired, 1)["exp"].as_i64() < part(&expired, 1)["iat"].as_i64());
    /// ```
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

    /// Starts a good proof of possession (RFC 9449) for a `GET` of the audience: a DPoP proof by the key of a client.
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, Forge, ProofDefect, SigningKey};
    ///
    /// let forge = Forge::new("https://issuer.example", "https://api.example", SigningKey::generate(Algorithm::Es384));
    /// // The client has a key of its own, to which the issuer binds its tokens.
    /// let client = SigningKey::generate(Algorithm::Es256);
    /// let token = forge.token().bound_to(&client).mint();
    /// let proof = || forge.proof(&client).method("POST").url("https://api.example/items").token(&token);
    /// let (good, stale) = (proof().mint(), proof().defect(ProofDefect::Stale).mint());
    /// // Send `Authorization: DPoP {token}` with the header `DPoP: {good}`, and expect 200;
    /// // with `DPoP: {stale}`, expect 401 with the reason `proof_time`.
    /// # assert_ne!(good, stale);
    /// ```
    pub fn proof(&self, key: &SigningKey) -> ProofBuilder {
        ProofBuilder::new(key, "GET", &self.audience)
    }
}

/// An access token in the making; what is set later wins. Made by [`Forge::token`], finished by [`mint`](Self::mint).
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
    ///
    /// With a guard whose clock stands still, tokens of a fixed time make a test that passes in ten years too:
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, Forge, SigningKey};
    ///
    /// const NOW: i64 = 1_800_000_000;
    /// let key = SigningKey::generate(Algorithm::Ed25519);
    /// let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    /// # fn part(token: &str, index: usize) -> serde_json::Value {
    /// #     let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    /// #     serde_json::from_slice(&part).unwrap()
    /// # }
    /// let token = forge.token().issued_at(NOW).lifetime(60).mint();
    /// assert_eq!((&part(&token, 1)["iat"], &part(&token, 1)["exp"]), (&NOW.into(), &(NOW + 60).into()));
    /// ```
    pub fn issued_at(mut self, unix: i64) -> Self {
        self.issued_at = Some(unix);
        self
    }

    /// Sets `exp`, in seconds after `iat`; 3600 by default. A negative number is a token that has expired before it was
    /// issued.
    pub fn lifetime(mut self, seconds: i64) -> Self {
        self.lifetime = seconds;
        self
    }

    /// Sets a claim to any JSON value, one of the usual claims too. The value is written as it is: an array stays an
    /// array, and a type that no guard accepts is not corrected.
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, Forge, SigningKey};
    /// use serde_json::json;
    ///
    /// let key = SigningKey::generate(Algorithm::Es256);
    /// let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    /// # fn part(token: &str, index: usize) -> serde_json::Value {
    /// #     let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    /// #     serde_json::from_slice(&part).unwrap()
    /// # }
    /// // As Keycloak writes roles, and for two APIs at once.
    /// let token = forge
    ///     .token()
    ///     .claim("aud", json!(["https://api.example", "account"]))
    ///     .claim("realm_access", json!({ "roles": ["buyer"] }))
    ///     .mint();
    /// assert_eq!(part(&token, 1)["realm_access"]["roles"][0], "buyer");
    /// ```
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.push((name.into(), Some(value.into())));
        self
    }

    /// Leaves out a claim, such as `sub` or `aud`.
    pub fn without_claim(mut self, name: impl Into<String>) -> Self {
        self.claims.push((name.into(), None));
        self
    }

    /// Binds the token to the key of a client by its thumbprint, `cnf.jkt` (RFC 9449 §6.1): it counts with a
    /// [`proof`](Forge::proof) of that key alone. Other members of `cnf` stay.
    pub fn bound_to(self, key: &SigningKey) -> Self {
        self.confirmation("jkt", key.thumbprint())
    }

    /// Binds the token to a client certificate (DER) by its SHA-256, `cnf.x5t#S256` (RFC 8705 §3.1): it counts on a
    /// connection with that certificate alone. Other members of `cnf` stay.
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, Forge, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::Es256);
    /// let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # let der = [0x30, 0x00];
    /// let token = forge.token().bound_to_certificate(&der).mint();
    /// # use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    /// # let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    /// # assert!(String::from_utf8(claims).unwrap().contains(r#""cnf":{"x5t#S256":""#));
    /// ```
    pub fn bound_to_certificate(self, der: &[u8]) -> Self {
        self.confirmation("x5t#S256", &certificate_thumbprint(der))
    }

    /// Adds a method of confirmation to `cnf` (RFC 7800 §3.1).
    pub(crate) fn confirmation(self, name: &str, value: &str) -> Self {
        let known =
            self.claims.iter().rev().find(|(claim, _)| claim == "cnf").and_then(|(_, cnf)| cnf.clone());
        let mut cnf = known.filter(Value::is_object).unwrap_or_else(|| json!({}));
        cnf[name] = json!(value);
        self.claim("cnf", cnf)
    }

    /// Sets a member of the header to any JSON value, without changing how the token is signed: `alg` here is a claim
    /// about the signature, which stays that of the key.
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
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, Forge, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::Es256);
    /// let forge = Forge::new("https://issuer.example", "https://api.example", key.clone());
    /// # use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    /// # fn part(token: &str, index: usize) -> serde_json::Value {
    /// #     let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    /// #     serde_json::from_slice(&part).unwrap()
    /// # }
    /// // Signed by a stranger, and says so: a guard does not know the key.
    /// let stranger = SigningKey::generate(Algorithm::Es256);
    /// let unknown = forge.token().key(&stranger).mint();
    /// assert_eq!(part(&unknown, 0)["kid"], stranger.kid());
    ///
    /// // Signed by a stranger under the name of the issuer's key: the signature does not match.
    /// let forged = forge.token().key(&stranger.with_kid(key.kid())).mint();
    /// assert_eq!(part(&forged, 0)["kid"], key.kid());
    /// ```
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
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, Forge, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::Es256);
    /// let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// // Two subjects: a reader that takes the first and one that takes the last see different users.
    /// let token = forge.token().raw_claims(r#"{"sub": "alice", "sub": "admin"}"#).mint();
    /// assert_eq!(token.split('.').count(), 3);
    /// ```
    pub fn raw_claims(mut self, json: impl Into<Vec<u8>>) -> Self {
        self.raw_claims = Some(json.into());
        self
    }

    /// Makes the token wrong in one more way; this wins over everything but raw JSON.
    ///
    /// Everything else stays good, so a test that sees it refused has seen that check work and no other. Two defects show
    /// which check comes first: a guard must not tell a stranger about the audience of a token that the issuer never signed.
    ///
    /// ```
    /// use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey};
    ///
    /// let key = SigningKey::generate(Algorithm::Es384);
    /// let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    /// # fn part(token: &str, index: usize) -> serde_json::Value {
    /// #     let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    /// #     serde_json::from_slice(&part).unwrap()
    /// # }
    /// let token = forge.token().defect(Defect::AudienceMismatch).defect(Defect::SignatureMismatch).mint();
    /// assert_eq!(part(&token, 1)["aud"], "https://another-api.example.test");
    /// // Expect the reason `signature_mismatch`.
    /// ```
    pub fn defect(mut self, defect: Defect) -> Self {
        self.defects.push(defect);
        self
    }

    /// Signs the token and writes it in the compact form, without the word `Bearer`.
    ///
    /// Two tokens are never the same, as `jti` is random.
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

#[cfg(test)]
mod tests;
