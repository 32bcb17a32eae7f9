//! `requires-auth token`: a token from a running development issuer.

mod running;

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use requires_auth_testkit::{Algorithm, Defect};
use reqwest::Url;
use serde_json::json;

use crate::client_key;
use crate::context::{Context, Format, Outcome};
use crate::defect_argument::{self, Defects, Wanted, defect};
use crate::error::Failure;
use crate::http::{cause, client, url};
use crate::lifetime::lifetime;
use crate::output::{print_json, printable};
use crate::runtime::block_on;

const EXAMPLES: &str = "\
Examples:
  requires-auth token --scope \"read:items write:items\" --sub alice
  requires-auth token --claim 'permissions=[\"read:items\"]' --lifetime 5m
  requires-auth token --opaque --scope read:items
  requires-auth token --defect expired > token.txt
  requires-auth token --dpop client.pem --new-key > token.txt
  curl -H \"Authorization: Bearer $(requires-auth token)\" \\
    http://127.0.0.1:9101/api/me

`requires-auth proof` makes the proofs that a token of --dpop counts with.";

/// The flags of `token`.
#[derive(Args, Debug)]
#[command(after_help = examples_and_defects())]
pub(crate) struct TokenArgs {
    /// The running development issuer [default: the one that runs on this machine]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,

    /// Granted scopes; repeatable or space-separated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,

    /// Whom the token speaks for [default: alice]
    #[arg(long, value_name = "SUBJECT")]
    sub: Option<String>,

    /// Whom the token is meant for; repeatable [default: the issuer's audience]
    #[arg(long, value_name = "AUD")]
    audience: Vec<String>,

    /// The client that asked for it [default: test-client]
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// Another claim, as JSON or as plain text; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    claim: Vec<String>,

    /// How long it lives: seconds, or 15m, 1h, 7d [default: the issuer's, an hour]
    #[arg(long, value_name = "TIME", value_parser = lifetime, allow_hyphen_values = true)]
    lifetime: Option<i64>,

    /// An opaque token, which an API has to ask the introspection endpoint about
    #[arg(long)]
    opaque: bool,

    /// Bind it to this key of a client (DPoP), a file in PEM; `proof` makes the proofs that it counts with
    #[arg(long, value_name = "KEYFILE")]
    dpop: Option<PathBuf>,

    /// Make the file of --dpop first, with a fresh key; a file that exists is an error, and stays as it is
    #[arg(long, value_name = "ALG", requires = "dpop", num_args = 0..=1, require_equals = true, default_missing_value = "ES256")]
    new_key: Option<Algorithm>,

    /// Bind it to this client certificate (RFC 8705), a file in PEM or DER
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,

    /// What is wrong with it, named after the reason of the refusal; `list` tells them all
    #[arg(long, value_name = "NAME", value_parser = defect::<Defect>)]
    defect: Option<Wanted<Defect>>,
}

impl TokenArgs {
    /// Runs `token`.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        if matches!(self.defect, Some(Wanted::List)) {
            defect_argument::print(&defects(), context.format)?;
            return Ok(Outcome::Allow);
        }
        let bound = self.bound()?;
        let token = block_on(async {
            let issuer = match &self.issuer {
                Some(issuer) => issuer.clone(),
                None => running::find().await?,
            };
            fetch(self.url(&issuer, &bound)?).await
        })??;
        match context.format {
            Format::Json => print_json(&json!({ "access_token": token, "token_type": bound.token_type() }))?,
            Format::Text => {
                writeln!(io::stdout(), "{}", printable(&token))?;
            }
        }
        Ok(Outcome::Allow)
    }
}

/// What the token is bound to, by thumbprints.
struct Bound {
    key: Option<String>,
    certificate: Option<String>,
}

impl Bound {
    fn token_type(&self) -> &'static str {
        if self.key.is_some() { "DPoP" } else { "Bearer" }
    }
}

impl TokenArgs {
    /// Reads the key and the certificate, or makes the key.
    fn bound(&self) -> Result<Bound, Failure> {
        let key = match (&self.dpop, self.new_key) {
            (Some(path), Some(algorithm)) => Some(client_key::create(path, algorithm)?),
            (Some(path), None) => Some(client_key::read(path, None)?),
            (None, _) => None,
        };
        let certificate = self.certificate.as_deref().map(client_key::certificate).transpose()?;
        Ok(Bound { key: key.map(|key| key.thumbprint().to_owned()), certificate })
    }

    /// The one-line endpoint of the issuer, with what is asked for.
    fn url(&self, issuer: &str, bound: &Bound) -> Result<Url, Failure> {
        let scope = self.scope.join(" ");
        let lifetime = self.lifetime.map(|seconds| seconds.to_string());
        let defect = self.defect.and_then(Wanted::one).map(Defect::name);
        let optional = [
            ("scope", (!scope.is_empty()).then_some(scope.as_str())),
            ("sub", self.sub.as_deref()),
            ("client_id", self.client_id.as_deref()),
            ("lifetime", lifetime.as_deref()),
            ("opaque", self.opaque.then_some("true")),
            ("jkt", bound.key.as_deref()),
            ("x5t", bound.certificate.as_deref()),
            ("defect", defect),
        ];
        let mut query: Vec<_> =
            optional.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        query.extend(self.audience.iter().map(|audience| ("aud", audience.as_str())));
        query.extend(self.claim.iter().map(|claim| ("claim", claim.as_str())));
        url(issuer, "/token", &query)
    }
}

async fn fetch(url: Url) -> Result<String, Failure> {
    let origin = url.origin().ascii_serialization();
    let unreachable = |error: &reqwest::Error| {
        Failure::new(format!("there is no development issuer at {origin}: {}", cause(error)))
            .hint(running::START_ONE)
    };
    let answer = client()?.get(url).send().await.map_err(|error| unreachable(&error))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| unreachable(&error))?;
    if status.is_success() {
        return Ok(text.trim().to_owned());
    }
    let told = text.lines().next().unwrap_or_default();
    Err(Failure::new(format!("{origin} gave no token: {status} {}", printable(told).trim_end()))
        .hint("only a development issuer mints tokens for whoever asks; its URL ends in /oidc"))
}

fn defects() -> Defects {
    Defect::ALL.map(|defect| (defect.name(), defect.about())).to_vec()
}

fn examples_and_defects() -> String {
    format!("{EXAMPLES}\n\nDefects:\n{}", defect_argument::lines(&defects()))
}
