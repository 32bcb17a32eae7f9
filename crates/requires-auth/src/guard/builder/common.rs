//! What all issuers of a guard share, also those that are found later: from the settings of an issuer to its rules and keys.

use std::sync::Arc;

use super::build::boxed;
use super::checks::{algorithms, check_claim_paths, discreet, document, fetchable, static_keys};
use super::places::check_places;
use super::{IssuerSettings, fapi};
use crate::binding::{DpopMode, Methods};
use crate::clock::Clock;
use crate::credential::TokenPlace;
use crate::error::{ConfigProblem, quoted};
use crate::fetch::Fetch;
use crate::guard::Keys;
use crate::introspect::Introspect;
use crate::issuer::{IssuerPattern, IssuerUrl, Tenants, Transport, is_tenant};
use crate::jose::alg::AlgorithmSet;
use crate::jose::key_set::KeySetLimits;
use crate::keys::{Earlier, RemoteKeys, Source, StateFile, Unproven};
use crate::settings;
use crate::verify::{IssuerRules, Profile, Tokens};

/// What all issuers share.
pub(in crate::guard) struct Common {
    pub(super) transport: Transport,
    /// What a key set that is fetched may be at most.
    pub(super) fetched: KeySetLimits,
    pub(super) ca: Arc<[u8]>,
    pub(super) fetch: Option<Arc<dyn Fetch>>,
    pub(super) introspect: Option<Arc<dyn Introspect>>,
    pub(super) state_file: Option<Arc<StateFile>>,
    pub(in crate::guard) clock: Arc<dyn Clock>,
    pub(super) stale: std::time::Duration,
    pub(super) timeout: std::time::Duration,
    pub(super) algorithms: Option<AlgorithmSet>,
    pub(super) profile: Option<Profile>,
    /// Where requests may have their tokens, of all issuers together.
    pub(super) places: Vec<TokenPlace>,
    /// Where those may stand whose issuer says nothing else.
    pub(super) token_from: Option<Vec<TokenPlace>>,
    /// Whether tokens come with a proof of their key, of issuers that say nothing else.
    pub(super) dpop: DpopMode,
    /// Whether tokens may be bound to a certificate, of issuers that say nothing else.
    pub(super) takes_certificates: bool,
}

/// What an issuer is one of, where nobody has configured it by name.
pub(in crate::guard) struct TenantOf {
    /// How metrics name it.
    pub(in crate::guard) label: Arc<str>,
    pub(in crate::guard) unproven: Option<Arc<Unproven>>,
    /// Whether its keys are kept in the state file: only those of issuers that the configuration names.
    pub(in crate::guard) is_saved: bool,
}

impl Common {
    /// The rules of an issuer that is found while the guard runs.
    pub(in crate::guard) fn rules(&self, settings: &IssuerSettings) -> Result<IssuerRules, ConfigProblem> {
        let mut problems = settings.from_table.problems.clone();
        super::audience::check_audience(settings, self.profile_of(settings), &mut problems);
        settings.check_tokens_of_resolver(&mut problems);
        let rules = self.rules_of(settings, &mut problems);
        problems.extend(settings.opaque_tokens_of_tenants());
        problems.extend(self.check_places_of(settings).err());
        problems.into_iter().next().map_or(Ok(rules), Err)
    }

    /// Which shape the tokens of an issuer have.
    pub(super) fn profile_of(&self, settings: &IssuerSettings) -> Profile {
        settings.given.get(settings::PROFILE).or(self.profile).unwrap_or_default()
    }

