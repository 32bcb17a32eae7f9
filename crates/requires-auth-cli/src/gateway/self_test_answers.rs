//! What issuers say of the tokens of `[[tests]]`, without asking anybody.

use std::collections::HashMap;
use std::sync::Arc;

use requires_auth::config::IssuerConfig;
use requires_auth::introspect::{
    Introspect, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};
use requires_auth::settings::{ACCEPT_TOKENS, INTROSPECTION};
use requires_auth::verify::Tokens;
use serde_json::{Map, Value, json};

use super::config::{Config, RouteTest};

/// What a test says of its token.
const SAID: &str = r#"{"active":true,"token_type":"Bearer"}"#;

/// Answers as the tests say; of a token that no test says anything of, that it is active.
#[derive(Clone)]
pub(super) struct TestAnswers(Arc<HashMap<String, String>>);

impl TestAnswers {
    pub(super) fn new(config: &Config) -> Self {
        let answer = |test: &RouteTest| {
            let issuer = issuer_of_opaque_tokens(config)?;
            let said = said(config, test)?;
            let mut answer = good(issuer);
            answer.extend(said.clone());
            Some((opaque_token(test), Value::Object(answer).to_string()))
        };
        Self(Arc::new(config.gateway.tests.iter().filter_map(answer).collect()))
    }
}

impl Introspect for TestAnswers {
    fn introspect(&self, request: IntrospectionRequest) -> IntrospectionFuture {
        // Tokens of tests have no letter that a form encodes.
        let token = request.body().trim_start_matches("token=").split('&').next().unwrap_or_default();
        let answer = self.0.get(token).map_or(SAID, String::as_str);
        Box::pin(std::future::ready(Ok(IntrospectionResponse::new(200, answer))))
    }
}

/// The token of a test whose issuer is asked about it; `None` if it is a JWT, or none.
pub(super) fn token(config: &Config, test: &RouteTest) -> Option<String> {
    said(config, test).map(|_| opaque_token(test))
}

/// What a test says that the issuer says. Where nothing but opaque tokens is taken, the claims of a test are that.
fn said<'t>(config: &Config, test: &'t RouteTest) -> Option<&'t Map<String, Value>> {
    let takes_opaque_alone = |issuer: &IssuerConfig| issuer.get(ACCEPT_TOKENS) == Some(Tokens::Opaque);
    let of_claims = || test.claims.as_ref().filter(|claims| !claims.contains_key("iss"));
    let is_alone = config.guard.issuers.iter().all(takes_opaque_alone);
    test.answer.as_ref().or_else(|| of_claims().filter(|_| is_alone))
}

/// The issuer that takes opaque tokens; there is no second one.
pub(super) fn issuer_of_opaque_tokens(config: &Config) -> Option<&IssuerConfig> {
    let mut issuers = config.guard.issuers.iter();
    issuers
        .find(|issuer| issuer.get(INTROSPECTION).is_some() && issuer.get(ACCEPT_TOKENS) != Some(Tokens::Jwt))
}

fn opaque_token(test: &RouteTest) -> String {
    format!("opaque-token-of-line-{}", test.line)
}

/// What an issuer says of a token that is good.
fn good(issuer: &IssuerConfig) -> Map<String, Value> {
    let answer = json!({
        "active": true, "token_type": "Bearer", "iss": issuer.issuer(), "aud": issuer.audience(), "sub": "alice",
        "client_id": "test-client",
    });
    answer.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::self_test::run_tests;
    use super::*;

    const SECTIONS: &str = "
[issuers.main]
issuer = \"https://issuer.example\"
audience = \"https://api.example.com\"
ACCEPT
introspection = { client_id = \"api\", client_secret_env = \"HOME\", signed = SIGNED }
[[routes]]
match = \"GET /orders\"
scopes = \"read\"
";

    async fn holds(accept: &str, signed: &str, tests: &[(&str, u16)]) {
        let tests = tests
            .iter()
            .map(|(test, status)| {
                format!("[[tests]]\nrequest = \"/orders\"\n{test}\nexpect = {{ status = {status} }}\n")
            })
            .collect::<Vec<_>>()
            .concat();
        let text = SECTIONS.replace("ACCEPT", accept).replace("SIGNED", signed) + &tests;
        let config = Config::parse(&text, "gateway.toml").expect("no mistakes");
        for result in run_tests(&config).await.expect("they run") {
            assert!(result.holds, "{}: {} is {}", result.line, result.expected, result.found);
        }
    }

    #[tokio::test]
    async fn a_test_says_what_the_issuer_says() {
        for signed in ["false", "true"] {
            let tests = [
                ("answer = { scope = \"read\" }", 200),
                ("answer = { scope = \"write\" }", 403),
                ("answer = { active = false }", 401),
                ("answer = { aud = \"https://other.example\", scope = \"read\" }", 401),
                ("claims = { scope = \"read\" }", 200),
            ];
            holds("", signed, &tests).await;
            holds("accept_tokens = \"opaque\"", signed, &tests).await;
        }
    }
}
