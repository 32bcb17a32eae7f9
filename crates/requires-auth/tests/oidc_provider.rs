//! The guard against a real identity provider: `oidc-provider` from npm, on loopback.
//!
//! It is skipped where the provider is not installed: see `support/oidc_provider.rs`.

#![cfg(feature = "fetch")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#[path = "support/oidc_provider.rs"]
mod provider;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use requires_auth::introspect::Introspection;
use requires_auth::verify::Tokens;
use requires_auth::{AccessToken, Denial, Policy, Request, RequiresAuth};

use self::provider::{LEGACY, Provider};

/// Signed with ES384.
const ORDERS: &str = "https://orders.example.com";
/// Signed with RS256.
const REPORTS: &str = "https://reports.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn access_tokens_are_accepted() {
    let Some(provider) = Provider::start(0) else { return };

    for (audience, algorithm) in [(ORDERS, "ES384"), (REPORTS, "RS256")] {
        let auth = RequiresAuth::new(&provider.issuer, audience).unwrap();
        let token = provider.access_token(audience, &["read:orders", "write:orders"]);
        let accepted = authorize(&auth, &token, &["read:orders"]).await;

        let accepted = accepted.unwrap_or_else(|denial| panic!("{algorithm}: {denial}"));
        assert_eq!(accepted.issuer(), provider.issuer, "{algorithm}");
        assert_eq!(accepted.subject(), Some("machine"), "{algorithm}");
        assert_eq!(accepted.client_id(), Some("machine"), "{algorithm}");
        assert!(accepted.has_scope("write:orders"), "{algorithm}");
        assert!(!accepted.has_scope("write"), "{algorithm}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_tokens_of_the_same_issuer_are_refused() {
    let Some(provider) = Provider::start(0) else { return };
    let auth = RequiresAuth::new(&provider.issuer, ORDERS).unwrap();

    let id_token = provider.id_token(Some("n-0S6_WzA2Mj"));
    assert_eq!(answer(&auth, &id_token, &[]).await, "401 invalid_token type_not_allowed");
    // Nothing marks this one as an ID token, save that it is meant for the client.
    let unmarked = provider.id_token(None);
    assert_eq!(answer(&auth, &unmarked, &[]).await, "401 invalid_token audience_mismatch");

    let opaque = provider.access_token(LEGACY, &["read:orders"]);
    assert_eq!(answer(&auth, &opaque, &[]).await, "401 invalid_token opaque");

    let elsewhere = provider.access_token(REPORTS, &["read:orders"]);
    assert_eq!(answer(&auth, &elsewhere, &[]).await, "401 invalid_token audience_mismatch");

    let read_only = provider.access_token(ORDERS, &["read:orders"]);
    assert_eq!(answer(&auth, &read_only, &["write:orders"]).await, "403 insufficient_scope");
    assert_eq!(answer(&auth, &read_only, &["read:orders"]).await, "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_with_other_keys_needs_no_restart_of_the_guard() {
    let Some(provider) = Provider::start(0) else { return };
    let auth = RequiresAuth::new(&provider.issuer, ORDERS).unwrap();
    let old = provider.access_token(ORDERS, &["read:orders"]);
    assert_eq!(answer(&auth, &old, &["read:orders"]).await, "200");

    let port = provider.stop();
    assert_eq!(answer(&auth, &old, &["read:orders"]).await, "200", "the keys outlive the provider");

    let provider = Provider::start(port).expect("it started before");
    let new = provider.access_token(ORDERS, &["read:orders"]);
    assert_eq!(answer(&auth, &new, &["read:orders"]).await, "200", "an unknown kid fetches the new keys");
    assert_eq!(answer(&auth, &old, &["read:orders"]).await, "401 invalid_token key_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_a_dead_provider_is_an_outage_until_it_is_back() {
    let Some(provider) = Provider::start(0) else { return };
    let seconds_ahead = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds_ahead);
    let auth = RequiresAuth::builder(&provider.issuer, ORDERS)
        .with_clock(move || SystemTime::now() + Duration::from_secs(clock.load(Ordering::Relaxed)))
        .build()
        .unwrap();
    let token = provider.access_token(ORDERS, &["read:orders"]);
    let port = provider.stop();

    let outage = authorize(&auth, &token, &[]).await.expect_err("there are no keys");
    assert_eq!((outage.status(), outage.code().as_str()), (503, "auth.issuer_unavailable"));
    let retry_after = outage.retry_after().unwrap();
    assert!((1..=30).contains(&retry_after), "{retry_after} s");
    // What needs no key is judged all the same.
    assert_eq!(answer(&auth, "opaque", &[]).await, "401 invalid_token opaque");

    let provider = Provider::start(port).expect("it started before");
    let token = provider.access_token(ORDERS, &["read:orders"]);
    seconds_ahead.store(retry_after.into(), Ordering::Relaxed);
    assert_eq!(answer(&auth, &token, &[]).await, "200", "Retry-After is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_under_load_gives_no_wrong_answer() {
    let Some(mut provider) = Provider::start(0) else { return };
    let seconds_ahead = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds_ahead);
    let auth = RequiresAuth::builder(&provider.issuer, ORDERS)
        .with_clock(move || SystemTime::now() + Duration::from_secs(clock.load(Ordering::Relaxed)))
        .build()
        .unwrap();
    let mut withdrawn: Option<String> = None;
    for round in 0..4 {
        let valid = provider.access_token(ORDERS, &["read:orders"]);
        let forged = altered(&valid);
        // The first request after a rotation is among these: it must fetch the new keys, and all must wait for it.
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let (auth, valid, forged) = (auth.clone(), valid.clone(), forged.clone());
                tokio::spawn(async move {
                    for _ in 0..50 {
                        assert_eq!(answer(&auth, &valid, &["read:orders"]).await, "200");
                        assert_ne!(answer(&auth, &forged, &[]).await, "200");
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
        if let Some(withdrawn) = &withdrawn {
            assert_eq!(answer(&auth, withdrawn, &[]).await, "401 invalid_token key_unknown", "round {round}");
        }
        withdrawn = Some(valid);
        let port = provider.stop();
        provider = Provider::start(port).expect("it started before");
        // Beyond the window in which two fetches in doubt are allowed.
        seconds_ahead.fetch_add(31, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_token_of_a_provider_that_has_rotated_and_stopped_is_never_refused() {
    let Some(provider) = Provider::start(0) else { return };
    let auth = RequiresAuth::new(&provider.issuer, ORDERS).unwrap();
    let old = provider.access_token(ORDERS, &["read:orders"]);
    assert_eq!(answer(&auth, &old, &[]).await, "200");

    let provider = Provider::start(provider.stop()).expect("it started before");
    let new = provider.access_token(ORDERS, &["read:orders"]);
    let port = provider.stop();
    for _ in 0..12 {
        assert_eq!(answer(&auth, &new, &[]).await, "503 auth.issuer_unavailable");
        assert_eq!(answer(&auth, &old, &[]).await, "200", "its key is at hand");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let provider = Provider::start(port).expect("it started before");
    let back = Instant::now();
    let newest = provider.access_token(ORDERS, &["read:orders"]);
    while answer(&auth, &newest, &[]).await != "200" {
        assert!(back.elapsed() < Duration::from_secs(10), "it is back for {:?}", back.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(answer(&auth, &new, &[]).await, "401 invalid_token key_unknown", "a good fetch has told");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_altered_token_twice_a_second_disturbs_no_rotation() {
    let Some(mut provider) = Provider::start(0) else { return };
    let auth = RequiresAuth::new(&provider.issuer, ORDERS).unwrap();
    let first = provider.access_token(ORDERS, &["read:orders"]);
    assert_eq!(answer(&auth, &first, &[]).await, "200");
    // Altered tokens of the first key and of the newest one.
    let bad = Arc::new(Mutex::new(vec![altered(&first)]));
    let stranger = tokio::spawn({
        let (auth, bad) = (auth.clone(), Arc::clone(&bad));
        async move {
            loop {
                let tokens = bad.lock().unwrap().clone();
                for token in tokens {
                    assert_ne!(answer(&auth, &token, &[]).await, "200");
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    for rotation in 0..2 {
        provider = Provider::start(provider.stop()).expect("it started before");
        let good = provider.access_token(ORDERS, &["read:orders"]);
        for _ in 0..30 {
            assert_eq!(answer(&auth, &good, &[]).await, "200", "rotation {rotation}");
            // Its client goes on with it.
            assert_eq!(answer(&auth, &first, &[]).await, "401 invalid_token key_unknown");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        *bad.lock().unwrap() = vec![altered(&first), altered(&good)];
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(!stranger.is_finished(), "the altered token was accepted");
    stranger.abort();
}

/// The client that this API is, which may ask about tokens.
fn asked_by(introspection: Introspection) -> Introspection {
    introspection.with_client_secret("machine", "machine-secret")
}

#[tokio::test(flavor = "multi_thread")]
async fn opaque_tokens_are_accepted_until_they_are_revoked() {
    let Some(provider) = Provider::start(0) else { return };
    for is_signed in [false, true] {
        let seconds_ahead = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&seconds_ahead);
        let auth = RequiresAuth::builder(&provider.issuer, LEGACY)
            .with_introspection(asked_by(Introspection::discovered()).with_signed_answers(is_signed))
            .with_accepted_tokens(Tokens::Opaque)
            .with_clock(move || SystemTime::now() + Duration::from_secs(clock.load(Ordering::Relaxed)))
            .build()
            .unwrap();
        let token = provider.access_token(LEGACY, &["read:orders"]);
        let accepted = authorize(&auth, &token, &["read:orders"]).await;
        let accepted = accepted.unwrap_or_else(|denial| panic!("signed {is_signed}: {denial}"));
        assert_eq!((accepted.client_id(), accepted.issuer()), (Some("machine"), &*provider.issuer));
        assert_eq!(answer(&auth, &token, &["write:orders"]).await, "403 insufficient_scope");
        assert_eq!(answer(&auth, "made-up-token", &[]).await, "401 invalid_token inactive");

        provider.token(&["revoke", &token]);
        assert_eq!(answer(&auth, &token, &[]).await, "200", "it is remembered for its ttl");
        seconds_ahead.store(60, Ordering::Relaxed);
        assert_eq!(answer(&auth, &token, &[]).await, "401 invalid_token inactive");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_endpoint_does_not_say_is_an_outage() {
    let Some(provider) = Provider::start(0) else { return };
    let wrong = Introspection::discovered().with_client_secret("machine", "wrong-secret");
    let auth = RequiresAuth::builder(&provider.issuer, LEGACY).with_introspection(wrong).build().unwrap();
    let token = provider.access_token(LEGACY, &["read:orders"]);
    assert_eq!(
        answer(&auth, &token, &[]).await,
        "503 auth.issuer_unavailable",
        "our credentials are refused"
    );

    let auth = RequiresAuth::builder(&provider.issuer, LEGACY)
        .with_introspection(asked_by(Introspection::discovered()))
        .build()
        .unwrap();
    assert_eq!(answer(&auth, &token, &["read:orders"]).await, "200");
    let unknown = provider.access_token(LEGACY, &["read:orders"]);
    provider.stop();
    assert_eq!(answer(&auth, &unknown, &[]).await, "503 auth.issuer_unavailable");
    assert_eq!(answer(&auth, &token, &[]).await, "200", "it is remembered");
}

/// The token with another signature.
fn altered(token: &str) -> String {
    let (head, tail) = token.split_at(token.len() - 40);
    format!("{head}{}{}", if tail.starts_with('A') { 'B' } else { 'A' }, &tail[1..])
}

/// What the guard says to a token: status, code and reason in one line.
async fn answer(auth: &RequiresAuth, token: &str, scopes: &[&str]) -> String {
    let Err(denial) = authorize(auth, token, scopes).await else { return "200".to_owned() };
    let reason = denial.reason().map_or_else(String::new, |reason| format!(" {reason}"));
    format!("{} {}{reason}", denial.status(), denial.code())
}

async fn authorize(auth: &RequiresAuth, token: &str, scopes: &[&str]) -> Result<AccessToken, Denial> {
    let headers = [("authorization", format!("Bearer {token}"))];
    let request = Request::new("GET", "/orders", &headers);
    if scopes.is_empty() {
        return auth.authenticate(&request).await;
    }
    auth.authorize(&request, &Policy::all_of(scopes)).await
}
