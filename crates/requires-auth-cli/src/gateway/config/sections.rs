//! From TOML to a [`GatewayConfig`].

use requires_auth::config::{Entry, IssuerConfig, Reader};
use requires_auth::settings::{nearest, shown_value};
use toml::de::DeTable;

use super::certificate_rules;
use super::client_certificates::written;
use super::common::{check_dpop, shadow};
use super::headers::headers;
use super::model::{ForwardAuthConfig, GatewayConfig};
use super::peers::{Network, networks};
use super::resource_rules;
use super::resources::resource;
use super::reverse_proxy::reverse_proxy;
use super::route_tests::test;
use super::routes::route;
use super::server::server;
use crate::gateway::dialect::{self, Dialect};
use crate::gateway::routes::{Pattern, Routes};

const FORWARD_AUTH: [&str; 4] = ["dialects", "trusted_peers", "aliases", "client_certificate"];

/// The sections, once the issuers are read.
pub(super) fn read(
    reader: &mut Reader<'_>,
    document: &DeTable<'_>,
    issuers: &[IssuerConfig],
) -> GatewayConfig {
    let mut config = GatewayConfig::default();
    for entry in reader.entries(document, "") {
        match entry.key() {
            "enforce" => config.is_shadow = shadow(reader, "configuration", &entry),
            "server" => config.server = server(reader, &entry, &mut config.operators),
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
        routes.push(route(reader, &entry, table, issuers, config.is_shadow));
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
    for (entry, table) in reader.tables(document, "resources") {
        config.resources.extend(resource(reader, &entry, table, issuers));
    }
    certificate_rules::check(reader, document, issuers, &config);
    resource_rules::check(reader, document, issuers, &config, &paths);
    let of_routes =
        config.routes.iter().zip(&paths).filter(|(route, _)| route.requirement.policy().needs_dpop());
    let of_resources = config.resources.iter().filter(|own| own.needs_dpop).map(|own| &own.within);
    let needing = of_routes.map(|(_, within)| ("routes", within.clone()));
    check_dpop(
        reader,
        document,
        issuers,
        needing.chain(of_resources.map(|within| ("resources", within.clone()))),
    );
    for (entry, table) in reader.tables(document, "tests") {
        if let Some(test) = test(reader, &entry, table, issuers) {
            config.tests.push(test);
        }
    }
    config
}

fn forward_auth(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<ForwardAuthConfig> {
    let table = reader.table("forward_auth", entry)?;
    let mut config = ForwardAuthConfig {
        dialects: Vec::new(),
        trusted_peers: Network::LOOPBACK.to_vec(),
        denies_aliases: true,
        client_certificate: None,
    };
    let mut certificate = None;
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "dialects" => {
                let names = reader.texts("forward_auth", &entry).unwrap_or_default();
                config.dialects = names.iter().filter_map(|name| dialect(reader, &entry, name)).collect();
            }
            "trusted_peers" => {
                config.trusted_peers = networks(reader, "forward_auth", &entry);
            }
            "aliases" => {
                let choices = [("deny", true), ("pass", false)];
                let chosen = reader.one_of("forward_auth", &entry, "\"deny\" or \"pass\"", choices);
                config.denies_aliases = chosen.unwrap_or(true);
            }
            "client_certificate" => certificate = written(reader, "forward_auth", &entry),
            _ => reader.unknown("forward_auth", &entry, &FORWARD_AUTH),
        }
    }
    let usual: Vec<_> = config.dialects.iter().map(|dialect| dialect.certificate_format()).collect();
    config.client_certificate = certificate.and_then(|own| own.with(reader, "forward_auth", usual));
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

fn dialect(reader: &mut Reader<'_>, entry: &Entry<'_>, name: &str) -> Option<&'static dyn Dialect> {
    let found = dialect::named(name);
    if found.is_none() {
        let names = dialect::ALL.map(Dialect::name);
        let hint = match nearest(name, names) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("the dialects are {}", names.join(", ")),
        };
        reader.report("forward_auth", entry.path(), shown_value(name), "a proxy's dialect", hint);
    }
    found
}
