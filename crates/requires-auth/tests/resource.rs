//! A guard with a resource: its audience, its document, and what its challenges say.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use http::{Request as HttpRequest, StatusCode};
use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
use requires_auth::guard::Builder;
use requires_auth::metadata::ChallengeScopes;
use requires_auth::{Policy, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey, jwk_set};
use serde_json::{Value, json};
use tower::ServiceExt;

const ISSUER: &str = "https://issuer.example";
const RESOURCE: &str = "https://api.example/mcp";
const PATH: &str = "/.well-known/oauth-protected-resource/mcp";
const POINTER: &str = r#"resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp""#;

/// A builder with the keys of a forge that mints tokens for the resource.
fn stage(resource: &str) -> (Builder, Forge) {
    let key = SigningKey::generate(Algorithm::Es256);
    let builder = RequiresAuth::resource_builder(ISSUER, resource).with_jwks(jwk_set([&key]).to_string());
    (builder, Forge::new(ISSUER, resource, key))
}

/// The status and the challenge of a request with this value of `Authorization`.
fn refusal(auth: &RequiresAuth, authorization: Option<&str>, policy: &Policy) -> (u16, String) {
    let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
    let request = Request::new("POST", "/mcp", &headers);
    let denial = auth.authorize_now(&request, policy).expect("the keys are there").unwrap_err();
    let challenge = auth.challenge(&request, &denial);
    assert_eq!(auth.www_authenticate(&denial), challenge.www_authenticate());
    (challenge.status(), challenge.www_authenticate().join(" | "))
}

fn bearer(token: impl std::fmt::Display) -> String {
    format!("Bearer {token}")
}

#[test]
fn the_audience_is_the_resource_unless_another_is_named() {
    let passes = |auth: &RequiresAuth, forge: &Forge, audience: &str| {
        let token = forge.token().claim("aud", audience).mint();
        auth.verify_now(&token, &Policy::default()).expect("the keys are there").is_ok()
    };
    let (builder, forge) = stage(RESOURCE);
    let auth = builder.build().unwrap();
    assert!(passes(&auth, &forge, RESOURCE));
    for other in ["https://api.example/mcp/", "https://api.example", "https://api.example/MCP", ""] {
        assert!(!passes(&auth, &forge, other), "{other}");
    }
    let (builder, forge) = stage("https://api.example");
    let auth = builder.build().unwrap();
    assert!(passes(&auth, &forge, "https://api.example") && passes(&auth, &forge, "https://api.example/"));
    assert!(!passes(&auth, &forge, "https://api.example/mcp"));

    let key = SigningKey::generate(Algorithm::Es256);
    let auth = RequiresAuth::builder(ISSUER, "api://orders")
        .with_jwks(jwk_set([&key]).to_string())
        .with_resource(RESOURCE)
        .build()
        .unwrap();
    let forge = Forge::new(ISSUER, "api://orders", key);
    assert!(passes(&auth, &forge, "api://orders") && !passes(&auth, &forge, RESOURCE));
}

