//! The `[[tests]]` of a configuration: each is a request with a token of a key that is made here, and what must come of it.

use http::{HeaderMap, HeaderName, HeaderValue};
use requires_auth::config::IssuerConfig;
use requires_auth::credential::TokenPlace;
use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
use requires_auth::providers;
use requires_auth::settings::introspection::{DISCOVERED, ENDPOINT, SIGNED};
use requires_auth::settings::{
    ALGORITHMS, DISCOVERY_URL, INTROSPECTION, JWKS, JWKS_URI, PROVIDER, REVOCATIONS, SHARED_STATE, STATE_FILE,
};
use requires_auth::verify::Mark;
use requires_auth::{Audience, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder, jwk_set};
use serde::Serialize;
use serde_json::{Value, json};

use super::asked::Asked;
use super::client_certificate;
use super::config::{Config, ResourceConfig, RouteTest};
use super::decide::{Decision, Gateway};
use super::routes::{IsBelow, PlainPath};
use super::self_test_answers::{self, TestAnswers};
use super::self_test_proofs::{client_key, needs_proof, proven, without_nonces};
use crate::error::{Failure, located};

/// What stands for the token in a header of a test.
const PLACEHOLDER: &str = "{token}";

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
    if config.gateway.tests.is_empty() && config.gateway.resources.is_empty() {
        return Ok(Vec::new());
    }
    let key = SigningKey::generate(algorithm(config)?);
    let gateway = Gateway::new(config, with_keys(config, &key)?).map_err(|error| located(&error))?;
    let mut results = Vec::new();
    for test in &config.gateway.tests {
        results.push(run_test(config, &gateway, &key, test).await);
    }
    Ok(results)
}

async fn run_test(config: &Config, gateway: &Gateway, key: &SigningKey, test: &RouteTest) -> TestResult {
    let headers = headers(config, key, test);
    let (method, target, host) = (test.method.as_str(), test.target.as_str(), test.host.as_deref());
    let told = gateway.config().certificate_header();
    let told = told.map_or(Ok(None), |header| client_certificate::in_header(header, &headers));
    let asked = |certificate| Asked {
        method,
        target,
        host,
        client: None,
        certificate,
        headers: &headers,
        has_body: false,
        is_trial: false,
    };
    let decision = match told {
        Ok(certificate) => gateway.decide_by_head(asked(certificate)).await,
        Err(_) => Decision::Refuse(gateway.refuse_ambiguous(&headers)),
    };
    let (status, code) = match decision {
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

/// The headers of a test: its own, and the token where none of them holds it.
fn headers(config: &Config, key: &SigningKey, test: &RouteTest) -> HeaderMap {
    let issuer = issuer_of(config, test);
    let holds_token = |(_, value): &(HeaderName, String)| value.contains(PLACEHOLDER);
    let mut written = test.headers.clone();
    let is_written = written.iter().any(holds_token);
    // Where a test writes the header of the token itself, it may be about one that is bound to nothing.
    let client = issuer.filter(|issuer| !is_written && needs_proof(config, issuer, test));
    let client = client.map(|_| client_key(config));
    let jwt = || issuer.and_then(|issuer| token(config, issuer, key, test, client.as_ref()));
    let token = self_test_answers::token(config, test).or_else(jwt);
    match (issuer, &token, &client) {
        (_, Some(token), Some(client)) => written.extend(proven(config, client, test, token)),
        (Some(issuer), Some(_), None) if !is_written => {
            let places = config.guard.token_places_of(issuer);
            written.extend(places.first().and_then(in_place));
        }
        _ => {}
    }
    let mut headers = HeaderMap::new();
    for (name, value) in written {
        let value = value.replace(PLACEHOLDER, token.as_deref().unwrap_or_default());
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    }
    headers
}

/// The header that has a token in this place.
fn in_place(place: &TokenPlace) -> Option<(HeaderName, String)> {
    let value = match place.parts() {
        ("authorization", _) => format!("Bearer {PLACEHOLDER}"),
        ("cookie", Some(name)) => format!("{name}={PLACEHOLDER}"),
        ("subprotocol.after", Some(name)) => format!("{name}, {PLACEHOLDER}"),
        ("subprotocol.prefix", Some(prefix)) if prefix.starts_with("base64url.") => return None,
        ("subprotocol.prefix", Some(prefix)) => format!("{prefix}{PLACEHOLDER}"),
        _ => PLACEHOLDER.to_owned(),
    };
    Some((place.header_name().try_into().ok()?, value))
}

/// The issuer of a test's token: the one that it names, else the first.
fn issuer_of<'c>(config: &'c Config, test: &RouteTest) -> Option<&'c IssuerConfig> {
    if test.answer.is_some() {
        return self_test_answers::issuer_of_opaque_tokens(config);
    }
    let named = test.claims.as_ref()?.get("iss").and_then(Value::as_str);
    config.guard.issuers.iter().find(|issuer| named.is_none_or(|name| issuer.name() == name))
}

/// The token of a test. Claims that it does not give are those of a good token; null takes one out.
fn token(
    config: &Config,
    issuer: &IssuerConfig,
    key: &SigningKey,
    test: &RouteTest,
    client: Option<&SigningKey>,
) -> Option<String> {
    let claims = test.claims.as_ref()?;
    let token = match audience_of_route(config, test) {
        Some(audience) => Forge::new(issuer.issuer(), &audience, key.clone()).token(),
        None => meant_for_us(issuer, key),
    };
    let given = claims.iter().filter(|(name, _)| *name != "iss");
    let token = client.map_or(token.clone(), |client| token.bound_to(client));
    let marked = marked(token, issuer.get(PROVIDER));
    Some(given.fold(marked, |token, (name, value)| token.claim(name, value.clone())).mint())
}

