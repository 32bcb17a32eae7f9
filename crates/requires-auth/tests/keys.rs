//! The life of a key set, with a clock and an issuer in memory.

mod support;

use std::time::Duration;

use requires_auth::ErrorCode;
use requires_auth::fetch::FetchError;
use requires_auth_testkit::{Algorithm, SigningKey, jwk_set};
use support::{Answer, ManualClock, MemoryIssuer, authenticate, verdict};

const ISSUER: &str = "https://issuer.example/oidc";

fn down() -> Answer {
    Answer::Fail(FetchError::Connect("connection refused".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_on_first_need_and_kept_for_their_life() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    assert_eq!(issuer.key_set_requests(), 0, "making a guard does no IO");
    let token = issuer.token(&clock);
    for _ in 0..3 {
        assert_eq!(verdict(&guard, &token).await, "ok");
    }
    assert_eq!((issuer.discovery_requests(), issuer.key_set_requests()), (1, 1));
    clock.advance(599);
    assert_eq!(verdict(&guard, &token).await, "ok");
    assert_eq!(issuer.key_set_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_kid_is_looked_up_within_the_same_request() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let old = issuer.token(&clock);
    assert_eq!(verdict(&guard, &old).await, "ok");
    issuer.rotate();
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    assert_eq!(verdict(&guard, &old).await, "ok");
    assert_eq!(issuer.key_set_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_fetch_has_removed_is_never_used_again() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let old = issuer.token(&clock);
    assert_eq!(verdict(&guard, &old).await, "ok");
    issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256)]);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    assert_eq!(verdict(&guard, &old).await, "key_unknown");
}

#[tokio::test(start_paused = true)]
async fn a_known_kid_may_get_a_new_key() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256).with_kid("one")]);
    let guard = issuer.guard(&clock);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256).with_kid("one")]);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    assert_eq!(issuer.key_set_requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_kids_causes_two_fetches_at_once_and_one_in_fifteen_seconds() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let good = issuer.token(&clock);
    assert_eq!(verdict(&guard, &good).await, "ok");
    let stranger = SigningKey::generate(Algorithm::Es256);
    let mut fetches = Vec::new();
    for second in 0..=30 {
        let before = issuer.key_set_requests();
        for i in 0..50 {
            let token = issuer.token_by(&stranger.clone().with_kid(format!("random-{second}-{i}")), &clock);
            let expected = match second {
                // The last good fetch is too long ago to know, and the next is not due.
                10..=14 | 25..=29 => "auth.issuer_unavailable",
                _ => "key_unknown",
            };
            assert_eq!(verdict(&guard, &token).await, expected, "{second} s");
            assert_eq!(verdict(&guard, &good).await, "ok");
        }
        fetches.extend(std::iter::repeat_n(second, issuer.key_set_requests() - before));
        clock.advance(1);
    }
    assert_eq!(fetches, [0, 0, 15, 30]);
}

#[tokio::test(start_paused = true)]
async fn bad_signatures_and_unknown_kids_have_a_bucket_each() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    clock.advance(20);
    let kid = issuer.current_key().kid().to_owned();
    for _ in 0..5 {
        let forger = SigningKey::generate(Algorithm::Es256).with_kid(kid.clone());
        assert_eq!(verdict(&guard, &issuer.token_by(&forger, &clock)).await, "signature_mismatch");
    }
    assert_eq!(issuer.key_set_requests(), 1 + 2);
    clock.advance(10);
    let forger = SigningKey::generate(Algorithm::Es256).with_kid(kid);
    let held_back =
        authenticate(&guard, &issuer.token_by(&forger, &clock)).await.expect_err("nobody can tell");
    assert_eq!((held_back.status(), held_back.retry_after(), held_back.is_undecided()), (503, Some(5), true));
    issuer.rotate();
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok", "the rotation has a bucket of its own");
    clock.advance(5);
    assert_eq!(verdict(&guard, &issuer.token_by(&forger, &clock)).await, "signature_mismatch");
}

