//! Opaque tokens of a real identity provider, `oidc-provider` from npm, before an axum application that listens on loopback.
//! It is skipped where the provider is not installed: see `support/oidc_provider.rs`.

#![cfg(all(feature = "fetch", feature = "axum"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#[path = "support/oidc_provider.rs"]
mod provider;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::routing::{get, post};
use axum::{Router, http};
use requires_auth::introspect::Introspection;
use requires_auth::verify::Tokens;
use requires_auth::{AccessToken, RequiresAuth};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use self::provider::{LEGACY, Provider};

/// An API behind a real server, whose guard has a clock that can be put forward.
struct Api {
    address: std::net::SocketAddr,
    seconds_ahead: Arc<AtomicU64>,
}

impl Api {
    async fn serve(provider: &Provider, is_signed: bool) -> Self {
        let seconds_ahead = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&seconds_ahead);
        let introspection = Introspection::discovered().with_client_secret("machine", "machine-secret");
        let auth = RequiresAuth::builder(&provider.issuer, LEGACY)
            .with_introspection(introspection.with_signed_answers(is_signed))
            .with_accepted_tokens(Tokens::Opaque)
            .with_clock(move || SystemTime::now() + Duration::from_secs(clock.load(Ordering::Relaxed)))
            .build()
            .unwrap();
        let app = Router::new()
            .route("/me", get(client))
            .route("/orders", post(client).layer(auth.require("write:orders")))
            .layer(auth.layer());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, seconds_ahead }
    }

    /// Status and body of an answer, and its challenge where there is one.
    async fn ask(&self, request: &str, token: &str) -> (u16, String, Option<String>) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "{request} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let challenge = head.lines().find_map(|line| line.strip_prefix("www-authenticate: "));
        (head[9..12].parse().unwrap(), body.to_owned(), challenge.map(ToOwned::to_owned))
    }

    async fn is_inactive(&self, token: &str) -> bool {
        let (status, body, challenge) = self.ask("GET /me", token).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        status == 401
            && body["reason"] == "inactive"
            && challenge.is_some_and(|text| text.contains("invalid_token"))
    }
}

async fn client(token: AccessToken) -> (http::StatusCode, String) {
    (http::StatusCode::OK, token.client_id().unwrap_or_default().to_owned())
}

/// With plain answers (RFC 7662), and with answers that the provider signs (RFC 9701).
#[tokio::test(flavor = "multi_thread")]
async fn opaque_tokens_pass_until_they_are_revoked() {
    let Some(provider) = Provider::start(0) else { return };
    for is_signed in [false, true] {
        let api = Api::serve(&provider, is_signed).await;
        let token = provider.access_token(LEGACY, &["read:orders"]);
        assert!(!token.contains('.'), "it is opaque");
        assert_eq!(
            api.ask("GET /me", &token).await,
            (200, "machine".to_owned(), None),
            "signed: {is_signed}"
        );
        assert_eq!(api.ask("POST /orders", &token).await.0, 403, "a scope is missing");
        let writer = provider.access_token(LEGACY, &["write:orders"]);
        assert_eq!(api.ask("POST /orders", &writer).await.0, 200);
        assert!(api.is_inactive("made-up-token").await);

        provider.token(&["revoke", &token]);
        assert_eq!(api.ask("GET /me", &token).await.0, 200, "it is remembered for its ttl");
        api.seconds_ahead.store(60, Ordering::Relaxed);
        assert!(api.is_inactive(&token).await, "signed: {is_signed}");
        assert_eq!(api.ask("GET /me", &writer).await.0, 200, "the other one is not revoked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_provider_unknown_tokens_are_an_outage() {
    let Some(provider) = Provider::start(0) else { return };
    let api = Api::serve(&provider, true).await;
    let (known, unknown) = (provider.access_token(LEGACY, &[]), provider.access_token(LEGACY, &[]));
    assert_eq!(api.ask("GET /me", &known).await.0, 200);
    provider.stop();
    let (status, body, _) = api.ask("GET /me", &unknown).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["code"]), (503, &Value::from("auth.issuer_unavailable")));
    assert_eq!(api.ask("GET /me", &known).await.0, 200, "it is remembered");
}
