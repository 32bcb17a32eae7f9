//! Opaque tokens: what an issuer says of them decides, is remembered for a while, and costs the issuer little.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use requires_auth::fetch::FetchError;
use requires_auth::guard::Builder;
use requires_auth::introspect::{
    Introspect, Introspection, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};
use requires_auth::verify::Tokens;
use requires_auth::{AccessToken, Denial, ErrorCode, Policy, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example";
const API: &str = "https://api.example";
const NOW: u64 = 1_800_000_000;

/// An issuer in memory: what it says of each token, and how often it was asked.
#[derive(Clone, Default)]
struct Provider {
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    calls: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
    /// Holds the answers back until it is opened.
    gate: Option<Arc<tokio::sync::Semaphore>>,
}

impl Provider {
    fn says(&self, token: &str, answer: &Value) {
        self.answers_with(token, 200, &answer.to_string());
    }

    fn answers_with(&self, token: &str, status: u16, body: &str) {
        self.answers.lock().expect("no panic").insert(token.to_owned(), (status, body.to_owned()));
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Introspect for Provider {
    fn introspect(&self, request: IntrospectionRequest) -> IntrospectionFuture {
        self.calls.fetch_add(1, Ordering::SeqCst);
        assert_eq!(request.url().query(), None);
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(request.body().as_bytes()).into_owned().collect();
        let answer = self.answers.lock().expect("no panic").get(&form["token"]).cloned();
        let (status, body) = answer.unwrap_or((200, r#"{"active":false}"#.to_owned()));
        let (gate, is_down) = (self.gate.clone(), self.is_down.load(Ordering::SeqCst));
        Box::pin(async move {
            if let Some(gate) = gate {
                gate.acquire().await.expect("open").forget();
            }
            if is_down {
                return Err(FetchError::Connect("refused".to_owned()));
            }
            Ok(IntrospectionResponse::new(status, body))
        })
    }
}

#[derive(Clone)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(NOW)))
    }

    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

fn introspection() -> Introspection {
    Introspection::at("https://issuer.example/introspect").with_client_secret("api", "secret")
}

fn builder(provider: &Provider, clock: &Clock) -> Builder {
    let time = Arc::clone(&clock.0);
    RequiresAuth::builder(ISSUER, API)
        .with_introspect(provider.clone())
        .with_clock(move || UNIX_EPOCH + Duration::from_secs(time.load(Ordering::SeqCst)))
}

fn opaque(provider: &Provider, clock: &Clock, introspection: Introspection) -> RequiresAuth {
    let builder = builder(provider, clock).with_introspection(introspection);
    builder.with_accepted_tokens(Tokens::Opaque).build().expect("a guard")
}

fn good() -> Value {
    json!({
        "active": true, "token_type": "Bearer", "iss": ISSUER, "aud": API, "sub": "alice", "client_id": "app",
        "scope": "read write", "iat": NOW - 10, "exp": NOW + 3600,
    })
}

async fn verify(auth: &RequiresAuth, token: &str) -> Result<AccessToken, Denial> {
    auth.verify(token, &Policy::default()).await
}

async fn reason(auth: &RequiresAuth, token: &str) -> Option<Reason> {
    let denial = verify(auth, token).await.expect_err("refused");
    assert_eq!((denial.status(), denial.code()), (401, ErrorCode::InvalidToken));
    denial.reason()
}

async fn is_unavailable(auth: &RequiresAuth, token: &str) {
    let denial = verify(auth, token).await.expect_err("refused");
    assert_eq!((denial.status(), denial.code()), (503, ErrorCode::IssuerUnavailable));
    assert!(denial.retry_after().is_some());
}

#[tokio::test]
async fn the_word_of_the_issuer_decides() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    provider.says("opaque-token", &good());
    assert!(auth.verify_now("opaque-token", &Policy::default()).is_none(), "the issuer has to be asked");
    let token = verify(&auth, "opaque-token").await.expect("active");
    assert_eq!((token.subject(), token.client_id(), token.issuer()), (Some("alice"), Some("app"), ISSUER));
    assert!(token.has_scope("read") && token.audience().eq([API]));
    assert_eq!(token.claim::<String>("token_type").as_deref(), Some("Bearer"));
    let lacking = auth.verify("opaque-token", &Policy::all_of(["delete"])).await.expect_err("no scope");
    assert_eq!(lacking.code(), ErrorCode::InsufficientScope);
    assert_eq!(reason(&auth, "unknown-token").await, Some(Reason::Inactive));
    assert_eq!(provider.calls(), 2, "one for each token");
}

#[tokio::test]
async fn claims_of_an_answer_are_checked_as_those_of_a_jwt() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    let cases = [
        (json!({ "aud": "https://other.example" }), Reason::AudienceMismatch),
        (json!({ "aud": null }), Reason::ClaimMalformed),
        (json!({ "iss": "https://issuer.example/" }), Reason::IssuerMismatch),
        (json!({ "exp": NOW - 31 }), Reason::Expired),
        (json!({ "exp": (NOW + 60).to_string() }), Reason::ClaimMalformed),
        (json!({ "nbf": NOW + 31 }), Reason::NotYetValid),
        (json!({ "iat": NOW + 31 }), Reason::NotYetValid),
        (json!({ "scope": 5 }), Reason::ClaimMalformed),
        (json!({ "sub": 5 }), Reason::ClaimMalformed),
        (json!({ "cnf": { "jkt": "AAAA" } }), Reason::BindingMismatch),
        (json!({ "token_type": "refresh_token" }), Reason::TypeNotAllowed),
        (json!({ "token_type": ["Bearer"] }), Reason::TypeNotAllowed),
        (json!({ "active": "true" }), Reason::Inactive),
        (json!({ "active": 1 }), Reason::Inactive),
    ];
    for (number, (change, expected)) in cases.into_iter().enumerate() {
        let (token, mut answer) = (format!("opaque-token-{number}"), good());
        for (name, value) in change.as_object().expect("an object") {
            answer[name] = value.clone();
        }
        provider.says(&token, &answer);
        assert_eq!(reason(&auth, &token).await, Some(expected), "{change}");
    }
    for (number, name) in ["aud", "token_type", "active"].into_iter().enumerate() {
        let (token, mut answer) = (format!("opaque-lacking-{number}"), good());
        answer.as_object_mut().expect("an object").remove(name);
        provider.says(&token, &answer);
        let expected = [Reason::ClaimMissing, Reason::TypeNotAllowed, Reason::Inactive][number];
        assert_eq!(reason(&auth, &token).await, Some(expected), "{name}");
    }
}

#[tokio::test]
async fn what_is_optional_may_be_absent_and_times_may_have_fractions() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    provider.says("opaque-token-small", &json!({ "active": true, "token_type": "bearer", "aud": [API] }));
    let token = verify(&auth, "opaque-token-small").await.expect("active");
    assert_eq!((token.issuer(), token.subject()), (ISSUER, None));
    let known_until = UNIX_EPOCH + Duration::from_secs(NOW + 60);
    assert_eq!(token.expires_at(), known_until, "without exp, what is known ends with its ttl");
    let mut fractional = good();
    fractional["exp"] = format!("{}.129376", NOW + 5).parse::<f64>().expect("a number").into();
    fractional["token_type"] = json!("DPOP");
    provider.says("opaque-token-fraction", &fractional);
    assert!(verify(&auth, "opaque-token-fraction").await.is_ok());
}

#[tokio::test]
async fn the_type_is_demanded_unless_it_is_said_to_be_optional() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let mut untyped = good();
    untyped.as_object_mut().expect("an object").remove("token_type");
    provider.says("opaque-token", &untyped);
    let strict = opaque(&provider, &clock, introspection());
    assert_eq!(reason(&strict, "opaque-token").await, Some(Reason::TypeNotAllowed));
    let lenient = opaque(&provider, &clock, introspection().with_optional_token_type());
    assert!(verify(&lenient, "opaque-token").await.is_ok());
    let mut refresh = good();
    refresh["token_type"] = json!("refresh_token");
    provider.says("refresh-token", &refresh);
    assert_eq!(reason(&lenient, "refresh-token").await, Some(Reason::TypeNotAllowed));
}

