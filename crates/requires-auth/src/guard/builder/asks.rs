//! Which tokens of an issuer are taken, and how it is asked about them.
//!
//! An issuer is asked about opaque tokens, about good JWTs too with `always`, or not at all. What does not fit together is a
//! problem here, before the first request: opaque tokens without a way to ask, opaque tokens of two issuers, a way to ask
//! that would never be used, and an issuer with a placeholder, of which nobody could say which tenant to ask.

use std::sync::Arc;

use tokio::sync::Mutex;
use url::Url;

use super::checks::discreet;
use super::common::Common;
use super::{Builder, IssuerSettings};
use crate::error::{ConfigProblem, quoted};
use crate::introspect::{Asker, Client, Discovery, Endpoint, Introspect, Introspection, Limits, client_of};
use crate::issuer::{IssuerPattern, IssuerUrl, Transport, may_be_fetched};
use crate::settings::introspection::{self as members, MEMBERS};
use crate::settings::{self, Key, Table};
use crate::verify::{IntrospectionRules, Tokens};

impl Builder {
    /// How the issuer named last is asked about tokens (RFC 7662). Default: it is not, and an opaque token is refused.
    ///
    /// Opaque tokens are taken then, unless [`with_accepted_tokens`](Self::with_accepted_tokens) says otherwise. See
    /// [`introspect`](crate::introspect).
    /// A second call replaces the first. An issuer with a placeholder for its tenant, and one that a resolver finds, cannot have
    /// it: nothing in an opaque token says which tenant to ask. Both are mistakes.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::introspect::Introspection;
    ///
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
    ///     .with_introspection(Introspection::discovered().with_client_secret("orders-api", "secret-of-the-api"))
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_introspection(self, introspection: Introspection) -> Self {
        self.set_for_issuer(settings::INTROSPECTION, introspection.into_table())
    }

    /// Which kinds of tokens the issuer named last may send. Default: JWTs, and where it is asked about tokens both kinds.
    /// Nothing in an opaque token says whose it is, so one issuer of a guard takes them.
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::verify::Tokens;
    ///
    /// // Opaque tokens, and nobody to ask about them.
    /// let builder = RequiresAuth::builder("https://issuer.example", "https://api.example");
    /// let error = builder.with_accepted_tokens(Tokens::Opaque).build().unwrap_err();
    /// assert_eq!(error.problems()[0].field(), "accept_tokens");
    /// ```
    ///
    /// An issuer that sends opaque tokens alone, and does not sign its answers, needs no keys: none are fetched then.
    pub fn with_accepted_tokens(self, tokens: Tokens) -> Self {
        self.set_for_issuer(settings::ACCEPT_TOKENS, tokens)
    }

    /// How introspection endpoints are asked. Default, with the feature `fetch`: HTTP with rustls on aws-lc. See
    /// [`Introspect`] for one in memory.
    /// One implementation serves all issuers of the guard. Without the feature `fetch`, an issuer with
    /// [`with_introspection`](Self::with_introspection) needs one.
    pub fn with_introspect(mut self, introspect: impl Introspect) -> Self {
        self.introspect = Some(Arc::new(introspect));
        self
    }

    /// Who asks an issuer about tokens; `None` if nobody does.
    pub(super) fn asker(
        &self,
        settings: &IssuerSettings,
        common: &Common,
        problems: &mut Vec<ConfigProblem>,
    ) -> Option<Arc<Asker>> {
        let table = settings.introspection()?;
        problems.extend(table.check_limits("introspection", MEMBERS));
        let client = client_of(&table).map_err(|problem| problems.push(problem)).ok();
        let endpoint = self.endpoint(settings, &table, common);
        let endpoint = endpoint.map_err(|problem| problems.push(problem)).ok().flatten();
        self.asker_of(settings, &table, client?, endpoint?, common)
    }

    fn asker_of(
        &self,
        settings: &IssuerSettings,
        table: &Table,
        client: Client,
        endpoint: Endpoint,
        common: &Common,
    ) -> Option<Arc<Asker>> {
        let limits = Limits {
            in_flight: table.count(members::IN_FLIGHT),
            calls_per_second: u32::try_from(table.count(members::CALLS_PER_SECOND)).unwrap_or(u32::MAX),
            refusals: table.count(members::MAX_ENTRIES),
            refusal_ttl: table.duration(members::NEGATIVE_TTL),
        };
        let introspect = common.introspect.clone()?;
        let is_signed = table.is_on(members::SIGNED);
        let (issuer, clock) = (settings.issuer().into(), Arc::clone(&self.clock));
        Some(Arc::new(Asker::new(issuer, client, endpoint, introspect, clock, is_signed, limits)))
    }

