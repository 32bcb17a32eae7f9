//! What the gateway's sections of a configuration file set.
//!
//! ```toml
//! enforce = "on"                            # or "shadow": refusals are logged, and let through
//!
//! [server]
//! listen     = "127.0.0.1:9180"             # or "unix:/run/requires-auth.sock"
//! admin      = "127.0.0.1:9181"             # /healthz /readyz /metrics; never on `listen`
//! admin_token  = { env = "ADMIN_TOKEN" }    # or { file = "admin-token" }: whoever shows it may POST /revocations there, and see /live
//! admin_scopes = ["revoke:tokens"]          # and so may an access token with these scopes; without either, nobody may
//! public_url = "https://api.example.com"
//! tls        = { certificate = "cert.pem", key = "key.pem" }   # and client_certificates = "any", see TlsConfig
//! connections_per_peer = 1000               # default: half of all; trusted peers may have all
//!
//! [forward_auth]
//! dialects      = ["nginx"]                 # only these endpoints exist
//! trusted_peers = ["127.0.0.1/32"]          # default: loopback and unix sockets
//! client_certificate = { header = "X-SSL-Client-Cert", format = "escaped-pem" }  # which the proxy sets
//!
//! [reverse_proxy]                           # instead of [forward_auth]: requests that may pass go on from here
//! upstream      = "http://127.0.0.1:8080"   # or "https://app.internal", "unix:/run/app.sock"
//! ca            = "app-ca.pem"              # for https: trusted instead of what this machine trusts
//! preserve_host = true
//! pass_token    = false
//! timeout       = "60s"
//! client_certificate = { header = "Client-Cert" }  # read from trusted_peers alone
//! trusted_peers = ["127.0.0.1/32"]          # default: loopback and unix sockets
//!
//! [headers]                                 # always set, empty where the token does not say
//! "X-Auth-Subject" = "sub"
//! "X-Auth-Issuer"  = "@issuer"              # the name of the table, not the claim
//! "X-Auth-Name"    = { claim = "name", encoding = "base64" }  # or "utf8"; default "percent"
//!
//! [[resources]]                             # each with an audience and a metadata document of its own (RFC 9728)
//! resource     = "https://api.example.com/mcp"   # the URL that clients use, and the audience
//! audience     = "api://orders"             # in its place, where the issuer says something else
//! issuers      = ["main"]                   # clients log in at the first
//! scopes       = ["read:orders"]            # what every request below its path needs
//! challenge_scopes = "keep"                 # or "needed": what the challenge of a request names that lacks a scope
//! dpop         = "required"                 # every token with a proof of its key, as for a route
//! name         = "Orders"
//! metadata_url = "https://api.example.com/prefix/.well-known/oauth-protected-resource/mcp"
//! mcp          = true                       # an MCP server: everything below its path passes with these scopes
//! tools        = { create_order = ["write:orders"], "*" = [] }   # and prompts; reads by the URI of a resource
//! max_body     = 4194304
//! mcp_headers  = "server-validates"         # with [forward_auth]: tools by the headers that name them
//!
//! [[routes]]
//! match      = ["GET /orders", "GET /orders/*"]
//! scopes     = ["read:orders"]              # all of these; or any_scopes: one of these
//! issuers    = ["main"]
//! audience   = "https://api.example.com/orders"  # of this route, in place of those of the issuers
//! claims     = { "org.plan" = ["pro", "team"] }
//! acr        = ["phr", "mfa"]               # one of these strengths of login, best first (RFC 9470)
//! max_age    = "5m"                         # a login at most this long ago
//! dpop       = "required"                   # only tokens with a proof of their key, where `dpop` above lets them
//! preflight  = "deny"                       # default "allow"
//! case       = "exact"                      # the application tells /orders from /Orders and /orders/
//! encoded_slash = "allow"                   # /orders/a%2Fb passes: the application tells it from /orders/a/b
//! enforce    = "shadow"
//!
//! [[routes]]
//! match  = "GET /*"
//! host   = ["admin.example.com", "*.acme.example"]  # case, a port and a last dot make no difference
//!
//! [[routes]]
//! match  = "GET /healthz"
//! public = true
//!
//! [[tests]]                                 # run by `requires-auth check`
//! request = "GET /orders"
//! host    = "api.example.com"               # where routes are for some hosts
//! claims  = { iss = "main", scope = "read:orders" }
//! headers = { Cookie = "token={token}" }    # default: where the issuer's tokens are
//! expect  = { status = 200 }
//! ```

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use http::HeaderName;
use requires_auth::client_certificate::CertificateHeader;

