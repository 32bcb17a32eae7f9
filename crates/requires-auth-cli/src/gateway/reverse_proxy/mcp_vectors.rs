//! The shared vectors of messages to an MCP server through the reverse proxy, over loopback: what may pass reaches the
//! application byte for byte, and nothing else does.

use std::fmt::Write as _;
use std::future::ready;
use std::time::{Duration, UNIX_EPOCH};

use hyper::body::Bytes;
use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
use requires_auth::settings::{self, Setting};
use requires_auth::{RequiresAuth, danger};
use requires_auth_testkit::vectors::{McpCase, Outcome, mcp_cases};
use serde_json::Value;

use super::vectors::Stage;
use crate::gateway::config::Config;

/// An issuer that is down.
struct Down;

impl Fetch for Down {
    fn fetch(&self, _: FetchRequest) -> FetchFuture {
        Box::pin(ready(Ok(FetchResponse::new(500, ""))))
    }
}

/// The configuration of a case: what it says of its resource stands in `[[resources]]`.
fn text(case: &McpCase, sections: &str) -> String {
    let mut config = case.request.config.clone();
    let mut take = |key: &str| config.settings.remove(key);
    let resource = [
        ("resource", take("resource")),
        ("scopes", take("base_scopes")),
        ("challenge_scopes", take("challenge_scopes")),
        ("audience", Some(config.audience.clone().into())),
        ("max_body", case.scopes.max_body.map(Value::from)),
    ];
    let is_of_issuer = |key: &str| settings::find(key).is_some_and(Setting::is_of_issuer);
    let mut text =
        config.to_toml(is_of_issuer) + sections + "[[resources]]\nissuers = \"main\"\nmcp = true\n";
    for (key, value) in resource.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        writeln!(text, "{key} = {value}").expect("a string takes it");
    }
    let tables =
        [("tools", &case.scopes.tools), ("prompts", &case.scopes.prompts), ("reads", &case.scopes.reads)];
    for (key, table) in tables.into_iter().filter(|(_, table)| !table.is_empty()) {
        writeln!(text, "[resources.{key}]").expect("a string takes it");
        for (name, scopes) in table {
            writeln!(text, "{} = {}", Value::from(name.as_str()), Value::from(scopes.as_str()))
                .expect("a string takes it");
        }
    }
    text
}

fn of_case(case: &McpCase, sections: &str) -> (Config, RequiresAuth) {
    let text = text(case, sections);
    let config =
        Config::parse(&text, "gateway.toml").unwrap_or_else(|error| panic!("{}: {error}", case.request.id));
    let now = UNIX_EPOCH + Duration::from_secs(case.request.config.now.try_into().expect("a time"));
    let auth = config.build_with(|builder| {
        let builder = match &case.request.jwks {
            Some(jwks) => builder.with_jwks(case.request.config.key_set(jwks)),
            None => builder.with_fetch(Down),
        };
        danger::allow_public_test_keys(builder.with_clock(move || now))
    });
    (config, auth.expect("a guard"))
}

#[tokio::test]
async fn every_message_gets_one_verdict_and_only_what_may_pass_reaches_the_application() {
    let stage = Stage::new().await;
    let (mut asked, mut differences) = (0, Vec::new());
    let cases = mcp_cases();
    for case in cases.iter().filter(|case| case.body.is_some()) {
        let request = &case.request;
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let body = Bytes::from(case.body.clone().unwrap_or_default());
        let of_case = of_case(case, &stage.sections);
        let target = (request.method.as_str(), request.url.as_str());
        let Some((parts, answer, passed)) = stage.send(of_case, target, &headers, body.clone()).await else {
            panic!("{}: no client sends this", request.id)
        };
        let status = parts.status.as_u16();
        let challenges: Vec<_> = parts
            .headers
            .get_all("www-authenticate")
            .iter()
            .map(|value| value.to_str().expect("ASCII").to_owned())
            .collect();
        let (expected_status, expected_challenges) = match &request.outcome {
            Outcome::Deny(refusal) => (refusal.status, refusal.challenge.iter().cloned().collect()),
            _ => (200, Vec::new()),
        };
        let mut is_alike =
            status == expected_status && challenges == expected_challenges && passed == (status == 200);
        if let Outcome::Deny(refusal) = &request.outcome {
            let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
            let json_rpc = answer["error"]["code"].as_i64();
            let members = if json_rpc.is_some() { &answer["error"]["data"] } else { &answer };
            is_alike &= members["code"] == refusal.code.as_str() && json_rpc == case.json_rpc.map(i64::from);
        } else {
            is_alike &= answer == body;
        }
        if !is_alike {
            let expected = &request.outcome;
            differences.push(format!("{}: {status} {challenges:?} {answer:?}, not {expected:?}", request.id));
        }
        asked += 1;
    }
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences.join("\n"));
    assert!(asked > 100, "{asked}");
}
