//! `requires-auth doctor`: what is wrong online, with the issuers and with the public side of an API.

mod configured;
mod connection;
mod checks;
mod finding;
mod validity;
mod certificate;
mod keys;
mod provider;
mod issuer;
mod places;
mod raw;
mod sent;
mod attacks;
mod probe;
mod mcp;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use requires_auth::credential::TokenPlace;
use requires_auth::explain::Outcome as CheckOutcome;
use requires_auth::settings;
use requires_auth::verify::Rules;
use requires_auth::{Algorithm, Bearer, Policy, Request, RequiresAuth};
use reqwest::Url;

use self::attacks::Probe;
use self::configured::Configured;
use self::connection::{Connector, is_loopback};
use self::finding::{Finding, Level};
use self::mcp::McpArgs;
use self::raw::Target;
use self::sent::{Sent, place_of};
use crate::context::{Context, Format, Outcome};
use crate::error::{Failure, located};
use crate::gateway::config::{Config, Listen};
use crate::http::api_url;
use crate::output::print_json;
use crate::runtime::block_on;
use crate::token_argument::read_token;

const DEFAULT_FILE: &str = "requires-auth.toml";

const EXAMPLES: &str = "\
Examples:
  requires-auth doctor gateway.toml                    the issuers of a file
  requires-auth doctor --issuer https://id.example.com \\
    --audience https://api.example.com
  requires-auth doctor gateway.toml --token - < token.txt
                                                       and a token for it
  requires-auth doctor --url https://api.example.com --path /orders
                                                       attack a path of your API
  requires-auth doctor --mcp https://api.example.com/mcp
                                                       can MCP clients log in
  requires-auth doctor --mcp https://api.example.com/mcp --token - < token.txt
                                                       and a token for it

With --url it sends requests that must not pass. Use it on what is yours.

With --mcp the server may be of any make. Nothing that is sent changes anything there: --call-tools
calls each tool with arguments that fit none, but a careless server may run it all the same.

Exit codes: 0 nothing failed, 1 something failed, 2 usage or configuration.";

/// The flags of `doctor`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// The configuration file [default: requires-auth.toml, if there is one]
    #[arg(value_name = "FILE", conflicts_with = "issuer")]
    file: Option<PathBuf>,

    /// Look at this issuer instead of those of a file
    #[arg(long, value_name = "ISS", requires = "audience")]
    issuer: Option<String>,

    /// This API's identifier at that issuer
    #[arg(long, value_name = "AUD", requires = "issuer")]
    audience: Vec<String>,

    /// A token that should be good; `-` is stdin. It is never printed
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// The API as its clients reach it: sends it requests that must not pass
    #[arg(long, value_name = "URL", requires = "path", value_parser = api_url)]
    url: Option<Url>,

    /// A path there that needs a token
    #[arg(long, value_name = "PATH", requires = "url", value_parser = path)]
    path: Option<String>,

    #[command(flatten)]
    mcp: McpArgs,
}

/// A path that can stand in a request line as it is.
fn path(text: &str) -> Result<String, String> {
    let is_plain = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain { Ok(text.to_owned()) } else { Err("expected a path such as /orders".to_owned()) }
}

impl DoctorArgs {
    /// Runs `doctor`.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let source = source(&self)?;
        let token = self.token.clone().map(|token| read_token(Some(token))).transpose()?;
        let findings = block_on(examine(&self, source.as_ref(), token.as_deref()))??;
        let is_well = findings.iter().all(|finding| finding.level != Level::Fail);
        match context.format {
            Format::Json => print_json(&serde_json::json!({ "ok": is_well, "findings": findings }))?,
            Format::Text => finding::print(&findings)?,
        }
        Ok(is_well.into())
    }
}

/// What the guard is made of.
struct Source {
    config: Option<Config>,
    guard: RequiresAuth,
    issuers: Vec<Configured>,
}

