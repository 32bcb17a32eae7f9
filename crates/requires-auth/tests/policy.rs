//! What a valid token must be allowed to do: scopes (RFC 6750 §3.1), claim rules, strength of login (RFC 9470 §3).

mod support;

use std::time::{Duration, UNIX_EPOCH};

use requires_auth::explain::Outcome;
use requires_auth::guard::Builder;
use requires_auth::policy::ClaimTest;
use requires_auth::{AccessToken, Policy, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder, jwk_set};
use serde_json::json;
use support::{AUDIENCE, ManualClock};

const ISSUER: &str = "https://issuer.example";

#[derive(Debug, serde::Deserialize)]
struct Claims {
    tenant: String,
}

struct World {
    key: SigningKey,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        Self { key: SigningKey::generate(Algorithm::Ed25519), clock: ManualClock::new() }
    }

    fn builder(&self) -> Builder {
        let jwks = jwk_set([&self.key]).to_string();
        RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(jwks).with_clock(self.clock.clone())
    }

    fn forge(&self) -> TokenBuilder {
        Forge::new(ISSUER, AUDIENCE, self.key.clone()).token().issued_at(self.clock.unix())
    }

    fn verified_with(&self, settings: impl FnOnce(Builder) -> Builder, token: TokenBuilder) -> AccessToken {
        verified_by(settings(self.builder()), token)
    }

    fn verified(&self, token: TokenBuilder) -> AccessToken {
        self.verified_with(|builder| builder, token)
    }
}

fn verified_by(builder: Builder, token: TokenBuilder) -> AccessToken {
    let guard = builder.build().expect("a configuration");
    let headers = [("authorization", format!("Bearer {}", token.mint()))];
    guard.authenticate_now(&Request::new("GET", "/", &headers)).expect("keys").expect("a valid token")
}

fn code(policy: &Policy, token: &AccessToken) -> &'static str {
    policy.check(token).map_or_else(|denial| denial.code().as_str(), |()| "ok")
}

#[test]
fn all_scopes_or_any_scope() {
    let world = World::new();
    let token = world.verified(world.forge().scope("read:orders write:orders"));
    assert_eq!(code(&Policy::all_of(["read:orders", "write:orders"]), &token), "ok");
    assert_eq!(code(&Policy::all_of(["read:orders", "delete:orders"]), &token), "insufficient_scope");
    assert_eq!(code(&Policy::any_of(["delete:orders", "write:orders"]), &token), "ok");
    assert_eq!(code(&Policy::any_of(["delete:orders"]), &token), "insufficient_scope");
    assert_eq!(code(&Policy::default(), &token), "ok");
    let denial = Policy::any_of(["a", "b"]).check(&token).expect_err("neither");
    assert_eq!(denial.scope(), Some("a b"), "the challenge lists every alternative");
}

#[test]
fn scopes_are_compared_exactly() {
    let world = World::new();
    let token = world.verified(world.forge().scope("read:all Admin"));
    for scope in ["read", "READ:ALL", "admin", "read:al", "read:all2"] {
        assert_eq!(code(&Policy::all_of([scope]), &token), "insufficient_scope", "{scope}");
    }
    let bare = world.verified(world.forge());
    assert_eq!(code(&Policy::all_of(["read:all"]), &bare), "insufficient_scope", "no scope is 403, not 401");
}

#[test]
#[should_panic(expected = "printable ASCII without spaces")]
fn an_invalid_scope_fails_when_the_route_is_built() {
    drop(Policy::all_of(["read orders"]));
}

