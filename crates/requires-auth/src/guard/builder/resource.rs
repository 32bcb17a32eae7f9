//! The protected resource that a guard stands before.

use url::Url;

use super::{Builder, Common, IssuerSettings};
use crate::credential::TokenPlace;
use crate::error::{ConfigError, ConfigProblem, quoted};
use crate::guard::RequiresAuth;
use crate::guard::resource::Guarded;
use crate::issuer::{IssuerUrl, Transport};
use crate::metadata::{ChallengeScopes, Document, Metadata, Resource, Scopes, check_link, check_scopes};
use crate::policy::Policy;
use crate::providers::{self, AudienceRule};
use crate::settings::{self, Given, Key, Setting, Value};
use crate::verify::Audience;

/// What says something of a resource.
const OF_RESOURCE: [&Setting; 10] = [
    settings::BASE_SCOPES.setting,
    settings::SCOPES_SUPPORTED.setting,
    settings::CHALLENGE_SCOPES.setting,
    settings::RESOURCE_NAME.setting,
    settings::RESOURCE_DOCUMENTATION.setting,
    settings::RESOURCE_POLICY_URI.setting,
    settings::RESOURCE_TOS_URI.setting,
    settings::AUTHORIZATION_SERVERS.setting,
    settings::METADATA_URL.setting,
    settings::ALLOW_RESOURCE_QUERY.setting,
];

impl RequiresAuth {
    /// Guards a protected resource: takes tokens of `issuer` whose audience is the URL `resource`, serves the document that tells
    /// clients where to log in (RFC 9728), and points to it in its challenges. This is what an MCP server needs.
    ///
    /// The URL is that which clients are given, byte for byte, also behind a proxy.
    ///
    /// ```
    /// use requires_auth::{ErrorCode, Policy, Request, RequiresAuth};
    ///
    /// let auth = RequiresAuth::for_resource("https://tenant-id.logto.app/oidc", "https://api.example.com/mcp")?;
    ///
    /// // A client that knows the URL alone learns where to go on.
    /// let no_headers: [(&str, &str); 0] = [];
    /// let request = Request::new("POST", "/mcp", &no_headers);
    /// let denial = auth.authorize_now(&request, &Policy::default()).expect("no token needs no keys").unwrap_err();
    /// let pointer =
    ///     r#"Bearer resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mcp""#;
    /// assert_eq!(auth.challenge(&request, &denial).www_authenticate(), [pointer]);
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// All mistakes of the configuration at once: see [`Builder::build`] and [`Resource::new`].
    pub fn for_resource(issuer: &str, resource: &str) -> Result<Self, ConfigError> {
        Self::resource_builder(issuer, resource).build()
    }

    /// As [`for_resource`](Self::for_resource), with more to choose.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// let auth = RequiresAuth::resource_builder("https://tenant-id.logto.app/oidc", "https://api.example.com/mcp")
    ///     .with_base_scopes(["read:orders"])
    ///     .with_resource_name("Orders")
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn resource_builder(issuer: &str, resource: &str) -> Builder {
        Self::builder(issuer, Audience::OneOf(Vec::new())).with_resource(resource)
    }
}

impl Builder {
    /// The URL of this API as its clients are given it, byte for byte (RFC 9728). Default: none, and nothing is served.
    ///
    /// An issuer without an audience of its own takes tokens whose audience is this URL; for a bare host, with or without a slash
    /// behind it. See [`RequiresAuth::for_resource`].
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// // Entra ID does not write the URL into `aud`, so that the audience is named beside it.
    /// let auth = RequiresAuth::builder("https://issuer.example", "api://orders")
    ///     .with_resource("https://api.example.com/mcp")
    ///     .build()?;
    /// assert_eq!(auth.resource().expect("a resource").as_str(), "https://api.example.com/mcp");
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_resource(self, url: &str) -> Self {
        self.set(settings::RESOURCE, url.to_owned())
    }

    /// Lets the resource have a query. Default: no. RFC 9728 §1.2 advises against it, and many clients leave it out of the URL of
    /// the document.
    pub fn with_allow_resource_query(self, is_allowed: bool) -> Self {
        self.set(settings::ALLOW_RESOURCE_QUERY, is_allowed)
    }

