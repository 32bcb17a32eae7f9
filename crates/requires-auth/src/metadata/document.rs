//! The document itself (RFC 9728 §2).

use serde::Serialize;

use super::{Resource, Scopes};

/// What the document says beside the resource and its scopes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document<'s> {
    /// Those that clients log in at, the first one first: most clients look at no other.
    pub(crate) authorization_servers: &'s [String],
    /// Whether a token may stand in `Authorization`.
    pub(crate) takes_header: bool,
    pub(crate) name: Option<&'s str>,
    pub(crate) documentation: Option<&'s str>,
    pub(crate) policy_uri: Option<&'s str>,
    pub(crate) tos_uri: Option<&'s str>,
    /// Whether tokens may be bound to a certificate of the client (RFC 8705 §3).
    pub(crate) takes_certificates: bool,
}

/// In the order of RFC 9728 §2. A member without a value is left out (§3.2).
#[derive(Serialize)]
struct Written<'s> {
    resource: &'s str,
    authorization_servers: &'s [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes_supported: &'s [Box<str>],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    bearer_methods_supported: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_policy_uri: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_tos_uri: Option<&'s str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_client_certificate_bound_access_tokens: bool,
}

impl Document<'_> {
    /// The bytes that are served. Nothing of a URL is normalised: clients compare byte for byte (§3.3, §6).
    pub(super) fn write(&self, resource: &Resource, scopes: &Scopes) -> Vec<u8> {
        let written = Written {
            resource: resource.as_str(),
            authorization_servers: self.authorization_servers,
            scopes_supported: scopes.supported(),
            bearer_methods_supported: if self.takes_header { &["header"] } else { &[] },
            resource_name: self.name,
            resource_documentation: self.documentation,
            resource_policy_uri: self.policy_uri,
            resource_tos_uri: self.tos_uri,
            tls_client_certificate_bound_access_tokens: self.takes_certificates,
        };
        // Texts always serialize.
        serde_json::to_vec(&written).unwrap_or_default()
    }
}
