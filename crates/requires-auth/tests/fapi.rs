//! `profile = "fapi2"`: what the FAPI 2.0 Security Profile demands of an API (§5.3.4, §5.4), by one word.

mod support;

use std::time::Duration;

use requires_auth::credential::TokenPlace;
use requires_auth::guard::{Builder, Passed};
use requires_auth::policy::Requirement;
use requires_auth::request::Certificate;
use requires_auth::{Denial, ErrorCode, Policy, Profile, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder, jwk_set};
use support::{AUDIENCE, ManualClock};

const ISSUER: &str = "https://issuer.example/oidc";
const API: &str = "https://api.example";

/// A small certificate.
const DER: [u8; 11] = [0x30, 9, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 2];

struct World {
    clock: ManualClock,
    keys: Vec<SigningKey>,
}

impl World {
    fn new(algorithms: &[Algorithm]) -> Self {
        let keys = algorithms.iter().map(|algorithm| SigningKey::generate(*algorithm)).collect();
        Self { clock: ManualClock::new(), keys }
    }

    /// A guard for tokens that are bound to a certificate.
    fn builder(&self) -> Builder {
        RequiresAuth::builder(ISSUER, AUDIENCE)
            .with_jwks(jwk_set(&self.keys).to_string())
            .with_clock(self.clock.clone())
            .with_profile(Profile::Fapi2)
            .with_public_url(API)
            .with_client_certificates(true)
    }

    fn guard(&self) -> RequiresAuth {
        self.builder().build().expect("a guard")
    }

    fn token(&self, key: usize) -> TokenBuilder {
        let forge = Forge::new(ISSUER, AUDIENCE, self.keys[key].clone());
        forge.token().issued_at(self.clock.unix()).bound_to_certificate(&DER)
    }
}

fn admit(auth: &RequiresAuth, url: &str, token: Option<&str>) -> Result<Passed, Denial> {
    let headers: Vec<_> =
        token.map(|token| ("authorization", format!("Bearer {token}"))).into_iter().collect();
    let request = Request::new("GET", url, &headers).with_certificate(Certificate::Der(&DER));
    let optional = Requirement::optional(Policy::default());
    auth.admit_now(&request, &optional)
        .expect("the keys are there")
        .map(requires_auth::guard::Admission::into_passed)
}

fn reason(auth: &RequiresAuth, token: &str) -> Option<Reason> {
    admit(auth, "/", Some(token)).err().map(|denial| denial.reason().expect("a reason"))
}

#[test]
fn tokens_are_signed_with_one_of_three_algorithms() {
    let algorithms = [
        (Algorithm::Ps256, true),
        (Algorithm::Es256, true),
        (Algorithm::Ed25519, true),
        (Algorithm::Rs256, false),
        (Algorithm::Ps384, false),
        (Algorithm::Es384, false),
    ];
    let world = World::new(&algorithms.map(|(algorithm, _)| algorithm));
    let guard = world.guard();
    for (place, (algorithm, is_allowed)) in algorithms.iter().enumerate() {
        let expected = (!is_allowed).then_some(Reason::AlgorithmNotAllowed);
        assert_eq!(reason(&guard, &world.token(place).mint()), expected, "{algorithm:?}");
    }
    let fewer = world.builder().with_algorithms(["ES256"]).build().expect("a guard");
    assert_eq!(reason(&fewer, &world.token(1).mint()), None);
    assert_eq!(reason(&fewer, &world.token(0).mint()), Some(Reason::AlgorithmNotAllowed));
}

#[test]
fn tokens_have_the_shape_of_rfc_9068_and_are_bound() {
    let world = World::new(&[Algorithm::Es256]);
    let guard = world.guard();
    let bound = world.token(0);
    assert_eq!(reason(&guard, &bound.clone().mint()), None);
    assert_eq!(reason(&guard, &bound.clone().header("typ", "JWT").mint()), Some(Reason::TypeNotAllowed));
    assert_eq!(reason(&guard, &bound.clone().without_claim("jti").mint()), Some(Reason::ClaimMissing));
    let free = bound.without_claim("cnf").mint();
    for _ in 0..3 {
        assert_eq!(reason(&guard, &free), Some(Reason::BindingMismatch));
    }
    // What the rest of the world takes is not less than it was.
    let lax = world.builder().with_profile(Profile::AccessTokenJwt).build().expect("a guard");
    assert_eq!(reason(&lax, &free), None);
}

#[test]
fn clocks_differ_by_ten_seconds_at_most() {
    let world = World::new(&[Algorithm::Es256]);
    let guard = world.guard();
    let token = world.token(0).lifetime(60).mint();
    world.clock.advance(69);
    assert_eq!(reason(&guard, &token), None);
    world.clock.advance(1);
    assert_eq!(reason(&guard, &token), Some(Reason::Expired));
}

#[test]
fn a_token_in_the_query_is_refused_also_where_none_is_needed() {
    let world = World::new(&[Algorithm::Es256]);
    let (guard, token) = (world.guard(), world.token(0).mint());
    assert!(matches!(admit(&guard, "/?a=b", None), Ok(Passed::Anonymous)));
    for url in [format!("/?access_token={token}"), "/?%61ccess_token".to_owned()] {
        for header in [None, Some(token.as_str())] {
            let denial = admit(&guard, &url, header).expect_err("a token in the query");
            assert_eq!((denial.code(), denial.status()), (ErrorCode::InvalidRequest, 400), "{url}");
        }
    }
    let lax = world.builder().with_profile(Profile::AccessTokenJwt).build().expect("a guard");
    assert!(matches!(admit(&lax, "/?access_token=x", None), Ok(Passed::Anonymous)));
}

#[test]
fn what_is_missing_is_told_at_once() {
    let world = World::new(&[Algorithm::Es256]);
    let problems = |builder: Builder| -> Vec<String> {
        let error = builder.build().err();
        error
            .iter()
            .flat_map(requires_auth::ConfigError::problems)
            .map(|problem| problem.field().to_owned())
            .collect()
    };
    let bare = || {
        let builder = RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(jwk_set(&world.keys).to_string());
        builder.with_profile(Profile::Fapi2)
    };
    assert_eq!(problems(bare()), ["public_url", "dpop"]);
    assert_eq!(
        problems(bare().with_public_url("http://127.0.0.1:8000").with_client_certificates(true)),
        ["public_url"]
    );
    let good = || world.builder();
    assert_eq!(problems(good()), [""; 0]);
    assert_eq!(problems(good().with_leeway(Duration::from_secs(11))), ["leeway"]);
    assert_eq!(problems(good().with_leeway(Duration::from_secs(10))), [""; 0]);
    assert_eq!(problems(good().with_algorithms(["PS256", "RS256"])), ["algorithms"]);
    let cookie = [TokenPlace::authorization(), TokenPlace::cookie("__Host-token").expect("a name")];
    assert_eq!(problems(good().with_token_from(cookie)), ["token_from"]);
    let by_key = || bare().with_public_url(API).with_dpop(requires_auth::dpop::Dpop::required());
    assert_eq!(problems(by_key()), [""; 0]);
    // An issuer may have the profile alone.
    let of_one = RequiresAuth::builder(ISSUER, AUDIENCE)
        .with_jwks(jwk_set(&world.keys).to_string())
        .with_issuer("https://bank.example", AUDIENCE)
        .with_jwks(jwk_set(&world.keys).to_string())
        .with_issuer_profile(Profile::Fapi2);
    assert_eq!(problems(of_one), ["public_url", "dpop"]);
}
