//! The proxy's side of a configuration: what stands in the proxy's own file.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use super::config::{Config, Listen, ServerConfig};
use super::dialect::{
    Dialect, NOT_FOR_MCP, OfResources, Part, Place, ProxySide, UNJUDGED, WELL_KNOWN, Wanted, title_case,
};
use super::token_places::TokenPlaces;
use crate::error::Failure;
use requires_auth::credential::TokenPlace;

/// Where the application is, unless it is said.
const APPLICATION: &str = "127.0.0.1:8080";

/// The proxy's side of a configuration: what stands in the proxy's own file, or the part of it that is wanted.
///
/// # Errors
///
/// The gateway does not answer this dialect, it listens where no proxy reaches it, or the proxy cannot do what is asked.
pub(crate) fn emit(
    dialect: &dyn Dialect,
    config: &Config,
    file: &Path,
    wanted: &Wanted,
) -> Result<String, Failure> {
    let name = dialect.name();
    let mut answered = config.gateway.forward_auth.iter();
    if !answered.any(|config| config.answers(dialect)) {
        let file = file.display();
        return Err(Failure::new(format!("{file}: {name} is not among the dialects of [forward_auth]"))
            .hint(format!("write [forward_auth], and below it dialects = [\"{name}\"]")));
    }
    let side = side(config, file, wanted)?;
    let text = match wanted.part {
        // A program of its own, in which comments are written in another way.
        Some(Part::Lua) => return dialect.emit_part(&side, Part::Lua),
        Some(part) => dialect.emit_part(&side, part),
        None => dialect.emit(&side),
    }?;
    Ok(text + &limits(dialect, config))
}

/// What this proxy cannot do about tokens in other places than `Authorization`, as comments; nothing where there are none.
fn limits(dialect: &dyn Dialect, config: &Config) -> String {
    let places = TokenPlaces::new(&config.guard.token_places());
    let named: Vec<_> = places.all().iter().map(ToString::to_string).collect();
    if named.is_empty() || dialect.takes_tokens() {
        return String::new();
    }
    format!(
        "\n# Tokens may stand in: {}.\n\
         # This proxy passes them on to the application, and chooses no subprotocol of a WebSocket for it: the application\n\
         # must not log them, nor repeat a subprotocol that holds one. A proxy that asks the gateway closes no WebSocket when\n\
         # its token ends. [reverse_proxy] does all of this.\n",
        named.join(", ")
    )
}

