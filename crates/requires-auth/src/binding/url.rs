//! URLs of requests in one spelling, so that `htu` of a proof can be compared (RFC 9449 §4.3, RFC 3986 §6.2.2, §6.2.3).
//!
//! Letters of scheme and host are lower case, the port of the scheme is left out, what need not be escaped is not, the hex
//! digits of what is are upper case, dot segments are gone, and an empty path is `/`. A slash at the end counts. A host
//! that is not ASCII is refused and not converted: clients send what `URL` of the browser makes of it.
//!
//! | `htu` | is compared as |
//! | --- | --- |
//! | `HTTPS://API.Example.com` | `https://api.example.com/` |
//! | `https://api.example.com:443/a` | `https://api.example.com/a` |
//! | `http://localhost:80/a` | `http://localhost/a` |
//! | `https://api.example.com/%7ea/%c3%a9` | `https://api.example.com/~a/%C3%A9` |
//! | `https://api.example.com/a/./b/../c` | `https://api.example.com/a/c` |
//! | `https://api.example.com/a/` | itself, and not `https://api.example.com/a` |
//! | `https://api.example.com/a%2fb` | `https://api.example.com/a%2Fb`, and not `https://api.example.com/a/b` |
//! | `https://api.example.com/a?x`, `.../a#x`, `https://user@api.example.com/a` | refused |
//! | `//api.example.com/a`, `/a`, `ftp://api.example.com/a` | refused |
//! | a backslash, white space, a letter that is not ASCII | refused |

/// A URL without user, query and fragment in its one spelling; `None` if it is not such a URL.
pub(super) fn normalised(url: &str) -> Option<String> {
    // What no URL has in it. A backslash is a slash to some and a letter to others.
    let is_odd = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'?' | b'#' | b'\\');
    if url.bytes().any(is_odd) {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    let (scheme, port_of_scheme) = match scheme {
        scheme if scheme.eq_ignore_ascii_case("https") => ("https", 443),
        scheme if scheme.eq_ignore_ascii_case("http") => ("http", 80),
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = host_and_port(authority)?;
    let mut out = String::with_capacity(url.len() + 1);
    out.push_str(scheme);
    out.push_str("://");
    out.extend(host.chars().map(|letter| letter.to_ascii_lowercase()));
    if let Some(port) = port.filter(|port| *port != port_of_scheme) {
        out.push(':');
        out.push_str(&port.to_string());
    }
    push_path(&mut out, path)?;
    Some(out)
}

/// The URL before the paths of requests, in its one spelling and without a slash at its end; `None` if it is not one.
pub(crate) fn public_base(url: &str) -> Option<String> {
    let mut base = normalised(url)?;
    if base.ends_with('/') {
        base.pop();
    }
    Some(base)
}

/// The parts of `host:port`; `None` if the host has letters that no host has, or a user before it. An empty port is that of
/// the scheme.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = match authority.strip_prefix('[') {
        Some(inner) => inner.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.bytes().all(is_address),
        None => !host.is_empty() && host.bytes().all(is_name),
    };
    if !is_host {
        return None;
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((host, None)),
        Some("") => Some((host, None)),
        // `parse` would take a plus sign.
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(digits.parse().ok()?)))
        }
        _ => None,
    }
}

/// Adds a path, with its escapes in one spelling and without dot segments (RFC 3986 §5.2.4).
fn push_path(out: &mut String, path: &str) -> Option<()> {
    let start = out.len();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let before = out.len();
        out.push('/');
        push_segment(out, segment)?;
        let is_last = segments.peek().is_none();
        let parents = match &out[before + 1..] {
            "." => 0,
            ".." => 1,
            _ => continue,
        };
        out.truncate(before);
        for _ in 0..parents {
            let parent = out[start..].rfind('/').map_or(start, |slash| start + slash);
            out.truncate(parent);
        }
        // What a dot segment at the end stands for is a folder.
        if is_last {
            out.push('/');
        }
    }
    Some(())
}

