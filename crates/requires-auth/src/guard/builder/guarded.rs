//! From the settings to the resource with its document.

use url::Url;

use super::{Builder, Common, IssuerSettings};
use crate::credential::TokenPlace;
use crate::error::{ConfigProblem, quoted};
use crate::guard::resource::{Guarded, Siblings};
use crate::issuer::{IssuerUrl, Transport};
use crate::metadata::{Document, Metadata, Resource, Scopes, check_link, check_scopes};
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

impl Builder {
    /// Lets issuers without an audience take tokens for the resource.
    pub(super) fn take_audience_of(&mut self, resource: Option<&Resource>) {
        let audiences = match resource {
            Some(resource) => resource.audiences(),
            // What is wrong is the resource, which is told already; nothing is missing beside that.
            None if self.given.value(settings::RESOURCE.setting).is_some() => {
                vec![settings::RESOURCE.setting.key.to_owned()]
            }
            None => return,
        };
        for settings in self.issuers.iter_mut().filter(|settings| settings.may_take_audience()) {
            settings.given.set(settings::AUDIENCE, Audience::OneOf(audiences.clone()));
        }
    }

    /// The resources that share keys with this one.
    pub(super) fn siblings(&self) -> Siblings {
        let shared = self.keys_of.as_ref().filter(|_| self.shares_keys);
        shared.map(|guard| guard.inner.siblings.clone()).unwrap_or_default()
    }

    /// The resource with its document.
    pub(super) fn guarded(
        &self,
        resource: Option<Resource>,
        common: &Common,
        siblings: &Siblings,
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
            takes_certificates: self.any_takes_certificates(),
        };
        let challenged = self.given.get(settings::CHALLENGE_SCOPES).unwrap_or_default();
        let scopes = Scopes::new(&base, supported, challenged);
        // A scope that is wrong is a problem already.
        let base = scopes.base.as_deref().and_then(|base| Policy::parse(base).ok());
        let metadata = Metadata::new(resource, &document, scopes, url, prefix);
        Some(Guarded::new(metadata, base, siblings.clone()))
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
        let is_wrong = |settings: &IssuerSettings| {
            let is_fetched = settings.given.get(settings::JWKS).is_none()
                && settings.given.get(settings::JWKS_URI).is_none();
            is_fetched && !settings.with_tenants().iter().all(is_server)
        };
        let servers = given.unwrap_or_else(|| {
            let mut servers: Vec<String> = Vec::new();
            let own = self.issuers.iter().filter(|settings| !settings.from_table.is_other_name);
            for issuer in own.flat_map(IssuerSettings::with_tenants).filter(is_server) {
                if !servers.contains(&issuer) {
                    servers.push(issuer);
                }
            }
            servers
        });
        // An issuer that is wrong, or one of a resolver, is told of elsewhere.
        if servers.is_empty() && problems.is_empty() && !self.issuers.iter().any(is_wrong) {
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
    pub(super) fn may_take_audience(&self) -> bool {
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
