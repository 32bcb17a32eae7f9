//! Envoy's `ext_authz` over gRPC: `envoy.service.auth.v3.Authorization/Check`.
//!
//! Envoy tells all about the request in one message, and takes every status, header and body of a refusal. What it cannot
//! read, or does not get in time, is a refusal to it.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::ext_authz::v3::pb::{
    Authorization, AuthorizationServer, CheckRequest, CheckResponse, DeniedHttpResponse, HeaderAppendAction,
    HeaderValueOption, HttpResponse, HttpStatus, OkHttpResponse,
};
use envoy_types::pb::envoy::config::core::v3::HeaderValue as Pair;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use envoy_types::pb::google::rpc;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Either};
use hyper::body::Incoming;
use tonic::{Code, Status, async_trait};
use tower_service::Service as _;
use tracing::warn;

use super::{judge, plain};
use crate::gateway::body::Body;
use crate::gateway::config::ForwardAuthConfig;
use crate::gateway::decide::{Decision, Gateway};
use crate::gateway::dialect::{EnvoyGrpc, Original};
use crate::gateway::listen::Peer;
use crate::gateway::refused::Refused;

/// The one method of the service.
const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// How long a question may take: its message, and keys that have to be fetched.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How many bytes a question may have: a head of 64 KiB, in the words of a protocol buffer.
const MOST: usize = 128 * 1024;

/// Whether this is a question in gRPC, and one that is answered here.
pub(crate) fn is_asked<B>(gateway: &Gateway, request: &Request<B>) -> bool {
    let config = gateway.config().forward_auth.as_ref();
    request.uri().path() == PATH && config.is_some_and(|config| config.answers(&EnvoyGrpc))
}

/// Answers Envoy.
pub(crate) async fn answer(gateway: Arc<Gateway>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
    if !is_grpc(&request) {
        // Every answer in gRPC is a 200, a refusal too. A proxy that asks over HTTP would take it for an allow.
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "ask in gRPC").map(Either::Left);
    }
    let answered = if let Err(status) = admit(&gateway, peer) {
        // Nothing of it is read.
        status.into_http()
    } else {
        let mut server = AuthorizationServer::new(Service { gateway, peer }).max_decoding_message_size(MOST);
        match tokio::time::timeout(TIMEOUT, server.call(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => Status::deadline_exceeded("the question took too long").into_http(),
        }
    };
    answered.map(|body| Either::Right(body.map_err(Into::into).boxed_unsync()))
}

/// Lets only those ask who may.
fn admit(gateway: &Gateway, peer: Peer) -> Result<&ForwardAuthConfig, Status> {
    let Some(config) = &gateway.config().forward_auth else {
        return Err(Status::unimplemented("no such method"));
    };
    if peer.is_trusted_by(config) {
        return Ok(config);
    }
    warn!(%peer, "a peer that is not in `forward_auth.trusted_peers` asks: if it is the proxy, add its network there");
    Err(Status::permission_denied("this peer may not ask"))
}

/// Whether it is asked in gRPC: a POST over HTTP/2 with the content type of gRPC (gRPC over HTTP/2, "Requests").
fn is_grpc<B>(request: &Request<B>) -> bool {
    let mut types = request.headers().get_all(CONTENT_TYPE).iter();
    let kind = types.next().filter(|_| types.next().is_none()).and_then(|kind| kind.to_str().ok());
    // `application/grpc-web` is another protocol.
    let rest = kind.and_then(|kind| kind.strip_prefix("application/grpc"));
    request.version() == Version::HTTP_2
        && request.method() == Method::POST
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']))
}

/// The gateway for one question.
struct Service {
    gateway: Arc<Gateway>,
    peer: Peer,
}

#[async_trait]
impl Authorization for Service {
    async fn check(
        &self,
        question: tonic::Request<CheckRequest>,
    ) -> Result<tonic::Response<CheckResponse>, Status> {
        check(&self.gateway, question.into_inner(), self.peer).await.map(tonic::Response::new)
    }
}

