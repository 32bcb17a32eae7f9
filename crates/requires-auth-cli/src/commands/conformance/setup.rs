//! From the flags to what tokens and requests are made of.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use requires_auth_testkit::issuer::DevelopmentIssuer;
use requires_auth_testkit::{Algorithm, Forge, SigningKey};
use reqwest::Url;
use serde_json::json;

use super::args::ConformanceArgs;
use super::bait::Bait;
use super::mint::Setup;
use super::profile::Profile;
use super::run::Runner;
use super::send::Sender;
use crate::client_key;
use crate::error::Failure;

/// The audience of tokens, unless another is named; that of the development issuer.
const AUDIENCE: &str = "https://api.example.com";

/// The keys of a stranger are fetched from here where the API is on another machine: from nowhere.
const NOWHERE: &str = "https://keys.invalid";

/// A runner, and the issuer that has to go on as long as it runs.
pub(super) struct Prepared {
    pub(super) runner: Runner,
    pub(super) issuer: Option<DevelopmentIssuer>,
}

/// Starts the issuer, unless one is named, and sets up the rest.
pub(super) async fn prepare(args: &ConformanceArgs, url: Url) -> Result<Prepared, Failure> {
    let key = key(args)?;
    let audience = args.audience.clone().unwrap_or_else(|| match args.profile {
        Profile::Mcp => url.as_str().trim_end_matches('/').to_owned(),
        _ => AUDIENCE.to_owned(),
    });
    let issuer = match &args.issuer {
        Some(_) => None,
        None => Some(start_issuer(args.issuer_port, &key, &audience).await?),
    };
    let name = match (&issuer, &args.issuer) {
        (Some(issuer), _) => issuer.issuer().to_owned(),
        (None, name) => name.clone().unwrap_or_default(),
    };
    let stranger = SigningKey::generate(key.algorithm());
    let bait = if is_loopback(&url) { Bait::start(&stranger).await.ok() } else { None };
    let setup = Setup {
        forge: Forge::new(&name, &audience, key),
        issuer: name,
        audience,
        scope: args.scope.join(" ").trim().to_owned(),
        method: args.method.clone().unwrap_or_else(|| args.profile.method().to_owned()),
        body: args.data.clone().or_else(|| (args.profile == Profile::Mcp).then(initialize)),
        headers: headers(args)?,
        url,
        scheme: args.profile.scheme(),
        client: SigningKey::generate(Algorithm::Es256),
        stranger,
        bait: bait.as_ref().map_or(NOWHERE, Bait::url).to_owned(),
    };
    let sender = Sender::new(Duration::from_secs(args.timeout))?;
    Ok(Prepared { runner: Runner { setup, sender, bait, nonce: Mutex::default() }, issuer })
}

fn key(args: &ConformanceArgs) -> Result<SigningKey, Failure> {
    let algorithm = args.alg.unwrap_or(Algorithm::Rs256);
    let key = match &args.signing_key {
        Some(file) if args.new_key => client_key::create(file, algorithm)?,
        Some(file) if args.issuer.is_none() && !file.exists() => {
            return Err(Failure::new(format!("there is no key in `{}` yet", file.display()))
                .hint("add --new-key, which makes one that later runs use as well"));
        }
        Some(file) => client_key::read(file, args.alg)?,
        None => SigningKey::generate(algorithm),
    };
    Ok(match &args.kid {
        Some(kid) => key.with_kid(kid.as_str()),
        None => key,
    })
}

/// The port is what the API has been told, so no other will do.
async fn start_issuer(port: u16, key: &SigningKey, audience: &str) -> Result<DevelopmentIssuer, Failure> {
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
    let builder = DevelopmentIssuer::builder().bind(address).key(key.clone()).audience(audience);
    builder.start().await.map_err(|error| {
        let failure = Failure::new(format!("the development issuer cannot listen on {address}: {error}"));
        match error.kind() {
            io::ErrorKind::AddrInUse => failure.hint(
                "stop what listens there, or choose another port with --issuer-port and tell it the API",
            ),
            _ => failure.hint("choose another port with --issuer-port"),
        }
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn headers(args: &ConformanceArgs) -> Result<Vec<(String, String)>, Failure> {
    let mut headers = Vec::new();
    if args.profile == Profile::Mcp {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        headers.push(("Accept".to_owned(), "application/json, text/event-stream".to_owned()));
    }
    for line in &args.header {
        let Some((name, value)) = line.split_once(':') else {
            return Err(Failure::new("--header: a line without a colon").hint("write --header 'Name: value'"));
        };
        let (name, value) = (name.trim(), value.trim());
        if ["authorization", "dpop"].contains(&name.to_ascii_lowercase().as_str()) {
            return Err(Failure::new(format!("--header: {name} is what the cases are about")));
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(headers)
}

/// What an MCP client sends first.
fn initialize() -> String {
    let client = json!({ "name": "requires-auth-conformance", "version": env!("CARGO_PKG_VERSION") });
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }).to_string()
}
