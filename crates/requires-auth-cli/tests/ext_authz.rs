//! `serve` as Envoy asks it over gRPC: what is a question on the wire, and what comes back.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use envoy_types::ext_authz::v3::pb::{CheckRequest, CheckResponse, HttpResponse};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{self, HttpRequest};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::{Code, Status};

use self::support::Server;
use self::support::gateway::{AUDIENCE, ISSUER, Stage, status};

const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// More than any head of a request has.
const TOO_MUCH: usize = 256 * 1024;

/// Starts a gateway with these settings of `forward_auth`.
fn start(stage: &Stage, forward_auth: &str) -> Server {
    stage.write(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[forward_auth]\n{forward_auth}\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [headers]\n\"X-Auth-Subject\" = \"sub\"\n\
         [[routes]]\nmatch = \"GET /orders\"\nscopes = \"read:orders\"\n"
    ));
    stage.start()
}

/// Asks about a request, as a client that was made from Envoy's own definition of the service.
async fn check(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<CheckResponse, Status> {
    let request = HttpRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..HttpRequest::default()
    };
    let request = attribute_context::Request { http: Some(request), ..Default::default() };
    let attributes = AttributeContext { request: Some(request), ..Default::default() };
    let client = AuthorizationClient::connect(server.address("listen").to_owned()).await;
    let question = CheckRequest { attributes: Some(attributes) };
    client.expect("a connection").check(question).await.map(tonic::Response::into_inner)
}

/// Sends bytes over HTTP/2 to the method, with the headers of gRPC and these in their place.
async fn send(server: &Server, method: Method, kind: &str, body: Vec<u8>) -> Response<Incoming> {
    let address = server.address("listen");
    let stream = TcpStream::connect(address.trim_start_matches("http://")).await.expect("it listens");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(format!("{address}{PATH}"));
    let request = request.header("content-type", kind).header("te", "trailers");
    let request = request.body(Full::new(Bytes::from(body))).expect("a request");
    sender.send_request(request).await.expect("an answer")
}

/// The code of an answer in gRPC: it stands behind it, or at its head where nothing else follows.
async fn code_of(response: Response<Incoming>) -> Code {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body");
    let trailers = body.trailers().cloned().unwrap_or_else(HeaderMap::new);
    let code = trailers.get("grpc-status").or_else(|| parts.headers.get("grpc-status"));
    Code::from_bytes(code.expect("a code").as_bytes())
}

/// A message with its length before it.
fn framed(flag: u8, length: u32, message: &[u8]) -> Vec<u8> {
    [&[flag], &length.to_be_bytes()[..], message].concat()
}

