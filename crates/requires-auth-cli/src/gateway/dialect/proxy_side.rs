//! What a proxy's own file is made of: where the gateway and the application are, and what to copy.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use requires_auth::config::Config;
use requires_auth::config::gateway::{Listen, ServerConfig};

use super::interface::Wanted;
use crate::error::Failure;

/// Where the application is, unless it is said.
const APPLICATION: &str = "127.0.0.1:8080";

/// What the proxy's side is made of.
#[derive(Debug)]
pub(crate) struct ProxySide {
    pub(super) gateway: Place,
    /// Host and port of the application.
    pub(super) application: String,
    /// The port that the proxy listens on, if not its usual one.
    pub(super) port: Option<u16>,
    /// The names of the identity headers, as they are usually written.
    pub(super) headers: Vec<String>,
}

/// Where the proxy finds the gateway.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl ProxySide {
    /// The side of a proxy, by the configuration in `file`.
    ///
    /// # Errors
    ///
    /// The gateway listens where no proxy reaches it.
    pub(super) fn of(config: &Config, file: &Path, wanted: &Wanted) -> Result<Self, Failure> {
        let (file, gateway) = (file.display(), &config.gateway);
        let Some(server) = &gateway.server else {
            return Err(Failure::new(format!("{file}: no [server]"))
                .hint("write [server], and below it listen = \"127.0.0.1:9180\""));
        };
        Ok(Self {
            gateway: Place::of(server)?,
            application: wanted.upstream.clone().unwrap_or_else(|| APPLICATION.to_owned()),
            port: wanted.port,
            headers: gateway.headers.iter().map(|header| title_case(header.name.as_str())).collect(),
        })
    }
}

impl Place {
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

/// `x-auth-subject` as people write it: `X-Auth-Subject`.
fn title_case(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// The first lines of what is printed.
pub(super) fn preamble(proxy: &str, note: &str) -> String {
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

    fn side(text: &str, upstream: Option<&str>) -> Result<ProxySide, Failure> {
        let config = Config::parse(&format!("{ISSUER}{text}"), "/etc/auth.toml").expect("no mistakes");
        let wanted = Wanted { upstream: upstream.map(ToOwned::to_owned), ..Wanted::default() };
        ProxySide::of(&config, Path::new("auth.toml"), &wanted)
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
    fn headers_are_written_as_people_do() {
        assert_eq!(title_case("x-auth-subject"), "X-Auth-Subject");
        assert_eq!(title_case("x--a-"), "X--A-");
    }
}
