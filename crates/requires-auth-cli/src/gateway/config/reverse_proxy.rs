//! `[reverse_proxy]`: the application that the gateway stands in front of.

use std::path::PathBuf;
use std::time::Duration;

use http::uri::Authority;
use requires_auth::client_certificate::{CertificateHeader, HeaderFormat};
use requires_auth::config::{Entry, Reader};
use tokio_rustls::rustls::pki_types::ServerName;
use url::Url;

use super::client_certificates::written;
use super::peers::{Network, networks};

const FIELD: &str = "reverse_proxy";

const KEYS: [&str; 7] =
    ["upstream", "ca", "preserve_host", "pass_token", "timeout", "client_certificate", "trusted_peers"];

/// Example of an upstream, for hints.
const EXAMPLE: &str = "write \"http://127.0.0.1:8080\", \"https://app.internal\" or \"unix:/run/app.sock\"";

/// `[reverse_proxy]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReverseProxyConfig {
    /// Where the application is.
    pub(crate) upstream: Upstream,
    /// The certificates that its own must lead to, in PEM; those that this machine trusts without.
    pub(crate) ca: Option<PathBuf>,
    /// Whether the application gets the `Host` that the client has sent, and not that of `upstream`. Default true.
    pub(crate) preserves_host: bool,
    /// Whether it gets the token. Default false: who has a token can use it elsewhere.
    pub(crate) passes_token: bool,
    /// For how long client and application may both be silent before a request is given up. Default 60 s.
    pub(crate) timeout: Duration,
    /// The header in which a proxy before tells the certificate of the client. Default: none is read, and that of the
    /// connection counts.
    pub(crate) client_certificate: Option<CertificateHeader>,
    /// Whose word counts for that. Unix sockets may always tell it.
    pub(crate) trusted_peers: Vec<Network>,
}

/// Where an application listens, over HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Upstream {
    /// Host and port, without TLS.
    Tcp(Authority),
    /// Host and port, over TLS: its certificate has to be for this host.
    Tls(Authority),
    /// The path of a unix socket.
    Unix(PathBuf),
}

pub(super) fn reverse_proxy(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<ReverseProxyConfig> {
    let table = reader.table("reverse_proxy", entry)?;
    let (mut place, mut ca) = (None, None);
    let (mut preserves_host, mut passes_token, mut timeout) = (None, None, None);
    let (mut certificate, mut trusted_peers) = (None, None);
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "upstream" => place = upstream(reader, &entry),
            "ca" => ca = reader.path("reverse_proxy", &entry),
            "preserve_host" => preserves_host = reader.switch("reverse_proxy", &entry),
            "pass_token" => passes_token = reader.switch("reverse_proxy", &entry),
            "timeout" => timeout = silence(reader, &entry),
            "client_certificate" => certificate = written(reader, FIELD, &entry),
            "trusted_peers" => trusted_peers = Some(networks(reader, FIELD, &entry)),
            _ => reader.unknown("reverse_proxy", &entry, &KEYS),
        }
    }
    if !table.contains_key("upstream") {
        let setting = format!("{}.upstream", entry.path());
        reader.report("reverse_proxy", &setting, "nothing", "where the application is", EXAMPLE);
    }
    if ca.is_some() && matches!(place, Some(Upstream::Tcp(_) | Upstream::Unix(_))) {
        let setting = format!("{}.ca", entry.path());
        let hint = "an application without TLS shows no certificate: write upstream = \"https://..\", or leave `ca` out";
        reader.report("reverse_proxy", &setting, "this beside an upstream without TLS", "nothing", hint);
    }
    if trusted_peers.is_some() && !table.contains_key("client_certificate") {
        let hint = "they may tell the certificate of a client, and nothing else: write client_certificate, or leave them out";
        let setting = format!("{}.client_certificate", entry.path());
        reader.report(FIELD, &setting, "nothing beside `trusted_peers`", "both or none", hint);
    }
    let client_certificate = certificate.and_then(|own| own.with(reader, FIELD, [HeaderFormat::Rfc9440]));
    Some(ReverseProxyConfig {
        upstream: place?,
        ca,
        preserves_host: preserves_host.unwrap_or(true),
        passes_token: passes_token.unwrap_or(false),
        timeout: timeout.unwrap_or(Duration::from_secs(60)),
        client_certificate,
        trusted_peers: trusted_peers.unwrap_or_else(|| Network::LOOPBACK.to_vec()),
    })
}

fn upstream(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Upstream> {
    let text = reader.text("reverse_proxy", entry)?;
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Some(Upstream::Unix(reader.beside(path)));
    }
    let found = tcp(&text);
    if found.is_none() {
        let expected = "an http or https URL, or a unix socket";
        reader.report("reverse_proxy", entry.path(), "another text", expected, EXAMPLE);
    }
    found
}

/// An application at a URL that has a host, a port and nothing else: what it has a path for is not clear.
fn tcp(text: &str) -> Option<Upstream> {
    let (scheme, rest) = text.split_once("://")?;
    let authority: Authority = rest.strip_suffix('/').unwrap_or(rest).parse().ok()?;
    let is_plain = !authority.as_str().contains('@') && !authority.host().is_empty();
    let has_port = authority.port().is_none_or(|port| port.as_u16() != 0);
    let is_right = is_plain && has_port && Url::parse(text).is_ok();
    match scheme {
        "http" if is_right => Some(Upstream::Tcp(authority)),
        "https" if is_right && server_name(&authority).is_some() => Some(Upstream::Tls(authority)),
        _ => None,
    }
}

/// The name that the certificate of a host has to be for: a DNS name, or an address (RFC 6125 §6.4, RFC 9110 §4.3.5).
pub(crate) fn server_name(authority: &Authority) -> Option<ServerName<'static>> {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned()).ok()
}

fn silence(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Duration> {
    let timeout = reader.duration("reverse_proxy", entry)?;
    if timeout.is_zero() {
        reader.report("reverse_proxy", entry.path(), "no time", "at least a second", "write \"60s\"");
        return None;
    }
    Some(timeout)
}
