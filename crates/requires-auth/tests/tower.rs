//! The layers around services of every kind: who gets through, what the others are told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use requires_auth::challenge::{Body, BodyFormat};
use requires_auth::policy::ClaimTest;
use requires_auth::{AccessToken, Denial, ErrorCode, Policy, Reason, RequiresAuth};
use requires_auth_testkit::Defect;
use serde_json::json;
use tower::util::MapRequestLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

mod fixture;

use fixture::{
    ISSUER, body_json, builder, cold_guard, expired_token, get, guard, jwks, now, preflight, text, token,
    verdict,
};

const EXPIRED: &str = r#"Bearer error="invalid_token", error_description="the token has expired""#;

/// Says whom the guard has let through: the subject of the token, or `nobody`.
#[derive(Clone)]
struct Whoami;

impl Service<Request<()>> for Whoami {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let token = request.extensions().get::<AccessToken>();
        let subject = token.map_or("nobody", |token| token.subject().unwrap_or_default());
        ready(Ok(Response::new(Full::from(subject.to_owned()))))
    }
}

/// The verdict on a request without a token.
fn bare() -> (u16, Vec<&'static str>) {
    (401, vec!["Bearer"])
}

/// What [`Whoami`] says behind some layers.
async fn through<L>(layers: L, request: Request<()>) -> Response<Full<Bytes>>
where
    L: Layer<Whoami>,
    L::Service: Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    layers.layer(Whoami).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn a_valid_token_reaches_the_service() {
    let response = through(guard().layer(), get(Some(&token().mint()))).await;
    assert_eq!(verdict(&response), (200, vec![]));
    assert_eq!(text(response).await, "alice");
}

#[tokio::test]
async fn a_request_without_a_token_is_challenged() {
    let response = through(guard().layer(), get(None)).await;
    assert_eq!(verdict(&response), bare());
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(!response.headers().contains_key("access-control-expose-headers"));
    let expected = json!({
        "code": "auth.authorization_header_missing",
        "status": 401,
        "message": "the request has no Authorization header",
    });
    assert_eq!(body_json(response).await, expected);
}

#[tokio::test]
async fn a_bad_token_is_told_why() {
    let response = through(guard().layer(), get(Some(&expired_token()))).await;
    assert_eq!(verdict(&response), (401, vec![EXPIRED]));
    let body = body_json(response).await;
    assert_eq!((&body["code"], &body["reason"]), (&json!("invalid_token"), &json!("expired")));
}

/// On its first use and on each later one, where it is remembered, alone and behind another layer of the same guard.
#[tokio::test]
async fn a_bound_token_never_reaches_the_service() {
    let auth = guard();
    let bound = token().defect(Defect::BindingMismatch).mint();
    for _ in 0..3 {
        let responses = [
            through(auth.layer(), get(Some(&bound))).await,
            through(auth.optional_layer(), get(Some(&bound))).await,
            through((auth.layer(), auth.layer()), get(Some(&bound))).await,
            through((auth.optional_layer(), auth.require("read:orders")), get(Some(&bound))).await,
        ];
        for response in responses {
            assert_eq!(response.status(), 401);
            assert_eq!(body_json(response).await["reason"], "binding_mismatch");
        }
    }
}