#[tokio::test]
async fn an_answer_that_tells_nothing_is_an_outage_and_never_a_verdict() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    let twice =
        r#"{"active":true,"token_type":"Bearer","aud":"https://api.example","aud":"https://other.example"}"#;
    let good = good().to_string();
    let cases = [
        (200, "<html>"),
        (200, ""),
        (200, "true"),
        (200, twice),
        (204, ""),
        (302, ""),
        (400, r#"{"error":"invalid_client"}"#),
        (401, ""),
        (403, ""),
        (404, good.as_str()),
        (500, good.as_str()),
        (503, ""),
    ];
    for (number, (status, body)) in cases.into_iter().enumerate() {
        let token = format!("opaque-token-{number}");
        provider.answers_with(&token, status, body);
        is_unavailable(&auth, &token).await;
        is_unavailable(&auth, &token).await;
        assert_eq!(provider.calls(), (number + 1) * 2, "an outage is not remembered: {status} {body}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_token_never_leaves() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    assert_eq!(reason(&auth, "1234567").await, Some(Reason::Malformed));
    assert_eq!(reason(&auth, &"a".repeat(16 * 1024 + 1)).await, Some(Reason::TooLarge));
    let spaced = verify(&auth, "opaque token").await.expect_err("not a b64token");
    assert_eq!(spaced.code(), ErrorCode::AuthorizationTokenInvalidFormat);
    assert_eq!(reason(&auth, "a.b.c").await, Some(Reason::Malformed));
    assert_eq!(reason(&auth, "YQ.YQ.YQ.YQ.YQ").await, Some(Reason::Encrypted));
    assert_eq!(provider.calls(), 0);
    provider.says("ya29.with-a-dot", &good());
    assert!(verify(&auth, "ya29.with-a-dot").await.is_ok(), "some opaque tokens have a dot in them");
}

#[tokio::test]
async fn an_answer_is_remembered_for_its_ttl_and_never_past_exp() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    provider.says("opaque-token", &good());
    assert!(verify(&auth, "opaque-token").await.is_ok());
    provider.says("opaque-token", &json!({ "active": false }));
    clock.pass(59);
    assert!(auth.verify_now("opaque-token", &Policy::default()).expect("remembered").is_ok());
    clock.pass(1);
    assert_eq!(
        reason(&auth, "opaque-token").await,
        Some(Reason::Inactive),
        "revoked, and known within the ttl"
    );
    assert_eq!(provider.calls(), 2);

    let mut short = good();
    short["exp"] = json!(NOW + 65);
    provider.says("short-token", &short);
    assert!(verify(&auth, "short-token").await.is_ok());
    clock.pass(5);
    assert!(
        auth.verify_now("short-token", &Policy::default()).is_none(),
        "the leeway is not added to what is remembered"
    );
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_answer_last_longer() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    let mut answer = good();
    answer["iat"] = json!(NOW - 7200);
    provider.says("opaque-token", &answer);
    assert!(verify(&auth, "opaque-token").await.is_ok());
    clock.0.fetch_sub(30, Ordering::SeqCst);
    let within_leeway = auth.verify_now("opaque-token", &Policy::default());
    assert!(within_leeway.expect("clocks may differ so far").is_ok());
    provider.says("opaque-token", &json!({ "active": false }));
    clock.0.fetch_sub(3600, Ordering::SeqCst);
    assert_eq!(reason(&auth, "opaque-token").await, Some(Reason::Inactive), "asked again");
}

#[tokio::test]
async fn a_refusal_is_remembered_for_a_few_seconds() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    for _ in 0..5 {
        assert_eq!(reason(&auth, "made-up-token").await, Some(Reason::Inactive));
    }
    let at_once =
        auth.verify_now("made-up-token", &Policy::default()).expect("remembered").expect_err("inactive");
    assert_eq!(at_once.reason(), Some(Reason::Inactive));
    assert_eq!(provider.calls(), 1);
    clock.pass(10);
    provider.says("made-up-token", &good());
    assert!(verify(&auth, "made-up-token").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_first_uses_of_a_token_are_one_call() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let (provider, clock) = (Provider { gate: Some(Arc::clone(&gate)), ..Provider::default() }, Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    provider.says("opaque-token", &good());
    let uses: Vec<_> = (0..10_000)
        .map(|_| {
            let auth = auth.clone();
            tokio::spawn(async move { verify(&auth, "opaque-token").await.is_ok() })
        })
        .collect();
    gate.add_permits(10_000);
    let mut passed = 0;
    for used in uses {
        passed += usize::from(used.await.expect("no panic"));
    }
    assert_eq!((passed, provider.calls()), (10_000, 1));
}

/// Nobody who was told of a token gets an older answer afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_ttl_each_use_asks_anew() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let never = introspection().with_ttl(Duration::ZERO).with_negative_ttl(Duration::ZERO);
    let auth = opaque(&provider, &clock, never);
    for round in 0..500 {
        let token = format!("opaque-token-{round}");
        provider.says(&token, &good());
        assert!(verify(&auth, &token).await.is_ok());
        provider.says(&token, &json!({ "active": false }));
        assert_eq!(reason(&auth, &token).await, Some(Reason::Inactive), "{round}");
        clock.pass(1);
    }
    assert_eq!(provider.calls(), 1_000);
}

#[tokio::test]
async fn while_the_endpoint_is_dead_remembered_tokens_pass_until_their_ttl() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    provider.says("opaque-token", &good());
    assert!(verify(&auth, "opaque-token").await.is_ok());
    provider.is_down.store(true, Ordering::SeqCst);
    is_unavailable(&auth, "unknown-token").await;
    clock.pass(59);
    assert!(verify(&auth, "opaque-token").await.is_ok());
    clock.pass(1);
    is_unavailable(&auth, "opaque-token").await;
    provider.is_down.store(false, Ordering::SeqCst);
    assert!(verify(&auth, "opaque-token").await.is_ok());
}

