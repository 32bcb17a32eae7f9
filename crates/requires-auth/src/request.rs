//! The request as the guard sees it: method, URL and headers, borrowed.
//!
//! This is the only thing that an adapter builds. Bodies are never read: a token in a form is not
//! a token (RFC 6750 §2.2 is not offered).

use std::fmt;

use memchr::memchr;

/// Read access to the headers of a request.
///
/// Implemented for slices, arrays and vectors of `(name, value)` pairs, and for `http::HeaderMap`
/// with the feature `tower`.
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

/// A request to be judged.
///
/// ```
/// use requires_auth::Request;
///
/// let headers = [("Authorization", "Bearer abc.def.ghi")];
/// let request = Request::new("GET", "/orders?page=2", &headers);
/// assert_eq!(request.path(), "/orders");
/// ```
#[derive(Clone, Copy)]
pub struct Request<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a dyn Headers,
    origin: Option<&'a str>,
    certificate: Option<Certificate<'a>>,
    is_ordinary: bool,
}

impl<'a> Request<'a> {
    /// A request with its method, its URL (or only path and query) and its headers.
    pub fn new(method: &'a str, url: &'a str, headers: &'a impl Headers) -> Self {
        Self { method, url, headers, origin: None, certificate: None, is_ordinary: false }
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

    /// The same request, which is not a preflight though it may look like one: it has a body, or goes to a route where no
    /// preflight passes without a token.
    #[must_use]
    pub const fn as_ordinary(mut self) -> Self {
        self.is_ordinary = true;
        self
    }

    /// The origin that the client has sent the request to, if that is known.
    pub const fn origin(&self) -> Option<&'a str> {
        self.origin
    }

    /// The certificate that the client has shown, if it has.
    pub const fn certificate(&self) -> Option<Certificate<'a>> {
        self.certificate
    }

    /// The method, as sent.
    pub const fn method(&self) -> &'a str {
        self.method
    }

    /// The URL without its query.
    pub fn path(&self) -> &'a str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }

    /// Whether this is a CORS preflight: `OPTIONS` with `Origin` and `Access-Control-Request-Method`.
    ///
    /// A browser sends a preflight without credentials (Fetch standard, CORS protocol), so it cannot
    /// be challenged. Any other `OPTIONS` is an ordinary request.
    pub fn is_preflight(&self) -> bool {
        !self.is_ordinary
            && self.method == "OPTIONS"
            && self.has_header("origin")
            && self.has_header("access-control-request-method")
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
        assert!(!Request::new("OPTIONS", "/", &[("access-control-request-method", "GET")]).is_preflight());
    }

    #[test]
    fn debug_shows_no_header_and_no_query() {
        let headers = [("authorization", "Bearer secret-one")];
        let shown = format!("{:?}", Request::new("GET", "/a?access_token=secret-two", &headers));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
