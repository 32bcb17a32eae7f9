//! The `[[tests]]` of a configuration: each is a request with a token of a key that is made here, and what must come of it.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use requires_auth::RequiresAuth;
use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
use requires_auth::settings::{ALGORITHMS, DISCOVERY_URL, JWKS, JWKS_URI, STATE_FILE};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde::Serialize;
use serde_json::Value;

use super::config::{Config, RouteTest};
use super::decide::{Asked, Decision, Gateway};
use crate::error::{Failure, located};

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
    let (method, target, host) = (test.method.as_str(), test.target.as_str(), test.host.as_deref());
    let asked = Asked { method, target, host, headers: &headers, has_body: false };
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
    let issuer = config.guard.issuers.iter().find(|issuer| named.is_none_or(|name| issuer.name() == name))?;
    let audience = issuer.audience().into_iter().next();
    let audience = audience_of_route(config, test).or(audience).unwrap_or_default();
    let forge = Forge::new(issuer.issuer(), &audience, key.clone());
    let given = claims.iter().filter(|(name, _)| *name != "iss");
    Some(given.fold(forge.token(), |token, (name, value)| token.claim(name, value.clone())).mint())
}

/// The audience that the route of a test has of its own, if it has one.
fn audience_of_route(config: &Config, test: &RouteTest) -> Option<String> {
    let route = config.gateway.routes.find(&test.method, &test.target, test.host.as_deref()).ok()?;
    route.requirement.policy().audience().next().map(str::to_owned)
}

/// An algorithm that the configuration takes.
fn algorithm(config: &Config) -> Result<Algorithm, Failure> {
    let Some(allowed) = config.guard.get(ALGORITHMS) else { return Ok(Algorithm::default()) };
    let found = allowed.iter().find_map(|name| name.parse().ok());
    found.ok_or_else(|| Failure::new("the tests cannot be run: no test key has an algorithm of `algorithms`"))
}

/// The guard of the configuration, with this key in the place of every issuer's.
fn with_keys(config: &Config, key: &SigningKey) -> Result<RequiresAuth, Failure> {
    let mut config = config.clone();
    config.guard.set(STATE_FILE, None);
    for issuer in &mut config.guard.issuers {
        issuer.set(JWKS, None);
        issuer.set(ALGORITHMS, None);
        issuer.set(DISCOVERY_URL, None);
        issuer.set(JWKS_URI, Some("https://127.0.0.1/keys".to_owned()));
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
