//! The shared vectors about places of a token, and about claim rules on the path, through every dialect; and what is taken away from the application.

use envoy_types::ext_authz::v3::pb::HttpResponse;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{
    HeaderMap as RawHeaders, HeaderValue as RawHeader, HeaderValueOption,
};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use http_body_util::BodyExt as _;
use requires_auth_testkit::vectors::{Outcome, RequestCase, request_cases};

use super::vectors::{Told, check_over_grpc, gateway_of, grpc_question, told_over_grpc};
use super::*;

const LOOPBACK: Peer = Peer::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

/// What a proxy is to be told; `None` where a route of the gateway cannot say the same.
fn expected(case: &RequestCase) -> Option<Told> {
    match &case.outcome {
        Outcome::Deny(refusal) => Some(Told::refused(refusal)),
        Outcome::Allow => Some(Told::allowed()),
        _ => None,
    }
}

fn gateway(case: &RequestCase) -> Gateway {
    let pattern = format!("{} {}", case.method, case.route.as_deref().unwrap_or("/items"));
    gateway_of(&case.id, &case.config, case.jwks.as_ref().expect("keys"), &pattern).expect("a gateway")
}

/// The question of a proxy about a request.
fn question(dialect: &dyn Dialect, case: &RequestCase) -> Request<()> {
    let (target, own) = dialect.ask(&case.method, &case.url, None);
    let method = if dialect.name() == "envoy" { case.method.as_str() } else { "GET" };
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in own {
        request = request.header(name, value);
    }
    for (name, value) in &case.headers {
        request = request.header(name, value.as_slice());
    }
    request.body(()).expect("a request")
}

fn over_grpc(case: &RequestCase) -> HttpRequest {
    let raw = |(name, value): &(String, Vec<u8>)| RawHeader {
        key: name.to_ascii_lowercase(),
        raw_value: value.clone(),
        ..RawHeader::default()
    };
    HttpRequest {
        method: case.method.clone(),
        path: case.url.clone(),
        header_map: Some(RawHeaders { headers: case.headers.iter().map(raw).collect() }),
        ..HttpRequest::default()
    }
}

fn cases() -> impl Iterator<Item = (RequestCase, Told)> {
    let is_asked = |case: &RequestCase| case.row.starts_with(['N', 'S']) || case.route.is_some();
    let of_requests = request_cases().into_iter().filter(move |case| is_asked(case) && !case.config.optional);
    of_requests.filter_map(|case| {
        let told = expected(&case)?;
        Some((case, told))
    })
}

#[tokio::test]
async fn every_place_gets_one_verdict_in_every_dialect() {
    let mut asked = 0;
    for (case, told) in cases() {
        let gateway = gateway(&case);
        for dialect in dialect::ALL.into_iter().filter(|dialect| dialect.transport() == Transport::Http) {
            let (parts, body) = answer(&gateway, &question(dialect, &case), LOOPBACK).await.into_parts();
            let challenges = parts.headers.get_all("www-authenticate").iter();
            let challenges = challenges.map(|value| value.to_str().expect("ASCII").to_owned()).collect();
            let body = body.collect().await.expect("a body").to_bytes();
            assert_eq!(
                Told::new(parts.status.as_u16(), challenges, &body),
                told,
                "{} in {dialect:?}",
                case.id
            );
            asked += 1;
        }
        assert_eq!(told_over_grpc(&gateway, over_grpc(&case)).await, told, "{} in envoy-grpc", case.id);
        asked += 1;
    }
    assert!(asked > 200, "{asked}");
}

/// Envoy takes the token away, and a header that is left with something else is overwritten.
#[tokio::test]
async fn envoy_passes_no_token_on_that_was_read() {
    let case = |id: &str| cases().find(|(case, _)| case.id == id).expect("a case").0;
    for (id, removed, set) in [
        ("place-header", "cf-access-jwt-assertion", None),
        ("place-cookie", "", Some(("cookie", "a=b; c=d"))),
        ("place-protocol-after", "", Some(("sec-websocket-protocol", "chat, v2"))),
        ("place-protocol-prefix", "", Some(("sec-websocket-protocol", "chat"))),
        ("cookie-get", "cookie", None),
    ] {
        let case = case(id);
        let gateway = gateway(&case);
        let envoy = dialect::named("envoy").expect("a dialect");
        let response = answer(&gateway, &question(envoy, &case), LOOPBACK).await;
        assert_eq!(response.status(), 200, "{id}");
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("x-envoy-auth-headers-to-remove").unwrap_or_default(), removed, "{id}");
        assert_eq!(set.and_then(|(name, _)| header(name)), set.map(|(_, value)| value), "{id}");

        let told =
            check_over_grpc(&gateway, &grpc_question(over_grpc(&case)), LOOPBACK).await.expect("an answer");
        let Some(HttpResponse::OkResponse(allowed)) = told.http_response else { panic!("{id}") };
        assert_eq!(allowed.headers_to_remove.join(","), removed, "{id}");
        let headers = allowed.headers.iter().filter_map(|option| option.header.as_ref());
        let found =
            headers.filter(|own| set.is_some_and(|(name, _)| own.key == name)).map(|own| own.value.as_str());
        assert_eq!(
            found.collect::<Vec<_>>(),
            set.iter().map(|(_, value)| *value).collect::<Vec<_>>(),
            "{id}"
        );
        // The answer is private where the application does not say otherwise.
        let added = allowed.response_headers_to_add.iter();
        let private = added.filter(|own| own.header.as_ref().is_some_and(|own| own.value == "private"));
        let actions: Vec<_> = private.map(HeaderValueOption::append_action).collect();
        assert_eq!(actions, [HeaderAppendAction::AddIfAbsent], "{id}");
    }
}
