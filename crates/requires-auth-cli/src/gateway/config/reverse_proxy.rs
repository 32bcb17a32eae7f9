//! `[reverse_proxy]`: the application that the gateway stands in front of.

use std::path::PathBuf;
use std::time::Duration;

use http::uri::Authority;
use requires_auth::config::{Entry, Reader};
use url::Url;

const KEYS: [&str; 4] = ["upstream", "preserve_host", "pass_token", "timeout"];

/// Example of an upstream, for hints.
const EXAMPLE: &str = "write \"http://127.0.0.1:8080\" or \"unix:/run/app.sock\"";

/// `[reverse_proxy]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReverseProxyConfig {
    /// Where the application is.
    pub(crate) upstream: Upstream,
    /// Whether the application gets the `Host` that the client has sent, and not that of `upstream`. Default true.
    pub(crate) preserves_host: bool,
    /// Whether it gets the token. Default false: who has a token can use it elsewhere.
    pub(crate) passes_token: bool,
    /// For how long client and application may both be silent before a request is given up. Default 60 s.
    pub(crate) timeout: Duration,
}

/// Where an application listens, over HTTP/1.1 without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Upstream {
    /// Host and port.
    Tcp(Authority),
    /// The path of a unix socket.
    Unix(PathBuf),
}

pub(super) fn reverse_proxy(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<ReverseProxyConfig> {
    let table = reader.table("reverse_proxy", entry)?;
    let (mut place, mut preserves_host, mut passes_token, mut timeout) = (None, None, None, None);
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "upstream" => place = upstream(reader, &entry),
            "preserve_host" => preserves_host = reader.switch("reverse_proxy", &entry),
            "pass_token" => passes_token = reader.switch("reverse_proxy", &entry),
            "timeout" => timeout = silence(reader, &entry),
            _ => reader.unknown("reverse_proxy", &entry, &KEYS),
        }
    }
    if !table.contains_key("upstream") {
        let setting = format!("{}.upstream", entry.path());
        reader.report("reverse_proxy", &setting, "nothing", "where the application is", EXAMPLE);
    }
    Some(ReverseProxyConfig {
        upstream: place?,
        preserves_host: preserves_host.unwrap_or(true),
        passes_token: passes_token.unwrap_or(false),
        timeout: timeout.unwrap_or(Duration::from_secs(60)),
    })
}

fn upstream(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Upstream> {
    let text = reader.text("reverse_proxy", entry)?;
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Some(Upstream::Unix(reader.beside(path)));
    }
    let found = authority(&text);
    if found.is_none() {
        let (found, hint) = if text.starts_with("https:") {
            ("https", "TLS to the application is not supported: let it listen on loopback or a unix socket")
        } else {
            ("another text", EXAMPLE)
        };
        reader.report("reverse_proxy", entry.path(), found, "an http URL, or a unix socket", hint);
    }
    found.map(Upstream::Tcp)
}

/// Host and port of a URL that has nothing else: what it has a path for is not clear.
fn authority(text: &str) -> Option<Authority> {
    let rest = text.strip_prefix("http://")?;
    let authority: Authority = rest.strip_suffix('/').unwrap_or(rest).parse().ok()?;
    let is_plain = !authority.as_str().contains('@') && !authority.host().is_empty();
    let has_port = authority.port().is_none_or(|port| port.as_u16() != 0);
    (is_plain && has_port && Url::parse(text).is_ok()).then_some(authority)
}

fn silence(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Duration> {
    let timeout = reader.duration("reverse_proxy", entry)?;
    if timeout.is_zero() {
        reader.report("reverse_proxy", entry.path(), "no time", "at least a second", "write \"60s\"");
        return None;
    }
    Some(timeout)
}
