//! The URL of an issuer, and which URLs may be fetched for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use url::{Host, Url};

use crate::error::{ConfigProblem, quoted};
use crate::metadata::is_loopback;
use crate::settings::with_scheme;

mod pattern;

pub(crate) use pattern::{IssuerPattern, Tenants, is_tenant};

/// An issuer identifier: a text that is compared byte for byte and never rewritten (RFC 7519 §4.1.1). Where metadata are
/// derived from it, it is a URL (RFC 8414 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerUrl {
    identifier: Arc<str>,
    url: Option<Url>,
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

/// Issuers of a provider's documentation that stand for tenants, and that no token has.
const NEVER_IN_A_TOKEN: [&str; 2] =
    ["https://login.microsoftonline.com/common/", "https://login.microsoftonline.com/organizations/"];

impl IssuerUrl {
    /// An issuer whose metadata are derived from it.
    pub(crate) fn parse(identifier: &str, transport: Transport) -> Result<Self, ConfigProblem> {
        let url = Self::check(identifier)?;
        let problem = |expected, hint: &str| ConfigProblem::new("issuer", quoted(identifier), expected, hint);
        let url = url.ok_or_else(|| match with_scheme(identifier) {
            Some(meant) => problem(
                "an https URL",
                &format!(
                    "a URL begins with its scheme: write {meant}, if that is `issuer` in the provider's \
                     /.well-known/openid-configuration"
                ),
            ),
            None => {
                problem("an https URL", "copy `issuer` from the provider's /.well-known/openid-configuration")
            }
        })?;
        if !may_be_fetched(&url, transport) {
            let hint = "use https; plain http is for loopback only (or, on a private network, `danger::allow_http_issuer`)";
            return Err(problem("an https URL", hint));
        }
        Ok(Self { identifier: identifier.into(), url: Some(url) })
    }

    /// An issuer whose keys are given, or pinned: nothing is fetched from it, so that it may be any text.
    pub(crate) fn undiscovered(identifier: &str) -> Result<Self, ConfigProblem> {
        if identifier.starts_with("${") {
            let hint = "nothing fills in a variable here: write the issuer itself";
            return Err(ConfigProblem::new("issuer", quoted(identifier), "the issuer of the tokens", hint));
        }
        Ok(Self { identifier: identifier.into(), url: Self::check(identifier)? })
    }

    /// What cannot be meant. The issuer as a URL, if it is one.
    fn check(identifier: &str) -> Result<Option<Url>, ConfigProblem> {
        // Reading it as a URL would cut this off in silence.
        if let Some(unseen) = ConfigProblem::of_unseen("issuer", identifier) {
            return Err(unseen);
        }
        let problem = |expected, hint: &str| ConfigProblem::new("issuer", quoted(identifier), expected, hint);
        if NEVER_IN_A_TOKEN.iter().any(|issuer| identifier.starts_with(issuer)) {
            return Err(problem(
                "an issuer that tokens have",
                "no token has this one: write https://login.microsoftonline.com/{tenant}/v2.0, and name your tenants with the \
                 setting `tenants`",
            ));
        }
        let Some(url) = Url::parse(identifier).ok().filter(Url::has_host) else { return Ok(None) };
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
        // What issuers name, metadata are derived from: none stands below `/.well-known/` itself.
        if url.path().contains("/.well-known/") {
            return Err(problem(
                "the issuer, and not the address of its metadata",
                "cut off `/.well-known/` and what follows, and compare with `issuer` in the document at this address: a \
                 slash at the end counts",
            ));
        }
        Ok(Some(url))
    }

    /// The identifier as configured.
    pub(crate) fn identifier(&self) -> &Arc<str> {
        &self.identifier
    }

    /// The identifier, parsed, if it is a URL.
    pub(crate) const fn url(&self) -> Option<&Url> {
        self.url.as_ref()
    }

    /// Where its metadata may be: OpenID Connect Discovery §4.1 first, then RFC 8414 §3.1. Nowhere if it is not a URL.
    pub(crate) fn metadata_urls(&self) -> Vec<Url> {
        let Some(url) = &self.url else { return Vec::new() };
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        let with_path = |path: &str| {
            let mut url = url.clone();
            url.set_path(path);
            url
        };
        vec![
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

/// Whether metadata that came from `from` may name `to` as the place of the keys.
///
/// Plain http on this machine is only for metadata that came from there itself: an issuer elsewhere must
/// not choose what the guard asks for behind the firewall.
pub(crate) fn may_lead_to(from: &Url, to: &Url, transport: Transport) -> bool {
    let is_plain_and_here = |url: &Url| url.scheme() == "http" && is_this_machine(url);
    may_be_fetched(to, transport) && (!is_plain_and_here(to) || is_plain_and_here(from))
}

/// Every spelling of this machine: also names below `localhost` (RFC 6761 §6.3), and the unspecified
/// address, which connects to loopback.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let address = address.to_canonical();
            address.is_loopback() || address.is_unspecified()
        }
        None => false,
    }
}

