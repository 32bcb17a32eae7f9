//! Middleware and arguments of actix-web: who gets through, what the others are told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::ready;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use actix_cors::Cors;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::error::ErrorConflict;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::test::{self, TestRequest};
use actix_web::{App, Error, HttpMessage, HttpResponse, HttpServer, web};
use requires_auth::actix::{AccessTokenRejection, OptionalToken};
use requires_auth::challenge::{Body, BodyFormat};
use requires_auth::client_certificate::ClientCertificate;
use requires_auth::dpop::Dpop;
use requires_auth::policy::ClaimTest;
use requires_auth::verify::ClaimsError;
use requires_auth::{AccessToken, Denial, ErrorCode, Policy, RequiresAuth};
use requires_auth_testkit::{Algorithm, ProofBuilder, SigningKey};
use serde_json::{Value, json};

mod fixture;

use fixture::{ISSUER, builder, cold_guard, expired_token, guard, jwks, token};

/// How long a nonce is told to clients, in seconds.
const NONCE_STEP: u64 = 60;
const EXPIRED: &str = r#"Bearer error="invalid_token", error_description="the token has expired""#;

async fn whoami(token: AccessToken) -> String {
    token.subject().unwrap_or_default().to_owned()
}

async fn greet(OptionalToken(token): OptionalToken) -> String {
    token.map_or("nobody", |_| "somebody").to_owned()
}

/// What an application answers.
async fn send<F, B>(app: App<F>, request: TestRequest) -> ServiceResponse<BoxBody>
where
    F: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    F::Future: 'static,
    B: MessageBody + 'static,
{
    let app = test::init_service(app).await;
    match app.call(request.to_request()).await {
        Ok(response) => response.map_into_boxed_body(),
        Err(error) => panic!("an error instead of a response: {error}"),
    }
}

fn get(path: &str, token: Option<&str>) -> TestRequest {
    let request = TestRequest::get().uri(path);
    match token {
        Some(token) => request.insert_header(("authorization", format!("Bearer {token}"))),
        None => request,
    }
}

fn challenges(response: &ServiceResponse<BoxBody>) -> (u16, Vec<&str>) {
    let values = response.headers().get_all("www-authenticate").map(|value| value.to_str().unwrap());
    (response.status().as_u16(), values.collect())
}

fn header<'r>(response: &'r ServiceResponse<BoxBody>, name: &str) -> Option<&'r str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

async fn text(response: ServiceResponse<BoxBody>) -> String {
    String::from_utf8(test::read_body(response).await.to_vec()).unwrap()
}

async fn code(response: ServiceResponse<BoxBody>) -> String {
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    body["code"].as_str().unwrap().to_owned()
}

/// An application behind a guard, with a route that needs a scope.
macro_rules! app {
    ($auth:expr) => {{
        let auth: &RequiresAuth = &$auth;
        App::new()
            .wrap(auth.middleware())
            .route("/whoami", web::get().to(whoami))
            .route("/orders", web::post().to(whoami).wrap(auth.requires("write:orders")))
    }};
}

#[actix_web::test]
async fn a_valid_token_reaches_the_handler_and_no_token_is_challenged() {
    let response = send(app!(guard()), get("/whoami", Some(&token().mint()))).await;
    assert_eq!(challenges(&response), (200, vec![]));
    assert_eq!(text(response).await, "alice");

    let response = send(app!(guard()), get("/whoami", None)).await;
    assert_eq!(challenges(&response), (401, vec!["Bearer"]));
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    let expected = json!({
        "code": "auth.authorization_header_missing",
        "status": 401,
        "message": "the request has no Authorization header",
    });
    assert_eq!(serde_json::from_str::<Value>(&text(response).await).unwrap(), expected);
    // What is not there is as unknown to whoever has no token as what is.
    assert_eq!(send(app!(guard()), get("/nothing", None)).await.status(), 401);
}

#[actix_web::test]
async fn a_bad_token_is_told_why_with_the_denial_beside_it() {
    let response = send(app!(guard()), get("/whoami", Some(&expired_token()))).await;
    assert_eq!(challenges(&response), (401, vec![EXPIRED]));
    let denial = response.response().extensions().get::<Denial>().cloned().unwrap();
    assert_eq!(denial.code(), ErrorCode::InvalidToken);
    let passed = send(app!(guard()), get("/whoami", Some(&token().mint()))).await;
    assert!(passed.response().extensions().get::<Denial>().is_none());
}

