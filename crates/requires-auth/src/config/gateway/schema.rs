//! From TOML to a [`GatewayConfig`].

use std::num::NonZeroUsize;

use http::HeaderName;
use toml::de::DeTable;
use url::Url;

use super::reverse_proxy::reverse_proxy;
use super::route_tests::test;
use super::routes::route;
use super::{
    Dialect, ForwardAuthConfig, GatewayConfig, IdentityHeader, IdentitySource, Listen, Network, ServerConfig,
    TlsConfig,
};
use crate::config::{Entry, IssuerConfig, Reader};
use crate::routes::{Pattern, Routes};
use crate::settings::{nearest, shown_key, shown_value};

const SERVER: [&str; 5] = ["listen", "admin", "public_url", "tls", "connections_per_peer"];
const TLS: [&str; 2] = ["certificate", "key"];
const FORWARD_AUTH: [&str; 3] = ["dialects", "trusted_peers", "aliases"];

/// What no application could tell from what a client or the proxy has sent.
const NOT_FOR_IDENTITY: [&str; 7] =
    ["authorization", "connection", "content-length", "cookie", "host", "te", "transfer-encoding"];

/// The sections, once the issuers are read.
pub(in crate::config) fn read(
    reader: &mut Reader<'_>,
    document: &DeTable<'_>,
    issuers: &[IssuerConfig],
) -> GatewayConfig {
    let mut config = GatewayConfig::default();
    let mut is_shadow = false;
    for entry in reader.entries(document, "") {
        match entry.key() {
            "enforce" => is_shadow = shadow(reader, "configuration", &entry),
            "server" => config.server = server(reader, &entry),
            "forward_auth" => config.forward_auth = forward_auth(reader, &entry),
            "reverse_proxy" => config.reverse_proxy = reverse_proxy(reader, &entry),
            "headers" => config.headers = headers(reader, &entry),
            _ => {}
        }
    }
    if document.contains_key("forward_auth") && document.contains_key("reverse_proxy") {
        let hint = "run two gateways: one that proxies ask, and one that is a proxy itself";
        reader.report("reverse_proxy", "reverse_proxy", "this beside [forward_auth]", "one of the two", hint);
    }
    let mut paths = Vec::new();
    let mut routes = Vec::new();
    for (entry, table) in reader.tables(document, "routes") {
        routes.push(route(reader, &entry, table, issuers, is_shadow));
        paths.push(entry.path().to_owned());
    }
    config.routes = Routes::new(routes);
    let all: Vec<_> = config.routes.iter().collect();
    for (route, own, earlier) in config.routes.unreachable() {
        let pattern = all[route].patterns.get(own);
        let found = format!(
            "`{}`, all of whose requests `{}` takes",
            pattern.map_or("", Pattern::as_str),
            earlier.as_str()
        );
        let hint =
            "the first route that is for a request decides: put the special one before the general one";
        reader.report("routes", &format!("{}.match", paths[route]), found, "a route that is reached", hint);
    }
    for (entry, table) in reader.tables(document, "tests") {
        if let Some(test) = test(reader, &entry, table, issuers) {
            config.tests.push(test);
        }
    }
    config
}

fn server(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<ServerConfig> {
    let table = reader.table("server", entry)?;
    let (mut listen_at, mut admin, mut public_url, mut tls_files) = (None, None, None, None);
    let mut connections_per_peer = None;
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "listen" => listen_at = listen(reader, "server", &entry),
            "admin" => admin = listen(reader, "server", &entry),
            "public_url" => public_url = base_url(reader, "server", &entry, "https://api.example.com"),
            "tls" => tls_files = tls(reader, &entry),
            "connections_per_peer" => connections_per_peer = share(reader, &entry),
            _ => reader.unknown("server", &entry, &SERVER),
        }
    }
    if !table.contains_key("listen") {
        let hint = "write listen = \"127.0.0.1:9180\"";
        reader.report(
            "server",
            &format!("{}.listen", entry.path()),
            "nothing",
            "an address and a port",
            hint,
        );
    }
    // Port 0 is any free one, and each time another.
    let is_any_port = matches!(&admin, Some(Listen::Tcp(address)) if address.port() == 0);
    if admin.is_some() && admin == listen_at && !is_any_port {
        let hint = "give it a port of its own, which the outside cannot reach";
        reader.report(
            "server",
            &format!("{}.admin", entry.path()),
            "that of `listen`",
            "another place",
            hint,
        );
    }
    Some(ServerConfig { listen: listen_at?, admin, public_url, tls: tls_files, connections_per_peer })
}