#[tokio::test]
async fn a_flood_of_made_up_tokens_does_not_reach_the_issuer_nor_keep_known_ones_out() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection().with_calls_per_second(20));
    provider.says("opaque-token", &good());
    assert!(verify(&auth, "opaque-token").await.is_ok());
    clock.pass(60);
    let mut held_back = 0;
    for number in 0..100 {
        let denial = verify(&auth, &format!("made-up-{number}")).await.expect_err("made up");
        if denial.status() == 503 {
            assert!(denial.is_undecided() && denial.retry_after() == Some(1));
            held_back += 1;
        }
    }
    assert_eq!((held_back, provider.calls()), (80, 21));
    assert!(
        verify(&auth, "opaque-token").await.is_ok(),
        "it was good before, and is asked about all the same"
    );
    clock.pass(1);
    assert_eq!(reason(&auth, "made-up-99").await, Some(Reason::Inactive));
}

#[tokio::test]
async fn there_are_so_many_calls_at_a_time_and_a_quarter_is_for_known_tokens() {
    let gate = Arc::new(tokio::sync::Semaphore::new(1));
    let (provider, clock) = (Provider { gate: Some(Arc::clone(&gate)), ..Provider::default() }, Clock::new());
    let auth = opaque(&provider, &clock, introspection().with_in_flight(8));
    provider.says("opaque-token", &good());
    assert!(verify(&auth, "opaque-token").await.is_ok());
    clock.pass(60);
    let ask = |token: String| {
        let auth = auth.clone();
        tokio::spawn(async move { verify(&auth, &token).await.map_err(|denial| denial.status()).map(drop) })
    };
    let waiting: Vec<_> = (0..6).map(|number| ask(format!("made-up-{number}"))).collect();
    while provider.calls() < 7 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask("made-up-6".to_owned()).await.expect("no panic"), Err(503));
    let known = ask("opaque-token".to_owned());
    while provider.calls() < 8 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(100);
    assert_eq!(known.await.expect("no panic"), Ok(()));
    for asked in waiting {
        assert_eq!(asked.await.expect("no panic"), Err(401));
    }
}

