//! The shared vectors of proofs through the reverse proxy, each with the requests before it: what may pass reaches the
//! application, and without its proof.

use std::sync::atomic::Ordering;

use http::{HeaderMap, Method};
use hyper::body::Bytes;
use requires_auth_testkit::vectors::{Outcome, ProofCase, RequestCase, proof_cases};

use super::vectors::Stage;
use crate::gateway::vector_gateway::{self, Told};

/// Asks under the configuration that is served; `None` if no client can send it.
async fn ask(stage: &Stage, case: &RequestCase) -> Option<(Told, HeaderMap, bool)> {
    let headers: Vec<_> = case.headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let (parts, body, passed) = stage.send_again((&case.method, &case.url), &headers, Bytes::new()).await?;
    Some((Told::over_http(parts.status, &parts.headers, &body), parts.headers, passed))
}

/// What is to be answered: that to HEAD has no body.
fn expected(case: &ProofCase) -> Told {
    let told = Told { challenges: case.challenges.clone(), ..Told::expected_of_request(&case.request) };
    let is_head = case.request.method == Method::HEAD.as_str();
    if is_head { Told { code: None, reason: None, ..told } } else { told }
}

#[tokio::test]
async fn every_proof_gets_one_verdict_and_never_reaches_the_application() {
    let stage = Stage::new().await;
    let (mut asked, mut refused) = (0, 0);
    for case in proof_cases() {
        let id = &case.request.id;
        let mut request = case.request.clone();
        request.route = Some("/*".to_owned());
        let dpop = &request.config.settings["dpop"];
        let mode = dpop["mode"].as_str().or(dpop.as_str());
        stage.leaves_proofs.store(matches!(mode, Some("pass" | "off")), Ordering::Relaxed);
        stage.serve(vector_gateway::of_request(&request, &stage.sections));
        for earlier in &case.before {
            ask(&stage, &earlier.request).await.expect("a request");
        }
        let Some((told, headers, passed)) = ask(&stage, &case.request).await else { continue };
        let is_ambiguous = told.code.as_deref() == Some("auth.ambiguous_path");
        if is_ambiguous || case.request.outcome == Outcome::Anonymous {
            assert!(told.status >= 400 && !passed, "{id}: {told:?}");
            refused += 1;
            continue;
        }
        assert_eq!(told, expected(&case), "{id}");
        assert_eq!(passed, told.status == 200, "{id}");
        for (name, value) in &case.request.response_headers {
            assert_eq!(headers.get(name).and_then(|own| own.to_str().ok()), Some(&**value), "{id}: {name}");
        }
        asked += 1;
    }
    println!("{asked} requests, and {refused} that are refused before");
    assert!(asked > 200 && refused < 30, "{asked} {refused}");
}
