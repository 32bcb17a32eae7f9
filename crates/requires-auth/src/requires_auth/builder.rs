//! Everything that can be chosen about a guard, each with its default; mistakes come all at once.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use url::Url;

use super::{Inner, Keys, RequiresAuth};
use crate::challenge::BodyFormat;
use crate::clock::{Clock, SystemClock};
use crate::error::{ConfigError, ConfigProblem};
use crate::fetch::Fetch;
use crate::issuer::{IssuerUrl, Transport, may_be_fetched};
use crate::jose::alg::Algorithm;
use crate::jose::key_set::{KeySet, KeySetLimits};
use crate::keys::{RemoteKeys, Source, StateFile};
use crate::telemetry::Allowed;
use crate::token_cache::{self, TokenCache};
use crate::verify::{Audience, GuardId, IssuerRules, Issuers, Profile, Rules};

/// For how long past their life keys serve while they cannot be fetched, unless told otherwise.
const DEFAULT_STALE: Duration = Duration::from_secs(60 * 60);

/// Builds a [`RequiresAuth`]. Made by [`RequiresAuth::builder`].
#[must_use]
pub struct Builder {
    issuers: Vec<IssuerSettings>,
    algorithms: Option<Vec<String>>,
    leeway: Duration,
    profile: Profile,
    max_token_bytes: usize,
    scope_claims: Vec<Box<str>>,
    implied_scopes: Vec<(Box<str>, Vec<Box<str>>)>,
    body_format: BodyFormat,
    clock: Arc<dyn Clock>,
    fetch: Option<Arc<dyn Fetch>>,
    ca: Vec<u8>,
    transport: Transport,
    stale: Duration,
    cache_entries: usize,
    state_file: Option<PathBuf>,
    public_test_keys: bool,
    problems: Vec<ConfigProblem>,
}

struct IssuerSettings {
    issuer: String,
    audience: Audience,
    jwks: Option<Vec<u8>>,
    jwks_uri: Option<String>,
    discovery_url: Option<String>,
}

impl IssuerSettings {
    fn new(issuer: &str, audience: Audience) -> Self {
        Self { issuer: issuer.to_owned(), audience, jwks: None, jwks_uri: None, discovery_url: None }
    }
}

impl Builder {
    pub(super) fn new(issuer: &str, audience: impl Into<Audience>) -> Self {
        Self {
            issuers: vec![IssuerSettings::new(issuer, audience.into())],
            algorithms: None,
            leeway: Rules::DEFAULT_LEEWAY,
            profile: Profile::default(),
            max_token_bytes: Rules::DEFAULT_MAX_TOKEN_BYTES,
            scope_claims: Vec::new(),
            implied_scopes: Vec::new(),
            body_format: BodyFormat::default(),
            clock: Arc::new(SystemClock),
            fetch: None,
            ca: Vec::new(),
            transport: Transport::default(),
            stale: DEFAULT_STALE,
            cache_entries: token_cache::DEFAULT_ENTRIES,
            state_file: None,
            public_test_keys: false,
            problems: Vec::new(),
        }
    }

