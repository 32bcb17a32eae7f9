//! Proofs of possession (DPoP, RFC 9449): tokens that are worthless to whoever steals them.
//!
//! A client has a key, its token is bound to that key (`cnf.jkt`), and each request brings a proof that the key has signed, for
//! this method, this URL and this token, once. A guard takes such tokens once [`Dpop`] is given to it; without it, it refuses
//! them, since a bound token must never count as one that is not.
//!
//! | the request has | `allowed` | `required` |
//! | --- | --- | --- |
//! | `Authorization: DPoP`, a token that is bound to a key, and a good proof | passes | passes |
//! | the same, with a proof that does not hold or was used before | 401 `invalid_dpop_proof` | 401 |
//! | a bound token by `Bearer` | 401 `invalid_token` | 401 |
//! | a token that is bound to nothing, by `Bearer` | passes | 401 `invalid_token` |
//! | a token that is bound to nothing, by `DPoP` | 401 `invalid_token` | 401 |
//!
//! Used proofs are remembered in memory. Several servers need a [store that they share](crate::replay), such as Redis
//! ([`with_shared_state`](crate::guard::Builder::with_shared_state)), or a proof counts once at each of them.
//!
//! # A request, a copy of it, and a thief
//!
//! ```
//! use requires_auth::dpop::Dpop;
//! use requires_auth::{ErrorCode, Policy, Reason, Request, RequiresAuth};
//! use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
//!
//! # let key = SigningKey::generate(Algorithm::Es256);
//! # let jwks = jwk_set([&key]).to_string();
//! # let forge = Forge::new("https://issuer.example", "https://api.example.com", key);
//! let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
//!     .with_public_url("https://api.example.com")
//!     .with_dpop(Dpop::allowed())
//! #   .with_jwks(jwks)
//!     .build()?;
//! let judge = |headers: &[(&str, String)]| {
//!     let verdict = auth.authorize_now(&Request::new("GET", "/", &headers), &Policy::default());
//!     verdict.expect("nothing has to be fetched").map(|_| ())
//! };
//!
//! // The client: its token is bound to its key, and each request has a proof.
//! let client = SigningKey::generate(Algorithm::Es256);
//! let token = forge.token().bound_to(&client).mint();
//! let proof = forge.proof(&client).token(&token).mint();
//! let request = [("authorization", format!("DPoP {token}")), ("dpop", proof)];
//! assert!(judge(&request).is_ok());
//!
//! // The same request once more: whoever has copied it is too late.
//! let denial = judge(&request).unwrap_err();
//! assert_eq!((denial.code(), denial.reason()), (ErrorCode::InvalidDpopProof, Some(Reason::ProofReused)));
//!
//! // The token alone, as a Bearer token.
//! let stolen = [("authorization", format!("Bearer {token}"))];
//! assert_eq!(judge(&stolen).unwrap_err().reason(), Some(Reason::BindingMismatch));
//!
//! // The token with a proof of another key.
//! let thief = SigningKey::generate(Algorithm::Es256);
//! let proof = forge.proof(&thief).token(&token).mint();
//! let stolen = [("authorization", format!("DPoP {token}")), ("dpop", proof)];
//! assert_eq!(judge(&stolen).unwrap_err().reason(), Some(Reason::BindingMismatch));
//! # Ok::<(), requires_auth::ConfigError>(())
//! ```
//!
//! # What is checked
//!
//! Every check is a line of [`RequiresAuth::explain`](crate::RequiresAuth::explain), in this order: what costs least comes first.
//!
//! | check | RFC 9449 | reason if it fails |
//! | --- | --- | --- |
//! | there is one header `DPoP`, without a comma in it, and not too long | §4.3 (1) | `proof_missing`, `proof_malformed` |
//! | it is one JWT of three parts, of the type `dpop+jwt` | §4.3 (2), (4) | `proof_malformed` |
//! | its algorithm is asymmetric, and one of those that the guard takes | §4.3 (5), §11.6 | `proof_malformed` |
//! | `jwk` is a public key for that algorithm, and strong enough | §4.3 (7) | `proof_key` |
//! | `jti`, `htm`, `htu`, `iat` and `ath` are there, each of its type | §4.3 (3) | `proof_malformed` |
//! | `htm` is the method of the request, byte for byte | §4.3 (8) | `proof_method` |
//! | `htu` is its URL, both in one spelling, by `public_url` and never by `Host` | §4.3 (9) | `proof_url` |
//! | `iat` is at most `max_age` ago, and at most `future` ahead | §4.3 (11) | `proof_time` |
//! | `ath` is the SHA-256 of the token | §4.3 (12) | `proof_token` |
//! | the thumbprint of `jwk` is `cnf.jkt` of the token | §4.3 (12) | `binding_mismatch` of `invalid_token` |
//! | `nonce` is one of the two that count, where nonces are demanded | §4.3 (10), §9 | code `use_dpop_nonce` |
//! | the key has signed it | §4.3 (6) | `proof_signature` |
//! | the policy of the route holds | | that of the policy |
//! | the proof was not used before | §11.1 | `proof_reused` |
//!
//! Nothing is recorded for a request that is refused, for a preflight, for [`explain`](crate::RequiresAuth::explain) and for a
//! [trial](crate::Request::as_trial), so that none of them uses a proof up.
//!
//! # What is remembered
//!
//! The header of a proof is the same text each time, as it has the client's key in it. The one of the first good proof is kept beside
//! the remembered token, with the key that was read of it: later proofs of that client cost their signature and little more. A
//! proof itself is never remembered as good.
//!
//! # Behind a proxy
//!
//! `htu` has the URL that the client has asked for. A guard makes its own from [`public_url`](crate::guard::Builder::with_public_url)
//! and the path as it was received: if a proxy strips a prefix, the prefix stands in `public_url`. A proxy that decodes and
//! encodes a path anew makes another URL of some. The proxy has to pass on the header `DPoP`, and `DPoP-Nonce` on the way back.
//!
//! # What it does not cover
//!
//! - Whoever has the client's key can do whatever the client can. Keep it where programs cannot read it, such as the key store of a
//!   system or a key of `WebCrypto` that is not extractable.
//! - The body and the query of a request stand in no proof: only TLS protects these on their way.
//! - Where one layer of a guard stands within another, the outer one has used the proof up when the inner one refuses, and so it is
//!   with a message to an MCP server that is refused for its body. The client repeats its request with a new proof.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

