//! From settings to a guard: every mistake is found before any of them is reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use url::Url;

use super::{Builder, IssuerSettings};
use crate::error::{ConfigError, ConfigProblem, quoted};
use crate::fetch::Fetch;
use crate::guard::{Inner, Keys, RequiresAuth};
use crate::issuer::{IssuerUrl, Transport, may_be_fetched};
use crate::jose::alg::{Algorithm, AlgorithmSet};
use crate::jose::key_set::{KeySet, KeySetLimits};
use crate::keys::{RemoteKeys, Source, StateFile};
use crate::telemetry::Allowed;
use crate::token_cache::TokenCache;
use crate::verify::{Audience, GuardId, ImpliedScopes, IssuerRules, Issuers, Rules, in_a_cycle};

impl Builder {
    /// Builds the guard, without any IO but reading a state file.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with the setting, what is expected and a hint: an issuer that is no
    /// https URL (http is for loopback), an empty audience, an unknown algorithm, a leeway over 300 s, a
    /// key set without a usable key.
    pub fn build(mut self) -> Result<RequiresAuth, ConfigError> {
        let mut problems = std::mem::take(&mut self.problems);
        let algorithms = self.algorithms.as_deref().map(|names| read_algorithms(names, &mut problems));
        self.check_numbers(&mut problems);
        check_scope_claims(&self.scope_claims, &mut problems);
        self.check_implied_scopes(&mut problems);
        let state_file = self.state_file.as_deref().map(StateFile::open);
        // One client for all issuers.
        let needs_fetch = self.issuers.iter().any(|settings| settings.jwks.is_none());
        let fetch =
            needs_fetch.then(|| self.fetch().map_err(|problem| problems.push(problem)).ok()).flatten();
        let mut rules = Issuers::default();
        let mut keys = Vec::new();
        for settings in &self.issuers {
            let mut own_problems = Vec::new();
            check_audience(&settings.audience, &mut own_problems);
            let own = settings.algorithms.as_deref().map(|names| read_algorithms(names, &mut problems));
            check_scope_claims(settings.scope_claims.as_deref().unwrap_or_default(), &mut problems);
            let issuer = IssuerRules {
                algorithms: own.or(algorithms),
                scope_claims: settings.scope_claims.clone(),
                ..IssuerRules::new(Some(&settings.issuer), settings.audience.clone())
            };
            if !rules.push(issuer) {
                let hint = "name each issuer once, with all its audiences: [\"a\", \"b\"]";
                problems.push(ConfigProblem::new(
                    "issuer",
                    format!("`{}` twice", settings.issuer),
                    "different issuers",
                    hint,
                ));
            }
            match self.keys(settings, fetch.as_ref(), state_file.as_ref()) {
                Ok(source) => keys.extend(source),
                Err(problem) => own_problems.push(problem),
            }
            problems.extend(own_problems.into_iter().map(|problem| settings.explain(problem)));
        }
        ConfigError::unless_empty(problems)?;
        let rules = Rules {
            algorithms: algorithms.map(|algorithms| of_any(&rules, algorithms)),
            issuers: rules,
            leeway: self.leeway,
            profile: self.profile,
            max_token_bytes: self.max_token_bytes,
            scope_claims: self.scope_claims,
            implied_scopes: ImpliedScopes::new(self.implied_scopes),
            guard: next_guard(),
        };
        let cache = TokenCache::new(self.cache_entries);
        let allowed = Allowed::new(self.issuers.iter().map(|settings| settings.issuer.as_str()));
        let inner = Inner {
            rules,
            keys,
            clock: self.clock,
            body_format: self.body_format,
            cache,
            known_header: ArcSwapOption::empty(),
            allowed,
        };
        Ok(RequiresAuth { inner: Arc::new(inner) })
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
    }

    fn check_implied_scopes(&self, problems: &mut Vec<ConfigProblem>) {
        let scopes = self.implied_scopes.iter().map(|(scope, _)| scope);
        problems.extend(scopes.filter_map(|scope| ConfigProblem::of_unseen("implied_scopes", scope)));
        for scope in in_a_cycle(&self.implied_scopes) {
            let hint = "let the stronger scope imply the weaker one, and not the other way round too";
            problems.push(ConfigProblem::new(
                "implied_scopes",
                format!("`{scope}` implies itself"),
                "scopes without a cycle",
                hint,
            ));
        }
    }

