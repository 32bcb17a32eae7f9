//! From settings to a guard: every mistake is found before any of them is reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

use super::audience::check_audience;
use super::checks::{
    algorithms, certificates, check_claim_paths, check_implied_scopes, check_paths, implications,
};
use super::common::Common;
use super::guarded::resource;
use super::origin::Origin;
use super::places::{check_places, cookie_origins, public_origin};
use super::{Builder, IssuerSettings};
use crate::binding::proof::ProofRules;
use crate::challenge::{BodyFormat, Style};
use crate::credential::Places;
use crate::error::{ConfigError, ConfigProblem};
use crate::fetch::Fetch;
use crate::guard::resource::Guarded;
use crate::guard::tenants::{Group, Tenants};
use crate::guard::{Inner, Keys, RequiresAuth};
use crate::introspect::Asker;
use crate::issuer::{IssuerPattern, Transport};
use crate::jose::alg::AlgorithmSet;
use crate::jose::key_set::KeySetLimits;
use crate::keys::{Earlier, StateFile};
use crate::revocations::Revocations;
use crate::settings::{self, Given};
use crate::telemetry::Allowed;
use crate::token_cache::TokenCache;
use crate::verify::{GuardId, ImpliedScopes, IssuerRules, Issuers, Rules, Tokens};

