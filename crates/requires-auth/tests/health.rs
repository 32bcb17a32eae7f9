//! How the keys are doing, as a health page and a readiness probe see it.

mod support;

use std::time::Duration;

use requires_auth::discovery::FetchFailure;
use requires_auth::fetch::FetchError;
use requires_auth::guard::{IssuerHealth, KeySource, KeyState};
use requires_auth::{RequiresAuth, verify::Unusable};
use requires_auth_testkit::{Algorithm, SigningKey, jwk_set};
use support::{AUDIENCE, Answer, ManualClock, MemoryIssuer};

const ISSUER: &str = "https://issuer.example/oidc";

fn only(guard: &RequiresAuth) -> IssuerHealth {
    guard.health().issuers().first().expect("an issuer").clone()
}

#[tokio::test(start_paused = true)]
async fn keys_go_from_missing_to_fresh_to_stale_to_too_old() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    issuer.always(Some(Answer::Fail(FetchError::Timeout)));
    let guard = issuer.guard(&clock);
    assert_eq!(
        (only(&guard).state(), only(&guard).source(), guard.health().is_ready()),
        (KeyState::Missing, None, false)
    );

    guard.warm().await.expect_err("down");
    let health = only(&guard);
    assert_eq!((health.state(), health.keys()), (KeyState::Missing, 0));
    assert_eq!(health.last_error().map(FetchFailure::as_str), Some("timeout"));

    issuer.always(None);
    clock.advance(1);
    guard.warm().await.expect("keys");
    let health = only(&guard);
    assert_eq!(
        (health.state(), health.source(), health.keys()),
        (KeyState::Fresh, Some(KeySource::Fetched), 1)
    );
    assert_eq!((health.age(), health.last_error()), (Some(Duration::ZERO), None));
    let next = health.next_refresh().expect("a refresh").as_secs();
    assert!((480..=540).contains(&next), "{next}");
    assert!(guard.health().is_ready());

    issuer.always(Some(Answer::Fail(FetchError::Timeout)));
    clock.advance(600);
    let health = only(&guard);
    assert_eq!((health.state(), health.age()), (KeyState::Stale, Some(Duration::from_secs(600))));
    assert_eq!(health.next_refresh(), Some(Duration::ZERO));
    assert!(guard.health().is_ready(), "stale keys serve");

    clock.advance(3600);
    assert_eq!(only(&guard).state(), KeyState::TooOld);
    assert!(!guard.health().is_ready());
}

#[tokio::test(start_paused = true)]
async fn skipped_keys_are_told_with_the_reason() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let good = issuer.current_key().public_jwk();
    let test_key = SigningKey::fixed(Algorithm::Es256).public_jwk();
    let set =
        format!(r#"{{"keys":[{{"kty":"oct","k":"AA"}},{good},{{"kty":"RSA","use":"enc"}},{test_key}]}}"#);
    issuer.answer_key_set(Answer::Body(set));
    let guard = issuer.guard(&clock);
    guard.warm().await.expect("keys");
    let skipped: Vec<_> = only(&guard).skipped().iter().map(|key| (key.index(), key.reason())).collect();
    assert_eq!(skipped, [(0, Unusable::Private), (2, Unusable::OtherUse), (3, Unusable::PublicTestKey)]);
}

#[test]
fn a_static_set_is_always_ready() {
    let jwks = jwk_set([&SigningKey::generate(Algorithm::Es384)]).to_string();
    let guard = RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(jwks).build().expect("a guard");
    let health = only(&guard);
    assert_eq!(
        (health.state(), health.source(), health.issuer()),
        (KeyState::Fresh, Some(KeySource::Static), ISSUER)
    );
    assert!(guard.health().is_ready());
}

#[tokio::test(start_paused = true)]
async fn remembered_tokens_are_counted() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    assert_eq!(support::verdict(&guard, &issuer.token(&clock)).await, "ok");
    assert_eq!(support::verdict(&guard, "opaque").await, "opaque");
    assert_eq!(guard.health().remembered_tokens(), 1, "only accepted tokens are remembered");
}