fn forge() -> (Forge, String) {
    let key = SigningKey::generate(Algorithm::Es256);
    let jwks = jwk_set([&key]).to_string();
    (Forge::new(ISSUER, API, key), jwks)
}

#[tokio::test]
async fn a_jwt_is_never_introspected_instead() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let (forge, jwks) = forge();
    let both = builder(&provider, &clock)
        .with_introspection(introspection())
        .with_jwks(jwks)
        .build()
        .expect("a guard");
    let token = || forge.token().issued_at(i64::try_from(NOW).expect("a time"));
    assert!(verify(&both, &token().mint()).await.is_ok());
    let mut forged = token().mint();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    provider.says(&forged, &good());
    assert_eq!(reason(&both, &forged).await, Some(Reason::SignatureMismatch));
    assert_eq!(provider.calls(), 0);
    provider.says("opaque-token", &good());
    assert!(verify(&both, "opaque-token").await.is_ok());

    let opaque = opaque(&provider, &clock, introspection());
    assert_eq!(reason(&opaque, &token().mint()).await, Some(Reason::TypeNotAllowed));
    assert_eq!(provider.calls(), 1);
}

#[tokio::test]
async fn with_always_the_issuer_confirms_jwts_too() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let (forge, jwks) = forge();
    let auth = builder(&provider, &clock)
        .with_introspection(introspection().always())
        .with_jwks(jwks)
        .build()
        .expect("a guard");
    let mint =
        |subject: &str| forge.token().issued_at(i64::try_from(NOW).expect("a time")).subject(subject).mint();
    let (token, revoked, other, expired) = (mint("alice"), mint("bob"), mint("carol"), mint("dave"));
    provider.says(&token, &json!({ "active": true, "token_type": "Bearer", "sub": "alice" }));
    provider.says(&other, &json!({ "active": true, "token_type": "Bearer", "sub": "mallory" }));
    provider.says(&expired, &json!({ "active": true, "token_type": "Bearer", "exp": NOW - 31 }));
    assert_eq!(verify(&auth, &token).await.expect("confirmed").subject(), Some("alice"));
    assert_eq!(reason(&auth, &revoked).await, Some(Reason::Inactive));
    assert_eq!(reason(&auth, &other).await, Some(Reason::ClaimMalformed));
    assert_eq!(reason(&auth, &expired).await, Some(Reason::Expired));
    assert_eq!(provider.calls(), 4);
    assert!(auth.verify_now(&token, &Policy::default()).expect("remembered").is_ok());
    clock.pass(60);
    provider.says(&token, &json!({ "active": false }));
    assert_eq!(reason(&auth, &token).await, Some(Reason::Inactive), "revoked, and known within the ttl");
    let bad = forge.token().issued_at(i64::try_from(NOW).expect("a time")).claim("aud", "other").mint();
    assert_eq!(reason(&auth, &bad).await, Some(Reason::AudienceMismatch));
    assert_eq!(provider.calls(), 5, "what is bad by itself is not asked about");
    assert_eq!(reason(&auth, "opaque-token").await, Some(Reason::Opaque));
}

