//! `requires-auth issuer`: the development issuer, to develop an API against.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;
use requires_auth_testkit::issuer::DevelopmentIssuer;
use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::json;

use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::lifetime::lifetime;
use crate::output::{DIM, GOOD, print_json, warn};
use crate::ports::{ISSUER_PORT, cannot_listen, port, taken};
use crate::runtime::{block_on, stop_signal};

const EXAMPLES: &str = "\
Examples:
  requires-auth issuer
  requires-auth issuer --audience https://orders.example.com \\
    --alg RS256 --lifetime 60
  requires-auth issuer --host 0.0.0.0 --url http://issuer:9100/oidc

The last is for a container: the API beside it needs REQUIRES_AUTH_DANGEROUSLY_ALLOW_HTTP_ISSUER=true.

Every start makes fresh keys: tokens of an earlier one no longer count.";

/// The flags of `issuer`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IssuerArgs {
    /// The address to listen on; beyond loopback, whoever reaches it can make tokens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", value_parser = host)]
    host: IpAddr,

    /// The port, or if it is taken the next free one; 0 is any
    #[arg(long, value_name = "PORT", default_value_t = ISSUER_PORT, value_parser = port)]
    port: u16,

    /// How others reach it, which is `iss` of its tokens: inside containers, the name of its service
    /// [default: the address it listens on, and /oidc]
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// `aud` of the tokens that are asked for without one
    #[arg(long, value_name = "AUD", default_value = "https://api.example.com")]
    audience: String,

    /// The signature algorithm
    #[arg(long, value_name = "ALG", default_value_t = Algorithm::default())]
    alg: Algorithm,

    /// How long tokens live: seconds, or 15m, 1h, 7d
    #[arg(long, value_name = "TIME", default_value = "3600", value_parser = lifetime, allow_hyphen_values = true)]
    lifetime: i64,

    /// Grant these scopes alone, and list them in the metadata; repeatable or space-separated
    /// [default: every scope, and no list]
    #[arg(long, value_name = "SCOPE", value_delimiter = ' ')]
    scope: Vec<String>,

    /// Give out opaque tokens, which an API has to ask the introspection endpoint about
    #[arg(long)]
    opaque: bool,

    /// Demand a nonce in each DPoP proof at the token endpoint (RFC 9449)
    #[arg(long)]
    dpop_nonce: bool,
}

/// An address to listen on; `localhost` is that of IPv4.
fn host(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.parse().map_err(|_| "expected an address of this machine, as 127.0.0.1, or localhost".to_owned())
}

impl IssuerArgs {
    /// Runs `issuer` until it is told to stop.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        block_on(async {
            let stop = stop_signal()?;
            let builder = DevelopmentIssuer::builder().bind(SocketAddr::new(self.host, self.port));
            let builder =
                builder.key(SigningKey::generate(self.alg)).audience(&self.audience).lifetime(self.lifetime);
            let builder = builder
                .opaque(self.opaque)
                .dpop_nonce(self.dpop_nonce)
                .scopes(self.scope.iter().filter(|scope| !scope.is_empty()));
            // A URL names a port, so that no other will do.
            let builder = match &self.url {
                Some(url) => builder.url(url),
                None => builder.port_or_next(self.port),
            };
            let issuer = builder.start().await.map_err(|error| match (&self.url, error.kind()) {
                (Some(_), io::ErrorKind::InvalidInput) => Failure::new(format!("--url: {error}"))
                    .hint("write scheme, host and port, and a path if you like"),
                _ => cannot_listen(self.host, self.port, &error),
            })?;
            if !self.host.is_loopback() {
                warn(&format!(
                    "listening on {}: whoever reaches it can make tokens, and every API that trusts this issuer is open \
                     to them",
                    self.host
                ));
            }
            match context.format {
                Format::Json => print_json(&addresses(&issuer))?,
                Format::Text => print_welcome(&issuer, self.port)?,
            }
            stop.await;
            issuer.shutdown().await;
            Ok(Outcome::Allow)
        })?
    }
}

fn addresses(issuer: &DevelopmentIssuer) -> serde_json::Value {
    json!({
        "issuer": issuer.issuer(),
        "audience": issuer.audience(),
        "discovery": issuer.discovery_url(),
        "oauth_metadata": issuer.oauth_metadata_url(),
        "jwks_uri": issuer.jwks_uri(),
        "authorization_endpoint": issuer.authorization_endpoint(),
        "registration_endpoint": issuer.registration_endpoint(),
        "token_endpoint": issuer.token_endpoint(),
        "introspection_endpoint": issuer.introspection_endpoint(),
        "revocation_endpoint": issuer.revocation_endpoint(),
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
                "curl -s '{token}?scope=read:items&sub=alice'\ncurl -s '{token}?scope=read:items&defect=expired'\n\
                 requires-auth token --claim 'roles=[\"editor\"]' --lifetime 1h"
            ),
        ),
        (
            "an opaque token, and what an API needs to ask about it",
            format!(
                "curl -s '{token}?opaque=true&scope=read:items'\nexport REQUIRES_AUTH_INTROSPECTION_CLIENT_ID=my-api\n\
                 export REQUIRES_AUTH_INTROSPECTION_CLIENT_SECRET=my-secret"
            ),
        ),
        (
            "a login, granted at once; applications and MCP clients find and register themselves",
            format!("curl -s {}", issuer.oauth_metadata_url()),
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
