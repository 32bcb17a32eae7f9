//! `grpc_load ADDRESS SECONDS STREAMS TOKENS`: asks as Envoy does over gRPC, each time with the next token of a file, over
//! one connection with so many streams at a time, and prints what came of it as JSON.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use envoy_types::ext_authz::v3::pb::{CheckRequest, CheckResponse};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{self, HttpRequest};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;

/// A frame of gRPC: not compressed, its length, the message.
fn frame(message: &CheckRequest) -> Bytes {
    let body = message.encode_to_vec();
    let length = u32::try_from(body.len()).expect("a short message");
    [&[0], &length.to_be_bytes()[..], &body].concat().into()
}

fn question(token: &str) -> Bytes {
    let headers = [
        (":authority", "api.example.com"),
        (":method", "GET"),
        (":path", "/orders/1"),
        (":scheme", "http"),
        ("accept", "*/*"),
        ("authorization", &format!("Bearer {token}")),
        ("user-agent", "load"),
        ("x-forwarded-proto", "http"),
        ("x-request-id", "7c9ab2f0-6b0e-4d54-9c3f-2f7a7d4f9a11"),
    ];
    let http = HttpRequest {
        method: "GET".to_owned(),
        path: "/orders/1".to_owned(),
        host: "api.example.com".to_owned(),
        scheme: "http".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..HttpRequest::default()
    };
    let request = attribute_context::Request { http: Some(http), ..Default::default() };
    frame(&CheckRequest {
        attributes: Some(AttributeContext { request: Some(request), ..Default::default() }),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, seconds, streams, tokens] = &arguments[..] else {
        panic!("grpc_load ADDRESS SECONDS STREAMS TOKENS");
    };
    let tokens = std::fs::read_to_string(tokens).expect("a file of tokens");
    let questions: Rc<[Bytes]> = tokens.lines().map(question).collect();
    let (seconds, streams): (f64, usize) =
        (seconds.parse().expect("seconds"), streams.parse().expect("streams"));
    let stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
    stream.set_nodelay(true).expect("a TCP socket");
    let (sender, connection) =
        http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);

    let (next, latencies) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
    let begun = Instant::now();
    let until = begun + Duration::from_secs_f64(seconds);
    let local = tokio::task::LocalSet::new();
    for _ in 0..streams {
        let (mut sender, questions) = (sender.clone(), Rc::clone(&questions));
        let (next, latencies, url) = (Rc::clone(&next), Rc::clone(&latencies), format!("http://{address}"));
        local.spawn_local(async move {
            while Instant::now() < until {
                let body = questions[next.replace(next.get() + 1) % questions.len()].clone();
                let request = http::Request::post(format!("{url}/envoy.service.auth.v3.Authorization/Check"))
                    .header("content-type", "application/grpc")
                    .header("te", "trailers")
                    .body(Full::new(body))
                    .expect("a request");
                let asked = Instant::now();
                let response = sender.send_request(request).await.expect("an answer");
                let body = response.into_body().collect().await.expect("a body").to_bytes();
                latencies.borrow_mut().push(asked.elapsed());
                let answer = CheckResponse::decode(body.get(5..).unwrap_or_default()).expect("a message");
                assert_eq!(answer.status.expect("a status").code, 0, "it is allowed");
            }
        });
    }
    local.await;
    let elapsed = begun.elapsed().as_secs_f64();
    let mut latencies = latencies.take();
    latencies.sort_unstable();
    let at = |share: usize| {
        latencies[(latencies.len() * share / 100).min(latencies.len() - 1)].as_secs_f64() * 1e3
    };
    println!(
        "{{\"per_second\": {:.1}, \"p50_ms\": {:.3}, \"p99_ms\": {:.3}, \"errors\": 0}}",
        latencies.len() as f64 / elapsed,
        at(50),
        at(99)
    );
}