#[tokio::test(start_paused = true)]
async fn one_altered_token_asks_once_and_every_rotation_is_served() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    let forger = SigningKey::generate(Algorithm::Es256).with_kid(issuer.current_key().kid());
    let altered = issuer.token_by(&forger, &clock);
    let old = issuer.token(&clock);
    for second in 0..300 {
        if second % 60 == 40 {
            issuer.rotate();
        }
        if second == 200 {
            // One token of a key that is gone is still about.
            issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256)]);
        }
        for _ in 0..2 {
            let refused = verdict(&guard, &altered).await;
            assert!(["signature_mismatch", "key_unknown"].contains(&&*refused), "{second} s: {refused}");
            assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok", "{second} s");
            assert_eq!(verdict(&guard, &old).await == "ok", second < 200, "{second} s");
        }
        clock.advance(1);
    }
    // Cold, the altered token for the first set and each other one, 5 rotations, the removal, and the kid that it has
    // removed every 30 s from then on.
    assert!(issuer.key_set_requests() <= 1 + 6 + 6 + 4, "{}", issuer.key_set_requests());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_is_503_and_no_refusal() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256).with_kid("one")]);
    let guard = issuer.guard(&clock);
    let old = issuer.token(&clock);
    assert_eq!(verdict(&guard, &old).await, "ok");
    issuer.rotate();
    let of_new_key = issuer.token(&clock);
    let same_kid = issuer.token_by(&SigningKey::generate(Algorithm::Es256).with_kid("one"), &clock);
    issuer.always(Some(down()));
    let mut attempts = Vec::new();
    for second in 0..40 {
        let before = issuer.key_set_requests() + issuer.discovery_requests();
        for token in [&of_new_key, &same_kid] {
            let denial = authenticate(&guard, token).await.expect_err("nobody can tell");
            assert_eq!((denial.status(), denial.code()), (503, ErrorCode::IssuerUnavailable), "{second} s");
            assert!(denial.is_undecided() && (1..=8).contains(&denial.retry_after().expect("a time")));
        }
        assert_eq!(verdict(&guard, &old).await, "ok");
        attempts.extend((issuer.key_set_requests() + issuer.discovery_requests() > before).then_some(second));
        clock.advance(1);
    }
    assert_eq!(attempts[..4], [0, 1, 3, 7], "the bucket holds no retry back");
    issuer.always(None);
    clock.advance(8);
    assert_eq!(verdict(&guard, &of_new_key).await, "ok");
    assert_eq!(verdict(&guard, &same_kid).await, "signature_mismatch", "a good fetch has told");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_when_the_next_fetch_is_allowed() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    issuer.rotate();
    let token = issuer.token(&clock);
    for _ in 0..5 {
        issuer.always(Some(down()));
        let first = authenticate(&guard, &token).await.expect_err("down").retry_after().expect("a time");
        issuer.always(None);
        if first > 1 {
            clock.advance(u64::from(first) - 2);
            let before = issuer.key_set_requests() + issuer.discovery_requests();
            assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable");
            assert_eq!(issuer.key_set_requests() + issuer.discovery_requests(), before, "too early");
            clock.advance(2);
        } else {
            clock.advance(1);
        }
        issuer.always(Some(down()));
        let before = issuer.key_set_requests() + issuer.discovery_requests();
        assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable");
        assert!(issuer.key_set_requests() + issuer.discovery_requests() > before, "{first} s are over");
        clock.advance(8);
    }
}

