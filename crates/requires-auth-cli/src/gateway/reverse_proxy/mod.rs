//! The reverse proxy: requests that may pass go on to the application, and its answers come back.
//!
//! What is decided about is what is sent on: the same bytes of path and query, under the same host. Trailers are left
//! out in both directions, since nothing that reads them expects a guard to have looked at them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use requires_auth::client_certificate::{CertificateHeader, ClientCertificate};
use requires_auth::credential::TokenPlace;
use tokio::time::Instant;
use tracing::{info, warn};

mod flow;
mod answer;
mod budget;

mod tls;
mod connector;
mod frames;
mod headers;
mod target;
mod trouble;
mod message;
mod upgrade;

use self::answer::Answer;
use self::budget::Budget;
use self::connector::Connector;
use self::flow::{Activity, Passing};
use self::headers::Rewrite;
use self::message::Sent;
use self::target::Target;
use self::tls::Tls;
use self::trouble::Trouble;
use super::asked::Asked;
use super::body::Body;
use super::client_certificate;
use super::config::{Config, ReverseProxyConfig, Upstream};
use super::connection_limit::Permit;
use super::connections::Caller;
use super::decide::{Decided, Decision, Gateway};
use super::identity::Identity;
use super::token_places::Taken;
use crate::error::Failure;

/// For how long a connection to the application is kept while there is nothing to send. Short, since an application that
/// closes it first makes a request fail that cannot be sent again.
const IDLE: Duration = Duration::from_secs(15);

/// How many bytes of the application are taken in before the client has taken those before. A head has to fit in.
const MOST_AHEAD: usize = 64 * 1024;

type Onward = Client<Connector, Passing<Sent>>;

/// What a request that may pass takes along.
struct Allowed {
    identity: headers::Pairs,
    taken: Taken,
    /// When a connection that begins with it ends.
    until: Option<Instant>,
}

/// A WebSocket that a client asks for.
struct Upgrade {
    client: OnUpgrade,
    until: Option<Instant>,
    /// What is answered where the application chooses no subprotocol.
    subprotocol: Option<HeaderValue>,
}

/// The way to one application.
pub(crate) struct ReverseProxy {
    config: ReverseProxyConfig,
    tls: Option<Tls>,
    rewrite: Rewrite,
    budget: Budget,
    client: Onward,
}

impl ReverseProxy {
    /// The reverse proxy of a configuration, if it has one. It connects to nothing yet.
    ///
    /// # Errors
    ///
    /// The certificates of an application over https cannot be read.
    pub(crate) fn new(config: &Config, identity: &Identity) -> Result<Option<Self>, Failure> {
        let Some(own) = config.gateway.reverse_proxy.clone() else { return Ok(None) };
        let tls = Tls::of(&own)?;
        let per_peer = config.gateway.server.as_ref().and_then(|server| server.connections_per_peer);
        let budget = Budget::of_process(per_peer.map(NonZeroUsize::get));
        let client = onward(&own.upstream, tls.clone(), &budget);
        // Where it is not read, nobody has judged what a client says there.
        let is_judged = config.guard.token_places().contains(&TokenPlace::authorization());
        let certificate = own.client_certificate.as_ref().map(CertificateHeader::name);
        let rewrite = Rewrite::new(identity, certificate, own.passes_token && is_judged);
        Ok(Some(Self { config: own, tls, rewrite, budget, client }))
    }

    /// Goes on with the connections of another, if that has the same application and trusts the same certificates. Both have
    /// one budget.
    pub(crate) fn take_over(&mut self, other: &Self) {
        self.budget = other.budget.clone();
        let is_same = self.config.upstream == other.config.upstream && self.tls == other.tls;
        self.client = if is_same {
            other.client.clone()
        } else {
            onward(&self.config.upstream, self.tls.clone(), &self.budget)
        };
    }

