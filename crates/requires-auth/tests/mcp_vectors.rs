//! The vectors of messages to an MCP server, through the library, a tower service and an axum router.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::ready;
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::Response;
use requires_auth::config::Config;
use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
use requires_auth::mcp::{self, Scopes};
use requires_auth::settings::{self, Setting};
use requires_auth::{AccessToken, Denial, Request, RequiresAuth, danger};
use requires_auth_testkit::vectors::{McpCase, Outcome, mcp_cases};
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};

/// What is compared of an answer.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    /// The request has reached the server with this body, and with an access token but for the header.
    Passed(Vec<u8>),
    Refused {
        status: u16,
        code: String,
        reason: Option<String>,
        challenges: Vec<String>,
        headers: BTreeMap<String, String>,
        json_rpc: Option<i64>,
    },
}

impl Answer {
    fn expected(case: &McpCase) -> Self {
        match &case.request.outcome {
            Outcome::Allow => Self::Passed(case.body.clone().unwrap_or_default()),
            Outcome::Deny(refusal) => Self::Refused {
                status: refusal.status,
                code: refusal.code.clone(),
                reason: refusal.reason.clone(),
                challenges: refusal.challenge.iter().cloned().collect(),
                headers: case
                    .request
                    .response_headers
                    .iter()
                    .map(|(name, value)| (name.to_lowercase(), value.clone()))
                    .collect(),
                json_rpc: case.json_rpc.map(i64::from),
            },
            other => panic!("{}: {other:?}", case.request.id),
        }
    }

    fn refused<'n, 'v>(status: u16, headers: impl Iterator<Item = (&'n str, &'v str)>, body: &[u8]) -> Self {
        let all: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let of = |wanted: &str| all.iter().filter(|(name, _)| name == wanted).cloned().collect::<Vec<_>>();
        let body: Value = serde_json::from_slice(body).unwrap();
        let json_rpc = body["error"]["code"].as_i64();
        let members = if json_rpc.is_some() { &body["error"]["data"] } else { &body };
        assert_eq!(members["status"], status);
        let text = |name: &str| members[name].as_str().map(str::to_owned);
        Self::Refused {
            status,
            code: text("code").unwrap(),
            reason: text("reason"),
            challenges: of("www-authenticate").into_iter().map(|(_, value)| value).collect(),
            headers: of("cache-control").into_iter().collect(),
            json_rpc,
        }
    }
}

fn guard(case: &McpCase) -> RequiresAuth {
    let config = &case.request.config;
    let is_of_issuer = |key: &str| settings::find(key).is_some_and(Setting::is_of_issuer);
    let file = Config::parse(&config.to_toml(is_of_issuer), "vector.toml").unwrap();
    let now = UNIX_EPOCH + Duration::from_secs(config.now.try_into().unwrap());
    let guard = file.build_with(|builder| {
        let builder = match &case.request.jwks {
            Some(jwks) => builder.with_jwks(config.key_set(jwks)),
            None => builder.with_fetch(Down),
        };
        danger::allow_public_test_keys(builder.with_clock(move || now))
    });
    guard.unwrap_or_else(|error| panic!("{}: {error}", case.request.id))
}

/// An issuer that is down.
struct Down;

impl Fetch for Down {
    fn fetch(&self, _: FetchRequest) -> FetchFuture {
        Box::pin(ready(Ok(FetchResponse::new(500, ""))))
    }
}

fn scopes(case: &McpCase) -> Scopes {
    let mut builder = Scopes::builder();
    for (name, scopes) in &case.scopes.tools {
        builder = builder.tool(name, scopes);
    }
    for (name, scopes) in &case.scopes.prompts {
        builder = builder.prompt(name, scopes);
    }
    for (pattern, scopes) in &case.scopes.reads {
        builder = builder.resource(pattern, scopes);
    }
    if let Some(bytes) = case.scopes.max_body {
        builder = builder.max_body(bytes);
    }
    builder.build().unwrap()
}

/// As an adapter asks that has the whole body, or none.
async fn library(case: &McpCase) -> Answer {
    let (auth, scopes) = (guard(case), scopes(case));
    let request = Request::new(&case.request.method, &case.request.url, &case.request.headers);
    let verdict = async {
        let admission = auth.admit(&request, &Scopes::admission()).await?;
        let body = match &case.body {
            Some(body) if scopes.body_limit(&request).is_none_or(|limit| body.len() <= limit) => {
                mcp::Body::Bytes(body)
            }
            Some(_) => mcp::Body::TooLarge,
            None => mcp::Body::Hidden,
        };
        auth.check_mcp(&request, admission.token().expect("a token"), &scopes, body)
    };
    match verdict.await {
        Ok(()) => Answer::Passed(case.body.clone().unwrap_or_default()),
        Err(denial) => {
            let challenge = auth.challenge(&request, &denial);
            Answer::refused(challenge.status(), challenge.headers(), challenge.body())
        }
    }
}

fn http_request(case: &McpCase) -> http::Request<Body> {
    let mut request = http::Request::builder().method(case.request.method.as_str()).uri(&case.request.url);
    for (name, value) in &case.request.headers {
        request = request.header(name, value.as_slice());
    }
    request.body(Body::from(case.body.clone().unwrap())).unwrap()
}

/// A server that answers with the body that it got.
async fn server(request: http::Request<Body>) -> Result<Response<Body>, Infallible> {
    assert!(request.extensions().get::<AccessToken>().is_some());
    assert!(!request.headers().contains_key("authorization"));
    Ok(Response::new(request.into_body()))
}

async fn answer(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    if parts.extensions.get::<Denial>().is_none() {
        return Answer::Passed(body.to_vec());
    }
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    Answer::refused(parts.status.as_u16(), headers, &body)
}

#[tokio::test]
async fn every_message_is_answered_in_the_same_way_by_the_library_tower_and_axum() {
    let mut differences = Vec::new();
    let cases = mcp_cases();
    for case in &cases {
        let expected = Answer::expected(case);
        let mut compare = |adapter: &str, found: Answer| {
            if found != expected {
                let id = &case.request.id;
                differences
                    .push(format!("{id} through {adapter}\n  expected {expected:?}\n  answered {found:?}"));
            }
        };
        compare("library", library(case).await);
        if case.body.is_none() {
            continue;
        }
        let layer = guard(case).mcp_layer(scopes(case));
        let tower = layer.layer(service_fn(server)).oneshot(http_request(case)).await.unwrap();
        compare("tower", answer(tower).await);
        let router: Router = Router::new().route_service("/mcp", service_fn(server)).layer(layer);
        compare("axum", answer(router.oneshot(http_request(case)).await.unwrap()).await);
    }
    println!("{} cases", cases.len());
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences.join("\n"));
}
