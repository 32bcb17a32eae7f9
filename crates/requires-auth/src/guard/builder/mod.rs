//! Everything that can be chosen about a guard, each with its default; mistakes come all at once.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::challenge::BodyFormat;
use crate::clock::{Clock, SystemClock};
use crate::error::{ConfigProblem, quoted};
use crate::fetch::Fetch;
use crate::file::{MAX_GIVEN_BYTES, RegularFile};
use crate::guard::RequiresAuth;
use crate::issuer::Transport;
use crate::token_cache;
use crate::verify::{Audience, Implication, Profile, Rules};

mod build;
mod origin;

use origin::Origin;

/// For how long past their life keys serve while they cannot be fetched, unless told otherwise.
const DEFAULT_STALE: Duration = Duration::from_secs(60 * 60);

/// Builds a [`RequiresAuth`](crate::RequiresAuth). Made by [`RequiresAuth::builder`](crate::RequiresAuth::builder).
#[must_use]
pub struct Builder {
    issuers: Vec<IssuerSettings>,
    algorithms: Option<Vec<String>>,
    leeway: Duration,
    profile: Profile,
    max_token_bytes: usize,
    scope_claims: Vec<Box<str>>,
    implied_scopes: Vec<Implication>,
    body_format: BodyFormat,
    clock: Arc<dyn Clock>,
    fetch: Option<Arc<dyn Fetch>>,
    ca: Vec<u8>,
    transport: Transport,
    stale: Duration,
    cache_entries: usize,
    state_file: Option<PathBuf>,
    keys_of: Option<RequiresAuth>,
    public_test_keys: bool,
    problems: Vec<ConfigProblem>,
}

struct IssuerSettings {
    origin: Origin,
    issuer: String,
    audience: Audience,
    jwks: Option<Vec<u8>>,
    jwks_uri: Option<String>,
    discovery_url: Option<String>,
    algorithms: Option<Vec<String>>,
    scope_claims: Option<Vec<Box<str>>>,
}

