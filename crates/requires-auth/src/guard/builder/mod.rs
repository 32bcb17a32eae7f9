//! Everything that can be chosen about a guard, each with its default; mistakes come all at once.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::challenge::BodyFormat;
use crate::clock::{Clock, SystemClock};
use crate::dpop::Replay;
use crate::error::ConfigProblem;
use crate::fetch::Fetch;
use crate::guard::RequiresAuth;
use crate::guard::resolver::ResolveIssuer;
use crate::introspect::Introspect;
use crate::revocations::Revocations;
use crate::settings::{self, Document, Given, Key, Plain, Setting, Value, Variables};
use crate::verify::{Audience, Profile};

mod asks;
mod audience;
mod build;
mod certificates;
mod checks;
mod claims;
mod common;
mod dpop;
mod fapi;
mod guarded;
mod origin;
mod places;
mod provider;
mod resource;
mod revocations;
mod shared;
mod siblings;
mod tenants;

pub(super) use common::{Common, TenantOf};
use origin::Origin;
use provider::FromTable;

/// Builds a [`RequiresAuth`](crate::RequiresAuth). Made by [`RequiresAuth::builder`](crate::RequiresAuth::builder).
///
/// Each setting is a row of [`settings::ALL`], which has its default and limits.
/// Nothing has to be chosen: the defaults are those that are right for most servers, and the safe ones. These are chosen
/// most often:
///
/// | because | method |
/// | --- | --- |
/// | the issuer keeps permissions in another claim than `scope` | [`with_scope_claims`](Self::with_scope_claims) |
/// | tokens of more than one issuer are accepted | [`with_issuer`](Self::with_issuer) |
/// | this server reaches the issuer by another name than clients | [`with_discovery_url`](Self::with_discovery_url) |
/// | the issuer has a certificate of a private authority | [`with_ca`](Self::with_ca) |
/// | tokens are bound to keys, and come with proofs (DPoP) | [`with_dpop`](Self::with_dpop) |
/// | a restart must not need the issuer | [`with_state_file`](Self::with_state_file) |
/// | a test needs keys, a clock or a provider of its own | [`with_jwks`](Self::with_jwks), [`with_clock`](Self::with_clock), [`with_fetch`](Self::with_fetch) |
///
/// Methods that speak of "the issuer named last" belong to the [`with_issuer`](Self::with_issuer) before them, or to the
/// issuer of [`RequiresAuth::builder`](crate::RequiresAuth::builder) if there is none:
///
/// ```
/// use requires_auth::RequiresAuth;
///
/// let auth = RequiresAuth::builder("https://login.example.com", "https://api.example.com")
///     .with_issuer_scope_claims(["scope", "permissions"]) // of login.example.com
///     .with_issuer("https://login.partner.example/v2.0", "api://orders")
///     .with_issuer_scope_claims(["scp"]) // of the partner
///     .with_issuer_algorithms(["RS256"])
///     .build()?;
/// assert_eq!(auth.health().issuers().len(), 2);
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
#[must_use]
#[derive(Clone)]
pub struct Builder {
    issuers: Vec<IssuerSettings>,
    given: Given,
    custom_body: Option<BodyFormat>,
    clock: Arc<dyn Clock>,
    fetch: Option<Arc<dyn Fetch>>,
    introspect: Option<Arc<dyn Introspect>>,
    keys_of: Option<RequiresAuth>,
    /// Whether keys are those of `keys_of` from now on, and not only to begin with.
    shares_keys: bool,
    resolver: Option<Arc<dyn ResolveIssuer>>,
    route_audiences: Vec<Box<str>>,
    /// Where used proofs are remembered.
    replay: Replay,
    revocations: Option<Revocations>,
    problems: Vec<ConfigProblem>,
}

/// What is chosen for one issuer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct IssuerSettings {
    origin: Origin,
    pub(super) given: Given,
    /// An audience that no row of the table can say.
    audience: Option<Audience>,
    /// What the row of its provider adds, once that is looked up.
    from_table: FromTable,
}

