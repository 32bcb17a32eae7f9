//! The shared vectors of messages to an MCP server whose body nobody sees, through each proxy's question.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use http::header::WWW_AUTHENTICATE;
use http::{HeaderName, HeaderValue};
use requires_auth::danger;
use requires_auth::settings::{self, Setting};
use requires_auth_testkit::vectors::{McpCase, Outcome, mcp_cases};
use serde_json::Value;

use super::*;
use crate::gateway::config::Config;

const LOOPBACK: Peer = Peer::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

/// A gateway that proxies ask, with the resource of a case.
fn gateway(case: &McpCase) -> Gateway {
    let mut config = case.request.config.clone();
    let mut take = |key: &str| config.settings.remove(key);
    let resource = [
        ("resource", take("resource")),
        ("scopes", take("base_scopes")),
        ("challenge_scopes", take("challenge_scopes")),
        ("audience", Some(config.audience.clone().into())),
    ];
    let is_of_issuer = |key: &str| settings::find(key).is_some_and(Setting::is_of_issuer);
    let mut text = config.to_toml(is_of_issuer);
    writeln!(text, "[forward_auth]\ndialects = {:?}", dialect::ALL.map(Dialect::name))
        .expect("a string takes it");
    text += "[[resources]]\nissuers = \"main\"\nmcp = true\nmcp_headers = \"server-validates\"\n";
    for (key, value) in resource.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        writeln!(text, "{key} = {value}").expect("a string takes it");
    }
    let tables =
        [("tools", &case.scopes.tools), ("prompts", &case.scopes.prompts), ("reads", &case.scopes.reads)];
    for (key, table) in tables.into_iter().filter(|(_, table)| !table.is_empty()) {
        writeln!(text, "[resources.{key}]").expect("a string takes it");
        for (name, scopes) in table {
            let (name, scopes) = (Value::from(name.as_str()), Value::from(scopes.as_str()));
            writeln!(text, "{name} = {scopes}").expect("a string takes it");
        }
    }
    let parsed = Config::parse(&text, "gateway.toml").unwrap_or_else(|error| panic!("{text}{error}"));
    let now = UNIX_EPOCH + Duration::from_secs(case.request.config.now.try_into().expect("a time"));
    let auth = parsed.build_with(|builder| {
        let jwks = case.request.jwks.as_ref().expect("keys");
        danger::allow_public_test_keys(
            builder.with_jwks(case.request.config.key_set(jwks)).with_clock(move || now),
        )
    });
    Gateway::new(&parsed, auth.expect("a guard")).expect("a gateway")
}

#[tokio::test]
async fn headers_alone_decide_as_the_vectors_say() {
    let mut asked = 0;
    let cases = mcp_cases();
    for case in cases.iter().filter(|case| case.body.is_none() && case.request.jwks.is_some()) {
        let gateway = gateway(case);
        for dialect in dialect::ALL.into_iter().filter(|dialect| dialect.transport() == Transport::Http) {
            let (target, own) = dialect.ask(&case.request.method, &case.request.url, None);
            let mut request = Request::builder().uri(target);
            // Envoy asks with the method of the request itself.
            request =
                request.method(if dialect.name() == "envoy" { case.request.method.as_str() } else { "GET" });
            for (name, value) in own {
                request = request.header(name, value);
            }
            for (name, value) in &case.request.headers {
                let name = HeaderName::try_from(name.as_str()).expect("a name");
                request = request.header(name, HeaderValue::from_bytes(value.as_ref()).expect("a value"));
            }
            let answer = answer(&gateway, &request.body(()).expect("a request"), LOOPBACK).await;
            let challenges = answer.headers().get_all(WWW_AUTHENTICATE).iter();
            let challenges: Vec<_> =
                challenges.map(|value| value.to_str().expect("ASCII").to_owned()).collect();
            let (status, challenge) = match &case.request.outcome {
                Outcome::Deny(refusal) => (refusal.status, refusal.challenge.clone()),
                _ => (200, None),
            };
            let what = format!("{} as {}", case.request.id, dialect.name());
            assert_eq!(
                (answer.status().as_u16(), challenges),
                (status, challenge.into_iter().collect()),
                "{what}"
            );
            asked += 1;
        }
    }
    assert!(asked > 30, "{asked}");
}