/// How many connections a peer may have: one at least.
fn share(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<NonZeroUsize> {
    let count = reader.count("server", entry)?;
    let share = NonZeroUsize::new(usize::try_from(count).unwrap_or(usize::MAX));
    if share.is_none() {
        let hint = "leave it out: one peer then has half of all connections";
        reader.report("server", entry.path(), "0, which serves nobody", "at least 1", hint);
    }
    share
}

fn listen(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> Option<Listen> {
    let text = reader.text(field, entry)?;
    let found = match text.strip_prefix("unix:") {
        Some("") => None,
        Some(path) => Some(Listen::Unix(reader.beside(path))),
        None => text.parse().ok().map(Listen::Tcp),
    };
    if found.is_none() {
        let hint = "write \"127.0.0.1:9180\", \"[::1]:9180\" or \"unix:/run/requires-auth.sock\"";
        reader.report(
            field,
            entry.path(),
            shown_value(&text),
            "an address and a port, or a unix socket",
            hint,
        );
    }
    found
}

fn tls(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<TlsConfig> {
    let table = reader.table("server", entry)?;
    let (mut certificate, mut key) = (None, None);
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "certificate" => certificate = reader.path("server", &entry),
            "key" => key = reader.path("server", &entry),
            _ => reader.unknown("server", &entry, &TLS),
        }
    }
    for name in TLS.into_iter().filter(|name| !table.contains_key(*name)) {
        let hint = "write tls = { certificate = \"cert.pem\", key = \"key.pem\" }";
        reader.report("server", &format!("{}.{name}", entry.path()), "nothing", "a file in PEM", hint);
    }
    Some(TlsConfig { certificate: certificate?, key: key? })
}

/// A URL of scheme, host and port alone, as it is written.
fn base_url(
    reader: &mut Reader<'_>,
    field: &'static str,
    entry: &Entry<'_>,
    example: &str,
) -> Option<String> {
    let text = reader.text(field, entry)?;
    let is_base = Url::parse(&text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if !is_base {
        let hint = format!("write scheme, host and port alone: {} = \"{example}\"", entry.key());
        reader.report(field, entry.path(), "another text", "a URL without user, path and query", hint);
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn forward_auth(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<ForwardAuthConfig> {
    let table = reader.table("forward_auth", entry)?;
    let mut config = ForwardAuthConfig {
        dialects: Vec::new(),
        trusted_peers: Network::LOOPBACK.to_vec(),
        denies_aliases: true,
    };
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "dialects" => {
                let names = reader.texts("forward_auth", &entry).unwrap_or_default();
                config.dialects = names.iter().filter_map(|name| dialect(reader, &entry, name)).collect();
            }
            "trusted_peers" => {
                let texts = reader.texts("forward_auth", &entry).unwrap_or_default();
                config.trusted_peers =
                    texts.iter().filter_map(|text| network(reader, &entry, text)).collect();
            }
            "aliases" => {
                let choices = [("deny", true), ("pass", false)];
                let chosen = reader.one_of("forward_auth", &entry, "\"deny\" or \"pass\"", choices);
                config.denies_aliases = chosen.unwrap_or(true);
            }
            _ => reader.unknown("forward_auth", &entry, &FORWARD_AUTH),
        }
    }
    if !table.contains_key("dialects") {
        let hint = "name the proxy that asks: dialects = [\"nginx\"]";
        reader.report(
            "forward_auth",
            &format!("{}.dialects", entry.path()),
            "nothing",
            "at least one dialect",
            hint,
        );
    }
    Some(config)
}

fn dialect(reader: &mut Reader<'_>, entry: &Entry<'_>, name: &str) -> Option<Dialect> {
    let found = Dialect::ALL.into_iter().find(|(own, _)| *own == name).map(|(_, dialect)| dialect);
    if found.is_none() {
        let names = Dialect::ALL.map(|(name, _)| name);
        let hint = match nearest(name, names) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("the dialects are {}", names.join(", ")),
        };
        reader.report("forward_auth", entry.path(), shown_value(name), "a proxy's dialect", hint);
    }
    found
}

fn network(reader: &mut Reader<'_>, entry: &Entry<'_>, text: &str) -> Option<Network> {
    let found = text.parse().ok();
    if found.is_none() {
        let hint = "write \"10.0.0.0/8\", \"::1/128\" or one address";
        reader.report("forward_auth", entry.path(), shown_value(text), "networks", hint);
    }
    found
}

pub(super) fn shadow(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> bool {
    let choices = [("on", false), ("shadow", true)];
    reader.one_of(field, entry, "\"on\" or \"shadow\"", choices).unwrap_or(false)
}

fn headers(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<IdentityHeader> {
    let Some(table) = reader.table("headers", entry) else { return Vec::new() };
    let mut headers: Vec<IdentityHeader> = Vec::new();
    for entry in reader.entries(table, entry.path()) {
        let name = entry.key().parse::<HeaderName>().ok().filter(|name| {
            let name = name.as_str();
            // An application cannot tell `X_A` from `X-A`, nor ours from a client's: in ours no other letter may be.
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !NOT_FOR_IDENTITY.contains(&name)
                && !name.starts_with("x-forwarded-")
                && !name.starts_with("x-original-")
        });
        let Some(name) = name else {
            let hint = "use letters, digits and `-`: \"X-Auth-Subject\"";
            reader.report(
                "headers",
                entry.path(),
                shown_value(entry.key()),
                "a header that only the gateway sets",
                hint,
            );
            continue;
        };
        if headers.iter().any(|other| other.name == name) {
            let hint = "names of headers do not differ in case";
            reader.report("headers", entry.path(), "the same header again", "different headers", hint);
        }
        let Some(source) = reader.text("headers", &entry) else { continue };
        let source = match source.as_str() {
            "@issuer" => IdentitySource::IssuerName,
            path if path.is_empty() || path.starts_with('@') => {
                let hint = "write a claim, such as \"sub\" or \"org.plan\", or \"@issuer\"";
                reader.report(
                    "headers",
                    entry.path(),
                    shown_value(path),
                    "the path of a claim, or @issuer",
                    hint,
                );
                continue;
            }
            path => IdentitySource::Claim(path.to_owned()),
        };
        headers.push(IdentityHeader { name, source });
    }
    headers
}

pub(super) fn unknown_issuer(reader: &mut Reader<'_>, path: &str, name: &str, issuers: &[IssuerConfig]) {
    let names = issuers.iter().map(IssuerConfig::name);
    let hint = match nearest(name, names) {
        Some(meant) => format!("did you mean \"{}\"?", shown_key(meant)),
        None => "use the name of a table [issuers.NAME]".to_owned(),
    };
    reader.report("routes", path, shown_value(name), "the name of an issuer of this file", hint);
}
