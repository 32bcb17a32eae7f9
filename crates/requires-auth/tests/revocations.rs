//! A revoked token is refused on each use, whether it is new or remembered, and by every way to ask.

mod support;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use requires_auth::explain::Outcome;
use requires_auth::guard::Builder;
use requires_auth::revocation::{Revocation, RevocationKind};
use requires_auth::revocations::{Revocations, RevokeError};
use requires_auth::verify::Step;
use requires_auth::{Denial, ErrorCode, Policy, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder, jwk_set};
use serde_json::json;
use support::{AUDIENCE, ManualClock};

const ISSUER: &str = "https://issuer.example";

struct World {
    key: SigningKey,
    clock: ManualClock,
    revocations: Revocations,
}

impl World {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::Ed25519);
        Self { key, clock: ManualClock::new(), revocations: Revocations::in_memory(100_000) }
    }

    fn bare(&self) -> Builder {
        let jwks = jwk_set([&self.key]).to_string();
        RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(jwks).with_clock(self.clock.clone())
    }

    fn guard(&self) -> RequiresAuth {
        self.bare().with_revocations_in(&self.revocations).build().expect("a guard")
    }

    fn token(&self) -> TokenBuilder {
        let forge = Forge::new(ISSUER, AUDIENCE, self.key.clone());
        let token = forge.token().issued_at(self.clock.unix()).subject("u-1").client_id("c-1");
        token.claim("jti", "t-1").claim("sid", "s-1")
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.clock.unix().try_into().expect("after 1970"))
    }

    fn until(&self) -> SystemTime {
        self.now() + Duration::from_secs(86_400)
    }

    fn revoke(&self, revocation: &Revocation) {
        self.revocations.add(revocation, self.now()).expect("room");
    }
}

fn judge(guard: &RequiresAuth, token: &str) -> Result<(), Denial> {
    guard.verify_now(token, &Policy::default()).expect("the keys are there").map(drop)
}

fn reason(judged: Result<(), Denial>) -> Option<Reason> {
    judged.err().map(|denial| denial.reason().expect("a reason"))
}

#[test]
fn every_kind_of_entry_refuses_a_token_that_is_new_and_one_that_is_remembered() {
    for (kind, own, other) in [
        (RevocationKind::Token, "t-1", "t-2"),
        (RevocationKind::Subject, "u-1", "u-2"),
        (RevocationKind::Session, "s-1", "s-2"),
        (RevocationKind::Client, "c-1", "c-2"),
    ] {
        let world = World::new();
        let (remembering, forgetting) = (world.guard(), world.bare().with_cache(0));
        let forgetting = forgetting.with_revocations_in(&world.revocations).build().expect("a guard");
        let token = world.token().mint();
        world.revoke(&Revocation::of(kind, other, world.until()));
        assert_eq!(judge(&remembering, &token), Ok(()));
        world.revoke(&Revocation::of(kind, own, world.until()));
        for guard in [&remembering, &remembering, &forgetting, &world.guard()] {
            let denial = judge(guard, &token).expect_err("revoked");
            assert_eq!((denial.code(), denial.reason()), (ErrorCode::InvalidToken, Some(Reason::Revoked)));
            assert_eq!(denial.status(), 401);
        }
        assert_eq!(judge(&world.bare().build().expect("a guard"), &token), Ok(()), "it is told of none");
    }
}

#[test]
fn a_revoked_token_ends_as_every_other() {
    let world = World::new();
    let guard = world.guard();
    let token = world.token().lifetime(60).mint();
    world.revoke(&Revocation::of_token("t-1", world.now() + Duration::from_secs(60)));
    assert_eq!(reason(judge(&guard, &token)), Some(Reason::Revoked));
    // Its time is over, and it is good for as long as clocks may differ.
    world.clock.advance(89);
    assert_eq!(reason(judge(&guard, &token)), Some(Reason::Revoked));
    world.clock.advance(1);
    assert_eq!(reason(judge(&guard, &token)), Some(Reason::Expired));
}