/// The headers that hold a token beside `Authorization`, and those by which a cookie counts.
fn token_headers(places: &[TokenPlace]) -> Vec<String> {
    const OF_COOKIES: [&str; 4] = ["sec-fetch-site", "upgrade", "sec-websocket-key", "sec-websocket-version"];
    let places = TokenPlaces::new(places);
    let own = places.all().iter().map(TokenPlace::header_name);
    let has_cookie = places.all().iter().any(|place| place.cookie_name().is_some());
    let mut names: Vec<_> =
        own.chain(OF_COOKIES.into_iter().filter(|_| has_cookie)).map(ToOwned::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// The side of a proxy, by the configuration in `file`.
///
/// # Errors
///
/// The gateway listens where no proxy reaches it.
fn side(config: &Config, file: &Path, wanted: &Wanted) -> Result<ProxySide, Failure> {
    let (file, gateway) = (file.display(), &config.gateway);
    let Some(server) = &gateway.server else {
        return Err(Failure::new(format!("{file}: no [server]"))
            .hint("write [server], and below it listen = \"127.0.0.1:9180\""));
    };
    let places = config.guard.token_places();
    let resources = of_resources(config)?;
    let is_mcp = resources.as_ref().is_some_and(|resources| resources.is_mcp);
    let proofs = config.proofs();
    let is_unread = !places.contains(&TokenPlace::authorization());
    Ok(ProxySide {
        gateway: place(server)?,
        application: wanted.upstream.clone().unwrap_or_else(|| APPLICATION.to_owned()),
        port: wanted.port,
        headers: gateway.headers.iter().map(|header| title_case(header.name.as_str())).collect(),
        token_headers: token_headers(&places),
        clears_authorization: if is_unread { Some(UNJUDGED) } else { is_mcp.then_some(NOT_FOR_MCP) },
        takes_proofs: proofs.are_taken(),
        tells_nonces: proofs.need_nonces,
        resources,
        names_hosts: gateway.routes.names_hosts(),
        certificate: gateway.certificate_header().cloned(),
        takes_certificates: config.takes_certificates(),
    })
}

/// What the resources of a configuration need of a proxy; nothing without any.
///
/// # Errors
///
/// A document is at a path that cannot be written into a proxy's file.
fn of_resources(config: &Config) -> Result<Option<OfResources>, Failure> {
    let resources = &config.gateway.resources;
    let mut documents = Vec::new();
    for url in resources.iter().filter_map(|own| own.metadata_url.as_ref()) {
        let path =
            url::Url::parse(url).map_err(|error| Failure::new(format!("{url}: {error}")))?.path().to_owned();
        if !path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-~".contains(c)) {
            return Err(Failure::new(format!("the path of `metadata_url`, `{path}`, is not plain"))
                .hint("name one of letters, digits, and / . _ - ~ alone"));
        }
        if !path.starts_with(WELL_KNOWN) && !documents.contains(&path) {
            documents.push(path);
        }
    }
    let is_mcp = resources.iter().any(|own| own.is_mcp);
    Ok((!resources.is_empty()).then_some(OfResources { documents, is_mcp }))
}

/// Where a proxy finds the gateway.
fn place(server: &ServerConfig) -> Result<Place, Failure> {
    if server.tls.is_some() {
        return Err(Failure::new(
            "the gateway serves TLS, and only plain HTTP between proxy and gateway is written",
        )
        .hint(
            "let it listen on loopback or a unix socket without [server.tls], or adapt the recipe by hand",
        ));
    }
    match &server.listen {
        Listen::Unix(path) => Ok(Place::Unix(absolute(path)?)),
        Listen::Tcp(address) if address.port() == 0 => {
            Err(Failure::new("the gateway listens on any free port")
                .hint("give it one of its own: listen = \"127.0.0.1:9180\""))
        }
        Listen::Tcp(address) => {
            let mut address = *address;
            // What listens everywhere is found at home.
            if address.ip().is_unspecified() {
                let loopback =
                    if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
                address.set_ip(loopback);
            }
            Ok(Place::Tcp(address))
        }
    }
}

/// A path that a proxy understands wherever it runs, and that cannot end what it is written into.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    let absolute = std::path::absolute(path)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !absolute.to_str().is_some_and(|path| path.chars().all(is_plain)) {
        return Err(Failure::new(format!("the path of the socket, `{}`, is not plain", path.display()))
            .hint("name one of letters, digits, and / . _ - alone"));
    }
    Ok(absolute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::dialect;

    const ISSUER: &str =
        "[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"https://api.example.com\"\n";
    const ALL: &str = "[forward_auth]\ndialects = [\"caddy\", \"envoy\", \"envoy-grpc\", \"haproxy\", \"nginx\", \"traefik\"]\n";

    fn side(text: &str, upstream: Option<&str>) -> Result<ProxySide, Failure> {
        let config = Config::parse(&format!("{ISSUER}{text}"), "/etc/auth.toml").expect("no mistakes");
        let wanted = Wanted { upstream: upstream.map(ToOwned::to_owned), ..Wanted::default() };
        super::side(&config, Path::new("auth.toml"), &wanted)
    }

    fn refusal(text: &str) -> String {
        side(text, None).expect_err("a failure").to_string()
    }

    #[test]
    fn the_gateway_is_found_where_it_listens() {
        for (listen, expected) in [
            ("127.0.0.1:9180", Place::Tcp(([127, 0, 0, 1], 9180).into())),
            ("0.0.0.0:80", Place::Tcp(([127, 0, 0, 1], 80).into())),
            ("[::]:80", Place::Tcp((Ipv6Addr::LOCALHOST, 80).into())),
            ("10.1.2.3:80", Place::Tcp(([10, 1, 2, 3], 80).into())),
            ("unix:run/a.sock", Place::Unix("/etc/run/a.sock".into())),
        ] {
            let side = side(&format!("{ALL}[server]\nlisten = \"{listen}\"\n"), None);
            assert_eq!(side.expect(listen).gateway, expected);
        }
    }

    #[test]
    fn what_a_proxy_could_not_use_is_refused() {
        let listen = "[server]\nlisten = \"127.0.0.1:9180\"\n";
        assert!(refusal(ALL).contains("no [server]"));
        let any_port = format!("{ALL}[server]\nlisten = \"127.0.0.1:0\"\n");
        assert!(refusal(&any_port).contains("any free port"));
        let tls = format!("{ALL}{listen}tls = {{ certificate = \"a\", key = \"b\" }}\n");
        assert!(refusal(&tls).contains("TLS"));
        let strange = format!("{ALL}[server]\nlisten = \"unix:/run/a b;}}.sock\"\n");
        assert!(refusal(&strange).contains("not plain"));
    }

    #[test]
    fn the_application_is_where_it_is_told_to_be() {
        let text = format!("{ALL}[server]\nlisten = \"127.0.0.1:9180\"\n");
        let application = |text: &str, given| side(text, given).expect("a side").application;
        assert_eq!(application(&text, None), APPLICATION);
        assert_eq!(application(&text, Some("10.0.0.1:1")), "10.0.0.1:1");
    }

    #[test]
    fn the_files_that_are_shipped_are_what_is_printed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gateway");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
        // That file names those dialects that most people have; each is printed as if it were there.
        let (before, after) =
            ("dialects = [", format!("dialects = {:?} # ", dialect::ALL.map(Dialect::name)));
        let text = read("requires-auth.toml");
        assert_eq!(text.matches(before).count(), 1);
        let config = Config::parse(&text.replace(before, &after), "requires-auth.toml").expect("no mistakes");
        for dialect in dialect::ALL {
            let text = emit(dialect, &config, Path::new("requires-auth.toml"), &Wanted::default());
            let name = dialect.shipped_as();
            assert_eq!(text.expect("a text"), read(name), "{name}: print it anew");
        }
    }

    #[test]
    fn only_a_dialect_that_the_gateway_answers_is_written() {
        let text = "[server]\nlisten = \"127.0.0.1:9180\"\n[issuers.main]\nissuer = \"https://issuer.example\"\n\
                    audience = \"https://api.example.com\"\n";
        let of = |more: &str| {
            let config = Config::parse(&format!("{text}{more}"), "/etc/auth.toml").expect("no mistakes");
            let emitted = dialect::ALL
                .map(|dialect| emit(dialect, &config, Path::new("auth.toml"), &Wanted::default()).is_ok());
            let written = dialect::ALL.iter().zip(emitted).filter(|(_, is_written)| *is_written);
            written.map(|(own, _)| own.name()).collect::<Vec<_>>()
        };
        assert_eq!(of(""), Vec::<&str>::new());
        assert_eq!(of("[forward_auth]\ndialects = [\"nginx\"]\n"), ["nginx"]);
        assert_eq!(of("[forward_auth]\ndialects = [\"caddy\", \"envoy\"]\n"), ["caddy", "envoy"]);
    }

    #[test]
    fn envoy_shows_what_else_names_a_host_where_a_route_is_for_some_hosts() {
        let text =
            format!("{ISSUER}{ALL}[server]\nlisten = \"127.0.0.1:9180\"\n[[routes]]\nmatch = \"/*\"\n");
        let print = |more: &str| {
            let config = Config::parse(&format!("{text}{more}"), "/etc/auth.toml").expect("no mistakes");
            let envoy = dialect::named("envoy").expect("a dialect");
            emit(envoy, &config, Path::new("auth.toml"), &Wanted::default()).expect("a text")
        };
        let (without, with) = (print(""), print("host = \"a.test\"\n"));
        for name in ["x[-_.]forwarded[-_.]host", "x[-_.]original[-_.]host"] {
            assert!(!without.contains(name) && with.contains(name), "{name}");
        }
    }

    #[test]
    fn what_a_proxy_cannot_do_with_tokens_is_told() {
        let text = format!(
            "token_from = [{{ header = \"X-Token\" }}, {{ cookie = \"token\" }}]\n{ISSUER}{ALL}\
             [server]\nlisten = \"127.0.0.1:9180\"\n"
        );
        let print = |text: &str, name| {
            let config = Config::parse(text, "/etc/auth.toml").expect("no mistakes");
            emit(dialect::named(name).expect(name), &config, Path::new("auth.toml"), &Wanted::default())
                .expect("a text")
        };
        for name in ["caddy", "haproxy", "nginx", "traefik"] {
            assert!(
                print(&text, name).contains("# Tokens may stand in: header=X-Token, cookie=token."),
                "{name}"
            );
        }
        // Envoy shows the gateway what it is told to, and overwrites what a cookie is taken from.
        let envoy = print(&text, "envoy");
        let names =
            ["x-token", "cookie", "sec-fetch-site", "upgrade", "sec-websocket-key", "sec-websocket-version"];
        for name in names {
            assert!(envoy.contains(&format!("- exact: {name}\n")), "{name}");
        }
        assert_eq!(envoy.matches("- exact: cookie\n").count(), 2);
        assert!(!envoy.contains("# Tokens may stand in"));
        let default = format!("{ISSUER}{ALL}[server]\nlisten = \"127.0.0.1:9180\"\n");
        assert!(!print(&default, "nginx").contains("# Tokens may stand in"));
    }

    #[test]
    fn an_authorization_header_that_nobody_reads_is_taken_away() {
        let print = |token_from: &str, name, part| {
            let text = format!("{token_from}{ISSUER}{ALL}[server]\nlisten = \"127.0.0.1:9180\"\n");
            let config = Config::parse(&text, "/etc/auth.toml").expect("no mistakes");
            let wanted = Wanted { part, ..Wanted::default() };
            emit(dialect::named(name).expect(name), &config, Path::new("auth.toml"), &wanted).expect("a text")
        };
        let elsewhere = "token_from = [{ header = \"X-Token\" }]\n";
        let both = "token_from = [\"authorization\", { header = \"X-Token\" }]\n";
        for (name, part, directive) in [
            ("nginx", None, "proxy_set_header Authorization \"\";\n"),
            ("nginx", Some(Part::Location), "proxy_set_header Authorization \"\";\n"),
            ("caddy", None, "header_up -Authorization\n"),
            ("haproxy", None, "http-request del-header Authorization\n"),
            ("traefik", None, "          Authorization: \"\"\n"),
        ] {
            let text = print(elsewhere, name, part);
            assert!(text.contains(directive) && text.contains("nobody has judged what it says"), "{text}");
            for read in ["", both] {
                assert!(!print(read, name, part).contains("Authorization:"), "{name}");
                assert!(!print(read, name, part).contains(directive), "{name}");
            }
        }
    }

    #[test]
    fn the_documents_of_resources_are_answered_by_the_gateway() {
        let print = |name, mcp: &str, more: &str| {
            let text = format!(
                "{ISSUER}{ALL}[server]\nlisten = \"127.0.0.1:9180\"\n[[resources]]\nresource = \"https://api.example.com/mcp\"\n\
                 issuers = \"main\"\n{mcp}{more}"
            );
            let config = Config::parse(&text, "/etc/auth.toml").expect("no mistakes");
            let wanted = Wanted::default();
            emit(dialect::named(name).expect(name), &config, Path::new("auth.toml"), &wanted)
        };
        let elsewhere = "metadata_url = \"https://api.example.com/team/metadata\"\n";
        for (name, location, other, cleared, stream) in [
            (
                "nginx",
                "location ^~ WELL {\n",
                "location = /team/metadata {\n",
                "Authorization \"\";",
                "proxy_buffering off;",
            ),
            ("caddy", "@metadata path WELL WELL/*", " /team/metadata\n", "header_up -Authorization", ""),
            (
                "haproxy",
                "acl metadata path WELL",
                " /team/metadata\n",
                "del-header Authorization",
                "timeout server 1h",
            ),
            ("traefik", "PathPrefix(`WELL`)", " || Path(`/team/metadata`)", "Authorization: \"\"", ""),
            (
                "envoy",
                "{ prefix: \"WELL\" }",
                "{ path: \"/team/metadata\" }",
                "[authorization]",
                "timeout: 0s",
            ),
            (
                "envoy-grpc",
                "{ prefix: \"WELL\" }",
                "{ path: \"/team/metadata\" }",
                "[authorization]",
                "timeout: 0s",
            ),
        ] {
            let location = location.replace("WELL", WELL_KNOWN);
            let plain = print(name, "", "").expect(name);
            assert!(plain.contains(&location) && !plain.contains("/team/metadata"), "{plain}");
            assert!(
                !plain.contains(NOT_FOR_MCP) && (stream.is_empty() || !plain.contains(stream)),
                "{plain}"
            );
            let mcp = print(name, "mcp = true\n", elsewhere).expect(name);
            assert!(mcp.contains(&location) && mcp.contains(other) && mcp.contains(stream), "{mcp}");
            assert!(mcp.contains(NOT_FOR_MCP) && mcp.contains(cleared), "{mcp}");
        }
        let strange = "metadata_url = \"https://api.example.com/a(b)\"\n";
        assert!(print("nginx", "", strange).expect_err("a failure").to_string().contains("not plain"));
    }

    #[test]
    fn nginx_and_haproxy_are_printed_in_parts() {
        let text = format!(
            "{ISSUER}{ALL}[server]\nlisten = \"127.0.0.1:9180\"\n[headers]\nX-Auth-Subject = \"sub\"\n"
        );
        let config = Config::parse(&text, "/etc/auth.toml").expect("no mistakes");
        let print = |name, part| {
            let wanted = Wanted { part, ..Wanted::default() };
            emit(dialect::named(name).expect(name), &config, Path::new("auth.toml"), &wanted)
        };
        let blocks = [Part::Http, Part::Server, Part::Location];
        let all = blocks.map(|part| print("nginx", Some(part)).expect("a part")).concat();
        let directives = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
        let whole = print("nginx", None).expect("a text");
        let parts = directives(&all);
        let own = [
            "server {",
            "listen",
            "location / {",
            "proxy_pass http://127.0.0.1:8080",
            "proxy_set_header Host ",
            "#",
            "}",
        ];
        for line in directives(&whole).iter().filter(|line| !own.iter().any(|own| line.starts_with(own))) {
            assert!(parts.contains(line), "{line}");
        }
        assert!(print("haproxy", Some(Part::Lua)).is_ok_and(|script| script.starts_with("-- Asks")));
        for (name, part) in [("caddy", Part::Server), ("haproxy", Part::Server), ("nginx", Part::Lua)] {
            assert!(print(name, Some(part)).is_err(), "{name}");
        }
    }
}
