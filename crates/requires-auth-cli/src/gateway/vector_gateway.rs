//! The gateway that a shared vector wants, and what is to be answered: for the adapters, each of which runs all vectors.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use requires_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};
use requires_auth::introspect::{
    Introspect, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};
use requires_auth::settings::{self, Setting};
use requires_auth::{ConfigError, RequiresAuth, danger};
use requires_auth_testkit::vectors::{
    self, IntrospectionAnswer, McpCase, Outcome, Refusal, RequestCase, TokenCase,
};
use serde_json::Value;

use super::config::Config;

/// Settings of a guard that are keys of one of `[[resources]]`.
const KEYS: [(&str, &str); 5] = [
    ("resource", "resource"),
    ("base_scopes", "scopes"),
    ("challenge_scopes", "challenge_scopes"),
    ("metadata_url", "metadata_url"),
    ("resource_name", "name"),
];

/// What stands behind the issuers and the settings of a case, and before what its route needs.
const ROUTE: &str = r#"
[headers]
"X-Auth-Issuer" = "iss"
[[routes]]
match = "* PATH"
"#;

/// What is answered: of an allow nothing but that it is one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) code: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) challenges: Vec<String>,
}

impl Told {
    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self {
            status: refusal.status,
            code: Some(refusal.code.clone()),
            reason: refusal.reason.clone(),
            challenges: refusal.challenge.iter().cloned().collect(),
        }
    }

    pub(super) const fn allowed() -> Self {
        Self { status: 200, code: None, reason: None, challenges: Vec::new() }
    }

    pub(super) fn expected_of_token(case: &TokenCase) -> Self {
        match &case.expect {
            vectors::Verdict::Refuse(refusal) => Self::refused(refusal),
            _ => Self::allowed(),
        }
    }

    pub(super) fn expected_of_request(case: &RequestCase) -> Self {
        match &case.outcome {
            Outcome::Deny(refusal) => Self::refused(refusal),
            _ => Self::allowed(),
        }
    }

    pub(super) fn new(status: u16, challenges: Vec<String>, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let member = |name: &str| body[name].as_str().map(str::to_owned);
        Self { status, code: member("code"), reason: member("reason"), challenges }
    }

    /// An answer over HTTP.
    pub(super) fn over_http(status: http::StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
        let challenges = challenges.map(|value| value.to_str().expect("ASCII").to_owned()).collect();
        Self::new(status.as_u16(), challenges, body)
    }
}

/// The configuration and the guard that a token wants, with these sections of an adapter. `None` where no guard can be as it
/// says.
pub(super) fn of_token(case: &TokenCase, sections: &str) -> Option<(Config, RequiresAuth)> {
    build(&case.id, &case.config, Some(&case.jwks), "/", sections)
}

/// The configuration and the guard that a request wants.
pub(super) fn of_request(case: &RequestCase, sections: &str) -> (Config, RequiresAuth) {
    let path = case.url.split('?').next().unwrap_or_default();
    let path = case.route.as_deref().unwrap_or(path);
    build(&case.id, &case.config, case.jwks.as_ref(), path, sections).expect("a guard")
}

/// The configuration and the guard that a message to an MCP server wants, which is one of `[[resources]]` with these keys.
pub(super) fn of_mcp(case: &McpCase, sections: &str, keys: &str) -> (Config, RequiresAuth) {
    let (of_issuers, resource) = resource(&case.request.config);
    let mut text = of_issuers + sections + &resource + "mcp = true\n" + keys;
    let scopes = &case.scopes;
    if let Some(bytes) = scopes.max_body {
        writeln!(text, "max_body = {bytes}").expect("a string takes it");
    }
    let tables = [("tools", &scopes.tools), ("prompts", &scopes.prompts), ("reads", &scopes.reads)];
    for (key, table) in tables.into_iter().filter(|(_, table)| !table.is_empty()) {
        writeln!(text, "[resources.{key}]").expect("a string takes it");
        for (name, scopes) in table {
            let (name, scopes) = (Value::from(name.as_str()), Value::from(scopes.as_str()));
            writeln!(text, "{name} = {scopes}").expect("a string takes it");
        }
    }
    let parsed = Config::parse(&text, "gateway.toml").unwrap_or_else(|error| panic!("{text}{error}"));
    let auth = guard(&parsed, &case.request.config, case.request.jwks.as_ref());
    (parsed, auth.unwrap_or_else(|error| panic!("{text}{error}")))
}