impl IssuerSettings {
    fn new(issuer: &str, audience: Audience) -> Self {
        Self {
            origin: Origin::Code,
            issuer: issuer.to_owned(),
            audience,
            jwks: None,
            jwks_uri: None,
            discovery_url: None,
            algorithms: None,
            scope_claims: None,
        }
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
            keys_of: None,
            public_test_keys: false,
            problems: Vec::new(),
        }
    }

    /// Begins with the settings of the environment, as [`RequiresAuth::from_env`](crate::RequiresAuth::from_env) reads
    /// them, with more to choose. What is missing there shows in [`build`](Self::build).
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
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The settings of the environment, read through `variable`.
    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let issuer = variable("REQUIRES_AUTH_ISSUER").unwrap_or_default();
        let audiences = variable("REQUIRES_AUTH_AUDIENCE").unwrap_or_default();
        let audiences: Vec<_> = audiences.split_ascii_whitespace().collect();
        let mut builder = Self::new(&issuer, audiences);
        for settings in &mut builder.issuers {
            settings.origin = Origin::Environment;
        }
        if let Some(path) = variable("REQUIRES_AUTH_JWKS") {
            let read = RegularFile::open(path.as_ref()).and_then(|file| file.read(MAX_GIVEN_BYTES));
            builder = match read {
                Ok(jwks) => builder.with_jwks(jwks),
                Err(error) => {
                    let found = format!("{}: {error}", quoted(&path));
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

    /// Only these algorithms for the issuer named last, whatever [`with_algorithms`](Self::with_algorithms) says for all.
    /// Default: what holds for all.
    ///
    /// A list of one breaks when this issuer rotates to another type of key.
    pub fn with_issuer_algorithms<T: AsRef<str>>(mut self, algorithms: impl IntoIterator<Item = T>) -> Self {
        if let Some(last) = self.issuers.last_mut() {
            last.algorithms = Some(algorithms.into_iter().map(|name| name.as_ref().to_owned()).collect());
        }
        self
    }

    /// The claims that hold scopes in tokens of the issuer named last, by dotted path, whatever
    /// [`with_scope_claims`](Self::with_scope_claims) says for all. Default: what holds for all.
    pub fn with_issuer_scope_claims<T: Into<String>>(mut self, paths: impl IntoIterator<Item = T>) -> Self {
        if let Some(last) = self.issuers.last_mut() {
            last.scope_claims = Some(paths.into_iter().map(|path| path.into().into_boxed_str()).collect());
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
    /// that another user owns, or that others may write, is not believed. What it holds is not used past its life and stale time.
    pub fn with_state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// Begins with the keys that another guard has fetched, for each issuer whose keys would come from the same place: the
    /// same URLs, and the same certificates to trust. Default: every key is fetched.
    ///
    /// For a server that takes another configuration while it runs: it needs no provider for what it knows. The keys
    /// are as old as they are, and are fetched again when it is their time.
    pub fn with_keys_of(mut self, guard: &RequiresAuth) -> Self {
        self.keys_of = Some(guard.clone());
        self
    }

    /// Only these algorithms, by [`Algorithm`](crate::Algorithm) or by name. Default: each key's own, by its type, curve and `alg`.
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
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<_> = self.issuers.iter().map(|settings| &settings.issuer).collect();
        f.debug_struct("Builder").field("issuers", &issuers).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ConfigError;

    fn built(variables: &[(&str, &str)]) -> Result<RequiresAuth, ConfigError> {
        let variable = |name: &str| variables.iter().find(|(own, _)| *own == name);
        Builder::from_variables(|name| variable(name).map(|(_, value)| (*value).to_owned())).build()
    }

    const ISSUER: (&str, &str) = ("REQUIRES_AUTH_ISSUER", "https://issuer.example");
    const AUDIENCE: (&str, &str) = ("REQUIRES_AUTH_AUDIENCE", "https://api.example https://other.example");

    #[test]
    fn the_environment_makes_a_guard() {
        assert!(built(&[ISSUER, AUDIENCE]).is_ok());
        assert!(built(&[ISSUER, AUDIENCE, ("REQUIRES_AUTH_ALGORITHMS", "ES256, RS256")]).is_ok());
    }

    #[test]
    fn what_is_not_set_is_named_with_the_variable() {
        let error = built(&[]).expect_err("nothing is set").to_string();
        let expected = "the configuration has 2 problems
audience: expected the identifier of this API, found nothing
  hint: set REQUIRES_AUTH_AUDIENCE to the identifier of this API at the issuer, such as https://api.example.com
issuer: expected an https URL, found nothing
  hint: set REQUIRES_AUTH_ISSUER to the issuer of the tokens, such as https://tenant-id.logto.app/oidc";
        assert_eq!(error, expected);
        let error = built(&[ISSUER]).expect_err("no audience").to_string();
        assert!(error.contains("REQUIRES_AUTH_AUDIENCE") && !error.contains("Any"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named_with_the_variable() {
        let line_break = ("REQUIRES_AUTH_ISSUER", "https://issuer.example\n");
        let error = built(&[line_break, AUDIENCE]).expect_err("a line break").to_string();
        assert!(error.contains(r"found `https://issuer.example\n`"), "{error}");
        assert!(error.contains("mend REQUIRES_AUTH_ISSUER: cut off"), "{error}");
        let error =
            built(&[ISSUER, AUDIENCE, ("REQUIRES_AUTH_JWKS", "none.json\n")]).expect_err("no such file");
        assert!(error.to_string().contains("set REQUIRES_AUTH_JWKS"), "{error}");
    }

    #[test]
    fn an_argument_is_not_blamed_on_the_environment() {
        let variables = |name: &str| Some(if name == ISSUER.0 { ISSUER.1 } else { "" }.to_owned());
        let builder = Builder::from_variables(variables).with_issuer("", AUDIENCE.1);
        let error = builder.build().expect_err("two mistakes");
        let hints: Vec<_> = error.problems().iter().map(ConfigProblem::hint).collect();
        assert!(hints.iter().any(|hint| hint.contains("REQUIRES_AUTH_AUDIENCE")), "{hints:?}");
        assert!(!hints.iter().any(|hint| hint.contains("REQUIRES_AUTH_ISSUER")), "{hints:?}");
    }
}
