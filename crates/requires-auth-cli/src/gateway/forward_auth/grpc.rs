//! Envoy's `ext_authz` over gRPC: `envoy.service.auth.v3.Authorization/Check`.
//!
//! Envoy tells all about the request in one message, and takes every status, header and body of a refusal. What it cannot
//! read, or does not get in time, is a refusal to it.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CACHE_CONTROL, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Either};
use hyper::body::Incoming;
use tracing::warn;

use super::{judge, plain};
use crate::gateway::body::Body;
use crate::gateway::config::ForwardAuthConfig;
use crate::gateway::decide::{Decision, Gateway};
use crate::gateway::dialect::{EnvoyGrpc, Original};
use crate::gateway::grpc::Malformed;
use crate::gateway::grpc::ext_authz::{AppendAction, CheckResponse, HeaderOption, HttpRequest};
use crate::gateway::grpc::unary::{self, Code, Status};
use crate::gateway::listen::Peer;
use crate::gateway::refused::Refused;
use crate::gateway::token_places::Taken;

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
    if !unary::is_grpc(&request) {
        // Every answer in gRPC is a 200, a refusal too. A proxy that asks over HTTP would take it for an allow.
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "ask in gRPC").map(Either::Left);
    }
    let answered = async {
        // Nothing is read of a question that may not be asked.
        admit(&gateway, peer)?;
        check(&gateway, &unary::read(request, MOST).await?, peer).await
    };
    let answered = match tokio::time::timeout(TIMEOUT, answered).await {
        Ok(answered) => answered.map(CheckResponse::into_bytes),
        Err(_) => Err(Status::new(Code::DeadlineExceeded, "the question took too long")),
    };
    unary::answer(answered).map(|body| Either::Right(body.boxed_unsync()))
}

/// Lets only those ask who may.
fn admit(gateway: &Gateway, peer: Peer) -> Result<&ForwardAuthConfig, Status> {
    let Some(config) = &gateway.config().forward_auth else {
        return Err(Status::new(Code::Unimplemented, "no such method"));
    };
    if peer.is_trusted_by(config) {
        return Ok(config);
    }
    warn!(%peer, "a peer that is not in `forward_auth.trusted_peers` asks: if it is the proxy, add its network there");
    Err(Status::new(Code::PermissionDenied, "this peer may not ask"))
}

/// Answers one question. An error is one that cannot be asked.
pub(super) async fn check(gateway: &Gateway, question: &[u8], peer: Peer) -> Result<CheckResponse, Status> {
    let config = admit(gateway, peer)?;
    let request = HttpRequest::read(question)
        .map_err(|Malformed| Status::new(Code::Internal, "the message is malformed"))?;
    let Some(request) = request else {
        return Err(Status::new(Code::InvalidArgument, "there is no request in it"));
    };
    let Some(headers) = headers_of(&request) else {
        // What stands in no header was no request of a client either.
        return Ok(denied(gateway.refuse_ambiguous(&HeaderMap::new())));
    };
    let host = Some(request.host.as_str());
    let client = request.client.parse().ok();
    let certificate = Some(request.certificate.as_str());
    let original = Original { method: &request.method, target: &request.path, host, client, certificate };
    Ok(match judge(gateway, config, &original, &headers, false).await {
        Decision::Refuse(refused) => denied(refused),
        Decision::Allow { identity, added, .. } => {
            let aliases = gateway.identity().aliases_in(&headers);
            allowed(identity, added, aliases, gateway.take(&headers))
        }
    })
}

/// The headers of the client: as a map, or each as it came where Envoy is told to send them so. Those of HTTP/2 with a
/// colon are in fields of their own.
fn headers_of(request: &HttpRequest) -> Option<HeaderMap> {
    let raw = request.header_map.iter().map(|(name, value)| (name.as_str(), &value[..]));
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
    taken: Taken,
) -> CheckResponse {
    let identity = identity.into_iter().chain(taken.set);
    // What the application says itself goes before.
    let chosen = taken.subprotocol.map(|protocol| (SEC_WEBSOCKET_PROTOCOL, protocol));
    let (absent, added): (Vec<_>, Vec<_>) = added.into_iter().partition(|(name, _)| *name == CACHE_CONTROL);
    let absent = options(absent.into_iter().chain(chosen), AppendAction::AddIfAbsent);
    CheckResponse::Allowed {
        headers: options(identity, AppendAction::OverwriteIfExistsOrAdd),
        headers_to_remove: aliases.into_iter().chain(taken.removed).map(|name| name.to_string()).collect(),
        response_headers_to_add: [options(added, AppendAction::AppendIfExistsOrAdd), absent].concat(),
    }
}

fn denied(refused: Refused) -> CheckResponse {
    let code = match refused.status.as_u16() {
        401 => Code::Unauthenticated,
        503 => Code::Unavailable,
        _ => Code::PermissionDenied,
    };
    let headers = refused.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    CheckResponse::Denied {
        code,
        status: refused.status.as_u16(),
        headers: options(headers, AppendAction::AppendIfExistsOrAdd),
        body: String::from_utf8(refused.body).unwrap_or_default(),
    }
}

fn options(
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    action: AppendAction,
) -> Vec<HeaderOption> {
    let one = |(name, value): (HeaderName, HeaderValue)| HeaderOption {
        name: name.to_string(),
        value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        action,
    };
    headers.into_iter().map(one).collect()
}