impl IssuerSettings {
    pub(super) fn new(issuer: &str, audience: Audience) -> Self {
        let mut given = Given::default();
        given.set(settings::ISSUER, issuer.to_owned());
        let audience = match audience {
            without_names @ (Audience::Any | Audience::Absent) => Some(without_names),
            other => {
                given.set(settings::AUDIENCE, other);
                None
            }
        };
        Self::given(Origin::Code, given, audience)
    }

    fn given(origin: Origin, given: Given, audience: Option<Audience>) -> Self {
        Self { origin, given, audience, from_table: FromTable::default() }
    }

    fn issuer(&self) -> String {
        self.given.get(settings::ISSUER).unwrap_or_default()
    }

    /// What tokens must name. Without any it is a list of none, which the checks refuse.
    fn audience(&self) -> Audience {
        if self.given.is_on(settings::DANGEROUSLY_ANY_AUDIENCE) {
            return Audience::Any;
        }
        let given = || self.given.get(settings::AUDIENCE).unwrap_or(Audience::OneOf(Vec::new()));
        self.audience.clone().unwrap_or_else(given)
    }
}

impl Builder {
    pub(super) fn new(issuer: &str, audience: impl Into<Audience>) -> Self {
        Self { issuers: vec![IssuerSettings::new(issuer, audience.into())], ..Self::without_issuers() }
    }

    /// A builder that has to be told at least one issuer.
    pub(crate) fn without_issuers() -> Self {
        Self {
            issuers: Vec::new(),
            given: Given::default(),
            custom_body: None,
            clock: Arc::new(SystemClock),
            fetch: None,
            introspect: None,
            keys_of: None,
            shares_keys: false,
            resolver: None,
            route_audiences: Vec::new(),
            replay: Replay::default(),
            revocations: None,
            problems: Vec::new(),
        }
    }

    /// Begins with the settings of the environment, with more to choose. What is missing or wrong there shows in
    /// [`build`](Self::build).
    ///
    /// Each setting of [`settings::ALL`] that has a plain value is a variable: `REQUIRES_AUTH_ISSUER`,
    /// `REQUIRES_AUTH_AUDIENCE`, `REQUIRES_AUTH_LEEWAY`, ... Lists are separated by spaces or commas, durations are
    /// `30s`, `5m`, `1h` or a number of seconds, and `REQUIRES_AUTH_JWKS` and `REQUIRES_AUTH_CA` are paths. An empty
    /// variable is as good as none. A variable that begins so and is not a setting is logged as a warning.
    ///
    /// ```no_run
    /// # fn guard() -> Result<requires_auth::RequiresAuth, requires_auth::ConfigError> {
    /// use requires_auth::guard::Builder;
    ///
    /// // Auth0 keeps the scopes of machines in `scope`, and those of people in `permissions`.
    /// Builder::from_env().with_scope_claims(["scope", "permissions"]).build()
    /// # }
    /// ```
    pub fn from_env() -> Self {
        let environment = Variables::read(std::env::vars_os());
        for warning in &environment.warnings {
            tracing::warn!("{warning}");
        }
        Self::from_environment(environment)
    }

    fn from_environment(environment: Variables) -> Self {
        let Variables { guard, issuer, problems, .. } = environment;
        let issuer = IssuerSettings::given(Origin::Environment, issuer, None);
        Self { issuers: vec![issuer], given: guard, problems, ..Self::without_issuers() }
    }

    /// Chooses the value of a setting by its row of the table: for programs that read settings from a place of their
    /// own. All else has a method with a type.
    pub fn with_setting(mut self, setting: &Setting, value: Value) -> Self {
        self.given.put(setting, value, None);
        self
    }

    /// As [`with_setting`](Self::with_setting), for the issuer named last.
    pub fn with_issuer_setting(mut self, setting: &Setting, value: Value) -> Self {
        if let Some(last) = self.issuers.last_mut() {
            last.given.put(setting, value, None);
        }
        self
    }

