//! The request as the guard sees it: method, URL and headers, borrowed.
//!
//! This is the only thing that an adapter builds. Bodies are never read: a token in a form is not
//! accepted (RFC 6750 §2.2 is not offered).

use core::net::IpAddr; // without IO, as all of this module
use std::fmt;

use memchr::memchr;

mod parameters;

pub use parameters::PathParameters;
pub(crate) use parameters::one_segment;

/// How many bytes an id of a request may have.
const LONGEST_ID: usize = 64;

/// Headers that a request for another protocol has (RFC 9110 §7.8, RFC 6455 §4.1).
pub(crate) const UPGRADE_HEADERS: [&str; 3] = ["upgrade", "sec-websocket-key", "sec-websocket-version"];

/// Headers that mean something else to a server or a proxy, or to a guard: no token and no certificate stands there.
const OTHER_HEADERS: [&str; 15] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "dpop",
    "host",
    "origin",
    "sec-fetch-site",
    "sec-websocket-protocol",
    "set-cookie",
    "te",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
    "x-request-id",
];

/// Whether a header means something else than a token or a certificate, whatever is written there.
pub(crate) fn has_a_meaning(name: &str) -> bool {
    OTHER_HEADERS.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Read access to the headers of a request.
///
/// Implemented for slices, arrays and vectors of `(name, value)` pairs, and for `http::HeaderMap`
/// with the feature `tower`. Implement it for the headers of another framework; nothing is copied then.
///
/// What must hold, because the guard decides by it: every line of a header is visited, also a second one with the same
/// name (two `Authorization` headers are refused, and an implementation that shows one of them hides that); names are
/// compared without regard to case; values are the bytes of the wire, also where they are not UTF-8.
///
/// ```
/// use std::collections::HashMap;
///
/// use requires_auth::request::Headers;
/// use requires_auth::{ErrorCode, Request, credential::Credential};
///
/// /// The headers of a framework that keeps all values of a name, and the names in lower case.
/// struct FrameworkHeaders(HashMap<String, Vec<Vec<u8>>>);
///
/// impl Headers for FrameworkHeaders {
///     fn visit<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
///         let values = self.0.get(&name.to_ascii_lowercase());
///         values.into_iter().flatten().for_each(|value| visit(value));
///     }
/// }
///
/// let twice = vec![b"Bearer abc.def.ghi".to_vec(), b"Bearer jkl.mno.pqr".to_vec()];
/// let headers = FrameworkHeaders(HashMap::from([("authorization".to_owned(), twice)]));
/// let denial = Credential::from_request(&Request::new("GET", "/orders", &headers)).unwrap_err();
/// assert_eq!(denial.code(), ErrorCode::InvalidRequest);
/// ```
pub trait Headers: Sync {
    /// Calls `visit` with each value of the header `name`, in order. Names are case-insensitive.
    fn visit<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8]));
}

impl<N: AsRef<str> + Sync, V: AsRef<[u8]> + Sync> Headers for &[(N, V)] {
    fn visit<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        visit_pairs(self, name, visit);
    }
}

impl<N: AsRef<str> + Sync, V: AsRef<[u8]> + Sync, const K: usize> Headers for [(N, V); K] {
    fn visit<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        visit_pairs(self, name, visit);
    }
}

impl<N: AsRef<str> + Sync, V: AsRef<[u8]> + Sync> Headers for Vec<(N, V)> {
    fn visit<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        visit_pairs(self, name, visit);
    }
}

fn visit_pairs<'a, N, V>(pairs: &'a [(N, V)], name: &str, visit: &mut dyn FnMut(&'a [u8]))
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    for (own, value) in pairs {
        let own = own.as_ref();
        // Most are spelled as they are asked for, which is seen at once.
        if own == name || own.eq_ignore_ascii_case(name) {
            visit(value.as_ref());
        }
    }
}

/// A request as the guard sees it: what [`RequiresAuth::authorize`](crate::RequiresAuth::authorize) decides over.
///
/// It borrows everything and is made anew for each request. `Debug` shows method and path, never the query or a header,
/// as both may hold a token.
///
/// ```
/// use requires_auth::Request;
///
/// let headers = [("Authorization", "Bearer abc.def.ghi")];
/// let request = Request::new("GET", "/orders?access_token=secret", &headers);
/// assert_eq!(request.path(), "/orders");
///
/// let logged = format!("{request:?}");
/// assert!(!logged.contains("abc.def.ghi") && !logged.contains("secret"));
/// ```
///
/// With the feature `tower`, `http::HeaderMap` is a [`Headers`], which serves every framework on the `http` crate.
#[derive(Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "an adapter says each by itself, and none excludes another"
)]
pub struct Request<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a dyn Headers,
    origin: Option<&'a str>,
    certificate: Option<Certificate<'a>>,
    client: Option<IpAddr>,
    path_parameters: Option<&'a dyn PathParameters>,
    is_ordinary: bool,
    is_upgrade: bool,
    is_token_alone: bool,
    is_trial: bool,
}

