//! The rule of a request: that of the resource which it is for, or a route.

use std::fmt;
use std::sync::Arc;

use requires_auth::guard::Admission;
use requires_auth::mcp::Body;
use requires_auth::policy::Presence;
use requires_auth::{Denial, Request, RequiresAuth};

use super::asked::Asked;
use super::resources::{ResourceGuard, Resources};
use super::routes::{NotFound, Route, Routes};

/// The rule of a request, and whether it passes as a preflight.
pub(super) struct Found<'g> {
    pub(super) rule: &'g Route,
    is_preflight: bool,
    /// The resource that the request is for, whose guard judges the token.
    resource: Option<&'g Arc<ResourceGuard>>,
    /// Why a request that has a good token is refused all the same.
    pub(super) unfound: Option<NotFound>,
}

impl<'g> Found<'g> {
    const fn of(rule: &'g Route, is_preflight: bool) -> Self {
        Self { rule, is_preflight, resource: None, unfound: None }
    }

    pub(super) fn auth(&self, of_routes: &'g RequiresAuth) -> &'g RequiresAuth {
        self.resource.map_or(of_routes, |resource| &resource.auth)
    }

    /// Its name in logs and metrics.
    pub(super) fn name(&self) -> &'g str {
        match self.resource {
            Some(resource) if self.rule.patterns.is_empty() => resource.name(),
            _ => self.rule.name(),
        }
    }

    /// Whether what its body asks for needs scopes of its own.
    pub(super) fn has_operations(&self) -> bool {
        self.resource.is_some_and(|resource| resource.operations.is_some())
    }

    /// The request, if its body names what it asks for.
    pub(super) fn unread(&self, request: &Request<'_>, admission: &Admission) -> Option<Unread> {
        admission.token()?;
        let resource = self.resource.filter(|_| !self.rule.is_shadow)?;
        let limit = resource.operations.as_ref()?.body_limit(&request.as_ordinary())?;
        let (resource, admission) = (Arc::clone(resource), admission.clone());
        Some(Unread { resource, admission, route: self.name().into(), limit })
    }

    /// What can be said of the operation of a request whose body is not needed for that.
    pub(super) fn check_unread(&self, request: &Request<'_>, admission: &Admission) -> Result<(), Denial> {
        match self.resource.filter(|_| !self.rule.is_shadow) {
            Some(resource) => check(resource, &request.as_ordinary(), admission, Body::Bytes(&[])),
            None => Ok(()),
        }
    }
}

/// A request to an MCP server whose body has not been judged.
pub(crate) struct Unread {
    pub(super) resource: Arc<ResourceGuard>,
    pub(super) admission: Admission,
    pub(super) route: Box<str>,
    limit: usize,
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("route", &self.route).finish_non_exhaustive()
    }
}

impl Unread {
    /// How many bytes the body may have.
    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }
}

/// The rule of a request: that of the resource which it is for, or a route.
pub(super) fn find<'g>(
    resources: &'g Resources,
    routes: &'g Routes,
    has_audience: bool,
    asked: Asked<'_>,
    request: &Request<'_>,
) -> Result<Found<'g>, NotFound> {
    let Some(resource) = resources.of(asked.target)? else {
        let found = route(routes, asked, request)?;
        // A token for a resource opens nothing beside it.
        let is_open = has_audience
            || found.rule.requirement.presence() == Presence::Ignored
            || found.rule.requirement.policy().audience().next().is_some();
        return if is_open { Ok(found) } else { Err(NotFound::Route) };
    };
    match route(&resource.routes, asked, request) {
        Ok(found) => Ok(Found { resource: Some(resource), ..found }),
        Err(cause) if cause.is_for_want_of_a_route() => {
            let is_path_plain = cause == NotFound::Route;
            let unfound = (!(resource.is_open_below && is_path_plain)).then_some(cause);
            let is_preflight = request.is_preflight() && !asked.has_body && unfound.is_none();
            Ok(Found { rule: &resource.rule, is_preflight, resource: Some(resource), unfound })
        }
        Err(cause) => Err(cause),
    }
}

/// The route of a request. A preflight without one of its own falls under that of the request which it announces.
fn route<'g>(routes: &'g Routes, asked: Asked<'_>, request: &Request<'_>) -> Result<Found<'g>, NotFound> {
    let found = routes.find(asked.method, asked.target, asked.host);
    if !request.is_preflight() || asked.has_body {
        return found.map(|rule| Found::of(rule, false));
    }
    let announced = asked.headers.get("access-control-request-method").and_then(|value| value.to_str().ok());
    let found = match (found, announced) {
        (Err(cause), Some(method)) if cause.is_for_want_of_a_route() => {
            routes.find(method, asked.target, asked.host)
        }
        (found, _) => found,
    };
    found.map(|rule| Found::of(rule, rule.allows_preflight))
}

/// Whether the request has what its rule asks for.
pub(super) async fn judge(
    auth: &RequiresAuth,
    found: &Found<'_>,
    request: &Request<'_>,
) -> Result<Admission, Denial> {
    let request = if found.is_preflight { *request } else { request.as_ordinary() };
    // What is let through whatever comes of this uses up no proof: the application may look at it.
    let request = if found.rule.is_shadow { request.as_trial() } else { request };
    auth.admit(&request, &found.rule.requirement).await
}

/// Whether the request of a good token may do what its messages ask for.
pub(super) fn check(
    resource: &ResourceGuard,
    request: &Request<'_>,
    admission: &Admission,
    body: Body<'_>,
) -> Result<(), Denial> {
    match (&resource.operations, admission.token()) {
        (Some(operations), Some(token)) => resource.auth.check_mcp(request, token, operations, body),
        _ => Ok(()),
    }
}
