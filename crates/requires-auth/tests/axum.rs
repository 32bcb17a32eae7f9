//! The guard around an axum application: layers, extractors, and what lies around them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::response::Response;
use axum::routing::{MethodFilter, any, get, post};
use http::{HeaderValue, Method, Request, StatusCode};
use requires_auth::axum::AccessTokenRejection;
use requires_auth::challenge::BodyFormat;
use requires_auth::verify::ClaimsError;
use requires_auth::{AccessToken, Denial, ErrorCode, Policy, RequiresAuth};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::cors::{Any, CorsLayer};

mod fixture;

use fixture::{
    body_json, builder, cold_guard, expired_token, guard, jwks, now, preflight, text, token, verdict,
};

async fn user_info(token: AccessToken) -> String {
    token.subject().unwrap_or("no subject").to_owned()
}

async fn greet(token: Option<AccessToken>) -> String {
    format!("hello {}", token.as_ref().and_then(AccessToken::subject).unwrap_or("nobody"))
}

/// The application of the documentation.
fn app(auth: &RequiresAuth) -> Router {
    Router::new()
        .route("/user/info", get(user_info))
        .route("/orders", post(async || "created").layer(auth.require("write:orders")))
        .layer(auth.layer())
        .route("/public", get(async || "public"))
}

fn request(method: Method, path: &str, token: Option<&str>) -> Request<Body> {
    let mut request = fixture::get(token);
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    request
}

async fn send(app: &Router, method: Method, path: &str, token: Option<&str>) -> Response {
    app.clone().oneshot(request(method, path, token)).await.unwrap()
}

#[tokio::test]
async fn two_statements_guard_an_application() {
    let (any_scope, expired) = (token().mint(), expired_token());
    let writer = token().scope("write:orders").mint();
    for auth in [guard(), cold_guard(true)] {
        let app = app(&auth);
        let status = async |method, path, token| send(&app, method, path, token).await.status().as_u16();
        assert_eq!(status(Method::GET, "/user/info", None).await, 401);
        assert_eq!(status(Method::GET, "/user/info", Some("opaque")).await, 401);
        assert_eq!(status(Method::GET, "/user/info", Some(&expired)).await, 401);
        assert_eq!(status(Method::GET, "/user/info", Some(&any_scope)).await, 200);
        assert_eq!(status(Method::POST, "/orders", None).await, 401);
        assert_eq!(status(Method::POST, "/orders", Some(&any_scope)).await, 403);
        assert_eq!(status(Method::POST, "/orders", Some(&writer)).await, 200);
        assert_eq!(status(Method::GET, "/public", None).await, 200);
        assert_eq!(text(send(&app, Method::GET, "/user/info", Some(&any_scope)).await).await, "alice");
    }
}

#[tokio::test]
async fn an_answer_is_that_of_the_table() {
    let response =
        send(&app(&guard()), Method::POST, "/orders", Some(&token().scope("read:orders").mint())).await;
    let challenge = r#"Bearer error="insufficient_scope", error_description="the token lacks a scope that this route needs", scope="write:orders""#;
    assert_eq!(verdict(&response), (403, vec![challenge]));
    assert_eq!(response.extensions().get::<Denial>().unwrap().code(), ErrorCode::InsufficientScope);
    assert_eq!(body_json(response).await["code"], "insufficient_scope");
}

#[tokio::test]
async fn a_route_may_require_without_a_layer_around_it() {
    let auth = guard();
    let app = Router::new().route("/orders", get(user_info).layer(auth.require("read:orders")));
    let reader = token().scope("read:orders").mint();
    assert_eq!(text(send(&app, Method::GET, "/orders", Some(&reader)).await).await, "alice");
    assert_eq!(send(&app, Method::GET, "/orders", Some(&token().mint())).await.status(), 403);
    assert_eq!(send(&app, Method::GET, "/orders", None).await.status(), 401);
}

#[tokio::test]
async fn claims_that_do_not_fit_are_a_refusal() {
    #[derive(serde::Deserialize)]
    struct Tenant {
        tenant: String,
    }
    async fn tenant(token: AccessToken) -> Result<String, ClaimsError> {
        Ok(token.claims::<Tenant>()?.tenant)
    }
    let log = Log::default();
    let _guard = log.listen();
    let app = Router::new().route("/", get(tenant)).layer(guard().layer());
    let good = token().claim("tenant", "acme").mint();
    assert_eq!(text(send(&app, Method::GET, "/", Some(&good)).await).await, "acme");
    let secret = 13_579_u32;
    for bad in [token().mint(), token().claim("tenant", secret).mint()] {
        log.take();
        let response = send(&app, Method::GET, "/", Some(&bad)).await;
        assert_eq!(verdict(&response), (403, vec![]));
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.extensions().get::<Denial>().unwrap().code(), ErrorCode::AccessDenied);
        assert_eq!(body_json(response).await["code"], "access_denied");
        let log = log.take();
        assert!(log.contains("a handler cannot read a good token") && !log.contains("13579"), "{log}");
    }
}

