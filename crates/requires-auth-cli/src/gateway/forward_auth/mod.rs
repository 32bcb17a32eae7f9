//! Forward-auth: a proxy asks about each request before it passes it on.
//!
//! Each dialect has an endpoint of its own, and only those of the configuration exist: a gateway that takes the first
//! header which names the original request can be told about another one (CVE-2026-40575).

pub(crate) mod grpc;
mod quiet;

use http::header::HOST;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use tracing::{info, warn};

use self::quiet::quietly;
use super::asked::Asked;
use super::client_certificate;
use super::config::ForwardAuthConfig;
use super::decide::{Decision, Gateway};
use super::dialect::{self, Answer, Dialect, Original, Question, Transport};
use super::listen::Peer;

/// Below this path the endpoints are.
pub(crate) const PREFIX: &str = "/forward-auth/";

/// Answers a proxy. Where there is no endpoint it is 404, which no proxy takes for an allow.
pub(crate) async fn answer<B>(gateway: &Gateway, request: &Request<B>, peer: Peer) -> Answer {
    let Some(config) = &gateway.config().forward_auth else {
        return plain(StatusCode::NOT_FOUND, "no such endpoint");
    };
    let Some((dialect, rest)) = endpoint(config, request) else {
        return plain(StatusCode::NOT_FOUND, "no such endpoint: is the dialect in `forward_auth.dialects`?");
    };
    if !peer.is_trusted_by(config) {
        warn!(peer = %peer, "a peer that is not in `forward_auth.trusted_peers` asks: if it is the proxy, add its network there");
        return plain(StatusCode::FORBIDDEN, "this peer may not ask");
    }
    let host = host_of(request);
    let question = Question { method: request.method(), headers: request.headers(), host, rest };
    let is_second = dialect.is_second(&question);
    let decision = if is_second {
        // What is counted from now on is looked up before nothing is.
        gateway.begin_counting();
        // In memory of its own, so that the future of the first question stays small.
        Box::pin(quietly(consider(gateway, config, dialect, &question, true))).await
    } else {
        consider(gateway, config, dialect, &question, false).await
    };
    match decision {
        Decision::Refuse(refused) => dialect.refuse(&question, refused),
        Decision::Allow { .. } if is_second => {
            // The proxy comes here once a request was refused. It was for another reason, or that has passed by now.
            info!("refused at the first question, and allowed at the second: the client is to try again");
            let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "try again");
            response.headers_mut().insert(http::header::RETRY_AFTER, 1.into());
            response
        }
        Decision::Allow { identity, added, .. } => {
            let mut response = Response::new(Full::default());
            dialect.take(&gateway.take(request.headers()), response.headers_mut());
            response
                .headers_mut()
                .extend(identity.into_iter().chain(added).map(|(name, value)| (Some(name), value)));
            response
        }
    }
}

/// Reads the question of a proxy over HTTP, and decides.
async fn consider(
    gateway: &Gateway,
    config: &ForwardAuthConfig,
    dialect: &dyn Dialect,
    question: &Question<'_>,
    is_trial: bool,
) -> Decision {
    match dialect.read(question) {
        Ok(original) => judge(gateway, config, &original, question.headers, is_trial).await,
        Err(problem) => {
            warn!(dialect = dialect.name(), problem, "the proxy's question cannot be read");
            Decision::Refuse(gateway.refuse_ambiguous(question.headers))
        }
    }
}

/// Decides about the request that a proxy asks about. One that says two things is refused.
async fn judge(
    gateway: &Gateway,
    config: &ForwardAuthConfig,
    original: &Original<'_>,
    headers: &HeaderMap,
    is_trial: bool,
) -> Decision {
    let other_host = || {
        let names_hosts = gateway.config().routes.names_hosts();
        names_hosts.then(|| original.other_host(headers)).flatten()
    };
    let problem = original.contradiction(headers).or_else(other_host);
    let problem = problem.or_else(|| alias(gateway, config, headers));
    let header = config.client_certificate.as_ref();
    let certificate = match problem {
        Some(problem) => Err(problem),
        None => client_certificate::of_question(header, original, headers),
    };
    let certificate = match certificate {
        Ok(certificate) => certificate,
        Err(problem) => {
            info!(problem, "refused: the request says two things");
            return Decision::Refuse(gateway.refuse_ambiguous(headers));
        }
    };
    let Original { method, target, host, client, .. } = *original;
    let has_body = dialect::has_body(headers);
    // A proxy that asks shows no body.
    gateway
        .decide_by_head(Asked { method, target, host, client, certificate, headers, has_body, is_trial })
        .await
}

/// The dialect whose endpoint it is, and what follows that in the target: path and query, as sent.
fn endpoint<'r, B>(
    config: &ForwardAuthConfig,
    request: &'r Request<B>,
) -> Option<(&'static dyn Dialect, &'r str)> {
    let target = request.uri().path_and_query()?.as_str().strip_prefix(PREFIX)?;
    let over_http = config.dialects.iter().copied().filter(|dialect| dialect.transport() == Transport::Http);
    let mut found = over_http.filter_map(|dialect| Some((dialect, target.strip_prefix(dialect.name())?)));
    found.find(|(dialect, rest)| dialect.has_endpoint(rest))
}

/// The host that a question is for: `:authority` of HTTP/2, else `Host`. Two that differ are none.
fn host_of<B>(request: &Request<B>) -> Option<&str> {
    let mut values = request.headers().get_all(HOST).iter();
    let header = values.next().filter(|_| values.next().is_none()).and_then(|host| host.to_str().ok());
    match (request.uri().authority(), header) {
        (None, header) => header,
        (Some(authority), None) if !request.headers().contains_key(HOST) => Some(authority.as_str()),
        (Some(authority), header) => header.filter(|host| authority.as_str().eq_ignore_ascii_case(host)),
    }
}

fn alias(gateway: &Gateway, config: &ForwardAuthConfig, headers: &HeaderMap) -> Option<&'static str> {
    if !config.denies_aliases {
        return None;
    }
    let is_of_certificate =
        client_certificate::aliases_in(config.client_certificate.as_ref(), headers).next().is_some();
    match () {
        () if !gateway.identity().aliases_in(headers).is_empty() => {
            Some("a header that the application could take for one of the gateway's")
        }
        () if is_of_certificate => {
            Some("a header that the application could take for that of the certificate")
        }
        () => None,
    }
}

/// An answer in plain text, for operators.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/plain"));
    response.headers_mut().insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod route_tests;
#[cfg(test)]
mod resource_tests;
#[cfg(test)]
mod mcp_vectors;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod shares;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod request_vectors;
#[cfg(test)]
mod proof_vectors;
#[cfg(test)]
mod proof_tests;
#[cfg(test)]
mod certificate_tests;
#[cfg(test)]
mod place_vectors;
