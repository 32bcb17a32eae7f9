//! A client that floods with unknown opaque tokens does not take the calls to the provider that others need, whichever
//! proxy tells who the client is.

use std::time::{Duration, UNIX_EPOCH};

use envoy_types::pb::envoy::config::core::v3::{Address, SocketAddress, address};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer as Source};
use http::{HeaderValue, header::AUTHORIZATION};
use http_body_util::BodyExt as _;
use requires_auth::introspect::{
    Introspect, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};

use super::vectors::{LOOPBACK, check_over_grpc, grpc_question, sections};
use super::*;
use crate::gateway::config::Config;

const CONFIG: &str = r#"
[issuers.main]
issuer = "https://issuer.example"
audience = "https://api.example.com"
accept_tokens = "opaque"
introspection = { endpoint = "https://issuer.example/introspect", client_id = "api", client_secret_env = "HOME" }
[[routes]]
match = "GET /*"
"#;

/// Knows every token that begins with `good`.
struct Provider;

impl Introspect for Provider {
    fn introspect(&self, request: IntrospectionRequest) -> IntrospectionFuture {
        let answer = if request.body().contains("token=good") {
            r#"{"active":true,"token_type":"Bearer","aud":"https://api.example.com","sub":"alice"}"#
        } else {
            r#"{"active":false}"#
        };
        Box::pin(std::future::ready(Ok(IntrospectionResponse::new(200, answer))))
    }
}

/// A gateway whose clock stands still.
fn gateway() -> Gateway {
    let config = Config::parse(&(sections() + CONFIG), "gateway.toml").expect("a configuration");
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let auth = config.build_with(|builder| builder.with_introspect(Provider).with_clock(move || now));
    Gateway::new(&config, auth.expect("a guard")).expect("a gateway")
}

/// What a client at this address is answered with this token.
async fn status(gateway: &Gateway, dialect: &dyn Dialect, client: &str, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    if dialect.transport() == Transport::Grpc {
        return status_over_grpc(gateway, client, bearer).await;
    }
    let (target, mut headers) = dialect.ask("GET", "/orders", None);
    // A client can write such a header, too; what counts is what the proxy has seen itself.
    let forwarded = format!("198.51.100.7, {client}");
    headers.push(if ["haproxy", "nginx"].contains(&dialect.name()) {
        ("x-real-ip", client)
    } else {
        ("x-forwarded-for", &forwarded)
    });
    let mut request = Request::builder().method("GET").uri(target);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.header(AUTHORIZATION, HeaderValue::try_from(bearer).expect("a value"));
    let answer = answer(gateway, &request.body(()).expect("a request"), LOOPBACK).await;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let is_unavailable = String::from_utf8_lossy(&body).contains("auth.issuer_unavailable");
    // Envoy and nginx are told some of these as 403.
    if is_unavailable { 503 } else { parts.status.as_u16() }
}

async fn status_over_grpc(gateway: &Gateway, client: &str, bearer: String) -> u16 {
    let mut question = grpc_question(HttpRequest {
        method: "GET".to_owned(),
        path: "/orders".to_owned(),
        headers: [("authorization".to_owned(), bearer)].into(),
        ..HttpRequest::default()
    });
    let socket = SocketAddress { address: client.to_owned(), ..Default::default() };
    let address = Some(Address { address: Some(address::Address::SocketAddress(socket)) });
    let attributes = question.attributes.as_mut().expect("attributes");
    attributes.source = Some(Source { address, ..Default::default() });
    let response = check_over_grpc(gateway, &question, LOOPBACK).await.expect("an answer");
    match response.status.expect("a status").code {
        0 => 200,
        14 => 503,
        _ => 401,
    }
}

#[tokio::test]
async fn who_floods_is_held_back_and_others_are_not() {
    for dialect in dialect::ALL {
        let gateway = gateway();
        let mut unavailable = 0;
        for number in 0..300 {
            let token = format!("made-up-{number}");
            unavailable += usize::from(status(&gateway, dialect, "192.0.2.1", &token).await == 503);
        }
        let is_told = dialect.name() != "envoy";
        let other = status(&gateway, dialect, "192.0.2.2", "good-token").await;
        if is_told {
            assert_eq!((unavailable, other), (250, 200), "{}", dialect.name());
        } else {
            // Envoy does not tell over HTTP who the client is: what there may be is for whoever comes first.
            assert_eq!((unavailable, other), (200, 503), "{}", dialect.name());
        }
        let again = status(&gateway, dialect, "192.0.2.1", "good-token-of-mallory").await;
        assert_eq!(again, 503, "{}", dialect.name());
    }
}