    /// Answers a request: with a refusal, or with what the application says.
    pub(crate) async fn answer(
        &self,
        gateway: &Gateway,
        request: Request<Incoming>,
        caller: &Caller,
    ) -> Response<Body> {
        if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
            return Trouble::Method.answer().map(Either::Left);
        }
        let target = match Target::of(&request) {
            Ok(target) => target,
            Err(problem) => {
                info!(problem, "refused: the request says two things");
                return gateway.refuse_ambiguous(request.headers()).into_response().map(Either::Left);
            }
        };
        if let Some(document) = gateway.metadata(&request) {
            return document.map(Either::Left);
        }
        let certificate = match self.certificate(request.headers(), caller) {
            Ok(certificate) => certificate,
            Err(problem) => {
                info!(problem, "refused: the request says two things");
                return gateway.refuse_ambiguous(request.headers()).into_response().map(Either::Left);
            }
        };
        let has_body = !request.body().is_end_stream();
        let (parts, body) = request.into_parts();
        let asked = Asked {
            method: parts.method.as_str(),
            target: target.path.as_str(),
            host: target.host.as_ref().and_then(|host| host.to_str().ok()),
            client: caller.peer.address(),
            certificate,
            headers: &parts.headers,
            has_body,
            is_trial: false,
        };
        let (decision, body) = match gateway.decide(asked).await {
            Decided::AfterBody(unread) => {
                match message::judge(gateway, &unread, asked, body, self.config.timeout).await {
                    Ok(judged) => judged,
                    Err(trouble) => return trouble.answer().map(Either::Left),
                }
            }
            Decided::Now(decision) => (decision, Sent::Left(body)),
        };
        let (identity, added, lasts) = match decision {
            Decision::Allow { identity, added, lasts } => (identity, added, lasts),
            Decision::Refuse(refused) => return refused.into_response().map(Either::Left),
        };
        let request = Request::from_parts(parts, body);
        let until = lasts.map(|lasts| Instant::now() + lasts);
        let taken = if self.config.passes_token {
            gateway.places().take_other_spellings(request.headers())
        } else {
            gateway.places().take(request.headers())
        };
        let allowed = Allowed { identity, taken, until };
        let mut response = match self.pass(request, target, allowed, caller).await {
            Ok(response) => response,
            Err(trouble) => trouble.answer().map(Either::Left),
        };
        headers::add(response.headers_mut(), added);
        response
    }

    /// The certificate of the client: that of the connection, or what a proxy before tells. Of two, only the word of the proxy
    /// is about the client.
    fn certificate(
        &self,
        headers: &HeaderMap,
        caller: &Caller,
    ) -> Result<Option<ClientCertificate>, &'static str> {
        match &self.config.client_certificate {
            Some(header) if caller.peer.is_among(&self.config.trusted_peers) => {
                client_certificate::in_header(header, headers)
            }
            _ => Ok(caller.certificate),
        }
    }

    /// Sends a request on, and hands the answer back.
    async fn pass(
        &self,
        mut request: Request<Sent>,
        target: Target,
        allowed: Allowed,
        caller: &Caller,
    ) -> Result<Response<Body>, Trouble> {
        let Allowed { identity, taken, until } = allowed;
        let upgrade = upgrade::asked(&mut request).map(|client| Upgrade {
            client,
            until,
            subprotocol: taken.subprotocol.clone(),
        });
        let (mut parts, body) = request.into_parts();
        taken.apply(&mut parts.headers);
        if parts.method == Method::OPTIONS && !headers::count_down(&mut parts.headers) {
            let mut answer = Response::new(Either::Left(Full::default()));
            *answer.status_mut() = StatusCode::NO_CONTENT;
            return Ok(answer);
        }
        let place = self.budget.request(caller.peer).await.ok_or_else(Trouble::busy)?;
        let length = body.size_hint().exact();
        let activity = Arc::new(Activity::new());
        let mut onward = Request::new(Passing::of_client(body, Arc::clone(&activity), self.config.timeout));
        *onward.method_mut() = parts.method;
        *onward.uri_mut() = self.uri(&target)?;
        *onward.headers_mut() = self.rewrite.request(parts.headers, parts.version, identity, caller);
        headers::frame(onward.headers_mut(), length);
        let kept = target.host.as_ref().filter(|_| self.config.preserves_host);
        headers::name_host(onward.headers_mut(), target.host.as_ref(), kept, self.upstream_host());
        if upgrade.is_some() {
            upgrade::announce(onward.headers_mut());
        }
        let answered = activity.watch(self.client.request(onward), self.config.timeout).await;
        let response = match answered {
            Some(Ok(response)) => response,
            Some(Err(error)) => return Err(Trouble::of(&error)),
            None => return Err(Trouble::silent(&activity)),
        };
        self.hand_back(response, upgrade, caller, place)
    }

    /// The answer of the application, for the client.
    fn hand_back(
        &self,
        mut response: Response<Incoming>,
        upgrade: Option<Upgrade>,
        caller: &Caller,
        place: Permit,
    ) -> Result<Response<Body>, Trouble> {
        let is_switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        match (is_switching, upgrade) {
            (true, Some(upgrade)) if upgrade::is_agreed(response.headers()) => {
                let application = hyper::upgrade::on(&mut response);
                let Upgrade { client, until, subprotocol } = upgrade;
                tokio::spawn(upgrade::tunnel(client, application, until, (caller.clone(), place)));
                let mut headers = std::mem::take(response.headers_mut());
                self.rewrite.response(&mut headers);
                if let Some(chosen) = subprotocol {
                    headers.entry(SEC_WEBSOCKET_PROTOCOL).or_insert(chosen);
                }
                upgrade::announce(&mut headers);
                let mut answer = Response::new(Either::Left(Full::default()));
                *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                *answer.headers_mut() = headers;
                return Ok(answer);
            }
            (true, _) => {
                warn!("the application changes the protocol, and nobody has asked it to");
                return Err(Trouble::BadAnswer);
            }
            (false, _) => {}
        }
        let (mut parts, body) = response.into_parts();
        self.rewrite.response(&mut parts.headers);
        parts.version = Version::HTTP_11;
        let is_ended = body.is_end_stream();
        let body = Passing::of_application(body, self.config.timeout);
        let body = if is_ended {
            body.boxed_unsync()
        } else {
            Answer::new(body, &caller.busy, place).boxed_unsync()
        };
        Ok(Response::from_parts(parts, Either::Right(body)))
    }

    /// Where to: the application, and the path as it came.
    fn uri(&self, target: &Target) -> Result<Uri, Trouble> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let uri = Uri::builder().scheme(scheme).authority(self.upstream_host());
        uri.path_and_query(target.path.clone()).build().map_err(|_| Trouble::BadAnswer)
    }

    fn upstream_host(&self) -> &str {
        match &self.config.upstream {
            Upstream::Tcp(authority) | Upstream::Tls(authority) => authority.as_str(),
            Upstream::Unix(_) => "localhost",
        }
    }
}

/// Sends requests on to an application.
fn onward(upstream: &Upstream, tls: Option<Tls>, budget: &Budget) -> Onward {
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(MOST_AHEAD)
        .set_host(false)
        .build(Connector::new(upstream.clone(), tls, budget.clone()))
}

#[cfg(test)]
mod vectors;
#[cfg(test)]
mod mcp_vectors;
#[cfg(test)]
mod proof_vectors;