#[tokio::test]
async fn a_jwt_that_its_issuer_ends_earlier_is_not_remembered_longer() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let (forge, jwks) = forge();
    let introspection = introspection().always().with_ttl(Duration::from_secs(3600));
    let auth = builder(&provider, &clock)
        .with_introspection(introspection)
        .with_jwks(jwks)
        .build()
        .expect("a guard");
    let token = forge.token().issued_at(i64::try_from(NOW).expect("a time")).lifetime(7200).mint();
    provider.says(&token, &json!({ "active": true, "token_type": "Bearer", "exp": NOW + 20 }));
    assert!(verify(&auth, &token).await.is_ok());
    clock.pass(19);
    assert!(auth.verify_now(&token, &Policy::default()).expect("remembered").is_ok());
    clock.pass(31);
    assert_eq!(reason(&auth, &token).await, Some(Reason::Expired));
    assert_eq!(provider.calls(), 2);
}

/// RFC 9701: the answer is a JWT of the issuer for this client.
#[tokio::test]
async fn a_signed_answer_is_believed_only_from_the_issuer_and_for_this_client() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let (forge, jwks) = forge();
    let auth = builder(&provider, &clock)
        .with_introspection(introspection().with_signed_answers(true))
        .with_accepted_tokens(Tokens::Opaque)
        .with_jwks(jwks)
        .build()
        .expect("a guard");
    let signed = |forge: &Forge, typ: &str, claims: Value| {
        forge.token().header("typ", typ).raw_claims(claims.to_string()).mint()
    };
    let typ = "token-introspection+jwt";
    let nested = |aud: &str| json!({ "iss": ISSUER, "aud": aud, "iat": NOW, "token_introspection": good() });
    provider.answers_with("opaque-token", 200, &signed(&forge, typ, nested("api")));
    assert_eq!(verify(&auth, "opaque-token").await.expect("active").subject(), Some("alice"));
    provider.answers_with("flat-token", 200, &signed(&forge, typ, good()));
    assert!(verify(&auth, "flat-token").await.is_ok());
    let stranger = Forge::new(ISSUER, API, SigningKey::generate(Algorithm::Es256));
    let answers = [
        signed(&stranger, typ, nested("api")),
        signed(&forge, typ, nested("another-client")),
        signed(&forge, "at+jwt", nested("api")),
        signed(
            &forge,
            typ,
            json!({ "iss": "https://other.example", "aud": "api", "token_introspection": good() }),
        ),
        good().to_string(),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let token = format!("opaque-token-{number}");
        provider.answers_with(&token, 200, &answer);
        is_unavailable(&auth, &token).await;
    }
    let as_token = signed(&forge, typ, good());
    assert_eq!(
        reason(&auth, &as_token).await,
        Some(Reason::TypeNotAllowed),
        "an answer is not an access token"
    );
}

