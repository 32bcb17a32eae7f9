//! The shared vectors through every dialect: a token gets the verdict that it gets at the library's adapters.

use envoy_types::ext_authz::v3::pb::{CheckRequest, CheckResponse, DeniedHttpResponse, HttpResponse};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{self, HttpRequest};
use http_body_util::BodyExt as _;
use prost::Message as _;
use requires_auth_testkit::vectors::{TokenCase, token_cases};

use super::*;
use crate::gateway::grpc::unary::Status;
use crate::gateway::vector_gateway::{self, Told};

pub(super) const LOOPBACK: Peer = Peer::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

/// The section of a gateway that every proxy may ask.
pub(super) fn sections() -> String {
    format!("\n[forward_auth]\ndialects = {:?}\n", dialect::ALL.map(Dialect::name))
}

/// The dialects whose question is a request over HTTP.
pub(super) fn over_http() -> impl Iterator<Item = &'static dyn Dialect> {
    dialect::ALL.into_iter().filter(|dialect| dialect.transport() == Transport::Http)
}

/// What this dialect tells in place of a refusal. Envoy may let a request through where its question fails, so over HTTP
/// what a stranger can bring about is 403.
pub(super) fn as_told_by(dialect: &dyn Dialect, expected: &Told) -> Told {
    let is_softened = dialect.name() == "envoy" && expected.status == 503;
    let status = if is_softened { 403 } else { expected.status };
    Told { status, ..expected.clone() }
}

fn gateway(case: &TokenCase) -> Option<Gateway> {
    let (config, auth) = vector_gateway::of_token(case, &sections())?;
    Some(Gateway::new(&config, auth).expect("a gateway"))
}

async fn ask(gateway: &Gateway, target: &str, headers: &[(&str, &str)]) -> Option<Told> {
    let mut request = Request::builder().uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Some(told_over_http(gateway, &request.body(()).ok()?).await.0)
}

/// The answer to a question over HTTP, and its headers.
pub(super) async fn told_over_http(gateway: &Gateway, request: &Request<()>) -> (Told, HeaderMap) {
    let (parts, body) = answer(gateway, request, LOOPBACK).await.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    (Told::over_http(parts.status, &parts.headers, &body), parts.headers)
}

async fn ask_over_grpc(gateway: &Gateway, authorization: &str) -> Told {
    let request = HttpRequest {
        method: "GET".to_owned(),
        path: "/".to_owned(),
        headers: [("authorization".to_owned(), authorization.to_owned())].into(),
        ..HttpRequest::default()
    };
    told_over_grpc(gateway, request).await.0
}

/// The answer to a question over gRPC, and the headers of a refusal.
pub(super) async fn told_over_grpc(gateway: &Gateway, request: HttpRequest) -> (Told, HeaderMap) {
    let response = check_over_grpc(gateway, &grpc_question(request), LOOPBACK).await.expect("an answer");
    let code = response.status.expect("a status").code;
    match response.http_response.expect("an answer") {
        HttpResponse::OkResponse(_) => {
            assert_eq!(code, 0);
            (Told::allowed(), HeaderMap::new())
        }
        HttpResponse::DeniedResponse(denied) => {
            assert_ne!(code, 0, "zero would be an allow");
            let status = denied.status.as_ref().expect("a status").code;
            let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
            let headers = headers_of(&denied);
            (Told::over_http(status.expect("a status"), &headers, denied.body.as_bytes()), headers)
        }
        other @ HttpResponse::ErrorResponse(_) => panic!("{other:?}"),
    }
}

fn headers_of(denied: &DeniedHttpResponse) -> HeaderMap {
    let pairs = denied.headers.iter().filter_map(|option| option.header.as_ref());
    let pair = |pair: &envoy_types::pb::envoy::config::core::v3::HeaderValue| {
        let name = http::HeaderName::try_from(pair.key.as_str()).expect("a name");
        (name, http::HeaderValue::try_from(pair.value.as_str()).expect("a value"))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.map(pair) {
        headers.append(name, value);
    }
    headers
}

/// Asks in the bytes of Envoy's own definitions, and reads the answer by them.
pub(super) async fn check_over_grpc(
    gateway: &Gateway,
    question: &CheckRequest,
    peer: Peer,
) -> Result<CheckResponse, Status> {
    let response = grpc::check(gateway, &question.encode_to_vec(), peer).await?;
    Ok(CheckResponse::decode(&response.into_bytes()[..]).expect("a message"))
}

pub(super) fn grpc_question(request: HttpRequest) -> CheckRequest {
    let request = attribute_context::Request { http: Some(request), ..Default::default() };
    CheckRequest { attributes: Some(AttributeContext { request: Some(request), ..Default::default() }) }
}

#[tokio::test]
async fn every_token_gets_one_verdict_in_every_dialect() {
    let (mut asked, mut not_asked) = (0, 0);
    for case in token_cases() {
        let Some(gateway) = gateway(&case) else {
            not_asked += 1;
            continue;
        };
        let expected = Told::expected_of_token(&case);
        let authorization = format!("Bearer {}", case.token);
        for dialect in over_http() {
            let (target, mut headers) = dialect.ask("GET", "/", None);
            headers.push(("authorization", authorization.as_str()));
            let Some(told) = ask(&gateway, &target, &headers).await else {
                // No server hands such a header on.
                continue;
            };
            assert_eq!(told, as_told_by(dialect, &expected), "{} in {dialect:?}", case.id);
            asked += 1;
        }
        if http::HeaderValue::try_from(&authorization).is_ok() {
            assert_eq!(ask_over_grpc(&gateway, &authorization).await, expected, "{} in envoy-grpc", case.id);
            asked += 1;
        }
    }
    println!("{asked} questions; of {not_asked} vectors no guard can be made");
    assert!(asked > 5_000, "{asked}");
}
