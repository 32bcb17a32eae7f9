//! The whole way over HTTP: a development issuer on loopback, good and bad, and a guard that knows only
//! its URL.
#![cfg(feature = "fetch")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256};
use requires_auth::introspect::Introspection;
use requires_auth::{Policy, Request, RequiresAuth};
use requires_auth_testkit::issuer::{DevelopmentIssuer, Discovery, Endpoint, Lie};
use requires_auth_testkit::{Algorithm, Defect, SigningKey};
use support::{ManualClock, authenticate, verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn start() -> DevelopmentIssuer {
    DevelopmentIssuer::builder().audience(support::AUDIENCE).start().await.expect("a free port")
}

fn guard(issuer: &DevelopmentIssuer) -> RequiresAuth {
    RequiresAuth::new(issuer.issuer(), support::AUDIENCE).expect("a configuration")
}

/// A guard of its own clock, so that a back-off can be waited for without waiting.
fn guard_with_clock(issuer: &DevelopmentIssuer) -> (RequiresAuth, ManualClock) {
    let clock = ManualClock::new();
    let builder = RequiresAuth::builder(issuer.issuer(), support::AUDIENCE).with_clock(clock.clone());
    (builder.build().expect("a configuration"), clock)
}

#[tokio::test]
async fn a_real_token_is_verified_against_a_real_key_set() {
    let issuer = start().await;
    let guard = guard(&issuer);
    let headers = [("authorization", format!("Bearer {}", issuer.token("read:items", "alice")))];
    let request = Request::new("GET", "/items", &headers);
    let token = guard.authorize(&request, &Policy::all_of(["read:items"])).await.expect("a good token");
    assert_eq!((token.subject(), token.has_scope("read:items")), (Some("alice"), true));
    let denial =
        guard.authorize(&request, &Policy::all_of(["write:items"])).await.expect_err("no such scope");
    assert_eq!((denial.status(), denial.scope()), (403, Some("write:items")));
}

#[tokio::test]
async fn every_algorithm_is_verified() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm);
        let issuer =
            DevelopmentIssuer::builder().audience(support::AUDIENCE).key(key).start().await.expect("a port");
        assert_eq!(verdict(&guard(&issuer), &issuer.token("", "alice")).await, "ok", "{algorithm}");
    }
}

#[tokio::test]
async fn every_defect_is_refused_for_the_reason_it_is_named_after() {
    let issuer = start().await;
    let guard = guard(&issuer);
    for defect in Defect::ALL {
        let token = issuer.forge().token().defect(defect).mint();
        assert_eq!(verdict(&guard, &token).await, defect.name());
    }
}

#[tokio::test]
async fn either_place_of_the_metadata_will_do() {
    for discovery in [Discovery::OpenId, Discovery::OAuth] {
        let builder = DevelopmentIssuer::builder().audience(support::AUDIENCE).discovery(discovery);
        let issuer = builder.start().await.expect("a port");
        assert_eq!(verdict(&guard(&issuer), &issuer.token("", "alice")).await, "ok", "{discovery:?}");
    }
}

#[tokio::test]
async fn rotation_is_followed_within_the_request() {
    let issuer = start().await;
    let guard = guard(&issuer);
    let first = issuer.token("", "alice");
    assert_eq!(verdict(&guard, &first).await, "ok");
    issuer.rotate_to(SigningKey::generate(Algorithm::Rs256));
    assert_eq!(verdict(&guard, &issuer.token("", "alice")).await, "ok", "ES384 to RS256");
    assert_eq!(verdict(&guard, &first).await, "ok", "the previous key is still published");
    issuer.rotate();
    assert_eq!(verdict(&guard, &issuer.token("", "alice")).await, "ok");
    assert_eq!(verdict(&guard, &first).await, "key_unknown", "the key before is gone");
}

#[tokio::test]
async fn hostile_servers_are_an_outage_each_with_its_name() {
    let huge = Lie::Oversized(1024 * 1024);
    let metadata = "http://169.254.169.254/latest/meta-data".to_owned();
    for (endpoint, lie, result) in [
        (Endpoint::Jwks, Lie::Html, "key_set"),
        (Endpoint::Jwks, Lie::Garbage, "key_set"),
        (Endpoint::Jwks, Lie::EmptyKeySet, "empty_key_set"),
        (Endpoint::Jwks, Lie::ManyKeys(101), "key_set"),
        (Endpoint::Jwks, huge.clone(), "too_large"),
        (Endpoint::Jwks, Lie::Redirect(metadata.clone()), "status"),
        (Endpoint::Discovery, Lie::Html, "not_metadata"),
        (Endpoint::Discovery, huge, "too_large"),
        (Endpoint::Discovery, Lie::Redirect(metadata.clone()), "status"),
        (Endpoint::Discovery, Lie::WrongIssuer("https://evil.example".to_owned()), "other_issuer"),
        (Endpoint::Discovery, Lie::JwksUri(metadata), "unsafe_key_set_url"),
        (Endpoint::Discovery, Lie::JwksUri("file:///etc/passwd".to_owned()), "unsafe_key_set_url"),
    ] {
        let issuer = start().await;
        issuer.lie(endpoint, lie.clone());
        let (guard, clock) = guard_with_clock(&issuer);
        let token = issuer.forge().token().issued_at(clock.unix()).mint();
        let denial = authenticate(&guard, &token).await.expect_err("no keys");
        assert_eq!((denial.status(), denial.retry_after()), (503, Some(1)), "{lie:?}");
        clock.advance(2);
        let failure = guard.warm().await.expect_err("still lying");
        let names: Vec<_> = failure.failures().map(|(_, failure)| failure.as_str()).collect();
        assert_eq!(names, [result], "{endpoint:?} {lie:?}");
        assert_eq!(format!("{failure:?}"), failure.to_string(), "what `main` and `unwrap` show");
        issuer.lie(endpoint, Lie::Nothing);
        // Longer than any back-off: the timer may have tried meanwhile.
        clock.advance(31);
        assert_eq!(verdict(&guard, &token).await, "ok", "after {lie:?}");
    }
}