/// The issuers to look at: of the flag, of the file, or none where only a URL is to be probed.
fn source(args: &DoctorArgs) -> Result<Option<Source>, Failure> {
    if let Some(issuer) = &args.issuer {
        let guard = RequiresAuth::new(issuer, args.audience.clone())?;
        let configured = Configured {
            issuer: issuer.clone(),
            algorithms: None,
            leeway: Rules::DEFAULT_LEEWAY,
            scopes: Vec::new(),
            provider: None,
        };
        return Ok(Some(Source { config: None, guard, issuers: vec![configured] }));
    }
    let file = match &args.file {
        Some(file) => file.as_path(),
        None if Path::new(DEFAULT_FILE).exists() => Path::new(DEFAULT_FILE),
        None if args.url.is_some() || args.mcp.server.is_some() => return Ok(None),
        None => {
            return Err(Failure::new("there is nothing to look at").hint(
                "give a configuration FILE, or --issuer and --audience, or --url and --path, or --mcp",
            ));
        }
    };
    let (config, guard) = Config::load(file, |builder| builder).map_err(|error| located(&error))?;
    let mut scopes: Vec<_> = config
        .gateway
        .routes
        .iter()
        .flat_map(|route| configured::scopes_of(route.requirement.policy()))
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    let issuers = config
        .guard
        .issuers
        .iter()
        .filter(|issuer| issuer.get(settings::JWKS).is_none())
        .flat_map(|issuer| configured::names(issuer).into_iter().map(move |name| (name, issuer)))
        .map(|(name, issuer)| Configured {
            issuer: name,
            algorithms: algorithms(
                issuer.get(settings::ALGORITHMS).or_else(|| config.guard.get(settings::ALGORITHMS)),
            ),
            leeway: config.guard.get(settings::LEEWAY).unwrap_or(Rules::DEFAULT_LEEWAY),
            scopes: scopes.clone(),
            provider: issuer.get(settings::PROVIDER),
        })
        .collect();
    Ok(Some(Source { config: Some(config), guard, issuers }))
}

/// The algorithms of these names; the guard was built, so that each is known.
fn algorithms(names: Option<Vec<String>>) -> Option<Vec<Algorithm>> {
    names.map(|names| names.iter().filter_map(|name| name.parse().ok()).collect())
}

async fn examine(
    args: &DoctorArgs,
    source: Option<&Source>,
    token: Option<&str>,
) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let config = source.and_then(|source| source.config.as_ref());
    let ca = config.and_then(|config| config.guard.get(settings::CA));
    let connector = Connector::new(ca.as_ref())?;
    if let Some(source) = source {
        let examined = source.guard.examine().await;
        for configured in &source.issuers {
            match examined.iter().find(|found| found.issuer() == configured.issuer) {
                Some(found) => findings.extend(issuer::run(configured, found, &connector).await),
                None => findings.push(issuer::any_tenant(configured)),
            }
        }
        findings.extend(guard(&source.guard).await);
        findings.extend(introspection(&source.guard).await);
        findings.extend(config.map(cautions).unwrap_or_default());
        findings.extend(config.map(places::findings).unwrap_or_default());
        if let Some(token) = token {
            findings.push(judge(&source.guard, token).await);
        }
    }
    if let (Some(url), Some(path)) = (&args.url, &args.path) {
        findings.extend(probed(url, path, source, token).await?);
    }
    findings.extend(mcp::run(&args.mcp, token, &connector).await);
    Ok(findings)
}