    /// The settings of the environment, read through `variable`.
    pub(super) fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let issuer = variable("REQUIRES_AUTH_ISSUER").unwrap_or_default();
        let audiences = variable("REQUIRES_AUTH_AUDIENCE").unwrap_or_default();
        let audiences: Vec<_> = audiences.split_ascii_whitespace().collect();
        let mut builder = Self::new(&issuer, audiences);
        if let Some(path) = variable("REQUIRES_AUTH_JWKS") {
            builder = match std::fs::read(&path) {
                Ok(jwks) => builder.with_jwks(jwks),
                Err(error) => {
                    let found = format!("`{path}`: {error}");
                    let hint = "set REQUIRES_AUTH_JWKS to the path of a file, or unset it to fetch the keys";
                    builder.problems.push(ConfigProblem::new("jwks", found, "a readable JWK Set file", hint));
                    builder
                }
            };
        }
        match variable("REQUIRES_AUTH_ALGORITHMS") {
            Some(names) => builder.with_algorithms(names.split([' ', ',']).filter(|name| !name.is_empty())),
            None => builder,
        }
    }

    /// Also takes tokens of another issuer, for its own audience. Repeatable.
    ///
    /// Each issuer has its own keys; they never cross (RFC 8725 §3.8).
    pub fn with_issuer(mut self, issuer: &str, audience: impl Into<Audience>) -> Self {
        self.issuers.push(IssuerSettings::new(issuer, audience.into()));
        self
    }

    /// The key set of the issuer named last, as JSON of at most 16 MiB. Default: found by discovery and fetched.
    ///
    /// Nothing is fetched for this issuer then, and a rotation needs a new guard.
    pub fn with_jwks(mut self, jwks: impl Into<Vec<u8>>) -> Self {
        if let Some(last) = self.issuers.last_mut() {
            last.jwks = Some(jwks.into());
        }
        self
    }

    /// Where the key set of the issuer named last is. Default: where its metadata say.
    ///
    /// Nothing is discovered for this issuer then; a `jwks_uri` is as trustworthy as the server that names it.
    pub fn with_jwks_uri(mut self, url: &str) -> Self {
        if let Some(last) = self.issuers.last_mut() {
            last.jwks_uri = Some(url.to_owned());
        }
        self
    }

    /// Where the metadata of the issuer named last are, if this server reaches it by another name than tokens do.
    /// Default: derived from the issuer. The `issuer` in them must still equal the issuer, byte for byte.
    pub fn with_discovery_url(mut self, url: &str) -> Self {
        if let Some(last) = self.issuers.last_mut() {
            last.discovery_url = Some(url.to_owned());
        }
        self
    }

    /// For how long past their life keys still serve while they cannot be fetched. Default 1 h; zero fails closed.
    ///
    /// Within this time an outage of the issuer is not felt; a key that the issuer has withdrawn meanwhile is
    /// not noticed either.
    pub fn with_stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// How many accepted tokens are remembered. Default 10,000; 0 verifies every token anew.
    ///
    /// A remembered token costs one SHA-256. Its times, its key set and the policy are checked every time.
    pub fn with_cache(mut self, entries: usize) -> Self {
        self.cache_entries = entries;
        self
    }

    /// A file that keeps the last good key sets, so that a restart during an outage has keys. Default: none.
    ///
    /// It is read when the guard is built and written after each fetch, atomically and with mode 0600. A file
    /// that others may write is not believed. What it holds is not used past its life and stale time.
    pub fn with_state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// Only these algorithms, by [`Algorithm`] or by name. Default: each key's own, by its type, curve and `alg`.
    ///
    /// `none` and HMAC are never allowed (RFC 8725 §3.2). A list of one breaks when the issuer rotates to
    /// another type of key.
    pub fn with_algorithms<T: AsRef<str>>(mut self, algorithms: impl IntoIterator<Item = T>) -> Self {
        self.algorithms = Some(algorithms.into_iter().map(|name| name.as_ref().to_owned()).collect());
        self
    }

    /// How far the clocks of this server and of the issuer may differ. Default 30 s, at most 300 s.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Which shape of token is an access token. Default [`Profile::Jwt`].
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// How long a token may be, in bytes. Default 16 KiB. A longer one is refused before it is decoded.
    pub fn with_max_token_bytes(mut self, bytes: usize) -> Self {
        self.max_token_bytes = bytes;
        self
    }

    /// The claims that hold scopes, by dotted path; all that are there count together. Default: `scope`, else `scp`.
    ///
    /// For Auth0's permissions: `["scope", "permissions"]`; for Keycloak's roles: `["scope", "realm_access.roles"]`.
    pub fn with_scope_claims<T: Into<String>>(mut self, paths: impl IntoIterator<Item = T>) -> Self {
        self.scope_claims = paths.into_iter().map(|path| path.into().into_boxed_str()).collect();
        self
    }

    /// A scope that includes others, space-separated: `("admin", "read write")`. Repeatable. Default: none does.
    pub fn with_implied_scopes(mut self, scope: &str, implied: &str) -> Self {
        let implied = implied.split_ascii_whitespace().map(Into::into).collect();
        self.implied_scopes.push((scope.into(), implied));
        self
    }

    /// What the bodies of refusals look like. Default [`BodyFormat::Json`].
    pub fn with_error_body(mut self, format: BodyFormat) -> Self {
        self.body_format = format;
        self
    }

    /// The clock. Default: the system's.
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How documents are fetched. Default, with the feature `fetch`: HTTP with rustls on aws-lc.
    pub fn with_fetch(mut self, fetch: impl Fetch) -> Self {
        self.fetch = Some(Arc::new(fetch));
        self
    }

    /// Certificates to trust beside those of the platform, as PEM: for an issuer with a private CA.
    pub fn with_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = pem.into();
        self
    }

    pub(crate) fn allow_http(mut self) -> Self {
        self.transport = Transport::PlainHttp;
        self
    }

    pub(crate) fn allow_public_test_keys(mut self) -> Self {
        self.public_test_keys = true;
        self
    }

    /// Builds the guard, without any IO but reading a state file.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with the setting, what is expected and a hint: an issuer that is no
    /// https URL (http is for loopback), an empty audience, an unknown algorithm, a leeway over 300 s, a
    /// key set without a usable key.
    pub fn build(mut self) -> Result<RequiresAuth, ConfigError> {
        let mut problems = std::mem::take(&mut self.problems);
        let algorithms = self.check_algorithms(&mut problems);
        self.check_numbers(&mut problems);
        self.check_implied_scopes(&mut problems);
        let state_file = self.state_file.as_deref().map(StateFile::open);
        let mut rules = Issuers::default();
        let mut keys = Vec::new();
        for settings in &self.issuers {
            check_audience(&settings.audience, &mut problems);
            let issuer = Some(settings.issuer.as_str().into());
            if !rules.push(IssuerRules { issuer, audience: settings.audience.clone() }) {
                let hint = "name each issuer once, with all its audiences: [\"a\", \"b\"]";
                problems.push(ConfigProblem::new(
                    "issuer",
                    format!("`{}` twice", settings.issuer),
                    "different issuers",
                    hint,
                ));
            }
            match self.keys(settings, state_file.as_ref()) {
                Ok(source) => keys.push(source),
                Err(problem) => problems.push(problem),
            }
        }
        ConfigError::unless_empty(problems)?;
        let rules = Rules {
            issuers: rules,
            algorithms: algorithms.map(|algorithms| algorithms.into_iter().collect()),
            leeway: self.leeway,
            profile: self.profile,
            max_token_bytes: self.max_token_bytes,
            scope_claims: self.scope_claims,
            implied_scopes: self.implied_scopes,
            guard: next_guard(),
        };
        let cache = TokenCache::new(self.cache_entries);
        let allowed = Allowed::new(self.issuers.iter().map(|settings| settings.issuer.as_str()));
        let inner = Inner { rules, keys, clock: self.clock, body_format: self.body_format, cache, allowed };
        Ok(RequiresAuth { inner: Arc::new(inner) })
    }

    fn check_algorithms(&self, problems: &mut Vec<ConfigProblem>) -> Option<Vec<Algorithm>> {
        let names = self.algorithms.as_ref()?;
        if names.is_empty() {
            let hint = "leave the setting out to accept each key's own algorithm";
            problems.push(ConfigProblem::new("algorithms", "an empty list", "at least one algorithm", hint));
        }
        let mut algorithms = Vec::new();
        for name in names {
            match name.parse() {
                Ok(algorithm) => algorithms.push(algorithm),
                Err(unknown) => {
                    let hint =
                        format!("{unknown}; names are case-sensitive, and none and HS256 are never allowed");
                    problems.push(ConfigProblem::new(
                        "algorithms",
                        format!("`{name}`"),
                        "signature algorithms",
                        hint,
                    ));
                }
            }
        }
        Some(algorithms)
    }

    fn check_numbers(&self, problems: &mut Vec<ConfigProblem>) {
        if self.leeway > Rules::MAX_LEEWAY {
            let found = format!("{} s", self.leeway.as_secs());
            let hint = "synchronise the clocks; a large leeway keeps expired tokens alive";
            problems.push(ConfigProblem::new("leeway", found, "at most 300 s", hint));
        }
        if self.max_token_bytes == 0 {
            let hint = "the default is 16384; an ES384 token of Logto has about 560 bytes";
            problems.push(ConfigProblem::new("max_token_bytes", "0", "a number of bytes", hint));
        }
        if self.scope_claims.iter().any(|path| path.is_empty()) {
            let hint = "name the claim, with dots for members of members: `realm_access.roles`";
            problems.push(ConfigProblem::new("scope_claims", "an empty path", "dotted paths", hint));
        }
    }

    fn check_implied_scopes(&self, problems: &mut Vec<ConfigProblem>) {
        for (scope, _) in &self.implied_scopes {
            if self.reaches(scope, scope, self.implied_scopes.len()) {
                let hint = "let the stronger scope imply the weaker one, and not the other way round too";
                problems.push(ConfigProblem::new(
                    "implied_scopes",
                    format!("`{scope}` implies itself"),
                    "scopes without a cycle",
                    hint,
                ));
            }
        }
    }

    /// Whether `from` implies `target` in at most `steps` steps.
    fn reaches(&self, from: &str, target: &str, steps: usize) -> bool {
        let mut direct =
            self.implied_scopes.iter().filter(|(scope, _)| **scope == *from).flat_map(|(_, implied)| implied);
        steps > 0 && direct.any(|implied| **implied == *target || self.reaches(implied, target, steps - 1))
    }

    fn keys(
        &self,
        settings: &IssuerSettings,
        state_file: Option<&Arc<StateFile>>,
    ) -> Result<Keys, ConfigProblem> {
        let issuer = IssuerUrl::parse(&settings.issuer, self.transport)?;
        if let Some(jwks) = &settings.jwks {
            let limits = KeySetLimits { public_test_keys: self.public_test_keys, ..KeySetLimits::GIVEN };
            return static_keys(jwks, limits).map(|keys| Keys::Static(Arc::new(keys)));
        }
        let limits = KeySetLimits { public_test_keys: self.public_test_keys, ..KeySetLimits::FETCHED };
        let url = |field, url: &Option<String>| match url {
            Some(url) => fetchable(field, url, self.transport).map(Some),
            None => Ok(None),
        };
        let source = Source {
            issuer,
            transport: self.transport,
            limits,
            fetch: self.fetch()?,
            clock: Arc::clone(&self.clock),
            discovery_url: url("discovery_url", &settings.discovery_url)?,
            jwks_uri: url("jwks_uri", &settings.jwks_uri)?,
            stale: self.stale,
        };
        Ok(Keys::Remote(RemoteKeys::new(source, state_file.cloned())))
    }

    #[cfg(feature = "fetch")]
    fn fetch(&self) -> Result<Arc<dyn Fetch>, ConfigProblem> {
        if let Some(fetch) = &self.fetch {
            return Ok(Arc::clone(fetch));
        }
        let http = crate::fetch::HttpFetch::new(&self.ca).map_err(|cause| {
            ConfigProblem::new(
                "ca",
                cause,
                "certificates in PEM",
                "start each with -----BEGIN CERTIFICATE-----",
            )
        })?;
        Ok(Arc::new(http))
    }

    #[cfg(not(feature = "fetch"))]
    fn fetch(&self) -> Result<Arc<dyn Fetch>, ConfigProblem> {
        self.fetch.clone().ok_or_else(|| {
            let hint = "switch on the Cargo feature `fetch`, or give keys with `with_jwks` or `with_fetch`";
            ConfigProblem::new("fetch", "nothing", "a way to fetch keys", hint)
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<_> = self.issuers.iter().map(|settings| &settings.issuer).collect();
        f.debug_struct("Builder").field("issuers", &issuers).finish_non_exhaustive()
    }
}

fn fetchable(field: &'static str, url: &str, transport: Transport) -> Result<Url, ConfigProblem> {
    let parsed = Url::parse(url).ok().filter(|url| may_be_fetched(url, transport));
    parsed.ok_or_else(|| {
        let hint = "use https; plain http is for loopback only (or, on a private network, `danger::allow_http_issuer`)";
        ConfigProblem::new(field, format!("`{url}`"), "an https URL", hint)
    })
}

fn check_audience(audience: &Audience, problems: &mut Vec<ConfigProblem>) {
    let Audience::OneOf(audiences) = audience else { return };
    let hint = "use the identifier of this API at the issuer, such as https://api.example.com; to take every \
                token of the issuer, write Audience::Any";
    if audiences.is_empty() {
        problems.push(ConfigProblem::new("audience", "nothing", "the identifier of this API", hint));
    }
    for audience in
        audiences.iter().filter(|audience| audience.trim().is_empty() || audience.trim() != audience.as_str())
    {
        problems.push(ConfigProblem::new(
            "audience",
            format!("`{audience}`"),
            "the identifier of this API",
            hint,
        ));
    }
}

fn static_keys(jwks: &[u8], limits: KeySetLimits) -> Result<KeySet, ConfigProblem> {
    let problem =
        |found: String, hint: String| ConfigProblem::new("jwks", found, "a JWK Set with a usable key", hint);
    let keys = KeySet::read(jwks, limits).map_err(|error| {
        problem(error.to_string(), "save the answer of the issuer's jwks_uri: {\"keys\": [...]}".to_owned())
    })?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    let skipped: Vec<_> =
        keys.skipped().iter().map(|key| format!("key {}: {}", key.index(), key.reason())).collect();
    Err(problem(
        "no usable key".to_owned(),
        if skipped.is_empty() { "the set is empty".to_owned() } else { skipped.join("; ") },
    ))
}

/// Guards are told apart by a number, so that none takes another's token.
fn next_guard() -> GuardId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    GuardId(NEXT.fetch_add(1, Ordering::Relaxed))
}
