//! A remembered token gets the verdict that it would get anew, always, and costs no memory.

mod support;

use std::time::Duration;

use proptest::prelude::*;
use requires_auth::dpop::Dpop;
use requires_auth::policy::ClaimTest;
use requires_auth::{AccessToken, Denial, Policy, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use support::{AUDIENCE, ManualClock, MemoryIssuer};

const ISSUER: &str = "https://issuer.example/oidc";

fn judge(guard: &RequiresAuth, token: &str) -> Option<Result<AccessToken, Denial>> {
    let headers = [("authorization", format!("Bearer {token}"))];
    guard.authenticate_now(&Request::new("GET", "/", &headers))
}

fn allocations_of_the_second_use(guard: &RequiresAuth, request: &Request<'_>) -> u64 {
    let first = guard.authenticate_now(request).expect("keys").expect("a good token");
    let used = allocation_counter::measure(|| {
        let again = guard.authenticate_now(request).expect("keys").expect("a good token");
        assert_eq!(again.subject(), first.subject());
    });
    used.count_total
}

#[test]
fn a_remembered_token_allocates_nothing() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer
        .builder(&clock)
        .with_jwks(jwk_set([&issuer.current_key()]).to_string())
        .build()
        .expect("a guard");
    let headers = [("authorization", format!("Bearer {}", issuer.token(&clock)))];
    let request = Request::new("GET", "/orders?page=2", &headers);
    assert_eq!(allocations_of_the_second_use(&guard, &request), 0);
}

/// A guard that takes proofs pays for them where there is one.
#[test]
fn a_bearer_token_allocates_nothing_where_proofs_are_taken() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer
        .builder(&clock)
        .with_jwks(jwk_set([&issuer.current_key()]).to_string())
        .with_public_url("https://api.example.com")
        .with_dpop(Dpop::allowed().with_nonce_secret("a secret of nonces that nobody can guess"))
        .build()
        .expect("a guard");
    let headers =
        [("authorization", format!("Bearer {}", issuer.token(&clock))), ("dpop", "a.b.c".to_owned())];
    let request = Request::new("GET", "/orders?page=2", &headers);
    assert_eq!(allocations_of_the_second_use(&guard, &request), 0);
}

#[test]
fn a_remembered_token_expires() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer
        .builder(&clock)
        .with_jwks(jwk_set([&issuer.current_key()]).to_string())
        .with_leeway(Duration::from_secs(10))
        .build()
        .expect("a guard");
    let token = issuer.token_at(clock.unix(), 100);
    assert!(judge(&guard, &token).expect("keys").is_ok());
    clock.advance(109);
    assert!(judge(&guard, &token).expect("keys").is_ok());
    clock.advance(1);
    let denial = judge(&guard, &token).expect("keys").expect_err("expired");
    assert_eq!(denial.reason(), Some(requires_auth::Reason::Expired));
    clock.back(200);
    let denial = judge(&guard, &token).expect("keys").expect_err("from the future");
    assert_eq!(denial.reason(), Some(requires_auth::Reason::NotYetValid));
}

#[test]
fn a_login_grows_old_while_its_token_is_remembered() {
    let (clock, key) = (ManualClock::new(), SigningKey::generate(Algorithm::Ed25519));
    let guard = RequiresAuth::builder(ISSUER, AUDIENCE)
        .with_jwks(jwk_set([&key]).to_string())
        .with_clock(clock.clone())
        .build()
        .expect("a guard");
    let forge = Forge::new(ISSUER, AUDIENCE, key);
    let token = forge.token().issued_at(clock.unix()).claim("auth_time", clock.unix()).mint();
    let policy = Policy::default().with_max_age(Duration::from_secs(60));
    let check = || policy.check(&judge(&guard, &token).expect("keys").expect("a good token")).is_ok();
    assert!(check());
    clock.advance(61);
    assert!(!check(), "the age of the login is that of now, not of the first look");
}

#[tokio::test]
async fn a_remembered_token_dies_with_its_key() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let guard = issuer.guard(&clock);
    let old = issuer.token(&clock);
    assert_eq!(support::verdict(&guard, &old).await, "ok");
    issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256)]);
    assert_eq!(support::verdict(&guard, &old).await, "ok", "nobody knows yet");
    assert_eq!(support::verdict(&guard, &issuer.token(&clock)).await, "ok");
    assert_eq!(support::verdict(&guard, &old).await, "key_unknown");
}

#[test]
fn guards_share_no_memory() {
    let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
    let jwks = jwk_set([&issuer.current_key()]).to_string();
    let builder = |audience: &str| {
        RequiresAuth::builder(ISSUER, audience).with_jwks(jwks.clone()).with_clock(clock.clone())
    };
    let (one, two) =
        (builder(AUDIENCE).build().expect("a guard"), builder("other").build().expect("a guard"));
    let token = issuer.token(&clock);
    assert!(judge(&one, &token).expect("keys").is_ok());
    assert!(judge(&two, &token).expect("keys").is_err());
}

