//! `config emit`: what the proxy needs to be told, made of the gateway's own configuration.
//!
//! What is printed is a whole configuration with one place to protect: it runs as it is, to be taken apart into one's
//! own. Routes need nothing here; the gateway has them.

use std::io::Write as _;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::error::located;
use crate::gateway::config::Config;
use crate::gateway::dialect::{self, Dialect, Part, Wanted};
use crate::gateway::emit::emit;
use crate::output::print_json;
use crate::ports::real_port;

const EXAMPLES: &str = "\
Examples:
  requires-auth config emit nginx gateway.toml > /etc/nginx/conf.d/api.conf
  requires-auth config emit nginx gateway.toml --part location > location.conf
  requires-auth config emit envoy gateway.toml \\
    --upstream 10.0.0.5:8080 --listen 8443 > envoy.yaml";

/// The flags of `config emit`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct EmitArgs {
    /// The proxy
    #[arg(value_parser = proxies())]
    proxy: &'static dyn Dialect,

    /// The configuration file
    #[arg(value_name = "FILE", default_value = "requires-auth.toml")]
    file: PathBuf,

    /// Where the application is, as host and port [default: `upstream` of the file, else 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    upstream: Option<String>,

    /// The port that the proxy listens on [default: 80, and 8000 for envoy]
    #[arg(long, value_name = "PORT", value_parser = real_port)]
    listen: Option<u16>,

    /// Only what goes into the block of this name in a configuration of your own (nginx), or the script (haproxy)
    #[arg(long, value_name = "PART", value_parser = parts(), conflicts_with_all = ["upstream", "listen"])]
    part: Option<Part>,
}

/// The proxies by their names.
fn proxies() -> impl clap::builder::TypedValueParser<Value = &'static dyn Dialect> {
    let names = dialect::ALL.map(Dialect::name);
    PossibleValuesParser::new(names).try_map(|name| dialect::named(&name).ok_or("no such proxy"))
}

/// The parts by their names.
fn parts() -> impl clap::builder::TypedValueParser<Value = Part> {
    PossibleValuesParser::new(Part::ALL.map(|(name, _)| name)).try_map(|name| {
        Part::ALL.into_iter().find_map(|(own, part)| (own == name).then_some(part)).ok_or("no such part")
    })
}

impl EmitArgs {
    /// Runs `config emit`.
    pub(super) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let config = Config::check(&self.file).map_err(|error| located(&error))?;
        let wanted = Wanted { upstream: self.upstream, port: self.listen, part: self.part };
        let text = emit(self.proxy, &config, &self.file, &wanted)?;
        match context.format {
            Format::Text => std::io::stdout().lock().write_all(text.as_bytes())?,
            Format::Json => print_json(&serde_json::json!({ "proxy": self.proxy.name(), "text": text }))?,
        }
        Ok(Outcome::Allow)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