#[tokio::test]
async fn a_token_of_a_first_message_is_judged_like_one_of_a_header() {
    let (policy, good) = (Policy::all_of(["read:o"]), token().scope("read:o").mint());
    let cold = cold_guard(true);
    assert!(cold.verify_now(&good, &policy).is_none(), "keys have to be fetched");
    for auth in [guard(), cold] {
        assert_eq!(auth.verify(&good, &policy).await.unwrap().subject(), Some("alice"));
        assert_eq!(auth.verify_now(&good, &policy).unwrap().unwrap().subject(), Some("alice"));
        let code = async |token: &str| auth.verify(token, &policy).await.unwrap_err().code();
        assert_eq!(code(&token().mint()).await, ErrorCode::InsufficientScope);
        assert_eq!(code(&expired_token()).await, ErrorCode::InvalidToken);
        for no_token in ["", " ", &format!(" {good}"), &format!("{good}\n"), &format!("Bearer {good}"), "a b"]
        {
            assert_eq!(code(no_token).await, ErrorCode::AuthorizationTokenInvalidFormat, "{no_token:?}");
            let now = auth.verify_now(no_token, &policy).unwrap().unwrap_err();
            assert_eq!(now.code(), ErrorCode::AuthorizationTokenInvalidFormat, "{no_token:?}");
        }
    }
    assert_eq!(cold_guard(false).verify(&good, &policy).await.unwrap_err().status(), 503);
}

/// What comes of a request to `/orders`: no token, one to read, one to write.
async fn outcomes(app: &Router, method: Method) -> [u16; 3] {
    let (reader, writer) = (token().scope("read:o").mint(), token().scope("write:o").mint());
    let status = async |token| send(app, method.clone(), "/orders", token).await.status().as_u16();
    [status(None).await, status(Some(&reader)).await, status(Some(&writer)).await]
}

async fn list(token: AccessToken) -> String {
    user_info(token).await
}

async fn create() -> &'static str {
    "created"
}

#[tokio::test]
async fn each_method_has_a_line_of_its_own() {
    let auth = guard();
    let app = Router::new()
        .route("/orders", get(list).layer(auth.require("read:o")))
        .route("/orders", post(create).layer(auth.require("write:o")));
    assert_eq!(outcomes(&app, Method::GET).await, [401, 200, 403]);
    assert_eq!(outcomes(&app, Method::POST).await, [401, 403, 200]);
}

#[tokio::test]
async fn methods_that_each_say_what_they_need_are_guarded_in_any_order() {
    let auth = guard();
    let policy = Policy::any_of(["read:o", "write:o"]);
    let one_way = auth.methods().get("read:o", list).post("write:o", create);
    let other_way = auth.methods().post("write:o", create).get("read:o", list);
    for orders in [one_way, other_way] {
        let app = Router::new().merge(orders.on(MethodFilter::PUT, policy.clone(), create).at("/orders"));
        assert_eq!(outcomes(&app, Method::GET).await, [401, 200, 403]);
        assert_eq!(outcomes(&app, Method::HEAD).await, [401, 200, 403]);
        assert_eq!(outcomes(&app, Method::POST).await, [401, 403, 200]);
        assert_eq!(outcomes(&app, Method::PUT).await, [401, 200, 200]);
        assert_eq!(outcomes(&app, Method::DELETE).await, [405, 405, 405]);
    }
}

/// The caveat of the documentation. Should axum ever change this, the caveat goes.
#[tokio::test]
async fn a_layer_of_a_method_router_guards_the_methods_before_it() {
    let auth = guard();
    let open = Router::new().route("/orders", get(list).layer(auth.require("read:o")).post(create));
    assert_eq!(outcomes(&open, Method::POST).await, [200, 200, 200], "open");
    assert_eq!(outcomes(&open.layer(auth.layer()), Method::POST).await, [401, 200, 200], "any token");
    let stacked = post(create).layer(auth.require("write:o")).get(list).layer(auth.require("read:o"));
    let stacked = Router::new().route("/orders", stacked);
    assert_eq!(outcomes(&stacked, Method::POST).await, [401, 403, 403], "both scopes");
}

