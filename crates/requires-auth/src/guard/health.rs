//! How the keys of a guard are doing, for a readiness probe, a health page and a dashboard.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::{Keys, RequiresAuth};
use crate::discovery::FetchFailure;
use crate::jose::key_set::SkippedKey;
use crate::keys::Held;
use crate::revocations::Revocations;
#[cfg(feature = "redis")]
use crate::shared::SharedHealth;
use crate::telemetry;
use crate::token_cache::TokenCache;

impl RequiresAuth {
    /// How the keys of each issuer are doing. It fetches nothing and takes no lock that a request needs, so it may be asked
    /// as often as a probe likes.
    ///
    /// Use it for readiness, not for liveness: to start a server again because its issuer is down loses the keys that it
    /// still has.
    ///
    /// ```
    /// use axum::{Json, Router, http::StatusCode, routing::get};
    /// use requires_auth::RequiresAuth;
    ///
    /// /// Ready once every issuer has keys. It tells the world nothing but that.
    /// fn readiness(auth: RequiresAuth) -> Router {
    ///     Router::new().route(
    ///         "/ready",
    ///         get(async move || if auth.health().is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }),
    ///     )
    /// }
    ///
    /// /// For a page that only operators reach: what is wrong, and what to do about it.
    /// fn page(auth: &RequiresAuth) -> String {
    ///     let mut page = String::new();
    ///     for issuer in auth.health().issuers() {
    ///         page += &format!("{}: {} keys, {}\n", issuer.issuer(), issuer.keys(), issuer.state());
    ///         if let Some(failure) = issuer.last_error() {
    ///             page += &format!("  the last fetch failed: {failure}\n  hint: {}\n", failure.hint());
    ///         }
    ///     }
    ///     page
    /// }
    ///
    /// let auth = RequiresAuth::new("https://issuer.example", "https://api.example")?;
    /// // Nothing is fetched before the first need: call `warm` at start, or this server is not ready until a token comes.
    /// assert!(!auth.health().is_ready());
    /// assert_eq!(page(&auth), "https://issuer.example: 0 keys, missing\n");
    /// # let _ = readiness(auth);
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn health(&self) -> Health {
        let now = self.inner.clock.now();
        let issuer_name =
            |place: usize| self.inner.rules.issuers[place].issuer.as_deref().unwrap_or_default();
        let named = self
            .inner
            .keys
            .iter()
            .enumerate()
            .map(|(place, keys)| keys.health(IssuerHealth::unknown(issuer_name(place)), now));
        let mut issuers: Vec<_> = named.collect();
        if let Some(tenants) = &self.inner.tenants {
            issuers.extend(tenants.patterns().map(|(pattern, keys)| match keys {
                Some(keys) => keys.health(IssuerHealth::unknown(pattern), now),
                None => IssuerHealth { state: KeyState::OnDemand, ..IssuerHealth::unknown(pattern) },
            }));
            issuers.extend(tenants.known().iter().map(|tenant| {
                let unknown = IssuerHealth { is_tenant: true, ..IssuerHealth::unknown(&tenant.issuer) };
                tenant.keys.health(unknown, now)
            }));
        }
        Health {
            issuers,
            remembered_tokens: self.inner.cache.as_ref().map_or(0, TokenCache::len),
            #[cfg(feature = "redis")]
            shared_state: self.inner.sharing.health(),
            revocations: self.inner.revocations.as_ref().map(RevocationsHealth::of),
        }
    }
}

impl Keys {
    fn health(&self, unknown: IssuerHealth, now: SystemTime) -> IssuerHealth {
        match self {
            Self::Unneeded => IssuerHealth { state: KeyState::Fresh, ..unknown },
            Self::Static(keys) => IssuerHealth {
                state: KeyState::Fresh,
                source: Some(KeySource::Static),
                keys: keys.len(),
                skipped: keys.skipped().to_vec(),
                ..unknown
            },
            Self::Remote(remote) => {
                let status = remote.status();
                let unknown =
                    IssuerHealth { last_error: status.last_failure.map(|last| last.failure), ..unknown };
                status.keys.map_or(unknown.clone(), |held| held.health(unknown, now))
            }
        }
    }
}

