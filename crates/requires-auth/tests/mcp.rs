//! The layer for an MCP server: what it reads and when, what it hands on, and what its challenges say.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use requires_auth::guard::Builder;
use requires_auth::tower::McpLayer;
use requires_auth::{AccessToken, Denial, RequiresAuth};
use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey, jwk_set};
use serde_json::{Value, json};
use tower::{Layer, Service, ServiceExt, service_fn};

const ISSUER: &str = "https://issuer.example";
const RESOURCE: &str = "https://api.example/mcp";
const POINTER: &str = r#"resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp""#;
const LACKS: &str =
    r#"Bearer error="insufficient_scope", error_description="the token lacks a scope that this route needs""#;

/// A builder with the keys of a forge that mints tokens for the resource.
fn stage() -> (Builder, Forge) {
    let key = SigningKey::generate(Algorithm::Es256);
    let builder = RequiresAuth::resource_builder(ISSUER, RESOURCE).with_jwks(jwk_set([&key]).to_string());
    (builder, Forge::new(ISSUER, RESOURCE, key))
}

fn orders(auth: &RequiresAuth) -> McpLayer {
    let layer = auth.mcp().scopes("read:orders").tool("list_orders", "").tool("create_order", "write:orders");
    layer.tool("refund", "write:refunds").layer()
}

fn call(tool: &str) -> String {
    let params = json!({ "name": tool, "arguments": {} });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string()
}

fn post(token: Option<String>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post("/mcp").header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(body.into()).unwrap()
}

/// A server that answers with what it got: the subject, whether there is an `Authorization` header, and the body.
async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let token = parts.extensions.get::<AccessToken>().expect("a token");
    let told = [parts.headers.contains_key("authorization"), parts.headers.contains_key("x-token")];
    let subject = token.subject().unwrap_or_default().to_owned();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let answer = json!({ "subject": subject, "told": told, "body": String::from_utf8_lossy(&body) });
    Ok(Response::new(Body::from(answer.to_string())))
}

async fn ask(layer: &McpLayer, request: Request<Body>) -> Response<Body> {
    layer.layer(service_fn(echo)).oneshot(request).await.unwrap()
}

/// The status, and the challenge if there is one.
async fn verdict(layer: &McpLayer, request: Request<Body>) -> (u16, String) {
    let answer = ask(layer, request).await;
    let challenge = answer.headers().get("www-authenticate").map_or("", |value| value.to_str().unwrap());
    (answer.status().as_u16(), challenge.to_owned())
}

async fn json_of(answer: Response<Body>) -> Value {
    serde_json::from_slice(&to_bytes(answer.into_body(), usize::MAX).await.unwrap()).unwrap()
}

/// A body of pieces, which counts how many were asked for, and whose length nobody knows.
struct Pieces {
    left: VecDeque<Bytes>,
    asked: Arc<AtomicUsize>,
}

impl Pieces {
    fn body(pieces: impl IntoIterator<Item = impl Into<Bytes>>) -> (Body, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let left = pieces.into_iter().map(Into::into).collect();
        (Body::new(Self { left, asked: Arc::clone(&asked) }), asked)
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(self.left.pop_front().map(|piece| match &*piece {
            b"!" => Err(std::io::Error::other("the client is gone")),
            _ => Ok(Frame::data(piece)),
        }))
    }
}