#[tokio::test]
async fn explain_shows_what_the_issuer_says() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let auth = opaque(&provider, &clock, introspection());
    provider.says("opaque-token", &good());
    let explained = async |token: &str| {
        let headers = [("authorization", format!("Bearer {token}"))];
        let report = auth.explain(&Request::new("GET", "/", &headers), &Policy::default()).await;
        let steps: Vec<_> = report.checks().iter().map(|check| check.step().as_str()).collect();
        assert_eq!(steps[..3], ["size", "parts", "introspection"], "no check of a JWT: {steps:?}");
        let asked = &report.checks()[2];
        (report.verdict().is_ok(), asked.outcome().as_str(), asked.found().to_owned())
    };
    assert_eq!(explained("opaque-token").await, (true, "passed", "active, token_type Bearer".to_owned()));
    assert_eq!(explained("made-up-token").await, (false, "failed", "not active".to_owned()));
    provider.answers_with("refused-client", 401, "");
    let (passed, outcome, found) = explained("refused-client").await;
    assert!(!passed && outcome == "failed" && found.contains("client credentials refused"), "{found}");
}

#[test]
fn mistakes_are_told_when_the_guard_is_built() {
    let (provider, clock) = (Provider::default(), Clock::new());
    let problem = |builder: Builder| {
        let error = builder.build().expect_err("a mistake");
        assert_eq!(error.problems().len(), 1, "{error}");
        (error.problems()[0].field(), error.problems()[0].found().to_owned())
    };
    let with = |introspection: Introspection| builder(&provider, &clock).with_introspection(introspection);
    let at = |url: &str| Introspection::at(url).with_client_secret("api", "secret");
    for url in [
        "http://issuer.example/introspect",
        "https://user:pw@issuer.example/",
        "introspect",
        "https://a.example/\n",
    ] {
        assert_eq!(problem(with(at(url))).0, "introspection", "{url}");
    }
    assert!(!problem(with(at("https://user:pw@issuer.example/"))).1.contains("pw"));
    let nobody = Introspection::at("https://issuer.example/introspect");
    assert_eq!(problem(with(nobody.clone())).1, "no client_id");
    let spaced = nobody.clone().with_client_secret("api", "se cret");
    let (_, found) = problem(with(spaced));
    assert!(found.contains("white space") && !found.contains("cret\u{60}"), "{found}");
    assert_eq!(
        problem(with(nobody.clone().with_private_key("api", "not a key"))).1,
        "a private_key that cannot be used"
    );
    assert!(
        problem(with(nobody.with_client_secret("api", "s").with_ttl(Duration::from_secs(3601))))
            .1
            .contains("ttl")
    );
    let without = builder(&provider, &clock).with_accepted_tokens(Tokens::Both);
    assert_eq!(problem(without).0, "accept_tokens");
    let unused = with(introspection()).with_accepted_tokens(Tokens::Jwt);
    assert_eq!(problem(unused).0, "accept_tokens");
    let two = with(introspection()).with_issuer("https://second.example", API).with_introspection(
        Introspection::at("https://second.example/i").with_client_secret("api", "secret"),
    );
    assert_eq!(problem(two).1, "opaque tokens of a second issuer");
}
