//! `requires-auth issuer`: the development issuer, to develop an API against.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;
use requires_auth_testkit::issuer::DevelopmentIssuer;
use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::json;

use crate::Outcome;
use crate::cli::Format;
use crate::error::Failure;
use crate::output::{DIM, GOOD, print_json, warn};
use crate::runtime::{block_on, stop_signal};
use crate::settings::lifetime;

/// Where the development issuer listens, if the port is free.
pub(crate) const DEFAULT_PORT: u16 = 9100;

const EXAMPLES: &str = "\
Examples:
  requires-auth issuer
  requires-auth issuer --audience https://orders.example.com --alg RS256 --lifetime 60

Every start makes fresh keys: tokens of an earlier one no longer count.";

/// The flags of `issuer`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IssuerArgs {
    /// The address to listen on; beyond loopback, whoever reaches it can make tokens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = host)]
    host: IpAddr,

    /// The port, or if it is taken the next free one; 0 is any
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT)]
    port: u16,

    /// `aud` of the tokens that are asked for without one
    #[arg(long, value_name = "AUD", default_value = "https://api.example.com")]
    audience: String,

    /// The signature algorithm
    #[arg(long, value_name = "ALG", default_value_t = Algorithm::default())]
    alg: Algorithm,

    /// How long tokens live: seconds, or 15m, 1h, 7d
    #[arg(long, value_name = "TIME", default_value = "3600", value_parser = lifetime, allow_hyphen_values = true)]
    lifetime: i64,
}

/// An address to listen on; `localhost` is that of IPv4.
fn host(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.parse().map_err(|_| "expected an address of this machine, as 127.0.0.1, or localhost".to_owned())
}

/// Runs `issuer` until it is told to stop.
pub(crate) fn run(args: &IssuerArgs, format: Format) -> Result<Outcome, Failure> {
    block_on(async {
        let stop = stop_signal()?;
        let builder = DevelopmentIssuer::builder().bind(SocketAddr::new(args.host, args.port));
        let builder =
            builder.key(SigningKey::generate(args.alg)).audience(&args.audience).lifetime(args.lifetime);
        let started = builder.port_or_next(args.port).start().await;
        let issuer = started.map_err(|error| cannot_listen(args.host, args.port, &error))?;
        if !args.host.is_loopback() {
            warn(&format!(
                "listening on {}: whoever reaches it can make tokens, and every API that trusts this issuer is open \
                 to them",
                args.host
            ));
        }
        match format {
            Format::Json => print_json(&addresses(&issuer))?,
            Format::Text => print_welcome(&issuer, args.port)?,
        }
        stop.await;
        issuer.shutdown().await;
        Ok(Outcome::Allow)
    })?
}

/// No socket to listen on.
pub(crate) fn cannot_listen(host: IpAddr, port: u16, error: &io::Error) -> Failure {
    Failure::new(format!("cannot listen on {}: {error}", SocketAddr::new(host, port)))
        .hint("choose another port with --port; 0 is any free one")
}

/// What to say when another port is used than the one that was wanted.
pub(crate) fn taken(wanted: u16, used: u16) -> Option<String> {
    (wanted != 0 && wanted != used).then(|| format!("port {wanted} is taken, {used} is the next free one"))
}

fn addresses(issuer: &DevelopmentIssuer) -> serde_json::Value {
    json!({
        "issuer": issuer.issuer(),
        "audience": issuer.audience(),
        "discovery": issuer.discovery_url(),
        "jwks_uri": issuer.jwks_uri(),
        "token_endpoint": issuer.token_endpoint(),
        "introspection_endpoint": issuer.introspection_endpoint(),
        "rotate": issuer.rotation_endpoint(),
    })
}

fn print_welcome(issuer: &DevelopmentIssuer, wanted_port: u16) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{GOOD}issuer{GOOD:#} {}", issuer.issuer())?;
    if let Some(note) = taken(wanted_port, issuer.address().port()) {
        writeln!(out, "{note}")?;
    }
    let token = issuer.token_endpoint();
    let blocks = [
        (
            "tell your API whom to trust",
            format!(
                "export REQUIRES_AUTH_ISSUER={}\nexport REQUIRES_AUTH_AUDIENCE={}",
                issuer.issuer(),
                issuer.audience()
            ),
        ),
        (
            "get a token, good or bad",
            format!(
                "curl -s '{token}?scope=read:items&sub=alice'\ncurl -s '{token}?scope=read:items&defect=expired'"
            ),
        ),
        ("rotate the key", format!("curl -s -X POST {}", issuer.rotation_endpoint())),
    ];
    for (title, lines) in blocks {
        writeln!(out, "\n{DIM}# {title}{DIM:#}\n{lines}")?;
    }
    writeln!(out, "\n{DIM}the keys are fresh and live only in this process; ctrl-c stops it{DIM:#}")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_an_address() {
        assert_eq!(host("localhost"), host("127.0.0.1"));
        assert!(host("::1").is_ok());
        assert!(host("issuer.example").is_err() && host("").is_err());
    }
}
