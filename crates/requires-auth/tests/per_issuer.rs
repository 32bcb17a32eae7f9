//! What one issuer may have of its own: algorithms and scope claims, which go before those of the guard.

mod support;

use requires_auth::error::ConfigProblem;
use requires_auth::explain::Outcome;
use requires_auth::guard::Builder;
use requires_auth::verify::Step;
use requires_auth::{AccessToken, Denial, Policy, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder, jwk_set};
use serde_json::json;
use support::{AUDIENCE, ManualClock, MemoryIssuer};

const MAIN: &str = "https://main.example";
const PARTNER: &str = "https://partner.example";

/// Two issuers that have keys of the same types.
struct World {
    clock: ManualClock,
    keys: [SigningKey; 3],
}

impl World {
    fn new() -> Self {
        let keys = [Algorithm::Es384, Algorithm::Es256, Algorithm::Ed25519].map(SigningKey::generate);
        Self { clock: ManualClock::new(), keys }
    }

    /// `partner` sees the builder while the partner is the issuer named last.
    fn guard(
        &self,
        all: impl FnOnce(Builder) -> Builder,
        partner: impl FnOnce(Builder) -> Builder,
    ) -> RequiresAuth {
        let jwks = jwk_set(&self.keys).to_string();
        let builder = RequiresAuth::builder(MAIN, AUDIENCE).with_jwks(jwks.clone());
        let builder = partner(builder.with_issuer(PARTNER, AUDIENCE).with_jwks(jwks));
        all(builder.with_clock(self.clock.clone())).build().expect("a configuration")
    }

    fn token(&self, issuer: &str, key: usize) -> TokenBuilder {
        Forge::new(issuer, AUDIENCE, self.keys[key].clone()).token().issued_at(self.clock.unix())
    }

    /// Which of the keys `ES384`, `ES256` and `Ed25519` this guard takes of an issuer.
    fn taken(&self, guard: &RequiresAuth, issuer: &str) -> [bool; 3] {
        [0, 1, 2].map(|key| match judge(guard, &self.token(issuer, key).mint()) {
            Ok(_) => true,
            Err(denial) => {
                assert_eq!(denial.reason(), Some(Reason::AlgorithmNotAllowed));
                false
            }
        })
    }
}

fn judge(guard: &RequiresAuth, token: &str) -> Result<AccessToken, Denial> {
    let headers = [("authorization", format!("Bearer {token}"))];
    guard.authenticate_now(&Request::new("GET", "/", &headers)).expect("keys are not looked for")
}

#[test]
fn a_list_is_for_its_issuer_alone() {
    let world = World::new();
    let guard = world.guard(|all| all, |partner| partner.with_issuer_algorithms(["ES256"]));
    assert_eq!(world.taken(&guard, MAIN), [true, true, true]);
    assert_eq!(world.taken(&guard, PARTNER), [false, true, false]);
}

#[test]
fn a_list_goes_before_that_of_the_guard() {
    let world = World::new();
    let guard = world.guard(
        |all| all.with_algorithms(["ES384"]),
        |partner| partner.with_issuer_algorithms(["ES256", "EdDSA"]),
    );
    assert_eq!(
        world.taken(&guard, MAIN),
        [true, false, false],
        "what the partner may use does not matter here"
    );
    assert_eq!(world.taken(&guard, PARTNER), [false, true, true]);
    let without = world.guard(|all| all.with_algorithms(["ES384"]), |partner| partner);
    assert_eq!(world.taken(&without, PARTNER), [true, false, false]);
}

#[test]
fn a_known_header_is_checked_for_its_issuer() {
    let world = World::new();
    let guard = world.guard(|all| all, |partner| partner.with_issuer_algorithms(["ES256"]));
    let good = world.token(MAIN, 0).mint();
    assert!(judge(&guard, &good).is_ok());
    // Its header is that of the remembered one, letter for letter.
    let denial =
        judge(&guard, &world.token(PARTNER, 0).mint()).expect_err("an algorithm that is not allowed");
    assert_eq!(denial.reason(), Some(Reason::AlgorithmNotAllowed));
    assert!(judge(&guard, &good).is_ok());
}