#[actix_web::test]
async fn a_route_needs_its_scope_and_a_token_of_another_guard_counts_for_nothing() {
    let scoped = token().scope("write:orders").mint();
    let post = |token: &str| get("/orders", Some(token)).method(Method::POST);
    assert_eq!(send(app!(guard()), post(&scoped)).await.status(), 200);
    let response = send(app!(guard()), post(&token().mint())).await;
    assert!(challenges(&response).1[0].ends_with(r#"scope="write:orders""#));
    assert_eq!(code(response).await, "insufficient_scope");

    // The inner guard takes tokens for another API.
    let other =
        RequiresAuth::builder(ISSUER, "https://other.example").with_jwks(jwks()).with_clock(fixture::now);
    let other = other.build().unwrap();
    for (outer, inner) in [(guard(), other.clone()), (other, guard())] {
        let app =
            App::new().wrap(outer.middleware()).route("/", web::get().to(whoami).wrap(inner.middleware()));
        assert_eq!(send(app, get("/", Some(&scoped))).await.status(), 401);
    }
}

#[actix_web::test]
async fn an_anonymous_request_passes_where_it_may_and_its_bad_token_does_not() {
    let app = || {
        let auth = guard();
        let scoped = web::get().to(greet).wrap(auth.requires("read:orders"));
        App::new()
            .wrap(auth.optional_middleware())
            .route("/", web::get().to(greet))
            .route("/own", web::get().to(whoami))
            .route("/scoped", scoped)
    };
    assert_eq!(text(send(app(), get("/", None)).await).await, "nobody");
    assert_eq!(text(send(app(), get("/", Some(&token().mint()))).await).await, "somebody");
    assert_eq!(send(app(), get("/", Some(&expired_token()))).await.status(), 401);
    for path in ["/own", "/scoped"] {
        let response = send(app(), get(path, None)).await;
        assert_eq!(challenges(&response), (401, vec!["Bearer"]), "{path}");
        assert_eq!(code(response).await, "auth.authorization_header_missing");
    }
}

/// A guard that was forgotten opens nothing.
#[actix_web::test]
async fn without_a_guard_an_argument_answers_500() {
    let token = token().mint();
    for path in ["/whoami", "/greet"] {
        let app = App::new().route("/whoami", web::get().to(whoami)).route("/greet", web::get().to(greet));
        let response = send(app, get(path, Some(&token))).await;
        assert_eq!(response.status(), 500, "{path}");
        assert!(text(response).await.contains("add `.wrap(auth.middleware())`"));
    }
}

#[actix_web::test]
async fn a_handler_may_answer_for_itself() {
    async fn page(token: Result<AccessToken, AccessTokenRejection>) -> HttpResponse {
        match token {
            Ok(_) => HttpResponse::Ok().body("page"),
            Err(rejection) => {
                assert!(!format!("{rejection:?}").contains("secret"));
                HttpResponse::Unauthorized().body(rejection.denial().unwrap().code().as_str())
            }
        }
    }
    let app = App::new().wrap(guard().optional_middleware()).route("/", web::get().to(page));
    let response = send(app, get("/", None).insert_header(("authorization", "Basic secret"))).await;
    assert_eq!(text(response).await, "auth.authorization_token_type_not_supported");
}

#[actix_web::test]
async fn claims_that_do_not_fit_are_refused() {
    #[derive(serde::Deserialize)]
    struct Claims {
        tenant: String,
    }
    async fn tenant(token: AccessToken) -> Result<String, ClaimsError> {
        Ok(token.claims::<Claims>()?.tenant)
    }
    let app = || App::new().wrap(guard().middleware()).route("/", web::get().to(tenant));
    assert_eq!(
        text(send(app(), get("/", Some(&token().claim("tenant", "acme").mint()))).await).await,
        "acme"
    );
    let response = send(app(), get("/", Some(&token().mint()))).await;
    assert_eq!((response.status().as_u16(), code(response).await.as_str()), (403, "access_denied"));
}

#[actix_web::test]
async fn keys_are_fetched_while_the_request_waits_and_an_outage_is_no_fault_of_the_token() {
    let response = send(app!(cold_guard(true)), get("/whoami", Some(&token().mint()))).await;
    assert_eq!(text(response).await, "alice");
    let response = send(app!(cold_guard(false)), get("/whoami", Some(&token().mint()))).await;
    assert_eq!(challenges(&response), (503, vec![]));
    assert!(header(&response, "retry-after").unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(code(response).await, "auth.issuer_unavailable");
}

#[actix_web::test]
async fn preflights_are_answered_by_cors_on_either_side() {
    let auth = guard();
    let cors = || Cors::default().allowed_origin("https://app.example.test").allow_any_method();
    let preflight = || {
        let request = TestRequest::default().method(Method::OPTIONS).uri("/whoami");
        request
            .insert_header(("origin", "https://app.example.test"))
            .insert_header(("access-control-request-method", "GET"))
    };
    let routed = || App::new().route("/whoami", web::get().to(whoami));
    let outside = || routed().wrap(auth.middleware()).wrap(cors());
    let inside = || routed().wrap(cors()).wrap(auth.middleware());
    assert_eq!(send(outside(), preflight()).await.status(), 200);
    assert_eq!(send(inside(), preflight()).await.status(), 200);
    // Only with CORS outside may the script read why it was refused.
    let refused = || get("/whoami", None).insert_header(("origin", "https://app.example.test"));
    let response = send(outside(), refused()).await;
    assert_eq!(header(&response, "access-control-allow-origin"), Some("https://app.example.test"));
    let response = send(inside(), refused()).await;
    assert_eq!((header(&response, "access-control-allow-origin"), response.status().as_u16()), (None, 401));
    assert_eq!(header(&response, "access-control-expose-headers"), Some("WWW-Authenticate"));
}

#[actix_web::test]
async fn bodies_have_the_format_of_the_guard() {
    let own = BodyFormat::custom(|denial| Body::new("text/plain", denial.code().as_str()));
    let auth = builder().with_error_body(own).build().unwrap();
    let response = send(app!(auth), get("/whoami", None)).await;
    assert_eq!(header(&response, "content-type"), Some("text/plain"));
    assert_eq!(text(response).await, "auth.authorization_header_missing");
}

/// A claim rule on a path parameter sees what the handler sees, also below a scope, and no encoded slash.
#[actix_web::test]
async fn a_claim_rule_sees_the_path_of_the_whole_router() {
    let own = || Policy::default().with_claim("org", ClaimTest::path("org"));
    let good = token().claim("org", "a+c").mint();
    for (path, status) in [
        ("/orgs/a+c/items/1", 200),
        ("/orgs/a%2Bc/items/1", 200),
        ("/orgs/%61+c/items/1", 200),
        ("/orgs/a%252Bc/items/1", 403),
        ("/orgs/other/items/1", 403),
        ("/orgs/a+c%2Fother/items/1", 403),
    ] {
        let item = web::resource("/items/{id}").to(async || "fine");
        let orgs = web::scope("/orgs/{org}").wrap(guard().requires_policy(own())).service(item);
        let response = send(App::new().service(orgs), get(path, Some(&good))).await;
        assert_eq!(response.status(), status, "{path}");
        // Around the whole application no route is found yet.
        let app = App::new()
            .wrap(guard().requires_policy(own()))
            .route("/orgs/{org}/items/{id}", web::get().to(whoami));
        assert_eq!(send(app, get(path, Some(&good))).await.status(), 403, "{path}");
    }
}

#[actix_web::test]
async fn the_certificate_of_a_connection_is_shown_to_the_guard() {
    let auth = builder().with_client_certificates(true).build().unwrap();
    let der = b"the certificate";
    let bound = token().bound_to_certificate(der).mint();
    let send = async |shown: Option<&[u8]>| {
        let shown = shown.map(ClientCertificate::from_der);
        let app = App::new().route("/", web::get().to(whoami)).wrap(auth.middleware()).wrap_fn(
            move |request, next| {
                if let Some(shown) = shown {
                    request.extensions_mut().insert(shown);
                }
                next.call(request)
            },
        );
        send(app, get("/", Some(&bound))).await
    };
    let response = send(Some(der)).await;
    // No cache is to hand it to another client.
    assert_eq!((response.status().as_u16(), header(&response, "cache-control")), (200, Some("no-store")));
    for other in [None, Some(&b"another"[..])] {
        assert_eq!(send(other).await.status(), 401);
    }
}

/// RFC 9449 §8.2: the answer to a request that passes carries the next nonce, also where it is an error.
#[actix_web::test]
async fn the_next_nonce_goes_with_an_answer_that_is_allowed() {
    const URL: &str = "https://api.example.test/v1";
    let step = Arc::new(AtomicU64::new(0));
    let clock = {
        let step = Arc::clone(&step);
        move || fixture::now() + Duration::from_secs(step.load(Ordering::Relaxed))
    };
    let dpop = Dpop::allowed().with_nonce_secret("a secret of nonces that nobody can guess");
    let auth = builder().with_clock(clock).with_public_url(URL).with_dpop(dpop).build().unwrap();
    let client = SigningKey::generate(Algorithm::Es256);
    let token = token().bound_to(&client).mint();
    let send = async |path: &str, nonce: Option<&str>| {
        let unix =
            fixture::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + step.load(Ordering::Relaxed);
        let proof = ProofBuilder::new(&client, "GET", format!("{URL}{path}"));
        let proof = proof.token(&token).issued_at(unix.try_into().unwrap());
        let proof = nonce.map_or(proof.clone(), |nonce| proof.nonce(nonce)).mint();
        let request = TestRequest::get().uri(path).insert_header(("authorization", format!("DPoP {token}")));
        let app = App::new()
            .route("/whoami", web::get().to(whoami))
            .service(
                web::resource("/broken")
                    .to(whoami)
                    .wrap_fn(|_, _| ready(Err::<ServiceResponse, _>(ErrorConflict("taken")))),
            )
            .wrap(auth.middleware());
        let app = test::init_service(app).await;
        match app.call(request.insert_header(("dpop", proof)).to_request()).await {
            Ok(response) => (response.status().as_u16(), response.headers().clone()),
            Err(error) => {
                let response = error.error_response();
                (response.status().as_u16(), response.headers().clone())
            }
        }
    };
    let nonce_of =
        |headers: &HeaderMap| headers.get("dpop-nonce").map(|value| value.to_str().unwrap().to_owned());
    let (status, headers) = send("/whoami", None).await;
    let first = nonce_of(&headers).unwrap();
    assert_eq!(status, 401);
    let (status, headers) = send("/whoami", Some(&first)).await;
    assert_eq!((status, nonce_of(&headers)), (200, None));
    // Of the step before, a nonce is taken, and the answer has the next one.
    step.store(NONCE_STEP, Ordering::Relaxed);
    for (path, expected) in [("/whoami", 200), ("/broken", 409)] {
        let (status, headers) = send(path, Some(&first)).await;
        assert_eq!(status, expected, "{path}");
        assert!(nonce_of(&headers).is_some_and(|next| next != first), "{path}");
        assert_eq!(headers.get("cache-control").unwrap(), "no-store");
    }
}

#[actix_web::test]
async fn an_answer_to_head_has_its_length_and_no_body() {
    let auth = guard();
    let server = HttpServer::new(move || app!(auth)).workers(1).bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let ask = move |method: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{method} /whoami HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        (head.starts_with("HTTP/1.1 401 "), length.parse::<usize>().unwrap(), body.len())
    };
    let answers = web::block(move || ["GET", "HEAD"].map(ask)).await.unwrap();
    let length = answers[0].1;
    assert!(length > 0);
    assert_eq!(answers, [(true, length, length), (true, length, 0)]);
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_certificate_may_stand_in_the_extensions_of_the_connection() {
    let auth = builder().with_client_certificates(true).build().unwrap();
    let bound = token().bound_to_certificate(b"the certificate").mint();
    let server = HttpServer::new(move || app!(auth))
        .workers(1)
        .on_connect(|_, extensions| {
            extensions.insert(ClientCertificate::from_der(b"the certificate"));
        })
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let answer = web::block(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("host: a\r\nconnection: close\r\nauthorization: Bearer {bound}");
        write!(stream, "GET /whoami HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("alice"), "{answer}");
    handle.stop(false).await;
}

#[test]
#[should_panic(expected = "at least one entry")]
fn requiring_nothing_is_a_mistake() {
    let _middleware = guard().requires(" ");
}