/// What is made of the settings of all issuers.
#[derive(Default)]
struct Parts {
    /// Those that are configured by name.
    issuers: Issuers,
    keys: Vec<Keys>,
    /// Who asks each of them about tokens.
    askers: Vec<Option<Arc<Asker>>>,
    groups: Vec<Group>,
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
        let mut recipe = Self { keys_of: None, shares_keys: false, ..self.clone() };
        let unreadable: Vec<_> = problems.iter().map(ConfigProblem::field).collect();
        let mut found = Vec::new();
        let for_all = algorithms(&self.given, &mut found);
        self.check_each(&mut found);
        let resource = resource(&self.given, &mut found);
        self.take_audience_of(resource.as_ref());
        self.look_up_providers();
        check_places(&self.given, &mut found);
        public_origin(&self.given, &mut found);
        let cookie_origins = cookie_origins(&self.given, &mut found);
        let sharing = self.sharing(&mut found);
        let common = self.common(for_all, &mut found);
        let proofs = self.proofs(&sharing, &mut found);
        let certificate_header = self.certificate_header(&mut found);
        self.check_fapi(&mut found);
        let siblings = self.siblings();
        let resource = self.guarded(resource, &common, &siblings, &mut found);
        let revocations = self.revocations_in_use(&sharing, &mut found);
        problems.extend(found.into_iter().map(|problem| named(&self.given, problem)));
        let Parts { issuers, keys, askers, groups } = self.parts(&common, &mut problems, &unreadable);
        ConfigError::unless_empty(problems)?;
        sharing.follow(revocations.as_ref());
        self.warn_of_unread_places();
        let body_format = self.body_format();
        let rules = Rules {
            revocation_seed: revocations.as_ref().map(Revocations::seed),
            certificate_header: certificate_header.map(Box::new),
            ..self.rules(issuers, for_all, Self::places(&common, cookie_origins), proofs.rules)
        };
        recipe.revocations.clone_from(&revocations);
        let (allowed, token_headers) = (self.allowed(), token_headers(&rules));
        let takes_certificates = self.any_takes_certificates();
        let tenants = self.tenants(&rules, keys.len(), common, groups);
        let inner = Inner {
            rules,
            keys,
            askers,
            clock: self.clock,
            style: Style::from(body_format)
                .of_resource(resource.as_ref().map(Guarded::metadata))
                .with_schemes(proofs.schemes),
            resource,
            siblings,
            recipe,
            cache: TokenCache::new(self.given.count(settings::CACHE)),
            known_header: ArcSwapOption::empty(),
            allowed,
            token_headers,
            closes_on_expiry: self.given.is_on(settings::CLOSE_ON_EXPIRY),
            takes_certificates,
            tenants,
            sharing,
            proving: proofs.proving,
            revocations,
        };
        Ok(RequiresAuth { inner: Arc::new(inner) })
    }

    /// What can be wrong with a setting by itself.
    fn check_each(&self, found: &mut Vec<ConfigProblem>) {
        found.extend(self.given.check_limits());
        found.extend(check_paths(&self.given));
        check_claim_paths(&self.given, found);
        check_implied_scopes(&self.given, found);
    }

    /// Where requests that pass are counted, by issuer.
    fn allowed(&self) -> Allowed {
        let fixed = self.issuers.iter().map(IssuerSettings::issuer);
        let (mut names, patterns): (Vec<_>, Vec<_>) = fixed.partition(|name| !IssuerPattern::is_meant(name));
        // Tenants count with their pattern, and those of a resolver without a name.
        names.extend(patterns);
        names.push(String::new());
        Allowed::new(names.iter().map(String::as_str))
    }

    /// What every token is held against.
    fn rules(
        &self,
        issuers: Issuers,
        for_all: Option<AlgorithmSet>,
        places: Option<Places>,
        proofs: Option<Arc<ProofRules>>,
    ) -> Rules {
        Rules {
            algorithms: for_all.map(|algorithms| of_any(&issuers, algorithms)),
            issuers,
            leeway: self.leeway(),
            profile: self.given.get(settings::PROFILE).unwrap_or_default(),
            max_token_bytes: self.given.count(settings::MAX_TOKEN_BYTES),
            scope_claims: boxed(self.given.get(settings::SCOPE_CLAIMS).unwrap_or_default()),
            route_audiences: self.route_audiences.clone(),
            client_claims: boxed(self.given.get(settings::CLIENT_CLAIMS).unwrap_or_default()),
            implied_scopes: ImpliedScopes::new(implications(&self.given)),
            places: places.map(Box::new),
            refuses_query_tokens: self.has_fapi(),
            takes_dpop: proofs.is_some(),
            certificate_header: None,
            proofs,
            revocation_seed: None,
            guard: next_guard(),
        }
    }

    /// Issuers that are not configured by name, if there may be any.
    fn tenants(
        &self,
        rules: &Rules,
        fixed: usize,
        common: Common,
        groups: Vec<Group>,
    ) -> Option<Box<Tenants>> {
        if groups.is_empty() && self.resolver.is_none() {
            return None;
        }
        let now = common.clock.now();
        let template = Rules { issuers: Issuers::default(), algorithms: None, ..rules.clone() };
        let tenants = Tenants::new(template, fixed, common, groups, self.resolver.clone());
        if let Some(earlier) = self.keys_of.as_ref().and_then(|guard| guard.inner.tenants.as_ref()) {
            tenants.take_over(earlier, now);
        }
        Some(Box::new(tenants))
    }

    fn body_format(&self) -> BodyFormat {
        match (&self.custom_body, self.given.get(settings::ERROR_BODY)) {
            (Some(custom), _) => custom.clone(),
            (None, Some("problem")) => BodyFormat::ProblemDetails,
            (None, _) => BodyFormat::Json,
        }
    }

    fn common(&self, algorithms: Option<AlgorithmSet>, problems: &mut Vec<ConfigProblem>) -> Common {
        let is_http_allowed = self.given.is_on(settings::DANGEROUSLY_ALLOW_HTTP_ISSUER);
        let of_file = self.issuers.iter().find(|settings| matches!(settings.origin, Origin::File(_)));
        let origin = of_file.map_or(&Origin::Code, |settings| &settings.origin);
        let ca = certificates(&self.given, origin, problems);
        // One client for all issuers. It reads the certificates; without any it need not be made to try.
        let has_no_keys = |settings: &IssuerSettings| {
            settings.given.get(settings::JWKS).is_none() && !settings.needs_no_keys()
                || settings.has_discovered_endpoint()
        };
        let needs_fetch = self.resolver.is_some() || self.issuers.iter().any(has_no_keys);
        let is_needed = needs_fetch || (!ca.is_empty() && cfg!(feature = "fetch"));
        let fetch =
            is_needed.then(|| self.fetch(&ca).map_err(|problem| problems.push(problem)).ok()).flatten();
        let introspect = self.introspect_if_needed(&ca, problems);
        Common {
            introspect,
            transport: if is_http_allowed { Transport::PlainHttp } else { Transport::Tls },
            fetched: KeySetLimits {
                public_test_keys: self.given.is_on(settings::DANGEROUSLY_ALLOW_PUBLIC_TEST_KEYS),
                ..KeySetLimits::FETCHED
            },
            ca: ca.into(),
            fetch,
            state_file: self.given.get(settings::STATE_FILE).as_deref().map(StateFile::open),
            clock: Arc::clone(&self.clock),
            stale: self.given.duration(settings::STALE),
            timeout: self.given.duration(settings::FETCH_TIMEOUT),
            algorithms,
            profile: self.given.get(settings::PROFILE),
            places: self.all_places(problems),
            token_from: self.given.get(settings::TOKEN_FROM),
            dpop: self.dpop_mode(),
            takes_certificates: self.takes_certificates(),
        }
    }

    /// The rules and the keys of each issuer.
    fn parts(&self, common: &Common, problems: &mut Vec<ConfigProblem>, unreadable: &[&str]) -> Parts {
        let mut parts = Parts::default();
        let mut takes_opaque = false;
        for (place, settings) in self.issuers.iter().enumerate() {
            let mut found = settings.from_table.problems.clone();
            check_audience(settings, common.profile_of(settings), &mut found);
            found.extend(check_paths(&settings.given));
            let rules = common.rules_of(settings, &mut found);
            settings.check_tokens(takes_opaque, &mut found);
            takes_opaque |= rules.tokens != Tokens::Jwt;
            match settings.pattern() {
                Err(problem) => found.push(problem),
                Ok(Some(pattern)) => {
                    parts.issuers.push_pattern(Arc::clone(pattern.text()));
                    match self.group(settings, pattern, rules, common) {
                        Ok(group) => parts.groups.extend(group),
                        Err(problem) => found.push(problem),
                    }
                }
                Ok(None) => {
                    let issuer = settings.issuer();
                    if !parts.issuers.push(rules) && !issuer.is_empty() {
                        found.push(self.twice(place, &issuer));
                    }
                    let earlier = self.earlier(&issuer);
                    parts.askers.push(self.asker(settings, common, &mut found));
                    match common.keys(settings, None, earlier) {
                        Ok(source) => parts.keys.extend(source),
                        Err(problem) => found.push(problem),
                    }
                }
            }
            settings.from_table.keep_one_problem(&mut found);
            // A variable whose text is not a value is not missing.
            found.retain(|problem| {
                !(settings.origin == Origin::Environment && unreadable.contains(&problem.field()))
            });
            // A pattern under another name has the mistakes of the first again.
            for problem in found.into_iter().map(|problem| settings.explain(problem)) {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
        parts
    }

    /// A pattern, with the keys of its tenants if they share them. Otherwise each has its own, which are tried here with a
    /// tenant that nobody has, so that mistakes in other settings show.
    fn group(
        &self,
        settings: &IssuerSettings,
        pattern: IssuerPattern,
        rules: IssuerRules,
        common: &Common,
    ) -> Result<Option<Group>, ConfigProblem> {
        let keys = if settings.shares_keys(&pattern) {
            let earlier = self.earlier(pattern.text());
            common.keys(settings, None, earlier)?
        } else {
            common.keys(&settings.of_tenant(&pattern, "tenant"), None, None)?;
            None
        };
        Ok(Some(Group { pattern, settings: settings.clone(), rules, keys }))
    }

    /// Keys of the issuer that another guard has.
    fn earlier(&self, issuer: &str) -> Option<Earlier<'_>> {
        let keys = self.keys_of.as_ref()?.remote_keys(issuer)?;
        Some(if self.shares_keys { Earlier::Shared(keys) } else { Earlier::Copied(keys) })
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
        self.origin.explain(named(&self.given, problem), self.from_table.provider())
    }
}

/// A problem of a setting, under the name by which it was given.
fn named(given: &Given, problem: ConfigProblem) -> ConfigProblem {
    match given.name(problem.field()) {
        Some(name) => problem.named(name),
        None => problem,
    }
}

pub(super) fn boxed(texts: Vec<String>) -> Vec<Box<str>> {
    texts.into_iter().map(String::into_boxed_str).collect()
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

/// The headers that a token or a certificate may stand in, beside `Authorization`.
fn token_headers(rules: &Rules) -> Box<[Box<str>]> {
    let mut headers = rules.places.as_ref().map_or_else(Vec::new, |places| places.headers());
    headers.extend(rules.certificate_header.as_ref().map(|header| header.name().into()));
    headers.into()
}

/// Guards are told apart by a number, so that none takes another's token.
fn next_guard() -> GuardId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    GuardId(NEXT.fetch_add(1, Ordering::Relaxed))
}
