//! The URL of a resource, as its clients write it.

use std::fmt;

use super::{WELL_KNOWN, parse};
use crate::error::ConfigError;

/// The URL of a protected resource (RFC 9728 §1.2): an https URL, or http on loopback, kept byte for byte.
///
/// Clients compare it with what they were given, byte for byte (RFC 9728 §3.3), and issuers write it into `aud` (RFC 8707 §2), so
/// nothing is ever normalised here. What would make two spellings of one resource is a mistake instead.
///
/// ```
/// use requires_auth::metadata::Resource;
///
/// let resource = Resource::new("https://api.example.com/mcp")?;
/// assert_eq!(resource.metadata_url(), "https://api.example.com/.well-known/oauth-protected-resource/mcp");
///
/// // Clients would leave out the port, and find another resource in the document.
/// let error = Resource::new("https://api.example.com:443/mcp").unwrap_err();
/// assert!(error.to_string().contains("leave out the port"));
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Resource {
    url: Box<str>,
    /// Where scheme and authority end.
    origin: usize,
    /// Where the path ends.
    path: usize,
}

impl Resource {
    /// A resource without a query.
    ///
    /// # Errors
    ///
    /// It is not an absolute https URL (http is for loopback), or it has a user, a query, a fragment, an upper-case scheme or host,
    /// the port of its scheme, a slash behind a bare host, dot segments, or characters that are not those of a URL.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Ok(parse::resource(url, false)?)
    }

    /// A resource that may have a query, which RFC 9728 §1.2 advises against: many clients leave it out of the URL of the document.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), but for the query.
    pub fn with_query(url: &str) -> Result<Self, ConfigError> {
        Ok(parse::resource(url, true)?)
    }

    pub(super) fn of_parts(url: &str, origin: usize, path: usize) -> Self {
        Self { url: url.into(), origin, path }
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        self.url.get(..self.origin).unwrap_or_default()
    }

    /// The path; empty for a bare host.
    pub fn path(&self) -> &str {
        self.url.get(self.origin..self.path).unwrap_or_default()
    }

    /// The query, if it has one.
    pub fn query(&self) -> Option<&str> {
        self.url.get(self.path + 1..)
    }

    /// The path of its document, with its query (RFC 9728 §3.1): the well-known path stands before the path of the resource. A
    /// slash at the end of that stays.
    ///
    /// ```
    /// use requires_auth::metadata::Resource;
    ///
    /// let of = |url| Resource::new(url).map(|resource| resource.metadata_path());
    /// assert_eq!(of("https://api.example.com")?, "/.well-known/oauth-protected-resource");
    /// assert_eq!(of("https://api.example.com/mcp/")?, "/.well-known/oauth-protected-resource/mcp/");
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn metadata_path(&self) -> String {
        format!("{WELL_KNOWN}{}", self.url.get(self.origin..).unwrap_or_default())
    }

    /// The URL of its document (RFC 9728 §3.1).
    pub fn metadata_url(&self) -> String {
        format!("{}{}", self.origin(), self.metadata_path())
    }

    /// The audiences that mean this resource: its URL, and for a bare host the same with a slash behind it, which is the same URL
    /// (RFC 3986 §6.2.3) and what some clients make of it.
    pub fn audiences(&self) -> Vec<String> {
        let url = self.url.to_string();
        if self.url.len() == self.origin { vec![url.clone(), format!("{url}/")] } else { vec![url] }
    }

    /// What may go wrong with it, for a log.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        self.path().ends_with('/').then_some(
            "the resource ends in a slash: clients that were given it without one find another resource in its document, \
             and give up",
        )
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resource").field(&self.url).finish()
    }
}
