//! Traefik: the middleware `ForwardAuth`, as a file of the dynamic configuration.

use std::fmt::Write as _;

use requires_auth::client_certificate::HeaderFormat;

#[cfg(test)]
use super::interface::Asking;
use super::interface::{Dialect, Question};
use super::original::Original;
use super::proxy_side::{DOCUMENTS, Place, ProxySide, WELL_KNOWN, preamble};
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

    fn certificate_format(&self) -> HeaderFormat {
        HeaderFormat::Traefik
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

/// The header in which Traefik tells certificates.
const CERTIFICATE: &str = "X-Forwarded-Tls-Client-Cert";

/// The parts of the file by which Traefik tells certificates; nothing where it is to tell none.
#[derive(Default)]
struct Certificates {
    middlewares: &'static str,
    /// They stand before the one that asks.
    listed: &'static str,
    router: &'static str,
    options: &'static str,
}

impl Certificates {
    /// A client's own header is taken away before, as Traefik leaves it where the client shows no certificate.
    const TOLD: Self = Self {
        middlewares: "    requires-auth-forged:
      headers:
        customRequestHeaders:
          # Only Traefik tells the certificate of a client.
          X-Forwarded-Tls-Client-Cert: \"\"
    requires-auth-certificate:
      passTLSClientCert:
        pem: true
",
        listed: "        - requires-auth-forged
        - requires-auth-certificate
",
        router: "      tls:
        options: requires-auth
",
        options: "
tls:
  options:
    requires-auth:
      # Clients may show a certificate, whoever has issued it: what counts is that a token is bound to it (RFC 8705).
      clientAuth:
        clientAuthType: RequestClientCert
",
    };
}

/// The second middleware in the list of a router.
const CLEARED: &str = "        - requires-auth-clear\n";

/// A middleware that takes headers away: those that are set to nothing.
fn clear(headers: &[(&str, &str)]) -> String {
    let mut lines = String::new();
    for (reason, name) in headers {
        // Writing to a string cannot fail.
        writeln!(lines, "          {reason}\n          {name}: \"\"").ok();
    }
    format!("    requires-auth-clear:\n      headers:\n        customRequestHeaders:\n{lines}")
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
    let certificate = side.certificate_header(HeaderFormat::Traefik, Some(CERTIFICATE))?;
    let taken = side.cleared(certificate.as_ref().map(|_| CERTIFICATE));
    let (clear, cleared) = if taken.is_empty() { Default::default() } else { (clear(&taken), CLEARED) };
    let Certificates { middlewares, listed, router: router_tls, options } =
        certificate.map_or_else(Default::default, |_| Certificates::TOLD);
    let (router, service) = documents(side, &gateway.to_string());
    Ok(format!(
        "{}
http:
  middlewares:
{middlewares}    requires-auth:
      forwardAuth:
        address: \"http://{gateway}/forward-auth/traefik\"
        # A client's own X-Forwarded-Uri must not be what is judged.
        trustForwardHeader: false
{copied}{clear}
  routers:
    api:
      # After a switch to another protocol, such as h2c, Traefik sees no requests any more, and nobody asks about them. This lets
      # through a word of nine letters from a w on alone: websocket. (HeadersRegexp in Traefik 2.)
      rule: \"PathPrefix(`/`) && !HeaderRegexp(`Upgrade`, `(?i)^([^w]|.{{1,8}}$|.{{10}})`)\"
      middlewares:
{listed}        - requires-auth
{cleared}      service: api
{router_tls}{router}
  services:
    api:
      loadBalancer:
        servers:
          - url: \"http://{application}\"
{service}{options}",
        preamble(
            "traefik",
            "A file of the dynamic configuration. Every router to the application needs the middleware."
        ),
        application = side.application,
    ))
}
