//! `config emit`: what the proxy needs to be told, made of the gateway's own configuration.
//!
//! What is printed is a whole configuration with one place to protect: it runs as it is, to be taken apart into one's
//! own. Routes need nothing here; the gateway has them.

mod caddy;
mod envoy;
mod nginx;
mod traefik;

use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use self::envoy::Over;
use clap::{Args, ValueEnum};
use requires_auth::config::Config;
use requires_auth::config::gateway::{Dialect, Listen, ServerConfig};

use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::error::located;
use crate::output::print_json;

/// Where the application is, unless the file says it.
const APPLICATION: &str = "127.0.0.1:8080";

const EXAMPLES: &str = "\
Examples:
  requires-auth config emit nginx gateway.toml > /etc/nginx/conf.d/api.conf
  requires-auth config emit envoy gateway.toml --upstream 10.0.0.5:8080 --listen 8443 > envoy.yaml";

/// The flags of `config emit`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct EmitArgs {
    /// The proxy
    #[arg(value_enum)]
    proxy: Proxy,

    /// The configuration file
    #[arg(value_name = "FILE", default_value = "requires-auth.toml")]
    file: PathBuf,

    /// Where the application is, as host and port [default: `upstream` of the file, else 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    upstream: Option<String>,

    /// The port that the proxy listens on [default: 80, and 8000 for envoy]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    listen: Option<u16>,
}

/// A proxy, and how it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Proxy {
    Nginx,
    Caddy,
    Traefik,
    Envoy,
    EnvoyGrpc,
}

impl Proxy {
    const fn dialect(self) -> (&'static str, Dialect) {
        match self {
            Self::Nginx => ("nginx", Dialect::Nginx),
            Self::Caddy => ("caddy", Dialect::Caddy),
            Self::Traefik => ("traefik", Dialect::Traefik),
            Self::Envoy => ("envoy", Dialect::Envoy),
            Self::EnvoyGrpc => ("envoy-grpc", Dialect::EnvoyGrpc),
        }
    }
}

/// What the proxy's side is made of.
#[derive(Debug)]
struct Side {
    gateway: Gateway,
    /// Host and port of the application.
    application: String,
    /// The port that the proxy listens on, if not its usual one.
    port: Option<u16>,
    /// The names of the identity headers, as they are usually written.
    headers: Vec<String>,
}

/// Where the proxy finds the gateway.
#[derive(Debug, PartialEq, Eq)]
enum Gateway {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl EmitArgs {
    /// Runs `config emit`.
    pub(super) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let config = Config::load(&self.file, |builder| builder)
            .map(|(config, _)| config)
            .map_err(|error| located(&error))?;
        let side = Side::of(&config, &self)?;
        let text = emit(self.proxy, &side)?;
        match context.format {
            Format::Text => std::io::stdout().lock().write_all(text.as_bytes())?,
            Format::Json => {
                print_json(&serde_json::json!({ "proxy": self.proxy.dialect().0, "text": text }))?
            }
        }
        Ok(Outcome::Allow)
    }
}

fn emit(proxy: Proxy, side: &Side) -> Result<String, Failure> {
    Ok(match proxy {
        Proxy::Nginx => nginx::emit(side),
        Proxy::Caddy => caddy::emit(side),
        Proxy::Traefik => traefik::emit(side)?,
        Proxy::Envoy => envoy::emit(side, Over::Http),
        Proxy::EnvoyGrpc => envoy::emit(side, Over::Grpc),
    })
}

impl Side {
    fn of(config: &Config, args: &EmitArgs) -> Result<Self, Failure> {
        let file = args.file.display();
        let (name, dialect) = args.proxy.dialect();
        let gateway = &config.gateway;
        let dialects = gateway.forward_auth.as_ref().map(|forward_auth| forward_auth.dialects.as_slice());
        if !dialects.unwrap_or_default().contains(&dialect) {
            return Err(Failure::new(format!("{file}: {name} is not among the dialects of [forward_auth]"))
                .hint(format!("write [forward_auth], and below it dialects = [\"{name}\"]")));
        }
        let Some(server) = &gateway.server else {
            return Err(Failure::new(format!("{file}: no [server]"))
                .hint("write [server], and below it listen = \"127.0.0.1:9180\""));
        };
        let application = args.upstream.clone().unwrap_or_else(|| APPLICATION.to_owned());
        Ok(Self {
            gateway: Gateway::of(server)?,
            application,
            port: args.listen,
            headers: gateway.headers.iter().map(|header| title_case(header.name.as_str())).collect(),
        })
    }
}

