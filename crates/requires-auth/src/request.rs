//! The request as the guard sees it: method, URL and headers, borrowed.
//!
//! This is the only thing that an adapter builds. Bodies are never read: a token in a form is no
//! token (RFC 6750 §2.2 is not offered).

use std::fmt;

use memchr::memchr;

/// How many bytes an id of a request may have.
const LONGEST_ID: usize = 64;

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
}

impl<'a> Request<'a> {
    /// A request with its method, its URL (or only path and query) and its headers.
    pub fn new(method: &'a str, url: &'a str, headers: &'a impl Headers) -> Self {
        Self { method, url, headers }
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
        self.method == "OPTIONS"
            && self.has_header("origin")
            && self.has_header("access-control-request-method")
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        let mut found = false;
        self.headers.visit(name, &mut |_| found = true);
        found
    }

    pub(crate) fn header(&self, name: &str) -> HeaderValues<'a> {
        let mut values = HeaderValues::Absent;
        self.headers.visit(name, &mut |value| {
            values = match values {
                HeaderValues::Absent => HeaderValues::One(value),
                _ => HeaderValues::Several,
            };
        });
        values
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

/// How often a header occurs, and its value when that is unambiguous.
#[derive(Clone, Copy)]
pub(crate) enum HeaderValues<'a> {
    Absent,
    One(&'a [u8]),
    Several,
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
        assert!(!Request::new("OPTIONS", "/", &[("origin", "https://a.example")]).is_preflight());
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
