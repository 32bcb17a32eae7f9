//! A token that is bound to a key or a certificate is refused: at every entry point, on the first use and on each later
//! one, whatever the request shows beside it.

mod support;

use std::sync::Arc;

use requires_auth::explain::{Outcome, Report};
use requires_auth::guard::Passed;
use requires_auth::policy::Requirement;
use requires_auth::request::Certificate;
use requires_auth::verify::{KeySet, Rules, Step};
use requires_auth::{Bearer, Denial, Policy, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder, jwk_set};
use serde_json::{Value, json};
use support::{AUDIENCE, ManualClock};

const ISSUER: &str = "https://issuer.example/oidc";
/// The base64url of 32 bytes 0.
const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// The first use, and two of a token that may be remembered.
const USES: usize = 3;

struct World {
    clock: ManualClock,
    forge: Forge,
    jwks: String,
}

impl World {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::Ed25519);
        let jwks = jwk_set([&key]).to_string();
        Self { clock: ManualClock::new(), forge: Forge::new(ISSUER, AUDIENCE, key), jwks }
    }

    fn guard(&self) -> RequiresAuth {
        let builder = RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(self.jwks.clone());
        builder.with_clock(self.clock.clone()).build().expect("a guard")
    }

    fn token(&self) -> TokenBuilder {
        self.forge.token().issued_at(self.clock.unix()).scope("read:orders")
    }

    fn bound(&self, cnf: Value) -> String {
        self.token().claim("cnf", cnf).mint()
    }
}

/// Whatever `cnf` is: known methods, unknown ones, nothing, and what no confirmation can be.
fn confirmations() -> Vec<Value> {
    vec![
        json!({ "jkt": ZEROS }),
        json!({ "x5t#S256": ZEROS }),
        json!({ "jkt": ZEROS, "x5t#S256": ZEROS }),
        json!({ "jkt": "short" }),
        json!({ "jwk": { "kty": "OKP" } }),
        json!({ "kid": "one" }),
        json!({}),
        json!([]),
        json!("jkt"),
        json!(0),
        json!(false),
    ]
}

fn is_refused(denial: &Denial) -> bool {
    denial.reason() == Some(Reason::BindingMismatch)
}

#[tokio::test]
async fn every_entry_point_of_a_guard_refuses_it_at_every_use() {
    let world = World::new();
    for cnf in confirmations() {
        let (guard, token) = (world.guard(), world.bound(cnf.clone()));
        let headers = [("authorization", format!("Bearer {token}")), ("dpop", "a.b.c".to_owned())];
        let request = Request::new("GET", "/orders", &headers)
            .at("https://api.example.com")
            .with_certificate(Certificate::Sha256([0; 32]));
        let policy = Policy::all_of(["read:orders"]);
        let (required, optional) =
            (Requirement::token(policy.clone()), Requirement::optional(policy.clone()));
        for entry in 0..USES {
            let now = [
                guard.authenticate_now(&request).expect("keys").err(),
                guard.authorize_now(&request, &policy).expect("keys").err(),
                guard.admit_now(&request, &required).expect("keys").err(),
                guard.admit_now(&request, &optional).expect("keys").err(),
                guard.verify_now(&token, &policy).expect("keys").err(),
                guard.authenticate(&request).await.err(),
                guard.authorize(&request, &policy).await.err(),
                guard.admit(&request, &required).await.err(),
                guard.admit(&request, &optional).await.err(),
                guard.verify(&token, &policy).await.err(),
                guard.explain(&request, &policy).await.verdict().err().cloned(),
            ];
            let refused = now.iter().all(|denial| denial.as_ref().is_some_and(is_refused));
            assert!(refused, "{cnf} at use {entry}: {now:?}");
        }
        assert_eq!(guard.health().remembered_tokens(), 1, "the later uses were of a remembered token");
    }
}

#[tokio::test]
async fn a_binding_that_is_null_may_have_been_lost_and_is_malformed() {
    let world = World::new();
    let (guard, token) = (world.guard(), world.bound(Value::Null));
    for _ in 0..USES {
        let denial = guard.verify(&token, &Policy::default()).await.expect_err("nobody knows whose it is");
        assert_eq!(denial.reason(), Some(Reason::ClaimMalformed));
    }
    assert_eq!(guard.health().remembered_tokens(), 0);
}

#[tokio::test]
async fn a_token_that_is_not_bound_passes_whatever_the_request_shows() {
    let world = World::new();
    let guard = world.guard();
    let headers =
        [("authorization", format!("Bearer {}", world.token().mint())), ("dpop", "a.b.c".to_owned())];
    let request =
        Request::new("GET", "/orders", &headers).with_certificate(Certificate::Der(b"a certificate"));
    for _ in 0..USES {
        let admission = guard.admit(&request, &Requirement::default()).await.expect("a good token");
        assert_eq!(admission.headers().count(), 0);
        assert!(matches!(admission.into_passed(), Passed::Token(_)));
    }
}

