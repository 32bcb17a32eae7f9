//! Tokens in other places than `Authorization`: what a guard is told, and what it does.

use std::time::{Duration, SystemTime};

use requires_auth::credential::TokenPlace;
use requires_auth::guard::Builder;
use requires_auth::policy::{Policy, Requirement};
use requires_auth::{Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};

const ISSUER: &str = "https://issuer.example";
const OTHER: &str = "https://other.example";
const AUDIENCE: &str = "https://api.example";

fn place(text: &str) -> TokenPlace {
    text.parse().expect("a place")
}

fn builder() -> (Builder, Forge) {
    let key = SigningKey::generate(Algorithm::Es256);
    let jwks = jwk_set([&key]).to_string();
    (RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(jwks), Forge::new(ISSUER, AUDIENCE, key))
}

fn code(auth: &RequiresAuth, method: &str, headers: &[(&str, String)]) -> &'static str {
    let headers = headers.to_vec();
    let judged = auth.authenticate_now(&Request::new(method, "/", &headers)).expect("keys at hand");
    judged.map_or_else(|denial| denial.code().as_str(), |_| "ok")
}

#[test]
fn an_issuer_says_where_its_tokens_may_stand() {
    let (builder, forge) = builder();
    let key = SigningKey::generate(Algorithm::Es256);
    let other = Forge::new(OTHER, AUDIENCE, key.clone());
    let auth = builder
        .with_issuer(OTHER, AUDIENCE)
        .with_jwks(jwk_set([&key]).to_string())
        .with_issuer_token_from([place("header=X-Token")])
        .build()
        .expect("a guard");
    let in_header = |token: &str| [("x-token", token.to_owned())];
    let bearer = |token: &str| [("authorization", format!("Bearer {token}"))];
    let (own, others) = (forge.token().mint(), other.token().mint());
    // Twice, as a remembered token is not judged anew.
    for _ in 0..2 {
        assert_eq!(code(&auth, "GET", &bearer(&own)), "ok");
        assert_eq!(code(&auth, "GET", &in_header(&others)), "ok");
        assert_eq!(code(&auth, "GET", &in_header(&own)), "auth.authorization_header_missing");
        assert_eq!(code(&auth, "GET", &bearer(&others)), "auth.authorization_header_missing");
    }
    // In both places it is one token, and one of them is right.
    let both = [bearer(&own), in_header(&own)].concat();
    assert_eq!(code(&auth, "GET", &both), "ok");
    // Where a token is optional, one in the wrong place is refused and not anonymous.
    let headers = in_header(&own);
    let optional = Requirement::optional(Policy::default());
    let refused = auth.admit_now(&Request::new("GET", "/", &headers), &optional).expect("keys at hand");
    assert_eq!(refused.unwrap_err().status(), 401);
}

#[test]
fn an_optional_guard_takes_nothing_in_any_place_for_anonymous() {
    let (builder, forge) = builder();
    let auth = builder.with_token_from([place("cookie=token")]).build().expect("a guard");
    let optional = Requirement::optional(Policy::default());
    let asked = |headers: &[(&str, String)]| {
        let headers = headers.to_vec();
        auth.admit_now(&Request::new("GET", "/", &headers), &optional)
            .expect("keys at hand")
            .is_ok_and(|a| a.token().is_none())
    };
    let token = forge.token().mint();
    assert!(asked(&[]));
    assert!(asked(&[("authorization", format!("Bearer {token}"))]), "a place that is not read");
    assert!(asked(&[("cookie", "theme=dark".to_owned())]));
    assert!(!asked(&[("cookie", format!("token={token}"))]));
    assert!(!asked(&[("cookie", "token=x".to_owned())]));
}

#[test]
fn an_answer_to_a_token_from_another_place_is_private() {
    let (builder, forge) = builder();
    let auth =
        builder.with_token_from([place("authorization"), place("cookie=token")]).build().expect("a guard");
    let token = forge.token().mint();
    let added = |headers: &[(&str, String)]| {
        let headers = headers.to_vec();
        let admitted = auth.admit_now(&Request::new("GET", "/", &headers), &Requirement::default());
        let admission = admitted.expect("keys at hand").expect("a good token");
        admission.headers().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>()
    };
    let (bearer, cookie) =
        (("authorization", format!("Bearer {token}")), ("cookie", format!("token={token}")));
    assert_eq!(added(std::slice::from_ref(&cookie)), ["cache-control: private"]);
    assert_eq!(added(std::slice::from_ref(&bearer)), [""; 0]);
    // With the header there, a shared cache knows by itself (RFC 9111 §3.5).
    assert_eq!(added(&[bearer, cookie]), [""; 0]);
}

