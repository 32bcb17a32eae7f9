//! The shared vectors of proofs through every dialect, each with the requests before it; and nginx's second question, which
//! tells the same and uses up nothing.

use requires_auth_testkit::vectors::{Outcome, ProofCase, RequestCase, proof_cases};

use super::request_vectors::{grpc_as_sent, question};
use super::vectors::{sections, told_over_grpc, told_over_http};
use super::*;
use crate::gateway::vector_gateway::{self, Told};

/// Why a case is not answered as it says. Such a request is refused all the same.
fn why_not(case: &ProofCase, told: &Told) -> Option<&'static str> {
    match told.code.as_deref() {
        _ if case.request.outcome == Outcome::Anonymous => {
            Some("a route of the gateway wants a token, or looks at none")
        }
        Some("auth.ambiguous_request") => Some("a header says something else than the proxy"),
        Some("auth.ambiguous_path") => Some("servers could read the path in more than one way"),
        _ => None,
    }
}

fn gateway(case: &ProofCase) -> Gateway {
    let mut request = case.request.clone();
    request.route = Some("/*".to_owned());
    let (config, auth) = vector_gateway::of_request(&request, &sections());
    Gateway::new(&config, auth).expect("a gateway")
}

fn expected(case: &ProofCase) -> Told {
    let told = Told::expected_of_request(&case.request);
    Told { challenges: case.challenges.clone(), ..told }
}

/// Asks as the proxy of a dialect does; `None` if it cannot.
async fn ask(gateway: &Gateway, dialect: &dyn Dialect, case: &RequestCase) -> Option<Told> {
    if dialect.transport() == Transport::Grpc {
        return Some(told_over_grpc(gateway, grpc_as_sent(case)).await.0);
    }
    let question = question(dialect, case, &case.headers)?;
    Some(told_over_http(gateway, &question).await.0)
}

#[tokio::test]
async fn every_proof_gets_one_verdict_in_every_dialect() {
    let (mut asked, mut refused) = (0, 0);
    for case in proof_cases() {
        for dialect in dialect::ALL {
            let id = &case.request.id;
            let gateway = gateway(&case);
            let mut is_ambiguous = false;
            for earlier in &case.before {
                let told = ask(&gateway, dialect, &earlier.request).await.expect("a question");
                is_ambiguous |= why_not(&case, &told).is_some();
                assert!(is_ambiguous || (told.status == 200) == earlier.is_allowed, "{id} in {dialect:?}");
            }
            let Some(told) = ask(&gateway, dialect, &case.request).await else { continue };
            if is_ambiguous || why_not(&case, &told).is_some() {
                assert!(told.status >= 400 || is_ambiguous, "{id} in {dialect:?}: {told:?}");
                refused += 1;
                continue;
            }
            assert_eq!(told, expected(&case), "{id} in {dialect:?}");
            asked += 1;
        }
    }
    println!("{asked} questions, and {refused} that are refused before");
    assert!(asked > 1_200 && refused < 100, "{asked} {refused}");
}

/// What was refused at the first question is refused for the same reason at the second, also a proof that was used before.
/// What was not is told to try again, and its proof still counts.
#[tokio::test]
async fn the_second_question_tells_the_reason_and_uses_up_nothing() {
    let nginx = dialect::named("nginx").expect("a dialect");
    for case in proof_cases() {
        let (gateway, id) = (gateway(&case), &case.request.id);
        for earlier in &case.before {
            ask(&gateway, nginx, &earlier.request).await.expect("a question");
        }
        let Some(mut second) = question(nginx, &case.request, &case.request.headers) else { continue };
        let first = question(nginx, &case.request, &case.request.headers).expect("the same question");
        *second.uri_mut() = "/forward-auth/nginx/deny".parse().expect("a target");
        let told = told_over_http(&gateway, &second).await.0;
        if why_not(&case, &told).is_some() {
            continue;
        }
        let expected = expected(&case);
        if expected.status == 200 {
            assert_eq!(told.status, 503, "{id}");
            assert_eq!(told_over_http(&gateway, &first).await.0, expected, "{id}");
        } else {
            assert_eq!(told, expected, "{id}");
        }
    }
}