/// A token with a mark of its provider's access tokens, as every good one has.
fn marked(token: TokenBuilder, provider: Option<&str>) -> TokenBuilder {
    let marks = provider.and_then(providers::find).map(|provider| provider.marks.any_of).unwrap_or_default();
    let is_there = |mark: &Mark| matches!(mark, Mark::Type("at+jwt") | Mark::Claim("client_id" | "jti"));
    if marks.iter().any(is_there) {
        return token;
    }
    match marks.first() {
        Some(Mark::Claim(name)) => token.claim(*name, "test"),
        Some(Mark::Value(name, value)) => token.claim(*name, *value),
        Some(Mark::Type(media_type)) => token.header("typ", *media_type),
        None => token,
    }
}

/// A token that the audience rule of its issuer takes.
fn meant_for_us(issuer: &IssuerConfig, key: &SigningKey) -> TokenBuilder {
    let token = |audience: &str| Forge::new(issuer.issuer(), audience, key.clone()).token();
    match issuer.audience_rule() {
        Some(Audience::Prefix(prefix)) => token(&format!("{prefix}test")),
        Some(Audience::Claim { path, one_of }) => {
            let value = one_of.into_iter().next().unwrap_or_default();
            let (name, value) = nested(&path, value.into());
            token("").without_claim("aud").claim(name, value)
        }
        Some(Audience::OneOf(names)) => token(&names.into_iter().next().unwrap_or_default()),
        _ => token(""),
    }
}

/// A claim that has a value at a dotted path.
fn nested(path: &str, value: Value) -> (&str, Value) {
    match path.split_once('.') {
        Some((name, rest)) => {
            let (member, value) = nested(rest, value);
            (name, json!({ member: value }))
        }
        None => (path, value),
    }
}

/// The audience of the resource that a test is for, or that its route has of its own, if there is one.
fn audience_of_route(config: &Config, test: &RouteTest) -> Option<String> {
    let path = PlainPath::with_encoded_slashes(&test.target).ok()?;
    let is_below = |own: &&ResourceConfig| own.below.look(path) == IsBelow::Yes;
    let resource = config.gateway.resources.iter().filter(is_below).max_by_key(|own| own.below.len());
    if let Some(resource) = resource {
        return Some(
            resource.audience.first().map_or_else(|| resource.url.as_str().to_owned(), Clone::clone),
        );
    }
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
    // A test uses up nothing that the instances of the gateway share, and needs no server for that.
    config.guard.set(SHARED_STATE, None);
    without_nonces(&mut config);
    // Who is revoked now says nothing about the routes.
    config.guard.set(REVOCATIONS, None);
    // A test is nothing that other instances have to know.
    config.guard.set(SHARED_STATE, None);
    let answers = TestAnswers::new(&config);
    for issuer in &mut config.guard.issuers {
        if let Some(mut introspection) = issuer.get(INTROSPECTION) {
            // Whose signature it is, is not what a test is about.
            introspection.set(SIGNED, false);
            introspection.set(DISCOVERED, false);
            introspection.set(ENDPOINT, "https://127.0.0.1/introspection".to_owned());
            issuer.set(INTROSPECTION, Some(introspection));
        }
        issuer.set(JWKS, None);
        // Also in the place of those that a provider is known to use.
        issuer.set(ALGORITHMS, Some(vec![key.algorithm().name().to_owned()]));
        issuer.set(DISCOVERY_URL, None);
        issuer.set(JWKS_URI, Some("https://127.0.0.1/keys".to_owned()));
    }
    let keys = TestKeys(jwk_set([key]).to_string().into());
    config
        .build_with(|builder| builder.with_fetch(keys.clone()).with_introspect(answers.clone()))
        .map_err(|error| located(&error))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_test_is_for_the_host_and_the_audience_of_its_route() {
        let text = "\
[issuers.main]
issuer = \"https://issuer.example\"
audience = \"https://api.example.com\"
[[routes]]
match = \"GET /*\"
host = \"admin.example.com\"
scopes = \"admin\"
[[routes]]
match = \"GET /billing\"
audience = \"urn:billing\"
[[routes]]
match = \"GET /files/{id}\"
encoded_slash = \"allow\"
[[routes]]
match = \"GET /*\"
";
        let tests = [
            ("host = \"Admin.example.com:443\"", "/a", "claims = { scope = \"admin\" }", "200"),
            ("host = \"admin.example.com\"", "/a", "claims = {}", "403"),
            ("host = \"api.example.com\"", "/a", "claims = {}", "200"),
            ("", "/a", "claims = {}", "400"),
            ("host = \"api.example.com\"", "/billing", "claims = {}", "200"),
            (
                "host = \"api.example.com\"",
                "/billing",
                "claims = { aud = \"https://api.example.com\" }",
                "401",
            ),
            ("host = \"api.example.com\"", "/a", "claims = { aud = \"urn:billing\" }", "401"),
            ("host = \"api.example.com\"", "/files/a%2Fb", "claims = {}", "200"),
            ("host = \"api.example.com\"", "/a%2Fb", "claims = {}", "400"),
        ];
        let tests = tests.map(|(host, target, claims, status)| {
            format!("[[tests]]\nrequest = \"{target}\"\n{host}\n{claims}\nexpect = {{ status = {status} }}\n")
        });
        let config =
            Config::parse(&(text.to_owned() + &tests.concat()), "gateway.toml").expect("no mistakes");
        let results = run_tests(&config).await.expect("they run");
        assert_eq!(results.len(), tests.len());
        for TestResult { request, expected, found, holds, line } in results {
            assert!(holds, "{line}: {request}: {expected}, but {found}");
        }
    }
}