fn is_link_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_link_local_address(address.into()),
        Some(Host::Ipv6(address)) => is_link_local_address(address.into()),
        _ => false,
    }
}

/// Link-local (RFC 3927, RFC 4291 §2.5.6), also where IPv6 carries the IPv4 address.
pub(crate) fn is_link_local_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_unicast_link_local() || carried(address).is_some_and(|carried| carried.is_link_local())
        }
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped (RFC 4291 §2.5.5.2), or translated by NAT64
/// under its well-known prefix (RFC 6052 §2.1).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xFFFF, high, low] | [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
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
            issuer.metadata_urls().iter().map(Url::to_string).collect::<Vec<_>>()
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
    fn where_nothing_is_discovered_an_issuer_is_any_text_that_can_be_meant() {
        for issuer in [
            "my-service",
            "accounts.google.com",
            "urn:example:issuer",
            "robot@project.iam.gserviceaccount.com",
            "http://keycloak:8080/realms/r",
            "https://a.example",
        ] {
            let parsed = IssuerUrl::undiscovered(issuer).expect("an issuer");
            assert_eq!(&**parsed.identifier(), issuer);
            let is_discoverable = IssuerUrl::parse(issuer, Transport::Tls).is_ok();
            assert_eq!(is_discoverable, issuer == "https://a.example", "{issuer}");
        }
        for mistake in [
            " my-service",
            "${ISSUER}",
            "my-service\n",
            "my-\u{200B}service",
            "https://a.example/.well-known/openid-configuration",
            "https://a.example/?x",
            "https://user:password@a.example/",
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com/organizations/v2.0",
        ] {
            let problem = IssuerUrl::undiscovered(mistake).expect_err(mistake);
            assert_eq!(problem.field(), "issuer");
            assert!(IssuerUrl::parse(mistake, Transport::Tls).is_err(), "{mistake}");
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
            "https://[64:ff9b::169.254.169.254]/",
        ] {
            assert!(!may_be_fetched(&url(refused), Transport::Tls), "{refused}");
        }
        assert!(may_be_fetched(&url("http://10.0.0.1"), Transport::PlainHttp));
        assert!(!may_be_fetched(&url("http://169.254.169.254"), Transport::PlainHttp));
        assert!(!may_be_fetched(&url("ftp://10.0.0.1"), Transport::PlainHttp));
    }

    #[test]
    fn metadata_from_elsewhere_does_not_lead_to_http_on_this_machine() {
        let leads = |from: &str, to: &str, transport| may_lead_to(&url(from), &url(to), transport);
        for here in ["http://localhost:1/k", "http://127.0.0.1/k", "http://[::1]:9/k"] {
            for transport in [Transport::Tls, Transport::PlainHttp] {
                assert!(leads("http://127.0.0.1:8080/m", here, transport), "{here}");
                assert!(!leads("https://a.example/m", here, transport), "{here}");
                assert!(!leads("https://localhost/m", here, transport), "{here}");
                assert!(!leads("http://keycloak:8080/m", here, transport), "{here}");
            }
        }
        // With plain http allowed, these would be let through as names and addresses of elsewhere.
        for here in ["http://localhost./k", "http://a.localhost/k", "http://0.0.0.0/k", "http://[::]/k"] {
            assert!(!leads("https://a.example/m", here, Transport::PlainHttp), "{here}");
        }
        assert!(leads("https://a.example/m", "https://127.0.0.1/k", Transport::Tls), "with a certificate");
        assert!(leads("https://a.example/m", "https://b.example/k", Transport::Tls));
        assert!(leads("http://keycloak:8080/m", "http://keycloak:8080/k", Transport::PlainHttp));
        assert!(!leads("http://127.0.0.1/m", "http://169.254.169.254/k", Transport::PlainHttp));
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
            "https://a.example/.well-known/openid-configuration",
            "https://a.example/oidc/.well-known/openid-configuration",
            "https://a.example/.well-known/oauth-authorization-server/oidc",
            "https://a.example\n",
            " https://a.example",
            "https://a.exa\tmple",
        ] {
            assert!(IssuerUrl::parse(refused, Transport::Tls).is_err(), "{refused}");
        }
    }
}