/// What happens to a guard in the course of its life.
#[derive(Clone, Debug)]
enum Event {
    Judge { token: usize, policy: usize },
    Wait(u64),
    ClockBack(u64),
    Rotate { withdraw: bool },
    Reload { configuration: usize },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..TOKENS, 0..4_usize).prop_map(|(token, policy)| Event::Judge { token, policy }),
        2 => prop_oneof![Just(1_u64), Just(29), Just(31), Just(100), Just(601), Just(4300)].prop_map(Event::Wait),
        1 => prop_oneof![Just(1_u64), Just(40), Just(1000)].prop_map(Event::ClockBack),
        1 => any::<bool>().prop_map(|withdraw| Event::Rotate { withdraw }),
        1 => (0..3_usize).prop_map(|configuration| Event::Reload { configuration }),
    ]
}

const TOKENS: usize = 6;

/// Two guards of one configuration, one with a memory and one without.
struct Twins {
    issuer: MemoryIssuer,
    clock: ManualClock,
    remembering: RequiresAuth,
    forgetting: RequiresAuth,
}

impl Twins {
    fn new() -> Self {
        let (clock, issuer) = (ManualClock::new(), MemoryIssuer::new(ISSUER));
        let [remembering, forgetting] = Self::guards(&issuer, &clock, 0);
        Self { issuer, clock, remembering, forgetting }
    }

    fn guards(issuer: &MemoryIssuer, clock: &ManualClock, configuration: usize) -> [RequiresAuth; 2] {
        [10_000, 0].map(|entries| {
            let builder = issuer.builder(clock).with_cache(entries);
            let builder = match configuration {
                0 => builder,
                1 => builder.with_leeway(Duration::ZERO).with_stale(Duration::ZERO),
                _ => builder.with_algorithms(["ES384"]),
            };
            builder.build().expect("a guard")
        })
    }

    fn tokens(&self) -> Vec<String> {
        let now = self.clock.unix();
        let forge = Forge::new(ISSUER, AUDIENCE, self.issuer.current_key());
        let token = || forge.token().issued_at(now).lifetime(100_000);
        vec![
            token().scope("a b").mint(),
            token().lifetime(60).scope("a").mint(),
            token().claim("nbf", now + 30).mint(),
            token().claim("organization_id", "acme").claim("auth_time", now).mint(),
            token().claim("aud", "other").mint(),
            token().key(&SigningKey::generate(Algorithm::Es256)).mint(),
        ]
    }
}

fn policies() -> [Policy; 4] {
    [
        Policy::default(),
        Policy::all_of(["a", "b"]),
        Policy::default().with_claim("organization_id", ClaimTest::equals("acme")),
        Policy::default().with_max_age(Duration::from_secs(90)),
    ]
}

fn shown(judged: &Result<AccessToken, Denial>) -> String {
    match judged {
        Ok(token) => format!("{:?} {:?}", token.subject(), token.scopes().collect::<Vec<_>>()),
        Err(denial) => format!("{denial:?} {:?}", denial.retry_after()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_remembered_verdict_is_the_verdict(events in proptest::collection::vec(event(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut twins = Twins::new();
            let mut tokens = twins.tokens();
            for event in events {
                match event {
                    Event::Judge { token, policy } => {
                        let headers = [("authorization", format!("Bearer {}", tokens[token]))];
                        let request = Request::new("GET", "/", &headers);
                        let policy = &policies()[policy];
                        let remembered = twins.remembering.authorize(&request, policy).await;
                        let anew = twins.forgetting.authorize(&request, policy).await;
                        prop_assert_eq!(shown(&remembered), shown(&anew));
                    }
                    Event::Wait(seconds) => twins.clock.advance(seconds),
                    Event::ClockBack(seconds) => twins.clock.back(seconds),
                    Event::Rotate { withdraw } => {
                        if withdraw {
                            twins.issuer.set_keys(vec![SigningKey::generate(Algorithm::Es256)]);
                        } else {
                            twins.issuer.rotate();
                        }
                        // Tokens of the old key stay about beside those of the new one.
                        let fresh = twins.tokens();
                        tokens.iter_mut().zip(fresh).step_by(2).for_each(|(old, new)| *old = new);
                    }
                    Event::Reload { configuration } => {
                        let [remembering, forgetting] = Twins::guards(&twins.issuer, &twins.clock, configuration);
                        (twins.remembering, twins.forgetting) = (remembering, forgetting);
                    }
                }
            }
            Ok(())
        })?;
    }
}