    /// Scopes of the resource that every request with a token needs, beside those of its route. Default: none.
    ///
    /// Each 401 tells clients to ask for them, and the document names them, so that the first login suffices for most requests.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// use requires_auth::{Policy, RequiresAuth};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "https://api.example/mcp", key);
    /// let auth = RequiresAuth::resource_builder("https://issuer.example", "https://api.example/mcp")
    ///     .with_base_scopes(["read:orders"])
    /// #   .with_jwks(jwks)
    ///     .build()?;
    /// let verdict = |scope: &str| {
    ///     let token = forge.token().scope(scope).mint();
    ///     auth.verify_now(&token, &Policy::default()).expect("the keys are there")
    /// };
    /// assert!(verdict("read:orders").is_ok());
    /// assert_eq!(verdict("write:orders").unwrap_err().status(), 403);
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_base_scopes<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.set(settings::BASE_SCOPES, scopes.into_iter().map(Into::into).collect())
    }

    /// The scopes that the document names: the few that a client needs to begin with. Default: those of
    /// [`with_base_scopes`](Self::with_base_scopes).
    pub fn with_scopes_supported<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.set(settings::SCOPES_SUPPORTED, scopes.into_iter().map(Into::into).collect())
    }

    /// Which scopes the challenge of a request names that lacks one. Default: those that it needs, which are the base and those of its
    /// route, and those of the resource that its token has.
    pub fn with_challenge_scopes(self, scopes: ChallengeScopes) -> Self {
        self.set(settings::CHALLENGE_SCOPES, scopes)
    }

    /// The name of the resource for people, in its document. Default: none.
    pub fn with_resource_name(self, name: &str) -> Self {
        self.set(settings::RESOURCE_NAME, name.to_owned())
    }

    /// A page for developers, in the document. Default: none.
    pub fn with_resource_documentation(self, url: &str) -> Self {
        self.set(settings::RESOURCE_DOCUMENTATION, url.to_owned())
    }

    /// A page about how clients may use the data, in the document. Default: none.
    pub fn with_resource_policy_uri(self, url: &str) -> Self {
        self.set(settings::RESOURCE_POLICY_URI, url.to_owned())
    }

    /// The terms of service, in the document. Default: none.
    pub fn with_resource_tos_uri(self, url: &str) -> Self {
        self.set(settings::RESOURCE_TOS_URI, url.to_owned())
    }

    /// The authorization servers that the document names, the one that clients log in at first. Default: the issuers, in their order;
    /// of an issuer with a placeholder, those of its tenants that are listed.
    pub fn with_authorization_servers<T: Into<String>>(self, servers: impl IntoIterator<Item = T>) -> Self {
        self.set(settings::AUTHORIZATION_SERVERS, servers.into_iter().map(Into::into).collect())
    }

    /// Where clients find the document, if a proxy lets them reach it elsewhere than RFC 9728 §3.1 says. It is served there, too; where
    /// the proxy strips a path, [`with_public_url`](Self::with_public_url) says which. Default: the well-known place.
    pub fn with_metadata_url(self, url: &str) -> Self {
        self.set(settings::METADATA_URL, url.to_owned())
    }

    /// Lets issuers without an audience take tokens for the resource.
    pub(super) fn take_audience_of(&mut self, resource: Option<&Resource>) {
        let Some(resource) = resource else { return };
        for settings in self.issuers.iter_mut().filter(|settings| settings.may_take_audience()) {
            settings.given.set(settings::AUDIENCE, Audience::OneOf(resource.audiences()));
        }
    }

    /// The resource with its document.
    pub(super) fn guarded(
        &self,
        resource: Option<Resource>,
        common: &Common,
        problems: &mut Vec<ConfigProblem>,
    ) -> Option<Guarded> {
        let resource = resource?;
        if let Some(warning) = resource.warning() {
            tracing::warn!(resource = resource.as_str(), "{warning}");
        }
        let base = listed(&self.given, settings::BASE_SCOPES, problems).unwrap_or_default();
        let supported = listed(&self.given, settings::SCOPES_SUPPORTED, problems);
        let servers = self.authorization_servers(common.transport, problems);
        let mut link = |key: Key<String>| {
            let text = self.given.get(key)?;
            check_link(key.setting.key, &text).map_err(|problem| problems.push(problem)).ok()?;
            Some(text)
        };
        let documentation = link(settings::RESOURCE_DOCUMENTATION);
        let (policy_uri, tos_uri) = (link(settings::RESOURCE_POLICY_URI), link(settings::RESOURCE_TOS_URI));
        let url = self.metadata_url(&resource, problems);
        let name = self.given.get(settings::RESOURCE_NAME);
        problems.extend(name.as_deref().and_then(|name| ConfigProblem::of_unseen("resource_name", name)));
        let prefix = self.given.get(settings::PUBLIC_URL).and_then(|url| Url::parse(&url).ok());
        let prefix = prefix.as_ref().map_or("", Url::path);
        let document = Document {
            authorization_servers: &servers,
            takes_header: common.places.contains(&TokenPlace::authorization()),
            name: name.as_deref(),
            documentation: documentation.as_deref(),
            policy_uri: policy_uri.as_deref(),
            tos_uri: tos_uri.as_deref(),
        };
        let challenged = self.given.get(settings::CHALLENGE_SCOPES).unwrap_or_default();
        let scopes = Scopes::new(&base, supported, challenged);
        // A scope that is wrong is a problem already.
        let base = scopes.base.as_deref().and_then(|base| Policy::parse(base).ok());
        let metadata = Metadata::new(resource, &document, scopes, url, prefix);
        Some(Guarded::new(metadata, base, None))
    }

    /// The issuers that a client can log in at, or what is given in their place.
    fn authorization_servers(&self, transport: Transport, problems: &mut Vec<ConfigProblem>) -> Vec<String> {
        const FIELD: &str = "authorization_servers";
        let expected = "the https URL of an authorization server";
        let given = self.given.get(settings::AUTHORIZATION_SERVERS);
        for server in given.iter().flatten() {
            if IssuerUrl::parse(server, transport).is_err() {
                let found =
                    if server.contains('@') { "a URL with a user".to_owned() } else { quoted(server) };
                let hint = "write the `issuer` of its metadata, byte for byte";
                problems.push(ConfigProblem::new(FIELD, found, expected, hint));
            }
        }
        let is_server = |issuer: &String| IssuerUrl::parse(issuer, transport).is_ok();
        let servers = given.unwrap_or_else(|| {
            let mut servers: Vec<String> = Vec::new();
            for issuer in self.issuers.iter().flat_map(IssuerSettings::with_tenants).filter(is_server) {
                if !servers.contains(&issuer) {
                    servers.push(issuer);
                }
            }
            servers
        });
        // An issuer that is wrong, or one of a resolver, is told of elsewhere.
        if servers.is_empty() && problems.is_empty() {
            let hint = "name the server at which clients log in; of an issuer with a placeholder that may be any tenant, nobody can \
                        say which";
            problems.push(ConfigProblem::new(FIELD, "nothing", expected, hint));
        }
        servers
    }

    fn metadata_url(&self, resource: &Resource, problems: &mut Vec<ConfigProblem>) -> Option<String> {
        let text = self.given.get(settings::METADATA_URL)?;
        let checked = check_link("metadata_url", &text).and_then(|url| {
            if url.path() == "/" || url.path() == resource.path() {
                let hint = "write the URL of the document, and not that of the API";
                return Err(ConfigProblem::new(
                    "metadata_url",
                    quoted(&text),
                    "the place of a document",
                    hint,
                ));
            }
            Ok(text)
        });
        checked.map_err(|problem| problems.push(problem)).ok()
    }
}

