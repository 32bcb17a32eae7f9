//! From settings to a guard: every mistake is found before any of them is reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

use super::checks::{
    algorithms, certificates, check_audience, check_implied_scopes, check_scope_claims, discreet, document,
    fetchable, implications, static_keys,
};
use super::origin::Origin;
use super::{Builder, IssuerSettings};
use crate::challenge::BodyFormat;
use crate::error::{ConfigError, ConfigProblem};
use crate::fetch::Fetch;
use crate::guard::{Inner, Keys, RequiresAuth};
use crate::introspect::{Asker, Introspect};
use crate::issuer::{IssuerUrl, Transport};
use crate::jose::alg::AlgorithmSet;
use crate::jose::key_set::KeySetLimits;
use crate::keys::{RemoteKeys, Source, StateFile};
use crate::settings::introspection as members;
use crate::settings::{self, Given, Table};
use crate::telemetry::Allowed;
use crate::token_cache::TokenCache;
use crate::verify::{GuardId, ImpliedScopes, IssuerRules, Issuers, Rules, Tokens};

/// What all issuers share for their keys.
pub(super) struct Shared {
    pub(super) transport: Transport,
    ca: Arc<[u8]>,
    pub(super) fetch: Option<Arc<dyn Fetch>>,
    pub(super) introspect: Option<Arc<dyn Introspect>>,
    state_file: Option<Arc<StateFile>>,
}

impl Builder {
    /// Builds the guard, without any IO but reading the files that settings name.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with the setting, what is expected and a hint: an issuer that is not an
    /// https URL (http is for loopback), an empty audience, an unknown algorithm, a leeway over 300 s, a
    /// key set without a usable key.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// let error = RequiresAuth::builder("https://issuer.example", "https://api.example")
    ///     .with_algorithms(["ES256", "RS257"])
    ///     .with_issuer("https://issuer.example/", "")
    ///     .build()
    ///     .unwrap_err();
    /// let mistakes: Vec<_> = error.problems().iter().map(|problem| (problem.field(), problem.found())).collect();
    /// assert!(mistakes.contains(&("algorithms", "`RS257`")), "{mistakes:?}");
    /// assert!(mistakes.iter().any(|(field, _)| *field == "audience"), "{mistakes:?}");
    /// ```
    pub fn build(mut self) -> Result<RequiresAuth, ConfigError> {
        let mut problems = std::mem::take(&mut self.problems);
        let unreadable: Vec<_> = problems.iter().map(ConfigProblem::field).collect();
        let mut found = Vec::new();
        let for_all = algorithms(&self.given, &mut found);
        found.extend(self.given.check_limits());
        check_scope_claims(&self.given, &mut found);
        check_implied_scopes(&self.given, &mut found);
        let shared = self.shared(&mut found);
        problems.extend(found.into_iter().map(|problem| named(&self.given, problem)));
        let (issuers, keys, askers) = self.issuers(for_all, &shared, &mut problems, &unreadable);
        ConfigError::unless_empty(problems)?;
        let body_format = self.body_format();
        let rules = Rules {
            algorithms: for_all.map(|algorithms| of_any(&issuers, algorithms)),
            issuers,
            leeway: self.given.duration(settings::LEEWAY),
            profile: self.given.get(settings::PROFILE).unwrap_or_default(),
            max_token_bytes: self.given.count(settings::MAX_TOKEN_BYTES),
            scope_claims: boxed(self.given.get(settings::SCOPE_CLAIMS).unwrap_or_default()),
            implied_scopes: ImpliedScopes::new(implications(&self.given)),
            guard: next_guard(),
        };
        let cache = TokenCache::new(self.given.count(settings::CACHE));
        let names: Vec<_> = self.issuers.iter().map(IssuerSettings::issuer).collect();
        let allowed = Allowed::new(names.iter().map(String::as_str));
        let inner = Inner {
            rules,
            keys,
            askers,
            clock: self.clock,
            style: body_format.into(),
            cache,
            known_header: ArcSwapOption::empty(),
            allowed,
        };
        Ok(RequiresAuth { inner: Arc::new(inner) })
    }

