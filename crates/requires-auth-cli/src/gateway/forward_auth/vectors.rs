//! The shared vectors through every dialect: a token gets the verdict that it gets at the library's adapters.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use envoy_types::ext_authz::v3::pb::{CheckRequest, CheckResponse, HttpResponse};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{self, HttpRequest};
use http_body_util::BodyExt as _;
use prost::Message as _;
use requires_auth::danger;
use requires_auth::fetch::FetchError;
use requires_auth::guard::Builder;
use requires_auth::introspect::{
    Introspect, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};
use requires_auth::settings::{self, Setting};
use requires_auth_testkit::vectors::{self, IntrospectionAnswer, Refusal, TokenCase, Verdict, token_cases};
use serde_json::Value;

use super::*;
use crate::gateway::config::Config;
use crate::gateway::grpc::unary::Status;

const LOOPBACK: Peer = Peer::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

/// What stands around the issuers and the settings of a case.
const SECTIONS: &str = r#"
[forward_auth]
dialects = DIALECTS
[headers]
"X-Auth-Issuer" = "iss"
[[routes]]
match = "GET /"
"#;

/// What a proxy is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    status: u16,
    code: Option<String>,
    reason: Option<String>,
    challenges: Vec<String>,
}

impl Told {
    fn expected(case: &TokenCase) -> Self {
        match &case.expect {
            Verdict::Refuse(refusal) => Self::refused(refusal),
            _ => Self::allowed(),
        }
    }

    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self {
            status: refusal.status,
            code: Some(refusal.code.clone()),
            reason: refusal.reason.clone(),
            challenges: refusal.challenge.iter().cloned().collect(),
        }
    }

    pub(super) const fn allowed() -> Self {
        Self { status: 200, code: None, reason: None, challenges: Vec::new() }
    }

    pub(super) fn new(status: u16, challenges: Vec<String>, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let member = |name: &str| body[name].as_str().map(str::to_owned);
        Self { status, code: member("code"), reason: member("reason"), challenges }
    }
}

/// The gateway that a vector wants: one route with its policy. `None` where no guard can be as it says.
fn gateway(case: &TokenCase) -> Option<Gateway> {
    gateway_of(&case.id, &case.config, &case.jwks, "GET /")
}

/// The same for a configuration, with a route of this pattern.
pub(super) fn gateway_of(id: &str, config: &vectors::Config, jwks: &Value, pattern: &str) -> Option<Gateway> {
    config.issuer.as_ref()?;
    let is_of_issuer = |key: &str| settings::find(key).is_some_and(Setting::is_of_issuer);
    let dialects = format!("{:?}", dialect::ALL.map(Dialect::name));
    let sections = SECTIONS.replace("DIALECTS", &dialects).replace("GET /", pattern);
    let mut text = config.to_toml(is_of_issuer) + &sections;
    if !config.scope.is_empty() {
        writeln!(text, "scopes = {:?}", config.scope).expect("a string takes it");
    }
    writeln!(text, "claims = {}", config.claims_in_toml()).expect("a string takes it");
    let now = UNIX_EPOCH + Duration::from_secs(u64::try_from(config.now).ok()?);
    let parsed = Config::parse(&text, "gateway.toml");
    let built = parsed.and_then(|parsed| {
        let adjust = |builder: Builder| {
            let builder = builder.with_introspect(Answers(config.answer.clone()));
            let keys = config.key_set(jwks);
            danger::allow_public_test_keys(builder.with_jwks(keys).with_clock(move || now))
        };
        Ok((parsed.guard.build_with(adjust)?, parsed))
    });
    match built {
        Ok((auth, parsed)) => Some(Gateway::new(&parsed, auth)),
        Err(error) => {
            let problem = &error.problems()[0];
            let is_known = ["algorithms", "audience", "issuer", "jwks"].contains(&problem.field());
            assert!(is_known && config.settings.is_empty(), "{id}: {error}");
            None
        }
    }
}

/// An introspection endpoint that always answers the same.
struct Answers(Option<IntrospectionAnswer>);

impl Introspect for Answers {
    fn introspect(&self, _: IntrospectionRequest) -> IntrospectionFuture {
        let answer =
            self.0.as_ref().map(|answer| IntrospectionResponse::new(answer.status, answer.body.clone()));
        Box::pin(std::future::ready(answer.ok_or(FetchError::Timeout)))
    }
}

async fn over_http(gateway: &Gateway, target: &str, headers: &[(&str, &str)]) -> Option<Told> {
    let mut request = Request::builder().uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = answer(gateway, &request.body(()).ok()?, LOOPBACK).await.into_parts();
    let challenges = parts.headers.get_all("www-authenticate").iter();
    let challenges = challenges.map(|value| value.to_str().expect("ASCII").to_owned()).collect();
    let body = body.collect().await.expect("a body").to_bytes();
    Some(Told::new(parts.status.as_u16(), challenges, &body))
}

async fn over_grpc(gateway: &Gateway, authorization: &str) -> Told {
    let request = HttpRequest {
        method: "GET".to_owned(),
        path: "/".to_owned(),
        headers: [("authorization".to_owned(), authorization.to_owned())].into(),
        ..HttpRequest::default()
    };
    told_over_grpc(gateway, request).await
}

pub(super) async fn told_over_grpc(gateway: &Gateway, request: HttpRequest) -> Told {
    let response = check_over_grpc(gateway, &grpc_question(request), LOOPBACK).await.expect("an answer");
    let code = response.status.expect("a status").code;
    match response.http_response.expect("an answer") {
        HttpResponse::OkResponse(_) => {
            assert_eq!(code, 0);
            Told::new(200, Vec::new(), b"")
        }
        HttpResponse::DeniedResponse(denied) => {
            assert_ne!(code, 0, "zero would be an allow");
            let status = denied.status.expect("a status").code;
            let pairs = denied.headers.into_iter().filter_map(|option| option.header);
            let challenges =
                pairs.filter(|pair| pair.key == "www-authenticate").map(|pair| pair.value).collect();
            Told::new(status.try_into().expect("a status"), challenges, denied.body.as_bytes())
        }
        other @ HttpResponse::ErrorResponse(_) => panic!("{other:?}"),
    }
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
        let expected = Told::expected(&case);
        let authorization = format!("Bearer {}", case.token);
        for dialect in dialect::ALL.into_iter().filter(|dialect| dialect.transport() == Transport::Http) {
            let (target, mut headers) = dialect.ask("GET", "/", None);
            headers.push(("authorization", authorization.as_str()));
            let Some(told) = over_http(&gateway, &target, &headers).await else {
                // No server hands such a header on.
                continue;
            };
            // Envoy may let a request through where its question fails: what a stranger can bring about is 403.
            let is_softened = dialect.name() == "envoy" && expected.status == 503;
            let expected =
                if is_softened { Told { status: 403, ..expected.clone() } } else { expected.clone() };
            assert_eq!(told, expected, "{} in {dialect:?}", case.id);
            asked += 1;
        }
        if http::HeaderValue::try_from(&authorization).is_ok() {
            assert_eq!(over_grpc(&gateway, &authorization).await, expected, "{} in envoy-grpc", case.id);
            asked += 1;
        }
    }
    println!("{asked} questions; of {not_asked} vectors no guard can be made");
    assert!(asked > 5_000, "{asked}");
}
