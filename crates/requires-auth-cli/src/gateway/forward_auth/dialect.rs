//! What each proxy says about the request that it asks about.

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, Request};
use requires_auth::config::gateway::Dialect;

const X_ORIGINAL: Family = Family {
    method: HeaderName::from_static("x-original-method"),
    target: HeaderName::from_static("x-original-uri"),
};
const X_FORWARDED: Family = Family {
    method: HeaderName::from_static("x-forwarded-method"),
    target: HeaderName::from_static("x-forwarded-uri"),
};

/// Headers with which a client asks the application for another method than the gateway has seen.
pub(crate) const METHOD_OVERRIDES: [&str; 3] =
    ["x-http-method-override", "x-http-method", "x-method-override"];

/// Whatever else names a method: some proxy tells it, and some application believes it.
pub(crate) const METHODS: [&str; 2] = ["x-original-method", "x-forwarded-method"];
/// Whatever else names a path, or a URL. `x-envoy-original-path` is Envoy's own, which its filters believe (CVE-2023-27487).
pub(crate) const TARGETS: [&str; 5] =
    ["x-original-uri", "x-forwarded-uri", "x-envoy-original-path", "x-original-url", "x-rewrite-url"];

/// Two headers that name the original request.
struct Family {
    method: HeaderName,
    target: HeaderName,
}

/// The request that a proxy asks about.
pub(super) struct Original<'r> {
    pub(super) method: &'r str,
    /// Path and query as they came over the wire.
    pub(super) target: &'r str,
}

impl<'r> Original<'r> {
    /// Reads it where this dialect has it, and nowhere else. `rest` is what follows the endpoint in the target.
    pub(super) fn read<B>(
        dialect: Dialect,
        request: &'r Request<B>,
        rest: &'r str,
    ) -> Result<Self, &'static str> {
        let headers = request.headers();
        match dialect {
            Dialect::Nginx => X_ORIGINAL.read(headers),
            Dialect::Caddy | Dialect::Traefik => X_FORWARDED.read(headers),
            // Envoy asks with the original method, and appends the original path to the endpoint's.
            Dialect::Envoy => Ok(Self { method: request.method().as_str(), target: rest }),
            _ => Err("a dialect that is not spoken over HTTP"),
        }
    }

    /// What else the headers say about it: a client may have sent them, and a proxy or an application believe them. Their
    /// names are compared as CGI and WSGI do, which make the same of `X-A`, `X_A` and `X.A`.
    pub(super) fn contradiction(&self, headers: &HeaderMap) -> Option<&'static str> {
        headers.iter().find_map(|(name, value)| {
            let agrees = match said_by(name)? {
                Said::OtherMethod => return Some("a header that asks for another method"),
                Said::Method => value == self.method,
                Said::Target => names_target(value.as_bytes(), self.target.as_bytes()),
            };
            (!agrees).then_some("a header that names another method or path")
        })
    }
}

/// What a header says of the request.
enum Said {
    OtherMethod,
    Method,
    Target,
}

/// What a header of this name says of the request, in any spelling that CGI makes the same of.
fn said_by(name: &HeaderName) -> Option<Said> {
    // It is in lower case. All names begin so, and few of what a client sends do.
    let name = Some(name.as_str()).filter(|name| name.starts_with('x'))?;
    let is_odd = name.bytes().any(|byte| matches!(byte, b'_' | b'.'));
    let name = if is_odd { Cow::Owned(name.replace(['_', '.'], "-")) } else { Cow::Borrowed(name) };
    let is_among = |names: &[&str]| names.contains(&&*name);
    match () {
        () if is_among(&METHOD_OVERRIDES) => Some(Said::OtherMethod),
        () if is_among(&METHODS) => Some(Said::Method),
        () if is_among(&TARGETS) => Some(Said::Target),
        () => None,
    }
}

impl Family {
    fn read<'r>(&self, headers: &'r HeaderMap) -> Result<Original<'r>, &'static str> {
        let method = only(headers, &self.method)
            .ok_or("the header that names the method is missing, or is there twice")?;
        let target = only(headers, &self.target)
            .ok_or("the header that names the path is missing, or is there twice")?;
        Ok(Original { method, target })
    }
}