mod nonces;

pub use crate::binding::DpopMode;
use crate::replay::ReplayStore;
use crate::settings::dpop as members;
use crate::settings::{Secret, Table};
pub(crate) use nonces::NonceSource;

/// Whether and how tokens come with a proof of their key; given to a guard with
/// [`Builder::with_dpop`](crate::guard::Builder::with_dpop).
///
/// The guard needs to know the URL that clients use
/// ([`with_public_url`](crate::guard::Builder::with_public_url)), as that stands in each proof: without it, it is not built.
///
/// ```
/// use std::time::Duration;
///
/// use requires_auth::RequiresAuth;
/// use requires_auth::dpop::Dpop;
///
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
///     .with_public_url("https://api.example.com")
///     .with_dpop(Dpop::required().with_max_age(Duration::from_secs(30)))
///     .build()?;
///
/// let nowhere = RequiresAuth::builder("https://issuer.example", "https://api.example.com").with_dpop(Dpop::allowed());
/// assert_eq!(nowhere.build().unwrap_err().problems()[0].field(), "public_url");
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
///
/// `Debug` shows no secret.
#[derive(Clone)]
#[must_use]
pub struct Dpop {
    table: Table,
    replay: Replay,
}

/// Where used proofs are remembered.
#[derive(Clone, Default)]
pub(crate) enum Replay {
    /// In memory, or in the store that the guard shares with others.
    #[default]
    Default,
    /// Here.
    Store(Arc<dyn ReplayStore>),
    /// Nowhere: a copied request passes again.
    Nowhere,
}

impl Dpop {
    /// In this mode.
    pub fn new(mode: DpopMode) -> Self {
        let mut table = Table::default();
        table.set(members::MODE, mode);
        Self { table, replay: Replay::Default }
    }

    /// A token that is bound to a key needs a proof; one that is bound to nothing may come as a Bearer token.
    pub fn allowed() -> Self {
        Self::new(DpopMode::Allowed)
    }

    /// Every token needs a proof.
    pub fn required() -> Self {
        Self::new(DpopMode::Required)
    }