impl Held {
    fn health(&self, unknown: IssuerHealth, now: SystemTime) -> IssuerHealth {
        let age = now.duration_since(self.fetched_at).unwrap_or_default();
        // Tenants have no series of their own.
        if !unknown.is_tenant {
            telemetry::key_age(&unknown.issuer, age);
        }
        let state = if !self.is_usable(now) {
            KeyState::TooOld
        } else if age < self.life {
            KeyState::Fresh
        } else {
            KeyState::Stale
        };
        IssuerHealth {
            state,
            source: Some(if self.is_from_file { KeySource::StateFile } else { KeySource::Fetched }),
            age: Some(age),
            next_refresh: Some(self.refresh_at.duration_since(now).unwrap_or_default()),
            keys: self.keys.len(),
            skipped: self.keys.skipped().to_vec(),
            ..unknown
        }
    }
}

/// How a guard is doing, at one moment: from [`RequiresAuth::health`].
#[derive(Clone, Debug)]
pub struct Health {
    issuers: Vec<IssuerHealth>,
    remembered_tokens: usize,
    revocations: Option<RevocationsHealth>,
    #[cfg(feature = "redis")]
    shared_state: Option<SharedHealth>,
}

/// How the revocations of a guard are doing.
#[derive(Clone, Debug)]
pub struct RevocationsHealth {
    entries: usize,
    last_error: Option<String>,
}

impl RevocationsHealth {
    fn of(revocations: &Revocations) -> Self {
        let last_error = revocations.failure().map(|failure| failure.to_string());
        Self { entries: revocations.len(), last_error }
    }

    /// How many entries are in use. Some may have ended.
    pub const fn entries(&self) -> usize {
        self.entries
    }

    /// Why the file could not be read when it was last tried; `None` if it could. What was read before is in use all the same,
    /// but what was revoked since is not.
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }
}

impl Health {
    /// Each issuer that is configured by name, in the order of the configuration; then each pattern, and then the tenants
    /// that are in use.
    pub fn issuers(&self) -> &[IssuerHealth] {
        &self.issuers
    }

    /// Whether every issuer has keys that may be used: what a readiness probe asks. Stale keys count, as they serve. Tenants
    /// do not: that one of them has an outage is no reason to refuse the others.
    pub fn is_ready(&self) -> bool {
        let mut named = self.issuers.iter().filter(|issuer| !issuer.is_tenant);
        named.all(|issuer| matches!(issuer.state, KeyState::Fresh | KeyState::OnDemand | KeyState::Stale))
    }

    /// How many accepted tokens are remembered at the moment, at most the size of
    /// [`Builder::with_cache`](super::Builder::with_cache).
    pub const fn remembered_tokens(&self) -> usize {
        self.remembered_tokens
    }

    /// The revocations; `None` for a guard that is told of none.
    pub const fn revocations(&self) -> Option<&RevocationsHealth> {
        self.revocations.as_ref()
    }

    /// How the server that instances share is doing; `None` if there is none. An outage of it is no reason to take an instance
    /// out of service, as it is that of all: requests that need it get a 503.
    #[cfg(feature = "redis")]
    pub const fn shared_state(&self) -> Option<&SharedHealth> {
        self.shared_state.as_ref()
    }
}

/// How the keys of one issuer are doing.
///
/// ```
/// # use requires_auth_testkit::{Algorithm, SigningKey, jwk_set};
/// use requires_auth::RequiresAuth;
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let mut jwks = jwk_set([&key]);
/// # jwks["keys"].as_array_mut().unwrap().push(serde_json::json!({ "kty": "oct", "k": "c2VjcmV0" }));
///
/// # let builder = RequiresAuth::builder("https://issuer.example", "https://api.example");
/// let auth = builder.with_jwks(jwks.to_string()).build()?;
/// let health = auth.health();
/// let issuer = &health.issuers()[0];
/// assert_eq!(issuer.keys(), 1);
///
/// // Worth a line in the log at start: a key that the issuer publishes and this guard does not use.
/// let skipped: Vec<_> = issuer.skipped().iter().map(|key| key.reason().to_string()).collect();
/// assert_eq!(skipped, ["it is a private or symmetric key"]);
///
/// // Keys that were given have no age, and are never fetched again.
/// assert_eq!((issuer.age(), issuer.next_refresh()), (None, None));
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct IssuerHealth {
    issuer: String,
    state: KeyState,
    source: Option<KeySource>,
    age: Option<Duration>,
    next_refresh: Option<Duration>,
    last_error: Option<FetchFailure>,
    keys: usize,
    skipped: Vec<SkippedKey>,
    is_tenant: bool,
}