#[test]
fn the_verifier_without_a_guard_refuses_it() {
    let world = World::new();
    let keys = Arc::new(KeySet::parse(&world.jwks).expect("a key set"));
    let rules = Rules::new(Some(ISSUER), AUDIENCE);
    let now = requires_auth::clock::Clock::now(&world.clock);
    let good = world.token().mint();
    rules.verify(Bearer::parse(&good).expect("a token"), &keys, now).expect("a good token");
    for cnf in confirmations() {
        let token = world.bound(cnf.clone());
        let judged = rules.verify(Bearer::parse(&token).expect("a token"), &keys, now);
        assert!(judged.as_ref().err().is_some_and(is_refused), "{cnf}: {judged:?}");
    }
}

/// Keys that are fetched make no other way around the check.
#[tokio::test]
async fn a_token_that_waits_for_keys_is_refused_too() {
    let clock = ManualClock::new();
    let issuer = support::MemoryIssuer::new(ISSUER);
    let guard = issuer.guard(&clock);
    let forge = Forge::new(ISSUER, AUDIENCE, issuer.current_key());
    let token = forge.token().issued_at(clock.unix()).claim("cnf", json!({ "jkt": ZEROS })).mint();
    for _ in 0..USES {
        assert_eq!(support::verdict(&guard, &token).await, "binding_mismatch");
    }
}

/// The order of the reasons: everything that makes a token bad for any request, then the binding, then the scopes.
#[test]
fn the_binding_comes_after_the_claims_and_before_the_scopes() {
    let world = World::new();
    let bound = || world.token().claim("cnf", json!({ "jkt": ZEROS }));
    let guard = world.guard();
    let reason = |token: &str, policy: &Policy| {
        let headers = [("authorization", format!("Bearer {token}"))];
        let denial = guard.authorize_now(&Request::new("GET", "/", &headers), policy).expect("keys");
        let denial = denial.expect_err("a bound token");
        denial.reason().map_or(denial.code().as_str(), Reason::as_str)
    };
    for _ in 0..USES {
        let more = Policy::all_of(["write:orders"]);
        for (token, expected) in [
            (bound(), "binding_mismatch"),
            (bound().claim("scope", 5), "binding_mismatch"),
            (bound().claim("sub", 5), "claim_malformed"),
            (bound().claim("aud", "https://other.example"), "audience_mismatch"),
            (
                bound().claim("nonce", "n").without_claim("scope").without_claim("client_id"),
                "type_not_allowed",
            ),
            (world.token().claim("scope", 5), "claim_malformed"),
            (world.token(), "insufficient_scope"),
        ] {
            assert_eq!(reason(&token.mint(), &more), expected);
        }
    }
    let token = bound().mint();
    assert_eq!(reason(&token, &Policy::default()), "binding_mismatch");
    world.clock.advance(100_000);
    assert_eq!(reason(&token, &Policy::default()), "expired");
}

#[tokio::test]
async fn explain_shows_what_the_request_shows() {
    let world = World::new();
    let guard = world.guard();
    let headers = [("authorization", format!("Bearer {}", world.bound(json!({ "x5t#S256": ZEROS }))))];
    let request = Request::new("GET", "/", &headers);
    let step = |report: &Report, step| {
        let check = report.checks().iter().find(|check| check.step() == step).expect("a check").clone();
        (check.outcome(), check.found().to_owned(), check.expected().to_owned())
    };
    for _ in 0..USES {
        let report = guard.explain(&request, &Policy::default()).await;
        let (outcome, found, expected) = step(&report, Step::Binding);
        assert_eq!((outcome, found), (Outcome::Failed, format!(r#"{{"x5t#S256":"{ZEROS}"}}"#)));
        assert!(expected.ends_with("no DPoP proof and no certificate"), "{expected}");
        assert_eq!(step(&report, Step::Scope).0, Outcome::NotReached);
        let shown = request.with_certificate(Certificate::Sha256([0; 32]));
        let report = guard.explain(&shown, &Policy::default()).await;
        assert!(step(&report, Step::Binding).2.ends_with("no DPoP proof and that certificate"));
    }
    let headers = [("authorization", format!("Bearer {}", world.token().mint()))];
    let report = guard.explain(&Request::new("GET", "/", &headers), &Policy::default()).await;
    assert_eq!(step(&report, Step::Binding).0, Outcome::Passed);
}

#[tokio::test]
async fn a_request_without_a_credential_is_explained_as_refused() {
    let guard = World::new().guard();
    let no_headers: [(&str, &str); 0] = [];
    let report = guard.explain(&Request::new("GET", "/", &no_headers), &Policy::default()).await;
    let denial = report.verdict().expect_err("no token");
    assert_eq!(denial.code().as_str(), "auth.authorization_header_missing");
    assert!(report.checks().iter().all(|check| check.outcome() == Outcome::NotReached));
    assert_eq!(report.hint(), Some(denial.hint()));
}
