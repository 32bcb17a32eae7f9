//! Traefik: the middleware `ForwardAuth`, as a file of the dynamic configuration.

use std::fmt::Write as _;

use super::{Gateway, Side, preamble};
use crate::error::Failure;

pub(super) fn emit(side: &Side) -> Result<String, Failure> {
    let Gateway::Tcp(gateway) = &side.gateway else {
        return Err(Failure::new("Traefik does not ask over unix sockets")
            .hint("let the gateway listen on a port: listen = \"127.0.0.1:9180\""));
    };
    if side.port.is_some() {
        return Err(Failure::new("Traefik's ports are no part of this file")
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
    Ok(format!(
        "{}
http:
  middlewares:
    requires-auth:
      forwardAuth:
        address: \"http://{gateway}/forward-auth/traefik\"
        # A client's own X-Forwarded-Uri must not be what is judged.
        trustForwardHeader: false
{copied}
  routers:
    api:
      rule: \"PathPrefix(`/`)\"
      middlewares:
        - requires-auth
      service: api

  services:
    api:
      loadBalancer:
        servers:
          - url: \"http://{application}\"
",
        preamble(
            "traefik",
            "A file of the dynamic configuration. Every router to the application needs the middleware."
        ),
        application = side.application,
    ))
}