/// RFC 3986 §6.2.2.1, §6.2.2.2. `None` for a percent sign that is not an escape.
fn push_segment(out: &mut String, segment: &str) -> Option<()> {
    let mut rest = segment;
    while let Some(percent) = rest.find('%') {
        out.push_str(&rest[..percent]);
        let digits = rest.get(percent + 1..percent + 3).filter(|digits| is_hex(digits))?;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(digits.chars().map(|digit| digit.to_ascii_uppercase()));
        }
        rest = &rest[percent + 3..];
    }
    out.push_str(rest);
    Some(())
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_url_are_one() {
        for (url, spelled) in [
            ("https://api.example.com/orders", "https://api.example.com/orders"),
            ("HTTPS://API.Example.COM/orders", "https://api.example.com/orders"),
            ("https://api.example.com:443/orders", "https://api.example.com/orders"),
            ("https://api.example.com:/orders", "https://api.example.com/orders"),
            ("https://api.example.com:0443/orders", "https://api.example.com/orders"),
            ("http://api.example.com:80/", "http://api.example.com/"),
            ("https://api.example.com:80/", "https://api.example.com:80/"),
            ("https://api.example.com:8443/a", "https://api.example.com:8443/a"),
            ("https://api.example.com", "https://api.example.com/"),
            ("https://api.example.com/%7euser", "https://api.example.com/~user"),
            ("https://api.example.com/%41%2d%2E%5f", "https://api.example.com/A-._"),
            ("https://api.example.com/a%2fb", "https://api.example.com/a%2Fb"),
            ("https://api.example.com/a%2Fb", "https://api.example.com/a%2Fb"),
            ("https://api.example.com/%c3%bc", "https://api.example.com/%C3%BC"),
            ("https://api.example.com/a/./b", "https://api.example.com/a/b"),
            ("https://api.example.com/a/../b", "https://api.example.com/b"),
            ("https://api.example.com/a/%2e%2E/b", "https://api.example.com/b"),
            ("https://api.example.com/../../b", "https://api.example.com/b"),
            ("https://api.example.com/a/.", "https://api.example.com/a/"),
            ("https://api.example.com/a/b/..", "https://api.example.com/a/"),
            ("https://api.example.com/..", "https://api.example.com/"),
            ("https://api.example.com/a//b/", "https://api.example.com/a//b/"),
            ("https://api.example.com/a//../b", "https://api.example.com/a/b"),
            ("https://api.example.com/...", "https://api.example.com/..."),
            ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
            ("https://a.example/{id}|^`\"<>", "https://a.example/{id}|^`\"<>"),
            ("https://a.example/a@b:c;d=e", "https://a.example/a@b:c;d=e"),
            ("https://a.example/https://b.example/", "https://a.example/https://b.example/"),
        ] {
            assert_eq!(normalised(url).as_deref(), Some(spelled), "{url}");
            assert_eq!(normalised(spelled).as_deref(), Some(spelled), "{spelled}");
        }
    }

    #[test]
    fn a_base_stands_before_paths() {
        assert_eq!(public_base("https://A.example").as_deref(), Some("https://a.example"));
        assert_eq!(public_base("https://a.example:443/v1/").as_deref(), Some("https://a.example/v1"));
        assert_eq!(public_base("https://a.example/v1").as_deref(), Some("https://a.example/v1"));
        assert_eq!(public_base("https://a.example/v1?x"), None);
    }

    #[test]
    fn what_differs_stays_apart() {
        for (one, other) in [
            ("https://a.example/orders", "https://a.example/orders/"),
            ("https://a.example/orders", "https://a.example/Orders"),
            ("https://a.example/orders", "http://a.example/orders"),
            ("https://a.example/orders", "https://a.example:8443/orders"),
            ("https://a.example/orders", "https://a.example./orders"),
            ("https://a.example/a/b", "https://a.example/a%2Fb"),
            ("https://a.example/a/b", "https://a.example/a//b"),
            ("https://a.example/a+b", "https://a.example/a%20b"),
        ] {
            assert_ne!(normalised(one), normalised(other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_not_the_url_of_a_request_is_refused() {
        for url in [
            "",
            "/orders",
            "https:/a.example/",
            "https:a.example",
            "//a.example/",
            "ftp://a.example/",
            "javascript://a.example/",
            "https://",
            "https:///orders",
            "https://:443/",
            "https://user@a.example/",
            "https://user:password@a.example/",
            "https://a.example/?",
            "https://a.example/orders?x=1",
            "https://a.example/#",
            "https://a.example/orders#top",
            "https://a.example?x",
            "https://a.example:65536/",
            "https://a.example:+80/",
            "https://a.example:80:80/",
            "https://a.example:x/",
            "https://[::1/",
            "https://[]/",
            "https://[g::1]/",
            "https://[fe80::1%25eth0]/",
            "https://[::1]x/",
            "https://a b.example/",
            "https://b\u{fc}cher.example/",
            "https://a.example/\u{fc}",
            "https://a.example/a b",
            "https://a.example/a\tb",
            "https://a.example/a\\b",
            "https://a.example/%",
            "https://a.example/%4",
            "https://a.example/%zz",
            "https://a.example/%+1",
            "https://%61.example/",
            " https://a.example/",
        ] {
            assert_eq!(normalised(url), None, "{url}");
        }
    }

    proptest! {
        /// Whatever a proof says: no panic, no growth beyond a slash, and one spelling of each.
        #[test]
        fn a_spelling_is_its_own(url in "(https?://)?[a-zA-Z0-9.%/:@\\[\\]?#~-]{0,60}") {
            if let Some(spelled) = normalised(&url) {
                prop_assert!(spelled.len() <= url.len() + 1);
                prop_assert_eq!(normalised(&spelled), Some(spelled.clone()));
            }
        }
    }
}
