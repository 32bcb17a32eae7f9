//! The URL of an issuer, and which URLs may be fetched for it.

use std::net::IpAddr;
use std::sync::Arc;

use url::{Host, Url};

use crate::error::ConfigProblem;

/// An issuer identifier: a URL that is compared byte for byte and never rewritten (RFC 8414 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerUrl {
    identifier: Arc<str>,
    url: Url,
}

/// Whether `http` is good enough beyond loopback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Transport {
    /// TLS, save on loopback.
    #[default]
    Tls,
    /// Also plain HTTP: whoever is on the way can put in keys of his own.
    PlainHttp,
}

impl IssuerUrl {
    pub(crate) fn parse(identifier: &str, transport: Transport) -> Result<Self, ConfigProblem> {
        let problem =
            |expected, hint: &str| ConfigProblem::new("issuer", format!("`{identifier}`"), expected, hint);
        let url = Url::parse(identifier).map_err(|_| {
            problem("an https URL", "copy `issuer` from the provider's /.well-known/openid-configuration")
        })?;
        // RFC 8414 §2: the issuer identifier has no query or fragment.
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(problem(
                "a URL without query, fragment or user",
                "copy `issuer` from the provider's discovery document",
            ));
        }
        if !may_be_fetched(&url, transport) {
            let hint = "use https; plain http is for loopback only (or, on a private network, `danger::allow_http_issuer`)";
            return Err(problem("an https URL", hint));
        }
        Ok(Self { identifier: identifier.into(), url })
    }

    /// The identifier as configured.
    pub(crate) fn identifier(&self) -> &Arc<str> {
        &self.identifier
    }

    /// Where its metadata may be: OpenID Connect Discovery §4.1 first, then RFC 8414 §3.1.
    pub(crate) fn metadata_urls(&self) -> [Url; 2] {
        let path = self.url.path();
        let path = path.strip_suffix('/').unwrap_or(path);
        let with_path = |path: &str| {
            let mut url = self.url.clone();
            url.set_path(path);
            url
        };
        [
            with_path(&format!("{path}/.well-known/openid-configuration")),
            with_path(&format!("/.well-known/oauth-authorization-server{path}")),
        ]
    }
}

/// Whether keys may come from a URL: https, or http on loopback; never from a link-local address, where
/// cloud metadata services live.
pub(crate) fn may_be_fetched(url: &Url, transport: Transport) -> bool {
    let scheme_fits = match url.scheme() {
        "https" => true,
        "http" => is_loopback(url) || transport == Transport::PlainHttp,
        _ => false,
    };
    scheme_fits && url.has_host() && !is_link_local(url)
}

/// `localhost`, `127.0.0.0/8` or `::1`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

fn is_link_local(url: &Url) -> bool {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => address.to_canonical(),
        _ => return false,
    };
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn metadata_is_where_the_standards_say() {
        let urls = |issuer: &str| {
            let issuer = IssuerUrl::parse(issuer, Transport::Tls).expect("an issuer");
            issuer.metadata_urls().map(|url| url.to_string())
        };
        for issuer in ["https://a.example/oidc", "https://a.example/oidc/"] {
            assert_eq!(
                urls(issuer),
                [
                    "https://a.example/oidc/.well-known/openid-configuration",
                    "https://a.example/.well-known/oauth-authorization-server/oidc",
                ]
            );
        }
        assert_eq!(
            urls("https://a.example"),
            [
                "https://a.example/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server",
            ]
        );
    }

    #[test]
    fn the_identifier_is_kept_to_the_byte() {
        for issuer in
            ["https://A.example/x", "https://a.example", "https://a.example/", "https://a.example:443/"]
        {
            assert_eq!(&**IssuerUrl::parse(issuer, Transport::Tls).expect("an issuer").identifier(), issuer);
        }
    }

    #[test]
    fn plain_http_is_for_loopback() {
        for allowed in [
            "https://a.example",
            "http://localhost:1/x",
            "http://127.0.0.1",
            "http://127.9.9.9:3001",
            "http://[::1]",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(may_be_fetched(&url(allowed), Transport::Tls), "{allowed}");
        }
        for refused in [
            "http://a.example",
            "http://localhost.a.example",
            "http://10.0.0.1",
            "ftp://a.example",
            "file:///etc/passwd",
            "data:,x",
            "https://169.254.169.254/latest",
            "https://[fe80::1]/",
            "https://[::ffff:169.254.169.254]/",
        ] {
            assert!(!may_be_fetched(&url(refused), Transport::Tls), "{refused}");
        }
        assert!(may_be_fetched(&url("http://10.0.0.1"), Transport::PlainHttp));
        assert!(!may_be_fetched(&url("http://169.254.169.254"), Transport::PlainHttp));
        assert!(!may_be_fetched(&url("ftp://10.0.0.1"), Transport::PlainHttp));
    }

    #[test]
    fn an_issuer_is_a_plain_url() {
        for refused in [
            "",
            "a.example",
            "https://",
            "https://a.example?x",
            "https://a.example#x",
            "https://u:p@a.example",
            "http://a.example",
        ] {
            assert!(IssuerUrl::parse(refused, Transport::Tls).is_err(), "{refused}");
        }
    }
}
