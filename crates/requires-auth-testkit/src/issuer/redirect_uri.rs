//! Redirect URIs: which a client may register, and which of a request is one of these (RFC 6749 §3.1.2, RFC 8252 §7).
//!
//! A request names a registered URI byte for byte (RFC 9700 §4.1.3). The port alone may differ, where the registered host is this
//! machine: a program on it listens at whichever port is free (RFC 8252 §7.3). A scheme of an application of its own, such as
//! `com.example.app:/callback`, may be registered as well.

use axum::http::HeaderValue;

/// The longest redirect URI, in bytes.
const MAX_BYTES: usize = 2048;

/// The hosts of this machine, as a URL writes them.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Schemes that a browser runs, or reads from this machine, instead of giving the answer to an application.
const REFUSED_SCHEMES: [&str; 8] =
    ["about", "blob", "data", "file", "ftp", "javascript", "vbscript", "view-source"];

/// A URI that an answer may be sent to: https, http on loopback, or a scheme of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RedirectUri {
    text: String,
    /// The text without its port, for http on loopback.
    without_port: Option<String>,
}

impl RedirectUri {
    /// Reads a redirect URI; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_BYTES {
            return Err("a redirect URI has 2048 characters at most");
        }
        // RFC 3986 §2 has none of these, and a browser reads a backslash as a slash.
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if !text.bytes().all(is_allowed) {
            return Err("a redirect URI has a character that URIs do not have");
        }
        if text.contains('#') {
            return Err("a redirect URI has no fragment");
        }
        let (scheme, rest) = text.split_once(':').ok_or("a redirect URI is absolute")?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let scheme = scheme.to_ascii_lowercase();
        if !is_scheme || rest.is_empty() || REFUSED_SCHEMES.contains(&scheme.as_str()) {
            return Err("a redirect URI is https, http on loopback, or has a scheme of the application");
        }
        if scheme != "http" && scheme != "https" {
            return Ok(Self { text: text.to_owned(), without_port: None });
        }
        let rest = rest.strip_prefix("//").ok_or("a redirect URI has a host")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let host = host_of(authority).ok_or("a redirect URI has a host, and a port of digits")?;
        if scheme == "https" {
            return Ok(Self { text: text.to_owned(), without_port: None });
        }
        if !LOOPBACK.contains(&host) {
            return Err("http is for loopback alone: 127.0.0.1, [::1] or localhost");
        }
        Ok(Self { text: text.to_owned(), without_port: Some(format!("http://{host}{path}")) })
    }

    /// Whether a request that names this URI means the registered one: the same text (RFC 9700 §2.1), or where the port
    /// is free the same but for the port of loopback, which an application learns only when it listens (RFC 8252 §7.3).
    pub(super) fn is(&self, registered: &Self, is_port_free: bool) -> bool {
        self.text == registered.text
            || is_port_free && self.without_port.is_some() && self.without_port == registered.without_port
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The value of `Location` that carries the parameters to the client, which are appended to its own query.
    pub(super) fn with(&self, parameters: &[(&str, &str)]) -> Option<HeaderValue> {
        let mut location = self.text.clone();
        let mut separator = if location.contains('?') { '&' } else { '?' };
        for (name, value) in parameters {
            location.push(separator);
            location.push_str(name);
            location.push('=');
            percent_encode(value, &mut location);
            separator = '&';
        }
        HeaderValue::try_from(location).ok()
    }
}

/// The host of an authority, if it has no user information and its port is one.
fn host_of(authority: &str) -> Option<&str> {
    let end = if authority.starts_with('[') { authority.find(']')? + 1 } else { 0 };
    let (host, port) = match authority[end..].find(':') {
        Some(colon) => (&authority[..end + colon], Some(&authority[end + colon + 1..])),
        None => (authority, None),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|_| !port.starts_with('+')));
    (!host.is_empty() && !host.contains('@') && (end == 0 || host.len() == end) && is_port).then_some(host)
}

/// Writes all that is not unreserved (RFC 3986 §2.3) as escapes.
fn percent_encode(text: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RedirectUri;

    fn uri(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap_or_else(|mistake| panic!("{text}: {mistake}"))
    }

    #[test]
    fn https_loopback_and_schemes_of_applications_can_be_registered() {
        for good in [
            "https://app.example/callback",
            "https://app.example:8443?x=1",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:3000/callback?tenant=a",
            "http://[::1]:3000/callback",
            "http://localhost",
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "com.example.app:/callback",
        ] {
            uri(good);
        }
        for bad in [
            "",
            "/callback",
            "callback",
            "https:",
            "https:/app.example",
            "https://",
            "https:///callback",
            "https://user@app.example/",
            "https://app.example:port/",
            "https://app.example:99999/",
            "https://app.example:+80/",
            "https://app.example/#fragment",
            "https://app.example/a b",
            "https://app.example\\@evil.example/",
            "https://app.example/\r\nX: y",
            "https://app.example/\u{e9}",
            "http://app.example/callback",
            "http://127.0.0.1.evil.example/",
            "http://localhost@evil.example/",
            "http://[::1]evil.example/",
            "http://[::1",
            "http://127.0.0.1:80:80/",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "1a:b",
            &format!("https://app.example/{}", "x".repeat(2048)),
        ] {
            assert!(RedirectUri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_request_names_a_registered_uri_byte_for_byte_but_for_a_free_port_of_loopback() {
        for (given, registered, with_free_port, exactly) in [
            ("https://a.example/cb", "https://a.example/cb", true, true),
            ("https://a.example/cb/", "https://a.example/cb", false, false),
            ("https://A.example/cb", "https://a.example/cb", false, false),
            ("https://a.example:444/cb", "https://a.example/cb", false, false),
            ("http://127.0.0.1:4711/cb", "http://127.0.0.1/cb", true, false),
            ("http://127.0.0.1:4711/cb", "http://127.0.0.1:3000/cb", true, false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:3000/cb", true, false),
            ("http://[::1]:4711/cb", "http://[::1]/cb", true, false),
            ("http://localhost:4711/cb", "http://localhost/cb", true, false),
            ("http://localhost:4711/cb", "http://127.0.0.1/cb", false, false),
            ("http://127.0.0.1:4711/cb?x", "http://127.0.0.1/cb", false, false),
            ("http://127.0.0.1:4711/other", "http://127.0.0.1/cb", false, false),
            ("http://127.0.0.1:4711/cb", "https://127.0.0.1/cb", false, false),
            ("app://cb", "app://other", false, false),
        ] {
            assert_eq!(uri(given).is(&uri(registered), true), with_free_port, "{given} {registered}");
            assert_eq!(uri(given).is(&uri(registered), false), exactly, "{given} {registered}");
        }
    }

    #[test]
    fn parameters_are_appended_and_escaped() {
        let location = |text: &str, value| uri(text).with(&[("code", "a.b"), ("state", value)]);
        assert_eq!(
            location("http://127.0.0.1/cb", "a&b=\"\r\n\u{e9}").expect("a header value"),
            "http://127.0.0.1/cb?code=a.b&state=a%26b%3D%22%0D%0A%C3%A9"
        );
        assert_eq!(
            location("app:/cb?tenant=a", "").expect("a header value"),
            "app:/cb?tenant=a&code=a.b&state="
        );
    }
}