#[test]
fn the_origin_of_the_public_url_may_use_cookies_unless_origins_are_named() {
    let origin = |origin: &str, of: fn(Builder) -> Builder| {
        let (builder, forge) = builder();
        let auth = of(builder.with_token_from([place("cookie=token")])).build().expect("a guard");
        let cookie = ("cookie", format!("token={}", forge.token().mint()));
        code(&auth, "POST", &[cookie, ("origin", origin.to_owned())])
    };
    let public = |builder: Builder| builder.with_public_url("https://API.example:443/v1");
    assert_eq!(origin("https://api.example", public), "ok");
    assert_eq!(origin("https://api.example:444", public), "auth.cross_site");
    assert_eq!(origin("https://api.example", |builder| builder), "auth.cross_site");
    let named = |builder: Builder| {
        builder
            .with_public_url("https://api.example")
            .with_cookie_origins(["https://app.example/", "http://localhost:3000"])
    };
    assert_eq!(origin("https://app.example", named), "ok");
    assert_eq!(origin("http://localhost:3000", named), "ok");
    assert_eq!(origin("https://api.example", named), "auth.cross_site");
}

#[test]
fn a_token_that_is_in_no_request_is_verified_whatever_the_places() {
    let (builder, forge) = builder();
    let auth = builder.with_token_from([place("cookie=token")]).build().expect("a guard");
    assert!(auth.verify_now(&forge.token().mint(), &Policy::default()).expect("keys at hand").is_ok());
    assert!(auth.verify_now("x.y.z", &Policy::default()).expect("keys at hand").is_err());
}

#[test]
fn places_that_cannot_work_are_refused() {
    let field = |of: fn(Builder) -> Builder| {
        let error = of(builder().0).build().err();
        error.map(|error| {
            error.problems().iter().map(|problem| problem.field().to_owned()).collect::<Vec<_>>()
        })
    };
    let refused = |name: &str| Some(vec![name.to_owned()]);
    assert_eq!(field(|builder| builder.with_token_from([])), refused("token_from"));
    assert_eq!(
        field(|builder| builder.with_token_from([place("cookie=a"), place("cookie=a")])),
        refused("token_from")
    );
    assert_eq!(field(|builder| builder.with_issuer_token_from([])), refused("token_from"));
    let many =
        |builder: Builder| builder.with_token_from((0..33).map(|number| place(&format!("cookie=c{number}"))));
    assert_eq!(field(many), refused("token_from"));
    for origin in [
        "app.example",
        "https://app.example/path",
        "null",
        "*",
        "https://u:p@app.example",
        "https://app.example?x",
    ] {
        let (builder, _) = builder();
        let error = builder.with_cookie_origins([origin]).build().expect_err(origin);
        assert_eq!(error.problems()[0].field(), "cookie_origins", "{origin}");
        assert!(!error.to_string().contains("u:p"), "{error}");
    }
    for url in ["api.example", "ftp://api.example", "https://u:p@api.example", "https://api.example?x"] {
        let (builder, _) = builder();
        let error = builder.with_public_url(url).build().expect_err(url);
        assert_eq!(error.problems()[0].field(), "public_url", "{url}");
    }
    assert_eq!(field(|builder| builder.with_token_from([place("cookie=a"), place("header=b")])), None);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_token_can_be_waited_for() {
    let auth = |closes| {
        let (builder, forge) = builder();
        let auth = builder.with_leeway(Duration::ZERO).with_close_on_expiry(closes).build().expect("a guard");
        let token = auth.verify_now(&forge.token().lifetime(100).mint(), &Policy::default());
        auth.token_end(&token.expect("keys at hand").expect("a good token"))
    };
    let begun = tokio::time::Instant::now();
    auth(true).reached().await;
    let waited = begun.elapsed().as_secs();
    assert!((97..=100).contains(&waited), "{waited}");
    let none = auth(false);
    assert_eq!(none.left(), None);
    assert!(tokio::time::timeout(Duration::from_secs(1000), none.reached()).await.is_err());
}

#[test]
fn a_connection_is_closed_when_its_token_ends_as_far_as_clocks_differ() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    let closes_in = |closes: bool, later: u64| {
        let (builder, forge) = builder();
        let token = forge.token().issued_at(2_000_000_000).mint();
        let auth = builder
            .with_leeway(Duration::from_secs(5))
            .with_close_on_expiry(closes)
            .with_clock(move || now + Duration::from_secs(later))
            .build()
            .expect("a guard");
        let token = auth.verify_now(&token, &Policy::default()).expect("keys at hand").expect("a good token");
        let end = token.expires_at().duration_since(now).expect("a token that is good for a while").as_secs();
        (auth.closes_in(&token).map(|left| left.as_secs()), end)
    };
    let (left, life) = closes_in(true, 0);
    assert_eq!(left, Some(life + 5));
    assert_eq!(closes_in(true, 10), (Some(life - 5), life));
    assert_eq!(closes_in(false, 0), (None, life));
}