    /// Calls the issuer named last so in messages, as its table in a file: `issuers.NAME.audience`.
    pub fn with_issuer_name(mut self, name: &str) -> Self {
        if let Some(last) = self.issuers.last_mut() {
            last.origin = Origin::File(name.to_owned());
        }
        self
    }

    #[cfg(feature = "config")]
    pub(crate) fn with_settings_of_file(
        mut self,
        given: &Given,
        issuers: impl IntoIterator<Item = (String, Given)>,
    ) -> Self {
        self.given = given.clone();
        let issuers = issuers.into_iter();
        let read = issuers.map(|(name, given)| IssuerSettings::given(Origin::File(name), given, None));
        self.issuers = read.collect();
        self
    }

    fn set<T: Plain>(mut self, key: Key<T>, value: T) -> Self {
        self.given.set(key, value);
        self
    }

    fn set_for_issuer<T: Plain>(mut self, key: Key<T>, value: T) -> Self {
        if let Some(last) = self.issuers.last_mut() {
            last.given.set(key, value);
        }
        self
    }

    /// Also takes tokens of another issuer, for its own audience. Repeatable.
    ///
    /// Each issuer has its own keys; they never cross (RFC 8725 §3.8). A subject of one issuer is not the subject of the
    /// same name at another: tell them apart by [`AccessToken::issuer`](crate::AccessToken::issuer).
    ///
    /// ```
    /// use requires_auth::{Policy, RequiresAuth};
    /// use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    ///
    /// let (own, partner) = (SigningKey::generate(Algorithm::Es256), SigningKey::generate(Algorithm::Es256));
    /// let auth = RequiresAuth::builder("https://login.example", "https://api.example")
    ///     .with_jwks(jwk_set([&own]).to_string())
    ///     .with_issuer("https://partner.example", "https://api.example")
    ///     .with_jwks(jwk_set([&partner]).to_string())
    ///     .build()?;
    ///
    /// // The partner signs a token that says it is one of ours.
    /// let forged = Forge::new("https://login.example", "https://api.example", partner).token().mint();
    /// assert!(auth.verify_now(&forged, &Policy::default()).expect("the keys are there").is_err());
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_issuer(mut self, issuer: &str, audience: impl Into<Audience>) -> Self {
        self.issuers.push(IssuerSettings::new(issuer, audience.into()));
        self
    }

    /// The key set of the issuer named last, as JSON of at most 16 MiB. Default: found by discovery and fetched.
    ///
    /// Nothing is fetched for this issuer then, and a rotation needs a new guard. For tests, and for machines without a way
    /// to the issuer:
    ///
    /// ```no_run
    /// use requires_auth::RequiresAuth;
    ///
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
    ///     .with_jwks(std::fs::read("/etc/example/keys.json")?)
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_jwks(self, jwks: impl Into<Vec<u8>>) -> Self {
        self.set_for_issuer(settings::JWKS, Document::Bytes(jwks.into()))
    }

    /// Where the key set of the issuer named last is. Default: where its metadata say.
    ///
    /// Nothing is discovered for this issuer then; a `jwks_uri` is as trustworthy as the server that names it.
    pub fn with_jwks_uri(self, url: &str) -> Self {
        self.set_for_issuer(settings::JWKS_URI, url.to_owned())
    }

