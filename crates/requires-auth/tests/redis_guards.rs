//! Guards on one Redis: a request that is copied passes at none of them, also while the server is killed and starts again.

mod support;
#[path = "support/redis.rs"]
#[expect(dead_code, reason = "the other tests of Redis need more of it")]
mod server;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use requires_auth::config::Config;
use requires_auth::dpop::Dpop;
use requires_auth::guard::Builder;
use requires_auth::policy::Requirement;
use requires_auth::shared::{SharedState, SharedStatus};
use requires_auth::{Denial, Policy, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, ProofBuilder, SigningKey, jwk_set};
use server::Redis;
use support::AUDIENCE;

const ISSUER: &str = "https://issuer.example/oidc";
const URL: &str = "https://api.example.com";

/// No test waits for anything longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

struct Fleet {
    guards: Vec<RequiresAuth>,
    forge: Forge,
}

impl Fleet {
    fn new(redis: &Redis, size: usize) -> Self {
        let forge = Forge::new(ISSUER, AUDIENCE, SigningKey::generate(Algorithm::Ed25519));
        let mut fleet = Self { guards: Vec::new(), forge };
        fleet.guards = (0..size).map(|_| fleet.builder(redis).build().expect("a guard")).collect();
        fleet
    }

    fn builder(&self, redis: &Redis) -> Builder {
        // Slow machines are no outage.
        let state = SharedState::at(&redis.url()).with_timeout(Duration::from_secs(5));
        RequiresAuth::builder(ISSUER, AUDIENCE)
            .with_jwks(jwk_set([self.forge.key()]).to_string())
            .with_public_url(URL)
            .with_dpop(Dpop::required())
            .with_shared_state(state)
    }

    /// A request that a client signs now.
    fn sign(&self, client: &SigningKey) -> Sent {
        let token = self.forge.token().bound_to(client).mint();
        let proof = ProofBuilder::new(client, "GET", format!("{URL}/orders")).token(&token);
        Sent { headers: vec![("Authorization", format!("DPoP {token}")), ("DPoP", proof.mint())] }
    }

    async fn wait(&self) {
        for guard in &self.guards {
            self.wait_at(guard).await;
        }
    }

