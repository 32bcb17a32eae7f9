//! The shared vectors of messages to an MCP server through the reverse proxy, over loopback: what may pass reaches the
//! application byte for byte, and nothing else does.

use hyper::body::Bytes;
use requires_auth_testkit::vectors::{Outcome, mcp_cases};
use serde_json::Value;

use super::vectors::Stage;
use crate::gateway::vector_gateway;

#[tokio::test]
async fn every_message_gets_one_verdict_and_only_what_may_pass_reaches_the_application() {
    let stage = Stage::new().await;
    let (mut asked, mut differences) = (0, Vec::new());
    let cases = mcp_cases();
    for case in cases.iter().filter(|case| case.body.is_some()) {
        let request = &case.request;
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let body = Bytes::from(case.body.clone().unwrap_or_default());
        let of_case = vector_gateway::of_mcp(case, &stage.sections, "");
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