#[tokio::test]
async fn a_call_passes_with_its_scopes_and_its_body_is_handed_on_unchanged() {
    let (builder, forge) = stage();
    let layer = orders(&builder.build().unwrap());
    let token = forge.token().subject("alice").scope("read:orders write:orders").mint();
    let text = format!(" {}\r\n", call("create_order"));
    for body in [Body::from(text.clone()), Pieces::body(text.bytes().map(|byte| vec![byte])).0] {
        let answer = ask(&layer, post(Some(token.clone()), body)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let expected = json!({ "subject": "alice", "told": [false, false], "body": text });
        assert_eq!(json_of(answer).await, expected);
    }
}

#[tokio::test]
async fn nothing_is_read_of_a_request_that_is_not_authenticated() {
    let (builder, forge) = stage();
    let layer = orders(&builder.build().unwrap());
    let down = RequiresAuth::resource_builder(ISSUER, RESOURCE).with_fetch(Down).build().unwrap();
    let expired = forge.token().defect(Defect::Expired).scope("read:orders write:orders").mint();
    let foreign = forge.token().claim("aud", "https://api.example/other").scope("read:orders").mint();
    for (layer, token, expected) in [
        (&layer, None, 401),
        (&layer, Some(expired), 401),
        (&layer, Some(foreign), 401),
        (&layer, Some("opaque".to_owned()), 401),
        (&orders(&down), Some(forge.token().mint()), 503),
    ] {
        let (body, asked) = Pieces::body([call("create_order")]);
        assert_eq!(verdict(layer, post(token, body)).await.0, expected);
        assert_eq!(asked.load(Ordering::Relaxed), 0, "{expected}");
    }
    // One that is encoded is refused by its headers, and one that is too long as soon as that shows.
    let token = || Some(forge.token().scope("read:orders write:orders").mint());
    for (name, value, expected) in [("content-encoding", "gzip", 415), ("content-length", "4194305", 413)] {
        let (body, asked) = Pieces::body([call("create_order")]);
        let mut request = post(token(), body);
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(verdict(&layer, request).await, (expected, String::new()));
        assert_eq!(asked.load(Ordering::Relaxed), 0, "{name}");
    }
    let (body, asked) = Pieces::body(vec![vec![b' '; 1 << 20]; 64]);
    assert_eq!(verdict(&layer, post(token(), body)).await.0, 413);
    assert_eq!(asked.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn a_limit_counts_to_the_byte() {
    let (builder, forge) = stage();
    let text = call("create_order");
    let auth = builder.build().unwrap();
    let layer = |limit| auth.mcp().tool("create_order", "").max_body(limit).layer();
    let token = || Some(forge.token().mint());
    for (limit, expected) in [(text.len(), 200), (text.len() - 1, 413)] {
        let layer = layer(limit);
        let (first, last) = text.split_at(20);
        for body in [Body::from(text.clone()), Pieces::body([first.to_owned(), last.to_owned()]).0] {
            assert_eq!(verdict(&layer, post(token(), body)).await.0, expected, "{limit}");
        }
    }
    let broken = Pieces::body([text[..20].to_owned(), "!".to_owned()]).0;
    assert_eq!(verdict(&layer(4096), post(token(), broken)).await.0, 400);
}

#[tokio::test]
async fn one_challenge_names_everything_that_a_call_needs() {
    let (builder, forge) = stage();
    let layer = orders(&builder.build().unwrap());
    let with = |scope: &str| Some(forge.token().scope(scope).mint());
    let missing = |scope: &str| (403, format!("{LACKS}, scope=\"{scope}\", {POINTER}"));
    for (token, tool, expected) in [
        // Who has no token asks for the base.
        (None, "create_order", (401, format!("Bearer scope=\"read:orders\", {POINTER}"))),
        (with("other"), "create_order", missing("read:orders write:orders")),
        (with("read:orders"), "create_order", missing("read:orders write:orders")),
        (with("write:orders"), "create_order", missing("read:orders write:orders")),
        // Two tools in turn: the scope for the first is not lost.
        (with("read:orders write:orders x"), "refund", missing("read:orders write:refunds write:orders")),
        (with("read:orders write:orders"), "create_order", (200, String::new())),
        (with("read:orders"), "list_orders", (200, String::new())),
        (with("other"), "list_orders", missing("read:orders")),
        (with("read:orders write:orders"), "drop_tables", (403, String::new())),
    ] {
        assert_eq!(verdict(&layer, post(token, call(tool))).await, expected, "{tool}");
    }
}

#[tokio::test]
async fn the_base_of_the_guard_is_asked_for_together_with_the_rest() {
    let (builder, forge) = stage();
    let auth = builder.with_base_scopes(["mcp"]).build().unwrap();
    let with = |scope: &str| Some(forge.token().scope(scope).mint());
    let layer = auth.mcp().scopes("read:orders").tool("create_order", "write:orders").layer();
    let expected = format!("{LACKS}, scope=\"mcp read:orders write:orders\", {POINTER}");
    for lacking in ["", "read:orders write:orders", "mcp", "mcp read:orders"] {
        let verdict = verdict(&layer, post(with(lacking), call("create_order"))).await;
        assert_eq!(verdict, (403, expected.clone()), "{lacking}");
    }
    assert_eq!(
        verdict(&layer, post(with("mcp read:orders write:orders"), call("create_order"))).await.0,
        200
    );
    let none = verdict(&layer, post(None, "")).await;
    assert_eq!(none, (401, format!("Bearer scope=\"mcp read:orders\", {POINTER}")));

    // Without a table, too, and for requests without a message.
    let plain = auth.mcp().layer();
    assert_eq!(verdict(&plain, post(with("other"), "no message")).await.0, 403);
    assert_eq!(verdict(&plain, post(with("mcp"), "no message")).await.0, 200);
}

#[tokio::test]
async fn a_broader_scope_that_implies_the_others_passes() {
    let (builder, forge) = stage();
    let auth = builder.with_implied_scopes("admin", "read:orders write:orders").build().unwrap();
    let token = forge.token().scope("admin").mint();
    assert_eq!(verdict(&orders(&auth), post(Some(token), call("create_order"))).await.0, 200);
}

#[tokio::test]
async fn requests_without_a_message_need_the_base() {
    let (builder, forge) = stage();
    let layer = orders(&builder.build().unwrap());
    for method in ["GET", "DELETE"] {
        let ask = |scope: &str| {
            let request = Request::builder().method(method).uri("/mcp");
            let token = forge.token().scope(scope).mint();
            request.header("authorization", format!("Bearer {token}")).body(Pieces::body(["{"]).0).unwrap()
        };
        assert_eq!(verdict(&layer, ask("read:orders")).await.0, 200, "{method}");
        let expected = (403, format!("{LACKS}, scope=\"read:orders\", {POINTER}"));
        assert_eq!(verdict(&layer, ask("other")).await, expected, "{method}");
    }
    let bare = Request::get("/mcp").body(Body::empty()).unwrap();
    assert_eq!(verdict(&layer, bare).await.0, 401);
}

#[tokio::test]
async fn a_message_that_cannot_be_judged_is_answered_in_json_rpc() {
    let (builder, forge) = stage();
    let layer = orders(&builder.build().unwrap());
    let token = || Some(forge.token().scope("read:orders write:orders").mint());
    let twice = r#"{"method":"tools/call","params":{"name":"list_orders","name":"create_order"}}"#;
    for (headers, body, status, code) in [
        (vec![], twice.to_owned(), 400, -32_700),
        (vec![], "{}".to_owned(), 400, -32_600),
        (vec![("mcp-name", "list_orders")], call("create_order"), 400, -32_020),
        (vec![("mcp-name", "list_orders"), ("mcp-name", "create_order")], call("create_order"), 400, -32_020),
        (vec![("content-encoding", "br")], call("create_order"), 415, -32_600),
    ] {
        let mut request = post(token(), body);
        for (name, value) in headers {
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let answer = ask(&layer, request).await;
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let denial = answer.extensions().get::<Denial>().expect("a denial").code();
        let body = json_of(answer).await;
        assert_eq!(body["error"]["code"], code);
        assert_eq!(body["error"]["data"]["code"], denial.as_str());
        assert_eq!((&body["jsonrpc"], &body["id"]), (&json!("2.0"), &Value::Null));
    }
}

#[tokio::test]
async fn events_stream_through_one_by_one() {
    let (builder, forge) = stage();
    let auth = builder.build().unwrap();
    let (events, asked) = Pieces::body(["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]);
    let events = Arc::new(std::sync::Mutex::new(Some(events)));
    let stream = service_fn(move |_: Request<Body>| {
        let body = events.lock().unwrap().take().expect("one request");
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    let token = forge.token().scope("read:orders").mint();
    let answer = orders(&auth).layer(stream).oneshot(post(Some(token), call("list_orders"))).await.unwrap();
    let mut body = answer.into_body();
    for event in 1..=3_usize {
        assert_eq!(asked.load(Ordering::Relaxed), event - 1, "nothing is read ahead");
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), format!("data: {event}\n\n"));
    }
}

#[tokio::test]
async fn an_axum_server_has_it_in_two_statements() {
    let (builder, forge) = stage();
    let auth = builder.build().unwrap();
    let app: Router = Router::new()
        .nest_service("/mcp", service_fn(echo))
        .layer(auth.mcp().scopes("read:orders").tool("create_order", "write:orders").layer());
    let ask = async |request| app.clone().oneshot(request).await.unwrap();
    let token = |scope: &str| Some(forge.token().subject("alice").scope(scope).mint());

    let document = Request::get("/.well-known/oauth-protected-resource/mcp").body(Body::empty()).unwrap();
    let document = json_of(ask(document).await).await;
    assert_eq!(
        (&document["resource"], &document["authorization_servers"]),
        (&json!(RESOURCE), &json!([ISSUER]))
    );
    assert_eq!(ask(post(None, call("create_order"))).await.status(), 401);
    assert_eq!(ask(post(token("read:orders"), call("create_order"))).await.status(), 403);
    let answer = ask(post(token("read:orders write:orders"), call("create_order"))).await;
    assert_eq!(json_of(answer).await["subject"], "alice");

    // A preflight shows no token; what is behind answers it.
    let preflight = Request::options("/mcp")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let app: Router = Router::new()
        .nest_service(
            "/mcp",
            service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty()))),
        )
        .layer(orders(&auth));
    assert_eq!(app.oneshot(preflight.body(Body::empty()).unwrap()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_outer_layer_of_the_same_guard_has_judged_the_token() {
    let (builder, forge) = stage();
    let auth = builder.build().unwrap();
    let mut service = auth.layer().layer(orders(&auth).layer(service_fn(echo)));
    let mut ask = async |scope: &str| {
        let request = post(Some(forge.token().scope(scope).mint()), call("create_order"));
        service.ready().await.unwrap().call(request).await.unwrap()
    };
    assert_eq!(ask("read:orders").await.status(), 403);
    let answer = ask("read:orders write:orders").await;
    assert_eq!(json_of(answer).await["told"], json!([false, false]));
}

#[tokio::test]
async fn a_token_in_another_header_is_not_handed_on_either() {
    let (builder, forge) = stage();
    let places = [requires_auth::credential::TokenPlace::header("X-Token").unwrap()];
    let layer = orders(&builder.with_token_from(places).build().unwrap());
    let mut request = post(None, call("list_orders"));
    let token = forge.token().scope("read:orders").mint();
    request.headers_mut().insert("x-token", token.parse().unwrap());
    let answer = ask(&layer, request).await;
    assert_eq!(json_of(answer).await["told"], json!([false, false]));
}

#[test]
fn a_table_that_cannot_be_meant_stops_the_program_at_its_start() {
    let auth = stage().0.build().unwrap();
    let layer = || auth.mcp().tool("a", "b").tool("a", "openid");
    let error = layer().try_layer().unwrap_err();
    assert_eq!(error.problems().len(), 2);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| layer().layer()));
    assert!(panicked.is_err());
}

/// An issuer that is down.
struct Down;

impl requires_auth::fetch::Fetch for Down {
    fn fetch(&self, _: requires_auth::fetch::FetchRequest) -> requires_auth::fetch::FetchFuture {
        Box::pin(std::future::ready(Ok(requires_auth::fetch::FetchResponse::new(500, ""))))
    }
}