    /// Until a request that is signed now passes: a server that has just started may have forgotten what is older.
    async fn wait_at(&self, guard: &RequiresAuth) {
        let (client, begun) = (SigningKey::generate(Algorithm::Ed25519), Instant::now());
        while let Err(denial) = self.sign(&client).at(guard).await {
            assert_eq!(denial.status(), 503, "{denial:?}");
            assert!(begun.elapsed() < PATIENCE, "{:?}", guard.health());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A request, as often as somebody sends it.
#[derive(Clone)]
struct Sent {
    headers: Vec<(&'static str, String)>,
}

impl Sent {
    async fn at(&self, guard: &RequiresAuth) -> Result<(), Denial> {
        let request = Request::new("GET", "/orders", &self.headers);
        guard.admit(&request, &Requirement::token(Policy::default())).await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_clients_with_each_other_s_requests_at_four_guards() {
    let Some(redis) = Redis::start(&[]) else { return };
    let fleet = Arc::new(Fleet::new(&redis, 4));
    fleet.wait().await;
    let client = SigningKey::generate(Algorithm::Ed25519);
    let requests: Arc<[_]> = (0..200).map(|_| (fleet.sign(&client), AtomicUsize::new(0))).collect();
    let clients = (0..8).map(|number| {
        let (fleet, requests) = (Arc::clone(&fleet), Arc::clone(&requests));
        tokio::spawn(async move {
            for (place, (sent, passed)) in requests.iter().enumerate() {
                match sent.at(&fleet.guards[(place + number) % 4]).await {
                    Ok(()) => drop(passed.fetch_add(1, Ordering::Relaxed)),
                    Err(denial) => assert_eq!(denial.reason(), Some(Reason::ProofReused)),
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("a client");
    }
    for (_, passed) in requests.iter() {
        assert_eq!(passed.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_lets_no_copy_pass() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    let fleet = Fleet::new(&redis, 2);
    let client = SigningKey::generate(Algorithm::Ed25519);
    fleet.wait().await;
    let before: Vec<_> = (0..20).map(|_| fleet.sign(&client)).collect();
    for sent in &before {
        assert!(sent.at(&fleet.guards[0]).await.is_ok());
    }
    redis.kill();
    for sent in before.iter().chain([&fleet.sign(&client)]) {
        let denial = sent.at(&fleet.guards[1]).await.expect_err("nobody knows");
        assert_eq!((denial.status(), denial.code().as_str()), (503, "auth.state_unavailable"));
    }
    assert!(redis.run(), "it starts again, and knows nothing");
    fleet.wait().await;
    for (sent, guard) in before.iter().zip(fleet.guards.iter().cycle()) {
        let denial = sent.at(guard).await.expect_err("it was used before");
        assert_eq!(denial.status(), 503, "{denial:?}");
    }
    let sent = fleet.sign(&client);
    assert!(sent.at(&fleet.guards[0]).await.is_ok());
    assert_eq!(sent.at(&fleet.guards[1]).await.expect_err("a copy").reason(), Some(Reason::ProofReused));
}

#[tokio::test]
async fn a_guard_in_the_place_of_another_goes_on_with_its_connection() {
    let Some(redis) = Redis::start(&[]) else { return };
    let fleet = Fleet::new(&redis, 1);
    assert_eq!(fleet.guards[0].health().shared_state().expect("a server").status(), SharedStatus::Idle);
    fleet.guards[0].warm().await.expect("keys are there");
    let next = RequiresAuth::builder(ISSUER, AUDIENCE)
        .with_jwks(jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string())
        .with_shared_state(SharedState::at(&redis.url()).with_timeout(Duration::from_secs(5)));
    let other = next.clone().with_shared_state(SharedState::at(&redis.url()).with_namespace("other"));
    let status = |auth: RequiresAuth| auth.health().shared_state().expect("a server").status();
    assert_eq!(status(next.with_keys_of(&fleet.guards[0]).build().expect("a guard")), SharedStatus::Up);
    assert_eq!(status(other.with_keys_of(&fleet.guards[0]).build().expect("a guard")), SharedStatus::Idle);
}

#[tokio::test]
async fn a_gateway_and_the_application_behind_it_each_take_a_proof_once() {
    let Some(redis) = Redis::start(&[]) else { return };
    let fleet = Fleet::new(&redis, 1);
    fleet.wait().await;
    // As a gateway has it, which chooses no namespace either.
    let gateway = fleet.builder(&redis).with_default_namespace("gateway").build().expect("a guard");
    fleet.wait_at(&gateway).await;
    let sent = fleet.sign(&SigningKey::generate(Algorithm::Ed25519));
    for guard in [&gateway, &fleet.guards[0]] {
        assert!(sent.at(guard).await.is_ok());
        assert_eq!(sent.at(guard).await.expect_err("a copy").reason(), Some(Reason::ProofReused));
    }
}

/// The server of a guard that a file describes.
fn server_of(shared_state: &str) -> Result<Option<String>, String> {
    let text = format!(
        "{shared_state}\n[issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks_uri = \"{ISSUER}/keys\"\n"
    );
    let text = match text.split_once("[shared_state]") {
        Some((before, after)) => {
            let (table, rest) = after.split_once("\n[").expect("another table");
            format!("{before}[{rest}\n[shared_state]{table}\n")
        }
        None => text,
    };
    let auth = Config::parse(&text, Path::new("requires-auth.toml"))
        .and_then(|config| config.build())
        .map_err(|error| error.to_string())?;
    Ok(auth.health().shared_state().map(|shared| shared.server().to_owned()))
}

#[test]
fn a_file_has_a_url_or_a_table() {
    let at = |text: &str| server_of(text).map(Option::unwrap_or_default);
    assert_eq!(at(""), Ok(String::new()));
    assert_eq!(at("shared_state = \"redis://one:7000\""), Ok("redis://one:7000".to_owned()));
    assert_eq!(
        at("shared_state = { url = \"rediss://one\", namespace = \"orders\" }"),
        Ok("rediss://one:6379".to_owned())
    );
    assert_eq!(
        at("[shared_state]\ncluster = [\"redis://one:1\", \"redis://two:2\"]\non_outage = \"memory\""),
        Ok("redis://one:1 redis://two:2".to_owned())
    );
    for (wrong, told) in [
        ("shared_state = \"http://one\"", "shared_state"),
        ("shared_state = 6379", "expected a text"),
        ("shared_state = { host = \"one\" }", "host"),
        ("shared_state = { url = \"redis://one\", password = \"secret-of-redis\" }", "{ env = \"NAME\" }"),
        ("shared_state = { url = \"redis://one\", on_outage = \"allow\" }", "refuse or memory"),
        ("shared_state = \"redis://:secret-of-redis@one\"", "password_env"),
    ] {
        let error = server_of(wrong).expect_err(wrong);
        assert!(error.contains(told) && !error.contains("secret-of-redis"), "{wrong}: {error}");
    }
}