/// What the public side of an API does with attacks, and with a valid token at the place where the guard reads it.
async fn probed(
    url: &Url,
    path: &str,
    source: Option<&Source>,
    token: Option<&str>,
) -> Result<Vec<Finding>, Failure> {
    let target = Target::new(url).map_err(|error| Failure::new(format!("--url cannot be used: {error}")))?;
    let config = source.and_then(|source| source.config.as_ref());
    let places =
        config.map_or_else(|| vec![TokenPlace::authorization()], |config| config.guard.token_places());
    let all = Sent::all(&places);
    // It is sent as it is, so it must be a token in form.
    let token = token.filter(|token| Bearer::parse(token).is_ok());
    let sent = match token {
        Some(token) => {
            place_of(source.map(|source| &source.guard), &all, token).await.map(|sent| (sent, token))
        }
        None => None,
    };
    // From this machine its own loopback can be reached, which tells nothing.
    let admin = config.and_then(admin_port).filter(|_| !is_loopback(url));
    let headers = config.into_iter().flat_map(|config| &config.gateway.headers);
    let identity: Vec<_> = headers.map(|header| header.name.as_str()).collect();
    let probe = Probe { path, places: &all, token: sent.as_ref(), identity: &identity };
    let mut findings = probe::run(&probe, url.as_str(), &target, admin).await;
    if token.is_some() && sent.is_none() {
        findings.push(probe::only_websockets(url.as_str()));
    }
    Ok(findings)
}

/// What nobody can see from outside the proxies that ask, each once.
fn cautions(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for caution in
        config.gateway.forward_auth.iter().flat_map(|config| &config.dialects).filter_map(|own| own.caution())
    {
        let finding = Finding::new(Level::Skip, caution.code, "the gateway", caution.what).hint(caution.hint);
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}

fn admin_port(config: &Config) -> Option<u16> {
    match config.gateway.server.as_ref()?.admin.as_ref()? {
        Listen::Tcp(address) => Some(SocketAddr::port(address)),
        Listen::Unix(_) => None,
    }
}

/// Whether the guard itself gets its keys, by its own rules.
async fn guard(guard: &RequiresAuth) -> Vec<Finding> {
    const CODE: &str = "guard.keys";
    match guard.warm().await {
        Ok(()) => vec![Finding::new(Level::Ok, CODE, "the guard", "it has the keys of every issuer")],
        Err(unavailable) => unavailable
            .failures()
            .map(|(issuer, failure)| {
                Finding::new(Level::Fail, CODE, "the guard", format!("{issuer}: {failure}"))
                    .hint(failure.hint())
            })
            .collect(),
    }
}

/// Whether each issuer that is asked about tokens answers, and takes the credentials of this API.
async fn introspection(guard: &RequiresAuth) -> Vec<Finding> {
    const CODE: &str = "issuer.introspection";
    let found = guard.examine_introspection().await;
    let told = found.iter().map(|(issuer, asked)| match asked {
        Ok(()) => Finding::new(Level::Ok, CODE, issuer, "it answers about tokens, and takes the credentials"),
        Err(failure) => Finding::new(Level::Fail, CODE, issuer, failure.to_string()).hint(failure.hint()),
    });
    told.collect()
}

/// What the guard says to a token. Only the check is told, not what the token has there.
async fn judge(guard: &RequiresAuth, token: &str) -> Finding {
    const CODE: &str = "guard.token";
    if Bearer::parse(token).is_err() {
        return Finding::new(Level::Fail, CODE, "the guard", "the token is not a token at all")
            .hint("look for quotes, spaces, line breaks or a `Bearer` before the token");
    }
    let headers = [("authorization", format!("Bearer {token}"))];
    let request = Request::new("GET", "/", &headers).as_token_alone();
    let report = guard.explain(&request, &Policy::default()).await;
    if report.verdict().is_ok() {
        return match report.hint() {
            Some(warning) => {
                Finding::new(Level::Warn, CODE, "the guard", "the token is accepted").hint(warning)
            }
            None => Finding::new(Level::Ok, CODE, "the guard", "the token is accepted"),
        };
    }
    let failed = report.checks().iter().find(|check| check.outcome() == CheckOutcome::Failed);
    let what = failed.map_or_else(
        || "the token is refused".to_owned(),
        |check| format!("the token is refused: {}: expected {}", check.step().as_str(), check.expected()),
    );
    let hint = report.hint().unwrap_or("`requires-auth explain` tells every check");
    Finding::new(Level::Fail, CODE, "the guard", what).hint(hint)
}