impl<'a> Request<'a> {
    /// A request with its method, its URL (or only path and query) and its headers.
    ///
    /// Give the URL with its query, as it was sent: a Bearer header beside a query parameter `access_token` is refused
    /// (RFC 6750 §2), and a URL without its query hides that.
    ///
    /// ```
    /// use requires_auth::{ErrorCode, Request, credential::Credential};
    ///
    /// let headers = [("authorization", "Bearer abc.def.ghi")];
    /// let request = Request::new("GET", "/orders?access_token=abc.def.ghi", &headers);
    /// let denial = Credential::from_request(&request).unwrap_err();
    /// assert_eq!(denial.code(), ErrorCode::InvalidRequest);
    /// ```
    pub fn new(method: &'a str, url: &'a str, headers: &'a impl Headers) -> Self {
        Self {
            method,
            url,
            headers,
            origin: None,
            certificate: None,
            client: None,
            path_parameters: None,
            is_ordinary: false,
            is_upgrade: false,
            is_token_alone: false,
            is_trial: false,
        }
    }

    /// The same request, sent to this origin: scheme and host as the client uses them, such as
    /// `https://api.example.com`, with a path behind them if a proxy strips one. Default: not known.
    ///
    /// It comes from the configuration of the server, never from the header `Host`, which a client chooses.
    ///
    /// ```
    /// use requires_auth::Request;
    ///
    /// let headers = [("Authorization", "Bearer abc.def.ghi")];
    /// let request = Request::new("GET", "/orders", &headers).at("https://api.example.com");
    /// assert_eq!(request.origin(), Some("https://api.example.com"));
    /// ```
    #[must_use]
    pub const fn at(mut self, origin: &'a str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// The same request, sent over a TLS connection on which the client has shown this certificate (RFC 8705 §3).
    /// Default: none.
    ///
    /// It comes from the TLS connection, or from a proxy that is trusted to tell it, never from a header that a client
    /// can set.
    ///
    /// ```
    /// use requires_auth::Request;
    /// use requires_auth::request::Certificate;
    ///
    /// let headers = [("Authorization", "Bearer abc.def.ghi")];
    /// # let der = b"0";
    /// let request = Request::new("GET", "/orders", &headers).with_certificate(Certificate::Der(der));
    /// assert!(request.certificate().is_some());
    /// ```
    #[must_use]
    pub const fn with_certificate(mut self, certificate: Certificate<'a>) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// The same request, sent from this address. Default: not known.
    ///
    /// It decides nothing about the request. Where issuers are asked about opaque tokens, the calls that there may be are
    /// shared between clients, so that one which floods does not take what the others need; a network of 56 bits of IPv6
    /// is one client. It comes from the connection, or from a proxy that is trusted to tell it.
    ///
    /// ```
    /// use requires_auth::Request;
    ///
    /// let headers = [("Authorization", "Bearer opaque-token")];
    /// let request = Request::new("GET", "/orders", &headers).from_client("192.0.2.1".parse()?);
    /// assert!(request.client().is_some());
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub const fn from_client(mut self, address: IpAddr) -> Self {
        self.client = Some(address);
        self
    }

    /// The same request, with the places of its path that its route has a name for: for claim rules that compare a claim
    /// with one of them, see [`ClaimTest::path`](crate::policy::ClaimTest::path). Default: none, and such a rule refuses.
    ///
    /// They come from the router that has chosen the handler, so that the rule looks at what the handler sees.
    ///
    /// ```
    /// use requires_auth::Request;
    ///
    /// let headers = [("Authorization", "Bearer abc.def.ghi")];
    /// let parameters = [("org", "acme")];
    /// let request = Request::new("GET", "/orgs/acme/items", &headers).with_path_parameters(&parameters);
    /// # let _ = request;
    /// ```
    #[must_use]
    pub const fn with_path_parameters(mut self, parameters: &'a dyn PathParameters) -> Self {
        self.path_parameters = Some(parameters);
        self
    }

    pub(crate) const fn path_parameters(&self) -> Option<&'a dyn PathParameters> {
        self.path_parameters
    }

    /// The same request, which is not a preflight though it may look like one: it has a body, or goes to a route where no
    /// preflight passes without a token.
    #[must_use]
    pub const fn as_ordinary(mut self) -> Self {
        self.is_ordinary = true;
        self
    }

    /// The same request, which opens a WebSocket. An adapter says so where the headers do not: a server that has taken the
    /// connection already may leave them out.
    #[must_use]
    pub const fn as_upgrade(mut self) -> Self {
        self.is_upgrade = true;
        self
    }

    /// The same request, which only carries a token that did not come in a request: a message of a queue, a frame of a
    /// connection. The token stands in `Authorization`, whatever places the guard reads.
    #[must_use]
    pub const fn as_token_alone(mut self) -> Self {
        self.is_token_alone = true;
        self
    }

    /// The same request, asked about only to know the answer, and not to let it pass: whether its proof was used before is
    /// looked up, and nothing is recorded (DPoP, RFC 9449 §11.1). A gateway asks so in shadow mode, and where a proxy asks a
    /// second time to tell the client why it was refused.
    #[must_use]
    pub const fn as_trial(mut self) -> Self {
        self.is_trial = true;
        self
    }

    pub(crate) const fn is_trial(&self) -> bool {
        self.is_trial
    }

    /// Whether it opens another protocol on its connection, such as a WebSocket.
    ///
    /// A proxy that asks about a request leaves out `Upgrade`, and passes on the headers of a WebSocket (RFC 6455 §4.1).
    pub(crate) fn is_upgrade(&self) -> bool {
        self.is_upgrade || UPGRADE_HEADERS.iter().any(|name| self.has_header(name))
    }

    pub(crate) const fn is_token_alone(&self) -> bool {
        self.is_token_alone
    }

    /// The origin that the client has sent the request to, if that is known.
    pub const fn origin(&self) -> Option<&'a str> {
        self.origin
    }

