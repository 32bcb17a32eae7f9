//! The gateway's sections of a configuration file.
//!
//! ```toml
//! enforce = "on"                            # or "shadow": refusals are logged, and let through
//!
//! [server]
//! listen     = "127.0.0.1:9180"             # or "unix:/run/requires-auth.sock"
//! admin      = "127.0.0.1:9181"             # /healthz /readyz /metrics; never on `listen`
//! public_url = "https://api.example.com"
//! tls        = { certificate = "cert.pem", key = "key.pem" }
//! connections_per_peer = 1000               # default: half of all; trusted peers may have all
//!
//! [forward_auth]
//! dialects      = ["nginx"]                 # only these endpoints exist
//! trusted_peers = ["127.0.0.1/32"]          # default: loopback and unix sockets
//!
//! [reverse_proxy]                           # instead of [forward_auth]: requests that may pass go on from here
//! upstream      = "http://127.0.0.1:8080"   # or "unix:/run/app.sock"
//! preserve_host = true
//! pass_token    = false
//! timeout       = "60s"
//!
//! [headers]                                 # always set, empty where the token does not say
//! "X-Auth-Subject" = "sub"
//! "X-Auth-Issuer"  = "@issuer"              # the name of the table, not the claim
//!
//! [[routes]]
//! match      = ["GET /orders", "GET /orders/*"]
//! scopes     = ["read:orders"]              # all of these; or any_scopes: one of these
//! issuers    = ["main"]
//! claims     = { "org.plan" = ["pro", "team"] }
//! preflight  = "deny"                       # default "allow"
//! case       = "exact"                      # the application tells /orders from /Orders and /orders/
//! enforce    = "shadow"
//!
//! [[routes]]
//! match  = "GET /healthz"
//! public = true
//!
//! [[tests]]                                 # run by `requires-auth check`
//! request = "GET /orders"
//! claims  = { iss = "main", scope = "read:orders" }
//! expect  = { status = 200 }
//! ```

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use http::HeaderName;

use crate::routes::Routes;

mod peers;
mod reverse_proxy;
mod routes;
mod route_tests;
mod schema;

pub use peers::{Network, NetworkError};
pub use reverse_proxy::{ReverseProxyConfig, Upstream};
pub(super) use schema::read;

/// The gateway's settings.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GatewayConfig {
    /// `[server]`: where it listens.
    pub server: Option<ServerConfig>,
    /// `[forward_auth]`: which proxies ask it.
    pub forward_auth: Option<ForwardAuthConfig>,
    /// `[reverse_proxy]`: which application it stands in front of.
    pub reverse_proxy: Option<ReverseProxyConfig>,
    /// `[headers]`: what the application is told about the token.
    pub headers: Vec<IdentityHeader>,
    /// `[[routes]]`, in the order of the file.
    pub routes: Routes,
    /// `[[tests]]`.
    pub tests: Vec<RouteTest>,
}

/// `[server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Where requests come in.
    pub listen: Listen,
    /// Where `/healthz`, `/readyz` and `/metrics` are; nowhere if there is none.
    pub admin: Option<Listen>,
    /// The URL of the API as its clients know it.
    pub public_url: Option<String>,
    /// Certificate and key; plain HTTP without.
    pub tls: Option<TlsConfig>,
    /// How many connections one peer may have at a time: an address, or a network of 64 bits of IPv6. Default half of
    /// all. Those in [`ForwardAuthConfig::trusted_peers`] and unix sockets may have all.
    pub connections_per_peer: Option<NonZeroUsize>,
}

/// A place to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a gateway that did not know a place would not listen")]
pub enum Listen {
    /// An address and a port.
    Tcp(SocketAddr),
    /// The path of a unix socket.
    Unix(PathBuf),
}

/// Files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsConfig {
    /// The certificate, and those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// `[forward_auth]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForwardAuthConfig {
    /// Only the endpoints of these exist.
    pub dialects: Vec<Dialect>,
    /// Who may ask. Unix sockets may always.
    pub trusted_peers: Vec<Network>,
    /// Whether a request is refused in which a client has sent an identity header in another spelling, which the
    /// proxy may pass on beside ours.
    pub denies_aliases: bool,
}

impl ForwardAuthConfig {
    /// Whether a peer may ask.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_peers.iter().any(|network| network.contains(peer))
    }
}

/// How a proxy asks whether a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// Caddy's `forward_auth`.
    Caddy,
    /// Envoy's `ext_authz` over HTTP.
    Envoy,
    /// Envoy's `ext_authz` over gRPC.
    EnvoyGrpc,
    /// nginx's `auth_request`.
    Nginx,
    /// Traefik's `ForwardAuth`.
    Traefik,
}

impl Dialect {
    /// Every dialect with its name in the file.
    pub const ALL: [(&'static str, Self); 5] = [
        ("caddy", Self::Caddy),
        ("envoy", Self::Envoy),
        ("envoy-grpc", Self::EnvoyGrpc),
        ("nginx", Self::Nginx),
        ("traefik", Self::Traefik),
    ];
}

/// A header that the application can trust.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityHeader {
    /// Its name.
    pub name: HeaderName,
    /// What is in it.
    pub source: IdentitySource,
}

/// What an identity header says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentitySource {
    /// A claim, by dotted path. `scope` is the scopes as the guard has read them, separated by spaces.
    Claim(String),
    /// `@issuer`: our name for the issuer.
    IssuerName,
}

/// One of `[[tests]]`: a request, and what it must be answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RouteTest {
    /// The method; `GET` where the test names none.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The claims of its token; without any it shows none. `iss` is our name for an issuer.
    pub claims: Option<serde_json::Map<String, serde_json::Value>>,
    /// The status; 200 if it is allowed.
    pub status: u16,
    /// The code of the refusal, if the test names one.
    pub error: Option<String>,
    /// The line that it begins in.
    pub line: u32,
}
