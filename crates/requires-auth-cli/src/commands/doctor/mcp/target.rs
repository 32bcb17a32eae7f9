//! The URL of an MCP server, as its clients are given it, and what clients derive from it.

use reqwest::Url;

use super::super::connection::is_loopback;
use crate::http::web_url;

/// Where the metadata of a protected resource stand (RFC 9728 §3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The URL of an MCP server. What was typed is kept, as identifiers are compared byte for byte.
#[derive(Clone, Debug)]
pub(crate) struct McpUrl {
    typed: String,
    url: Url,
}

/// How the `resource` of a document differs from the URL that a client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// The last slash alone.
    Slash,
    /// http in place of https, or the other way round.
    Scheme,
    /// The spelling of the host or the port, which means the same.
    Spelling,
    /// The document is for a path above this one, on the same origin.
    Above,
    /// Something else.
    Other,
}

impl McpUrl {
    /// Reads an absolute http or https URL without user and fragment; an error says what is wrong with it.
    pub(crate) fn parse(typed: &str) -> Result<Self, String> {
        let other = || "expected a URL such as https://api.example.com/mcp".to_owned();
        let url = web_url(typed).map_err(|wrong| wrong.unwrap_or_else(other))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL of a server has no user and no password".to_owned());
        }
        if url.fragment().is_some() {
            return Err("the URL of a resource has no fragment (RFC 9728 section 1.2)".to_owned());
        }
        if !typed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("write the URL in ASCII, as clients send it".to_owned());
        }
        Ok(Self { typed: typed.to_owned(), url })
    }

    /// As it was typed.
    pub(super) fn typed(&self) -> &str {
        &self.typed
    }

    /// For requests.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it is on this machine, where http is enough.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Whether something may be fetched from this URL, which a server has named: https, or http on loopback where the
    /// MCP server itself is there. A server elsewhere must not send this machine to its own services.
    pub(super) fn may_fetch(&self, named: &Url) -> bool {
        let is_plain = named.username().is_empty() && named.password().is_none();
        is_plain
            && match named.scheme() {
                "https" => self.is_loopback() || !is_loopback(named),
                "http" => self.is_loopback() && is_loopback(named),
                _ => false,
            }
    }

    /// The three places in which clients look for the document (RFC 9728 §3.1, and what clients do beside it), each once.
    pub(super) fn documents(&self) -> Vec<Url> {
        let path = self.url.path();
        let without_slash = path.strip_suffix('/').unwrap_or(path);
        // A slash directly after the host is dropped, others stay.
        let inserted = format!("{WELL_KNOWN}{}", if path == "/" { "" } else { path });
        let mut found = vec![self.at(&inserted, self.url.query())];
        for other in [WELL_KNOWN.to_owned(), format!("{without_slash}{WELL_KNOWN}")] {
            let other = self.at(&other, None);
            if !found.contains(&other) {
                found.push(other);
            }
        }
        found
    }

    /// The document at the root, which may be that of the whole host.
    pub(super) fn root_document(&self) -> Url {
        self.at(WELL_KNOWN, None)
    }

    /// The same URL with the other last slash; a bare host has none.
    pub(super) fn slash_variant(&self) -> Option<Self> {
        if self.url.path() == "/" || self.url.query().is_some() {
            return None;
        }
        let typed = match self.typed.strip_suffix('/') {
            Some(without) => without.to_owned(),
            None => format!("{}/", self.typed),
        };
        Self::parse(&typed).ok()
    }

    /// Another path on this origin.
    pub(super) fn at(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url.set_query(query);
        url
    }

    /// Whether a `resource` names this server, byte for byte (RFC 9728 §3.3, §6). A bare host has two spellings, with and
    /// without its slash, which are one URL (RFC 3986 §6.2.3).
    pub(super) fn compare(&self, resource: &str) -> Result<(), Difference> {
        let is_bare = self.url.path() == "/" && self.url.query().is_none();
        let without_slash = |text: &'_ str| text.trim_end_matches('/').to_owned();
        let is_slash_alone = without_slash(resource) == without_slash(&self.typed);
        if resource == self.typed || (is_bare && is_slash_alone) {
            return Ok(());
        }
        if is_slash_alone {
            return Err(Difference::Slash);
        }
        let without_scheme = |text: &'_ str| text.split_once("://").map(|(_, rest)| rest.to_owned());
        if without_scheme(resource).is_some_and(|rest| Some(rest) == without_scheme(&self.typed)) {
            return Err(Difference::Scheme);
        }
        let Ok(other) = Url::parse(resource) else { return Err(Difference::Other) };
        if other == self.url {
            return Err(Difference::Spelling);
        }
        let above = other.path().trim_end_matches('/');
        let rest = self.url.path().strip_prefix(above);
        let is_above = other.origin() == self.url.origin() && rest.is_some_and(|rest| rest.starts_with('/'));
        Err(if is_above { Difference::Above } else { Difference::Other })
    }

    /// What is not in the form that clients compare: an upper-case host, a default port, dot segments.
    pub(super) fn is_canonical(&self) -> bool {
        let canonical = self.url.as_str();
        self.typed == canonical || canonical.strip_suffix('/') == Some(&self.typed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> McpUrl {
        McpUrl::parse(text).expect(text)
    }

    #[test]
    fn only_the_url_of_a_server_is_read() {
        for good in ["https://api.example.com/mcp", "http://127.0.0.1:1/", "https://[::1]/a?b=c"] {
            assert!(McpUrl::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["/mcp", "api.example.com", "ftp://a.example", "https://u:p@a.example", "https://a.example/#b"]
        {
            assert!(McpUrl::parse(bad).is_err(), "{bad}");
        }
        assert!(McpUrl::parse("https://a.example/é").is_err());
    }

    #[test]
    fn documents_stand_where_the_standard_says() {
        let places = |text: &str| url(text).documents().iter().map(ToString::to_string).collect::<Vec<_>>();
        let known = "https://a.example/.well-known/oauth-protected-resource";
        assert_eq!(places("https://a.example"), [known]);
        let appended = "https://a.example/mcp/.well-known/oauth-protected-resource";
        assert_eq!(places("https://a.example/mcp"), [&format!("{known}/mcp"), known, appended]);
        assert_eq!(places("https://a.example/mcp/"), [&format!("{known}/mcp/"), known, appended]);
        assert_eq!(places("https://a.example/mcp?a=b")[0], format!("{known}/mcp?a=b"));
    }

    #[test]
    fn resources_are_compared_byte_for_byte() {
        for (typed, resource, expected) in [
            ("https://a.example/mcp", "https://a.example/mcp", Ok(())),
            ("https://a.example", "https://a.example/", Ok(())),
            ("https://a.example/", "https://a.example", Ok(())),
            ("https://a.example/mcp", "https://a.example/mcp/", Err(Difference::Slash)),
            ("https://a.example/mcp", "http://a.example/mcp", Err(Difference::Scheme)),
            ("https://a.example/mcp", "https://A.example/mcp", Err(Difference::Spelling)),
            ("https://a.example/mcp", "https://a.example:443/mcp", Err(Difference::Spelling)),
            ("https://a.example/mcp", "https://a.example", Err(Difference::Above)),
            ("https://a.example/a/mcp", "https://a.example/a", Err(Difference::Above)),
            ("https://a.example/mcp2", "https://a.example/mcp", Err(Difference::Other)),
            ("https://a.example/mcp", "https://b.example/mcp", Err(Difference::Other)),
            ("https://a.example/mcp", "orders", Err(Difference::Other)),
        ] {
            assert_eq!(url(typed).compare(resource), expected, "{typed} {resource}");
        }
    }

    #[test]
    fn a_server_elsewhere_names_nothing_on_this_machine() {
        let named = |text: &str| Url::parse(text).expect(text);
        let (far, near) = (url("https://a.example/mcp"), url("http://127.0.0.1:9/mcp"));
        assert!(far.may_fetch(&named("https://id.example")) && near.may_fetch(&named("https://id.example")));
        assert!(near.may_fetch(&named("http://localhost:8/")));
        for inner in ["http://localhost:8/", "https://127.0.0.1/", "http://id.example", "file:///etc/passwd"]
        {
            assert!(!far.may_fetch(&named(inner)), "{inner}");
        }
        assert!(!near.may_fetch(&named("http://id.example")));
        assert!(!near.may_fetch(&named("https://user@id.example")));
    }

    #[test]
    fn spellings_that_clients_would_change_are_seen() {
        for good in
            ["https://a.example", "https://a.example/", "https://a.example/mcp", "https://a.example/mcp/"]
        {
            assert!(url(good).is_canonical(), "{good}");
        }
        for bad in ["https://A.example/mcp", "https://a.example:443/mcp", "https://a.example/x/../mcp"] {
            assert!(!url(bad).is_canonical(), "{bad}");
        }
        assert_eq!(
            url("https://a.example/mcp").slash_variant().map(|own| own.typed),
            Some("https://a.example/mcp/".to_owned())
        );
        assert_eq!(
            url("https://a.example/mcp/").slash_variant().map(|own| own.typed),
            Some("https://a.example/mcp".to_owned())
        );
        assert!(url("https://a.example").slash_variant().is_none());
    }
}
