//! The shared vectors through every adapter: one configuration and one token have one verdict, code and challenge.
//!
//! What an adapter cannot be asked is counted by reason and printed: `--nocapture` shows it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use requires_auth::ConfigError;
use requires_auth::error::ConfigProblem;
use requires_auth::explain::{Check, Outcome};
use requires_auth::verify::Step;
use requires_auth_testkit::vectors::{
    MetadataCase, Outcome as Expected, RequestCase, Served, metadata_cases, proof_cases, request_cases,
    token_cases,
};

mod adapters;

use adapters::{Answer, Document, Guarded, actix, axum, core, own, tonic, tower};

#[tokio::test]
async fn every_request_gets_one_answer_through_every_adapter() {
    let mut tally = Tally::default();
    for case in request_cases() {
        let expected = Answer::expected_of_request(&case);
        let guarded = match Guarded::new(&case.config, case.jwks.as_ref()) {
            Ok(guarded) => guarded,
            Err(error) => {
                tally.skip("every adapter", why(&error));
                continue;
            }
        };
        let answer = core::admit(&guarded, &case).await.without_claims();
        tally.compare("core", &case.id, &expected, &answer);

        let Some(request) = http_request(&case) else {
            tally.skip("a framework", "a header that no HTTP server hands on");
            continue;
        };
        // A service without a router knows no path parameters.
        if case.route.is_none() {
            match own::ask(&guarded, &case).await {
                Some(answer) => tally.compare("own", &case.id, &expected, &answer.without_claims()),
                None => tally.skip("own", "an answer to HEAD, which says less"),
            }
            let answer = tower::ask(&guarded, request.clone()).await.without_claims();
            tally.compare("tower", &case.id, &expected, &answer);
            let answer = tonic::ask(&guarded, request.clone()).await.without_claims();
            tally.compare_tonic(&case, &expected, &answer);
        }
        let answer = axum::ask(&guarded, case.route.as_deref(), request.clone()).await.without_claims();
        tally.compare("axum", &case.id, &expected, &answer);
        let answer = actix::ask(&guarded, case.route.as_deref(), request).await.without_claims();
        tally.compare("actix", &case.id, &expected, &answer);
    }
    tally.report();
}

#[tokio::test]
async fn every_token_gets_one_answer_through_every_adapter() {
    let mut tally = Tally::default();
    for case in token_cases() {
        let expected = Answer::expected_of_token(&case);
        tally.compare("core", &case.id, &expected, &core::verify(&case).await);
        core::check_reads(&case).await;

        let guarded = match Guarded::new(&case.config, Some(&case.jwks)) {
            Ok(guarded) => guarded,
            Err(error) => {
                tally.skip("a framework", why(&error));
                continue;
            }
        };
        let request =
            http::Request::builder().header("authorization", format!("Bearer {}", case.token)).body(());
        let Ok(request) = request else {
            tally.skip("a framework", "a header that no HTTP server hands on");
            continue;
        };
        tally.compare("tower", &case.id, &expected, &tower::ask(&guarded, request.clone()).await);
        tally.compare("axum", &case.id, &expected, &axum::ask(&guarded, None, request.clone()).await);
        tally.compare("tonic", &case.id, &expected, &tonic::ask(&guarded, request.clone()).await);
        tally.compare("actix", &case.id, &expected, &actix::ask(&guarded, None, request).await);
    }
    tally.report();
}

/// Each adapter has a guard of its own, which gets the earlier requests of the case first.
#[tokio::test]
async fn every_proof_gets_one_answer_through_every_adapter() {
    let mut tally = Tally::default();
    for case in proof_cases() {
        let expected = Answer::expected_of_proof(&case);
        for adapter in ["core", "own", "tower", "axum", "tonic", "actix"] {
            if adapter == "own" && case.request.method == "HEAD" {
                tally.skip("own", "an answer to HEAD, which says less");
                continue;
            }
            let guarded = Guarded::new(&case.request.config, case.request.jwks.as_ref()).unwrap();
            for earlier in &case.before {
                let passed = matches!(ask(adapter, &guarded, &earlier.request).await, Answer::Token(_));
                assert_eq!(passed, earlier.is_allowed, "{} through {adapter}", case.request.id);
            }
            let answer = ask(adapter, &guarded, &case.request).await;
            if adapter == "tonic" {
                tally.compare_tonic(&case.request, &expected, &answer);
            } else {
                tally.compare(adapter, &case.request.id, &expected, &answer);
            }
        }
    }
    tally.report();
}

