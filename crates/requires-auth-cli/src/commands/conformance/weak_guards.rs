//! The command against guards that are right, and against guards with one planted weakness each.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, routing::any};
use requires_auth::RequiresAuth;
use requires_auth::dpop::Dpop;
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use reqwest::Url;
use serde_json::Value;
use tokio::net::TcpListener;

use super::bait::Bait;
use super::judge::Grade;
use super::mint::Setup;
use super::profile::Profile;
use super::report::Row;
use super::run::{Runner, run};
use super::send::Sender;

const ISSUER: &str = "https://issuer.example.test";
const SCOPE: &str = "read:items";

/// What is wrong with a guard.
#[derive(Clone, Copy, Debug)]
enum Weakness {
    Nothing,
    /// Refusals for one of these reasons are overlooked.
    Overlooks(&'static [&'static str]),
    /// Refusals with this code are overlooked.
    OverlooksCode(&'static str),
    NoChallenge,
    NoError,
    /// Errors are told where there were no credentials.
    AlwaysError,
    /// Each refusal has this status.
    Status(u16),
    /// The name of the scheme has to be written as it is in the standard.
    SchemeWithCase,
    /// The token of the query counts.
    Query,
    /// The URL in the header of a token is fetched.
    FollowsUrls,
    /// The last word of the header is the token, whatever stands before it.
    AnyScheme,
    /// The value of the header comes back in the challenge.
    Repeats,
}

/// A guarded API, as it is asked for.
struct Api {
    runner: Arc<Runner>,
}

async fn api(profile: Profile, algorithm: Algorithm, weakness: Weakness) -> Api {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let url = format!("http://{}/api/items", listener.local_addr().expect("an address"));
    let key = SigningKey::generate(algorithm);
    let audience = if profile == Profile::Mcp { url.clone() } else { "https://api.example.com".to_owned() };
    let builder = match profile {
        Profile::Mcp => RequiresAuth::resource_builder(ISSUER, &url),
        _ => RequiresAuth::builder(ISSUER, audience.as_str()),
    };
    let builder = builder.with_jwks(jwk_set([&key]).to_string());
    let builder = match profile {
        Profile::Rfc9068 => builder.with_profile(requires_auth::Profile::AccessTokenJwt),
        Profile::Dpop => {
            builder.with_dpop(Dpop::required()).with_public_url(url.trim_end_matches("/api/items"))
        }
        _ => builder,
    };
    let auth = builder.build().expect("a guard");
    let app = Router::new().route("/api/items", any(|| async { "items" })).layer(auth.require(SCOPE));
    let app = app.layer(from_fn(move |request: Request, next: Next| weakened(weakness, request, next)));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let stranger = SigningKey::generate(algorithm);
    let bait = Bait::start(&stranger).await.expect("a port");
    let setup = Setup {
        forge: Forge::new(ISSUER, &audience, key),
        issuer: ISSUER.to_owned(),
        audience,
        scope: SCOPE.to_owned(),
        url: Url::parse(&url).expect("a URL"),
        method: "GET".to_owned(),
        body: None,
        headers: Vec::new(),
        scheme: profile.scheme(),
        client: SigningKey::generate(Algorithm::Es256),
        stranger,
        bait: bait.url().to_owned(),
    };
    let sender = Sender::new(Duration::from_secs(30)).expect("a client");
    Api { runner: Arc::new(Runner { setup, sender, bait: Some(bait), nonce: Mutex::default() }) }
}

impl Api {
    async fn judged(&self, profile: Profile) -> Vec<Row> {
        let algorithm = self.runner.setup.forge.key().algorithm();
        let cases: Vec<_> =
            profile.cases().filter(|case| case.needs.missing(SCOPE, algorithm).is_none()).collect();
        let rows = run(&self.runner, &cases, 4, |_, _| {}).await.expect("it ends");
        assert_eq!(rows.len(), cases.len());
        rows
    }
}

