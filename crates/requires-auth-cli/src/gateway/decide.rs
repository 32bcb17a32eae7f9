//! One decision for all adapters: which route, which verdict, which answer.

use std::net::IpAddr;
use std::time::Duration;

use http::header::UPGRADE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use requires_auth::guard::Admission;
use requires_auth::{Denial, ErrorCode, Reason, Request, RequiresAuth};
use tracing::{debug, info};

use super::config::{Config, GatewayConfig};
use super::identity::Identity;
use super::refused::Refused;
use super::routes::{NotFound, Route};
use super::telemetry::{Decisions, Outcome};
use super::token_places::TokenPlaces;
use crate::logging::short;

/// A guard with its routes: what one configuration makes. A reload makes another one.
pub(crate) struct Gateway {
    auth: RequiresAuth,
    config: GatewayConfig,
    identity: Identity,
    places: TokenPlaces,
    decisions: Decisions,
}

/// A request, as an adapter has read it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// Path and query as they came over the wire.
    pub(crate) target: &'a str,
    /// The host that the client has asked for, where it is known; with a port, if that is said.
    pub(crate) host: Option<&'a str>,
    /// Who has sent it, where that is known: what an issuer is asked about opaque tokens is shared between clients.
    pub(crate) client: Option<IpAddr>,
    pub(crate) headers: &'a HeaderMap,
    /// A preflight has none (finding of oauth2-proxy: one with a body is not a preflight).
    pub(crate) has_body: bool,
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

impl Gateway {
    /// The gateway of a configuration.
    pub(crate) fn new(config: &Config, auth: RequiresAuth) -> Self {
        let decisions = Decisions::of(config.gateway.routes.iter().map(Route::name));
        let identity = Identity::new(config);
        let places = TokenPlaces::new(auth.token_places());
        Self { auth, config: config.gateway.clone(), identity, places, decisions }
    }

    pub(crate) const fn auth(&self) -> &RequiresAuth {
        &self.auth
    }

    pub(crate) const fn config(&self) -> &GatewayConfig {
        &self.config
    }

    pub(crate) const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where tokens stand beside `Authorization`.
    pub(crate) const fn places(&self) -> &TokenPlaces {
        &self.places
    }

    /// For a request that changes the protocol alone: the clock is not read for others.
    fn lasts(&self, asked: Asked<'_>, admission: &Admission) -> Option<Duration> {
        let is_upgrade = asked.headers.contains_key(UPGRADE);
        admission.token().filter(|_| is_upgrade).and_then(|token| self.auth.closes_in(token))
    }

    /// Looks up what decisions are counted with, if that has not been done.
    pub(crate) fn begin_counting(&self) {
        self.decisions.begin();
    }

    /// Decides about a request. Waits only if keys have to be fetched.
    pub(crate) async fn decide(&self, asked: Asked<'_>) -> Decision {
        let timed = self.decisions.begin();
        let request = Request::new(asked.method, asked.target, asked.headers);
        let request = asked.client.map_or(request, |client| request.from_client(client));
        let route = match self.route(asked, &request) {
            Ok(route) => route,
            Err(cause) => {
                let denial = Denial::new(cause.code());
                timed.end("", Outcome::Refused(denial.code()));
                let (code, hint) = (denial.code(), denial.hint());
                let (method, path) = (short(asked.method), short(request.path()));
                info!(%code, %cause, method, path, hint, "refused");
                return Decision::Refuse(self.refusal(&request, &denial));
            }
        };
        let name = route.rule.name();
        let parameters = route.rule.path_parameters(asked.method, asked.target);
        let request = request.with_path_parameters(&parameters);
        match self.judge(&route, &request).await {
            Ok(admission) => {
                timed.end(name, Outcome::Allowed);
                debug!(route = name, method = short(asked.method), path = short(request.path()), "allowed");
                let of_nobody = || self.identity.of_nobody();
                let identity = admission.token().map_or_else(of_nobody, |token| self.identity.of(token));
                let lasts = self.lasts(asked, &admission);
                Decision::Allow { identity, added: added(&admission), lasts }
            }
            Err(denial) if route.rule.is_shadow => {
                timed.end(name, Outcome::Shadow(denial.code()));
                let (code, reason) = (denial.code().as_str(), denial.reason().map(Reason::as_str));
                let (method, path) = (short(asked.method), short(request.path()));
                info!(code, reason, route = name, method, path, "would be refused");
                Decision::Allow { identity: self.identity.of_nobody(), added: Vec::new(), lasts: None }
            }
            Err(denial) => {
                timed.end(name, Outcome::Refused(denial.code()));
                Decision::Refuse(self.refusal(&request, &denial))
            }
        }
    }

    /// Refuses a request that cannot be decided about, since it says two things.
    pub(crate) fn refuse_ambiguous(&self, headers: &HeaderMap) -> Refused {
        let denial = Denial::new(ErrorCode::AmbiguousRequest);
        self.decisions.begin().end("", Outcome::Refused(denial.code()));
        self.refusal(&Request::new("GET", "/", headers), &denial)
    }

    /// Whether the request has what its route asks for.
    async fn judge(&self, route: &Found<'_>, request: &Request<'_>) -> Result<Admission, Denial> {
        let request = if route.is_preflight { *request } else { request.as_ordinary() };
        self.auth.admit(&request, &route.rule.requirement).await
    }

    /// The route of a request. A preflight without one of its own falls under that of the request which it announces.
    fn route(&self, asked: Asked<'_>, request: &Request<'_>) -> Result<Found<'_>, NotFound> {
        let found = self.config.routes.find(asked.method, asked.target, asked.host);
        if !request.is_preflight() || asked.has_body {
            return found.map(|rule| Found { rule, is_preflight: false });
        }
        let announced =
            asked.headers.get("access-control-request-method").and_then(|value| value.to_str().ok());
        let found = match (found, announced) {
            (Err(cause), Some(method)) if cause.is_for_want_of_a_route() => {
                self.config.routes.find(method, asked.target, asked.host)
            }
            (found, _) => found,
        };
        found.map(|rule| Found { rule, is_preflight: rule.allows_preflight })
    }

    /// The answer to a request that is refused for this.
    fn refusal(&self, request: &Request<'_>, denial: &Denial) -> Refused {
        let challenge = self.auth.challenge(request, denial);
        // A status of ours is one; a refusal must not become a 2xx by any accident.
        let status = StatusCode::from_u16(challenge.status()).ok().filter(|status| !status.is_success());
        let mut headers = HeaderMap::new();
        for (name, value) in challenge.headers() {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
        // The server leaves the body out where the answer is to HEAD.
        let body = challenge.into_body();
        Refused {
            code: denial.code(),
            is_undecided: denial.is_undecided(),
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers,
            body,
        }
    }
}

/// The route of a request, and whether it passes as a preflight.
struct Found<'a> {
    rule: &'a Route,
    is_preflight: bool,
}

fn added(admission: &Admission) -> Vec<(HeaderName, HeaderValue)> {
    let pairs = admission.headers();
    pairs.filter_map(|(name, value)| Some((name.try_into().ok()?, value.try_into().ok()?))).collect()
}
