//! Mistakes in the configuration: all at once, each with the setting, what is expected, and a hint.

use std::time::Duration;

use requires_auth::error::ConfigProblem;
use requires_auth::{Audience, ConfigError, Policy, RequiresAuth, danger};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://api.example.com";

fn fields(error: &ConfigError) -> Vec<&'static str> {
    error.problems().iter().map(ConfigProblem::field).collect()
}

fn only_problem(result: Result<RequiresAuth, ConfigError>) -> (&'static str, String) {
    let error = result.expect_err("a mistake");
    let [problem] = error.problems() else { panic!("one problem expected: {error}") };
    assert!(!problem.hint().is_empty() && !problem.expected().is_empty());
    (problem.field(), problem.found().to_owned())
}

#[test]
fn all_mistakes_come_at_once() {
    let error = RequiresAuth::builder("http://issuer.example", "")
        .with_algorithms(["ES384", "HS256", "none"])
        .with_leeway(Duration::from_secs(301))
        .with_max_token_bytes(0)
        .with_scope_claims([""])
        .with_implied_scopes("a", "b")
        .with_implied_scopes("b", "a")
        .with_issuer("not a url", [""; 0])
        .build()
        .expect_err("many mistakes");
    let expected = [
        "algorithms",
        "algorithms",
        "leeway",
        "max_token_bytes",
        "scope_claims",
        "implied_scopes",
        "implied_scopes",
        "audience",
        "issuer",
        "audience",
        "issuer",
    ];
    assert_eq!(fields(&error), expected);
    let text = error.to_string();
    assert!(text.starts_with("the configuration has 11 problems\n"), "{text}");
    assert_eq!(text.matches("  hint: ").count(), 11);
}

#[test]
fn certificates_to_trust_are_certificates() {
    let build = |pem: &str| RequiresAuth::builder(ISSUER, AUDIENCE).with_ca(pem).build();
    for pem in ["no PEM at all", "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n"] {
        assert_eq!(only_problem(build(pem)), ("ca", "no certificate".to_owned()), "{pem}");
    }
    let (field, _) = only_problem(build("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"));
    assert_eq!(field, "ca");
    assert!(build("").is_ok(), "none is the same as not asking for any");
}

#[test]
fn a_plain_http_issuer_is_for_loopback() {
    assert!(RequiresAuth::new("http://127.0.0.1:9100/oidc", AUDIENCE).is_ok());
    assert!(RequiresAuth::new("http://localhost:9100/oidc", AUDIENCE).is_ok());
    let (field, found) = only_problem(RequiresAuth::new("http://issuer.internal", AUDIENCE));
    assert_eq!((field, found.as_str()), ("issuer", "`http://issuer.internal`"));
    assert!(
        danger::allow_http_issuer(RequiresAuth::builder("http://issuer.internal", AUDIENCE)).build().is_ok()
    );
}

#[test]
fn the_address_of_the_metadata_is_not_the_issuer() {
    for address in [
        "https://dev-abc.us.auth0.com/.well-known/openid-configuration",
        "https://issuer.example/oidc/.well-known/openid-configuration",
        "https://issuer.example/.well-known/oauth-authorization-server/oidc",
        "http://127.0.0.1:9100/oidc/.well-known/openid-configuration",
    ] {
        let error = RequiresAuth::new(address, AUDIENCE).expect_err(address);
        assert_eq!(fields(&error), ["issuer"]);
        assert!(error.to_string().contains("cut off `/.well-known/` and what follows"), "{error}");
    }
    let builder = RequiresAuth::builder("https://issuer.example/well-known/x", AUDIENCE);
    let address = "https://inside.example/.well-known/openid-configuration";
    assert!(builder.with_discovery_url(address).build().is_ok(), "there it belongs");
}

#[test]
fn white_space_around_a_setting_is_told_and_not_cut_off_in_silence() {
    let builder = || RequiresAuth::builder(ISSUER, AUDIENCE);
    for (before, after) in [("", "\n"), (" ", ""), ("", "\r\n"), ("\t", ""), ("", "\u{a0}")] {
        let around = |value: &str| format!("{before}{value}{after}");
        let url = around("https://issuer.example/x");
        for (field, made) in [
            ("issuer", RequiresAuth::new(&url, AUDIENCE)),
            ("audience", RequiresAuth::new(ISSUER, around(AUDIENCE).as_str())),
            ("jwks_uri", builder().with_jwks_uri(&url).build()),
            ("discovery_url", builder().with_discovery_url(&url).build()),
            ("algorithms", builder().with_algorithms([around("ES256")]).build()),
            ("scope_claims", builder().with_scope_claims([around("scp")]).build()),
            ("scope_claims", builder().with_issuer_scope_claims([around("scp")]).build()),
            ("implied_scopes", builder().with_implied_scopes(&around("admin"), "read").build()),
        ] {
            let (own, found) = only_problem(made);
            assert_eq!(own, field, "{found}");
            assert!(!found.contains(char::is_control), "{found:?}");
        }
    }
    assert!(builder().with_implied_scopes("admin", " read \n write ").build().is_ok(), "a list");
}