    fn keys(
        &self,
        settings: &IssuerSettings,
        fetch: Option<&Arc<dyn Fetch>>,
        state_file: Option<&Arc<StateFile>>,
    ) -> Result<Option<Keys>, ConfigProblem> {
        let issuer = IssuerUrl::parse(&settings.issuer, self.transport)?;
        if let Some(jwks) = &settings.jwks {
            let limits = KeySetLimits { public_test_keys: self.public_test_keys, ..KeySetLimits::GIVEN };
            return static_keys(jwks, limits).map(|keys| Some(Keys::Static(Arc::new(keys))));
        }
        let limits = KeySetLimits { public_test_keys: self.public_test_keys, ..KeySetLimits::FETCHED };
        let url = |field, url: &Option<String>| match url {
            Some(url) => fetchable(field, url, self.transport).map(Some),
            None => Ok(None),
        };
        let (discovery_url, jwks_uri) =
            (url("discovery_url", &settings.discovery_url)?, url("jwks_uri", &settings.jwks_uri)?);
        // Without a way to fetch there is a problem already.
        let Some(fetch) = fetch.cloned() else { return Ok(None) };
        let (transport, clock, stale) = (self.transport, Arc::clone(&self.clock), self.stale);
        let ca = Arc::from(&*self.ca);
        let earlier = self.keys_of.as_ref().and_then(|guard| guard.remote_keys(&settings.issuer));
        let source = Source { issuer, transport, limits, fetch, clock, ca, discovery_url, jwks_uri, stale };
        Ok(Some(Keys::Remote(RemoteKeys::new(source, state_file.cloned(), earlier))))
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

impl IssuerSettings {
    /// A problem, with where to mend it.
    fn explain(&self, problem: ConfigProblem) -> ConfigProblem {
        self.origin.explain(problem, |field| match field {
            "issuer" => self.issuer.is_empty(),
            _ => matches!(&self.audience, Audience::OneOf(audiences) if audiences.is_empty()),
        })
    }
}

fn fetchable(field: &'static str, url: &str, transport: Transport) -> Result<Url, ConfigProblem> {
    // Reading it as a URL would cut this off in silence.
    if let Some(unseen) = ConfigProblem::of_unseen(field, url) {
        return Err(unseen);
    }
    let parsed = Url::parse(url).ok().filter(|url| may_be_fetched(url, transport));
    parsed.ok_or_else(|| {
        let hint = "use https; plain http is for loopback only (or, on a private network, `danger::allow_http_issuer`)";
        ConfigProblem::new(field, quoted(url), "an https URL", hint)
    })
}

fn read_algorithms(names: &[String], problems: &mut Vec<ConfigProblem>) -> AlgorithmSet {
    if names.is_empty() {
        let hint = "leave the setting out to accept each key's own algorithm";
        problems.push(ConfigProblem::new("algorithms", "an empty list", "at least one algorithm", hint));
    }
    let mut algorithms: Vec<Algorithm> = Vec::new();
    for name in names {
        match name.parse() {
            Ok(algorithm) => algorithms.push(algorithm),
            Err(unknown) => {
                let hint =
                    format!("{unknown}; names are case-sensitive, and none and HS256 are never allowed");
                problems.push(ConfigProblem::new("algorithms", quoted(name), "signature algorithms", hint));
            }
        }
    }
    algorithms.into_iter().collect()
}

/// What any issuer takes, where this is for those without a list of their own.
fn of_any(issuers: &Issuers, for_all: AlgorithmSet) -> AlgorithmSet {
    issuers
        .iter()
        .filter_map(|issuer| issuer.algorithms)
        .flat_map(AlgorithmSet::iter)
        .chain(for_all.iter())
        .collect()
}

fn check_scope_claims(paths: &[Box<str>], problems: &mut Vec<ConfigProblem>) {
    if paths.iter().any(|path| path.is_empty()) {
        let hint = "name the claim, with dots for members of members: `realm_access.roles`";
        problems.push(ConfigProblem::new("scope_claims", "an empty path", "dotted paths", hint));
    }
    problems.extend(paths.iter().filter_map(|path| ConfigProblem::of_unseen("scope_claims", path)));
}

fn check_audience(audience: &Audience, problems: &mut Vec<ConfigProblem>) {
    let Audience::OneOf(audiences) = audience else { return };
    let hint = "use the identifier of this API at the issuer, such as https://api.example.com; only if every token of \
                the issuer may be used here, whatever API it was made for, write Audience::Any";
    if audiences.is_empty() {
        problems.push(ConfigProblem::new("audience", "nothing", "the identifier of this API", hint));
    }
    for audience in audiences {
        if audience.trim().is_empty() {
            problems.push(ConfigProblem::new(
                "audience",
                quoted(audience),
                "the identifier of this API",
                hint,
            ));
        }
        problems.extend(ConfigProblem::of_unseen("audience", audience));
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
