//! From TOML to a [`GatewayConfig`].

use std::path::Path;

use http::{HeaderName, StatusCode};
use toml::de::{DeTable, DeValue};
use url::Url;

use super::{
    Dialect, ForwardAuthConfig, GatewayConfig, IdentityHeader, IdentitySource, Listen, Network,
    ReverseProxyConfig, RouteTest, ServerConfig, TlsConfig,
};
use crate::config::IssuerConfig;
use crate::config::nearest::nearest;
use crate::config::reader::{Entry, Reader, shown};
use crate::config::schema::{not_yet, one_of, path, shown_value, unknown};
use crate::error::ErrorCode;
use crate::policy::{ClaimTest, ClaimValue, Policy};
use crate::routes::{Access, Pattern, Route, Routes};

const SERVER: [&str; 4] = ["listen", "admin", "public_url", "tls"];
const TLS: [&str; 2] = ["certificate", "key"];
const FORWARD_AUTH: [&str; 3] = ["dialects", "trusted_peers", "aliases"];
const REVERSE_PROXY: [&str; 3] = ["upstream", "preserve_host", "pass_token"];
const ROUTE: [&str; 8] =
    ["match", "public", "scopes", "any_scopes", "claims", "issuers", "preflight", "enforce"];
const TEST: [&str; 3] = ["request", "claims", "expect"];
const EXPECT: [&str; 2] = ["status", "error"];

/// What no application could tell from what a client or the proxy has sent.
const NOT_FOR_IDENTITY: [&str; 7] =
    ["authorization", "connection", "content-length", "cookie", "host", "te", "transfer-encoding"];

/// The sections, once the issuers are read. `enforces` is `enforce` for all routes.
pub(in crate::config) fn read(
    reader: &mut Reader<'_>,
    document: &DeTable<'_>,
    folder: &Path,
    issuers: &[IssuerConfig],
) -> GatewayConfig {
    let mut config = GatewayConfig::default();
    let mut is_shadow = false;
    for entry in reader.entries(document, "") {
        match entry.key {
            "enforce" => is_shadow = shadow(reader, "configuration", &entry),
            "server" => config.server = server(reader, &entry, folder),
            "forward_auth" => config.forward_auth = forward_auth(reader, &entry),
            "reverse_proxy" => config.reverse_proxy = reverse_proxy(reader, &entry),
            "headers" => config.headers = headers(reader, &entry),
            _ => {}
        }
    }
    let mut paths = Vec::new();
    let mut routes = Vec::new();
    for (entry, table) in tables(reader, document, "routes") {
        routes.push(route(reader, &entry, table, issuers, is_shadow));
        paths.push(entry.path);
    }
    config.routes = Routes::new(routes);
    for (route, own, earlier) in config.routes.unreachable() {
        let pattern = config.routes.iter().nth(route).and_then(|route| route.patterns.get(own));
        let found = format!(
            "`{}`, all of whose requests `{}` takes",
            pattern.map_or("", Pattern::as_str),
            earlier.as_str()
        );
        let hint =
            "the first route that is for a request decides: put the special one before the general one";
        reader.report("routes", &format!("{}.match", paths[route]), found, "a route that is reached", hint);
    }
    for (entry, table) in tables(reader, document, "tests") {
        if let Some(test) = test(reader, &entry, table, issuers) {
            config.tests.push(test);
        }
    }
    config
}

fn server(reader: &mut Reader<'_>, entry: &Entry<'_>, folder: &Path) -> Option<ServerConfig> {
    let table = reader.table("server", entry)?;
    let (mut listen_at, mut admin, mut public_url, mut tls_files) = (None, None, None, None);
    for entry in reader.entries(table, &entry.path) {
        match entry.key {
            "listen" => listen_at = listen(reader, "server", &entry, folder),
            "admin" => admin = listen(reader, "server", &entry, folder),
            "public_url" => public_url = base_url(reader, "server", &entry, "https://api.example.com"),
            "tls" => tls_files = tls(reader, &entry, folder),
            key => unknown(reader, "server", &entry, nearest(key, SERVER), &SERVER),
        }
    }
    if !table.contains_key("listen") {
        let hint = "write listen = \"127.0.0.1:9180\"";
        reader.report("server", &format!("{}.listen", entry.path), "nothing", "an address and a port", hint);
    }
    if admin.is_some() && admin == listen_at {
        let hint = "give it a port of its own, which the outside cannot reach";
        reader.report("server", &format!("{}.admin", entry.path), "that of `listen`", "another place", hint);
    }
    Some(ServerConfig { listen: listen_at?, admin, public_url, tls: tls_files })
}

