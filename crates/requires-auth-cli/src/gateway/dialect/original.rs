//! The request that a proxy asks about, and what else its headers say about that.

use std::net::{IpAddr, SocketAddr};

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use requires_auth::Request;

use crate::gateway::header_names::folded;
use crate::gateway::host::plain;

const X_ORIGINAL: Family = Family {
    method: HeaderName::from_static("x-original-method"),
    target: HeaderName::from_static("x-original-uri"),
    host: HeaderName::from_static("x-original-host"),
    client: HeaderName::from_static("x-real-ip"),
};
const X_FORWARDED: Family = Family {
    method: HeaderName::from_static("x-forwarded-method"),
    target: HeaderName::from_static("x-forwarded-uri"),
    host: HeaderName::from_static("x-forwarded-host"),
    client: HeaderName::from_static("x-forwarded-for"),
};

/// Headers with which a client asks the application for another method than the gateway has seen.
pub(crate) const METHOD_OVERRIDES: [&str; 3] = Request::METHOD_OVERRIDES;

/// Whatever else names a method: some proxy tells it, and some application believes it.
pub(super) const METHODS: [&str; 2] = ["x-original-method", "x-forwarded-method"];
/// Whatever else names a path, or a URL. `x-envoy-original-path` is Envoy's own, which its filters believe (CVE-2023-27487).
pub(super) const TARGETS: [&str; 5] =
    ["x-original-uri", "x-forwarded-uri", "x-envoy-original-path", "x-original-url", "x-rewrite-url"];

/// Whatever else names a host, which frameworks believe where they are told that there is a proxy.
pub(super) const HOSTS: [&str; 2] = ["x-forwarded-host", "x-original-host"];

/// Headers that name the original request.
struct Family {
    method: HeaderName,
    target: HeaderName,
    host: HeaderName,
    /// Who has sent it. A proxy that comes after others writes its own client last.
    client: HeaderName,
}

/// The request that a proxy asks about.
pub(crate) struct Original<'r> {
    pub(crate) method: &'r str,
    /// Path and query as they came over the wire.
    pub(crate) target: &'r str,
    /// Its host, where the proxy names one host alone.
    pub(crate) host: Option<&'r str>,
    /// Who has sent it, where the proxy tells that. It decides nothing.
    pub(crate) client: Option<IpAddr>,
    /// The certificate of the client as a PEM text with escapes, where the proxy tells it beside the headers.
    pub(crate) certificate: Option<&'r str>,
}

impl<'r> Original<'r> {
    /// In `X-Original-Method` and `X-Original-URI`.
    pub(super) fn in_x_original(headers: &'r HeaderMap) -> Result<Self, &'static str> {
        X_ORIGINAL.read(headers)
    }

    /// In `X-Forwarded-Method` and `X-Forwarded-Uri`.
    pub(super) fn in_x_forwarded(headers: &'r HeaderMap) -> Result<Self, &'static str> {
        X_FORWARDED.read(headers)
    }

    /// A header that names another host, which an application may believe. It matters where a route is for some hosts.
    pub(crate) fn other_host(&self, headers: &HeaderMap) -> Option<&'static str> {
        let own = self.host.and_then(plain);
        let names_other = |(name, value): (&HeaderName, &HeaderValue)| {
            let is_of_host = name.as_str().starts_with('x') && HOSTS.contains(&&*folded(name.as_str()));
            is_of_host && (own.is_none() || value.to_str().ok().and_then(plain) != own)
        };
        headers.iter().any(names_other).then_some("a header that names another host")
    }

    /// What else the headers say about it: a client may have sent them, and a proxy or an application believe them. Their
    /// names are compared as CGI and WSGI do, which make the same of `X-A`, `X_A` and `X.A`.
    pub(crate) fn contradiction(&self, headers: &HeaderMap) -> Option<&'static str> {
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
    // All of these names begin so, and few of what a client sends do.
    let name = folded(Some(name.as_str()).filter(|name| name.starts_with('x'))?);
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
        let client = only(headers, &self.client).and_then(last_address);
        Ok(Original { method, target, host: only(headers, &self.host), client, certificate: None })
    }
}