impl Gateway {
    fn of(server: &ServerConfig) -> Result<Self, Failure> {
        if server.tls.is_some() {
            return Err(Failure::new("the gateway serves TLS, and only plain HTTP between proxy and gateway is written")
                .hint("let it listen on loopback or a unix socket without [server.tls], or adapt the recipe by hand"));
        }
        match &server.listen {
            Listen::Unix(path) => Ok(Self::Unix(absolute(path)?)),
            Listen::Tcp(address) if address.port() == 0 => {
                Err(Failure::new("the gateway listens on any free port")
                    .hint("give it one of its own: listen = \"127.0.0.1:9180\""))
            }
            Listen::Tcp(address) => {
                let mut address = *address;
                // What listens everywhere is found at home.
                if address.ip().is_unspecified() {
                    let loopback = if address.is_ipv4() {
                        Ipv4Addr::LOCALHOST.into()
                    } else {
                        Ipv6Addr::LOCALHOST.into()
                    };
                    address.set_ip(loopback);
                }
                Ok(Self::Tcp(address))
            }
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

/// Host and port, of letters that cannot end what they are written into.
fn host_and_port(text: &str) -> Result<String, String> {
    let expected = || "expected host and port, such as 127.0.0.1:8080".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match bare {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    };
    let is_port =
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0);
    if is_host && is_port { Ok(text.to_owned()) } else { Err(expected()) }
}

/// `x-auth-subject` as people write it: `X-Auth-Subject`.
fn title_case(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// The first lines of what is printed.
fn preamble(proxy: &str, note: &str) -> String {
    format!(
        "# Made by `requires-auth config emit {proxy}`: make it anew when [server] or [headers] change.\n# {note}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str =
        "[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"https://api.example.com\"\n";
    const ALL: &str = "[forward_auth]\ndialects = [\"caddy\", \"envoy\", \"nginx\", \"traefik\"]\n";

    fn side(text: &str, proxy: Proxy, upstream: Option<&str>) -> Result<Side, Failure> {
        let config = Config::parse(&format!("{ISSUER}{text}"), "/etc/auth.toml").expect("no mistakes");
        let upstream = upstream.map(ToOwned::to_owned);
        let args = EmitArgs { proxy, file: "auth.toml".into(), upstream, listen: None };
        Side::of(&config, &args)
    }

    fn refusal(text: &str, proxy: Proxy) -> String {
        side(text, proxy, None).expect_err("a failure").to_string()
    }

    #[test]
    fn the_gateway_is_found_where_it_listens() {
        for (listen, expected) in [
            ("127.0.0.1:9180", Gateway::Tcp(([127, 0, 0, 1], 9180).into())),
            ("0.0.0.0:80", Gateway::Tcp(([127, 0, 0, 1], 80).into())),
            ("[::]:80", Gateway::Tcp((Ipv6Addr::LOCALHOST, 80).into())),
            ("10.1.2.3:80", Gateway::Tcp(([10, 1, 2, 3], 80).into())),
            ("unix:run/a.sock", Gateway::Unix("/etc/run/a.sock".into())),
        ] {
            let side = side(&format!("{ALL}[server]\nlisten = \"{listen}\"\n"), Proxy::Nginx, None);
            assert_eq!(side.expect(listen).gateway, expected);
        }
    }

    #[test]
    fn what_a_proxy_could_not_use_is_refused() {
        let listen = "[server]\nlisten = \"127.0.0.1:9180\"\n";
        assert!(refusal(listen, Proxy::Nginx).contains("nginx is not among the dialects"));
        let only = format!("{listen}[forward_auth]\ndialects = [\"nginx\"]\n");
        assert!(refusal(&only, Proxy::Envoy).contains("envoy is not among the dialects"));
        assert!(refusal(ALL, Proxy::Caddy).contains("no [server]"));
        let any_port = format!("{ALL}[server]\nlisten = \"127.0.0.1:0\"\n");
        assert!(refusal(&any_port, Proxy::Caddy).contains("any free port"));
        let tls = format!("{ALL}{listen}tls = {{ certificate = \"a\", key = \"b\" }}\n");
        assert!(refusal(&tls, Proxy::Caddy).contains("TLS"));
        let strange = format!("{ALL}[server]\nlisten = \"unix:/run/a b;}}.sock\"\n");
        assert!(refusal(&strange, Proxy::Nginx).contains("not plain"));
    }

    #[test]
    fn the_application_is_where_it_is_told_to_be() {
        let text = format!("{ALL}[server]\nlisten = \"127.0.0.1:9180\"\n");
        let application = |text: &str, given| side(text, Proxy::Nginx, given).expect("a side").application;
        assert_eq!(application(&text, None), APPLICATION);
        assert_eq!(application(&text, Some("10.0.0.1:1")), "10.0.0.1:1");
    }

    #[test]
    fn the_files_that_are_shipped_are_what_is_printed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gateway");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
        let (config, _) =
            Config::load(folder.join("requires-auth.toml"), |builder| builder).expect("no mistakes");
        for (proxy, name) in [
            (Proxy::Nginx, "nginx.conf"),
            (Proxy::Caddy, "Caddyfile"),
            (Proxy::Traefik, "traefik.yml"),
            (Proxy::Envoy, "envoy.yaml"),
            (Proxy::EnvoyGrpc, "envoy-grpc.yaml"),
        ] {
            let args = EmitArgs { proxy, file: "requires-auth.toml".into(), upstream: None, listen: None };
            let side = Side::of(&config, &args).expect("a side");
            assert_eq!(emit(proxy, &side).expect("a text"), read(name), "{name}: print it anew");
        }
    }

    #[test]
    fn host_and_port_are_nothing_else() {
        for good in ["127.0.0.1:8080", "[::1]:80", "app:3000", "app_1.internal:65535"] {
            assert_eq!(host_and_port(good).as_deref(), Ok(good));
        }
        for bad in [
            "app",
            "app:",
            ":80",
            "app:0",
            "app:65536",
            "app:+1",
            "a;b:80",
            "a b:80",
            "::1:80x",
            "[::g]:1",
            "{$X}:1",
            "",
        ] {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_are_written_as_people_do() {
        assert_eq!(title_case("x-auth-subject"), "X-Auth-Subject");
        assert_eq!(title_case("x--a-"), "X--A-");
    }
}
