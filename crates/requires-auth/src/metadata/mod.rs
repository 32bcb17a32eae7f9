//! What clients are told of a protected resource: its metadata document, and where that is (RFC 9728).
//!
//! A [`Resource`] is the URL of an API as its clients write it. A guard that has one
//! ([`Builder::with_resource`](crate::guard::Builder::with_resource)) takes tokens whose audience is this URL, serves a document that
//! names its authorization servers, and points to it in its challenges, so that a client that knows the URL alone can log in:
//!
//! ```
//! use requires_auth::{Request, RequiresAuth};
//!
//! let auth = RequiresAuth::for_resource("https://tenant-id.logto.app/oidc", "https://api.example.com/mcp")?;
//!
//! let no_headers: [(&str, &str); 0] = [];
//! let request = Request::new("GET", "/.well-known/oauth-protected-resource/mcp", &no_headers);
//! let answer = auth.metadata(&request).expect("the document");
//! let document: serde_json::Value = serde_json::from_slice(answer.body()).expect("JSON");
//! assert_eq!(document["resource"], "https://api.example.com/mcp");
//! assert_eq!(document["authorization_servers"][0], "https://tenant-id.logto.app/oidc");
//! # Ok::<(), requires_auth::ConfigError>(())
//! ```
//!
//! The layers of axum and tower serve it by themselves. An adapter for another framework asks
//! [`RequiresAuth::metadata`](crate::RequiresAuth::metadata) before it asks for a token, and sends the [`MetadataAnswer`] as it is.

mod answer;
mod document;
mod parse;
mod place;
mod resource;
mod scopes;

pub use answer::MetadataAnswer;
pub(crate) use document::Document;
pub(crate) use parse::{check_link, is_loopback};
use place::Place;
pub use resource::Resource;
pub use scopes::ChallengeScopes;
pub(crate) use scopes::{Scopes, check_scopes};

/// What begins the path of a document (RFC 9728 §3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// A resource with its document, the places where that is served, and what challenges say of it.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    resource: Resource,
    /// The place that challenges name.
    url: Box<str>,
    document: Box<[u8]>,
    places: Vec<Place>,
    pub(crate) scopes: Scopes,
}

impl Metadata {
    /// `url` is where clients find the document, if that is elsewhere than RFC 9728 §3.1 says. `prefix` is the path that a
    /// proxy strips from requests.
    pub(crate) fn new(
        resource: Resource,
        document: &Document<'_>,
        scopes: Scopes,
        url: Option<String>,
        prefix: &str,
    ) -> Self {
        let places = place::places(&resource, url.as_deref(), prefix);
        let document = document.write(&resource, &scopes);
        let url = url.unwrap_or_else(|| resource.metadata_url());
        Self { url: url.into(), document: document.into(), places, resource, scopes }
    }

    pub(crate) const fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Where challenges say that the document is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The answer to a request for the document; `None` for any other request. `is_only` says that no other resource has the
    /// root of this server.
    pub(crate) fn matches(
        &self,
        method: &str,
        path: &str,
        query: &str,
        is_only: impl FnOnce() -> bool,
    ) -> Option<MetadataAnswer> {
        let place = self.places.iter().find(|place| place.is_at(path, query))?;
        (!place.is_shared || is_only()).then(|| MetadataAnswer::of(method, &self.document))
    }

    /// The paths at which the document is served, each once.
    #[cfg_attr(not(feature = "axum"), allow(dead_code, reason = "only a router has to know them"))]
    pub(crate) fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = Vec::new();
        for place in &self.places {
            if !paths.contains(&&*place.path) {
                paths.push(&place.path);
            }
        }
        paths
    }
}

#[cfg(test)]
mod tests;