/// Whether a header names this target: as it is, or as a URL, in which some proxies write it.
fn names_target(value: &[u8], target: &[u8]) -> bool {
    let rest = value.strip_prefix(b"http://").or_else(|| value.strip_prefix(b"https://"));
    let path = rest.and_then(|rest| rest.get(rest.iter().position(|byte| *byte == b'/')?..));
    value == target || path == Some(target)
}

/// The value of a header that is there exactly once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok().filter(|value| !value.is_empty())
}

/// Whether the request has a body, as far as the proxy lets us see.
pub(super) fn has_body(headers: &HeaderMap) -> bool {
    let has_length = headers.get_all(CONTENT_LENGTH).iter().any(|length| length != "0" && !length.is_empty());
    has_length || headers.contains_key(TRANSFER_ENCODING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, headers: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::builder().method("POST").uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request")
    }

    fn read(dialect: Dialect, rest: &str, headers: &[(&'static str, &str)]) -> Option<(String, String)> {
        let request = request("/forward-auth/x", headers);
        let original = Original::read(dialect, &request, rest).ok()?;
        let agrees = original.contradiction(request.headers()).is_none();
        agrees.then(|| (original.method.to_owned(), original.target.to_owned()))
    }

    #[test]
    fn each_dialect_reads_its_own_headers_and_no_others() {
        let original = [("x-original-method", "GET"), ("x-original-uri", "/a?b")];
        let forwarded = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/a?b")];
        let get = Some(("GET".to_owned(), "/a?b".to_owned()));
        assert_eq!(read(Dialect::Nginx, "", &original), get);
        assert_eq!(read(Dialect::Caddy, "", &forwarded), get);
        assert_eq!(read(Dialect::Traefik, "", &forwarded), get);
        assert_eq!(read(Dialect::Envoy, "/a?b", &[]), Some(("POST".to_owned(), "/a?b".to_owned())));
        assert_eq!(read(Dialect::Nginx, "", &forwarded), None);
        assert_eq!(read(Dialect::Caddy, "", &original), None);
    }

    #[test]
    fn two_stories_are_refused() {
        let nginx = |more: &[(&'static str, &str)]| {
            let own = [("x-original-method", "GET"), ("x-original-uri", "/a")];
            read(Dialect::Nginx, "", &[&own, more].concat()).is_some()
        };
        assert!(nginx(&[]));
        assert!(nginx(&[("x-forwarded-uri", "/a"), ("x-forwarded-method", "GET")]));
        assert!(!nginx(&[("x-forwarded-uri", "/b")]));
        assert!(!nginx(&[("x-forwarded-uri", "/a"), ("x-forwarded-uri", "/b")]));
        assert!(!nginx(&[("x-forwarded-method", "POST")]));
        assert!(!nginx(&[("x-original-uri", "/a")]));
        assert!(!nginx(&[("x-original-uri", "/b")]));
        assert!(!nginx(&[("x-envoy-original-path", "/b")]));
        for name in TARGETS.iter().skip(1) {
            for value in
                ["/b", "/a?", "https://api.example/b", "https://api.example", "ftp://api.example/a", ""]
            {
                assert!(!nginx(&[(*name, value)]), "{name}: {value}");
            }
            for value in ["/a", "http://api.example/a", "https://api.example:8443/a"] {
                assert!(nginx(&[(*name, value)]), "{name}: {value}");
            }
        }
        // In every spelling that an application reads as the same header.
        for name in METHOD_OVERRIDES.into_iter().chain([
            "x_http_method_override",
            "x.http.method",
            "x-method_override",
        ]) {
            assert!(!nginx(&[(name, "GET")]), "{name}");
        }
        for name in ["x_original_url", "x.rewrite.url", "x_forwarded_uri", "x_original-uri"] {
            assert!(!nginx(&[(name, "/b")]), "{name}");
        }
        assert!(!nginx(&[("x_forwarded_method", "POST")]));
        assert!(nginx(&[("x-http-methods", "POST"), ("x-original-urls", "/b")]));
        assert_eq!(read(Dialect::Envoy, "/a", &[("x-forwarded-uri", "/b")]), None);
    }
}