    /// The rules of an issuer; its audience is checked elsewhere.
    pub(super) fn rules_of(
        &self,
        settings: &IssuerSettings,
        problems: &mut Vec<ConfigProblem>,
    ) -> IssuerRules {
        let own = algorithms(&settings.given, problems);
        check_claim_paths(&settings.given, problems);
        check_places(&settings.given, problems);
        IssuerRules {
            places: self.places_of(settings),
            algorithms: match self.profile_of(settings) {
                Profile::Fapi2 => Some(fapi::algorithms(own.or(self.algorithms), problems)),
                _ => own.or(self.algorithms),
            },
            scope_claims: settings.given.get(settings::SCOPE_CLAIMS).map(boxed),
            tokens: settings.tokens(),
            introspection: settings.introspection_rules(),
            client_claims: settings.given.get(settings::CLIENT_CLAIMS).map(boxed),
            client_rule: settings.from_table.client_rule(),
            profile: settings.given.get(settings::PROFILE),
            marks: settings.from_table.marks(),
            aliases: settings.from_table.aliases.iter().map(|alias| alias.as_str().into()).collect(),
            provider: settings.from_table.told(),
            methods: Methods {
                certificate: settings.takes_certificates(self.takes_certificates),
                needs_any: self.profile_of(settings) == Profile::Fapi2,
                ..settings.methods(self.dpop)
            },
            ..IssuerRules::new(Some(&settings.issuer()), settings.audience())
        }
    }

    /// The keys of an issuer; `None` if they have to be fetched and there is no way to, which is a problem already.
    pub(in crate::guard) fn keys(
        &self,
        settings: &IssuerSettings,
        of: Option<TenantOf>,
        earlier: Option<Earlier<'_>>,
    ) -> Result<Option<Keys>, ConfigProblem> {
        let (given, transport) = (&settings.given, self.transport);
        let issuer = self.issuer(settings)?;
        if settings.needs_no_keys() {
            return Ok(Some(Keys::Unneeded));
        }
        if let Some(jwks) = document(given, settings::JWKS, &settings.origin)? {
            let public_test_keys = self.fetched.public_test_keys;
            let limits = KeySetLimits { public_test_keys, ..KeySetLimits::GIVEN };
            return static_keys(&jwks, limits).map(|keys| Some(Keys::Static(Arc::new(keys))));
        }
        let url = |key| fetchable(given, key, transport);
        let (discovery_url, jwks_uri) = (url(settings::DISCOVERY_URL)?, url(settings::JWKS_URI)?);
        let Some(fetch) = self.fetch.clone() else { return Ok(None) };
        let is_saved = of.as_ref().is_none_or(|of| of.is_saved);
        let (tenant_of, unproven) = of.map_or((None, None), |of| (Some(of.label), of.unproven));
        let source = Source {
            issuer,
            transport,
            limits: self.fetched,
            fetch,
            clock: Arc::clone(&self.clock),
            ca: Arc::clone(&self.ca),
            discovery_url,
            jwks_uri,
            stale: self.stale,
            timeout: self.timeout,
            token_file: given.get(settings::FETCH_TOKEN_FILE).map(Into::into),
            tenant_of,
            unproven,
            other_origin: Arc::default(),
        };
        let saved = self.state_file.clone().filter(|_| is_saved);
        Ok(Some(Keys::Remote(RemoteKeys::new(source, saved, earlier))))
    }

    /// The issuer, where its keys are given or pinned any text.
    fn issuer(&self, settings: &IssuerSettings) -> Result<IssuerUrl, ConfigProblem> {
        let issuer = settings.issuer();
        if issuer.is_empty() {
            return Err(missing_issuer());
        }
        let parsed = if settings.has_given_keys() {
            IssuerUrl::undiscovered(&issuer)
        } else {
            IssuerUrl::parse(&issuer, self.transport)
        };
        parsed.map_err(|problem| discreet(problem, &issuer))
    }
}

impl IssuerSettings {
    /// Whether nothing is discovered.
    fn has_given_keys(&self) -> bool {
        let has = |setting| self.given.value(setting).is_some();
        has(settings::JWKS.setting) || has(settings::JWKS_URI.setting) || self.needs_nothing_discovered()
    }