/// Answers one question. An error is one that cannot be asked.
pub(super) async fn check(
    gateway: &Gateway,
    question: CheckRequest,
    peer: Peer,
) -> Result<CheckResponse, Status> {
    let config = admit(gateway, peer)?;
    let request =
        question.attributes.and_then(|attributes| attributes.request).and_then(|request| request.http);
    let Some(request) = request else { return Err(Status::invalid_argument("there is no request in it")) };
    let Some(headers) = headers_of(&request) else {
        // What stands in no header was no request of a client either.
        return Ok(denied(gateway.refuse_ambiguous(&HeaderMap::new())));
    };
    let original = Original { method: &request.method, target: &request.path };
    Ok(match judge(gateway, config, &original, &headers).await {
        Decision::Refuse(refused) => denied(refused),
        Decision::Allow { identity, added } => {
            allowed(identity, added, gateway.identity().aliases_in(&headers))
        }
    })
}

/// The headers of the client: as a map, or each as it came where Envoy is told to send them so. Those of HTTP/2 with a
/// colon are in fields of their own.
fn headers_of(request: &HttpRequest) -> Option<HeaderMap> {
    let raw = request.header_map.iter().flat_map(|map| &map.headers).map(|pair| {
        let value = if pair.raw_value.is_empty() { pair.value.as_bytes() } else { &pair.raw_value };
        (pair.key.as_str(), value)
    });
    let all = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).chain(raw);
    all.filter(|(name, _)| !name.starts_with(':'))
        .map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(value).ok()?)))
        .try_fold(HeaderMap::new(), |mut headers, pair| {
            let (name, value) = pair?;
            // There may be more of them than a map can hold.
            headers.try_append(name, value).ok()?;
            Some(headers)
        })
}

fn allowed(
    identity: Vec<(HeaderName, HeaderValue)>,
    added: Vec<(HeaderName, HeaderValue)>,
    aliases: Vec<HeaderName>,
) -> CheckResponse {
    let ok = OkHttpResponse {
        headers: options(identity, HeaderAppendAction::OverwriteIfExistsOrAdd),
        headers_to_remove: aliases.into_iter().map(|name| name.to_string()).collect(),
        response_headers_to_add: options(added, HeaderAppendAction::AppendIfExistsOrAdd),
        ..OkHttpResponse::default()
    };
    respond(Code::Ok, HttpResponse::OkResponse(ok))
}

fn denied(refused: Refused) -> CheckResponse {
    let code = match refused.status.as_u16() {
        401 => Code::Unauthenticated,
        503 => Code::Unavailable,
        _ => Code::PermissionDenied,
    };
    let status = HttpStatus { code: i32::from(refused.status.as_u16()) };
    let headers = refused.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    let denied = DeniedHttpResponse {
        status: Some(status),
        headers: options(headers, HeaderAppendAction::AppendIfExistsOrAdd),
        body: String::from_utf8(refused.body).unwrap_or_default(),
    };
    respond(code, HttpResponse::DeniedResponse(denied))
}

/// The status is always there: Envoy takes a missing one for zero, which is an allow.
fn respond(code: Code, response: HttpResponse) -> CheckResponse {
    let status = rpc::Status { code: code.into(), ..rpc::Status::default() };
    CheckResponse { status: Some(status), http_response: Some(response), ..CheckResponse::default() }
}

fn options(
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    action: HeaderAppendAction,
) -> Vec<HeaderValueOption> {
    let one = |(name, value): (HeaderName, HeaderValue)| HeaderValueOption {
        header: Some(Pair {
            key: name.to_string(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
            ..Pair::default()
        }),
        append_action: action.into(),
        keep_empty_value: true,
        ..HeaderValueOption::default()
    };
    headers.into_iter().map(one).collect()
}