/// A server that names no length and never stops: the guard hangs up long before 100 MB.
#[tokio::test]
async fn a_hundred_megabytes_are_not_read() {
    const ENDLESS: usize = 100 * 1024 * 1024;
    let listener =
        tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    let issuer = format!("http://{}", listener.local_addr().expect("an address"));
    let document = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{issuer}/jwks"}}"#);
    let server = tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.expect("a connection");
            let mut head = vec![0; 4096];
            let length = connection.read(&mut head).await.expect("a request");
            connection.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await.expect("a client");
            if !head[..length].starts_with(b"GET /jwks") {
                connection.write_all(document.as_bytes()).await.expect("a client");
                continue;
            }
            let mut sent = 0;
            while sent < ENDLESS && connection.write_all(&[b' '; 16 * 1024]).await.is_ok() {
                sent += 16 * 1024;
            }
            return sent;
        }
    });
    let guard = RequiresAuth::new(&issuer, support::AUDIENCE).expect("a configuration");
    let failure = guard.warm().await.expect_err("no end of it");
    assert_eq!(failure.failures().map(|(_, failure)| failure.as_str()).collect::<Vec<_>>(), ["too_large"]);
    let sent = server.await.expect("the server ends");
    assert!(sent < ENDLESS, "all of it was read");
}

/// The limit is five seconds, and this waits for it: once for a server that is silent and once for one
/// that sends a byte a second, both at the same time.
#[tokio::test]
async fn slow_servers_are_given_up() {
    let attempt = async |lie: Lie| {
        let issuer = start().await;
        issuer.lie(Endpoint::Jwks, lie);
        let started = std::time::Instant::now();
        let verdict = verdict(&guard(&issuer), &issuer.token("", "alice")).await;
        (verdict, started.elapsed())
    };
    let (silent, trickling) = tokio::join!(attempt(Lie::Hang), attempt(Lie::Trickle));
    for (verdict, elapsed) in [silent, trickling] {
        assert_eq!(verdict, "auth.issuer_unavailable");
        assert!(elapsed >= Duration::from_secs(4), "given up before the limit: {elapsed:?}");
    }
}

#[tokio::test]
async fn a_dead_provider_is_503_and_comes_back() {
    let issuer = start().await;
    let (guard, clock) = guard_with_clock(&issuer);
    let token = issuer.forge().token().issued_at(clock.unix()).mint();
    issuer.stop_listening().await;
    assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable");
    issuer.resume().await.expect("the same port");
    assert_eq!(verdict(&guard, &token).await, "auth.issuer_unavailable", "the back-off is not over");
    clock.advance(31);
    assert_eq!(verdict(&guard, &token).await, "ok");
}

#[tokio::test]
async fn nothing_of_a_token_reaches_the_network() {
    let issuer = start().await;
    let guard = guard(&issuer);
    let listener =
        tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
    let evil = format!("http://{}/keys", listener.local_addr().expect("an address"));
    let key = SigningKey::generate(Algorithm::Es384);
    for header in ["jku", "x5u"] {
        let token = issuer.forge().token().key(&key).header(header, evil.clone()).mint();
        assert_eq!(verdict(&guard, &token).await, "key_unknown", "{header}");
    }
    let token = issuer.forge().token().key(&key).header("jwk", key.public_jwk()).mint();
    assert_eq!(verdict(&guard, &token).await, "key_unknown", "jwk");
    // Connections are accepted by the kernel, so one that was made would be waiting by now.
    let accepted = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(accepted.is_err(), "a URL of the token was fetched");
}

#[tokio::test]
async fn opaque_tokens_are_asked_about_as_a_client_with_a_key() {
    for (kind, algorithm) in [
        (&PKCS_ECDSA_P256_SHA256, Algorithm::Es256),
        (&PKCS_ED25519, Algorithm::Ed25519),
        (&PKCS_RSA_SHA256, Algorithm::Rs256),
    ] {
        let pair = KeyPair::generate_for(kind).expect("a key");
        let registered = SigningKey::from_pkcs8(algorithm, &pair.serialize_der()).expect("the same key");
        let builder = DevelopmentIssuer::builder().audience(support::AUDIENCE);
        let issuer = builder.client_key("api", &registered.public_jwk()).start().await.expect("a free port");
        let guard = |private_key: &KeyPair| {
            let introspection =
                Introspection::discovered().with_private_key("api", private_key.serialize_pem());
            let builder = RequiresAuth::builder(issuer.issuer(), support::AUDIENCE);
            builder.with_introspection(introspection).build().expect("a configuration")
        };
        let ours = guard(&pair);
        // Each question has an assertion of its own, which counts once.
        for _ in 0..2 {
            assert_eq!(verdict(&ours, &issuer.opaque_token("", "alice")).await, "ok", "{algorithm}");
        }
        let revoked = issuer.opaque_token("", "alice");
        issuer.revoke(&revoked);
        assert_eq!(verdict(&ours, &revoked).await, "inactive", "{algorithm}");
        assert_eq!(issuer.requests(Endpoint::Introspection), 3);

        let stranger = guard(&KeyPair::generate_for(kind).expect("a key"));
        let refused = verdict(&stranger, &issuer.opaque_token("", "alice")).await;
        assert_eq!(refused, "auth.issuer_unavailable", "{algorithm}");
    }
}
