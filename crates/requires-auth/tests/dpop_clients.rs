//! Clients of others get tokens that are bound to their keys and call an axum application behind a guard: openid-client,
//! oauth4webapi and dpop from npm, with `oidc-provider` and the development issuer. Then somebody copies what they have sent.
//!
//! The clients are in `tests/dpop`. Without Node, or without `npm ci` there, each test prints one line that begins with
//! `skipped:` and passes.

#![cfg(all(feature = "fetch", feature = "axum"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#[path = "support/oidc_provider.rs"]
mod provider;

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use axum::Router;
use axum::routing::any;
use requires_auth::dpop::Dpop;
use requires_auth::introspect::Introspection;
use requires_auth::verify::Tokens;
use requires_auth::{AccessToken, RequiresAuth};
use requires_auth_testkit::issuer::DevelopmentIssuer;
use serde_json::Value;
use tokio::net::TcpListener;

use self::provider::{LEGACY, Provider, node_version};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/dpop");
const CLIENTS: [&str; 3] = ["openid-client", "oauth4webapi", "dpop"];
const ORDERS: &str = "https://orders.example.com";
const SECRET: &str = "a secret that makes the nonces of this test";

fn is_installed() -> bool {
    let is_installed =
        Path::new(FOLDER).join("node_modules/openid-client").is_dir() && node_version() >= Some((20, 12));
    if !is_installed {
        let told = b"skipped: the DPoP clients need Node 20.12 or newer, and `npm ci` in tests/dpop\n";
        // Past the test harness, which would hold back what a passing test prints.
        io::stderr().write_all(told).ok();
    }
    is_installed
}

/// The URL of an application that takes tokens with proofs alone.
async fn serve(issuer: &str, audience: &str, has_nonces: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let dpop = if has_nonces { Dpop::required().with_nonce_secret(SECRET) } else { Dpop::required() };
    let mut builder = RequiresAuth::builder(issuer, audience).with_public_url(&origin).with_dpop(dpop);
    if audience == LEGACY {
        let introspection = Introspection::discovered().with_client_secret("machine", "machine-secret");
        builder = builder.with_introspection(introspection).with_accepted_tokens(Tokens::Opaque);
    }
    let auth = builder.build().unwrap();
    let me = async |token: AccessToken| token.client_id().unwrap_or_default().to_owned();
    let app = Router::new().route("/items", any(me)).route("/items/other", any(me)).layer(auth.layer());
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("{origin}/items")
}

/// What a client and the thief of its request are answered.
async fn told(
    client: &'static str,
    issuer: &str,
    audience: &'static str,
    api: &str,
    algorithm: &'static str,
) -> Value {
    let (issuer, api) = (issuer.to_owned(), api.to_owned());
    let output = tokio::task::spawn_blocking(move || {
        let mut node = Command::new("node");
        node.current_dir(FOLDER)
            .args(["client.mjs", client, &issuer, audience, &api, algorithm])
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    assert!(output.status.success(), "{client}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Each client with each algorithm, at an application with nonces and at one without.
async fn every_client(issuer: &str, audience: &'static str) {
    for has_nonces in [false, true] {
        let api = serve(issuer, audience, has_nonces).await;
        for (client, algorithm) in
            CLIENTS.into_iter().flat_map(|client| [(client, "ES256"), (client, "Ed25519")])
        {
            let told = told(client, issuer, audience, &api, algorithm).await;
            let case = format!("{client} with {algorithm}, nonces {has_nonces}: {told}");
            assert!(told["type"].as_str().unwrap().eq_ignore_ascii_case("dpop"), "{case}");
            assert_eq!((&told["status"], &told["body"]), (&200.into(), &"machine".into()), "{case}");
            assert_eq!(told["algorithm"], algorithm, "{case}");
            // One more where the first answer gave the nonce.
            assert_eq!(told["requests"], if has_nonces { 2 } else { 1 }, "{case}");
            for (theft, answer) in [
                ("copied", "401 invalid_dpop_proof proof_reused"),
                ("elsewhere", "401 invalid_dpop_proof proof_url"),
                ("another_method", "401 invalid_dpop_proof proof_method"),
                ("without_proof", "401 invalid_dpop_proof proof_missing"),
                ("as_bearer", "401 invalid_token binding_mismatch"),
                ("by_stranger", "401 invalid_token binding_mismatch"),
            ] {
                assert_eq!(told[theft], answer, "{theft}: {case}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_oidc_provider_pass_once_and_a_thief_never() {
    if !is_installed() {
        return;
    }
    let Some(provider) = Provider::start(0) else { return };
    every_client(&provider.issuer, ORDERS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_may_demand_nonces_as_well() {
    if !is_installed() {
        return;
    }
    let Some(provider) = Provider::start_with(0, &["--dpop-nonce"]) else { return };
    every_client(&provider.issuer, ORDERS).await;
}

/// Opaque tokens are bound by the answer of the introspection endpoint (RFC 9449 §6.2).
#[tokio::test(flavor = "multi_thread")]
async fn opaque_tokens_are_bound_as_well() {
    if !is_installed() {
        return;
    }
    let Some(provider) = Provider::start(0) else { return };
    every_client(&provider.issuer, LEGACY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_development_issuer_binds_tokens_for_the_same_clients() {
    if !is_installed() {
        return;
    }
    for has_nonces in [false, true] {
        let issuer = DevelopmentIssuer::builder().dpop_nonce(has_nonces).client("machine", "machine-secret");
        let issuer = issuer.start().await.unwrap();
        every_client(issuer.issuer(), ORDERS).await;
    }
}
