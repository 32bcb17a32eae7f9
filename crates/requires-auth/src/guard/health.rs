//! How the keys of a guard are doing, for a health page and for operators.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::{Keys, RequiresAuth};
use crate::discovery::FetchFailure;
use crate::jose::key_set::SkippedKey;
use crate::keys::Held;
use crate::telemetry;
use crate::token_cache::TokenCache;

impl RequiresAuth {
    /// How the keys of each issuer are doing. It fetches nothing and takes no lock that a request needs.
    ///
    /// ```
    /// # fn page(auth: &requires_auth::RequiresAuth) {
    /// for issuer in auth.health().issuers() {
    ///     println!("{}: {} keys, {}", issuer.issuer(), issuer.keys(), issuer.state());
    /// }
    /// # }
    /// ```
    pub fn health(&self) -> Health {
        let now = self.inner.clock.now();
        let issuer_name =
            |place: usize| self.inner.rules.issuers[place].issuer.as_deref().unwrap_or_default();
        let issuers =
            self.inner.keys.iter().enumerate().map(|(place, keys)| keys.health(issuer_name(place), now));
        Health {
            issuers: issuers.collect(),
            remembered_tokens: self.inner.cache.as_ref().map_or(0, TokenCache::len),
        }
    }
}

impl Keys {
    fn health(&self, issuer: &str, now: SystemTime) -> IssuerHealth {
        let unknown = IssuerHealth {
            issuer: issuer.to_owned(),
            state: KeyState::Missing,
            source: None,
            age: None,
            next_refresh: None,
            last_error: None,
            keys: 0,
            skipped: Vec::new(),
        };
        match self {
            Self::Static(keys) => IssuerHealth {
                state: KeyState::Fresh,
                source: Some(KeySource::Static),
                keys: keys.len(),
                skipped: keys.skipped().to_vec(),
                ..unknown
            },
            Self::Remote(remote) => {
                let status = remote.status();
                let unknown = IssuerHealth { last_error: status.last_failure, ..unknown };
                status.keys.map_or(unknown.clone(), |held| held.health(unknown, now))
            }
        }
    }
}

impl Held {
    fn health(&self, unknown: IssuerHealth, now: SystemTime) -> IssuerHealth {
        let age = now.duration_since(self.fetched_at).unwrap_or_default();
        telemetry::key_age(&unknown.issuer, age);
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

/// How a guard is doing.
#[derive(Clone, Debug)]
pub struct Health {
    issuers: Vec<IssuerHealth>,
    remembered_tokens: usize,
}

impl Health {
    /// Each issuer, in the order of the configuration.
    pub fn issuers(&self) -> &[IssuerHealth] {
        &self.issuers
    }

    /// Whether every issuer has keys that may be used: what a readiness probe asks.
    pub fn is_ready(&self) -> bool {
        self.issuers.iter().all(|issuer| matches!(issuer.state, KeyState::Fresh | KeyState::Stale))
    }

    /// How many accepted tokens are remembered.
    pub const fn remembered_tokens(&self) -> usize {
        self.remembered_tokens
    }
}

/// How the keys of one issuer are doing.
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
}

impl IssuerHealth {
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

    /// How long ago the keys were fetched.
    pub const fn age(&self) -> Option<Duration> {
        self.age
    }

    /// In how long they are fetched again; zero if that is due.
    pub const fn next_refresh(&self) -> Option<Duration> {
        self.next_refresh
    }

    /// Why the last fetch failed; `None` after a good one.
    pub const fn last_error(&self) -> Option<&FetchFailure> {
        self.last_error.as_ref()
    }

    /// How many keys are used.
    pub const fn keys(&self) -> usize {
        self.keys
    }

    /// The keys that are not used, each with the reason.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }
}

/// Whether an issuer's keys may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// Within their life.
    Fresh,
    /// None yet: they are fetched on first need, or could not be.
    Missing,
    /// Past their life, and still serving while they cannot be fetched.
    Stale,
    /// There are keys, but they are too old to be used: requests get a 503.
    TooOld,
}

impl KeyState {
    /// `fresh`, `missing`, `stale` or `too_old`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Missing => "missing",
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
    /// `fetched`, `state_file` or `static`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::StateFile => "state_file",
            Self::Static => "static",
        }
    }
}
