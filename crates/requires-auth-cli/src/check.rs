//! `requires-auth check`: what is wrong with a configuration, and whether its own tests hold. It touches no network.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use requires_auth::config::Config;
use requires_auth::config::gateway::RouteTest;
use requires_auth::error::ConfigProblem;
use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
use requires_auth::routes::Sibling;
use requires_auth::{ConfigError, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde::Serialize;
use serde_json::Value;

use crate::Outcome;
use crate::cli::Format;
use crate::error::Failure;
use crate::gateway::{Asked, Decision, Gateway};
use crate::output::{BAD, DIM, GOOD, print_json, printable};
use crate::runtime::block_on;

const EXAMPLES: &str = "\
Examples:
  requires-auth check gateway.toml
  requires-auth check gateway.toml --output json

Exit codes: 0 all is well, 1 a test of the file does not hold, 2 the file has mistakes.";

/// The flags of `check`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// The configuration file
    #[arg(value_name = "FILE", default_value = "requires-auth.toml")]
    file: PathBuf,
}

/// Runs `check`.
pub(crate) fn run(args: &CheckArgs, format: Format) -> Result<Outcome, Failure> {
    let config = Config::load(&args.file, |builder| builder)
        .map(|(config, _)| config)
        .map_err(|error| located(&error))?;
    let results = block_on(run_tests(&config))??;
    let holds = results.iter().all(|result| result.holds);
    match format {
        Format::Json => print_json(&serde_json::json!({
            "file": args.file,
            "routes": config.gateway.routes.iter().count(),
            "siblings": siblings(&config),
            "patterns": patterns(&config).collect::<Vec<_>>(),
            "tests": results,
            "ok": holds,
        }))?,
        Format::Text => print_text(&args.file, &config, &results)?,
    }
    Ok(holds.into())
}

fn print_text(file: &Path, config: &Config, results: &[TestResult]) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    let file = file.display();
    for result in results {
        let TestResult { line, request, expected, found, holds } = result;
        let request = printable(request);
        if *holds {
            writeln!(stdout, "{GOOD}ok{GOOD:#}    {file}:{line}: {request} {DIM}{found}{DIM:#}")?;
        } else {
            writeln!(
                stdout,
                "{BAD}FAILED{BAD:#} {file}:{line}: {request}: expected {expected}, got {found}"
            )?;
        }
    }
    for audience in patterns(config) {
        let audience = printable(audience);
        writeln!(
            stdout,
            "{DIM}note{DIM:#}  {file}: the audience `{audience}` is compared letter for letter: `*` and `{{..}}` stand for \
             nothing else, so name each audience"
        )?;
    }
    let siblings = siblings(config);
    for Told { pattern, earlier, path } in siblings.iter().take(SHOWN) {
        writeln!(
            stdout,
            "{DIM}note{DIM:#}  {file}: `{pattern}`: {path:?} is refused, since it may be meant for `{earlier}`: if the application \
             tells them apart, write case = \"exact\" on that route"
        )?;
    }
    if siblings.len() > SHOWN {
        writeln!(
            stdout,
            "{DIM}note{DIM:#}  {file}: and {} others; see --output json",
            siblings.len() - SHOWN
        )?;
    }
    let failed = results.iter().filter(|result| !result.holds).count();
    let (issuers, routes) = (config.issuers.len(), config.gateway.routes.iter().count());
    writeln!(
        stdout,
        "{file}: {issuers} issuer{}, {routes} route{}, {} test{}, {failed} failed",
        plural(issuers),
        plural(routes),
        results.len(),
        plural(results.len())
    )?;
    Ok(())
}

/// Audiences that look like patterns. There are none: a token has to have the same letters.
fn patterns(config: &Config) -> impl Iterator<Item = &str> {
    let audiences = config.issuers.iter().flat_map(|issuer| &issuer.audience);
    audiences.map(String::as_str).filter(|audience| audience.contains(['*', '{']))
}

/// How many siblings are told one by one.
const SHOWN: usize = 20;

/// Routes some of whose paths are refused because of an earlier one, each with such a path.
#[derive(Serialize)]
struct Told<'c> {
    pattern: &'c str,
    earlier: &'c str,
    path: String,
}