    fn body_format(&self) -> BodyFormat {
        match (&self.custom_body, self.given.get(settings::ERROR_BODY)) {
            (Some(custom), _) => custom.clone(),
            (None, Some("problem")) => BodyFormat::ProblemDetails,
            (None, _) => BodyFormat::Json,
        }
    }

    fn shared(&self, problems: &mut Vec<ConfigProblem>) -> Shared {
        let is_http_allowed = self.given.is_on(settings::DANGEROUSLY_ALLOW_HTTP_ISSUER);
        let of_file = self.issuers.iter().find(|settings| matches!(settings.origin, Origin::File(_)));
        let origin = of_file.map_or(&Origin::Code, |settings| &settings.origin);
        let ca = certificates(&self.given, origin, problems);
        // One client for all issuers. It reads the certificates; without any it need not be made to try.
        let is_discovered = |table: &Table| table.value(members::ENDPOINT.setting.key).is_none();
        let needs_fetch = self.issuers.iter().any(|settings| {
            settings.given.get(settings::JWKS).is_none() && !settings.needs_no_keys()
                || settings.introspection().as_ref().is_some_and(is_discovered)
        });
        let is_needed = needs_fetch || (!ca.is_empty() && cfg!(feature = "fetch"));
        let fetch =
            is_needed.then(|| self.fetch(&ca).map_err(|problem| problems.push(problem)).ok()).flatten();
        let asks = self.issuers.iter().any(|settings| settings.introspection().is_some());
        let introspect = asks.then(|| match self.introspect(&ca) {
            Ok(introspect) => Some(introspect),
            Err(problem) => {
                let is_told = problems.iter().any(|told| told.field() == problem.field());
                problems.extend((!is_told).then_some(problem));
                None
            }
        });
        Shared {
            introspect: introspect.flatten(),
            transport: if is_http_allowed { Transport::PlainHttp } else { Transport::Tls },
            ca: ca.into(),
            fetch,
            state_file: self.given.get(settings::STATE_FILE).as_deref().map(StateFile::open),
        }
    }

    /// The rules and the keys of each issuer.
    fn issuers(
        &self,
        for_all: Option<AlgorithmSet>,
        shared: &Shared,
        problems: &mut Vec<ConfigProblem>,
        unreadable: &[&str],
    ) -> (Issuers, Vec<Keys>, Vec<Option<Arc<Asker>>>) {
        let mut rules = Issuers::default();
        let (mut keys, mut askers) = (Vec::new(), Vec::new());
        let mut takes_opaque = false;
        for (place, settings) in self.issuers.iter().enumerate() {
            let mut found = Vec::new();
            check_audience(settings, &mut found);
            let own = algorithms(&settings.given, &mut found);
            check_scope_claims(&settings.given, &mut found);
            settings.check_tokens(takes_opaque, &mut found);
            takes_opaque |= settings.tokens() != Tokens::Jwt;
            askers.push(self.asker(settings, shared, &mut found));
            let issuer = settings.issuer();
            let issuer_rules = IssuerRules {
                algorithms: own.or(for_all),
                scope_claims: settings.given.get(settings::SCOPE_CLAIMS).map(boxed),
                tokens: settings.tokens(),
                introspection: settings.introspection_rules(),
                ..IssuerRules::new(Some(&issuer), settings.audience())
            };
            if !rules.push(issuer_rules) && !issuer.is_empty() {
                found.push(self.twice(place, &issuer));
            }
            match self.keys(settings, shared) {
                Ok(source) => keys.extend(source),
                Err(problem) => found.push(problem),
            }
            // A variable whose text is not a value is not missing.
            found.retain(|problem| {
                !(settings.origin == Origin::Environment && unreadable.contains(&problem.field()))
            });
            problems.extend(found.into_iter().map(|problem| settings.explain(problem)));
        }
        (rules, keys, askers)
    }

    fn twice(&self, place: usize, issuer: &str) -> ConfigProblem {
        let first = self.issuers.iter().take(place).find(|other| other.issuer() == issuer);
        let found = match first.map(|first| &first.origin) {
            Some(Origin::File(name)) => format!("that of [issuers.{}] again", settings::shown_key(name)),
            _ => format!("`{issuer}` twice"),
        };
        let hint = "name each issuer once, with all its audiences: [\"a\", \"b\"]";
        ConfigProblem::new("issuer", found, "different issuers", hint)
    }

