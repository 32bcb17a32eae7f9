//! The protected resources of a gateway: a guard for each, and which of them a request is for.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use requires_auth::guard::Builder;
use requires_auth::mcp::Scopes;
use requires_auth::metadata::MetadataAnswer;
use requires_auth::policy::{Policy, Requirement};
use requires_auth::settings::PUBLIC_URL;
use requires_auth::{ConfigError, Request, RequiresAuth};

use super::config::{Config, ResourceConfig};
use super::routes::{Below, IsBelow, NotFound, PlainPath, Route, Routes};

/// All of them.
pub(super) struct Resources(Vec<Arc<ResourceGuard>>);

/// A resource with its guard, which alone judges tokens for it.
pub(super) struct ResourceGuard {
    pub(super) auth: RequiresAuth,
    /// The routes whose requests are all below it.
    pub(super) routes: Routes,
    /// What a request needs that none of the routes is for.
    pub(super) rule: Route,
    /// Whether such a request may pass.
    pub(super) is_open_below: bool,
    /// What each operation of an MCP server needs, where they are told apart.
    pub(super) operations: Option<Scopes>,
    name: String,
    below: Below,
}

impl Resources {
    /// A guard for each resource of a configuration, with the keys of the guard that it has made.
    ///
    /// # Errors
    ///
    /// What is said of a resource cannot work.
    pub(super) fn new(config: &Config, auth: &RequiresAuth) -> Result<Self, ConfigError> {
        let all = config.gateway.resources.iter();
        all.map(|own| ResourceGuard::new(config, own, auth).map(Arc::new)).collect::<Result<_, _>>().map(Self)
    }

    /// The resource that a request is for: of several, the one with the longest path.
    ///
    /// # Errors
    ///
    /// Servers could read the path in more than one way, and in one of them it is below a resource.
    pub(super) fn of(&self, target: &str) -> Result<Option<&Arc<ResourceGuard>>, NotFound> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let path = PlainPath::with_encoded_slashes(target).map_err(NotFound::Path)?;
        let mut found: Option<&Arc<ResourceGuard>> = None;
        let mut longest_doubt = None;
        for own in &self.0 {
            match own.below.look(path) {
                IsBelow::Yes if found.is_none_or(|other| own.below.len() > other.below.len()) => {
                    found = Some(own);
                }
                IsBelow::Maybe => longest_doubt = longest_doubt.max(Some(own.below.len())),
                _ => {}
            }
        }
        // A server that sees a longer path than it is would look for another token.
        let is_doubtful = longest_doubt.is_some_and(|doubt| found.is_none_or(|own| doubt > own.below.len()));
        if is_doubtful { Err(NotFound::Case) } else { Ok(found) }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ResourceGuard> {
        self.0.iter().map(|own| &**own)
    }

    /// The answer to a request for the document of one of them.
    pub(super) fn metadata(&self, request: &Request<'_>) -> Option<Response<Full<Bytes>>> {
        self.iter().find_map(|own| own.auth.metadata(request)).map(response)
    }
}

impl ResourceGuard {
    fn new(config: &Config, own: &ResourceConfig, auth: &RequiresAuth) -> Result<Self, ConfigError> {
        let operations = own.operations.clone();
        let is_shadow = config.gateway.is_shadow;
        // Where operations are told apart, the base is asked for together with what they need. In shadow no body is read.
        let requirement = match &operations {
            Some(_) if !is_shadow => Scopes::admission(),
            _ => Requirement::token(Policy::default()),
        };
        let mut rule = Route::new(Vec::new(), requirement);
        rule.is_shadow = is_shadow;
        let routes = config.gateway.routes.below(&own.below);
        let (rule, routes) = if own.needs_dpop {
            (rule.with_dpop_required(), routes.with_dpop_required())
        } else {
            (rule, routes)
        };
        Ok(Self {
            auth: guard(config, own, auth)?,
            routes,
            rule,
            is_open_below: own.is_mcp,
            operations,
            name: own.url.as_str().to_owned(),
            below: own.below.clone(),
        })
    }

    /// Its name in logs and metrics.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Builds the guard of a resource.
fn guard(config: &Config, own: &ResourceConfig, auth: &RequiresAuth) -> Result<RequiresAuth, ConfigError> {
    let builder = auth.other_resource_builder(own.url.as_str()).with_issuers_of_tables(&own.issuers);
    // No other resource names an issuer that has one.
    let builder = builder.with_audience_claims_of(auth).with_challenge_scopes(own.challenge_scopes);
    let set = |builder: Builder, value: Option<&String>, set: fn(Builder, &str) -> Builder| match value {
        Some(value) => set(builder, value),
        None => builder,
    };
    let builder =
        if own.audience.is_empty() { builder } else { builder.with_default_audience(&own.audience) };
    let builder = if own.scopes.is_empty() { builder } else { builder.with_base_scopes(&own.scopes) };
    let builder = set(builder, own.name.as_ref(), Builder::with_resource_name);
    let builder = set(builder, own.metadata_url.as_ref(), Builder::with_metadata_url);
    set(builder, config.guard.get(PUBLIC_URL).as_ref(), Builder::with_public_url).build()
}

pub(super) fn response(answer: MetadataAnswer) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers: Vec<_> = answer
        .headers()
        .filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        })
        .collect();
    let mut response = Response::new(Full::from(answer.into_body()));
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    response
}
