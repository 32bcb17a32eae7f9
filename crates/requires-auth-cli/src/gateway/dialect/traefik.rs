//! Traefik: the middleware `ForwardAuth`, as a file of the dynamic configuration.

use std::fmt::Write as _;

#[cfg(test)]
use super::interface::Asking;
use super::interface::{Dialect, Question};
use super::original::Original;
use super::proxy_side::{DOCUMENTS, PROVEN, Place, ProxySide, WELL_KNOWN, preamble};
use crate::error::Failure;

/// Traefik's `ForwardAuth`.
#[derive(Debug)]
pub(super) struct Traefik;

impl Dialect for Traefik {
    fn name(&self) -> &'static str {
        "traefik"
    }

    fn read<'r>(&self, question: &Question<'r>) -> Result<Original<'r>, &'static str> {
        Original::in_x_forwarded(question.headers)
    }

    #[cfg(test)]
    fn shipped_as(&self) -> &'static str {
        "traefik.yml"
    }

    fn emit(&self, side: &ProxySide) -> Result<String, Failure> {
        emit(side)
    }

    #[cfg(test)]
    fn ask<'a>(&self, method: &'a str, target: &'a str, host: Option<&'a str>) -> Asking<'a> {
        let mut headers = vec![("x-forwarded-method", method), ("x-forwarded-uri", target)];
        headers.extend(host.map(|host| ("x-forwarded-host", host)));
        ("/forward-auth/traefik".to_owned(), headers)
    }
}

/// The second middleware in the list of a router.
const CLEARED: &str = "        - requires-auth-clear\n";

/// A middleware that takes headers away: those that are set to nothing. Nothing if there are none.
fn clear(side: &ProxySide) -> String {
    let token = side.clears_authorization.map(|reason| (reason, "Authorization"));
    let proof = side.takes_proofs.then_some((PROVEN, "DPoP"));
    let mut text = String::new();
    for (reason, name) in token.into_iter().chain(proof) {
        // Writing to a string cannot fail.
        writeln!(text, "          {reason}\n          {name}: \"\"").ok();
    }
    if text.is_empty() {
        return text;
    }
    format!("    requires-auth-clear:\n      headers:\n        customRequestHeaders:\n{text}")
}

/// The router that leads to the documents, and its service.
fn documents(side: &ProxySide, gateway: &str) -> (String, String) {
    let Some(resources) = &side.resources else { return Default::default() };
    let others: String = resources.documents.iter().flat_map(|path| [" || Path(`", path, "`)"]).collect();
    let router = format!(
        "    metadata:
      {DOCUMENTS}
      rule: \"PathPrefix(`{WELL_KNOWN}`){others}\"
      service: requires-auth
"
    );
    let service = format!(
        "    requires-auth:
      loadBalancer:
        servers:
          - url: \"http://{gateway}\"
"
    );
    (router, service)
}

fn emit(side: &ProxySide) -> Result<String, Failure> {
    let Place::Tcp(gateway) = &side.gateway else {
        return Err(Failure::new("Traefik does not ask over unix sockets")
            .hint("let the gateway listen on a port: listen = \"127.0.0.1:9180\""));
    };
    if side.port.is_some() {
        return Err(Failure::new("Traefik's ports are not part of this file")
            .hint("leave --listen out: they are entry points of the static configuration"));
    }
    let mut copied = String::new();
    if !side.headers.is_empty() {
        copied.push_str("        authResponseHeaders:\n");
    }
    for header in &side.headers {
        // Writing to a string cannot fail.
        writeln!(copied, "          - \"{header}\"").ok();
    }
    let clear = clear(side);
    let cleared = if clear.is_empty() { "" } else { CLEARED };
    let (router, service) = documents(side, &gateway.to_string());
    Ok(format!(
        "{}
http:
  middlewares:
    requires-auth:
      forwardAuth:
        address: \"http://{gateway}/forward-auth/traefik\"
        # A client's own X-Forwarded-Uri must not be what is judged.
        trustForwardHeader: false
{copied}{clear}
  routers:
    api:
      rule: \"PathPrefix(`/`)\"
      middlewares:
        - requires-auth
{cleared}      service: api
{router}
  services:
    api:
      loadBalancer:
        servers:
          - url: \"http://{application}\"
{service}",
        preamble(
            "traefik",
            "A file of the dynamic configuration. Every router to the application needs the middleware."
        ),
        application = side.application,
    ))
}
