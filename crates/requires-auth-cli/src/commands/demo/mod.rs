//! `requires-auth demo`: an issuer and a protected API in one process, to try the guard with curl.

mod api;
mod development;
mod tour;
mod mcp;
mod once;

use std::env;
use std::io::{self, Write as _};

use clap::Args;
use requires_auth::RequiresAuth;
use serde_json::json;

use self::api::{DemoApi, Guards};
use self::development::{Development, start_issuer};
use self::mcp::Walked;
use self::tour::TokenSource;
use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::output::{DIM, GOOD, print_json, printable, say};
use crate::ports::{ISSUER_PORT, port, taken};
use crate::runtime::{block_on, stop_signal};

/// Where the demo API listens, if the port is free.
const API_PORT: u16 = 9101;

const EXAMPLES: &str = "\
Examples:
  requires-auth demo           serve, and print curl lines that show a 401, ...
  requires-auth demo --once    make the requests; exit 0 if each answer is right
  requires-auth demo --mcp     guard an MCP server, and log in as its clients do
  requires-auth demo --issuer https://tenant-id.logto.app/oidc \\
    --audience https://api.example.com

With --issuer, --once makes the requests that need no token, and one with the token in
REQUIRES_AUTH_TOKEN if that is set.";

/// The flags of `demo`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Make the requests, print a table of the answers, and stop
    #[arg(long)]
    pub(crate) once: bool,

    /// Guard an MCP server, show how a client that knows its URL logs in, and stay for other clients
    #[arg(long, conflicts_with_all = ["issuer", "audience"])]
    mcp: bool,

    /// Trust a real identity provider instead of a development issuer
    #[arg(long, value_name = "URL", requires = "audience")]
    issuer: Option<String>,

    /// The demo API's identifier at the issuer
    #[arg(long, value_name = "AUD", default_value = "https://api.example.com")]
    audience: String,

    /// The port of the demo API, or if it is taken the next free one; 0 is any
    #[arg(long, value_name = "PORT", default_value_t = API_PORT, value_parser = port)]
    port: u16,

    /// The port of the development issuer, or if it is taken the next free one; 0 is any
    #[arg(long, value_name = "PORT", default_value_t = ISSUER_PORT, value_parser = port, conflicts_with = "issuer")]
    issuer_port: u16,
}

impl DemoArgs {
    /// Runs `demo`: until it is told to stop, or with `--once` until each request was answered.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        block_on(async {
            let stop = stop_signal()?;
            if self.mcp {
                return self.guard_mcp(context, stop).await;
            }
            let audience = self.audience.as_str();
            let development = match &self.issuer {
                Some(_) => None,
                None => Some(Development::start(self.issuer_port, audience).await?),
            };
            let issuer = development
                .as_ref()
                .map(|development| development.issuer.issuer())
                .or(self.issuer.as_deref())
                .unwrap_or_default();
            let auth = RequiresAuth::new(issuer, audience)?;
            if development.is_none() {
                find_keys(&auth).await?;
            }
            let guards = Guards {
                auth,
                asking: development.as_ref().map(|it| it.asking(audience)).transpose()?,
                tenants: development.as_ref().map(|it| it.tenants(audience)).transpose()?,
                proving: development.as_ref().map(|it| it.proving(audience)),
            };
            let api = DemoApi::start(guards, self.port).await?;
            // Not a flag: the arguments of a process are there for everyone on the machine to see.
            let given = env::var("REQUIRES_AUTH_TOKEN").ok().filter(|token| !token.is_empty());
            let tokens = match &development {
                Some(development) => TokenSource::Development(development),
                None => TokenSource::Provider { issuer, audience, token: given.as_deref() },
            };
            if self.once {
                return once::run(&api.url(), &tokens, context.format).await;
            }
            match context.format {
                Format::Json => print_json(&json!({
                    "issuer": issuer,
                    "audience": audience,
                    "api": api.url(),
                    "token_endpoint": development.as_ref().map(|it| it.issuer.token_endpoint()),
                }))?,
                Format::Text => {
                    let issuer_port = development.as_ref().map(|it| it.issuer.address().port());
                    let of_issuer = issuer_port.and_then(|used| taken(self.issuer_port, used));
                    let notes: Vec<_> = of_issuer.into_iter().chain(taken(self.port, api.port())).collect();
                    print_welcome(issuer, audience, &api, &tokens, &notes)?;
                }
            }
            stop.await;
            Ok(Outcome::Allow)
        })?
    }

    /// Guards an MCP server and logs in as its client.
    async fn guard_mcp(&self, context: &Context, stop: impl Future<Output = ()>) -> Result<Outcome, Failure> {
        let issuer = start_issuer(self.issuer_port, &self.audience).await?;
        let walked = Walked::start(&issuer, self.port).await?;
        walked.print(&issuer, context.format)?;
        if !self.once && walked.is_right() {
            walked.say_how_to_connect();
            stop.await;
        }
        Ok(Outcome::from(&walked))
    }
}

/// A wrong issuer is found at start, not at the first request.
async fn find_keys(auth: &RequiresAuth) -> Result<(), Failure> {
    let Err(unavailable) = auth.warm().await else { return Ok(()) };
    let mut failure = Failure::new("the keys of the issuer could not be fetched");
    for (issuer, cause) in unavailable.failures() {
        failure = failure.hint(printable(&format!("{issuer}: {cause}; {}", cause.hint())));
    }
    Err(failure)
}

fn print_welcome(
    issuer: &str,
    audience: &str,
    api: &DemoApi,
    tokens: &TokenSource<'_>,
    notes: &[String],
) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{GOOD}issuer{GOOD:#}    {issuer}")?;
    writeln!(out, "{GOOD}demo API{GOOD:#}  {}  {DIM}audience {audience}{DIM:#}", api.url())?;
    for note in notes {
        writeln!(out, "{note}")?;
    }
    for stop in tokens.curl_lines(&api.url()) {
        writeln!(out, "\n{DIM}# {}{DIM:#}\n{}", stop.title, stop.command)?;
    }
    out.flush()?;
    drop(out);
    say("\nctrl-c stops the demo");
    Ok(())
}