async fn weakened(weakness: Weakness, mut request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION).cloned();
    let text = header.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    match weakness {
        Weakness::SchemeWithCase if header.is_some() && !text.starts_with("Bearer ") => {
            return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response();
        }
        Weakness::AnyScheme => {
            let token = text.split(' ').next_back().unwrap_or_default();
            if let (true, Ok(value)) = (header.is_some(), HeaderValue::from_str(&format!("Bearer {token}"))) {
                request.headers_mut().insert(AUTHORIZATION, value);
            }
        }
        Weakness::Query if header.is_none() => {
            let token = request.uri().query().and_then(|query| query.strip_prefix("access_token="));
            if let Some(Ok(value)) = token.map(|token| HeaderValue::from_str(&format!("Bearer {token}"))) {
                request.headers_mut().insert(AUTHORIZATION, value);
                *request.uri_mut() = Uri::from_static("/api/items");
            }
        }
        Weakness::FollowsUrls => {
            let token = text.trim_start_matches("Bearer ");
            if let Some(url) = super::craft::object(super::craft::parts(token)[0])["jku"].as_str() {
                let client = reqwest::Client::builder().no_proxy().build().expect("a client");
                client.get(url).send().await.expect("the bait answers");
            }
        }
        _ => {}
    }
    let response = next.run(request).await;
    if response.status().is_success() { response } else { spoiled(weakness, &text, response).await }
}

/// A refusal as this guard answers it.
async fn spoiled(weakness: Weakness, sent: &str, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, 65_536).await.expect("a body");
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is = |member: &str, words: &[&str]| told[member].as_str().is_some_and(|own| words.contains(&own));
    let accepted = match weakness {
        Weakness::Overlooks(reasons) => is("reason", reasons),
        Weakness::OverlooksCode(code) => is("code", &[code]),
        _ => false,
    };
    if accepted {
        return "items".into_response();
    }
    match weakness {
        Weakness::NoChallenge => drop(parts.headers.remove(WWW_AUTHENTICATE)),
        Weakness::NoError => drop(parts.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        Weakness::AlwaysError => {
            let value = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            parts.headers.insert(WWW_AUTHENTICATE, value);
        }
        Weakness::Status(status) => parts.status = StatusCode::from_u16(status).expect("a status"),
        Weakness::Repeats => {
            let value = format!("Bearer error=\"invalid_token\", error_description={sent}");
            if let Ok(value) = HeaderValue::from_str(&value) {
                parts.headers.insert(WWW_AUTHENTICATE, value);
            }
        }
        _ => {}
    }
    Response::from_parts(parts, Body::from(body))
}

/// The names of the cases with this grade.
fn of(rows: &[Row], grade: Grade) -> Vec<&'static str> {
    rows.iter().filter(|row| row.grade == grade).map(|row| row.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_guard_is_right_by_each_profile() {
    for (profile, algorithm) in [
        (Profile::Bearer, Algorithm::Rs256),
        (Profile::Bearer, Algorithm::Es384),
        (Profile::Rfc9068, Algorithm::Es256),
        (Profile::Dpop, Algorithm::Es256),
        (Profile::Mcp, Algorithm::Es256),
    ] {
        let rows = api(profile, algorithm, Weakness::Nothing).await.judged(profile).await;
        let found: Vec<_> = rows.iter().filter(|row| row.grade != Grade::Right).collect();
        assert!(found.is_empty(), "{profile:?} {algorithm}: {found:#?}");
    }
}

/// A weakness, a profile, and cases that have to be dangerous and wrong because of it.
type Planted = (Weakness, Profile, &'static [&'static str], &'static [&'static str]);

