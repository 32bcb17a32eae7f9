//! What a guard tells of the way to its issuer's keys.

mod support;

use std::time::Duration;

use requires_auth::discovery::FetchFailure;
use requires_auth::fetch::FetchError;
use requires_auth::guard::Examination;
use requires_auth::verify::{KeySet, Unusable};
use requires_auth::{Algorithm, RequiresAuth};
use requires_auth_testkit::{Algorithm as Kind, SigningKey, jwk_set};
use serde_json::{Value, json};

use self::support::{AUDIENCE, Answer, ManualClock, MemoryIssuer};

const ISSUER: &str = "https://issuer.example/oidc";

/// What is found at the one issuer of a guard.
async fn examine(auth: &RequiresAuth) -> Examination {
    auth.examine().await.pop().expect("one issuer")
}

/// Whether a failure is the expected one.
type Expected = fn(&FetchFailure) -> bool;

/// The URLs that were asked, in order.
fn places(found: &Examination) -> Vec<String> {
    found.metadata().iter().chain(found.key_set()).map(|document| document.url().to_string()).collect()
}

#[tokio::test]
async fn the_way_to_the_keys_is_told_and_nothing_is_kept() {
    let (issuer, clock) = (MemoryIssuer::new(ISSUER), ManualClock::new());
    issuer.cache_control("max-age=300");
    let auth = issuer.guard(&clock);
    let found = examine(&auth).await;
    assert_eq!((found.issuer(), found.failure()), (ISSUER, None));
    let base = "https://issuer.example/oidc";
    assert_eq!(places(&found), [format!("{base}/.well-known/openid-configuration"), format!("{base}/jwks")]);
    let key_set = found.key_set().expect("a key set");
    assert_eq!((key_set.status(), key_set.cache_control()), (Ok(200), Some("max-age=300")));
    assert!(KeySet::parse(key_set.body()).is_ok_and(|keys| keys.len() == 1));
    assert_eq!(found.keys().len(), 1);
    assert_eq!(found.keys()[0].algorithms(), Ok(&[Algorithm::Es256][..]));
    assert_eq!(auth.health().issuers()[0].keys(), 0, "what was found is not kept");
}

#[tokio::test]
async fn each_key_is_told_with_its_algorithms_or_why_it_is_not_used() {
    let (issuer, clock) = (MemoryIssuer::new(ISSUER), ManualClock::new());
    let mut set = jwk_set([&SigningKey::generate(Kind::Ed25519)]);
    set["keys"][0]["alg"] = "EdDSA".into();
    let keys = set["keys"].as_array_mut().expect("keys");
    keys.push(json!({ "kty": "oct", "k": "AAAA", "kid": "secret" }));
    issuer.answer_key_set(Answer::Body(set.to_string()));
    let builder = issuer.builder(&clock).with_algorithms(["EdDSA"]);
    let found = examine(&builder.build().expect("a guard")).await;
    let told: Vec<_> =
        found.keys().iter().map(|key| (key.kind(), key.algorithms().map(<[_]>::to_vec))).collect();
    assert_eq!(told, [(Some("EdDSA"), Ok(vec![Algorithm::Ed25519])), (Some("oct"), Err(Unusable::Private))]);
    assert_eq!(found.failure(), None);
}

#[tokio::test]
async fn a_set_without_a_usable_key_is_a_failure_whose_keys_are_told() {
    let (issuer, clock) = (MemoryIssuer::new(ISSUER), ManualClock::new());
    issuer.answer_key_set(Answer::Body(r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#.to_owned()));
    let found = examine(&issuer.guard(&clock)).await;
    assert_eq!(found.failure(), Some(&FetchFailure::EmptyKeySet));
    assert_eq!(found.keys()[0].algorithms(), Err(Unusable::Private));
}

#[tokio::test]
async fn what_is_wrong_ends_the_way_where_the_guard_would_stop() {
    let other = json!({ "issuer": "https://other.example", "jwks_uri": "https://other.example/keys" });
    let unsafe_uri = json!({ "issuer": ISSUER, "jwks_uri": "http://keys.example/" });
    let is_other: Expected = |failure| matches!(failure, FetchFailure::OtherIssuer(_));
    let cases: [(&str, Vec<Answer>, usize, Expected); 5] = [
        ("nothing there", vec![Answer::Status(404), Answer::Status(404)], 2, |failure| {
            *failure == FetchFailure::NoMetadata(404)
        }),
        ("HTML", vec![Answer::Body("<html>".to_owned())], 1, |failure| *failure == FetchFailure::NotMetadata),
        ("another issuer", vec![Answer::Body(other.to_string())], 1, is_other),
        ("keys over http", vec![Answer::Body(unsafe_uri.to_string())], 1, |failure| {
            matches!(failure, FetchFailure::UnsafeKeySetUrl(_))
        }),
        ("no connection", vec![Answer::Fail(FetchError::Connect("refused".to_owned()))], 1, |failure| {
            matches!(failure, FetchFailure::Fetch(FetchError::Connect(_)))
        }),
    ];
    for (name, answers, asked, is_expected) in cases {
        let (issuer, clock) = (MemoryIssuer::new(ISSUER), ManualClock::new());
        for answer in answers {
            issuer.answer_discovery(answer);
        }
        let found = examine(&issuer.guard(&clock)).await;
        assert!(found.failure().is_some_and(is_expected), "{name}: {:?}", found.failure());
        assert_eq!(found.metadata().len(), asked, "{name}");
        assert!(found.key_set().is_none() && found.keys().is_empty(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_in_time_is_told_as_such() {
    let (issuer, clock) = (MemoryIssuer::new(ISSUER), ManualClock::new());
    issuer.answer_key_set(Answer::Hang);
    let found = examine(&issuer.guard(&clock)).await;
    let key_set = found.key_set().expect("it was asked for");
    assert_eq!((key_set.status(), key_set.took()), (Err(&FetchError::Timeout), Duration::ZERO));
    assert_eq!(found.failure(), Some(&FetchFailure::Fetch(FetchError::Timeout)));
    assert!(key_set.body().is_empty() && key_set.cache_control().is_none());
}

#[tokio::test]
async fn a_pinned_key_set_is_asked_for_alone_and_a_given_one_not_at_all() {
    let (issuer, clock) = (MemoryIssuer::new(ISSUER), ManualClock::new());
    let pinned = issuer.builder(&clock).with_jwks_uri("https://keys.example/jwks").build().expect("a guard");
    assert_eq!(places(&examine(&pinned).await), ["https://keys.example/jwks"]);
    let set: Value = jwk_set([&SigningKey::generate(Kind::Es256)]);
    let given = RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(set.to_string()).build().expect("a guard");
    assert!(given.examine().await.is_empty());
}