/// The address that a list ends with. Some proxies write its port behind it.
fn last_address(list: &str) -> Option<IpAddr> {
    let told = list.rsplit(',').next()?.trim();
    let with_port = || told.parse().map(|address: SocketAddr| address.ip());
    told.parse().or_else(|_| with_port()).ok()
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
pub(crate) fn has_body(headers: &HeaderMap) -> bool {
    let has_length = headers.get_all(CONTENT_LENGTH).iter().any(|length| length != "0" && !length.is_empty());
    has_length || headers.contains_key(TRANSFER_ENCODING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), value.parse().expect("a value"))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn each_pair_of_headers_is_read_and_no_other() {
        let original = headers(&[("x-original-method", "GET"), ("x-original-uri", "/a?b")]);
        let forwarded = headers(&[("x-forwarded-method", "GET"), ("x-forwarded-uri", "/a?b")]);
        let told = |original: Result<Original<'_>, &str>| {
            original.ok().map(|own| (own.method.to_owned(), own.target.to_owned()))
        };
        let get = Some(("GET".to_owned(), "/a?b".to_owned()));
        assert_eq!(told(Original::in_x_original(&original)), get);
        assert_eq!(told(Original::in_x_forwarded(&forwarded)), get);
        assert_eq!(told(Original::in_x_original(&forwarded)), None);
        assert_eq!(told(Original::in_x_forwarded(&original)), None);
    }

    #[test]
    fn two_stories_are_refused() {
        let nginx = |more: &[(&'static str, &str)]| {
            let own = [("x-original-method", "GET"), ("x-original-uri", "/a")];
            let headers = headers(&[&own, more].concat());
            Original::in_x_original(&headers).is_ok_and(|own| own.contradiction(&headers).is_none())
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
        let of_envoy = Original { method: "GET", target: "/a", host: None, client: None, certificate: None };
        assert!(of_envoy.contradiction(&headers(&[("x-forwarded-uri", "/b")])).is_some());
        assert!(of_envoy.contradiction(&headers(&[("x-forwarded-uri", "/a")])).is_none());
    }

    #[test]
    fn the_client_is_who_the_proxy_itself_has_seen() {
        let client = |name: &'static str, values: &[&str]| {
            let own = [
                ("x-original-method", "GET"),
                ("x-original-uri", "/a"),
                ("x-forwarded-method", "GET"),
                ("x-forwarded-uri", "/a"),
            ];
            let told: Vec<_> = values.iter().map(|value| (name, *value)).collect();
            let headers = headers(&[&own[..], &told].concat());
            let read = if name == "x-real-ip" { Original::in_x_original } else { Original::in_x_forwarded };
            read(&headers).expect("an original").client.map(|address| address.to_string())
        };
        for (values, expected) in [
            (&["192.0.2.1"][..], Some("192.0.2.1")),
            (&["2001:db8::1"], Some("2001:db8::1")),
            (&["198.51.100.9, 192.0.2.1"], Some("192.0.2.1")),
            (&["198.51.100.9, 192.0.2.1:4711"], Some("192.0.2.1")),
            (&["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (&["192.0.2.1:"], None),
            (&["192.0.2.1:65536"], None),
            (&["192.0.2.1, unknown"], None),
            (&["192.0.2.1", "192.0.2.2"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(client("x-forwarded-for", values).as_deref(), expected, "{values:?}");
            assert_eq!(client("x-real-ip", values).as_deref(), expected, "{values:?}");
        }
    }

    #[test]
    fn a_host_is_named_once_and_by_nobody_else() {
        let x_original = |more: &[(&'static str, &str)]| {
            let own = [("x-original-method", "GET"), ("x-original-uri", "/a"), ("x-original-host", "a.test")];
            let headers = headers(&[&own[..], more].concat());
            let original = Original::in_x_original(&headers).expect("an original");
            (original.host.map(ToOwned::to_owned), original.other_host(&headers).is_none())
        };
        let own = Some("a.test".to_owned());
        assert_eq!(x_original(&[]), (own.clone(), true));
        assert_eq!(x_original(&[("x-forwarded-host", "A.test:443")]), (own.clone(), true));
        for name in ["x-forwarded-host", "x_forwarded_host", "x.forwarded.host", "x_original_host"] {
            assert_eq!(x_original(&[(name, "b.test")]), (own.clone(), false), "{name}");
        }
        assert_eq!(x_original(&[("x-forwarded-host", "a.test, b.test")]), (own, false));
        assert_eq!(x_original(&[("x-original-host", "a.test")]).0, None);
        let forwarded = headers(&[
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", "/a"),
            ("x-forwarded-host", "b.test"),
        ]);
        assert_eq!(Original::in_x_forwarded(&forwarded).expect("an original").host, Some("b.test"));
        let of_envoy =
            Original { method: "GET", target: "/a", host: Some("a.test"), client: None, certificate: None };
        assert!(of_envoy.other_host(&forwarded).is_some());
    }
}