fn siblings(config: &Config) -> Vec<Told<'_>> {
    let told = config.gateway.routes.siblings().map(|Sibling { pattern, earlier, path, .. }| Told {
        pattern: pattern.as_str(),
        earlier: earlier.as_str(),
        path,
    });
    told.collect()
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The mistakes of a file, one after the other, each with its line.
pub(crate) fn located(error: &ConfigError) -> Failure {
    let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    let failure = Failure::new(problems.join("\n"));
    let any = |holds: &dyn Fn(&ConfigProblem) -> bool| error.problems().iter().any(holds);
    if any(&|problem| problem.field() == "file") {
        return failure.hint("begin a file with `requires-auth config init FILE`");
    }
    if any(&|problem| problem.found().contains("${")) {
        return failure.hint("nothing like `${NAME}` is filled in: write the value itself");
    }
    failure
}

/// What came of one of `[[tests]]`.
#[derive(Serialize)]
pub(crate) struct TestResult {
    pub(crate) line: u32,
    pub(crate) request: String,
    pub(crate) expected: String,
    pub(crate) found: String,
    pub(crate) holds: bool,
}

/// Runs the tests of a configuration: its own guard judges tokens of a key that is made here and thrown away.
pub(crate) async fn run_tests(config: &Config) -> Result<Vec<TestResult>, Failure> {
    if config.gateway.tests.is_empty() {
        return Ok(Vec::new());
    }
    let key = SigningKey::generate(algorithm(config)?);
    let gateway = Gateway::new(config, with_keys(config, &key)?);
    let mut results = Vec::new();
    for test in &config.gateway.tests {
        results.push(run_test(config, &gateway, &key, test).await);
    }
    Ok(results)
}

async fn run_test(config: &Config, gateway: &Gateway, key: &SigningKey, test: &RouteTest) -> TestResult {
    let mut headers = HeaderMap::new();
    if let Some(token) = token(config, key, test)
        && let Ok(value) = HeaderValue::try_from(format!("Bearer {token}"))
    {
        headers.insert(AUTHORIZATION, value);
    }
    let asked = Asked { method: &test.method, target: &test.target, headers: &headers, has_body: false };
    let (status, code) = match gateway.decide(asked).await {
        Decision::Allow { .. } => (200, None),
        Decision::Refuse(refused) => (refused.status.as_u16(), Some(refused.code.as_str())),
    };
    let expected_code = test.error.as_deref();
    let shown = |status: u16, code: Option<&str>| match code {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    };
    TestResult {
        line: test.line,
        request: format!("{} {}", test.method, test.target),
        expected: shown(test.status, expected_code),
        found: shown(status, code),
        holds: status == test.status && (expected_code.is_none() || expected_code == code),
    }
}

/// The token of a test. Claims that it does not give are those of a good token; null takes one out.
fn token(config: &Config, key: &SigningKey, test: &RouteTest) -> Option<String> {
    let claims = test.claims.as_ref()?;
    let named = claims.get("iss").and_then(Value::as_str);
    let issuer = config.issuers.iter().find(|issuer| named.is_none_or(|name| issuer.name == name))?;
    let audience = issuer.audience.first().map_or("", String::as_str);
    let forge = Forge::new(&issuer.issuer, audience, key.clone());
    let given = claims.iter().filter(|(name, _)| *name != "iss");
    Some(given.fold(forge.token(), |token, (name, value)| token.claim(name, value.clone())).mint())
}

/// An algorithm that the configuration takes.
fn algorithm(config: &Config) -> Result<Algorithm, Failure> {
    let Some(allowed) = &config.algorithms else { return Ok(Algorithm::default()) };
    let found = allowed.iter().find_map(|algorithm| algorithm.name().parse().ok());
    found.ok_or_else(|| Failure::new("the tests cannot be run: no test key has an algorithm of `algorithms`"))
}

/// The guard of the configuration, with this key in the place of every issuer's.
fn with_keys(config: &Config, key: &SigningKey) -> Result<RequiresAuth, Failure> {
    let mut config = config.clone();
    config.state_file = None;
    for issuer in &mut config.issuers {
        issuer.jwks = None;
        issuer.algorithms = None;
        issuer.discovery_url = None;
        issuer.jwks_uri = Some("https://127.0.0.1/keys".to_owned());
    }
    let keys = TestKeys(jwk_set([key]).to_string().into());
    config.build_with(|builder| builder.with_fetch(keys.clone())).map_err(|error| located(&error))
}

/// Answers every fetch with one key set.
#[derive(Clone)]
struct TestKeys(std::sync::Arc<str>);

impl Fetch for TestKeys {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture {
        let body = self.0.as_bytes().to_vec();
        Box::pin(std::future::ready(Ok(FetchResponse::new(200, body))))
    }
}