#[tokio::test]
async fn the_denial_goes_with_the_response() {
    let response = through(guard().layer(), get(Some(&expired_token()))).await;
    let denial = response.extensions().get::<Denial>().unwrap();
    assert_eq!((denial.code(), denial.reason()), (ErrorCode::InvalidToken, Some(Reason::Expired)));

    let response = through(guard().layer(), get(Some(&token().mint()))).await;
    assert!(response.extensions().get::<Denial>().is_none());
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_service() {
    let inner =
        service_fn(async |_: Request<()>| -> Result<Response<Vec<u8>>, Infallible> { unreachable!() });
    let auth = guard();
    for refused in [get(None), get(Some("opaque")), get(Some(&expired_token()))] {
        let response = auth.layer().layer(inner).oneshot(refused).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    let response = auth.require("a").layer(inner).oneshot(get(Some(&token().mint()))).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn require_authenticates_by_itself_and_needs_every_scope() {
    let layer = guard().require("read:orders write:orders");
    let missing = r#"Bearer error="insufficient_scope", error_description="the token lacks a scope that this route needs", scope="read:orders write:orders""#;
    for (scope, expected) in [
        ("write:orders other read:orders", (200, vec![])),
        ("read:orders", (403, vec![missing])),
        ("read:orders write:orders:all", (403, vec![missing])),
    ] {
        let response = through(layer.clone(), get(Some(&token().scope(scope).mint()))).await;
        assert_eq!(verdict(&response), expected, "{scope}");
    }
    assert_eq!(verdict(&through(layer.clone(), get(None)).await), bare());
    // Scope is looked at last: an expired token without the scope is expired.
    assert_eq!(verdict(&through(layer, get(Some(&expired_token()))).await), (401, vec![EXPIRED]));
}

#[tokio::test]
async fn a_policy_may_ask_for_more_than_scopes() {
    let policy = Policy::any_of(["read:orders", "admin"]).with_claim("tenant", ClaimTest::equals("acme"));
    let layer = guard().require_policy(policy);
    let allowed = token().scope("admin").claim("tenant", "acme").mint();
    assert_eq!(verdict(&through(layer.clone(), get(Some(&allowed))).await), (200, vec![]));

    // No other credential would help, so there is no challenge.
    let response = through(layer, get(Some(&token().scope("admin").claim("tenant", "other").mint()))).await;
    assert_eq!(verdict(&response), (403, vec![]));
    assert_eq!(body_json(response).await["code"], "access_denied");
}

#[test]
#[should_panic(expected = "scope: expected printable ASCII without spaces, found `\"admin\"`")]
fn an_invalid_scope_shows_when_the_route_is_built() {
    let _layer = guard().require("\"admin\"");
}

#[test]
#[should_panic(expected = "at least one entry")]
fn requiring_nothing_is_a_mistake() {
    let _layer = guard().require(" ");
}

#[tokio::test]
async fn behind_an_optional_layer_only_no_token_is_anonymous() {
    let layer = guard().optional_layer();
    assert_eq!(text(through(layer.clone(), get(None)).await).await, "nobody");
    assert_eq!(text(through(layer.clone(), get(Some(&token().mint()))).await).await, "alice");
    assert_eq!(verdict(&through(layer.clone(), get(Some(&expired_token()))).await), (401, vec![EXPIRED]));

    let mut basic = get(None);
    basic.headers_mut().insert("authorization", HeaderValue::from_static("Basic YTpi"));
    assert_eq!(text(through(layer.clone(), basic).await).await, "nobody");

    let mut dpop = get(None);
    dpop.headers_mut().insert("authorization", HeaderValue::from_static("DPoP YTpi"));
    let response = through(layer, dpop).await;
    assert_eq!(body_json(response).await["code"], "auth.authorization_token_type_not_supported");
}

#[tokio::test]
async fn require_behind_an_optional_layer_refuses_the_anonymous() {
    let auth = guard();
    let layers = ServiceBuilder::new().layer(auth.optional_layer()).layer(auth.require("read:orders"));
    let response = through(layers.clone(), get(None)).await;
    assert_eq!(body_json(response).await["code"], "auth.authorization_header_missing");
    let response = through(layers, get(Some(&token().scope("read:orders").mint()))).await;
    assert_eq!(text(response).await, "alice");
}

#[tokio::test]
async fn preflights_pass_every_nesting_and_other_options_do_not() {
    let (auth, other) = (guard(), guard());
    let scoped = || auth.require("read:orders");
    assert_eq!(text(through(auth.layer(), preflight()).await).await, "nobody");
    assert_eq!(text(through(scoped(), preflight()).await).await, "nobody");
    assert_eq!(text(through((auth.layer(), scoped()), preflight()).await).await, "nobody");
    assert_eq!(text(through((scoped(), auth.layer()), preflight()).await).await, "nobody");
    assert_eq!(text(through((other.layer(), scoped()), preflight()).await).await, "nobody");
    assert_eq!(text(through((auth.optional_layer(), scoped()), preflight()).await).await, "nobody");

    for without in ["origin", "access-control-request-method"] {
        let mut options = preflight();
        options.headers_mut().remove(without);
        assert_eq!(through(auth.layer(), options).await.status(), 401, "{without}");
    }
    let mut get = preflight();
    *get.method_mut() = Method::GET;
    assert_eq!(through(auth.layer(), get).await.status(), 401);
}

/// What stands between two layers and takes the header away, so that the inner one cannot judge the token again.
fn strip(mut request: Request<()>) -> Request<()> {
    request.headers_mut().remove("authorization");
    request
}

type Change = fn(Request<()>) -> Request<()>;

fn between(change: Change) -> MapRequestLayer<Change> {
    MapRequestLayer::new(change)
}

#[tokio::test]
async fn a_clone_of_the_guard_only_looks_at_the_policy() {
    let auth = guard();
    let inner = auth.clone().require("read:orders");
    let layers = (auth.layer(), (between(strip), inner));
    let allowed = token().scope("read:orders").mint();
    assert_eq!(text(through(layers.clone(), get(Some(&allowed))).await).await, "alice");
    assert_eq!(through(layers, get(Some(&token().mint()))).await.status(), 403);
}

#[tokio::test]
async fn another_guard_judges_for_itself_in_either_order() {
    let ours = guard();
    let later = builder().with_clock(|| now() + Duration::from_hours(24)).build().unwrap();
    let elsewhere =
        RequiresAuth::builder(ISSUER, "https://other.example.test").with_jwks(jwks()).with_clock(now);
    let elsewhere = elsewhere.build().unwrap();
    let good = token().scope("read:orders").mint();
    for other in [later, elsewhere] {
        let outside = (other.layer(), ours.require("read:orders"));
        assert_eq!(through(outside, get(Some(&good))).await.status(), 401);
        let inside = (ours.layer(), other.require("read:orders"));
        assert_eq!(through(inside, get(Some(&good))).await.status(), 401);
        let around = (ours.layer(), (other.layer(), ours.require("read:orders")));
        assert_eq!(through(around, get(Some(&good))).await.status(), 401);
    }
    // Equal settings do not make it the same guard.
    let twin = guard();
    let layers = (twin.layer(), (between(strip), ours.require("read:orders")));
    assert_eq!(verdict(&through(layers, get(Some(&good))).await), bare());
    let layers = (twin.layer(), (ours.require("read:orders"), twin.require("read:orders")));
    assert_eq!(text(through(layers, get(Some(&good))).await).await, "alice");
}

#[tokio::test]
async fn an_outer_token_is_not_left_to_a_request_that_is_anonymous_inside() {
    let layers = (guard().layer(), (between(strip), guard().optional_layer()));
    assert_eq!(text(through(layers, get(Some(&token().mint()))).await).await, "nobody");
}

#[tokio::test]
async fn what_was_a_preflight_outside_is_none_for_the_layers_inside() {
    let to_delete = |mut request: Request<_>| {
        *request.method_mut() = Method::DELETE;
        request
    };
    let auth = guard();
    let layers = (auth.layer(), (between(to_delete), auth.require("write:orders")));
    assert_eq!(verdict(&through(layers, preflight()).await), bare());
}

#[tokio::test]
async fn an_answer_to_head_has_no_body_but_its_length() {
    let request = |method| {
        let mut request = get(Some(&expired_token()));
        *request.method_mut() = method;
        request
    };
    let head = through(guard().layer(), request(Method::HEAD)).await;
    assert_eq!(verdict(&head), (401, vec![EXPIRED]));
    let length: usize = head.headers()["content-length"].to_str().unwrap().parse().unwrap();
    assert_eq!(text(head).await, "");
    assert_eq!(text(through(guard().layer(), request(Method::GET)).await).await.len(), length);
}

#[tokio::test]
async fn a_script_of_another_origin_may_read_the_challenge() {
    let mut request = get(None);
    request.headers_mut().insert("origin", HeaderValue::from_static("https://app.example.test"));
    let response = through(guard().layer(), request).await;
    assert_eq!(response.headers()["access-control-expose-headers"], "WWW-Authenticate");
}

#[tokio::test]
async fn two_authorization_headers_are_refused_whatever_they_hold() {
    let mut request = get(Some(&token().mint()));
    request.headers_mut().append("authorization", HeaderValue::from_bytes(b"Bearer \xff").unwrap());
    assert_eq!(through(guard().layer(), request).await.status(), 400);
}

#[tokio::test]
async fn a_token_in_header_and_query_is_refused() {
    let mut request = get(Some(&token().mint()));
    *request.uri_mut() = "https://api.example.test/orders?access_token=abc".parse().unwrap();
    assert_eq!(through(guard().layer(), request).await.status(), 400);
}

#[tokio::test]
async fn bodies_have_the_format_of_the_guard() {
    let auth = builder().with_error_body(BodyFormat::ProblemDetails).build().unwrap();
    let response = through(auth.layer(), get(Some(&expired_token()))).await;
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(body_json(response).await["reason"], "expired");

    let own = BodyFormat::custom(|denial| Body::new("text/plain", denial.code().as_str()));
    let auth = builder().with_error_body(own).build().unwrap();
    let response = through(auth.layer(), get(None)).await;
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(text(response).await, "auth.authorization_header_missing");
}

#[tokio::test]
async fn bodies_may_be_of_any_type() {
    // A request body that cannot be sent to another thread, and a response body of bytes.
    let inner = service_fn(async |request: Request<std::rc::Rc<str>>| {
        Ok::<_, Infallible>(Response::new(request.into_body().as_bytes().to_vec()))
    });
    let service = guard().layer().layer(inner);
    let allowed = get::<()>(Some(&token().mint())).map(|()| "order".into());
    assert_eq!(service.clone().oneshot(allowed).await.unwrap().into_body(), b"order");
    let refused = service.oneshot(get::<()>(None).map(|()| "order".into())).await.unwrap();
    assert!(refused.into_body().starts_with(b"{"));

    let inner =
        service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(axum::body::Body::empty())));
    let refused = guard().layer().layer(inner).oneshot(get(None)).await.unwrap();
    assert!(text(refused).await.starts_with('{'));
}

#[tokio::test]
async fn errors_of_the_service_pass_through() {
    let inner = service_fn(async |_: Request<()>| Err::<Response<Vec<u8>>, _>("broken"));
    assert_eq!(guard().layer().layer(inner).oneshot(get(Some(&token().mint()))).await.unwrap_err(), "broken");
}

#[tokio::test]
async fn keys_are_fetched_while_the_request_waits() {
    let auth = cold_guard(true);
    let layers = (auth.layer(), auth.require("read:orders"));
    let allowed = token().scope("read:orders").mint();
    for _ in 0..2 {
        assert_eq!(text(through(layers.clone(), get(Some(&allowed))).await).await, "alice");
    }
    assert_eq!(through(cold_guard(true).require("a"), get(Some(&allowed))).await.status(), 403);
    assert_eq!(
        verdict(&through(cold_guard(true).layer(), get(Some(&expired_token()))).await),
        (401, vec![EXPIRED])
    );
}

#[tokio::test]
async fn what_waits_keeps_its_body_and_extensions() {
    let inner = service_fn(async |request: Request<Vec<u8>>| {
        assert_eq!(request.extensions().get(), Some(&7_u32));
        assert_eq!(request.method(), Method::POST);
        assert!(request.extensions().get::<AccessToken>().is_some());
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let mut request = get::<()>(Some(&token().mint())).map(|()| b"order".to_vec());
    request.extensions_mut().insert(7_u32);
    *request.method_mut() = Method::POST;
    let response = cold_guard(true).layer().layer(inner).oneshot(request).await.unwrap();
    assert_eq!(response.into_body(), b"order");
}

#[tokio::test]
async fn an_outage_of_the_issuer_is_no_fault_of_the_token() {
    let response = through(cold_guard(false).layer(), get(Some(&token().mint()))).await;
    assert_eq!(verdict(&response), (503, vec![]));
    assert!(response.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(body_json(response).await["code"], "auth.issuer_unavailable");
    // What needs no key is judged all the same.
    assert_eq!(through(cold_guard(false).layer(), get(None)).await.status(), 401);
}

/// Takes the only permit when it gets ready, and gives it back when it is called or dropped. Panics if it is called
/// without being ready.
struct Limited {
    permits: Arc<AtomicUsize>,
    is_ready: bool,
}

impl Limited {
    fn new(permits: &Arc<AtomicUsize>) -> Self {
        Self { permits: Arc::clone(permits), is_ready: false }
    }

    fn release(&mut self) -> bool {
        self.permits.fetch_add(usize::from(self.is_ready), Ordering::Relaxed);
        std::mem::take(&mut self.is_ready)
    }
}

impl Clone for Limited {
    fn clone(&self) -> Self {
        Self::new(&self.permits)
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        self.release();
    }
}

impl Service<Request<()>> for Limited {
    type Response = Response<Vec<u8>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if !self.is_ready {
            assert_eq!(self.permits.swap(0, Ordering::Relaxed), 1, "the permit was not given back");
            self.is_ready = true;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(self.release(), "called without being ready");
        ready(Ok(Response::new(Vec::new())))
    }
}

#[tokio::test]
async fn the_service_is_called_only_when_it_is_ready() {
    for auth in [guard(), cold_guard(true)] {
        let mut service = auth.layer().layer(Limited::new(&Arc::new(AtomicUsize::new(1))));
        for _ in 0..3 {
            let answer = service.ready().await.unwrap().call(get(Some(&token().mint())));
            assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_refusal_gives_back_what_the_service_has_reserved() {
    for auth in [guard(), cold_guard(true)] {
        let permits = Arc::new(AtomicUsize::new(1));
        let mut service = auth.layer().layer(Limited::new(&permits));
        for refused in [get(None), get(Some(&expired_token())), get(None)] {
            let answer = service.ready().await.unwrap().call(refused);
            assert_eq!(answer.await.unwrap().status(), StatusCode::UNAUTHORIZED);
            assert_eq!(permits.load(Ordering::Relaxed), 1);
        }
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_while_it_waits_gives_it_back_too() {
    let permits = Arc::new(AtomicUsize::new(1));
    let mut service = cold_guard(true).layer().layer(Limited::new(&permits));
    drop(service.ready().await.unwrap().call(get(Some(&token().mint()))));
    assert_eq!(permits.load(Ordering::Relaxed), 1);
}
