//! The URL that a text without its scheme was meant to be.

use url::Url;

use crate::metadata::is_loopback;

/// The URL that a host without a scheme was meant to be: `http` on this machine, and `https` elsewhere.
/// `None` for a text that has a scheme, or is not a host with what follows it.
///
/// ```
/// use requires_auth::settings::with_scheme;
///
/// assert_eq!(with_scheme("localhost:9100/oidc").as_deref(), Some("http://localhost:9100/oidc"));
/// assert_eq!(with_scheme("login.example.com").as_deref(), Some("https://login.example.com"));
/// assert_eq!(with_scheme("https://login.example.com"), None);
/// ```
pub fn with_scheme(text: &str) -> Option<String> {
    let host = text.split(['/', '?', '#']).next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    // One word alone is a name of something else more often than a host.
    let is_host = host.contains(['.', ':']) || host == "localhost";
    if !is_host || !host.bytes().all(is_plain) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let secure = format!("https://{text}");
    let url = Url::parse(&secure).ok().filter(|_| !text.contains("://"))?;
    Some(if is_loopback(&url) { format!("http://{text}") } else { secure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_gets_its_scheme_and_nothing_else_does() {
        for (text, meant) in [
            ("localhost", "http://localhost"),
            ("127.0.0.1:9181", "http://127.0.0.1:9181"),
            ("[::1]:9181/x", "http://[::1]:9181/x"),
            ("login.example.com/tenant?x=1", "https://login.example.com/tenant?x=1"),
        ] {
            assert_eq!(with_scheme(text).as_deref(), Some(meant));
        }
        for other in [
            "",
            "tenant",
            "https://login.example.com",
            "api://orders",
            "urn:example:issuer",
            "mailto:a@example.com",
            "user:secret@login.example.com",
            "${ISSUER}",
            "${HOST}.example.com",
            "a b.example",
            "login.example.com\n",
            "eyJhbGciOiJFUzI1NiJ9.e30.c2ln://x",
        ] {
            assert_eq!(with_scheme(other), None, "{other:?}");
        }
    }
}