#[test]
fn a_login_after_the_revocation_is_good() {
    let world = World::new();
    let guard = world.guard();
    let before = world.token().mint();
    world.clock.advance(10);
    world.revoke(&Revocation::of_subject("u-1", world.until()).issued_before(world.now()));
    let after = world.token().claim("jti", "t-2").mint();
    assert_eq!(reason(judge(&guard, &before)), Some(Reason::Revoked));
    assert_eq!(judge(&guard, &after), Ok(()));
    let without = world.token().without_claim("iat").mint();
    assert_eq!(reason(judge(&guard, &without)), Some(Reason::Revoked));
}

#[test]
fn every_way_to_ask_sees_it() {
    let world = World::new();
    let guard = world.guard();
    let headers = [("authorization", format!("Bearer {}", world.token().mint()))];
    let request = Request::new("GET", "/", &headers);
    let token = guard.authenticate_now(&request).expect("keys").expect("a good token");
    assert_eq!(guard.check(&request, &token, &Policy::default()), Ok(()));
    guard.revoke_token(&token).expect("room");

    let refused =
        |judged: Option<Result<_, Denial>>| judged.expect("keys").map(drop).expect_err("revoked").reason();
    assert_eq!(
        refused(guard.authenticate_now(&request).map(|judged| judged.map(drop))),
        Some(Reason::Revoked)
    );
    let route = requires_auth::policy::Requirement::optional(Policy::default());
    assert_eq!(
        refused(guard.admit_now(&request, &route).map(|judged| judged.map(drop))),
        Some(Reason::Revoked)
    );
    // A connection that has lasted asks again.
    assert_eq!(reason(guard.check(&request, &token, &Policy::default())), Some(Reason::Revoked));
    // The policy is not reached, and neither is the binding.
    let scope =
        guard.authorize_now(&request, &Policy::all_of(["write"])).expect("keys").expect_err("revoked");
    assert_eq!(scope.status(), 401);
    let bound = world.token().claim("cnf", json!({ "jkt": "short" })).mint();
    assert_eq!(reason(judge(&guard, &bound)), Some(Reason::Revoked));
}

#[tokio::test]
async fn a_report_has_the_check_where_there_is_one() {
    let world = World::new();
    let headers = [("authorization", format!("Bearer {}", world.token().mint()))];
    let request = Request::new("GET", "/", &headers);
    let outcome = async |guard: &RequiresAuth| {
        let report = guard.explain(&request, &Policy::default()).await;
        let check = report.checks().iter().find(|check| check.step() == Step::Revocation);
        (check.map(requires_auth::explain::Check::outcome), report.verdict().is_ok())
    };
    assert_eq!(outcome(&world.bare().build().expect("a guard")).await, (None, true));
    assert_eq!(outcome(&world.guard()).await, (Some(Outcome::Passed), true));
    world.revoke(&Revocation::of_session("s-1", world.until()));
    assert_eq!(outcome(&world.guard()).await, (Some(Outcome::Failed), false));
}

#[test]
fn issuers_are_told_apart() {
    let world = World::new();
    let guard = world.guard();
    world.revoke(&Revocation::of_subject("u-1", world.until()).at_issuer("https://partner.example"));
    assert_eq!(judge(&guard, &world.token().mint()), Ok(()));
    world.revoke(&Revocation::of_subject("u-1", world.until()).at_issuer(ISSUER));
    assert_eq!(reason(judge(&guard, &world.token().mint())), Some(Reason::Revoked));
}

#[test]
fn guards_of_one_server_share_what_is_revoked() {
    let world = World::new();
    let orders =
        world.bare().with_resource("https://api.example/orders").with_revocations_in(&world.revocations);
    let orders = orders.build().expect("a guard");
    let stock = orders.for_other_resource("https://api.example/stock").expect("a guard");
    let token = world.token().claim("aud", "https://api.example/stock").mint();
    assert_eq!(judge(&stock, &token), Ok(()));
    orders.revoke(Revocation::of_client("c-1", world.until())).expect("room");
    assert_eq!(reason(judge(&stock, &token)), Some(Reason::Revoked));
}