#[test]
fn an_error_of_main_reads_like_the_message() {
    let error = RequiresAuth::new("", AUDIENCE).expect_err("no issuer");
    assert_eq!(format!("{error:?}"), error.to_string());
    assert!(!error.to_string().contains("ConfigProblem"));
}

#[test]
fn an_audience_is_required_unless_skipping_is_typed_out() {
    for empty in [Audience::from(""), Audience::from(" x"), Audience::from([""; 0])] {
        assert_eq!(only_problem(RequiresAuth::new(ISSUER, empty)).0, "audience");
    }
    assert!(RequiresAuth::new(ISSUER, Audience::Any).is_ok());
    assert!(RequiresAuth::new(ISSUER, ["one", "two"]).is_ok());
}

#[test]
fn the_longest_leeway_is_300_seconds() {
    let with_leeway =
        |seconds| RequiresAuth::builder(ISSUER, AUDIENCE).with_leeway(Duration::from_secs(seconds)).build();
    assert!(with_leeway(300).is_ok());
    assert_eq!(only_problem(with_leeway(301)), ("leeway", "301 s".to_owned()));
}

#[test]
fn algorithms_are_known_signatures() {
    let with = |names: &[&str]| RequiresAuth::builder(ISSUER, AUDIENCE).with_algorithms(names).build();
    assert!(with(&["EdDSA", "ES256K", "ML-DSA-87"]).is_ok());
    for name in ["none", "HS256", "es384", "RSA-OAEP", ""] {
        assert_eq!(only_problem(with(&[name])), ("algorithms", format!("`{name}`")));
    }
    assert_eq!(only_problem(with(&[])).0, "algorithms");
    let typed = [requires_auth::Algorithm::Es384];
    assert!(RequiresAuth::builder(ISSUER, AUDIENCE).with_algorithms(typed).build().is_ok());
}

#[test]
fn implied_scopes_have_no_cycle_and_many_paths_cost_nothing() {
    // Found by the fuzz target `configuration`: following each path took exponential time.
    let builder = (0..12).fold(RequiresAuth::builder(ISSUER, AUDIENCE), |builder, i| {
        builder.with_implied_scopes(&format!("s{i}"), &format!("s{} ", i + 1).repeat(40))
    });
    assert!(builder.build().is_ok());
    let cycle = RequiresAuth::builder(ISSUER, AUDIENCE)
        .with_implied_scopes("a", "b c")
        .with_implied_scopes("c", "d a");
    let error = cycle.build().expect_err("a cycle");
    assert_eq!(fields(&error), ["implied_scopes", "implied_scopes"]);
}

#[test]
fn an_issuer_is_named_once() {
    let twice = RequiresAuth::builder(ISSUER, AUDIENCE).with_issuer(ISSUER, "other").build();
    assert_eq!(only_problem(twice).0, "issuer");
    let slash = RequiresAuth::builder(ISSUER, AUDIENCE).with_issuer(&format!("{ISSUER}/"), AUDIENCE).build();
    assert!(slash.is_ok(), "a slash makes it another issuer");
}

#[test]
fn a_static_key_set_needs_a_usable_key() {
    let with = |jwks: &str| RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(jwks).build();
    assert!(with(&jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string()).is_ok());
    for bad in ["", "[]", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AA"}]}"#] {
        assert_eq!(only_problem(with(bad)).0, "jwks", "{bad}");
    }
}

#[test]
fn published_test_keys_are_refused_outside_tests() {
    for algorithm in Algorithm::ALL {
        for key in [SigningKey::fixed(algorithm), SigningKey::second(algorithm)] {
            let builder = || RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(jwk_set([key]).to_string());
            let error = builder().build().expect_err("a published key");
            assert!(error.to_string().contains("published test key"), "{algorithm}: {error}");
            assert!(danger::allow_public_test_keys(builder()).build().is_ok(), "{algorithm}");
        }
    }
}

#[test]
fn where_nothing_is_discovered_an_issuer_is_any_text() {
    let key = SigningKey::generate(Algorithm::Es256);
    let jwks = jwk_set([&key]).to_string();
    for issuer in [
        "my-service",
        "accounts.google.com",
        "urn:example:issuer",
        "robot@project.iam.gserviceaccount.com",
        "http://keycloak:8080/realms/r",
    ] {
        let auth = RequiresAuth::builder(issuer, AUDIENCE).with_jwks(jwks.clone()).build().expect(issuer);
        let verify = |issuer: &str| {
            let token = Forge::new(issuer, AUDIENCE, key.clone()).token().mint();
            auth.verify_now(&token, &Policy::default()).expect("the keys are there").is_ok()
        };
        assert!(verify(issuer) && !verify("another") && !verify(&format!("{issuer}/")), "{issuer}");
        let pinned = RequiresAuth::builder(issuer, AUDIENCE).with_jwks_uri("https://issuer.example/keys");
        assert!(pinned.build().is_ok(), "{issuer}");
        assert_eq!(only_problem(RequiresAuth::new(issuer, AUDIENCE)).0, "issuer", "{issuer}");
    }
    for mistake in ["my-service ", "https://a.example/.well-known/openid-configuration"] {
        let built = RequiresAuth::builder(mistake, AUDIENCE).with_jwks(jwks.clone()).build();
        assert_eq!(only_problem(built).0, "issuer", "{mistake}");
    }
}