impl IssuerHealth {
    fn unknown(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            state: KeyState::Missing,
            source: None,
            age: None,
            next_refresh: None,
            last_error: None,
            keys: 0,
            skipped: Vec::new(),
            is_tenant: false,
        }
    }

    /// Whether it is one of the tenants of a pattern, or was found by a resolver.
    pub const fn is_tenant(&self) -> bool {
        self.is_tenant
    }

    /// The issuer, as configured.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether there are keys, and whether they may be used.
    pub const fn state(&self) -> KeyState {
        self.state
    }

    /// Where the keys came from; `None` if there are none yet.
    pub const fn source(&self) -> Option<KeySource> {
        self.source
    }

    /// How long ago the keys were fetched, or found unchanged; `None` for keys that were given and where there are none.
    pub const fn age(&self) -> Option<Duration> {
        self.age
    }

    /// In how long they are fetched again; zero if that is due, `None` as for [`age`](Self::age).
    pub const fn next_refresh(&self) -> Option<Duration> {
        self.next_refresh
    }

    /// Why the last fetch failed; `None` after a good one. There may be good keys all the same: see
    /// [`state`](Self::state).
    pub const fn last_error(&self) -> Option<&FetchFailure> {
        self.last_error.as_ref()
    }

    /// How many keys are used; zero if there are none yet.
    pub const fn keys(&self) -> usize {
        self.keys
    }

    /// The keys that are not used, each with the reason.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }
}

/// Whether an issuer's keys may be used.
///
/// | state | requests | what to do |
/// | --- | --- | --- |
/// | `fresh` | are served | nothing |
/// | `stale` | are served | look at [`IssuerHealth::last_error`] before they are too old |
/// | `too_old` | 503 | the same, now |
/// | `on_demand` | the first of a tenant waits for a fetch | nothing |
/// | `missing` | the first waits for a fetch; 503 if it fails | call [`RequiresAuth::warm`] at start |
///
/// How long keys are stale before they are too old is chosen with [`Builder::with_stale`](super::Builder::with_stale):
///
/// ```
/// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
/// use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
/// use std::time::{Duration, UNIX_EPOCH};
///
/// # use requires_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest, FetchResponse};
/// use requires_auth::guard::KeyState;
/// use requires_auth::{Policy, RequiresAuth};
///
/// static IS_UP: AtomicBool = AtomicBool::new(true);
/// static NOW: AtomicU64 = AtomicU64::new(1_800_000_000);
/// # struct Provider(String);
/// # impl Fetch for Provider {
/// #     fn fetch(&self, _: FetchRequest) -> FetchFuture {
/// #         let up = IS_UP.load(Relaxed).then(|| FetchResponse::new(200, self.0.clone()));
/// #         Box::pin(std::future::ready(up.ok_or(FetchError::Timeout)))
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let provider = Provider(jwk_set([&key]).to_string());
/// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
/// # let token = forge.token().issued_at(1_800_000_000).lifetime(86_400).mint();
/// // A provider that answers while IS_UP, and keys that live for ten minutes, as it does not say how long.
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
///     .with_jwks_uri("https://issuer.example/keys")
///     .with_fetch(provider)
///     .with_clock(|| UNIX_EPOCH + Duration::from_secs(NOW.load(Relaxed)))
///     .with_stale(Duration::from_secs(1800))
///     .build()?;
/// auth.warm().await?;
/// IS_UP.store(false, Relaxed);
///
/// NOW.fetch_add(600 + 1799, Relaxed);
/// assert_eq!(auth.health().issuers()[0].state(), KeyState::Stale);
/// assert!(auth.verify(&token, &Policy::default()).await.is_ok());
///
/// NOW.fetch_add(2, Relaxed);
/// assert_eq!(auth.health().issuers()[0].state(), KeyState::TooOld);
/// assert_eq!(auth.verify(&token, &Policy::default()).await.unwrap_err().status(), 503);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// Within their life.
    Fresh,
    /// None yet: they are fetched on first need, or could not be.
    Missing,
    /// The issuer is a pattern, and each of its tenants has keys of its own.
    OnDemand,
    /// Past their life, and still serving while they cannot be fetched.
    Stale,
    /// There are keys, but they are too old to be used: requests get a 503.
    TooOld,
}

impl KeyState {
    /// `fresh`, `missing`, `on_demand`, `stale` or `too_old`: short names that never change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Missing => "missing",
            Self::OnDemand => "on_demand",
            Self::Stale => "stale",
            Self::TooOld => "too_old",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where an issuer's keys came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// From the issuer.
    Fetched,
    /// From the state file of an earlier run.
    StateFile,
    /// From the configuration.
    Static,
}

impl KeySource {
    /// `fetched`, `state_file` or `static`: short names that never change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::StateFile => "state_file",
            Self::Static => "static",
        }
    }
}