#[test]
fn a_guard_that_is_told_of_none_says_so() {
    let world = World::new();
    let guard = world.bare().build().expect("a guard");
    assert!(matches!(guard.revoke(Revocation::of_client("c-1", world.until())), Err(RevokeError::Off)));
    assert!(guard.revocations().is_none() && guard.health().revocations().is_none());
    let guard = world.guard();
    let token = guard.verify_now(&world.token().without_claim("jti").mint(), &Policy::default());
    let token = token.expect("keys").expect("a good token");
    assert!(matches!(guard.revoke_token(&token), Err(RevokeError::NoTokenId)));
    assert_eq!(guard.health().revocations().map(requires_auth::guard::RevocationsHealth::entries), Some(0));
}

#[test]
fn a_remembered_token_allocates_nothing_among_many_revocations() {
    let world = World::new();
    let guard = world.guard();
    for number in 0..1000 {
        world.revoke(&Revocation::of_token(&format!("other-{number}"), world.until()));
        // Later logins of the subject and of the client are good.
        world.revoke(&Revocation::of_client("c-1", world.until()).issued_before(world.now()));
    }
    let headers = [("authorization", format!("Bearer {}", world.token().mint()))];
    let request = Request::new("GET", "/", &headers);
    guard.authenticate_now(&request).expect("keys").expect("a good token");
    let used =
        allocation_counter::measure(|| drop(guard.authenticate_now(&request).expect("keys").expect("good")));
    assert_eq!(used.count_total, 0);
}

mod in_a_file {
    use super::*;

    #[test]
    fn a_file_is_a_setting_and_a_reload_goes_on_with_it() {
        let folder = std::env::temp_dir().join(format!("requires-auth-revoked-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("revoked.jsonl");
        let world = World::new();
        let error = world.bare().with_revocations(&path).build().expect_err("no file");
        assert_eq!(error.problems()[0].field(), "revocations");
        let entry = Revocation::of_subject("u-1", world.until()).to_json();
        std::fs::write(&path, format!("{entry}\nbroken\n")).expect("a file");
        let error = world.bare().with_revocations(&path).build().expect_err("a broken line");
        assert!(error.problems()[0].found().contains("line 2"), "{error}");

        std::fs::write(&path, format!("{entry}\n")).expect("a file");
        let guard = world.bare().with_revocations(&path).build().expect("a guard");
        assert_eq!(reason(judge(&guard, &world.token().mint())), Some(Reason::Revoked));
        let other = world.token().subject("u-2").mint();
        assert_eq!(judge(&guard, &other), Ok(()));
        guard.revoke(Revocation::of_session("s-1", world.until())).expect("room");
        assert_eq!(reason(judge(&guard, &other)), Some(Reason::Revoked));

        // Another configuration takes over what is read, and a new process reads it.
        let next = world.bare().with_keys_of(&guard).with_revocations(&path).build().expect("a guard");
        // One with another file has what stands there alone.
        let second = folder.join("second.jsonl");
        std::fs::write(&second, "").expect("a file");
        let moved = world.bare().with_keys_of(&guard).with_revocations(&second).build().expect("a guard");
        assert_eq!((judge(&moved, &other), judge(&moved, &world.token().mint())), (Ok(()), Ok(())));
        std::fs::write(&path, "broken\n").expect("a file");
        assert_eq!(reason(judge(&next, &other)), Some(Reason::Revoked));
        next.revocations().expect("some").refresh().expect_err("a broken line");
        assert!(next.health().revocations().and_then(|health| health.last_error().map(|_| ())).is_some());
        assert_eq!(reason(judge(&next, &other)), Some(Reason::Revoked));
        assert_eq!(
            guard.health().revocations().map(requires_auth::guard::RevocationsHealth::entries),
            Some(2)
        );
        std::fs::remove_dir_all(&folder).expect("a folder");
    }
}