    /// Where the metadata of the issuer named last are, if this server reaches it by another name than tokens do.
    /// Default: derived from the issuer. The `issuer` in them must still equal the issuer, byte for byte.
    ///
    /// In a network of containers, clients know the issuer by its public name, and the API by that of its service:
    ///
    /// ```
    /// use requires_auth::{RequiresAuth, danger};
    ///
    /// let builder = RequiresAuth::builder("https://login.example.com/realms/shop", "https://api.example.com")
    ///     .with_discovery_url("http://keycloak:8080/realms/shop/.well-known/openid-configuration");
    /// // Plain http inside the network is a decision of its own.
    /// let auth = danger::allow_http_issuer(builder).build()?;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_discovery_url(self, url: &str) -> Self {
        self.set_for_issuer(settings::DISCOVERY_URL, url.to_owned())
    }

    /// Only these algorithms for the issuer named last, whatever [`with_algorithms`](Self::with_algorithms) says for all.
    /// Default: what holds for all.
    ///
    /// A list of one breaks when this issuer rotates to another type of key.
    pub fn with_issuer_algorithms<T: AsRef<str>>(self, algorithms: impl IntoIterator<Item = T>) -> Self {
        self.set_for_issuer(
            settings::ALGORITHMS,
            algorithms.into_iter().map(|name| name.as_ref().to_owned()).collect(),
        )
    }

    /// Which shape the access tokens of the issuer named last have, whatever [`with_profile`](Self::with_profile) says for
    /// all. Default: what holds for all.
    pub fn with_issuer_profile(self, profile: Profile) -> Self {
        self.set_for_issuer(settings::PROFILE, profile)
    }

    /// For how long past their life keys still serve while they cannot be fetched. Default 1 h; zero fails closed.
    ///
    /// If the issuer is down, cached keys keep working for this long after they expire. In this time a key that the issuer
    /// has withdrawn is not noticed either. A longer time survives longer outages; a shorter one ends stolen keys earlier.
    pub fn with_stale(self, stale: Duration) -> Self {
        self.set(settings::STALE, stale)
    }

    /// How long fetching one document of an issuer may take: its metadata or its key set. Default 5 s, at least 1 s and
    /// at most 30 s. A request waits for keys for at most 5 s whatever this says; a fetch that takes longer goes on, and serves
    /// later requests.
    pub fn with_fetch_timeout(self, timeout: Duration) -> Self {
        self.set(settings::FETCH_TIMEOUT, timeout)
    }

    /// How many accepted tokens are remembered. Default 10,000; 0 verifies every token anew.
    ///
    /// A remembered token costs one SHA-256 instead of a signature. Expiry, key set and policy are checked on every cache
    /// hit, so a token never outlives its `exp` or its key by being remembered.
    pub fn with_cache(self, entries: usize) -> Self {
        self.set(settings::CACHE, entries)
    }

    /// A file that keeps the last good key sets, so that a restart during an outage of the issuer has keys. Default: none.
    /// It belongs in a folder that only this server can write, such as that of systemd's `StateDirectory`.
    ///
    /// It is read when the guard is built and written after each fetch, atomically and with mode 0600. A file
    /// that another user owns, or that others may write, is not believed. What it holds is not used past its life and stale time.
    pub fn with_state_file(self, path: impl Into<PathBuf>) -> Self {
        self.set(settings::STATE_FILE, path.into())
    }

    /// Begins with the keys that another guard has fetched, for each issuer whose keys would come from the same place: the
    /// same URLs, and the same certificates to trust. Default: every key is fetched.
    ///
    /// For a server that takes another configuration while it runs: it needs no provider for what it knows. The keys
    /// are as old as they are, and are fetched again when it is their time.
    ///
    /// ```
    /// use requires_auth::{ConfigError, RequiresAuth};
    ///
    /// /// Replaces a guard by one with another audience, without a moment in which requests wait for keys.
    /// fn with_audience(running: &RequiresAuth, audience: &str) -> Result<RequiresAuth, ConfigError> {
    ///     RequiresAuth::builder("https://issuer.example", audience).with_keys_of(running).build()
    /// }
    /// # let running = RequiresAuth::new("https://issuer.example", "https://api.example")?;
    /// # with_audience(&running, "urn:example:api")?;
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn with_keys_of(mut self, guard: &RequiresAuth) -> Self {
        self.keys_of = Some(guard.clone());
        self
    }

    /// Only these algorithms, by [`Algorithm`](crate::Algorithm) or by name. Default: each key's own, by its type, curve and `alg`.
    ///
    /// `none` and HMAC are never allowed (RFC 8725 §3.2). A list of one breaks when the issuer rotates to
    /// another type of key.
    ///
    /// ```
    /// use requires_auth::{Algorithm, RequiresAuth};
    ///
    /// let builder = || RequiresAuth::builder("https://issuer.example", "https://api.example");
    /// builder().with_algorithms([Algorithm::Es256, Algorithm::Es384]).build()?;
    ///
    /// // A shared secret would let every service that verifies tokens make them too.
    /// let error = builder().with_algorithms(["HS256"]).build().unwrap_err();
    /// assert_eq!(error.problems()[0].field(), "algorithms");
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_algorithms<T: AsRef<str>>(self, algorithms: impl IntoIterator<Item = T>) -> Self {
        self.set(settings::ALGORITHMS, algorithms.into_iter().map(|name| name.as_ref().to_owned()).collect())
    }

    /// How far the clocks of this server and of the issuer may differ. Default 30 s, at most 300 s.
    pub fn with_leeway(self, leeway: Duration) -> Self {
        self.set(settings::LEEWAY, leeway)
    }

    /// Which shape of token is an access token. Default [`Profile::Jwt`].
    pub fn with_profile(self, profile: Profile) -> Self {
        self.set(settings::PROFILE, profile)
    }

    /// How long a token may be, in bytes. Default 16 KiB. A longer one is refused before it is decoded.
    pub fn with_max_token_bytes(self, bytes: usize) -> Self {
        self.set(settings::MAX_TOKEN_BYTES, bytes)
    }

    /// What the bodies of refusals look like. Default [`BodyFormat::Json`]. Status and headers do not depend on it.
    pub fn with_error_body(mut self, format: BodyFormat) -> Self {
        self.custom_body = None;
        match format {
            BodyFormat::Json => self.set(settings::ERROR_BODY, "json"),
            BodyFormat::ProblemDetails => self.set(settings::ERROR_BODY, "problem"),
            custom @ BodyFormat::Custom(_) => {
                self.custom_body = Some(custom);
                self
            }
        }
    }

    /// Audiences of single routes, beside those of the issuers: a token for one of these passes where a policy names it
    /// ([`Policy::with_audience`](crate::Policy::with_audience)), and nowhere else. None by default.
    ///
    /// For an API whose parts are resources of their own at the issuer (RFC 8707): one guard, with one set of keys and of
    /// remembered tokens, serves all of them.
    pub fn with_route_audiences<T: Into<String>>(mut self, audiences: impl IntoIterator<Item = T>) -> Self {
        self.route_audiences.extend(audiences.into_iter().map(|name| name.into().into_boxed_str()));
        self
    }

    /// The clock. Default: the system's. For tests; see [`Clock`] for one that a test turns.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How documents are fetched. Default, with the feature `fetch`: HTTP with rustls on aws-lc. Without the feature every
    /// issuer needs this or [`with_jwks`](Self::with_jwks). See [`Fetch`] for one in memory.
    pub fn with_fetch(mut self, fetch: impl Fetch) -> Self {
        self.fetch = Some(Arc::new(fetch));
        self
    }

    /// Certificates to trust beside those of the platform, as PEM: for an issuer with a private CA. Empty by default. It is
    /// the certificate of the authority, not that of the issuer, so that the issuer may renew its own.
    pub fn with_ca(self, pem: impl Into<Vec<u8>>) -> Self {
        self.set(settings::CA, Document::Bytes(pem.into()))
    }

    pub(crate) fn allow_http(self) -> Self {
        self.set(settings::DANGEROUSLY_ALLOW_HTTP_ISSUER, true)
    }

    pub(crate) fn allow_public_test_keys(self) -> Self {
        self.set(settings::DANGEROUSLY_ALLOW_PUBLIC_TEST_KEYS, true)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<_> = self.issuers.iter().map(IssuerSettings::issuer).collect();
        f.debug_struct("Builder").field("issuers", &issuers).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
