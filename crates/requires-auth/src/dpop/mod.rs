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