#[tokio::test]
async fn each_answer_comes_over_the_wire() {
    let stage = Stage::new("ext-authz");
    let server = start(&stage, "dialects = [\"envoy-grpc\"]");
    let bearer = |scope: &str| format!("Bearer {}", stage.token(scope));
    let (good, poor) = (bearer("read:orders"), bearer("read:nothing"));
    let twice = format!("{good},{good}");
    let cases = [
        ("/orders", ("authorization", good.as_str()), 200, Code::Ok, 0),
        ("/orders?page=2", ("authorization", &good), 200, Code::Ok, 0),
        ("/orders", ("authorization", &poor), 403, Code::PermissionDenied, 1),
        ("/orders", ("authorization", &twice), 401, Code::Unauthenticated, 1),
        ("/orders", ("accept", "*/*"), 401, Code::Unauthenticated, 1),
        ("/orders", ("x_auth_subject", "root"), 400, Code::PermissionDenied, 0),
        ("//orders", ("authorization", &good), 400, Code::PermissionDenied, 0),
        ("/elsewhere", ("authorization", &good), 403, Code::PermissionDenied, 0),
    ];
    for (path, header, status, code, challenges) in cases {
        let answer = check(&server, "GET", path, &[header]).await.expect("an answer");
        assert_eq!(answer.status.expect("a status").code, i32::from(code), "{path} {}", header.0);
        let denied = match answer.http_response.expect("an answer") {
            HttpResponse::OkResponse(ok) => {
                let set: Vec<_> = ok.headers.into_iter().filter_map(|option| option.header).collect();
                assert_eq!(set.len(), 1);
                assert_eq!((set[0].key.as_str(), set[0].value.as_str()), ("x-auth-subject", "alice"));
                assert_eq!(status, 200, "{path} {}", header.0);
                continue;
            }
            HttpResponse::DeniedResponse(denied) => denied,
            other @ HttpResponse::ErrorResponse(_) => panic!("{other:?}"),
        };
        assert_eq!(denied.status.expect("a status").code, status, "{path} {}", header.0);
        let pairs: Vec<_> = denied.headers.into_iter().filter_map(|option| option.header).collect();
        let of = |name: &str| pairs.iter().filter(|pair| pair.key == name).count();
        assert_eq!(of("www-authenticate"), challenges, "{path} {}", header.0);
        assert_eq!(of("content-type"), 1, "Envoy calls a body plain text where nothing does");
        assert!(denied.body.contains("\"code\""), "{}", denied.body);
        assert!(!denied.body.contains(stage.token("").split('.').next().expect("a header")));
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_never_an_allow() {
    let stage = Stage::new("ext-authz-garbage");
    let server = start(&stage, "dialects = [\"envoy-grpc\"]");
    let too_much = "a".repeat(TOO_MUCH);
    let error = check(&server, "GET", "/orders", &[("x", &too_much)]).await.expect_err("it is too long");
    assert_eq!(error.code(), Code::OutOfRange, "{error}");
    for (what, body) in [
        ("nothing at all", Vec::new()),
        ("half of a length", vec![0, 0, 0]),
        ("a message that does not come", framed(0, 5, b"")),
        ("half of a message", framed(0, 5, b"\x0a\x03")),
        ("a message without a request", framed(0, 0, b"")),
        ("a field that is longer than the message", framed(0, 2, b"\x0a\x7f")),
        ("no field", framed(0, 3, b"\xff\xff\xff")),
        ("a compressed message", framed(1, 2, b"\x0a\x00")),
        ("a flag that there is not", framed(7, 2, b"\x0a\x00")),
        ("a length without an end", framed(0, u32::MAX, b"\x0a\x00")),
        ("two messages", [framed(0, 0, b""), framed(0, 0, b"")].concat()),
    ] {
        let response = send(&server, Method::POST, "application/grpc", body).await;
        assert_ne!(code_of(response).await, Code::Ok, "{what}");
    }
    // It goes on.
    let bearer = format!("Bearer {}", stage.token("read:orders"));
    let answer = check(&server, "GET", "/orders", &[("authorization", &bearer)]).await.expect("an answer");
    assert_eq!(answer.status.expect("a status").code, 0);
}

#[tokio::test]
async fn only_grpc_gets_an_answer_in_grpc() {
    let stage = Stage::new("ext-authz-http");
    let server = start(&stage, "dialects = [\"envoy-grpc\"]");
    // Each is a 200 for a proxy that asks over HTTP, if it is taken for gRPC.
    for (method, kind) in [
        (Method::GET, "application/grpc"),
        (Method::POST, "application/json"),
        (Method::POST, "application/grpc-web"),
        (Method::POST, "application/grpcx"),
        (Method::POST, ""),
    ] {
        let response = send(&server, method.clone(), kind, framed(0, 0, b"")).await;
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{method} {kind:?}");
    }
    for kind in ["application/grpc", "application/grpc+proto", "application/grpc; charset=utf-8"] {
        let response = send(&server, Method::POST, kind, framed(0, 0, b"")).await;
        assert_eq!(response.status(), StatusCode::OK, "{kind}");
        assert_eq!(code_of(response).await, Code::InvalidArgument, "{kind}");
    }
    for method in ["GET", "POST"] {
        let head = format!(
            "{method} {PATH} HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n"
        );
        let (_, answer) = support::gateway::ask(server.address("listen"), &head);
        assert_eq!(status(&answer), 415, "{answer}");
    }
}

#[tokio::test]
async fn only_those_who_may_ask_and_only_where_it_is_configured() {
    let stage = Stage::new("ext-authz-peer");
    let bearer = format!("Bearer {}", stage.token("read:orders"));
    let headers = [("authorization", bearer.as_str())];
    let server = start(&stage, "dialects = [\"envoy-grpc\"]\ntrusted_peers = [\"192.0.2.0/24\"]");
    let error = check(&server, "GET", "/orders", &headers).await.expect_err("a stranger");
    assert_eq!(error.code(), Code::PermissionDenied);
    drop(server);

    let server = start(&stage, "dialects = [\"envoy\"]");
    let response = send(&server, Method::POST, "application/grpc", framed(0, 0, b"")).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    check(&server, "GET", "/orders", &headers).await.expect_err("no such method");
}