const PLANTED: &[Planted] = &[
    (
        Weakness::Overlooks(&["algorithm_not_allowed"]),
        Profile::Bearer,
        &["algorithm-not-allowed", "none-capital", "hmac-pem", "hmac-jwk", "alg-lower-case"],
        &[],
    ),
    (
        Weakness::Overlooks(&["signature_mismatch"]),
        Profile::Bearer,
        &["signature-mismatch", "claims-changed", "stranger-our-kid"],
        &[],
    ),
    (
        Weakness::Overlooks(&["key_unknown"]),
        Profile::Bearer,
        &["stranger", "stranger-jwk", "stranger-jku"],
        &[],
    ),
    (
        Weakness::Overlooks(&["expired"]),
        Profile::Bearer,
        &["expired", "expired-yesterday"],
        &["error-expired"],
    ),
    (Weakness::Overlooks(&["not_yet_valid"]), Profile::Bearer, &["not-yet-valid"], &[]),
    (
        Weakness::Overlooks(&["audience_mismatch"]),
        Profile::Bearer,
        &["audience-mismatch", "aud-list-others", "aud-longer"],
        &["error-audience"],
    ),
    (Weakness::Overlooks(&["issuer_mismatch"]), Profile::Bearer, &["issuer-mismatch", "iss-slash"], &[]),
    (Weakness::Overlooks(&["critical_header"]), Profile::Bearer, &["critical-header"], &[]),
    (Weakness::Overlooks(&["claim_malformed"]), Profile::Bearer, &["claim-malformed", "exp-text"], &[]),
    (
        Weakness::OverlooksCode("insufficient_scope"),
        Profile::Bearer,
        &["scope-none", "scope-another", "scope-longer", "scope-case"],
        &["scope-error", "scope-status"],
    ),
    (Weakness::Overlooks(&["type_not_allowed"]), Profile::Rfc9068, &["typ-jwt", "type-not-allowed"], &[]),
    (
        Weakness::Overlooks(&["claim_missing"]),
        Profile::Rfc9068,
        &["claim-missing"],
        &["sub-missing", "jti-missing"],
    ),
    (
        Weakness::Overlooks(&["proof_method", "proof_url"]),
        Profile::Dpop,
        &["proof-method", "proof-url", "proof-url-host"],
        &["error-proof"],
    ),
    (Weakness::Overlooks(&["proof_reused"]), Profile::Dpop, &[], &["proof-reused"]),
    (
        Weakness::Overlooks(&["proof_missing", "binding_mismatch"]),
        Profile::Dpop,
        &["proof-missing", "proof-another-key"],
        &[],
    ),
    (
        Weakness::NoChallenge,
        Profile::Mcp,
        &[],
        &["challenge-no-token", "error-expired", "pointer", "document-resource"],
    ),
    (Weakness::NoError, Profile::Bearer, &[], &["error-expired", "error-malformed", "scope-error"]),
    (Weakness::AlwaysError, Profile::Bearer, &[], &["challenge-no-token-bare", "scope-error"]),
    (Weakness::Status(403), Profile::Bearer, &[], &["no-token", "expired", "malformed"]),
    (Weakness::Status(500), Profile::Bearer, &[], &["no-token", "scope-none", "token-missing"]),
    (Weakness::SchemeWithCase, Profile::Bearer, &[], &["scheme-lower-case", "scheme-upper-case"]),
    (Weakness::Query, Profile::Bearer, &[], &["query-alone"]),
    (Weakness::FollowsUrls, Profile::Bearer, &[], &["stranger-jku"]),
    (Weakness::AnyScheme, Profile::Bearer, &["scheme-unknown", "scheme-missing"], &[]),
    (Weakness::Repeats, Profile::Bearer, &[], &["nothing-repeated"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_planted_weakness_is_found_and_nothing_that_is_right_is_blamed() {
    let mut missed = Vec::new();
    for (weakness, profile, dangerous, wrong) in PLANTED.iter().copied() {
        let rows = api(profile, Algorithm::Es256, weakness).await.judged(profile).await;
        let found = (of(&rows, Grade::Dangerous), of(&rows, Grade::Wrong));
        let is_right = dangerous.iter().all(|name| found.0.contains(name))
            && wrong.iter().all(|name| found.1.contains(name))
            && dangerous.is_empty() == found.0.is_empty()
            // A good token passes all of them.
            && !found.0.contains(&"good-token")
            && !found.1.contains(&"good-token")
            && found.0.len() + found.1.len() < rows.len() - 5;
        if !is_right {
            missed.push((weakness, found));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[tokio::test]
async fn an_api_that_takes_no_good_token_or_needs_none_cannot_be_judged() {
    let mut api = api(Profile::Bearer, Algorithm::Es256, Weakness::Nothing).await;
    assert!(super::ready::ready(&api.runner, Duration::ZERO).await.is_ok());
    let runner = Arc::get_mut(&mut api.runner).expect("one owner");
    runner.setup.scope.clear();
    let failure = super::ready::ready(runner, Duration::ZERO).await.expect_err("403");
    assert!(failure.to_string().contains("answers 403"), "{failure}");
    runner.setup.forge =
        Forge::new("https://another.example", "https://api.example.com", runner.setup.stranger.clone());
    let failure = super::ready::ready(runner, Duration::ZERO).await.expect_err("401");
    assert!(failure.to_string().contains("answers 401"), "{failure}");
    let open = self::api(
        Profile::Bearer,
        Algorithm::Es256,
        Weakness::OverlooksCode("auth.authorization_header_missing"),
    )
    .await;
    let failure = super::ready::ready(&open.runner, Duration::ZERO).await.expect_err("nothing guards it");
    assert!(failure.to_string().contains("nothing guards it"), "{failure}");
}