use super::operators::OperatorsConfig;
use super::peers::Network;
use super::resources::ResourceConfig;
use super::reverse_proxy::ReverseProxyConfig;
use crate::gateway::dialect::Dialect;
use crate::gateway::routes::Routes;

/// The gateway's settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct GatewayConfig {
    /// `[server]`: where it listens.
    pub(crate) server: Option<ServerConfig>,
    /// Who may change something on its admin pages.
    pub(crate) operators: OperatorsConfig,
    /// `[forward_auth]`: which proxies ask it.
    pub(crate) forward_auth: Option<ForwardAuthConfig>,
    /// `[reverse_proxy]`: which application it stands in front of.
    pub(crate) reverse_proxy: Option<ReverseProxyConfig>,
    /// `[headers]`: what the application is told about the token.
    pub(crate) headers: Vec<IdentityHeader>,
    /// `[[resources]]`, in the order of the file.
    pub(crate) resources: Vec<ResourceConfig>,
    /// `[[routes]]`, in the order of the file.
    pub(crate) routes: Routes,
    /// `[[tests]]`.
    pub(crate) tests: Vec<RouteTest>,
    /// `enforce` of the file: whether refusals are only logged where a route does not say otherwise.
    pub(crate) is_shadow: bool,
}

impl GatewayConfig {
    /// The header in which a proxy tells the certificate of a client, if one is read.
    pub(crate) fn certificate_header(&self) -> Option<&CertificateHeader> {
        let of_proxy = self.reverse_proxy.as_ref().map(|own| own.client_certificate.as_ref());
        of_proxy.or_else(|| self.forward_auth.as_ref().map(|own| own.client_certificate.as_ref())).flatten()
    }

    /// Whether operators may look at what it decides: there are admin pages, and a secret to show there.
    pub(crate) fn has_live_view(&self) -> bool {
        self.operators.token.is_some() && self.server.as_ref().is_some_and(|server| server.admin.is_some())
    }

    /// What is set and does nothing, as something else is not set.
    pub(crate) fn without_effect(&self) -> Vec<String> {
        let Some(server) = &self.server else { return Vec::new() };
        let mut told = Vec::new();
        let OperatorsConfig { token, policy } = &self.operators;
        for (name, is_set) in [("admin_token", token.is_some()), ("admin_scopes", policy.is_some())] {
            if is_set && server.admin.is_none() {
                told.push(format!(
                    "{name}: it does nothing without `admin`, which says where the pages for operators are: write \
                     admin = \"127.0.0.1:9181\" in [server]"
                ));
            }
        }
        if self.forward_auth.is_none() && self.reverse_proxy.is_none() {
            told.push(
                "server: there is neither [forward_auth] nor [reverse_proxy], so that the gateway answers no request: name \
                 the proxies that ask, dialects = [\"nginx\"] in [forward_auth], or the application, \
                 upstream = \"http://127.0.0.1:8080\" in [reverse_proxy]"
                    .to_owned(),
            );
        }
        told
    }

    /// What tokens for the resources name.
    pub(super) fn audiences_of_resources(&self) -> impl Iterator<Item = String> {
        self.resources
            .iter()
            .flat_map(|own| if own.audience.is_empty() { own.url.audiences() } else { own.audience.clone() })
    }
}

/// `[server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerConfig {
    /// Where requests come in.
    pub(crate) listen: Listen,
    /// Where `/healthz`, `/readyz` and `/metrics` are; nowhere if there is none.
    pub(crate) admin: Option<Listen>,
    /// Certificate and key; plain HTTP without.
    pub(crate) tls: Option<TlsConfig>,
    /// How many connections one peer may have at a time: an address, or a network of 64 bits of IPv6. Default half of
    /// all. Those in [`ForwardAuthConfig::trusted_peers`] and unix sockets may have all.
    pub(crate) connections_per_peer: Option<NonZeroUsize>,
}

/// A place to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// The path of a unix socket.
    Unix(PathBuf),
}