#[tokio::test(start_paused = true)]
async fn a_kid_that_was_asked_for_too_early_is_served_after_thirty_seconds() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    issuer.cache_control("max-age=86400");
    let guard = issuer.guard(&clock);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    let next = SigningKey::generate(Algorithm::Es256);
    let early = issuer.token_by(&next, &clock);
    assert_eq!(verdict(&guard, &early).await, "key_unknown");
    issuer.set_keys(vec![next, issuer.current_key()]);
    clock.advance(29);
    assert_eq!(verdict(&guard, &early).await, "key_unknown");
    assert_eq!(issuer.key_set_requests(), 2);
    clock.advance(1);
    assert_eq!(verdict(&guard, &early).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_no_key_can_help_causes_no_fetch() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let stranger = SigningKey::generate(Algorithm::Es256);
    let expired = |key: &SigningKey, seconds_ago: i64| {
        let forge = requires_auth_testkit::Forge::new(ISSUER, support::AUDIENCE, key.clone());
        forge.token().issued_at(clock.unix() - 100 - seconds_ago).lifetime(100).subject("alice").mint()
    };
    assert_eq!(verdict(&guard, &expired(&stranger, 3600)).await, "expired", "without any keys");
    assert_eq!(issuer.discovery_requests(), 0);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    let same_kid = SigningKey::generate(Algorithm::Es256).with_kid(issuer.current_key().kid());
    for key in [&stranger, &same_kid] {
        assert_eq!(verdict(&guard, &expired(key, 3600)).await, "expired");
    }
    assert_eq!(issuer.key_set_requests(), 1);
    // Within the leeway a key might help.
    assert_eq!(verdict(&guard, &expired(&stranger, 5)).await, "key_unknown");
    assert_eq!(verdict(&guard, &expired(&same_kid, 5)).await, "signature_mismatch");
    assert_eq!(issuer.key_set_requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn explain_says_what_a_request_gets_when_nobody_can_tell() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    issuer.rotate();
    issuer.always(Some(down()));
    let token = issuer.token(&clock);
    let report = support::explain(&guard, &token, &requires_auth::Policy::default()).await;
    assert!(report.verdict().expect_err("nobody can tell").is_undecided());
}

#[tokio::test(start_paused = true)]
async fn a_flood_at_one_issuer_leaves_the_other_its_bucket() {
    let clock = ManualClock::new();
    let (one, two) = (MemoryIssuer::new("https://one.example"), MemoryIssuer::new("https://two.example"));
    let guard_one = one.guard(&clock);
    let guard_two = two.guard(&clock);
    let stranger = SigningKey::generate(Algorithm::Es256);
    for guard_and_issuer in [(&guard_one, &one), (&guard_two, &two)] {
        let (guard, issuer) = guard_and_issuer;
        assert_eq!(verdict(guard, &issuer.token(&clock)).await, "ok");
    }
    for _ in 0..10 {
        assert_eq!(verdict(&guard_one, &one.token_by(&stranger, &clock)).await, "key_unknown");
    }
    two.rotate();
    assert_eq!(verdict(&guard_two, &two.token(&clock)).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_cold_requests_make_one_fetch() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let token = issuer.token(&clock);
    let gate = issuer.hold();
    let requests: Vec<_> = (0..1000)
        .map(|_| {
            let (guard, token) = (guard.clone(), token.clone());
            tokio::spawn(async move { verdict(&guard, &token).await })
        })
        .collect();
    tokio::task::yield_now().await;
    gate.notify_one();
    for request in requests {
        assert_eq!(request.await.expect("no panic"), "ok");
    }
    assert_eq!((issuer.discovery_requests(), issuer.key_set_requests()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_does_not_end_the_fetch() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let token = issuer.token(&clock);
    let gate = issuer.hold();
    let first = tokio::spawn({
        let (guard, token) = (guard.clone(), token.clone());
        async move { verdict(&guard, &token).await }
    });
    while issuer.key_set_requests() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.expect_err("aborted").is_cancelled());
    gate.notify_one();
    assert_eq!(verdict(&guard, &token).await, "ok");
    assert_eq!(issuer.key_set_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn never_having_had_keys_is_503_with_retry_after() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    issuer.always(Some(down()));
    let guard = issuer.guard(&clock);
    let denial = authenticate(&guard, &issuer.token(&clock)).await.expect_err("no keys");
    assert_eq!(
        (denial.code(), denial.status(), denial.retry_after()),
        (ErrorCode::IssuerUnavailable, 503, Some(1))
    );
    assert_eq!(denial.reason(), None, "an outage says nothing about the token");
    let failures = guard.warm().await.expect_err("still down").to_string();
    assert!(
        failures.contains(ISSUER) && failures.contains("connection refused") && failures.contains("hint"),
        "{failures}"
    );
    issuer.always(None);
    clock.advance(2);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn failures_back_off_from_one_second_to_eight() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    issuer.always(Some(down()));
    let guard = issuer.guard(&clock);
    let token = issuer.token(&clock);
    let mut attempts: Vec<u64> = Vec::new();
    for second in 0..100 {
        let before = issuer.discovery_requests();
        assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable");
        assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable");
        if issuer.discovery_requests() > before {
            attempts.push(second);
        }
        clock.advance(1);
    }
    assert_eq!(attempts[..4], [0, 1, 3, 7]);
    // Less up to a fifth, seen by a clock of whole seconds.
    let waits: Vec<_> = attempts[3..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.iter().all(|wait| [7, 8].contains(wait)), "{waits:?}");
    assert_eq!(issuer.discovery_requests(), attempts.len());
}

#[tokio::test(start_paused = true)]
async fn each_document_of_a_slow_provider_has_its_own_five_seconds() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    issuer.slow(Duration::from_millis(2600));
    let guard = issuer.guard(&clock);
    let token = issuer.token(&clock);
    let started = tokio::time::Instant::now();
    let denial = authenticate(&guard, &token).await.expect_err("no keys in five seconds");
    assert_eq!(
        (denial.status(), started.elapsed()),
        (503, Duration::from_secs(5)),
        "a request waits no longer"
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(verdict(&guard, &token).await, "ok", "the fetch went on");
    assert_eq!((issuer.discovery_requests(), issuer.key_set_requests()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn metadata_that_were_read_are_kept_between_tries() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    issuer.answer_key_set(Answer::Hang);
    let guard = issuer.guard(&clock);
    let token = issuer.token(&clock);
    assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable");
    // The request and the fetch give up at the same moment.
    tokio::time::sleep(Duration::from_millis(10)).await;
    clock.advance(1);
    // The metadata cannot be had any more, and are not needed.
    issuer.answer_discovery(down());
    assert_eq!(verdict(&guard, &token).await, "ok");
    assert_eq!((issuer.discovery_requests(), issuer.key_set_requests()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_hangs_is_given_up_after_five_seconds() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    issuer.answer_key_set(Answer::Hang);
    let guard = issuer.guard(&clock);
    let started = tokio::time::Instant::now();
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "auth.issuer_unavailable");
    assert_eq!(started.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_key_set_never_replaces_a_good_one() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let token = issuer.token(&clock);
    let many = jwk_set(vec![&SigningKey::generate(Algorithm::Es256); 101]).to_string();
    let bad_sets = [
        r#"{"keys":[]}"#.to_owned(),
        r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#.to_owned(),
        "<html></html>".to_owned(),
        "{}".to_owned(),
        many,
        format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(256 * 1024)),
    ];
    assert_eq!(verdict(&guard, &token).await, "ok");
    let unknown = issuer.token_by(&SigningKey::generate(Algorithm::Es256), &clock);
    for bad in bad_sets {
        issuer.answer_key_set(Answer::Body(bad.clone()));
        let before = issuer.key_set_requests();
        assert_eq!(verdict(&guard, &unknown).await, "auth.issuer_unavailable");
        assert!(issuer.key_set_requests() > before, "the bad set was fetched");
        assert_eq!(verdict(&guard, &token).await, "ok", "{}", &bad[..bad.len().min(40)]);
        clock.advance(31);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_key_does_not_spoil_the_set() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let good = issuer.current_key().public_jwk();
    let set = format!(
        r#"{{"keys":[5,{{}},{{"kty":"EC","kty":"EC"}},{{"kty":"oct","k":"AA"}},{{"kty":"LMS"}},{good}]}}"#
    );
    issuer.answer_key_set(Answer::Body(set));
    assert_eq!(verdict(&issuer.guard(&clock), &issuer.token(&clock)).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_keys_are_allowed() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let key = issuer.current_key();
    issuer.answer_key_set(Answer::Body(jwk_set(vec![&key; 100]).to_string()));
    assert_eq!(verdict(&issuer.guard(&clock), &issuer.token(&clock)).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn discovery_goes_on_after_a_4xx_and_stops_at_a_5xx() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    issuer.answer_discovery(Answer::Status(404));
    assert_eq!(verdict(&issuer.guard(&clock), &issuer.token(&clock)).await, "ok");
    assert_eq!(issuer.discovery_requests(), 2);

    let issuer = MemoryIssuer::new(ISSUER);
    issuer.answer_discovery(Answer::Status(503));
    assert_eq!(verdict(&issuer.guard(&clock), &issuer.token(&clock)).await, "auth.issuer_unavailable");
    assert_eq!(issuer.discovery_requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_document_of_another_issuer_is_not_used_and_says_what_to_do() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let other = format!(r#"{{"issuer":"{ISSUER}/","jwks_uri":"{ISSUER}/jwks"}}"#);
    issuer.answer_discovery(Answer::Body(other));
    let guard = issuer.guard(&clock);
    let failure = guard.warm().await.expect_err("a slash too many").to_string();
    assert!(failure.contains(&format!("`{ISSUER}/`")) && failure.contains("slash"), "{failure}");
    assert_eq!(issuer.key_set_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn issuers_have_their_own_keys_and_audiences() {
    let clock = ManualClock::new();
    let (one, two) = (MemoryIssuer::new("https://one.example"), MemoryIssuer::new("https://two.example"));
    // The same kid at both: keys never cross.
    one.set_keys(vec![SigningKey::generate(Algorithm::Es256).with_kid("same")]);
    two.set_keys(vec![SigningKey::generate(Algorithm::Es256).with_kid("same")]);
    let jwks = |issuer: &MemoryIssuer| jwk_set([&issuer.current_key()]).to_string();
    let guard = requires_auth::RequiresAuth::builder("https://one.example", support::AUDIENCE)
        .with_jwks(jwks(&one))
        .with_issuer("https://two.example", "https://other.example")
        .with_jwks(jwks(&two))
        .with_clock(clock.clone())
        .build()
        .expect("a configuration");
    assert_eq!(verdict(&guard, &one.token(&clock)).await, "ok");
    assert_eq!(verdict(&guard, &one.token_by(&two.current_key(), &clock)).await, "signature_mismatch");
    assert_eq!(verdict(&guard, &two.token(&clock)).await, "audience_mismatch");
    let forge =
        requires_auth_testkit::Forge::new("https://two.example", "https://other.example", two.current_key());
    assert_eq!(verdict(&guard, &forge.token().issued_at(clock.unix()).mint()).await, "ok");
    let forge = requires_auth_testkit::Forge::new(
        "https://three.example",
        "https://other.example",
        two.current_key(),
    );
    assert_eq!(verdict(&guard, &forge.token().issued_at(clock.unix()).mint()).await, "issuer_mismatch");
}

#[tokio::test(start_paused = true)]
async fn a_header_that_was_read_before_makes_no_other_token_good() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let token = issuer.token(&clock);
    assert_eq!(verdict(&guard, &token).await, "ok");

    let (header, rest) = token.split_once('.').expect("three parts");
    let (payload, signature) = rest.split_once('.').expect("three parts");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let other_signature = format!("{header}.{payload}.{first}{}", &signature[1..]);
    assert_eq!(verdict(&guard, &other_signature).await, "signature_mismatch");
    assert_eq!(verdict(&guard, &format!("{header}.{payload}A.{signature}")).await, "malformed");
    assert_eq!(verdict(&guard, &format!("{header}A.{payload}.{signature}")).await, "malformed");
    let none = "eyJhbGciOiJub25lIn0"; // {"alg":"none"}
    assert_eq!(verdict(&guard, &format!("{none}.{payload}.")).await, "algorithm_not_allowed");
    assert_eq!(verdict(&guard, &token).await, "ok");
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_was_on_its_way_does_not_settle_a_newer_key() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    issuer.rotate();
    let second = issuer.token(&clock);
    let set_of_then = jwk_set([&issuer.current_key()]).to_string();
    let gate = issuer.hold();
    let first_client = tokio::spawn({
        let guard = guard.clone();
        async move { verdict(&guard, &second).await }
    });
    tokio::task::yield_now().await;
    // The answer is on its way as the next key is made.
    issuer.answer_key_set(Answer::Body(set_of_then));
    issuer.rotate();
    let third = issuer.token(&clock);
    let second_client = tokio::spawn({
        let guard = guard.clone();
        async move { verdict(&guard, &third).await }
    });
    for _ in 0..20 {
        gate.notify_one();
        tokio::task::yield_now().await;
    }
    assert_eq!(first_client.await.expect("an answer"), "ok");
    assert_eq!(second_client.await.expect("an answer"), "ok");
    assert_eq!(issuer.key_set_requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn keys_that_land_while_a_request_is_on_its_way_are_not_too_young_for_it() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let token = issuer.token(&clock);
    assert_eq!(verdict(&guard, &token).await, "ok");
    // As the clock was when a request looked at it, just before the keys landed.
    clock.back(1);
    assert_eq!(verdict(&guard, &token).await, "ok");
    assert_eq!(issuer.key_set_requests(), 1, "the set that has just landed serves");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_back_makes_the_set_be_fetched_again() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    clock.back(3600);
    assert_eq!(verdict(&guard, &issuer.token(&clock)).await, "ok");
    assert_eq!(issuer.key_set_requests(), 2);
}

#[test]
fn without_a_runtime_a_static_key_set_is_enough() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let jwks = jwk_set([&issuer.current_key()]).to_string();
    let guard = issuer.builder(&clock).with_jwks(jwks).build().expect("a configuration");
    let headers = [("authorization", format!("Bearer {}", issuer.token(&clock)))];
    let request = requires_auth::Request::new("GET", "/", &headers);
    assert!(guard.authenticate_now(&request).expect("no fetch is needed").is_ok());

    let remote = issuer.guard(&clock);
    assert!(remote.authenticate_now(&request).is_none(), "a fetch is needed");
    let mut waiting = std::pin::pin!(remote.authenticate(&request));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(denial)) = waiting.as_mut().poll(&mut context) else {
        panic!("it neither waits nor accepts")
    };
    assert_eq!(denial.code(), ErrorCode::IssuerUnavailable, "and it does not panic");
    let malformed = [("authorization", "Bearer opaque")];
    let refused = remote.authenticate_now(&requires_auth::Request::new("GET", "/", &malformed));
    assert!(refused.expect("no key is needed to refuse this").is_err());
}
