//! What the application is told about a token, and which headers of a client could pass for that.

use http::{HeaderMap, HeaderName, HeaderValue};
use requires_auth::AccessToken;
use requires_auth::config::Config;
use requires_auth::config::gateway::{IdentityHeader, IdentitySource};
use serde_json::Value;

/// The configured headers, with our names for the issuers.
pub(crate) struct Identity {
    headers: Vec<IdentityHeader>,
    /// `iss`, and our name for it.
    issuers: Vec<(String, String)>,
}

impl Identity {
    pub(crate) fn new(config: &Config) -> Self {
        let issuers = config.issuers.iter().map(|issuer| (issuer.issuer.clone(), issuer.name.clone()));
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

    /// For a token. The error is the header whose claim cannot stand in one: it has a control character.
    pub(crate) fn of(&self, token: &AccessToken) -> Result<Vec<(HeaderName, HeaderValue)>, &HeaderName> {
        self.headers
            .iter()
            .map(|header| Ok((header.name.clone(), self.value(header, token).ok_or(&header.name)?)))
            .collect()
    }

    /// What one header says of a token; `None` if that cannot stand in a header.
    fn value(&self, header: &IdentityHeader, token: &AccessToken) -> Option<HeaderValue> {
        let text = match &header.source {
            IdentitySource::IssuerName => self.issuer_name(token).to_owned(),
            // As the guard has read them, wherever they stand.
            IdentitySource::Claim(path) if path == "scope" => token.scopes().collect::<Vec<_>>().join(" "),
            IdentitySource::Claim(path) => token.claim::<Value>(path).map(text_of).unwrap_or_default(),
            _ => String::new(),
        };
        // Spaces at the ends are no part of a value (RFC 9110 §5.5): who compares would see another.
        let is_whole = text.trim_matches([' ', '\t']) == text;
        HeaderValue::try_from(text).ok().filter(|_| is_whole)
    }

    fn issuer_name(&self, token: &AccessToken) -> &str {
        let name =
            self.issuers.iter().find(|(issuer, _)| issuer == token.issuer()).map(|(_, name)| name.as_str());
        name.unwrap_or_default()
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

/// Whether two names are the same but for case, and for `-`, `_` and `.`.
pub(super) fn is_folded_like(one: &str, other: &str) -> bool {
    let fold = |byte: u8| if matches!(byte, b'_' | b'.') { b'-' } else { byte.to_ascii_lowercase() };
    one.len() == other.len() && one.bytes().map(fold).eq(other.bytes().map(fold))
}

fn text_of(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Array(list)
            if list.iter().all(|item| item.as_str().is_some_and(|text| !text.contains(' '))) =>
        {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_an_application_cannot_tell_apart() {
        for (name, expected) in [
            ("x-auth-subject", true),
            ("X_Auth_Subject", true),
            ("x.auth.subject", true),
            ("x-auth-subjects", false),
            ("xauthsubject", false),
            ("x-auth+subject", false),
        ] {
            assert_eq!(is_folded_like("x-auth-subject", name), expected, "{name}");
        }
    }

    #[test]
    fn claims_as_texts() {
        for (claim, text) in [
            (r#""alice""#, "alice"),
            ("7", "7"),
            ("true", "true"),
            ("null", ""),
            (r#"["a","b"]"#, "a b"),
            (r#"["a b","c"]"#, r#"["a b","c"]"#),
            (r#"{"a":1}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(text_of(serde_json::from_str(claim).expect("JSON")), text);
        }
    }
}