/// The text of a configuration, without what it says of its resource, and that as one of `[[resources]]`, which is last: more
/// keys may follow.
pub(super) fn resource(config: &vectors::Config) -> (String, String) {
    let mut config = config.clone();
    let mut resource = String::from("[[resources]]\nissuers = \"main\"\n");
    for (setting, key) in KEYS {
        if let Some(value) = config.settings.remove(setting) {
            writeln!(resource, "{key} = {value}").expect("a string takes it");
        }
    }
    if !config.audience.is_empty() {
        let audience = Value::from(std::mem::take(&mut config.audience));
        writeln!(resource, "audience = {audience}").expect("a string takes it");
    }
    (config.to_toml(is_of_issuer), resource)
}

fn is_of_issuer(key: &str) -> bool {
    settings::find(key).is_some_and(Setting::is_of_issuer)
}

/// The guard of a configuration, at the time and with the keys of a case.
pub(super) fn guard(
    parsed: &Config,
    config: &vectors::Config,
    jwks: Option<&Value>,
) -> Result<RequiresAuth, ConfigError> {
    let now = UNIX_EPOCH + Duration::from_secs(config.now.try_into().expect("a time"));
    parsed.build_with(|builder| {
        let builder = builder.with_introspect(Answers(config.answer.clone())).with_clock(move || now);
        let builder = match jwks {
            Some(jwks) => builder.with_jwks(config.key_set(jwks)),
            None => builder.with_fetch(OutOfReach),
        };
        danger::allow_public_test_keys(builder)
    })
}

fn build(
    id: &str,
    config: &vectors::Config,
    jwks: Option<&Value>,
    path: &str,
    sections: &str,
) -> Option<(Config, RequiresAuth)> {
    config.issuer.as_ref()?;
    let config = &mut config.clone();
    // A gateway reads it from trusted peers alone, and has it in the section of its adapter.
    let told = config.settings.remove("client_cert_header").map_or_else(String::new, |table| {
        format!("client_certificate = {{ header = {}, format = {} }}\n", table["header"], table["format"])
    });
    let mut text = config.to_toml(is_of_issuer) + sections + &told + &ROUTE.replace("PATH", path);
    if !config.scope.is_empty() {
        writeln!(text, "scopes = {:?}", config.scope).expect("a string takes it");
    }
    writeln!(text, "claims = {}", config.claims_in_toml()).expect("a string takes it");
    if !config.acr.is_empty() {
        writeln!(text, "acr = {:?}", config.acr).expect("a string takes it");
    }
    if let Some(seconds) = config.max_age {
        writeln!(text, "max_age = {seconds}").expect("a string takes it");
    }
    let parsed = Config::parse(&text, "gateway.toml");
    match parsed.and_then(|parsed| Ok((guard(&parsed, config, jwks)?, parsed))) {
        Ok((auth, parsed)) => Some((parsed, auth)),
        Err(error) => {
            let problem = &error.problems()[0];
            let is_known = ["algorithms", "audience", "issuer", "jwks"].contains(&problem.field());
            assert!(is_known && config.settings.is_empty(), "{id}: {error}");
            None
        }
    }
}

/// An introspection endpoint that always answers the same.
struct Answers(Option<IntrospectionAnswer>);

impl Introspect for Answers {
    fn introspect(&self, _: IntrospectionRequest) -> IntrospectionFuture {
        let answer =
            self.0.as_ref().map(|answer| IntrospectionResponse::new(answer.status, answer.body.clone()));
        Box::pin(std::future::ready(answer.ok_or(FetchError::Timeout)))
    }
}

/// An issuer whose keys nobody ever gets.
struct OutOfReach;

impl Fetch for OutOfReach {
    fn fetch(&self, _: FetchRequest) -> FetchFuture {
        Box::pin(std::future::ready(Err(FetchError::Timeout)))
    }
}
