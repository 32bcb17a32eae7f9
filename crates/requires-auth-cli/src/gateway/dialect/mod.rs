//! How each proxy asks whether a request may pass: what its question says, how it is answered, and what stands in the
//! proxy's own file. A new proxy is a file here, a line in [`ALL`], and the file that is shipped for it.

use std::path::Path;

use requires_auth::config::Config;
use requires_auth::config::gateway::ForwardAuthConfig;

mod original;
mod proxy_side;
mod interface;
mod caddy;
mod envoy;
mod envoy_grpc;
mod nginx;
mod traefik;

pub(crate) use self::envoy_grpc::EnvoyGrpc;
pub(crate) use self::interface::{Answer, Dialect, Part, Question, Transport, Wanted};
pub(crate) use self::original::{METHOD_OVERRIDES, Original, has_body};
use self::proxy_side::ProxySide;
use crate::error::Failure;

/// Every dialect, in the order of their names.
pub(crate) const ALL: [&dyn Dialect; 5] =
    [&caddy::Caddy, &envoy::Envoy, &EnvoyGrpc, &nginx::Nginx, &traefik::Traefik];

/// The dialect of this name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Dialect> {
    ALL.into_iter().find(|dialect| dialect.name() == name)
}

/// The dialects of a configuration: only their endpoints exist.
pub(crate) fn of(config: &ForwardAuthConfig) -> impl Iterator<Item = &'static dyn Dialect> {
    let names = config.dialects.iter().filter_map(|configured| {
        requires_auth::config::gateway::Dialect::ALL.into_iter().find(|(_, own)| own == configured)
    });
    names.filter_map(|(name, _)| named(name))
}

/// The proxy's side of a configuration: what stands in the proxy's own file.
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
    let mut answered = config.gateway.forward_auth.iter().flat_map(of);
    if !answered.any(|own| own.name() == name) {
        let file = file.display();
        return Err(Failure::new(format!("{file}: {name} is not among the dialects of [forward_auth]"))
            .hint(format!("write [forward_auth], and below it dialects = [\"{name}\"]")));
    }
    let side = ProxySide::of(config, file, wanted)?;
    match wanted.part {
        Some(part) => dialect.emit_part(&side, part),
        None => dialect.emit(&side),
    }
}

#[cfg(test)]
mod tests {
    use requires_auth::config::gateway;

    use super::*;

    #[test]
    fn each_name_is_one_dialect() {
        let names = ALL.map(Dialect::name);
        assert!(names.is_sorted() && names.iter().all(|name| named(name).is_some()));
        assert_eq!(names, gateway::Dialect::ALL.map(|(name, _)| name));
        for wrong in ["", "Nginx", "nginx ", "envoy-"] {
            assert!(named(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn each_reads_the_question_that_its_proxy_asks_and_no_others() {
        let request = |asks: &dyn Dialect| {
            let (target, headers) = asks.ask("PUT", "/a?b");
            let mut request = http::Request::builder().method("PUT").uri(target);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            request.body(()).expect("a request")
        };
        for asked in ALL {
            let request = request(asked);
            for dialect in ALL {
                let target = request.uri().path_and_query().expect("a target").as_str();
                let endpoint = format!("/forward-auth/{}", asked.name());
                let rest = target.strip_prefix(&endpoint).unwrap_or_default();
                let question = Question { method: request.method(), headers: request.headers(), rest };
                let read = dialect.read(&question).ok().map(|original| (original.method, original.target));
                let is_own = asked.name() == dialect.name() && dialect.transport() == Transport::Http;
                if is_own {
                    assert_eq!(read, Some(("PUT", "/a?b")), "{dialect:?}");
                }
                if dialect.transport() == Transport::Grpc {
                    assert_eq!(read, None, "{dialect:?}");
                }
            }
        }
    }

    #[test]
    fn the_files_that_are_shipped_are_what_is_printed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gateway");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
        let (config, _) =
            Config::load(folder.join("requires-auth.toml"), |builder| builder).expect("no mistakes");
        for dialect in ALL {
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
            let emitted =
                ALL.map(|dialect| emit(dialect, &config, Path::new("auth.toml"), &Wanted::default()).is_ok());
            let written = ALL.iter().zip(emitted).filter(|(_, is_written)| *is_written);
            written.map(|(own, _)| own.name()).collect::<Vec<_>>()
        };
        assert_eq!(of(""), Vec::<&str>::new());
        assert_eq!(of("[forward_auth]\ndialects = [\"nginx\"]\n"), ["nginx"]);
        assert_eq!(of("[forward_auth]\ndialects = [\"caddy\", \"envoy\"]\n"), ["caddy", "envoy"]);
    }

    #[test]
    fn only_nginx_is_printed_in_parts() {
        let text = "[server]\nlisten = \"127.0.0.1:9180\"\n[issuers.main]\nissuer = \"https://issuer.example\"\n\
                    audience = \"https://api.example.com\"\n[headers]\nX-Auth-Subject = \"sub\"\n\
                    [forward_auth]\ndialects = [\"caddy\", \"nginx\"]\n";
        let config = Config::parse(text, "/etc/auth.toml").expect("no mistakes");
        let print = |name, part| {
            let wanted = Wanted { part, ..Wanted::default() };
            emit(named(name).expect(name), &config, Path::new("auth.toml"), &wanted)
        };
        let all: String = Part::ALL.map(|(_, part)| print("nginx", Some(part)).expect("a part")).concat();
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
        assert!(print("caddy", Some(Part::Server)).is_err());
    }
}