#[tokio::test]
async fn the_token_reaches_nested_routers_middleware_and_fallbacks() {
    let inside = Router::new()
        .route("/info", get(async |Extension(token): Extension<AccessToken>| user_info(token).await));
    let app = Router::new().nest("/user", inside).fallback(user_info).layer(guard().layer());
    for path in ["/user/info", "/elsewhere"] {
        assert_eq!(text(send(&app, Method::GET, path, Some(&token().mint())).await).await, "alice", "{path}");
        assert_eq!(send(&app, Method::GET, path, None).await.status(), 401, "{path}");
    }
}

#[tokio::test]
async fn an_optional_token_is_none_for_the_anonymous() {
    let app = Router::new().route("/", get(greet)).layer(guard().optional_layer());
    assert_eq!(text(send(&app, Method::GET, "/", None).await).await, "hello nobody");
    assert_eq!(text(send(&app, Method::GET, "/", Some(&token().mint())).await).await, "hello alice");
    assert_eq!(send(&app, Method::GET, "/", Some(&expired_token())).await.status(), 401);
}

#[tokio::test]
async fn a_required_token_refuses_the_anonymous_in_the_format_of_the_guard() {
    let auth = builder().with_error_body(BodyFormat::ProblemDetails).build().unwrap();
    let app = Router::new().route("/", get(user_info)).layer(auth.optional_layer());
    let mut anonymous = request(Method::GET, "/", None);
    anonymous.headers_mut().insert("origin", HeaderValue::from_static("https://app.example.test"));
    let response = app.oneshot(anonymous).await.unwrap();
    assert_eq!(verdict(&response), (401, vec!["Bearer"]));
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["access-control-expose-headers"], "WWW-Authenticate");
    let denial = response.extensions().get::<Denial>().unwrap();
    assert_eq!(denial.code(), ErrorCode::AuthorizationHeaderMissing);
    assert_eq!(body_json(response).await["title"], "Unauthorized");
}

#[tokio::test]
async fn every_refusal_is_logged_once() {
    let log = Log::default();
    let _guard = log.listen();
    let app = Router::new()
        .route("/required", get(user_info))
        .route("/scoped", get(greet).layer(guard().require("read:orders")))
        .layer(guard().optional_layer());
    for path in ["/required", "/scoped"] {
        assert_eq!(send(&app, Method::GET, path, None).await.status(), 401, "{path}");
        assert_eq!(log.take().matches("auth.authorization_header_missing").count(), 1, "{path}");
    }
    assert_eq!(send(&app, Method::GET, "/scoped", Some(&token().mint())).await.status(), 403);
    assert_eq!(log.take().matches("insufficient_scope").count(), 1);
}

#[tokio::test]
async fn a_required_token_refuses_a_preflight_that_reaches_the_handler() {
    for path in ["/required", "/optional"] {
        let app = Router::new()
            .route("/required", any(user_info))
            .route("/optional", any(greet))
            .layer(guard().layer());
        let mut request = preflight::<Body>();
        *request.uri_mut() = path.parse().unwrap();
        let expected = if path == "/required" { (401, vec!["Bearer"]) } else { (200, vec![]) };
        assert_eq!(verdict(&app.oneshot(request).await.unwrap()), expected, "{path}");
    }
}

#[tokio::test]
async fn a_handler_may_look_at_the_rejection() {
    async fn explain(token: Result<AccessToken, AccessTokenRejection>) -> String {
        token.map_or_else(|rejection| format!("{} {rejection}", rejection.status()), |_| "token".to_owned())
    }
    let app = Router::new().route("/", get(explain)).layer(guard().optional_layer());
    let told = text(send(&app, Method::GET, "/", None).await).await;
    assert_eq!(
        told,
        "401 Unauthorized auth.authorization_header_missing: the request has no Authorization header"
    );
}

