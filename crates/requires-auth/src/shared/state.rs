//! The settings of the shared server, as code writes them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Options, RedisReplay, Shared};
use crate::clock::SystemClock;
use crate::error::ConfigError;
use crate::settings::shared_state as members;
use crate::settings::{Document, Secret, Table};

/// Where instances of an API keep what they have to know of each other; given to a guard with
/// [`Builder::with_shared_state`](crate::guard::Builder::with_shared_state).
///
/// Nothing is checked here: what is missing or contradictory is a [`ConfigError`](crate::ConfigError) of
/// [`Builder::build`](crate::guard::Builder::build), which names every mistake at once. `Debug` does not show the password.
///
/// ```
/// use requires_auth::RequiresAuth;
/// use requires_auth::shared::SharedState;
///
/// let redis = SharedState::at("redis://redis.internal:6379").with_namespace("orders");
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_shared_state(redis).build()?;
///
/// // The password has a place of its own, where no log finds it.
/// let redis = SharedState::at("redis://:secret@redis.internal:6379");
/// let builder = RequiresAuth::builder("https://issuer.example", "https://api.example");
/// let error = builder.with_shared_state(redis).build().unwrap_err();
/// assert_eq!(error.problems()[0].field(), "shared_state");
/// assert!(!error.to_string().contains("secret@"));
/// # let _ = auth;
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SharedState {
    table: Table,
}

impl SharedState {
    /// A server with Redis from 6.2 on, or with Valkey: `redis://host:6379/0`, or `rediss://` with TLS.
    pub fn at(url: &str) -> Self {
        let mut table = Table::default();
        table.set(members::URL, url.to_owned());
        Self { table }
    }

    /// A cluster, by some of its nodes; the others are found.
    pub fn cluster<T: Into<String>>(nodes: impl IntoIterator<Item = T>) -> Self {
        let mut table = Table::default();
        table.set(members::CLUSTER, nodes.into_iter().map(Into::into).collect());
        Self { table }
    }

    /// What keys begin with, the same for all instances of one API. Default `api`.
    ///
    /// A gateway and an application behind it that checks proofs again need different ones, or the second takes each proof for
    /// a copy.
    ///
    /// It stands in each key, so that several APIs may have one server. All instances of one API have the same.
    pub fn with_namespace(mut self, namespace: &str) -> Self {
        self.table.set(members::NAMESPACE, namespace.to_owned());
        self
    }

    /// The user to log in as. Default: that of the server.
    ///
    /// A user of its own can be held to the commands and the keys that are needed, which [the module](crate::shared) lists.
    ///
    /// ```
    /// use requires_auth::shared::SharedState;
    ///
    /// let redis = SharedState::at("rediss://redis.internal:6379")
    ///     .with_namespace("orders")
    ///     .with_username("orders-api")
    ///     .with_password_file("/run/secrets/redis");
    /// # let _ = redis;
    /// ```
    pub fn with_username(mut self, username: &str) -> Self {
        self.table.set(members::USERNAME, username.to_owned());
        self
    }

    /// The password to log in with.
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.table.set(members::PASSWORD, Secret::new(password));
        self
    }

    /// The file that has the password. It is read when the guard is built; a line break at its end is left out.
    pub fn with_password_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.table.set(members::PASSWORD_FILE, path.into());
        self
    }

    /// Certificates to trust instead of those of the platform, in PEM, for `rediss://` with a private CA.
    pub fn with_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.table.set(members::CA, Document::Bytes(pem.into()));
        self
    }

    /// For how long a request waits for the server, before it is refused with 503. Default 150 ms, from 10 ms to 5 s.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        let milliseconds = usize::try_from(timeout.as_millis()).unwrap_or(usize::MAX);
        self.table.set(members::TIMEOUT_MS, milliseconds);
        self
    }

    /// While the server does not answer, each instance goes by the proofs that it has seen itself: a copied request may pass
    /// once at each. Default: such requests are refused with 503.
    ///
    /// While the server is away, a copied request may pass once at each instance. Choose it where a short time of that is better than a
    /// short time without answers; each such request is counted, and the outage is logged.
    pub fn or_memory(mut self) -> Self {
        self.table.set(members::ON_OUTAGE, "memory");
        self
    }

    /// Tells revocations to all instances, and refuses what any of them has revoked: see
    /// [`RequiresAuth::revoke`](crate::RequiresAuth::revoke). Default: an instance knows those of its file.
    ///
    /// The guard connects when it is built then, and refuses requests with 503 until it has read what is revoked.
    pub fn with_revocations(mut self) -> Self {
        self.table.set(members::REVOCATIONS, true);
        self
    }

    /// With [`with_revocations`](Self::with_revocations), for how long revocations may be as old as the last answer of the server, before requests are refused with 503.
    /// Default 60 s.
    pub fn with_max_lag(mut self, lag: Duration) -> Self {
        self.table.set(members::MAX_LAG, lag);
        self
    }

    /// Used proofs that all instances know, by themselves: for a test, and for a guard that is none of ours.
    ///
    /// # Errors
    ///
    /// All mistakes of the settings at once.
    ///
    /// ```
    /// use requires_auth::dpop::Dpop;
    /// use requires_auth::shared::SharedState;
    ///
    /// // Only used proofs are shared, and nothing else that `with_shared_state` would share.
    /// let store = SharedState::at("redis://127.0.0.1:6379").with_namespace("orders").replay()?;
    /// let dpop = Dpop::required().with_replay(store);
    /// # let _ = dpop;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn replay(self) -> Result<RedisReplay, ConfigError> {
        let options = Options::read(&self.table).map_err(ConfigError::of)?;
        Ok(Shared::new(options, Arc::new(SystemClock)).replay())
    }

    pub(crate) fn into_table(self) -> Table {
        self.table
    }
}
