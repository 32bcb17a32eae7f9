//! One decision for all adapters: which route, which verdict, which answer.

use std::time::Duration;

use http::header::{UPGRADE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use requires_auth::guard::Admission;
use requires_auth::mcp::Body;
use requires_auth::{ConfigError, Denial, ErrorCode, Reason, Request, RequiresAuth};
use tracing::{debug, info};

use super::asked::Asked;
use super::config::{Config, GatewayConfig};
use super::found::{Unread, check, find, judge};
use super::header_names::is_folded_like;
use super::identity::Identity;
use super::refused::Refused;
use super::resources::{Resources, response};
use super::routes::{NotFound, Route};
use super::telemetry::{Decisions, Outcome};
use super::token_places::{Taken, TokenPlaces};
use crate::logging::short;

/// A guard with its routes: what one configuration makes. A reload makes another one.
pub(crate) struct Gateway {
    auth: RequiresAuth,
    resources: Resources,
    /// Whether tokens are for something beside the resources.
    has_audience: bool,
    config: GatewayConfig,
    identity: Identity,
    places: TokenPlaces,
    decisions: Decisions,
}

/// What is to become of a request.
#[derive(Debug)]
pub(crate) enum Decision {
    /// It may pass, with these identity headers. Each configured one is there, empty where there is nothing to say.
    Allow {
        identity: Vec<(HeaderName, HeaderValue)>,
        /// What the answer to the client is to carry.
        added: Vec<(HeaderName, HeaderValue)>,
        /// How long a connection may last that begins with this request; there is a limit for a WebSocket with a token.
        lasts: Option<Duration>,
    },
    /// It may not, and this is the answer.
    Refuse(Refused),
}

/// What the head of a request tells about that.
#[derive(Debug)]
pub(crate) enum Decided {
    Now(Decision),
    /// Its token is good, and what it asks for stands in its body: [`Gateway::after_body`] goes on.
    AfterBody(Unread),
}

impl Gateway {
    /// The gateway of a configuration.
    ///
    /// # Errors
    ///
    /// What the configuration says of a resource cannot work.
    pub(crate) fn new(config: &Config, auth: RequiresAuth) -> Result<Self, ConfigError> {
        let resources = Resources::new(config, &auth)?;
        let below = resources.iter().flat_map(|own| own.routes.iter().map(Route::name).chain([own.name()]));
        let routes = config.gateway.routes.iter().map(Route::name).chain(below);
        let decisions = Decisions::of(routes, config.gateway.has_live_view());
        let identity = Identity::new(config);
        let places = TokenPlaces::new(auth.token_places()).taking_proofs(config.proofs().are_taken());
        let has_audience = config.has_audience();
        Ok(Self {
            auth,
            resources,
            has_audience,
            config: config.gateway.clone(),
            identity,
            places,
            decisions,
        })
    }

    /// The answer to a request for the metadata of a resource (RFC 9728 §3), which needs no token; `None` for any other
    /// request.
    pub(crate) fn metadata<B>(&self, request: &http::Request<B>) -> Option<Response<Full<Bytes>>> {
        let target = request.uri().path_and_query()?.as_str();
        let request = Request::new(request.method().as_str(), target, request.headers());
        self.resources.metadata(&request).or_else(|| self.auth.metadata(&request).map(response))
    }

    pub(crate) const fn auth(&self) -> &RequiresAuth {
        &self.auth
    }

    pub(crate) const fn config(&self) -> &GatewayConfig {
        &self.config
    }

    pub(super) const fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Whether tokens are for something beside the resources.
    pub(super) const fn has_audience(&self) -> bool {
        self.has_audience
    }

    pub(crate) const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where tokens stand beside `Authorization`.
    pub(crate) const fn places(&self) -> &TokenPlaces {
        &self.places
    }

    /// For a request that changes the protocol alone: the clock is not read for others.
    fn lasts(auth: &RequiresAuth, asked: Asked<'_>, admission: &Admission) -> Option<Duration> {
        let is_upgrade = asked.headers.contains_key(UPGRADE);
        admission.token().filter(|_| is_upgrade).and_then(|token| auth.closes_in(token))
    }

    /// What is to become of the headers of a request that may pass: what holds a token goes, and what tells the certificate
    /// of the client.
    pub(crate) fn take(&self, headers: &HeaderMap) -> Taken {
        let mut taken = self.places.take(headers);
        if let Some(header) = self.config.certificate_header() {
            let is_like = |name: &&HeaderName| is_folded_like(header.name(), name.as_str());
            taken.removed.extend(headers.keys().filter(is_like).cloned());
        }
        taken
    }

    pub(super) const fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// Looks up what decisions are counted with, if that has not been done.
    pub(crate) fn begin_counting(&self) {
        self.decisions.begin();
    }

    /// Decides about a request. Waits only if keys have to be fetched.
    pub(crate) async fn decide(&self, asked: Asked<'_>) -> Decided {
        let timed = self.decisions.begin();
        let request = asked.request();
        let found = match find(&self.resources, &self.config.routes, self.has_audience, asked, &request) {
            Ok(found) => found,
            Err(cause) => {
                timed.end("", Outcome::refused_unseen(cause.code()));
                return Decided::Now(Self::refuse_unfound(&self.auth, &request, cause));
            }
        };
        let (auth, name) = (found.auth(&self.auth), found.name());
        let parameters = found.rule.path_parameters(asked.method, asked.target);
        let request = request.with_path_parameters(&parameters);
        let judged = judge(auth, &found, &request).await;
        if let (Some(cause), Ok(_)) = (found.unfound, &judged) {
            timed.end(name, Outcome::refused_unseen(cause.code()));
            return Decided::Now(Self::refuse_unfound(auth, &request, cause));
        }
        if let Some(unread) = judged.as_ref().ok().and_then(|admission| found.unread(&request, admission)) {
            return Decided::AfterBody(unread);
        }
        let judged =
            judged.and_then(|admission| found.check_unread(&request, &admission).map(|()| admission));
        Decided::Now(match judged {
            Ok(admission) => {
                timed.end(name, Outcome::Allowed);
                debug!(route = name, method = short(asked.method), path = short(request.path()), "allowed");
                self.allow(auth, asked, &admission)
            }
            Err(denial) if found.rule.is_shadow => {
                timed.end(name, Outcome::shadow(&denial));
                let (code, reason) = (denial.code().as_str(), denial.reason().map(Reason::as_str));
                let (method, path) = (short(asked.method), short(request.path()));
                info!(code, reason, route = name, method, path, "would be refused");
                Decision::Allow { identity: self.identity.of_nobody(), added: Vec::new(), lasts: None }
            }
            Err(denial) => {
                timed.end(name, Outcome::refused(&denial));
                Decision::Refuse(Refused::of(auth, &request, &denial))
            }
        })
    }

    /// Decides about a request whose body nobody shows. Where its headers do not tell what stands in it, it is refused.
    pub(crate) async fn decide_by_head(&self, asked: Asked<'_>) -> Decision {
        match self.decide(asked).await {
            Decided::Now(decision) => decision,
            Decided::AfterBody(unread) => self.after_body(&unread, asked, Body::Hidden),
        }
    }

    /// Goes on with a request whose body has been read as far as it may be, or that nobody can read: allows or refuses.
    pub(crate) fn after_body(&self, unread: &Unread, asked: Asked<'_>, body: Body<'_>) -> Decision {
        let timed = self.decisions.begin();
        let Unread { resource, admission, route, .. } = unread;
        let request = asked.request().as_ordinary();
        match check(resource, &request, admission, body) {
            Ok(()) => {
                timed.end(route, Outcome::Allowed);
                debug!(route, method = short(asked.method), path = short(request.path()), "allowed");
                self.allow(&resource.auth, asked, admission)
            }
            Err(denial) => {
                timed.end(route, Outcome::refused(&denial));
                Decision::Refuse(Refused::of(&resource.auth, &request, &denial))
            }
        }
    }

    fn allow(&self, auth: &RequiresAuth, asked: Asked<'_>, admission: &Admission) -> Decision {
        let of_nobody = || self.identity.of_nobody();
        let identity = admission.token().map_or_else(of_nobody, |token| self.identity.of(token));
        let mut added = added(admission);
        // RFC 9440 §2.4: what was told in this header has chosen the answer.
        let header = self.config.certificate_header().filter(|_| admission.token().is_some());
        added.extend(header.and_then(|header| Some((VARY, header.name().try_into().ok()?))));
        Decision::Allow { identity, added, lasts: Self::lasts(auth, asked, admission) }
    }

    /// Refuses a request that no route is for.
    fn refuse_unfound(auth: &RequiresAuth, request: &Request<'_>, cause: NotFound) -> Decision {
        let denial = Denial::new(cause.code());
        let (code, hint) = (denial.code(), denial.hint());
        let (method, path) = (short(request.method()), short(request.path()));
        info!(%code, %cause, method, path, hint, "refused");
        Decision::Refuse(Refused::of(auth, request, &denial))
    }

    /// Refuses a request that cannot be decided about, since it says two things.
    pub(crate) fn refuse_ambiguous(&self, headers: &HeaderMap) -> Refused {
        let denial = Denial::new(ErrorCode::AmbiguousRequest);
        self.decisions.begin().end("", Outcome::refused(&denial));
        Refused::of(&self.auth, &Request::new("GET", "/", headers), &denial)
    }
}

fn added(admission: &Admission) -> Vec<(HeaderName, HeaderValue)> {
    let pairs = admission.headers();
    pairs.filter_map(|(name, value)| Some((name.try_into().ok()?, value.try_into().ok()?))).collect()
}
