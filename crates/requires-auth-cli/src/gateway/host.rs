//! Hosts of requests, in one spelling, and which of them a route is for.
//!
//! Case, a port and the dot at the end name no other host (RFC 3986 §3.2.2, RFC 9110 §7.2). What is not a host is none.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// The longest name of a host, in bytes (RFC 1035 §2.3.4).
const LONGEST: usize = 253;

/// A host in lower case, without port and without a dot at its end; `None` if the text is not a host.
pub(crate) fn plain(text: &str) -> Option<Cow<'_, str>> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, behind) = rest.split_once(']')?;
        let is_end = behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port);
        let address: Ipv6Addr = address.parse().ok()?;
        return is_end.then(|| Cow::Owned(format!("[{address}]")));
    }
    let host = match text.split_once(':') {
        Some((host, port)) => is_port(port).then_some(host)?,
        None => text,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if host.len() > LONGEST || !host.split('.').all(is_label) {
        return None;
    }
    let is_lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if is_lower { Cow::Borrowed(host) } else { Cow::Owned(host.to_ascii_lowercase()) })
}

/// RFC 3986 §3.2.3 lets it be empty.
fn is_port(text: &str) -> bool {
    text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Hosts that a route is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostPattern {
    /// `api.example.com`.
    Exactly(Box<str>),
    /// `*.example.com`: one label, and this with its first dot behind it.
    Below(Box<str>),
}

impl HostPattern {
    /// Reads a pattern. A port is refused: it belongs to the address where a request comes in.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (rest, is_below) = match text.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let has_port = if rest.starts_with('[') { !rest.ends_with(']') } else { rest.contains(':') };
        let host = plain(rest).filter(|_| !has_port)?;
        let is_address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
        match is_below {
            true if is_address => None,
            true => Some(Self::Below(format!(".{host}").into())),
            false => Some(Self::Exactly(host.into())),
        }
    }

    /// Whether a host is one of these; it is [`plain`].
    pub(crate) fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exactly(own) => **own == *host,
            Self::Below(end) => {
                host.strip_suffix(&**end).is_some_and(|label| !label.is_empty() && !label.contains('.'))
            }
        }
    }

    /// Whether every host of `other` is one of these.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match other {
            Self::Exactly(host) => self.matches(host),
            Self::Below(_) => self == other,
        }
    }

    /// One of its hosts.
    pub(crate) fn sample(&self) -> String {
        match self {
            Self::Exactly(host) => host.to_string(),
            Self::Below(end) => format!("x{end}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_spelling() {
        for (text, expected) in [
            ("api.example.com", Some("api.example.com")),
            ("API.Example.COM", Some("api.example.com")),
            ("api.example.com.", Some("api.example.com")),
            ("api.example.com:8443", Some("api.example.com")),
            ("API.example.com.:443", Some("api.example.com")),
            ("api.example.com:", Some("api.example.com")),
            ("my_app", Some("my_app")),
            ("127.0.0.1:80", Some("127.0.0.1")),
            ("[::1]", Some("[::1]")),
            ("[0:0::1]:8080", Some("[::1]")),
            ("", None),
            (".", None),
            (":80", None),
            ("a..b", None),
            ("a.b..", None),
            (".a", None),
            ("a:b", None),
            ("a:80:80", None),
            ("a:123456", None),
            ("a,b", None),
            ("a b", None),
            ("a/b", None),
            ("user@a", None),
            ("%61pi", None),
            ("caf\u{e9}", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[a]", None),
            ("*.example.com", None),
        ] {
            assert_eq!(plain(text).as_deref(), expected, "{text}");
        }
        assert_eq!(plain(&"a".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn a_pattern_is_for_these_hosts_and_no_others() {
        for (pattern, host, expected) in [
            ("api.example.com", "api.example.com", true),
            ("API.example.com.", "api.example.com", true),
            ("api.example.com", "example.com", false),
            ("api.example.com", "xapi.example.com", false),
            ("*.example.com", "acme.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "acme.example.com.evil.test", false),
            ("*.example.com", "acmeexample.com", false),
            ("[::1]", "[::1]", true),
        ] {
            assert_eq!(
                HostPattern::parse(pattern).expect(pattern).matches(host),
                expected,
                "{pattern} {host}"
            );
        }
        for text in [
            "",
            "*",
            "*.",
            "a.*",
            "*.*.com",
            "*a.com",
            "a:80",
            "[::1]:80",
            "*.127.0.0.1",
            "*.[::1]",
            "https://a",
            "a/b",
        ] {
            assert_eq!(HostPattern::parse(text), None, "{text}");
        }
    }

    #[test]
    fn one_pattern_covers_another() {
        for (one, other, expected) in [
            ("a.test", "a.test", true),
            ("*.test", "a.test", true),
            ("*.test", "*.test", true),
            ("a.test", "*.test", false),
            ("*.b.test", "*.test", false),
        ] {
            let [one, other] = [one, other].map(|text| HostPattern::parse(text).expect(text));
            assert_eq!(one.covers(&other), expected, "{one:?} {other:?}");
            assert!(one.matches(&one.sample()));
        }
    }
}