#[tokio::test]
async fn behind_two_guards_the_token_is_that_of_the_inner_one() {
    let ours = guard();
    let looser = builder().with_scope_claims(["scope", "roles"]).build().unwrap();
    let app = |outer: &RequiresAuth, inner: &RequiresAuth| {
        let scopes = async |token: AccessToken| token.scopes().collect::<Vec<_>>().join(" ");
        Router::new().route("/", get(scopes)).layer(inner.layer()).layer(outer.layer())
    };
    let token = token().scope("read").claim("roles", vec!["admin"]).mint();
    assert_eq!(text(send(&app(&ours, &looser), Method::GET, "/", Some(&token)).await).await, "read admin");
    assert_eq!(text(send(&app(&looser, &ours), Method::GET, "/", Some(&token)).await).await, "read");
}

#[tokio::test]
async fn another_guards_token_does_not_open_a_route() {
    let admin = RequiresAuth::builder(fixture::ISSUER, "https://admin.example.test")
        .with_jwks(jwks())
        .with_clock(now);
    let admin = admin.build().unwrap();
    let app =
        Router::new().route("/admin", get(user_info).layer(admin.require("admin"))).layer(guard().layer());
    assert_eq!(send(&app, Method::GET, "/admin", Some(&token().scope("admin").mint())).await.status(), 401);
}

#[tokio::test]
async fn a_forgotten_layer_opens_nothing_and_says_so() {
    let log = Log::default();
    let _guard = log.listen();
    let app = Router::new().route("/required", get(user_info)).route("/optional", get(greet));
    let token = token().mint();
    for path in ["/required", "/optional"] {
        for token in [None, Some(token.as_str())] {
            let response = send(&app, Method::GET, path, token).await;
            assert_eq!(verdict(&response), (500, vec![]), "{path}");
            let body = text(response).await;
            assert_eq!(body, "no access-token guard stands before this route: add `.layer(auth.layer())`");
        }
        let log = log.take();
        assert!(
            log.contains("ERROR") && log.contains("add `.layer(auth.layer())`") && log.contains(path),
            "{log}"
        );
        assert!(!log.contains(&token), "{log}");
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens on this thread, where the tests run.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt().with_writer(self.clone()).with_ansi(false).finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn preflights_are_answered_with_cors_on_either_side() {
    let cors = || CorsLayer::new().allow_origin(Any).allow_methods([Method::POST]);
    let outside = app(&guard()).layer(cors());
    let inside = {
        let auth = guard();
        let routes =
            Router::new().route("/orders", post(async || "created").layer(auth.require("write:orders")));
        routes.layer(cors()).layer(auth.layer())
    };
    for (app, is_outside) in [(outside, true), (inside, false)] {
        let response = app.clone().oneshot(preflight::<Body>()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["access-control-allow-methods"], "POST");

        let mut unauthenticated = request(Method::POST, "/orders", None);
        unauthenticated.headers_mut().insert("origin", HeaderValue::from_static("https://app.example.test"));
        let response = app.oneshot(unauthenticated).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        // Only a CORS layer outside the guard lets a browser show the refusal to the script.
        assert_eq!(response.headers().contains_key("access-control-allow-origin"), is_outside);
    }
}

#[tokio::test]
async fn a_service_builder_takes_the_layers() {
    let auth = guard();
    let layers = ServiceBuilder::new().layer(auth.layer()).layer(auth.require("read:orders"));
    let app = Router::new().route("/", get(user_info)).layer(layers);
    assert_eq!(send(&app, Method::GET, "/", Some(&token().scope("read:orders").mint())).await.status(), 200);
    assert_eq!(send(&app, Method::GET, "/", Some(&token().mint())).await.status(), 403);
}

#[tokio::test]
async fn head_is_refused_without_a_body() {
    let response = send(&app(&guard()), Method::HEAD, "/user/info", None).await;
    assert_eq!(verdict(&response), (401, vec!["Bearer"]));
    assert_eq!(text(response).await, "");
}

/// A claim rule on a path parameter sees what the handler sees, also below another router, and no encoded slash.
#[tokio::test]
async fn a_claim_rule_sees_the_path_of_the_whole_router() {
    use requires_auth::policy::ClaimTest;

    let policy = Policy::default().with_claim("org", ClaimTest::path("org"));
    let items = Router::new().route("/{id}", get(|| async { "fine" }).layer(guard().require_policy(policy)));
    let app = Router::new().nest("/orgs/{org}/items", items);
    let token = token().claim("org", "acme").mint();
    for (path, status) in [
        ("/orgs/acme/items/1", 200),
        ("/orgs/other/items/1", 403),
        ("/orgs/acme%2Fother/items/1", 403),
        ("/orgs/ac%6De/items/1", 200),
    ] {
        let request = Request::builder().uri(path).header("authorization", format!("Bearer {token}"));
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
}