    fn endpoint(
        &self,
        settings: &IssuerSettings,
        table: &Table,
        common: &Common,
    ) -> Result<Option<Endpoint>, ConfigProblem> {
        let given = table.get(members::ENDPOINT);
        if let Some(text) = given {
            if table.is_on(members::DISCOVERED) {
                let hint = "keep `endpoint`, or leave it out to take the one in the issuer's metadata";
                let found = "`endpoint` beside `discovered`";
                return Err(ConfigProblem::new("introspection", found, "one of the two", hint));
            }
            return endpoint_at(&text, common.transport).map(|url| Some(Endpoint::Given(url)));
        }
        // A wrong issuer, or no way to fetch, is a problem already.
        let (Ok(issuer), Some(fetch)) =
            (IssuerUrl::parse(&settings.issuer(), common.transport), common.fetch.clone())
        else {
            return Ok(None);
        };
        let url_of = |key: Key<String>| settings.given.get(key).and_then(|url| Url::parse(&url).ok());
        let discovery_url = url_of(settings::DISCOVERY_URL);
        Ok(Some(Endpoint::Discovered(Box::new(Discovery {
            issuer,
            transport: common.transport,
            fetch,
            clock: Arc::clone(&self.clock),
            metadata_url: discovery_url.filter(|url| may_be_fetched(url, common.transport)),
            token_file: settings.given.get(settings::FETCH_TOKEN_FILE).map(Into::into),
            jwks_uri: url_of(settings::JWKS_URI),
            timeout: self.given.duration(settings::FETCH_TIMEOUT),
            found: Mutex::new(None),
        }))))
    }

    /// The way to ask, if any issuer is asked.
    pub(super) fn introspect_if_needed(
        &self,
        ca: &[u8],
        problems: &mut Vec<ConfigProblem>,
    ) -> Option<Arc<dyn Introspect>> {
        if !self.issuers.iter().any(|settings| settings.introspection().is_some()) {
            return None;
        }
        let introspect = self.introspect(ca);
        introspect
            .map_err(|problem| {
                let is_told = problems.iter().any(|told| told.field() == problem.field());
                problems.extend((!is_told).then_some(problem));
            })
            .ok()
    }

    #[cfg(feature = "fetch")]
    fn introspect(&self, ca: &[u8]) -> Result<Arc<dyn Introspect>, ConfigProblem> {
        if let Some(introspect) = &self.introspect {
            return Ok(Arc::clone(introspect));
        }
        // Certificates that cannot be read are told of where keys are fetched.
        let http = crate::fetch::HttpFetch::new(ca).map_err(|cause| {
            let hint = "start each with -----BEGIN CERTIFICATE-----";
            ConfigProblem::new("ca", cause, "certificates in PEM", hint)
        })?;
        Ok(Arc::new(crate::introspect::HttpIntrospect::new(http)))
    }

    #[cfg(not(feature = "fetch"))]
    fn introspect(&self, _ca: &[u8]) -> Result<Arc<dyn Introspect>, ConfigProblem> {
        self.introspect.clone().ok_or_else(|| {
            let hint = "switch on the Cargo feature `fetch`, or give one with `with_introspect`";
            ConfigProblem::new("introspection", "no way to ask", "a way to ask the issuer", hint)
        })
    }
}

impl IssuerSettings {
    /// How it is asked about tokens.
    pub(super) fn introspection(&self) -> Option<Table> {
        self.given.get(settings::INTROSPECTION)
    }

    /// Which tokens are taken.
    pub(super) fn tokens(&self) -> Tokens {
        let asks = self.introspection().is_some_and(|table| !table.is_on(members::ALWAYS));
        let default = if asks { Tokens::Both } else { Tokens::Jwt };
        self.given.get(settings::ACCEPT_TOKENS).unwrap_or(default)
    }

