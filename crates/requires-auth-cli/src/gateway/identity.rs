//! What the application is told about a token, and which headers of a client could pass for that.

use http::{HeaderMap, HeaderName, HeaderValue};
use requires_auth::AccessToken;
use serde_json::value::RawValue;

use super::config::{Config, IdentityHeader, IdentitySource};
use super::header_names::is_folded_like;
use super::identity_value::{of_claim, of_text};

/// The configured headers, with our names for the issuers.
pub(crate) struct Identity {
    headers: Vec<IdentityHeader>,
    /// `iss` or a pattern for it, and our name for it.
    issuers: Vec<(String, String)>,
}

impl Identity {
    pub(crate) fn new(config: &Config) -> Self {
        let issuers = config.guard.issuers.iter().map(|issuer| (issuer.issuer(), issuer.name().to_owned()));
        Self { headers: config.gateway.headers.clone(), issuers: issuers.collect() }
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.headers.iter().map(|header| &header.name)
    }

    /// For a request without a token: every header, and all of them empty, so that none of a client's stays.
    pub(crate) fn of_nobody(&self) -> Vec<(HeaderName, HeaderValue)> {
        self.names().map(|name| (name.clone(), HeaderValue::from_static(""))).collect()
    }

    /// For a token.
    pub(crate) fn of(&self, token: &AccessToken) -> Vec<(HeaderName, HeaderValue)> {
        self.headers.iter().map(|header| (header.name.clone(), self.value(header, token))).collect()
    }

    /// What one header says of a token.
    fn value(&self, header: &IdentityHeader, token: &AccessToken) -> HeaderValue {
        let encoding = header.encoding;
        match &header.source {
            IdentitySource::IssuerName => of_text(self.issuer_name(token), encoding),
            IdentitySource::Tenant => of_text(token.tenant().unwrap_or_default(), encoding),
            // As the guard has read them, wherever they stand: none of them has a space.
            IdentitySource::Claim(path) if path == "scope" => of_text(&scopes_of(token), encoding),
            // Issuers name it differently.
            IdentitySource::Claim(path) if path == "client_id" => {
                of_text(token.client_id().unwrap_or_default(), encoding)
            }
            IdentitySource::Claim(path) => token
                .claim::<Box<RawValue>>(path)
                .map_or_else(|| HeaderValue::from_static(""), |claim| of_claim(&claim, encoding)),
        }
    }

    fn issuer_name(&self, token: &AccessToken) -> &str {
        let is_of = |issuer: &str| match token.tenant() {
            Some(tenant) => of_tenant(issuer, tenant).as_deref() == Some(token.issuer()),
            None => issuer == token.issuer(),
        };
        self.issuers
            .iter()
            .find(|(issuer, _)| is_of(issuer))
            .map(|(_, name)| name.as_str())
            .unwrap_or_default()
    }

    /// The headers of a client that an application could read as one of ours, though the name is another: `X_Auth_Subject`
    /// beside `X-Auth-Subject`. CGI and WSGI make the same of both.
    pub(crate) fn aliases_in(&self, headers: &HeaderMap) -> Vec<HeaderName> {
        let is_alias = |name: &HeaderName| {
            self.names().any(|own| own != name && is_folded_like(own.as_str(), name.as_str()))
        };
        headers.keys().filter(|name| is_alias(name)).cloned().collect()
    }
}

/// The issuer of a tenant, by the pattern that its configuration has.
fn of_tenant(pattern: &str, tenant: &str) -> Option<String> {
    let (before, rest) = pattern.split_once('{')?;
    let (_, after) = rest.split_once('}')?;
    Some([before, tenant, after].concat())
}

/// The granted scopes, with a space between two.
fn scopes_of(token: &AccessToken) -> String {
    token.scopes().fold(String::new(), |mut all, scope| {
        let space = if all.is_empty() { "" } else { " " };
        all.extend([space, scope]);
        all
    })
}