fn listen(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>, folder: &Path) -> Option<Listen> {
    let text = reader.text(field, entry)?;
    let found = match text.strip_prefix("unix:") {
        Some("") => None,
        Some(path) => Some(Listen::Unix(folder.join(path))),
        None => text.parse().ok().map(Listen::Tcp),
    };
    if found.is_none() {
        let hint = "write \"127.0.0.1:9180\", \"[::1]:9180\" or \"unix:/run/requires-auth.sock\"";
        reader.report(
            field,
            &entry.path,
            shown_value(&text),
            "an address and a port, or a unix socket",
            hint,
        );
    }
    found
}

fn tls(reader: &mut Reader<'_>, entry: &Entry<'_>, folder: &Path) -> Option<TlsConfig> {
    let table = reader.table("server", entry)?;
    let (mut certificate, mut key) = (None, None);
    for entry in reader.entries(table, &entry.path) {
        match entry.key {
            "certificate" => certificate = path(reader, "server", &entry, folder),
            "key" => key = path(reader, "server", &entry, folder),
            key => unknown(reader, "server", &entry, nearest(key, TLS), &TLS),
        }
    }
    for name in TLS.into_iter().filter(|name| !table.contains_key(*name)) {
        let hint = "write tls = { certificate = \"cert.pem\", key = \"key.pem\" }";
        reader.report("server", &format!("{}.{name}", entry.path), "nothing", "a file in PEM", hint);
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
        let hint = format!("write scheme, host and port alone: {} = \"{example}\"", entry.key);
        reader.report(field, &entry.path, "another text", "a URL without user, path and query", hint);
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
    for entry in reader.entries(table, &entry.path) {
        match entry.key {
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
                let chosen = one_of(reader, "forward_auth", &entry, "\"deny\" or \"pass\"", choices);
                config.denies_aliases = chosen.unwrap_or(true);
            }
            key => unknown(reader, "forward_auth", &entry, nearest(key, FORWARD_AUTH), &FORWARD_AUTH),
        }
    }
    if !table.contains_key("dialects") {
        let hint = "name the proxy that asks: dialects = [\"nginx\"]";
        reader.report(
            "forward_auth",
            &format!("{}.dialects", entry.path),
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
        reader.report("forward_auth", &entry.path, shown_value(name), "a proxy's dialect", hint);
    }
    found
}

fn network(reader: &mut Reader<'_>, entry: &Entry<'_>, text: &str) -> Option<Network> {
    let found = text.parse().ok();
    if found.is_none() {
        let hint = "write \"10.0.0.0/8\", \"::1/128\" or one address";
        reader.report("forward_auth", &entry.path, shown_value(text), "networks", hint);
    }
    found
}

fn reverse_proxy(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<ReverseProxyConfig> {
    let table = reader.table("reverse_proxy", entry)?;
    let (mut upstream, mut preserve_host, mut pass_token) = (None, true, false);
    for entry in reader.entries(table, &entry.path) {
        match entry.key {
            "upstream" => upstream = base_url(reader, "reverse_proxy", &entry, "http://127.0.0.1:8080"),
            "preserve_host" => preserve_host = switch(reader, "reverse_proxy", &entry).unwrap_or(true),
            "pass_token" => pass_token = switch(reader, "reverse_proxy", &entry).unwrap_or(false),
            key => unknown(reader, "reverse_proxy", &entry, nearest(key, REVERSE_PROXY), &REVERSE_PROXY),
        }
    }
    if !table.contains_key("upstream") {
        let hint = "write upstream = \"http://127.0.0.1:8080\"";
        reader.report(
            "reverse_proxy",
            &format!("{}.upstream", entry.path),
            "nothing",
            "the application's URL",
            hint,
        );
    }
    Some(ReverseProxyConfig { upstream: upstream?, preserve_host, pass_token })
}

fn switch(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> Option<bool> {
    let DeValue::Boolean(value) = entry.value else {
        reader.report(field, &entry.path, "another value", "true or false", "write it without quotes");
        return None;
    };
    Some(*value)
}

fn shadow(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> bool {
    let choices = [("on", false), ("shadow", true)];
    one_of(reader, field, entry, "\"on\" or \"shadow\"", choices).unwrap_or(false)
}

fn headers(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<IdentityHeader> {
    let Some(table) = reader.table("headers", entry) else { return Vec::new() };
    let mut headers: Vec<IdentityHeader> = Vec::new();
    for entry in reader.entries(table, &entry.path) {
        let name = entry.key.parse::<HeaderName>().ok().filter(|name| {
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
                &entry.path,
                shown_value(entry.key),
                "a header that only the gateway sets",
                hint,
            );
            continue;
        };
        if headers.iter().any(|other| other.name == name) {
            let hint = "names of headers do not differ in case";
            reader.report("headers", &entry.path, "the same header again", "different headers", hint);
        }
        let Some(source) = reader.text("headers", &entry) else { continue };
        let source = match source.as_str() {
            "@issuer" => IdentitySource::IssuerName,
            path if path.is_empty() || path.starts_with('@') => {
                let hint = "write a claim, such as \"sub\" or \"org.plan\", or \"@issuer\"";
                reader.report(
                    "headers",
                    &entry.path,
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

/// The tables of a list `[[name]]`, each with its path: `routes.1`.
fn tables<'a>(
    reader: &mut Reader<'_>,
    document: &'a DeTable<'a>,
    name: &'static str,
) -> Vec<(Entry<'a>, &'a DeTable<'a>)> {
    let Some(value) = document.get(name) else { return Vec::new() };
    let DeValue::Array(list) = value.get_ref() else {
        let hint = format!("begin each with a line [[{name}]]");
        reader.report(name, name, "another value", "a list of tables", hint);
        return Vec::new();
    };
    let mut tables = Vec::new();
    for (place, item) in list.iter().enumerate() {
        let path = format!("{name}.{}", place + 1);
        reader.place(&path, item.span().start);
        let value = item.get_ref();
        match value {
            DeValue::Table(table) => tables.push((Entry { key: name, path, value }, table)),
            _ => reader.report(
                name,
                &path,
                "another value",
                "a table",
                format!("begin it with a line [[{name}]]"),
            ),
        }
    }
    tables
}

fn route(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    table: &DeTable<'_>,
    issuers: &[IssuerConfig],
    is_shadow: bool,
) -> Route {
    let within = &entry.path;
    let mut patterns = Vec::new();
    let (mut scopes, mut claims, mut own_issuers) = (None, Vec::new(), Vec::new());
    let (mut is_public, mut allows_preflight, mut is_shadow) = (false, true, is_shadow);
    for entry in reader.entries(table, within) {
        match entry.key {
            "match" => {
                for text in reader.texts("routes", &entry).unwrap_or_default() {
                    match text.parse::<Pattern>() {
                        Ok(pattern) => patterns.push(pattern),
                        Err(error) => {
                            reader.report(
                                "routes",
                                &entry.path,
                                error.found,
                                "a method and a path",
                                error.hint,
                            );
                        }
                    }
                }
            }
            "public" => is_public = switch(reader, "routes", &entry).unwrap_or(false),
            "scopes" | "any_scopes" => {
                if scopes.is_some() {
                    let hint = "keep the one that says what the route needs";
                    reader.report("routes", &entry.path, "scopes and any_scopes", "one of the two", hint);
                }
                scopes = policy_of(reader, &entry).or(scopes);
            }
            "claims" => claims = claim_rules(reader, &entry),
            "issuers" => {
                for name in reader.texts("routes", &entry).unwrap_or_default() {
                    match issuers.iter().find(|issuer| issuer.name == name) {
                        Some(issuer) => own_issuers.push(issuer.issuer.clone()),
                        None => unknown_issuer(reader, &entry.path, &name, issuers),
                    }
                }
            }
            "preflight" => {
                let choices = [("allow", true), ("deny", false)];
                allows_preflight =
                    one_of(reader, "routes", &entry, "\"allow\" or \"deny\"", choices).unwrap_or(true);
            }
            "enforce" => is_shadow = shadow(reader, "routes", &entry),
            "dpop" | "accept_tokens" => not_yet(reader, "routes", &entry),
            key => unknown(reader, "routes", &entry, nearest(key, ROUTE), &ROUTE),
        }
    }
    if !table.contains_key("match") {
        let hint = "write match = \"GET /orders/*\"";
        reader.report("routes", &format!("{within}.match"), "nothing", "a method and a path", hint);
    }
    if is_public {
        for key in
            ["scopes", "any_scopes", "claims", "issuers"].into_iter().filter(|key| table.contains_key(*key))
        {
            let hint = "a public route looks at no token: take one of the two out";
            reader.report("routes", &format!("{within}.{key}"), "this beside `public`", "nothing", hint);
        }
    }
    let access = if is_public {
        Access::Public
    } else {
        if !own_issuers.is_empty() {
            claims.push(("iss".to_owned(), ClaimTest::one_of(own_issuers)));
        }
        let policy = scopes.unwrap_or_default();
        Access::Token(
            claims.into_iter().fold(policy, |policy: Policy, (path, test)| policy.with_claim(path, test)),
        )
    };
    let mut route = Route::new(patterns, access);
    route.allows_preflight = allows_preflight;
    route.is_shadow = is_shadow;
    route
}

fn unknown_issuer(reader: &mut Reader<'_>, path: &str, name: &str, issuers: &[IssuerConfig]) {
    let names = issuers.iter().map(|issuer| issuer.name.as_str());
    let hint = match nearest(name, names) {
        Some(meant) => format!("did you mean \"{}\"?", shown(meant)),
        None => "use the name of a table [issuers.NAME]".to_owned(),
    };
    reader.report("routes", path, shown_value(name), "the name of an issuer of this file", hint);
}

fn policy_of(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Policy> {
    let scopes = reader.texts("routes", entry)?;
    // Whether they are scope tokens at all; a list of none needs nothing, which nobody writes on purpose.
    if Policy::parse(&scopes.join(" ")).is_err()
        || scopes.iter().any(|scope| scope.contains(char::is_whitespace))
    {
        let hint = "write one entry for each, without spaces: [\"read:orders\", \"write:orders\"]";
        reader.report("routes", &entry.path, "an empty list, or no scope", "scopes (RFC 6749 §3.3)", hint);
        return None;
    }
    Some(if entry.key == "scopes" { Policy::all_of(scopes) } else { Policy::any_of(scopes) })
}

fn claim_rules(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<(String, ClaimTest)> {
    let Some(table) = reader.table("routes", entry) else { return Vec::new() };
    let mut rules = Vec::new();
    for entry in reader.entries(table, &entry.path) {
        let test = match entry.value {
            DeValue::Array(list) => {
                let values: Option<Vec<_>> = list.iter().map(|item| claim_value(item.get_ref())).collect();
                values.filter(|values| !values.is_empty()).map(ClaimTest::OneOf)
            }
            value => claim_value(value).map(ClaimTest::Equals),
        };
        match test {
            Some(test) => rules.push((entry.key.to_owned(), test)),
            None => {
                let hint = "write { \"org.plan\" = [\"pro\", \"team\"] }";
                reader.report(
                    "routes",
                    &entry.path,
                    "another value",
                    "a text, number or boolean, or a list",
                    hint,
                );
            }
        }
    }
    rules
}

fn claim_value(value: &DeValue<'_>) -> Option<ClaimValue> {
    match value {
        DeValue::String(text) => Some(ClaimValue::Text(text.to_string())),
        DeValue::Boolean(value) => Some(ClaimValue::Bool(*value)),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(ClaimValue::Integer)
        }
        _ => None,
    }
}

fn test(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    table: &DeTable<'_>,
    issuers: &[IssuerConfig],
) -> Option<RouteTest> {
    let within = &entry.path;
    let mut test = RouteTest {
        method: "GET".to_owned(),
        target: String::new(),
        claims: None,
        status: 0,
        error: None,
        line: reader.places.line(within),
    };
    for entry in reader.entries(table, within) {
        match entry.key {
            "request" => {
                let text = reader.text("tests", &entry)?;
                match text.split_once(' ') {
                    Some((method, target)) => {
                        (test.method, test.target) = (method.to_owned(), target.to_owned())
                    }
                    None => test.target = text,
                }
            }
            "claims" => {
                let json = json(entry.value);
                let Some(serde_json::Value::Object(claims)) = json else {
                    let hint = "write claims = { iss = \"main\", scope = \"read:orders\" }";
                    reader.report("tests", &entry.path, "another value", "a table of claims", hint);
                    continue;
                };
                if let Some(name) = claims.get("iss").and_then(|name| name.as_str())
                    && !issuers.iter().any(|issuer| issuer.name == name)
                {
                    unknown_issuer(reader, &entry.path, name, issuers);
                }
                test.claims = Some(claims);
            }
            "expect" => expectation(reader, &entry, &mut test),
            key => unknown(reader, "tests", &entry, nearest(key, TEST), &TEST),
        }
    }
    for key in ["request", "expect"].into_iter().filter(|key| !table.contains_key(*key)) {
        let hint = "write request = \"GET /orders\" and expect = { status = 200 }";
        reader.report("tests", &format!("{within}.{key}"), "nothing", "a request and its answer", hint);
    }
    Some(test)
}

fn expectation(reader: &mut Reader<'_>, entry: &Entry<'_>, test: &mut RouteTest) {
    let Some(table) = reader.table("tests", entry) else { return };
    for entry in reader.entries(table, &entry.path) {
        match entry.key {
            "status" => {
                let status = reader.count("tests", &entry).and_then(|status| u16::try_from(status).ok());
                match status.filter(|status| StatusCode::from_u16(*status).is_ok()) {
                    Some(status) => test.status = status,
                    None => {
                        let hint = "200 if it is allowed, else 400, 401, 403 or 503";
                        reader.report("tests", &entry.path, "another number", "a status", hint);
                    }
                }
            }
            "error" => {
                let Some(code) = reader.text("tests", &entry) else { continue };
                let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
                if !codes.clone().any(|own| own == code) {
                    let hint = match nearest(&code, codes) {
                        Some(meant) => format!("did you mean \"{meant}\"?"),
                        None => "use a `code` of the answers, such as \"insufficient_scope\"".to_owned(),
                    };
                    reader.report("tests", &entry.path, shown_value(&code), "a code", hint);
                }
                test.error = Some(code);
            }
            key => unknown(reader, "tests", &entry, nearest(key, EXPECT), &EXPECT),
        }
    }
    if !table.contains_key("status") {
        let hint = "write expect = { status = 403, error = \"insufficient_scope\" }";
        reader.report("tests", &format!("{}.status", entry.path), "nothing", "a status", hint);
    }
}

/// What a token would have; `None` for what JSON has no word for.
fn json(value: &DeValue<'_>) -> Option<serde_json::Value> {
    Some(match value {
        DeValue::String(text) => text.to_string().into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.into(),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok()?.into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Datetime(_) => return None,
        DeValue::Array(list) => {
            list.iter().map(|item| json(item.get_ref())).collect::<Option<Vec<_>>>()?.into()
        }
        DeValue::Table(table) => {
            let members =
                table.iter().map(|(key, value)| Some((key.get_ref().to_string(), json(value.get_ref())?)));
            serde_json::Value::Object(members.collect::<Option<_>>()?)
        }
    })
}