impl IssuerSettings {
    /// Whether the audience is that of the resource: none is given, and its provider writes none of its own.
    fn may_take_audience(&self) -> bool {
        let given = self.given.get(settings::AUDIENCE);
        let is_given = given.is_some_and(|given| given != Audience::OneOf(Vec::new()));
        let provider = self.given.get(settings::PROVIDER).and_then(providers::find);
        let writes_aud = provider.is_none_or(|provider| provider.audience_rule == AudienceRule::Aud);
        let is_any = self.audience.is_some() || self.given.is_on(settings::DANGEROUSLY_ANY_AUDIENCE);
        !is_given && !is_any && writes_aud
    }

    /// The issuer; for one with a placeholder those of its tenants that are listed.
    fn with_tenants(&self) -> Vec<String> {
        match self.pattern() {
            Ok(Some(pattern)) => {
                let tenants = self.given.get(settings::TENANTS).unwrap_or_default();
                tenants.iter().map(|tenant| pattern.issuer(tenant)).collect()
            }
            _ => vec![self.issuer()],
        }
    }
}

/// The resource, if one is given. Without one, what says something of it is a mistake.
pub(super) fn resource(given: &Given, problems: &mut Vec<ConfigProblem>) -> Option<Resource> {
    let Some(url) = given.get(settings::RESOURCE) else {
        // Who passes on every setting also passes on defaults.
        let is_default = |value: &Value| matches!(value, Value::Switch(false) | Value::Choice("keep"));
        let is_said = |setting: &&Setting| given.value(setting).is_some_and(|value| !is_default(value));
        let alone = OF_RESOURCE.into_iter().filter(is_said);
        problems.extend(alone.map(|setting| {
            let hint = "name the URL of this API with `resource`, or leave this out";
            ConfigProblem::new(setting.key, "this without `resource`", "a resource that it is about", hint)
        }));
        return None;
    };
    let parsed = if given.is_on(settings::ALLOW_RESOURCE_QUERY) {
        Resource::with_query(&url)
    } else {
        Resource::new(&url)
    };
    parsed.map_err(|error| problems.extend(error.problems().iter().cloned())).ok()
}

fn listed(given: &Given, key: Key<Vec<String>>, problems: &mut Vec<ConfigProblem>) -> Option<Vec<String>> {
    let scopes = given.get(key)?;
    check_scopes(key.setting.key, &scopes, problems);
    Some(scopes)
}