/// The adapter of the guide stands there as it is tested here, and is as short as the guide says.
#[test]
fn the_guide_shows_the_adapter_that_was_asked() {
    let guide = include_str!("../../../docs/guides/own-adapter.md");
    assert!(
        guide.contains(&format!("```rust\n{}```\n", own::CODE)),
        "docs/guides/own-adapter.md shows another adapter"
    );
    assert!(own::lines() <= 30, "{}", own::lines());
}

async fn ask(adapter: &str, guarded: &Guarded, case: &RequestCase) -> Answer {
    let request = || http_request(case).unwrap();
    let answer = match adapter {
        "core" => core::admit(guarded, case).await,
        "tower" => tower::ask(guarded, request()).await,
        "own" => own::ask(guarded, case).await.expect("another method than HEAD"),
        "tonic" => tonic::ask(guarded, request()).await,
        "actix" => actix::ask(guarded, None, request()).await,
        _ => axum::ask(guarded, None, request()).await,
    };
    answer.without_claims()
}

/// The router of axum compares a path as it was sent: of a resource with escapes, only the place that challenges name is a route.
const AS_SENT: [&str; 2] = ["place-escapes", "place-escapes-decoded"];

/// The document of a resource is served by every adapter at the same places, with the same bytes, while no issuer is in reach.
#[tokio::test]
async fn every_document_is_served_by_every_adapter() {
    let mut differences = Vec::new();
    for case in metadata_cases() {
        let guarded = match (Guarded::new(&case.config, None), &case.served) {
            (Err(error), Served::Mistake { setting }) => {
                let fields: Vec<_> = error.problems().iter().map(ConfigProblem::field).collect();
                assert_eq!(fields, [setting], "{}", case.id);
                continue;
            }
            (Err(error), _) => panic!("{}: {error}", case.id),
            (Ok(_), Served::Mistake { .. }) => panic!("{}: the guard was built", case.id),
            (Ok(guarded), _) => guarded,
        };
        let request = http::Request::builder().method(case.method.as_str()).uri(&case.url).body(()).unwrap();
        let answers = [
            ("core", core::metadata(&guarded, &case)),
            ("tower", tower::metadata(&guarded, request.clone()).await),
            ("tonic", tonic::metadata(&guarded, request.clone()).await),
            ("actix", actix::metadata(&guarded, request.clone()).await),
            ("actix, configured", actix::configured_metadata(&guarded, request.clone()).await),
            ("axum", axum::metadata(&guarded, request.clone()).await),
            ("axum, merged", axum::merged_metadata(&guarded, request).await),
        ];
        for (adapter, answer) in answers {
            let is_no_route = adapter == "axum, merged" && AS_SENT.contains(&case.id.as_str());
            let is_right = if is_no_route { answer.is_none() } else { is_served(&case, answer.as_ref()) };
            if !is_right {
                differences.push(format!("{} through {adapter}: {answer:?}", case.id));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Whether this is the answer that a case expects; `None` is one that is not about a document.
fn is_served(case: &MetadataCase, answer: Option<&Document>) -> bool {
    match (&case.served, answer) {
        (Served::Answer { status, headers, body }, Some(answer)) => {
            let has = |(name, value): (&String, &String)| {
                answer.headers.iter().filter(|(own, _)| own == name).eq([&(name.clone(), value.clone())])
            };
            answer.status == *status && answer.body == *body && headers.iter().all(has)
        }
        (Served::Other, None) => true,
        _ => false,
    }
}

/// Explaining a token gives its verdict; of the checks, those before the one that failed have passed, and those after
/// it were not reached, unless the one that failed is the issuer's confirmation of a JWT.
#[tokio::test]
async fn every_token_is_explained_as_it_is_judged() {
    let mut explained = 0;
    for case in token_cases() {
        let Some((judged, report)) = core::explain(&case).await else { continue };
        explained += 1;
        let outcomes: Vec<_> = report.checks().iter().map(Check::outcome).collect();
        let passed = outcomes.iter().take_while(|outcome| **outcome == Outcome::Passed).count();
        match (&judged, report.verdict()) {
            (Ok(_), Ok(_)) => assert_eq!(passed, outcomes.len(), "{}: {outcomes:?}", case.id),
            (Err(judged), Err(told)) => {
                assert_eq!(judged, told, "{}", case.id);
                assert_eq!(outcomes[passed], Outcome::Failed, "{}: {outcomes:?}", case.id);
                let failed = &report.checks()[passed];
                // About a JWT the issuer is asked last, once it is good by itself.
                let is_confirmation =
                    failed.step() == Step::Introspection && case.token.split('.').count() == 3;
                let may_follow = |outcome: &Outcome| {
                    *outcome == Outcome::NotReached || is_confirmation && *outcome == Outcome::Passed
                };
                assert!(outcomes[passed + 1..].iter().all(may_follow), "{}", case.id);
                assert!(
                    !failed.found().is_empty() && !failed.expected().is_empty(),
                    "{}: {failed:?}",
                    case.id
                );
                assert!(report.hint().is_some_and(|hint| !hint.is_empty()), "{}", case.id);
            }
            (judged, told) => panic!("{}: {judged:?} is explained as {told:?}", case.id),
        }
    }
    assert!(explained > 1000);
}

/// Why a guard cannot be built as a vector wants it: what the verifier takes from a tool, a server is spared.
fn why(error: &ConfigError) -> &'static str {
    match error.problems()[0].field() {
        "issuer" => "no issuer is configured, which a guard always has",
        "algorithms" => "an empty list of algorithms, or an unknown one, is a configuration error",
        "jwks" => "a key set without a usable key is a configuration error",
        _ => panic!("{error}"),
    }
}

fn http_request(case: &RequestCase) -> Option<http::Request<()>> {
    let mut request = http::Request::builder().method(case.method.as_str()).uri(&case.url);
    for (name, value) in &case.headers {
        request = request.header(name, value.as_slice());
    }
    request.body(()).ok()
}

/// What was asked, what was not, and what was answered wrongly.
#[derive(Default)]
struct Tally {
    asked: BTreeMap<&'static str, usize>,
    skipped: BTreeMap<(&'static str, &'static str), usize>,
    differences: Vec<String>,
}

impl Tally {
    fn compare(&mut self, adapter: &'static str, id: &str, expected: &Answer, answer: &Answer) {
        *self.asked.entry(adapter).or_default() += 1;
        if answer != expected {
            self.differences
                .push(format!("{id} through {adapter}\n  expected {expected:?}\n  answered {answer:?}"));
        }
    }

    /// A server of tonic runs the handler whatever the HTTP method is: a preflight is a call without a token, and refused as one.
    fn compare_tonic(&mut self, case: &RequestCase, expected: &Answer, answer: &Answer) {
        if matches!(case.outcome, Expected::Preflight) && !case.config.optional {
            assert!(answer.asks_for_a_token(), "{}: {answer:?}", case.id);
            self.skip("tonic", "a preflight, which is refused");
        } else {
            self.compare("tonic", &case.id, expected, answer);
        }
    }

    fn skip(&mut self, adapter: &'static str, why: &'static str) {
        *self.skipped.entry((adapter, why)).or_default() += 1;
    }

    fn report(self) {
        self.asked.iter().for_each(|(adapter, count)| println!("{adapter}: {count} cases"));
        self.skipped
            .iter()
            .for_each(|((adapter, why), count)| println!("not asked of {adapter}: {count} cases: {why}"));
        assert!(
            self.differences.is_empty(),
            "{} differ\n{}",
            self.differences.len(),
            self.differences.join("\n")
        );
    }
}