    /// Whether keys of the issuer are needed for nothing.
    pub(super) fn needs_no_keys(&self) -> bool {
        let signs = self.introspection().is_some_and(|table| table.is_on(members::SIGNED));
        let has_source = [settings::JWKS_URI.setting, settings::JWKS.setting]
            .into_iter()
            .any(|setting| self.given.value(setting).is_some());
        self.tokens() == Tokens::Opaque && !signs && !has_source
    }

    /// Whether the endpoint stands in its metadata.
    pub(super) fn has_discovered_endpoint(&self) -> bool {
        self.introspection().is_some_and(|table| table.value(members::ENDPOINT.setting.key).is_none())
    }

    /// Whether neither keys nor endpoint are looked for, so that its name need not be a URL.
    pub(super) fn needs_nothing_discovered(&self) -> bool {
        self.needs_no_keys() && !self.has_discovered_endpoint()
    }

    /// How its answers are judged.
    pub(super) fn introspection_rules(&self) -> Option<IntrospectionRules> {
        self.introspection().map(|table| IntrospectionRules {
            is_type_optional: table.get(members::TOKEN_TYPE) == Some("optional"),
            is_always: table.is_on(members::ALWAYS),
            ttl: table.duration(members::TTL),
        })
    }

    /// What an issuer that is found while the guard runs cannot have: nobody asks it about tokens.
    pub(super) fn check_tokens_of_resolver(&self, problems: &mut Vec<ConfigProblem>) {
        let field = match (self.introspection(), self.tokens()) {
            (Some(_), _) => "introspection",
            (None, Tokens::Jwt) => return,
            (None, _) => "accept_tokens",
        };
        let hint = "configure an issuer that is asked about tokens by its own name, beside the resolver";
        let found = "this for an issuer of a resolver";
        problems.push(ConfigProblem::new(field, found, "an issuer that is configured by name", hint));
    }

    /// What does not fit together.
    pub(super) fn check_tokens(&self, is_second: bool, problems: &mut Vec<ConfigProblem>) {
        let (tokens, introspection) = (self.tokens(), self.introspection());
        let takes_opaque = tokens != Tokens::Jwt;
        if introspection.is_some() && IssuerPattern::is_meant(&self.issuer()) {
            let hint = "configure the tenant as an issuer of its own: nothing but the token says which tenant to ask";
            let found = "this beside an issuer with a placeholder";
            problems.push(ConfigProblem::new(
                "introspection",
                found,
                "an issuer without a placeholder",
                hint,
            ));
        }
        if takes_opaque && introspection.is_none() {
            let hint = "give `introspection` with the client that this API is at the issuer: only the issuer knows what an \
                        opaque token means";
            let found = format!("{} without `introspection`", quoted(tokens.as_str()));
            problems.push(ConfigProblem::new("accept_tokens", found, "a way to ask the issuer", hint));
        }
        if takes_opaque && is_second {
            let hint = "let one issuer take opaque tokens, and the others `jwt`: nothing in an opaque token says whose it is, \
                        and it must not be shown to the wrong one";
            let found = "opaque tokens of a second issuer";
            problems.push(ConfigProblem::new("accept_tokens", found, "one issuer with opaque tokens", hint));
        }
        if !takes_opaque && introspection.is_some_and(|table| !table.is_on(members::ALWAYS)) {
            let hint = "write accept_tokens = \"opaque\" or \"both\", or `always` to ask about JWTs too, or leave `introspection` \
                        out";
            let found = "`jwt` beside `introspection`, which would never be asked";
            problems.push(ConfigProblem::new("accept_tokens", found, "a use for `introspection`", hint));
        }
    }
}

fn endpoint_at(text: &str, transport: Transport) -> Result<Url, ConfigProblem> {
    if let Some(unseen) = ConfigProblem::of_unseen("introspection", text) {
        return Err(discreet(unseen, text));
    }
    let url = Url::parse(text).ok().filter(|url| may_be_fetched(url, transport));
    let url =
        url.filter(|url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    url.ok_or_else(|| {
        let hint = "use https: tokens and the client's secret go there; plain http is for loopback only (or, on a private \
                    network, `danger::allow_http_issuer`)";
        let found = format!("endpoint {}", quoted(text));
        discreet(ConfigProblem::new("introspection", found, "an https URL without a user", hint), text)
    })
}
