//! What `[[resources]]` must agree about with the rest of the file.

use requires_auth::Audience;
use requires_auth::config::{IssuerConfig, Reader};
use requires_auth::policy::Presence;
use requires_auth::settings::{DANGEROUSLY_ANY_AUDIENCE, shown_value};
use toml::de::DeTable;

use super::model::GatewayConfig;
use super::resources::ResourceConfig;
use crate::gateway::routes::Pattern;

const FIELD: &str = "resources";

/// Notes what cannot stand together. `routes` are the paths of the tables of the routes.
pub(super) fn check(
    reader: &mut Reader<'_>,
    document: &DeTable<'_>,
    issuers: &[IssuerConfig],
    config: &GatewayConfig,
    routes: &[String],
) {
    if config.resources.is_empty() {
        return;
    }
    if document.contains_key("resource") {
        let hint = "write all of them as [[resources]], and move what is said of this one there";
        reader.report("resource", "resource", "this beside [[resources]]", "one of the two", hint);
    }
    check_paths(reader, &config.resources);
    check_issuers(reader, issuers, &config.resources);
    check_adapters(reader, config);
    check_routes(reader, issuers, config, routes);
}

/// Which resource a request is for is told by its path.
fn check_paths(reader: &mut Reader<'_>, resources: &[ResourceConfig]) {
    for (place, own) in resources.iter().enumerate() {
        if resources.iter().take(place).any(|other| other.below.is_like(&own.below)) {
            let hint = "give each resource a path of its own, or run a gateway for each host";
            let path = format!("{}.resource", own.within);
            reader.report(FIELD, &path, "the path of another resource", "different paths", hint);
        }
    }
}

/// Tokens without `aud` do not say which resource they are for.
fn check_issuers(reader: &mut Reader<'_>, issuers: &[IssuerConfig], resources: &[ResourceConfig]) {
    let by_claim = issuers.iter().filter(|own| matches!(own.audience_rule(), Some(Audience::Claim { .. })));
    for issuer in by_claim {
        let named = resources.iter().filter(|own| own.issuers.iter().any(|name| name == issuer.name()));
        for other in named.skip(1) {
            let found = format!("{}, whose tokens are also for another resource", shown_value(issuer.name()));
            let hint = "name it in one resource alone: its tokens have no `aud`, so that one for the other resource would count \
                        here, too";
            let path = format!("{}.issuers", other.within);
            reader.report(FIELD, &path, found, "issuers whose tokens say which resource they are for", hint);
        }
    }
}

fn check_adapters(reader: &mut Reader<'_>, config: &GatewayConfig) {
    let passes_token = config.reverse_proxy.as_ref().is_some_and(|proxy| proxy.passes_token);
    for resource in &config.resources {
        if passes_token && resource.is_mcp {
            let hint = "an MCP server must not get the token of its client: take `pass_token` out of [reverse_proxy]";
            let path = format!("{}.mcp", resource.within);
            reader.report(FIELD, &path, "this beside `pass_token`", "one of the two", hint);
        }
        if config.forward_auth.is_some() && resource.operations.is_some() && !resource.trusts_headers {
            let hint = "a proxy that asks shows no body: use [reverse_proxy], or write mcp_headers = \"server-validates\" if the \
                        MCP server compares the headers Mcp-Method and Mcp-Name with the body";
            let path = format!("{}.mcp_headers", resource.within);
            reader.report(
                FIELD,
                &path,
                "nothing",
                "where tools are told apart, how their names are known",
                hint,
            );
        }
    }
}

/// A route below a resource takes the audience of that, and any other needs one of the issuers.
fn check_routes(
    reader: &mut Reader<'_>,
    issuers: &[IssuerConfig],
    config: &GatewayConfig,
    routes: &[String],
) {
    let without = issuers.iter().find(|issuer| !has_audience(issuer));
    for (route, within) in config.routes.iter().zip(routes) {
        let is_below =
            |pattern: &Pattern| config.resources.iter().any(|resource| resource.below.has(pattern));
        let has_own = route.requirement.policy().audience().next().is_some();
        if has_own && route.patterns.iter().any(is_below) {
            let hint = "leave it out: a token for the resource is what opens it";
            let path = format!("{within}.audience");
            reader.report("routes", &path, "this below a resource", "nothing", hint);
            continue;
        }
        let outside = route.patterns.iter().find(|pattern| !is_below(pattern));
        let needs_token = route.requirement.presence() != Presence::Ignored;
        if let (Some(issuer), Some(pattern), true, false) = (without, outside, needs_token, has_own) {
            let found = format!("`{}`, of which requests are below no resource", pattern.as_str());
            let hint = format!(
                "write the `audience` of {} into its table, which is what tokens for this route need, or name a path below a resource",
                shown_value(issuer.name())
            );
            let path = format!("{within}.match");
            reader.report("routes", &path, found, "a route whose audience is known", hint);
        }
    }
}

/// Whether an issuer says itself whom its tokens are for.
pub(super) fn has_audience(issuer: &IssuerConfig) -> bool {
    issuer.audience_rule().is_some() || issuer.get(DANGEROUSLY_ANY_AUDIENCE) == Some(true)
}
