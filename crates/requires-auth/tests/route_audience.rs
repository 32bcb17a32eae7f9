//! A token for the audience of a route passes there and nowhere else, on its first use and when it is remembered.

use requires_auth::{Audience, ErrorCode, Policy, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example";
const API: &str = "https://api.example";
const BILLING: &str = "https://billing.example";

struct Stage {
    auth: RequiresAuth,
    forge: Forge,
}

impl Stage {
    fn new(audience: impl Into<Audience>, of_routes: &[&str]) -> Self {
        let key = SigningKey::generate(Algorithm::Es256);
        let builder = RequiresAuth::builder(ISSUER, audience).with_route_audiences(of_routes.iter().copied());
        let auth = builder.with_jwks(jwk_set([&key]).to_string()).build().expect("a guard");
        Self { auth, forge: Forge::new(ISSUER, API, key) }
    }

    /// Whether a token for this audience passes, twice with the same answer.
    fn passes(&self, audience: Value, policy: &Policy) -> bool {
        let token = self.forge.token().scope("read").claim("aud", audience).mint();
        let [first, second] = [(); 2].map(|()| {
            let verdict = self.auth.verify_now(&token, policy).expect("the keys are there");
            verdict.map_err(|denial| (denial.code(), denial.reason())).map(drop)
        });
        assert_eq!(first, second);
        assert!(
            matches!(first, Ok(()) | Err((ErrorCode::InvalidToken, Some(Reason::AudienceMismatch)))),
            "{first:?}"
        );
        first.is_ok()
    }
}

#[test]
fn a_token_is_for_the_guard_or_for_a_route() {
    let stage = Stage::new(API, &[BILLING, "urn:stock"]);
    let (own, billing) = (Policy::all_of(["read"]), Policy::all_of(["read"]).with_audience([BILLING]));
    for (audience, at_own, at_billing) in [
        (json!(API), true, false),
        (json!(BILLING), false, true),
        (json!([API, BILLING]), true, true),
        (json!("urn:stock"), false, false),
        (json!("urn:other"), false, false),
        (json!("https://billing.example/"), false, false),
    ] {
        assert_eq!(stage.passes(audience.clone(), &own), at_own, "{audience}");
        assert_eq!(stage.passes(audience.clone(), &billing), at_billing, "{audience}");
    }
}

#[test]
fn an_audience_that_the_guard_does_not_know_matches_nothing() {
    let stage = Stage::new(API, &[]);
    let billing = Policy::default().with_audience([BILLING]);
    assert!(!stage.passes(json!(BILLING), &billing));
    assert!(!stage.passes(json!(API), &billing));
    assert!(!stage.passes(json!(API), &Policy::default().with_audience([""; 0])));
}

#[test]
fn a_guard_for_any_audience_leaves_it_to_the_route() {
    let stage = Stage::new(Audience::Any, &[]);
    let billing = Policy::default().with_audience([BILLING]);
    assert!(stage.passes(json!(BILLING), &billing));
    assert!(!stage.passes(json!(API), &billing));
    assert!(stage.passes(json!("urn:other"), &Policy::default()));
}

#[tokio::test]
async fn whoever_asks_for_any_valid_token_does_not_get_one_of_a_route() {
    let stage = Stage::new(API, &[BILLING]);
    let token = stage.forge.token().claim("aud", BILLING).mint();
    let headers = [("authorization", format!("Bearer {token}"))];
    let request = Request::new("GET", "/", &headers);
    let denial = stage.auth.authenticate(&request).await.expect_err("another audience");
    assert_eq!(denial.reason(), Some(Reason::AudienceMismatch));
    let billing = Policy::default().with_audience([BILLING]);
    let judged = stage.auth.authorize(&request, &billing).await.expect("its own audience");
    // A second policy of the handler looks at what it names.
    assert!(Policy::default().check(&judged).is_ok());
    assert!(Policy::default().with_audience(["urn:other"]).check(&judged).is_err());
    let report = stage.auth.explain(&request, &Policy::default()).await;
    let reason = report.verdict().err().and_then(requires_auth::Denial::reason);
    assert_eq!(reason, Some(Reason::AudienceMismatch));
    assert!(stage.auth.explain(&request, &billing).await.verdict().is_ok());
}