#[test]
fn a_list_is_looked_at_before_any_key() {
    let clock = ManualClock::new();
    let issuer = MemoryIssuer::new(MAIN);
    let guard = issuer.builder(&clock).with_issuer_algorithms(["RS256"]).build().expect("a configuration");
    let denial = judge(&guard, &issuer.token(&clock)).expect_err("an algorithm that is not allowed");
    assert_eq!(denial.reason(), Some(Reason::AlgorithmNotAllowed));
    assert_eq!(issuer.key_set_requests(), 0);
}

#[tokio::test]
async fn the_refusal_is_explained() {
    let world = World::new();
    let guard = world.guard(|all| all, |partner| partner.with_issuer_algorithms(["ES256", "RS256"]));
    let token = world.token(PARTNER, 0).mint();
    let report = support::explain(&guard, &token, &Policy::default()).await;
    let denial = report.verdict().expect_err("an algorithm that is not allowed");
    assert_eq!(denial.reason(), Some(Reason::AlgorithmNotAllowed));
    let outcome =
        |step| report.checks().iter().find(|check| check.step() == step).expect("a check").outcome();
    assert_eq!(
        [Step::Algorithm, Step::Issuer, Step::Key, Step::Signature].map(outcome),
        [Outcome::Passed, Outcome::Passed, Outcome::Failed, Outcome::NotReached]
    );
    let failed = report.checks().iter().find(|check| check.outcome() == Outcome::Failed).expect("a check");
    assert!(failed.found().ends_with(", alg ES384"), "{}", failed.found());
    assert_eq!(failed.expected(), "of this issuer, ES256, RS256");
}

#[test]
fn scopes_come_from_the_claims_of_the_issuer() {
    let world = World::new();
    let scopes = |guard: &RequiresAuth, issuer| {
        let token = world.token(issuer, 0).scope("a").claim("scp", json!(["b"])).claim("roles", json!(["c"]));
        let token = judge(guard, &token.mint()).expect("a good token");
        token.scopes().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let guard = world.guard(|all| all, |partner| partner.with_issuer_scope_claims(["scp"]));
    assert_eq!(scopes(&guard, MAIN), ["a"]);
    assert_eq!(scopes(&guard, PARTNER), ["b"]);
    let guard = world.guard(
        |all| all.with_scope_claims(["roles"]),
        |partner| partner.with_issuer_scope_claims(["scp", "scope"]),
    );
    assert_eq!(scopes(&guard, MAIN), ["c"]);
    assert_eq!(scopes(&guard, PARTNER), ["b", "a"]);
    let guard = world.guard(|all| all.with_scope_claims(["roles"]), |partner| partner);
    assert_eq!(scopes(&guard, PARTNER), ["c"]);
}

#[test]
fn what_is_implied_is_so_for_all_issuers() {
    let world = World::new();
    let guard = world.guard(
        |all| all.with_implied_scopes("b", "read"),
        |partner| partner.with_issuer_scope_claims(["scp"]),
    );
    let token = world.token(PARTNER, 0).claim("scp", json!(["b"])).mint();
    assert!(judge(&guard, &token).expect("a good token").has_scope("read"));
}

#[test]
fn mistakes_of_an_issuer_are_found() {
    let error = RequiresAuth::builder(MAIN, AUDIENCE)
        .with_issuer_algorithms(["HS256", "none"])
        .with_issuer(PARTNER, AUDIENCE)
        .with_issuer_algorithms([""; 0])
        .with_issuer_scope_claims(["scp", ""])
        .build()
        .expect_err("mistakes");
    let found: Vec<_> =
        error.problems().iter().map(|problem: &ConfigProblem| (problem.field(), problem.found())).collect();
    let expected = [
        ("algorithms", "`HS256`"),
        ("algorithms", "`none`"),
        ("algorithms", "an empty list"),
        ("scope_claims", "an empty path"),
    ];
    assert_eq!(found, expected);
}
