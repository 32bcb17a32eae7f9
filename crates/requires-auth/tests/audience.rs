//! Audience rules: which of them can work, and what is said of a token that one refuses. Their verdicts are vectors.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;

use fixture::{AUDIENCE, ISSUER, jwks, now, token};
use requires_auth::config::Config;
use requires_auth::explain::Report;
use requires_auth::{Audience, Policy, Request, RequiresAuth, danger};

fn guard(audience: impl Into<Audience>) -> RequiresAuth {
    let builder = RequiresAuth::builder(ISSUER, audience).with_jwks(jwks()).with_clock(now);
    danger::allow_public_test_keys(builder).build().expect("a guard")
}

#[track_caller]
fn refused(audience: &str, expected: &str) {
    let text = format!("[issuers.main]\nissuer = \"{ISSUER}\"\naudience = {audience}\n");
    let error = Config::parse(&text, "auth.toml").and_then(|config| config.build()).expect_err(audience);
    let text = error.to_string();
    assert!(text.contains("auth.toml:3") && text.contains(expected), "{audience}: {text}");
}

#[test]
fn rules_that_cannot_work_are_named() {
    refused("{ prefix = \"\" }", "ends in a separator");
    refused("{ prefix = \"https://api.example.com\" }", "takes no longer word");
    refused("{ prefix = \"urn:a:\", claim = \"azp\" }", "one_of = [");
    refused("{ claim = \"azp\" }", "one_of = [");
    refused("{ claim = \"azp\", one_of = [] }", "found nothing");
    refused("{ claim = \"azp\", one_of = [\" \"] }", "the identifier of this API");
    refused("{ claim = \"aud\", one_of = [\"a\"] }", "another claim than `aud`");
    refused("{ prefx = \"urn:a:\" }", "did you mean `prefix`?");
    refused("5", "a rule");
    refused(
        "{ claim = \"azp\", one_of = [\"a\"] }\ndangerously_any_audience = true",
        "leave out one of them",
    );
}

#[test]
fn a_claim_in_place_of_aud_does_not_go_with_rfc_9068() {
    let builder = || RequiresAuth::builder(ISSUER, Audience::claim("azp", ["app"]));
    assert!(builder().build().is_ok());
    let error = builder().with_profile(requires_auth::Profile::AccessTokenJwt).build().expect_err("no aud");
    assert_eq!(error.problems()[0].field(), "audience");
}

async fn explain(audience: impl Into<Audience>, token: &str) -> Report {
    let headers = [("authorization", format!("Bearer {token}"))];
    guard(audience).explain(&Request::new("GET", "/", &headers), &Policy::default()).await
}

#[tokio::test]
async fn a_refusal_is_explained() {
    let hint = |report: Report| report.hint().expect("a hint").to_owned();
    let without = token().without_claim("aud").without_claim("client_id").mint();
    let missing = hint(explain(Audience::claim("client_id", ["app"]), &without).await);
    assert!(missing.starts_with("`client_id` is missing: "), "{missing}");
    let has_aud = hint(explain(Audience::claim("client_id", ["app"]), &token().mint()).await);
    assert!(has_aud.contains("the token has an `aud`"), "{has_aud}");
    let slash = hint(explain(format!("{AUDIENCE}/"), &token().mint()).await);
    assert!(slash.contains("only a trailing slash differs"), "{slash}");
    let other = explain(Audience::prefix("urn:logto:organization:"), &token().mint()).await;
    let failed = other.checks().iter().find(|check| check.step().as_str() == "aud").expect("a check");
    assert_eq!(failed.expected(), "an audience that begins with urn:logto:organization:");
}