    /// The certificate that the client has shown, if it has.
    pub const fn certificate(&self) -> Option<Certificate<'a>> {
        self.certificate
    }

    /// The address that the request was sent from, if that is known.
    pub const fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// The method, as sent: case counts, and `options` is not `OPTIONS`.
    pub const fn method(&self) -> &'a str {
        self.method
    }

    /// The URL without its query and fragment, neither decoded nor normalised: for logs, not for routing.
    pub fn path(&self) -> &'a str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }

    /// The path as it stands in the request, also where the URL has its scheme and host.
    pub(crate) fn target_path(&self) -> &'a str {
        let path = self.path();
        if path.starts_with('/') {
            return path;
        }
        let Some((_, rest)) = path.split_once("://") else { return path };
        rest.find('/').map_or("", |at| &rest[at..])
    }

    /// Headers by which an application may be told to run another method than that of the request.
    pub const METHOD_OVERRIDES: [&'static str; 3] =
        ["x-http-method-override", "x-http-method", "x-method-override"];

    /// Whether this is a CORS preflight: `OPTIONS` with `Origin` and `Access-Control-Request-Method`.
    ///
    /// A browser sends a preflight without credentials (Fetch standard, CORS protocol), so it cannot
    /// be challenged. Any other `OPTIONS` is an ordinary request. So is one with a header of [`METHOD_OVERRIDES`](Self::METHOD_OVERRIDES):
    /// a preflight carries no header of a page, and an application may run another method for it.
    ///
    /// [`RequiresAuth::admit`](crate::RequiresAuth::admit) and the layers ask this first;
    /// [`RequiresAuth::authorize`](crate::RequiresAuth::authorize) does not.
    ///
    /// ```
    /// use requires_auth::Request;
    ///
    /// let headers = [("origin", "https://app.example"), ("access-control-request-method", "PUT")];
    /// assert!(Request::new("OPTIONS", "/orders", &headers).is_preflight());
    /// // Without these headers it is a request like any other, and needs a token.
    /// assert!(!Request::new("OPTIONS", "/orders", &[("accept", "*/*")]).is_preflight());
    /// ```
    pub fn is_preflight(&self) -> bool {
        !self.is_ordinary
            && self.method == "OPTIONS"
            && self.has_header("origin")
            && self.has_header("access-control-request-method")
            && !Self::METHOD_OVERRIDES.iter().any(|name| self.has_header(name))
    }

    pub(crate) const fn headers(&self) -> &'a dyn Headers {
        self.headers
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        let mut found = false;
        self.headers.visit(name, &mut |_| found = true);
        found
    }

    pub(crate) fn header(&self, name: &str) -> HeaderValues<'a> {
        HeaderValues::of(self.headers, name)
    }

    pub(crate) fn query(&self) -> &'a str {
        // Most requests have none.
        let Some(start) = memchr(b'?', self.url.as_bytes()) else { return "" };
        let (before, query) = (&self.url[..start], &self.url[start + 1..]);
        if before.contains('#') { "" } else { query.split('#').next().unwrap_or_default() }
    }

    /// The value of `X-Request-Id`, under which the log names the request; `None` unless there is one such header, with at
    /// most 64 letters, digits, `-`, `_` and `.`.
    ///
    /// A client chooses it. Nothing that this lets through can be taken for another line or field of a log.
    ///
    /// ```
    /// use requires_auth::Request;
    ///
    /// let headers = [("X-Request-Id", "b7f1-22")];
    /// assert_eq!(Request::new("GET", "/", &headers).id(), Some("b7f1-22"));
    /// assert_eq!(Request::new("GET", "/", &[("X-Request-Id", "1 issuer=x")]).id(), None);
    /// ```
    pub fn id(&self) -> Option<&'a str> {
        let HeaderValues::One(value) = self.header("x-request-id") else { return None };
        let id = std::str::from_utf8(value).ok()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (!id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(is_plain)).then_some(id)
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