#[test]
fn each_challenge_says_where_the_document_is() {
    let (builder, forge) = stage(RESOURCE);
    let auth = builder.with_base_scopes(["read:orders"]).build().unwrap();
    let ask = |authorization: Option<String>| refusal(&auth, authorization.as_deref(), &Policy::default());
    let without_error = format!(r#"Bearer scope="read:orders", {POINTER}"#);
    assert_eq!(ask(None), (401, without_error.clone()));
    assert_eq!(ask(Some("Basic YTpi".to_owned())), (401, without_error));

    let error = |error: &str, description: &str, scope: &str| {
        format!(r#"Bearer error="{error}", error_description="{description}", {scope}{POINTER}"#)
    };
    let base = r#"scope="read:orders", "#;
    let expired = forge.token().scope("other").defect(Defect::Expired).mint();
    // Expired and without the scope: the token comes first.
    assert_eq!(ask(Some(bearer(expired))), (401, error("invalid_token", "the token has expired", base)));
    let foreign = forge.token().claim("aud", "https://api.example/other").mint();
    let description = Reason::AudienceMismatch.message();
    assert_eq!(ask(Some(bearer(foreign))), (401, error("invalid_token", description, base)));
    let denial = requires_auth::ErrorCode::InsufficientScope;
    let unscoped = forge.token().scope("profile").mint();
    assert_eq!(ask(Some(bearer(unscoped))), (403, error("insufficient_scope", denial.message(), base)));

    // Two tokens: no scope would help.
    let headers = [("authorization", "Bearer a.b.c"), ("authorization", "Bearer a.b.d")];
    let request = Request::new("POST", "/mcp", &headers);
    let denial = auth.authorize_now(&request, &Policy::default()).unwrap().unwrap_err();
    let challenge = auth.challenge(&request, &denial);
    let expected = error("invalid_request", denial.message(), "");
    assert_eq!((challenge.status(), challenge.www_authenticate()), (400, &[expected][..]));

    // What another token would not mend has no challenge, and so no pointer.
    let policy = Policy::default().with_claim("tenant", requires_auth::policy::ClaimTest::equals("acme"));
    let token = bearer(forge.token().scope("read:orders").mint());
    assert_eq!(refusal(&auth, Some(&token), &policy), (403, String::new()));
}

#[test]
fn a_missing_scope_is_named_with_those_that_a_client_would_lose() {
    let (builder, forge) = stage(RESOURCE);
    let scopes = |auth: &RequiresAuth, own: &str, policy: &Policy| {
        let token = bearer(forge.token().scope(own).mint());
        let (status, challenge) = refusal(auth, Some(&token), policy);
        assert_eq!(status, 403);
        let scope = challenge.split(r#", scope=""#).nth(1).unwrap().split('"').next().unwrap();
        scope.to_owned()
    };
    let auth = builder
        .with_base_scopes(["read:orders"])
        .with_scopes_supported(["read:orders", "list:orders"])
        .build()
        .unwrap();
    let write = Policy::all_of(["write:orders"]);
    auth.know_scopes_of(&Policy::all_of(["delete:orders"]));
    assert_eq!(scopes(&auth, "read:orders", &write), "read:orders write:orders");
    // Scopes of other APIs are not ours to name.
    assert_eq!(scopes(&auth, "read:orders profile openid", &write), "read:orders write:orders");
    let own = "profile delete:orders list:orders read:orders";
    assert_eq!(scopes(&auth, own, &write), "read:orders write:orders delete:orders list:orders");
    // The base alone is missing.
    assert_eq!(scopes(&auth, "list:orders", &Policy::default()), "read:orders list:orders");
    assert_eq!(scopes(&auth, "write:orders", &write), "read:orders write:orders");

    // A client that asks for what it is told gets through, and loses nothing on its way between two routes.
    let delete = Policy::all_of(["delete:orders"]);
    let asked = scopes(&auth, "read:orders delete:orders", &write);
    let token = bearer(forge.token().scope(&asked).mint());
    let headers = [("authorization", token)];
    for policy in [&write, &delete] {
        assert!(auth.authorize_now(&Request::new("POST", "/mcp", &headers), policy).unwrap().is_ok());
    }
}

#[test]
fn a_challenge_may_name_what_is_needed_alone() {
    let (builder, forge) = stage(RESOURCE);
    let auth = builder
        .with_base_scopes(["read:orders"])
        .with_scopes_supported(["list:orders"])
        .with_challenge_scopes(ChallengeScopes::Needed)
        .build()
        .unwrap();
    let token = bearer(forge.token().scope("read:orders list:orders").mint());
    let (_, challenge) = refusal(&auth, Some(&token), &Policy::all_of(["write:orders"]));
    assert!(challenge.contains(r#" scope="read:orders write:orders", "#), "{challenge}");
}

#[test]
fn without_a_resource_nothing_is_served_and_nothing_is_said() {
    let auth = RequiresAuth::new(ISSUER, RESOURCE).unwrap();
    let no_headers: [(&str, &str); 0] = [];
    assert!(auth.metadata(&Request::new("GET", PATH, &no_headers)).is_none());
    assert!(auth.resource().is_none());
    assert_eq!(refusal(&auth, None, &Policy::default()), (401, "Bearer".to_owned()));
}

#[test]
fn what_says_something_of_a_resource_needs_one() {
    let fields = |builder: Builder| -> Vec<&'static str> {
        builder
            .build()
            .unwrap_err()
            .problems()
            .iter()
            .map(requires_auth::error::ConfigProblem::field)
            .collect()
    };
    let plain = || RequiresAuth::builder(ISSUER, "https://api.example");
    assert_eq!(fields(plain().with_resource_name("Orders")), ["resource_name"]);
    assert_eq!(fields(plain().with_base_scopes(["a"]).with_metadata_url("https://a.example/b")).len(), 2);
    assert!(plain().with_allow_resource_query(false).build().is_ok());
    assert_eq!(fields(plain().with_resource("http://api.example/mcp")), ["resource"]);

    let of_resource = || RequiresAuth::resource_builder(ISSUER, RESOURCE);
    assert_eq!(fields(of_resource().with_base_scopes(["openid", "offline_access"])), ["base_scopes"; 2]);
    assert_eq!(fields(of_resource().with_scopes_supported(["offline_access"])), ["scopes_supported"]);
    assert_eq!(fields(of_resource().with_resource_tos_uri("terms.html")), ["resource_tos_uri"]);
    assert_eq!(fields(of_resource().with_metadata_url(RESOURCE)), ["metadata_url"]);
    assert_eq!(fields(of_resource().with_authorization_servers(["issuer"])), ["authorization_servers"]);
    assert_eq!(fields(of_resource().with_authorization_servers([""; 0])), ["authorization_servers"]);
    // Without a resource an audience is still needed.
    assert_eq!(fields(RequiresAuth::builder(ISSUER, "")), ["audience"]);
}

/// What follows from a mistake is not told beside it.
#[test]
fn an_issuer_that_is_wrong_is_one_mistake_also_with_a_resource() {
    let told = |issuer: &str| {
        let error = RequiresAuth::for_resource(issuer, RESOURCE).unwrap_err();
        error.problems().iter().map(|problem| problem.field().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told("https://issuer.example/.well-known/openid-configuration"), ["issuer"]);
    assert_eq!(told("tenant"), ["issuer"]);
    // Where it is right, and no client can log in at it, that is the mistake.
    let pinned = RequiresAuth::resource_builder("our-issuer", RESOURCE).with_jwks(r#"{"keys":[]}"#);
    let told = pinned.build().unwrap_err();
    assert!(told.problems().iter().any(|problem| problem.field() == "authorization_servers"), "{told}");
}

/// A program that makes policies of what clients send does not fill the memory.
#[test]
fn so_many_scopes_of_routes_are_known_and_no_more() {
    const MOST: usize = 4096;
    let (builder, forge) = stage(RESOURCE);
    let auth = builder.build().unwrap();
    let names: Vec<_> = (0..=MOST).map(|number| format!("scope{number}")).collect();
    for name in &names {
        auth.know_scopes_of(&Policy::all_of([name.as_str()]));
    }
    let (first, last, next) = (&names[0], &names[MOST - 1], &names[MOST]);
    let token = bearer(forge.token().scope(format!("{first} {last} {next}")).mint());
    let (_, challenge) = refusal(&auth, Some(&token), &Policy::all_of(["other"]));
    assert!(challenge.contains(&format!(r#"scope="other {first} {last}""#)), "{challenge}");
}

fn servers(auth: &RequiresAuth) -> Value {
    let no_headers: [(&str, &str); 0] = [];
    let answer = auth.metadata(&Request::new("GET", PATH, &no_headers)).unwrap();
    serde_json::from_slice::<Value>(answer.body()).unwrap()["authorization_servers"].clone()
}

#[test]
fn the_document_names_the_issuers_in_their_order_and_to_the_byte() {
    let builder = || {
        RequiresAuth::resource_builder("https://example.eu.auth0.com/", RESOURCE)
            .with_issuer("https://tenant.logto.app/oidc", RESOURCE)
    };
    let expected = json!(["https://example.eu.auth0.com/", "https://tenant.logto.app/oidc"]);
    assert_eq!(servers(&builder().build().unwrap()), expected);
    let other = builder().with_authorization_servers(["https://login.example"]).build().unwrap();
    assert_eq!(servers(&other), json!(["https://login.example"]));
    // Tenants that are listed can be logged in at; of any tenant nobody can say at which.
    let pattern = || RequiresAuth::resource_builder("https://login.example/{tenant}/v2.0", RESOURCE);
    let listed = pattern().with_tenants(["one", "two"]).build().unwrap();
    assert_eq!(servers(&listed), json!(["https://login.example/one/v2.0", "https://login.example/two/v2.0"]));
    // Other names that a provider gives the same tenant are in tokens, and nowhere to log in.
    let entra = RequiresAuth::builder("", requires_auth::Audience::OneOf(Vec::new()))
        .with_provider("entra")
        .with_tenants(["9188040d-6c67-4c5b-b112-36a304b66dad"])
        .with_resource(RESOURCE)
        .build()
        .unwrap();
    let login = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";
    assert_eq!(servers(&entra), json!([login]));
    let error = requires_auth::danger::any_tenant(pattern()).build().unwrap_err();
    assert_eq!(error.problems()[0].field(), "authorization_servers");
}

/// Status and body of a request to a router.
async fn ask(app: &Router, method: &str, path: &str) -> (StatusCode, String) {
    let request = HttpRequest::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn is_served(app: &Router, path: &str) -> bool {
    let (status, body) = ask(app, "GET", path).await;
    status == 200 && body.starts_with(r#"{"resource":"https://api.example"#)
}

#[tokio::test]
async fn a_layer_answers_for_the_document_before_it_asks_for_a_token() {
    let (builder, _) = stage(RESOURCE);
    let auth = builder.build().unwrap();
    let routes = || Router::new().route("/mcp", post(async || "called"));
    for layer in [auth.layer(), auth.optional_layer(), auth.require("write:orders")] {
        let app: Router = routes().layer(layer);
        for path in
            [PATH, "/.well-known/oauth-protected-resource", "/mcp/.well-known/oauth-protected-resource"]
        {
            assert!(is_served(&app, path).await, "{path}");
            assert_eq!(ask(&app, "DELETE", path).await.0, 405);
            assert_eq!(ask(&app, "OPTIONS", path).await, (StatusCode::NO_CONTENT, String::new()));
            assert_eq!(ask(&app, "HEAD", path).await, (StatusCode::OK, String::new()));
        }
    }
    let app = routes().layer(auth.layer());
    assert_eq!(ask(&app, "POST", "/mcp").await.0, 401);
    assert_eq!(ask(&app, "GET", "/.well-known/oauth-protected-resource/other").await.0, 401);
}

/// Of two routers that are merged one fallback stays, and with it the layer around it.
#[tokio::test]
async fn a_router_serves_the_document_also_where_routers_are_merged() {
    let (builder, _) = stage(RESOURCE);
    let auth = builder.build().unwrap();
    let guarded = || Router::new().route("/mcp", post(async || "called")).layer(auth.layer());
    let public = || Router::new().route("/health", get(async || "up"));
    // The fallback is that of the router that is merged into the other.
    assert!(is_served(&public().merge(guarded()), PATH).await);
    assert_eq!(ask(&guarded().merge(public()), "GET", PATH).await.0, 404);
    // A layer of a route sees requests for that route alone.
    let of_route: Router = Router::new().route("/mcp", post(async || "called").layer(auth.layer()));
    assert_eq!(ask(&of_route, "GET", PATH).await.0, 404);
    for app in [
        public().merge(guarded()).merge(auth.metadata_router()),
        guarded().merge(public()).merge(auth.metadata_router()),
        of_route.merge(auth.metadata_router()),
    ] {
        assert!(is_served(&app, PATH).await);
        assert!(is_served(&app, "/.well-known/oauth-protected-resource").await);
        assert!(is_served(&app, "/mcp/.well-known/oauth-protected-resource").await);
        assert_eq!(ask(&app, "PATCH", PATH).await.0, 405);
        assert_eq!(ask(&app, "POST", "/mcp").await.0, 401);
    }
    // Without a resource there are no routes.
    let none = RequiresAuth::new(ISSUER, RESOURCE).unwrap().metadata_router();
    assert_eq!(ask(&none, "GET", PATH).await.0, 404);
}

/// A nested router sees requests for its own routes alone. A nested service sees all below it, with less of the path.
#[tokio::test]
async fn nested_applications_serve_the_document_at_the_paths_that_clients_ask_for() {
    let (builder, _) = stage("https://api.example/v1/mcp");
    let auth = builder.build().unwrap();
    let inner = Router::new().route("/mcp", post(async || "called")).layer(auth.layer());
    let app = Router::new().nest("/v1", inner);
    let (before, behind) =
        ("/.well-known/oauth-protected-resource/v1/mcp", "/v1/mcp/.well-known/oauth-protected-resource");
    for path in [before, behind] {
        assert_eq!(ask(&app, "GET", path).await.0, 404, "{path}");
        assert!(is_served(&app.clone().merge(auth.metadata_router()), path).await, "{path}");
    }
    // A service that is nested, as an MCP server is.
    let service = tower::service_fn(async |_: HttpRequest<Body>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(Body::from("called")))
    });
    let app: Router = Router::new().nest_service("/v1/mcp", service).layer(auth.layer());
    let around = Router::new().nest_service("/v1/mcp", tower::Layer::layer(&auth.layer(), service));
    for (app, is_before) in [(app, true), (around, false)] {
        assert_eq!(is_served(&app, before).await, is_before);
        assert!(is_served(&app, behind).await);
        assert_eq!(ask(&app, "POST", "/v1/mcp").await.0, 401);
    }
}

#[tokio::test]
async fn a_path_with_braces_is_a_path() {
    let (builder, _) = stage("https://api.example/:a/*b");
    let auth = builder.build().unwrap();
    let app: Router = auth.metadata_router();
    assert!(is_served(&app, "/.well-known/oauth-protected-resource/:a/*b").await);
    assert_eq!(ask(&app, "GET", "/.well-known/oauth-protected-resource/x/y").await.0, 404);
}

/// A provider in memory that counts what it is asked.
struct Provider {
    jwks: String,
    asked: Arc<AtomicUsize>,
}

impl Fetch for Provider {
    fn fetch(&self, request: FetchRequest) -> FetchFuture {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let metadata = json!({ "issuer": ISSUER, "jwks_uri": "https://issuer.example/jwks" }).to_string();
        let body = if request.url().path() == "/jwks" { self.jwks.clone() } else { metadata };
        Box::pin(ready(Ok(FetchResponse::new(200, body))))
    }
}

#[tokio::test]
async fn several_resources_share_keys_and_no_token() {
    let key = SigningKey::generate(Algorithm::Es256);
    let asked = Arc::new(AtomicUsize::new(0));
    let provider = Provider { jwks: jwk_set([&key]).to_string(), asked: Arc::clone(&asked) };
    let a = RequiresAuth::resource_builder(ISSUER, "https://api.example/a/mcp")
        .with_fetch(provider)
        .with_base_scopes(["read:a"])
        .with_resource_name("A")
        .build()
        .unwrap();
    let b = a.for_other_resource("https://api.example/b/mcp").unwrap();
    let forge = Forge::new(ISSUER, "https://api.example/a/mcp", key);
    let for_a = forge.token().scope("read:a").mint();
    let for_b = forge.token().claim("aud", "https://api.example/b/mcp").scope("anything").mint();
    let any = Policy::default();
    // Twice: judged and remembered.
    for _ in 0..2 {
        assert!(a.verify(&for_a, &any).await.is_ok() && b.verify(&for_b, &any).await.is_ok());
        for denial in [b.verify(&for_a, &any).await.unwrap_err(), a.verify(&for_b, &any).await.unwrap_err()] {
            assert_eq!((denial.status(), denial.reason()), (401, Some(Reason::AudienceMismatch)));
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2, "metadata and keys, once for both");

    // The document of each is its own, and the root belongs to neither.
    let at = |auth: &RequiresAuth, path: &str| {
        let no_headers: [(&str, &str); 0] = [];
        let answer = auth.metadata(&Request::new("GET", path, &no_headers))?;
        Some(serde_json::from_slice::<Value>(answer.body()).unwrap())
    };
    let (of_a, of_b) =
        ("/.well-known/oauth-protected-resource/a/mcp", "/.well-known/oauth-protected-resource/b/mcp");
    assert_eq!(at(&a, of_a).unwrap()["resource_name"], "A");
    assert_eq!(at(&b, of_b).unwrap().get("resource_name"), None);
    let root = "/.well-known/oauth-protected-resource";
    assert_eq!([at(&a, of_b), at(&b, of_a), at(&a, root), at(&b, root)], [None, None, None, None]);
    drop(b);
    assert_eq!(at(&a, root).unwrap()["resource"], "https://api.example/a/mcp");
    // What cannot be a resource cannot be another one.
    assert!(a.for_other_resource("https://api.example/").is_err());
    assert!(at(&a, root).is_some(), "a guard that could not be built is none");
}

/// A name of the first resource is not one of the other: without its own audience a token for one would be good at both.
#[test]
fn the_audience_of_one_resource_is_not_that_of_another() {
    let key = SigningKey::generate(Algorithm::Es256);
    let a = RequiresAuth::builder(ISSUER, "api://a")
        .with_jwks(jwk_set([&key]).to_string())
        .with_resource("https://api.example/a")
        .build()
        .unwrap();
    let b = a.for_other_resource("https://api.example/b").unwrap();
    let forge = Forge::new(ISSUER, "api://a", key);
    let passes = |auth: &RequiresAuth, audience: &str| {
        let token = forge.token().claim("aud", audience).mint();
        auth.verify_now(&token, &Policy::default()).expect("the keys are there").is_ok()
    };
    assert!(passes(&a, "api://a") && !passes(&b, "api://a"));
    assert!(passes(&b, "https://api.example/b") && !passes(&a, "https://api.example/b"));
}

/// Keys of another place, or with another patience, are keys of their own.
#[tokio::test]
async fn what_is_chosen_anew_has_keys_of_its_own() {
    let key = SigningKey::generate(Algorithm::Es256);
    let asked = Arc::new(AtomicUsize::new(0));
    let provider = Provider { jwks: jwk_set([&key]).to_string(), asked: Arc::clone(&asked) };
    let a =
        RequiresAuth::resource_builder(ISSUER, "https://api.example/a").with_fetch(provider).build().unwrap();
    let b = a
        .other_resource_builder("https://api.example/b")
        .with_jwks_uri("https://issuer.example/jwks")
        .build()
        .unwrap();
    let forge = Forge::new(ISSUER, "https://api.example/a", key);
    let any = Policy::default();
    assert!(a.verify(&forge.token().mint(), &any).await.is_ok());
    assert!(b.verify(&forge.token().claim("aud", "https://api.example/b").mint(), &any).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

/// A provider that is down.
struct Down;

impl Fetch for Down {
    fn fetch(&self, _: FetchRequest) -> FetchFuture {
        Box::pin(ready(Ok(FetchResponse::new(500, ""))))
    }
}

/// The document says where to log in, which is worth most while nobody can.
#[tokio::test]
async fn an_outage_is_503_with_the_document_at_hand() {
    let auth = RequiresAuth::resource_builder(ISSUER, RESOURCE).with_fetch(Down).build().unwrap();
    let app: Router = Router::new().route("/mcp", post(async || "called")).layer(auth.layer());
    let (_, forge) = stage(RESOURCE);
    let request = HttpRequest::post("/mcp").header("authorization", bearer(forge.token().mint()));
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert!(!response.headers().contains_key("www-authenticate"));
    assert!(is_served(&app, PATH).await);
}
