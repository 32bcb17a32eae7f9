//! Revocations in a real Redis: what one instance revokes, all refuse, and none guesses where nobody knows.

mod support;
#[path = "support/redis.rs"]
#[expect(dead_code, reason = "the other tests of Redis need more of it")]
mod server;

use std::time::{Duration, Instant, SystemTime};

use requires_auth::revocation::Revocation;
use requires_auth::revocations::RevokeError;
use requires_auth::shared::SharedState;
use requires_auth::{Policy, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use server::Redis;
use support::AUDIENCE;

const ISSUER: &str = "https://issuer.example/oidc";

/// No test waits for anything longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

struct World {
    forge: Forge,
    jwks: String,
    redis: Redis,
}

impl World {
    fn new() -> Option<Self> {
        let key = SigningKey::generate(Algorithm::Ed25519);
        let jwks = jwk_set([&key]).to_string();
        Some(Self { forge: Forge::new(ISSUER, AUDIENCE, key), jwks, redis: Redis::start(&[])? })
    }

    fn guard(&self) -> RequiresAuth {
        let state =
            SharedState::at(&self.redis.url()).with_revocations().with_max_lag(Duration::from_secs(2));
        let builder = RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(self.jwks.clone());
        builder.with_shared_state(state).build().expect("a guard")
    }

    async fn warm_guard(&self) -> RequiresAuth {
        let guard = self.guard();
        guard.warm().await.expect("keys are there");
        guard
    }

    /// The status of a request with a token of this subject.
    fn status(&self, guard: &RequiresAuth, subject: &str) -> u16 {
        let verdict = guard.verify_now(&self.forge.token().subject(subject).mint(), &Policy::default());
        verdict.expect("the keys are there").map_or_else(|denial| denial.status(), |_| 200)
    }

    async fn wait_for(&self, guard: &RequiresAuth, subject: &str, status: u16) {
        let begun = Instant::now();
        while self.status(guard, subject) != status {
            assert!(begun.elapsed() < PATIENCE, "never {status}, but {}", self.status(guard, subject));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn of(subject: &str) -> Revocation {
    Revocation::of_subject(subject, SystemTime::now() + Duration::from_secs(3_600))
}

/// It waits, so not where others have to go on.
async fn revoke(guard: &RequiresAuth, entry: Revocation) -> Result<(), RevokeError> {
    let guard = guard.clone();
    tokio::task::spawn_blocking(move || guard.revoke(entry)).await.expect("a task")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_revokes_all_refuse() {
    let Some(world) = World::new() else { return };
    let mut guards = Vec::new();
    for _ in 0..4 {
        guards.push(world.warm_guard().await);
    }
    assert!(guards.iter().all(|guard| world.status(guard, "mallory") == 200));
    revoke(&guards[0], of("mallory")).await.expect("told to all");
    let begun = Instant::now();
    for guard in &guards {
        world.wait_for(guard, "mallory", 401).await;
        assert_eq!(world.status(guard, "alice"), 200);
    }
    println!("refused by all four after {:?}", begun.elapsed());
    let late = world.warm_guard().await;
    assert_eq!(world.status(&late, "mallory"), 401, "one that starts later knows it, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_guesses_while_the_server_is_away() {
    let Some(mut world) = World::new() else { return };
    let guard = world.warm_guard().await;
    revoke(&guard, of("mallory")).await.expect("told to all");
    world.redis.kill();
    assert_eq!(world.status(&guard, "alice"), 200, "what was read a moment ago is in use");
    assert_eq!(world.status(&guard, "mallory"), 401);
    let failed = revoke(&guard, of("eve")).await;
    assert!(matches!(failed, Err(RevokeError::NotShared(_))), "{failed:?}");
    assert_eq!(world.status(&guard, "eve"), 401, "here it is revoked all the same");
    world.wait_for(&guard, "alice", 503).await;
    assert_eq!(world.status(&guard, "mallory"), 503);
    // One that starts now knows nothing.
    assert_eq!(world.status(&world.guard(), "alice"), 503);
    assert!(world.redis.run());
    world.wait_for(&guard, "alice", 200).await;
    assert_eq!(world.status(&guard, "mallory"), 401, "what was read before is not forgotten");
    revoke(&guard, of("trent")).await.expect("told to all");
    let other = world.warm_guard().await;
    assert_eq!(world.status(&other, "trent"), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_revocation_is_left_out_and_holds_nothing_up() {
    let Some(world) = World::new() else { return };
    let guard = world.warm_guard().await;
    world.redis.command(&["XADD", "ra:api:rev", "*", "entry", "{}"]);
    world.redis.command(&["XADD", "ra:api:rev", "*", "other", "field"]);
    revoke(&guard, of("mallory")).await.expect("told to all");
    for guard in [&guard, &world.warm_guard().await] {
        world.wait_for(guard, "mallory", 401).await;
        assert_eq!(world.status(guard, "alice"), 200);
    }
    // A life that the stream does not keep is told at once.
    let long = Revocation::of_subject("eve", SystemTime::now() + Duration::from_secs(91 * 86_400));
    assert!(matches!(revoke(&guard, long).await, Err(RevokeError::NotShared(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_read_at_start() {
    let Some(world) = World::new() else { return };
    for number in 0..1_500 {
        let entry = of(&format!("user-{number}")).to_json();
        world.redis.command(&["XADD", "ra:api:rev", "*", "entry", &entry]);
    }
    let guard = world.warm_guard().await;
    for subject in ["user-0", "user-511", "user-512", "user-1499"] {
        assert_eq!(world.status(&guard, subject), 401, "{subject}");
    }
    assert_eq!(world.status(&guard, "user-1500"), 200);
}
