//! What the page can offer: the issuers and routes of a configuration. No secret of the file is among it.

use requires_auth::Policy;
use requires_auth::policy::Presence;
use serde_json::{Value, json};

use super::meanings;
use super::subject::{OfFlags, Subject};
use crate::commands::explain::configured::Configured;
use crate::gateway::routes::Route;

/// What the page can offer, as JSON.
pub(super) fn to_json(subject: &Subject) -> Value {
    let mut value = match subject {
        Subject::File(own) => of_file(own),
        Subject::Flags(own) => of_flags(own, subject.judges()),
    };
    value["meanings"] =
        meanings::all().map(|(name, meaning)| (name.to_owned(), Value::from(meaning))).collect();
    value
}

fn of_file(own: &Configured) -> Value {
    let issuers = own.config.guard.issuers.iter().map(|issuer| {
        let name = issuer.issuer();
        // A pattern is no issuer that a token could name.
        json!({ "name": issuer.name(), "issuer": name, "audience": issuer.audience(), "choosable": !name.contains('{') })
    });
    let resources = own.config.gateway.resources.iter().map(|own| own.url.as_str());
    json!({
        "source": "file",
        "name": own.name,
        "judges": true,
        "issuers": issuers.collect::<Vec<_>>(),
        "routes": own.config.gateway.routes.iter().flat_map(routes).collect::<Vec<_>>(),
        "resources": resources.collect::<Vec<_>>(),
    })
}

fn of_flags(own: &OfFlags, judges: bool) -> Value {
    let settings = &own.settings;
    let issuers =
        settings.issuer.iter().map(|issuer| json!({ "issuer": issuer, "audience": settings.audience }));
    json!({
        "source": "flags",
        "judges": judges,
        "issuers": issuers.collect::<Vec<_>>(),
        "scopes": settings.policy.scope(),
        "routes": [],
    })
}

/// Each pattern of a route, with a request that it may be for.
fn routes(route: &Route) -> impl Iterator<Item = Value> + '_ {
    route.patterns.iter().map(move |pattern| {
        let text = pattern.as_str();
        let (method, path) = text.split_once(' ').unwrap_or(("*", text));
        json!({
            "name": text,
            "method": if method == "*" { "GET" } else { method },
            "path": example(path),
            "needs": needs(route),
        })
    })
}

/// A path for a pattern, with 1 in the place of what may be anything.
fn example(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "*" => "1",
        segment if segment.starts_with('{') => "1",
        segment => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// What a route asks for, in words.
fn needs(route: &Route) -> String {
    let proof = |policy: &Policy| if policy.needs_dpop() { ", with a proof of its key" } else { "" };
    let policy = route.requirement.policy();
    let token = match policy.scope() {
        Some(scope) => format!("scopes: {scope}"),
        None => "any valid token".to_owned(),
    };
    match route.requirement.presence() {
        Presence::Ignored => "public".to_owned(),
        Presence::Optional => format!("no token, or {token}"),
        _ => format!("{token}{}", proof(policy)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_an_example() {
        assert_eq!(example("/orders/{id}/lines/*"), "/orders/1/lines/1");
        assert_eq!(example("/*"), "/1");
        assert_eq!(example("/orders/"), "/orders/");
    }
}
