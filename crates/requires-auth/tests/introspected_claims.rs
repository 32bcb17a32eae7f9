//! What an issuer answers about a token is judged by the issuer's own rules, as its JWTs are: audience, client, places.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use requires_auth::credential::TokenPlace;
use requires_auth::guard::{Builder, Issuer};
use requires_auth::introspect::{
    Introspect, Introspection, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};
use requires_auth::settings::introspection as members;
use requires_auth::settings::{self, Plain as _, Setting, Table, Value};
use requires_auth::verify::Tokens;
use requires_auth::{AccessToken, Audience, Denial, Policy, Profile, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde_json::{Value as Json, json};

const ISSUER: &str = "https://issuer.example";
const API: &str = "https://api.example";
const NOW: u64 = 1_800_000_000;

/// An issuer that says the same of every token, and counts the questions.
#[derive(Clone)]
struct Says {
    answer: String,
    calls: Arc<AtomicUsize>,
}

impl Says {
    /// That a token is active, with these claims.
    fn active(claims: &Json) -> Self {
        let mut answer = json!({ "active": true, "token_type": "Bearer", "sub": "alice", "exp": NOW + 3600 });
        for (name, value) in claims.as_object().expect("an object") {
            answer[name] = value.clone();
        }
        Self { answer: answer.to_string(), calls: Arc::default() }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn builder(&self, issuer: &str, audience: impl Into<Audience>) -> Builder {
        self.asked(RequiresAuth::builder(issuer, audience)).with_introspection(introspection())
    }

    fn asked(&self, builder: Builder) -> Builder {
        builder.with_introspect(self.clone()).with_clock(|| UNIX_EPOCH + Duration::from_secs(NOW))
    }
}

impl Introspect for Says {
    fn introspect(&self, _: IntrospectionRequest) -> IntrospectionFuture {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let response = IntrospectionResponse::new(200, self.answer.clone());
        Box::pin(std::future::ready(Ok(response)))
    }
}

fn introspection() -> Introspection {
    Introspection::at("https://issuer.example/introspect").with_client_secret("api", "secret")
}

fn opaque(builder: Builder) -> RequiresAuth {
    builder.with_accepted_tokens(Tokens::Opaque).build().expect("a guard")
}

async fn verdict(auth: &RequiresAuth) -> Result<AccessToken, Option<Reason>> {
    auth.verify("opaque-token", &Policy::default()).await.map_err(|denial| denial.reason())
}

async fn of(audience: impl Into<Audience>, claims: Json) -> Result<(), Option<Reason>> {
    verdict(&opaque(Says::active(&claims).builder(ISSUER, audience))).await.map(drop)
}

#[tokio::test]
async fn every_audience_rule_holds() {
    let prefix = || Audience::prefix("urn:tenant:");
    assert_eq!(of(prefix(), json!({ "aud": "urn:tenant:acme" })).await, Ok(()));
    assert_eq!(of(prefix(), json!({ "aud": "urn:tenant:" })).await, Err(Some(Reason::AudienceMismatch)));
    assert_eq!(of(prefix(), json!({})).await, Err(Some(Reason::ClaimMissing)));
    let claim = || Audience::claim("client_id", ["app"]);
    assert_eq!(of(claim(), json!({ "client_id": "app" })).await, Ok(()));
    assert_eq!(of(claim(), json!({ "client_id": "other" })).await, Err(Some(Reason::AudienceMismatch)));
    let both = json!({ "client_id": "app", "aud": API });
    assert_eq!(of(claim(), both).await, Err(Some(Reason::AudienceMismatch)));
}

#[tokio::test]
async fn the_audience_of_a_route_counts_there_alone() {
    let billing = "https://billing.example";
    let says = Says::active(&json!({ "aud": billing }));
    let auth = opaque(says.builder(ISSUER, API).with_route_audiences([billing]));
    let own = auth.verify("opaque-token", &Policy::default()).await;
    assert_eq!(own.map(drop).map_err(|denial| denial.reason()), Err(Some(Reason::AudienceMismatch)));
    let policy = Policy::default().with_audience([billing]);
    assert!(auth.verify("opaque-token", &policy).await.is_ok());
}

#[tokio::test]
async fn marks_of_a_jwt_are_not_asked_of_an_answer_and_other_tokens_are_still_refused() {
    let rfc_9068 = Says::active(&json!({ "aud": API })).builder(ISSUER, API);
    assert!(verdict(&opaque(rfc_9068.with_issuer_profile(Profile::AccessTokenJwt))).await.is_ok());
    let keycloak = "https://login.example/realms/shop";
    let at_keycloak = async |claims: Json| {
        let builder = Says::active(&claims).builder(keycloak, API).with_provider("keycloak");
        verdict(&opaque(builder)).await.map(drop)
    };
    assert_eq!(at_keycloak(json!({ "aud": API })).await, Ok(()));
    let refresh = json!({ "aud": API, "typ": "Refresh" });
    assert_eq!(at_keycloak(refresh).await, Err(Some(Reason::TypeNotAllowed)));
    let id_token = json!({ "aud": API, "at_hash": "x" });
    assert_eq!(at_keycloak(id_token.clone()).await, Err(Some(Reason::TypeNotAllowed)));
    // At Google ID tokens are what APIs are given, as JWTs.
    let google = Says::active(&id_token).builder("https://accounts.google.com", API).with_provider("google");
    assert_eq!(verdict(&opaque(google)).await.map(drop), Err(Some(Reason::TypeNotAllowed)));
}

#[tokio::test]
async fn the_client_is_read_and_told_from_users_as_in_a_jwt() {
    let client = async |claims: Json| {
        let builder = Says::active(&claims).builder(ISSUER, API).with_client_claims(["app"]);
        let token = verdict(&opaque(builder)).await.expect("active");
        (token.client_id().map(ToOwned::to_owned), token.is_client())
    };
    let (id, of_itself) =
        client(json!({ "aud": API, "app": "job", "sub": "job", "client_id": "other" })).await;
    let (_, of_alice) = client(json!({ "aud": API, "app": "job" })).await;
    assert_eq!(id.as_deref(), Some("job"));
    assert_ne!(of_itself, of_alice);
}

#[tokio::test]
async fn what_stands_where_the_issuer_has_no_tokens_is_shown_to_nobody() {
    let says = Says::active(&json!({ "aud": API }));
    let jwks = jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string();
    let place = |text: &str| text.parse::<TokenPlace>().expect("a place");
    let auth = says
        .builder(ISSUER, API)
        .with_issuer_token_from([place("authorization")])
        .with_issuer("https://other.example", API)
        .with_jwks(jwks)
        .with_issuer_token_from([place("header=X-Session")])
        .build()
        .expect("a guard");
    let code = async |name: &'static str, value: &'static str| {
        let headers = [(name, value)];
        let judged = auth.authenticate(&Request::new("GET", "/", &headers)).await;
        judged.map(drop).map_err(|denial: Denial| denial.code().as_str())
    };
    let missing = Err("auth.authorization_header_missing");
    assert_eq!(code("x-session", "opaque-session").await, missing);
    assert_eq!(says.calls(), 0);
    assert_eq!(code("authorization", "Bearer opaque-session").await, Ok(()));
    assert_eq!(code("x-session", "opaque-session").await, missing, "nor where it is remembered");
    assert_eq!(says.calls(), 1);
}

#[tokio::test]
async fn a_confirmation_names_the_client_where_the_token_does() {
    let key = SigningKey::generate(Algorithm::Es256);
    let jwks = jwk_set([&key]).to_string();
    let now = i64::try_from(NOW).expect("a time");
    let jwt = Forge::new(ISSUER, API, key).token().issued_at(now).subject("alice").claim("app", "job").mint();
    let confirmed = async |claims: Json| {
        let builder = Says::active(&claims).asked(RequiresAuth::builder(ISSUER, API));
        let builder = builder.with_introspection(introspection().always()).with_client_claims(["app"]);
        let auth = builder.with_jwks(jwks.clone()).build().expect("a guard");
        auth.verify(&jwt, &Policy::default()).await.map(drop).map_err(|denial| denial.reason())
    };
    assert_eq!(confirmed(json!({ "app": "job", "client_id": "name of the job" })).await, Ok(()));
    let other = confirmed(json!({ "app": "other" })).await;
    assert_eq!(other, Err(Some(Reason::ClaimMalformed)));
}

/// Nobody could be asked about its tokens.
#[tokio::test]
async fn an_issuer_of_a_resolver_is_not_asked_about_tokens() {
    let says = Says::active(&json!({ "aud": API }));
    let key = SigningKey::generate(Algorithm::Es256);
    let jwks = jwk_set([&key]).to_string();
    let now = i64::try_from(NOW).expect("a time");
    let jwt = Forge::new(ISSUER, API, key).token().issued_at(now).mint();
    let status = async |setting: Option<(&'static Setting, Value)>| {
        let jwks = jwks.clone();
        let resolver = move |_: String| {
            let mut issuer = Issuer::new(API).with_jwks(jwks.clone());
            if let Some((setting, value)) = setting.clone() {
                issuer = issuer.with_setting(setting, value);
            }
            async move { Ok(Some(issuer)) }
        };
        let auth = says.asked(RequiresAuth::resolving(resolver)).build().expect("a guard");
        let headers = [("authorization", format!("Bearer {jwt}"))];
        let report = auth.explain(&Request::new("GET", "/", &headers), &Policy::default()).await;
        let status =
            auth.verify(&jwt, &Policy::default()).await.map_or_else(|denial| denial.status(), |_| 200);
        assert_eq!(report.verdict().is_ok(), status == 200);
        status
    };
    assert_eq!(status(None).await, 200);
    for tokens in [Tokens::Opaque, Tokens::Both] {
        let setting = settings::ACCEPT_TOKENS.setting;
        assert_eq!(status(Some((setting, tokens.into_value()))).await, 503);
    }
    let mut always = Table::default();
    always.set(members::CLIENT_ID, "api".to_owned());
    always.set(members::ALWAYS, true);
    let setting = settings::INTROSPECTION.setting;
    assert_eq!(status(Some((setting, always.into_value()))).await, 503);
    assert_eq!(says.calls(), 0);
}