    fn keys(&self, settings: &IssuerSettings, shared: &Shared) -> Result<Option<Keys>, ConfigProblem> {
        let given = &settings.given;
        let transport = shared.transport;
        let issuer = match settings.issuer() {
            missing if missing.is_empty() => return Err(missing_issuer()),
            issuer => IssuerUrl::parse(&issuer, transport).map_err(|problem| discreet(problem, &issuer))?,
        };
        if settings.needs_no_keys() {
            return Ok(Some(Keys::Unneeded));
        }
        let public_test_keys = self.given.is_on(settings::DANGEROUSLY_ALLOW_PUBLIC_TEST_KEYS);
        if let Some(jwks) = document(given, settings::JWKS, &settings.origin)? {
            let limits = KeySetLimits { public_test_keys, ..KeySetLimits::GIVEN };
            return static_keys(&jwks, limits).map(|keys| Some(Keys::Static(Arc::new(keys))));
        }
        let url = |key| fetchable(given, key, transport);
        let (discovery_url, jwks_uri) = (url(settings::DISCOVERY_URL)?, url(settings::JWKS_URI)?);
        // Without a way to fetch there is a problem already.
        let Some(fetch) = shared.fetch.clone() else { return Ok(None) };
        let earlier = self.keys_of.as_ref().and_then(|guard| guard.remote_keys(issuer.identifier()));
        let source = Source {
            issuer,
            transport,
            limits: KeySetLimits { public_test_keys, ..KeySetLimits::FETCHED },
            fetch,
            clock: Arc::clone(&self.clock),
            ca: Arc::clone(&shared.ca),
            discovery_url,
            jwks_uri,
            stale: self.given.duration(settings::STALE),
            timeout: self.given.duration(settings::FETCH_TIMEOUT),
        };
        Ok(Some(Keys::Remote(RemoteKeys::new(source, shared.state_file.clone(), earlier))))
    }

    #[cfg(feature = "fetch")]
    fn fetch(&self, ca: &[u8]) -> Result<Arc<dyn Fetch>, ConfigProblem> {
        if let Some(fetch) = &self.fetch {
            return Ok(Arc::clone(fetch));
        }
        let http = crate::fetch::HttpFetch::new(ca).map_err(|cause| {
            let hint = "start each with -----BEGIN CERTIFICATE-----";
            ConfigProblem::new("ca", cause, "certificates in PEM", hint)
        })?;
        Ok(Arc::new(http.with_timeout(self.given.duration(settings::FETCH_TIMEOUT))))
    }

    #[cfg(not(feature = "fetch"))]
    fn fetch(&self, _ca: &[u8]) -> Result<Arc<dyn Fetch>, ConfigProblem> {
        self.fetch.clone().ok_or_else(|| {
            let hint = "switch on the Cargo feature `fetch`, or give keys with `with_jwks` or `with_fetch`";
            ConfigProblem::new("fetch", "nothing", "a way to fetch keys", hint)
        })
    }
}

impl IssuerSettings {
    /// A problem, with where to mend it.
    fn explain(&self, problem: ConfigProblem) -> ConfigProblem {
        self.origin.explain(named(&self.given, problem))
    }
}

/// A problem of a setting, under the name by which it was given.
fn named(given: &Given, problem: ConfigProblem) -> ConfigProblem {
    match given.name(problem.field()) {
        Some(name) => problem.named(name),
        None => problem,
    }
}

fn boxed(texts: Vec<String>) -> Vec<Box<str>> {
    texts.into_iter().map(String::into_boxed_str).collect()
}

fn missing_issuer() -> ConfigProblem {
    let hint = "copy `issuer` from the provider's /.well-known/openid-configuration";
    ConfigProblem::new("issuer", "nothing", "an https URL", hint)
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

/// Guards are told apart by a number, so that none takes another's token.
fn next_guard() -> GuardId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    GuardId(NEXT.fetch_add(1, Ordering::Relaxed))
}