    /// The pattern that stands in the place of an issuer, if one does.
    pub(super) fn pattern(&self) -> Result<Option<IssuerPattern>, ConfigProblem> {
        let issuer = self.issuer();
        let tenants = self.given.get(settings::TENANTS);
        let is_any = self.given.is_on(settings::DANGEROUSLY_ANY_TENANT);
        if !IssuerPattern::is_meant(&issuer) {
            return check_without_pattern(tenants.is_some(), is_any).map(|()| None);
        }
        if let Some(unseen) = ConfigProblem::of_unseen("issuer", &issuer) {
            return Err(unseen);
        }
        let tenants = match (tenants, is_any) {
            (Some(_), true) => {
                let found = "a value beside `dangerously_any_tenant`";
                return Err(ConfigProblem::new("tenants", found, "one of the two", "leave out one of them"));
            }
            (Some(names), false) => listed(names)?,
            (None, true) => Tenants::Any,
            (None, false) => {
                let hint = "name your tenants with the setting `tenants`, or put yours in the place of the placeholder; if every \
                            tenant of this provider may use this API, say so with `dangerously_any_tenant`";
                return Err(ConfigProblem::new("issuer", quoted(&issuer), "the tenants of a pattern", hint));
            }
        };
        let pattern = IssuerPattern::parse(&issuer, tenants)?;
        let url = self.given.get(settings::DISCOVERY_URL).filter(|url| !pattern.is_in(url));
        if let Some(url) = url {
            let hint = "write the placeholder of the issuer in it, too, or leave it out";
            let expected = "another address for each tenant";
            return Err(ConfigProblem::new("discovery_url", quoted(&url), expected, hint));
        }
        Ok(Some(pattern))
    }

    /// Opaque tokens name no issuer, so they cannot be those of a tenant.
    fn opaque_tokens_of_tenants(&self) -> Option<ConfigProblem> {
        let field = if self.introspection().is_some() {
            "introspection"
        } else if self.tokens() != Tokens::Jwt {
            "accept_tokens"
        } else {
            return None;
        };
        let hint = "an opaque token does not name its tenant: configure the issuer that is asked about it by its own name";
        Some(ConfigProblem::new(field, "this for tenants", "an issuer that is configured by its name", hint))
    }

    /// Whether the tenants of a pattern share their keys.
    pub(super) fn shares_keys(&self, pattern: &IssuerPattern) -> bool {
        let url = self.given.get(settings::JWKS_URI);
        self.given.get(settings::JWKS).is_some() || url.is_some_and(|url| !pattern.is_in(&url))
    }

    /// The settings of one tenant of a pattern.
    pub(in crate::guard) fn of_tenant(&self, pattern: &IssuerPattern, tenant: &str) -> Self {
        let mut settings = self.clone();
        settings.given.set(settings::ISSUER, pattern.issuer(tenant));
        for key in [settings::DISCOVERY_URL, settings::JWKS_URI] {
            if let Some(url) = self.given.get(key) {
                settings.given.set(key, pattern.fill(&url, tenant));
            }
        }
        settings
    }

    /// Claims that must equal the tenant.
    pub(in crate::guard) fn tenant_claims(&self) -> Vec<Box<str>> {
        boxed(self.given.get(settings::TENANT_CLAIMS).unwrap_or_default())
    }
}

/// Tenants want a placeholder.
fn check_without_pattern(are_tenants_named: bool, is_any: bool) -> Result<(), ConfigProblem> {
    let field = match (are_tenants_named, is_any) {
        (true, _) => "tenants",
        (_, true) => "dangerously_any_tenant",
        _ => return Ok(()),
    };
    let hint =
        "write {tenant} in the issuer, where it differs: https://login.microsoftonline.com/{tenant}/v2.0";
    let found = "this beside an issuer without a placeholder";
    Err(ConfigProblem::new(field, found, "an issuer with a placeholder", hint))
}

fn listed(names: Vec<String>) -> Result<Tenants, ConfigProblem> {
    let problem = |found: String, hint: &str| {
        let expected = "names of 1 to 64 letters, digits and hyphens";
        Err(ConfigProblem::new("tenants", found, expected, hint))
    };
    if names.is_empty() {
        return problem("an empty list".to_owned(), "name the tenants whose tokens are taken");
    }
    match names.iter().find(|name| !is_tenant(name)) {
        Some(star) if star == "*" => problem(
            quoted(star),
            "if every tenant of this provider may use this API, say so with `dangerously_any_tenant`",
        ),
        Some(other) => problem(quoted(other), "write what stands in the place of the placeholder in `iss`"),
        None => Ok(Tenants::These(names.into_iter().map(Into::into).collect())),
    }
}

fn missing_issuer() -> ConfigProblem {
    let hint = "copy `issuer` from the provider's /.well-known/openid-configuration";
    ConfigProblem::new("issuer", "nothing", "an https URL", hint)
}
