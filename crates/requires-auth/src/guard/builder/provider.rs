//! What the row of a provider adds to the settings of its issuer, wherever nothing else is chosen.

use super::{Builder, IssuerSettings};
use crate::error::ConfigProblem;
use crate::providers::{self, AudienceRule, Provider, WrongIssuer};
use crate::settings::{self, Given, Key, Notation, Plain, shown_value};
use crate::verify::{ClientRule, Marks, OfTable};

/// What came from the row of a provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FromTable {
    provider: Option<&'static Provider>,
    /// The settings that the row has chosen.
    chosen: Vec<&'static str>,
    /// Whether these settings are those of another name of an issuer, which is configured by its own.
    pub(super) is_other_name: bool,
    /// Other names of the issuer.
    pub(super) aliases: Vec<String>,
    /// What is wrong with the issuer.
    pub(super) problems: Vec<ConfigProblem>,
}

impl FromTable {
    /// What is wrong with an issuer is told once: by the row of a provider that is named, else by the checks of any issuer.
    pub(super) fn keep_one_problem(&self, found: &mut Vec<ConfigProblem>) {
        let is_of_issuer = |problem: &ConfigProblem| problem.field() == settings::ISSUER.setting.key;
        let is_ours = |problem: &ConfigProblem| self.problems.contains(problem);
        let has = |ours: bool| found.iter().any(|problem| is_of_issuer(problem) && is_ours(problem) == ours);
        if has(true) && has(false) {
            let keeps_ours = self.provider.is_some();
            found.retain(|problem| !is_of_issuer(problem) || is_ours(problem) == keeps_ours);
        }
    }

    /// The provider that is named.
    pub(super) const fn provider(&self) -> Option<&'static Provider> {
        self.provider
    }

    /// Whether the audience follows from the issuer, and that is what is wrong: then nothing is to be told of the audience.
    pub(super) fn lacks_issuer_for_audience(&self) -> bool {
        let follows = |provider: &Provider| matches!(provider.audience_rule, AudienceRule::Default(_));
        self.provider.is_some_and(follows) && !self.problems.is_empty()
    }

    /// What tells the access tokens of the provider from everything else that it signs.
    pub(super) fn marks(&self) -> Marks {
        self.provider.map(|provider| provider.marks).unwrap_or_default()
    }

    /// How tokens for clients are told from those for users.
    pub(super) fn client_rule(&self) -> ClientRule {
        self.provider.map(|provider| provider.client_rule).unwrap_or_default()
    }

    /// The provider by name, with the settings that its row has chosen.
    pub(super) fn told(&self) -> Option<OfTable> {
        self.provider.map(|provider| OfTable { name: provider.name, settings: self.chosen.clone() })
    }
}

impl Builder {
    /// The make of the issuer named last, by its name in the [table of providers](crate::providers). Default: nothing is
    /// known of it.
    ///
    /// It brings the right settings for what that provider sends; settings that are given win. The issuer may be a short
    /// name then, such as a tenant. [`RequiresAuth::for_provider`](crate::RequiresAuth::for_provider) is shorter for one
    /// issuer.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// let auth = RequiresAuth::builder("acme", "https://api.example.com").with_provider("logto").build()?;
    /// assert_eq!(auth.health().issuers()[0].issuer(), "https://acme.logto.app/oidc");
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    /// A name that is not in the table is a mistake that [`build`](Self::build) reports, with the name that may have been meant:
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// let error = RequiresAuth::builder("acme", "https://api.example.com").with_provider("logtoo").build().unwrap_err();
    /// assert!(error.problems().iter().any(|problem| problem.field() == "provider"));
    /// ```
    pub fn with_provider(mut self, name: &str) -> Self {
        if let Some(provider) = providers::find(name) {
            return self.set_for_issuer(settings::PROVIDER, provider.name);
        }
        let wrong = settings::PROVIDER.setting.kind.mismatch(Notation::Python, shown_value(name), Some(name));
        self.problems.push(wrong.problem(settings::PROVIDER.setting.key));
        self
    }

    /// Looks up the provider of each issuer, and lets its row choose what nobody else has chosen.
    pub(super) fn look_up_providers(&mut self) {
        let mut others = Vec::new();
        for settings in &mut self.issuers {
            settings.look_up_provider(&self.given);
            others.extend(settings.under_other_names());
        }
        self.issuers.extend(others);
    }
}

impl IssuerSettings {
    /// Lets the row of the provider choose what nobody else has chosen.
    pub(in crate::guard) fn look_up_provider(&mut self, for_all: &Given) {
        let name = self.given.get(settings::PROVIDER);
        match name.and_then(providers::find) {
            Some(provider) => self.fill_in(provider, for_all),
            None => self.refuse_what_never_matches(),
        }
    }