#[test]
fn a_scope_list_is_parsed_or_refused() {
    assert_eq!(Policy::parse(" a  b ").expect("two scopes").scope(), Some("a b"));
    for bad in ["", "  ", "a\"b", "a\\b", "é"] {
        assert!(Policy::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn stronger_scopes_imply_weaker_ones_where_configured() {
    let world = World::new();
    let builder =
        world.builder().with_implied_scopes("admin", "write").with_implied_scopes("write", "read list");
    let token = verified_by(builder, world.forge().scope("admin"));
    assert_eq!(token.scopes().collect::<Vec<_>>(), ["admin", "write", "read", "list"]);
    let plain = world.verified(world.forge().scope("admin"));
    assert!(!plain.has_scope("read"), "nothing is implied unless configured");
}

#[test]
fn scopes_come_from_the_configured_claims() {
    let world = World::new();
    let claims = || {
        world
            .forge()
            .scope("own")
            .claim("permissions", json!(["p:1", "p:2"]))
            .claim("realm_access", json!({"roles": ["r"]}))
    };
    let scopes = |paths: &[&str]| {
        let token = world.verified_with(|builder| builder.with_scope_claims(paths.to_vec()), claims());
        token.scopes().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(scopes(&["permissions"]), ["p:1", "p:2"]);
    assert_eq!(scopes(&["scope", "realm_access.roles"]), ["own", "r"]);
    assert!(scopes(&["absent"]).is_empty());
}

#[test]
fn claim_rules_compare_types_and_values() {
    let world = World::new();
    let token = world.verified(
        world
            .forge()
            .claim("organization_id", "acme")
            .claim("level", 3)
            .claim("verified", true)
            .claim("groups", json!(["a", "b"]))
            .claim("nothing", json!(null))
            .claim("deep", json!({"er": {"x.y": "z"}})),
    );
    for (path, test, holds) in [
        ("organization_id", ClaimTest::equals("acme"), true),
        ("organization_id", ClaimTest::equals("ACME"), false),
        ("organization_id", ClaimTest::one_of(["x", "acme"]), true),
        ("organization_id", ClaimTest::contains("acme"), true),
        ("level", ClaimTest::equals(3), true),
        ("level", ClaimTest::equals("3"), false),
        ("verified", ClaimTest::equals(true), true),
        ("verified", ClaimTest::equals("true"), false),
        ("groups", ClaimTest::contains("b"), true),
        ("groups", ClaimTest::equals("b"), false),
        ("groups", ClaimTest::contains("c"), false),
        ("nothing", ClaimTest::Present, false),
        ("absent", ClaimTest::Present, false),
        ("level", ClaimTest::Present, true),
        ("deep.er.x.y", ClaimTest::equals("z"), true),
        ("deep.er", ClaimTest::equals("z"), false),
    ] {
        let expected = if holds { "ok" } else { "access_denied" };
        assert_eq!(
            code(&Policy::default().with_claim(path, test.clone()), &token),
            expected,
            "{path} {test}"
        );
    }
}

#[test]
fn scope_comes_before_claims_and_claims_before_login() {
    let world = World::new();
    let token = world.verified(world.forge().scope("a"));
    let strict =
        |policy: Policy| policy.with_claim("x", ClaimTest::Present).with_max_age(Duration::from_secs(1));
    assert_eq!(code(&strict(Policy::all_of(["b"])), &token), "insufficient_scope");
    assert_eq!(code(&strict(Policy::all_of(["a"])), &token), "access_denied");
    assert_eq!(
        code(&Policy::all_of(["a"]).with_max_age(Duration::from_secs(1)), &token),
        "insufficient_user_authentication"
    );
}

#[test]
fn a_login_must_be_strong_and_recent_enough() {
    let world = World::new();
    let now = world.clock.unix();
    let token = |age: i64| world.verified(world.forge().claim("acr", "silver").claim("auth_time", now - age));
    let max_age = Policy::default().with_max_age(Duration::from_secs(300));
    assert_eq!(code(&max_age, &token(300)), "ok");
    assert_eq!(code(&max_age, &token(301)), "insufficient_user_authentication");
    let weak = "insufficient_user_authentication";
    assert_eq!(code(&max_age, &world.verified(world.forge())), weak, "no auth_time counts as too old");
    assert_eq!(code(&max_age, &world.verified(world.forge().claim("auth_time", "now"))), weak);
    assert_eq!(code(&Policy::default().with_acr_values(["gold", "silver"]), &token(0)), "ok");
    let gold = Policy::default().with_acr_values(["gold"]).with_max_age(Duration::from_secs(60));
    let denial = gold.check(&token(0)).expect_err("too weak");
    assert_eq!((denial.acr_values(), denial.max_age(), denial.status()), (Some("gold"), Some(60), 401));
}

#[tokio::test]
async fn a_token_without_any_mark_of_an_access_token_is_warned_of() {
    let world = World::new();
    let guard = world.builder().build().expect("a configuration");
    let plain = || {
        let token = world.forge().header("typ", "JWT");
        ["scope", "client_id"].into_iter().fold(token, TokenBuilder::without_claim)
    };
    for (token, is_warned_of) in [
        (plain(), true),
        (plain().without_header("typ"), true),
        (plain().claim("scope", json!(null)), true),
        (plain().header("typ", "at+jwt"), false),
        (plain().claim("azp", "app"), false),
        (plain().claim("permissions", json!([])), false),
    ] {
        let report = support::explain(&guard, &token.mint(), &Policy::default()).await;
        assert!(report.verdict().is_ok());
        assert_eq!(
            report.hint().is_some_and(|hint| hint.contains("An ID token may look like this")),
            is_warned_of
        );
    }
}

/// Where scopes stand elsewhere, that claim is named, and not `scope`.
#[tokio::test]
async fn a_scope_claim_of_another_type_is_named() {
    let world = World::new();
    let guard = world.builder().with_scope_claims(["scope", "urn:x:roles"]).build().expect("a configuration");
    let token = world.forge().claim("urn:x:roles", json!({ "admin": "yes" })).mint();
    let report = support::explain(&guard, &token, &Policy::default()).await;
    let failed = report.checks().iter().find(|check| check.outcome() == Outcome::Failed).expect("a check");
    assert_eq!(failed.found(), r#"{"admin":"yes"}"#);
    assert!(report.hint().expect("a hint").starts_with("`urn:x:roles` is malformed: "), "{report:?}");
}

#[tokio::test]
async fn the_claim_that_is_missing_or_malformed_is_named() {
    let world = World::new();
    let profile = requires_auth::Profile::AccessTokenJwt;
    let guard = world.builder().with_profile(profile).build().expect("a configuration");
    for (token, reason, found, hint) in [
        (world.forge().without_claim("jti"), "claim_missing", "jti absent", "`jti` is missing: "),
        (
            world.forge().without_claim("client_id"),
            "claim_missing",
            "client_id absent",
            "`client_id` is missing: ",
        ),
        (world.forge().claim("sub", json!(null)), "claim_missing", "sub null", "`sub` is missing: "),
        (world.forge().without_claim("iat"), "claim_missing", "iat absent", "`iat` is missing: "),
        (
            world.forge().claim("authorization_details", 1),
            "claim_malformed",
            "authorization_details 1",
            "`auth",
        ),
        (world.forge().without_claim("exp"), "claim_missing", "absent", "`exp` is missing: "),
        (world.forge().claim("nbf", "soon"), "claim_malformed", "\"soon\"", "`nbf` is malformed: "),
        (world.forge().claim("scope", 1), "claim_malformed", "1", "`scope` is malformed: "),
        (world.forge().claim("cnf", json!(null)), "claim_malformed", "cnf null", "`cnf` is malformed: "),
    ] {
        let report = support::explain(&guard, &token.mint(), &Policy::default()).await;
        let denial = report.verdict().expect_err(reason);
        assert_eq!(denial.reason().map(requires_auth::Reason::as_str), Some(reason), "{found}");
        // The client is told no more than before.
        assert_eq!(denial.message(), denial.reason().expect("a reason").message());
        let failed = report.checks().iter().find(|check| check.outcome() == Outcome::Failed);
        assert_eq!(failed.map(requires_auth::explain::Check::found), Some(found));
        let told = report.hint().expect("a hint");
        assert!(told.starts_with(hint), "{told}");
    }
}

#[tokio::test]
async fn a_token_without_any_scope_is_told_from_one_that_lacks_a_scope() {
    let world = World::new();
    let guard = world.builder().build().expect("a configuration");
    let hint = async |token: TokenBuilder| {
        let report = support::explain(&guard, &token.mint(), &Policy::all_of(["x"])).await;
        report.hint().expect("a hint").to_owned()
    };
    assert!(hint(world.forge().without_claim("scope")).await.contains("no scope at all"));
    assert!(hint(world.forge().scope("y")).await.starts_with("ask the identity provider"));
}

#[tokio::test]
async fn a_refused_login_is_explained() {
    let world = World::new();
    let guard = world.builder().build().expect("a configuration");
    let token = world.forge().claim("acr", "silver").claim("auth_time", world.clock.unix()).mint();
    let failed = async |policy: Policy| {
        let report = support::explain(&guard, &token, &policy).await;
        report
            .checks()
            .iter()
            .find(|check| check.outcome() == Outcome::Failed)
            .map(|check| check.step().as_str())
    };
    let old = Duration::from_secs(60);
    assert_eq!(
        failed(Policy::default().with_acr_values(["gold"]).with_max_age(old)).await,
        Some("authentication")
    );
    assert_eq!(failed(Policy::default().with_acr_values(["silver"]).with_max_age(old)).await, None);
    assert_eq!(
        failed(Policy::default().with_claim("acr", ClaimTest::equals("x"))).await,
        Some("claim_rules")
    );
    assert_eq!(failed(Policy::all_of(["x"])).await, Some("scope"));
}

#[test]
fn the_token_tells_what_it_is() {
    let world = World::new();
    let user = world.verified(world.forge().subject("alice").client_id("app").claim("tenant", "t1"));
    assert_eq!((user.subject(), user.client_id(), user.is_client()), (Some("alice"), Some("app"), None));
    assert_eq!((user.issuer(), user.audience().collect::<Vec<_>>()), (ISSUER, vec![AUDIENCE]));
    let lifetime = user.expires_at().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    assert_eq!(lifetime, u64::try_from(world.clock.unix()).expect("a date") + 3600);
    assert_eq!(user.claim::<String>("tenant").as_deref(), Some("t1"));
    assert_eq!(user.claim::<u64>("tenant"), None, "of another type");
    assert!(world.verified(world.forge().subject("app").client_id("app")).is_client() == Some(true));

    assert_eq!(user.claims::<Claims>().expect("the shape fits").tenant, "t1");
    let error = world.verified(world.forge().claim("tenant", 5)).claims::<Claims>().expect_err("a number");
    assert!(!error.to_string().contains('5'), "{error}");
}

#[test]
fn organizations_come_from_the_claim_or_the_audience() {
    let world = World::new();
    let by_claim = world.verified(world.forge().claim("organization_id", "org-1"));
    assert_eq!(by_claim.organization_id().as_deref(), Some("org-1"));
    assert_eq!(world.verified(world.forge()).organization_id(), None);
    let audience = "urn:logto:organization:org-2";
    let builder = RequiresAuth::builder(ISSUER, audience)
        .with_jwks(jwk_set([&world.key]).to_string())
        .with_clock(world.clock.clone());
    let by_audience = verified_by(builder, world.forge().claim("aud", audience));
    assert_eq!(by_audience.organization_id().as_deref(), Some("org-2"));
}

#[test]
fn debug_shows_names_never_values() {
    let world = World::new();
    let token = world.verified(world.forge().subject("alice").claim("secret", "hidden-value"));
    let shown = format!("{token:?}");
    assert!(shown.contains("\"secret\""), "{shown}");
    assert!(!shown.contains("hidden-value") && !shown.contains("alice"), "{shown}");
}