    /// How long ago a proof may have been made. Default 60 s, at most 300 s.
    ///
    /// A shorter time makes a copied request worthless sooner, and refuses clients whose clocks are behind. Clients of MCP are promised five
    /// minutes.
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.table.set(members::MAX_AGE, max_age);
        self
    }

    /// How far the clock of a client may be ahead of that of this server. Default 5 s, at most 300 s.
    pub fn with_future(mut self, future: Duration) -> Self {
        self.table.set(members::FUTURE, future);
        self
    }

    /// Only these algorithms of proofs, which the challenges name. Default: all but ES256K and ML-DSA, whose proofs are as long
    /// as a line of a header may be at some servers.
    ///
    /// Challenges name them as `algs`, so that a client chooses one of them. ML-DSA is among them only where it is named here: a proof of it has
    /// about 8 kB, which is as much as many servers take in a line.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::dpop::Dpop;
    ///
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
    ///     .with_public_url("https://api.example.com")
    ///     .with_dpop(Dpop::required().with_algorithms(["ES256", "Ed25519"]))
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_algorithms<T: AsRef<str>>(mut self, algorithms: impl IntoIterator<Item = T>) -> Self {
        let names = algorithms.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self.table.set(members::ALGORITHMS, names);
        self
    }

    /// Demands nonces in proofs, which are made of this secret (RFC 9449 §9): a text of at least 32 characters that nobody can
    /// guess. A nonce counts for one to two minutes; a client without one is told one, and repeats its request. Servers with the
    /// same secret and `public_url` take each other's nonces, and need nothing else in common for it.
    ///
    /// A nonce shows that a proof was made a moment ago also where the clock of the client is wrong or its proofs were made
    /// ahead of time.
    ///
    /// Give it to each instance: they take each other's nonces then, and store nothing. To change it, start the instances anew within a
    /// minute or two: until then a client of one that is ahead is asked for another nonce, which costs it one more request.
    ///
    /// ```
    /// use requires_auth::dpop::Dpop;
    /// use requires_auth::{ErrorCode, Policy, Request, RequiresAuth};
    /// use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "https://api.example.com", key);
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
    ///     .with_public_url("https://api.example.com")
    ///     .with_dpop(Dpop::required().with_nonce_secret("a text of at least 32 characters, from a generator"))
    /// #   .with_jwks(jwks)
    ///     .build()?;
    /// let client = SigningKey::generate(Algorithm::Es256);
    /// let token = forge.token().bound_to(&client).mint();
    /// let proof = forge.proof(&client).token(&token).mint();
    /// let headers = [("authorization", format!("DPoP {token}")), ("dpop", proof)];
    /// let request = Request::new("GET", "/", &headers);
    /// let denial = auth.authorize_now(&request, &Policy::default()).expect("the keys are there").unwrap_err();
    ///
    /// // The client repeats its request with the nonce that the challenge brings.
    /// assert_eq!(denial.code(), ErrorCode::UseDpopNonce);
    /// let challenge = auth.challenge(&request, &denial);
    /// assert_eq!(challenge.headers().filter(|(name, _)| *name == "dpop-nonce").count(), 1);
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_nonce_secret(mut self, secret: impl Into<String>) -> Self {
        self.table.set(members::NONCE_SECRET, Secret::new(secret));
        self
    }

    /// As [`with_nonce_secret`](Self::with_nonce_secret), from a file that is read when the guard is built.
    pub fn with_nonce_secret_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.table.set(members::NONCE_SECRET_FILE, path.into());
        self
    }

    /// How many used proofs are remembered in memory, of one client at most a sixteenth. Default 1,000,000, which is 15,000
    /// requests a second with the other defaults.
    ///
    /// A proof stands there until it is too old: at 1,000 requests a second, and with the default times, that is 65,000 of them.
    pub fn with_max_entries(mut self, entries: usize) -> Self {
        self.table.set(members::MAX_ENTRIES, entries);
        self
    }

    /// How long a proof may be. Default 8 KiB.
    pub fn with_max_proof_bytes(mut self, bytes: usize) -> Self {
        self.table.set(members::MAX_PROOF_BYTES, bytes);
        self
    }

    /// Where used proofs are remembered. Default: in the server that instances share, if there is one, else in memory.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::dpop::Dpop;
    /// use requires_auth::replay::MemoryReplay;
    ///
    /// // A machine with little memory: 20,000 proofs, and at most 2,000 of one client.
    /// let store = MemoryReplay::new(20_000).with_entries_of_a_share(2_000);
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
    ///     .with_public_url("https://api.example.com")
    ///     .with_dpop(Dpop::required().with_replay(store))
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_replay(mut self, store: impl ReplayStore) -> Self {
        self.replay = Replay::Store(Arc::new(store));
        self
    }

    pub(crate) fn without_replay(mut self) -> Self {
        self.replay = Replay::Nowhere;
        self
    }

    pub(crate) fn into_parts(self) -> (Table, Replay) {
        (self.table, self.replay)
    }
}

impl fmt::Debug for Dpop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dpop").field("table", &self.table).finish_non_exhaustive()
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "Default",
            Self::Store(_) => "Store(..)",
            Self::Nowhere => "Nowhere",
        })
    }
}