impl Listen {
    /// Reads an address and a port, or `unix:` and a path; `None` if the text is neither.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("unix:") {
            Some("") => None,
            Some(path) => Some(Self::Unix(path.into())),
            None => text.parse().ok().map(Self::Tcp),
        }
    }

    /// Whether two are one place. Port 0 is any free one, and each time another.
    pub(crate) fn is_taken_by(&self, other: &Self) -> bool {
        let is_any_port = matches!(self, Self::Tcp(address) if address.port() == 0);
        self == other && !is_any_port
    }
}

/// Files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsConfig {
    /// The certificate, and those between it and the root.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
    /// Whether clients are asked for a certificate of theirs (RFC 8705 §3). Default: they are not.
    pub(crate) client_certificates: Option<ClientCertificates>,
}

/// What a client's certificate has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClientCertificates {
    /// `any`: a client may show one, whoever has issued it. That a token is bound to it is what counts.
    Any,
    /// `optional`: a client may show one, and it has to lead to one of these, in PEM.
    Optional { ca: PathBuf },
    /// `required`: a client has to show one that leads to one of these, in PEM. Others get no connection.
    Required { ca: PathBuf },
}

impl ClientCertificates {
    /// The file of those that they have to lead to.
    pub(crate) const fn ca(&self) -> Option<&PathBuf> {
        match self {
            Self::Any => None,
            Self::Optional { ca } | Self::Required { ca } => Some(ca),
        }
    }
}

/// `[forward_auth]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForwardAuthConfig {
    /// Only the endpoints of these exist.
    pub(crate) dialects: Vec<&'static dyn Dialect>,
    /// Who may ask. Unix sockets may always.
    pub(crate) trusted_peers: Vec<Network>,
    /// Whether a request is refused in which a client has sent an identity header in another spelling, which the
    /// proxy may pass on beside ours.
    pub(crate) denies_aliases: bool,
    /// The header in which the proxy tells the certificate of the client. Default: none is read.
    pub(crate) client_certificate: Option<CertificateHeader>,
}

impl ForwardAuthConfig {
    /// Whether proxies that speak this dialect are answered.
    pub(crate) fn answers(&self, dialect: &dyn Dialect) -> bool {
        self.dialects.iter().any(|own| own.name() == dialect.name())
    }
}

/// A header that the application can trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdentityHeader {
    /// Its name.
    pub(crate) name: HeaderName,
    /// What is in it.
    pub(crate) source: IdentitySource,
    /// How a text is written in it.
    pub(crate) encoding: Encoding,
}

/// How a text stands in an identity header. A list or an object is JSON in ASCII whatever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Visible ASCII and inner spaces as they are, all else percent-encoded (RFC 3986 §2.1).
    #[default]
    Percent,
    /// The same, but letters beyond ASCII stand as they are, in UTF-8: for applications that read headers so.
    Utf8,
    /// The UTF-8 of it in base64 (RFC 4648 §4), and so are numbers and booleans.
    Base64,
}

impl Encoding {
    /// Each by its name.
    pub(super) const ALL: [(&'static str, Self); 3] =
        [("percent", Self::Percent), ("utf8", Self::Utf8), ("base64", Self::Base64)];
}

/// What an identity header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IdentitySource {
    /// A claim, by dotted path. `scope` is the scopes as the guard has read them, separated by spaces.
    Claim(String),
    /// `@issuer`: our name for the issuer.
    IssuerName,
    /// `@tenant`: which tenant of its issuer the token is of; empty for an issuer that is configured by its own name.
    Tenant,
}

/// One of `[[tests]]`: a request, and what it must be answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RouteTest {
    /// The method; `GET` where the test names none.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// The host that it is for, if the test names one.
    pub(crate) host: Option<String>,
    /// The claims of its token; without any it shows none. `iss` is our name for an issuer.
    pub(crate) claims: Option<serde_json::Map<String, serde_json::Value>>,
    /// What the issuer answers about its token, which is opaque then; the rest is that of a good one.
    pub(crate) answer: Option<serde_json::Map<String, serde_json::Value>>,
    /// Headers of the request, each with its value, in which `{token}` stands for the token. Without one that holds it the
    /// token is in the first place that its issuer allows.
    pub(crate) headers: Vec<(HeaderName, String)>,
    /// The status; 200 if it is allowed.
    pub(crate) status: u16,
    /// The code of the refusal, if the test names one.
    pub(crate) error: Option<String>,
    /// The line that it begins in.
    pub(crate) line: u32,
}