    /// The same for each other name of a pattern: its tenants are found by either.
    fn under_other_names(&self) -> Vec<Self> {
        let Some(provider) = self.from_table.provider else { return Vec::new() };
        let of_name = |issuer: String| {
            let mut settings = self.clone();
            settings.given.set(settings::ISSUER, issuer);
            settings.from_table.is_other_name = true;
            settings
        };
        provider.other_patterns(&self.issuer()).into_iter().map(of_name).collect()
    }

    fn fill_in(&mut self, provider: &'static Provider, for_all: &Given) {
        self.from_table.provider = Some(provider);
        let text = self.issuer_text(provider);
        let issuer = match provider.issuer(&text) {
            Ok(issuer) => issuer,
            Err(wrong) => return self.from_table.problems.push(problem(&text, wrong)),
        };
        if issuer != self.issuer() {
            self.choose(settings::ISSUER, issuer.clone());
        }
        self.from_table.aliases = provider.aliases(&issuer);
        self.audience_of(provider, &issuer);
        let is_found = [settings::JWKS.setting, settings::JWKS_URI.setting, settings::DISCOVERY_URL.setting]
            .into_iter()
            .any(|source| self.given.value(source).is_some());
        let jwks_uri = provider.jwks_uri.and_then(|text| provider.filled(text, &issuer));
        if let Some(jwks_uri) = jwks_uri.filter(|_| !is_found) {
            self.choose(settings::JWKS_URI, jwks_uri);
        }
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        if !provider.other_patterns(&issuer).is_empty() {
            self.choose_unless(for_all, settings::TENANT_CLAIMS, listed(own(provider.tenant_claims)));
        }
        self.choose_unless(for_all, settings::PROFILE, provider.profile);
        self.choose_unless(for_all, settings::ALGORITHMS, listed(own(provider.algorithms)));
        self.choose_unless(for_all, settings::SCOPE_CLAIMS, listed(own(provider.scope_claims)));
        self.choose_unless(for_all, settings::TOKEN_FROM, provider.token_places());
        self.choose_unless(for_all, settings::CLIENT_CLAIMS, listed(own(provider.client_claims)));
    }

    /// What is given as the issuer; where only tenants are given, the pattern of this provider's issuers.
    fn issuer_text(&self, provider: &Provider) -> String {
        let text = self.issuer();
        let has_tenants =
            self.given.get(settings::TENANTS).is_some() || self.given.is_on(settings::DANGEROUSLY_ANY_TENANT);
        if text.is_empty() && has_tenants { provider.pattern().unwrap_or_default() } else { text }
    }

    fn audience_of(&mut self, provider: &Provider, issuer: &str) {
        if self.audience.is_some() || self.given.is_on(settings::DANGEROUSLY_ANY_AUDIENCE) {
            return;
        }
        let given = self.given.get(settings::AUDIENCE);
        if let Some(audience) = provider.audience_of(given.as_ref(), issuer) {
            self.choose(settings::AUDIENCE, audience);
        }
    }

    /// An issuer that no token of its provider has, without that it is named.
    fn refuse_what_never_matches(&mut self) {
        let issuer = self.issuer();
        let Some(found) = providers::recognise(&issuer).filter(|found| found.is_certain) else { return };
        if let Some(wrong) = found.provider.never_matches(&issuer) {
            self.from_table.problems.push(problem(&issuer, wrong));
        }
    }

    fn choose_unless<T: Plain>(&mut self, for_all: &Given, key: Key<T>, value: Option<T>) {
        let is_chosen = self.given.value(key.setting).is_some() || for_all.value(key.setting).is_some();
        if let Some(value) = value.filter(|_| !is_chosen) {
            self.choose(key, value);
        }
    }

    fn choose<T: Plain>(&mut self, key: Key<T>, value: T) {
        let named = self.given.name(key.setting.key).map(ToOwned::to_owned);
        self.given.put(key.setting, value.into_value(), named);
        self.from_table.chosen.push(key.setting.key);
    }
}

fn listed(texts: Vec<String>) -> Option<Vec<String>> {
    (!texts.is_empty()).then_some(texts)
}

fn problem(text: &str, wrong: WrongIssuer) -> ConfigProblem {
    let found =
        if text.contains("://") && text.len() < 200 { format!("`{text}`") } else { shown_value(text) };
    ConfigProblem::new("issuer", found, wrong.expected, wrong.hint)
}