/// The certificate that a client has shown on its TLS connection.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certificate<'a> {
    /// The certificate itself, in DER.
    Der(&'a [u8]),
    /// The SHA-256 of its DER: all that some proxies tell (Envoy's `X-Forwarded-Client-Cert`).
    Sha256([u8; 32]),
}

impl fmt::Debug for Certificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Der(_) => "Der(..)",
            Self::Sha256(_) => "Sha256(..)",
        })
    }
}

/// How often a header occurs, and its value when that is unambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderValues<'a> {
    Absent,
    One(&'a [u8]),
    Several,
}

impl<'a> HeaderValues<'a> {
    pub(crate) fn of(headers: &'a dyn Headers, name: &str) -> Self {
        let mut values = Self::Absent;
        headers.visit(name, &mut |value| {
            values = match values {
                Self::Absent => Self::One(value),
                _ => Self::Several,
            };
        });
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_preflight_is_a_preflight() {
        let preflight = [("origin", "https://a.example"), ("access-control-request-method", "GET")];
        assert!(Request::new("OPTIONS", "/", &preflight).is_preflight());
        assert!(!Request::new("GET", "/", &preflight).is_preflight());
        assert!(!Request::new("options", "/", &preflight).is_preflight());
        assert!(!Request::new("OPTIONS", "/", &preflight).as_ordinary().is_preflight());
        assert!(!Request::new("OPTIONS", "/", &[("origin", "https://a.example")]).is_preflight());
        for name in ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override"] {
            let headers = [preflight[0], preflight[1], (name, "POST")];
            assert!(!Request::new("OPTIONS", "/", &headers).is_preflight(), "{name}");
        }
        assert!(!Request::new("OPTIONS", "/", &[("access-control-request-method", "GET")]).is_preflight());
    }

    #[test]
    fn debug_shows_no_header_and_no_query() {
        let headers = [("authorization", "Bearer secret-one")];
        let shown = format!("{:?}", Request::new("GET", "/a?access_token=secret-two", &headers));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn an_id_is_a_short_plain_word_that_stands_once() {
        let (long, too_long) = ("a".repeat(LONGEST_ID), "a".repeat(LONGEST_ID + 1));
        for (value, is_taken) in [
            ("b7f1-22_x.9", true),
            (long.as_str(), true),
            (too_long.as_str(), false),
            ("", false),
            ("a b", false),
            ("a=\"b\"", false),
            ("\u{e9}", false),
        ] {
            let headers = [("x-request-id", value)];
            assert_eq!(Request::new("GET", "/", &headers).id(), is_taken.then_some(value), "{value}");
        }
        assert_eq!(Request::new("GET", "/", &[("x-request-id", "a"), ("X-Request-Id", "b")]).id(), None);
        assert_eq!(Request::new("GET", "/", &[("accept", "a")]).id(), None);
    }
}
