//! Caddy: `forward_auth`, which passes on refusals as they are.
//!
//! Caddy takes out of a request what `Connection` names once the gateway has set the identity headers. So a client that
//! names one of these there is refused before (RFC 9110 §7.6.1 lets a client name what is for one connection alone).

use std::fmt::Write as _;

use requires_auth::client_certificate::HeaderFormat;

#[cfg(test)]
use super::interface::Asking;
use super::interface::{Dialect, Question};
use super::original::Original;
use super::proxy_side::{DOCUMENTS, NONCE, Place, ProxySide, WELL_KNOWN, preamble};
use crate::error::Failure;

/// Caddy's `forward_auth`.
#[derive(Debug)]
pub(super) struct Caddy;

impl Dialect for Caddy {
    fn name(&self) -> &'static str {
        "caddy"
    }

    fn read<'r>(&self, question: &Question<'r>) -> Result<Original<'r>, &'static str> {
        Original::in_x_forwarded(question.headers)
    }

    fn certificate_format(&self) -> HeaderFormat {
        HeaderFormat::Rfc9440
    }

    #[cfg(test)]
    fn shipped_as(&self) -> &'static str {
        "Caddyfile"
    }

    fn emit(&self, side: &ProxySide) -> Result<String, Failure> {
        emit(side)
    }

    #[cfg(test)]
    fn ask<'a>(&self, method: &'a str, target: &'a str, host: Option<&'a str>) -> Asking<'a> {
        let mut headers = vec![("x-forwarded-method", method), ("x-forwarded-uri", target)];
        headers.extend(host.map(|host| ("x-forwarded-host", host)));
        ("/forward-auth/caddy".to_owned(), headers)
    }
}

fn emit(side: &ProxySide) -> Result<String, Failure> {
    let certificate = side.certificate_header(HeaderFormat::Rfc9440, None)?;
    let gateway = match &side.gateway {
        Place::Tcp(address) => address.to_string(),
        Place::Unix(path) => format!("unix/{}", path.display()),
    };
    let mut copied: Vec<&str> = side.headers.iter().map(AsRef::as_ref).collect();
    let (mut forgotten, mut nonce) = (String::new(), String::new());
    if side.tells_nonces {
        copied.push(NONCE_HEADER);
        forgotten = format!("\n        request_header -{NONCE_HEADER}\n");
        nonce = format!("\n        {NONCE}{TELL_NONCE}");
    }
    let copied = match copied.as_slice() {
        [] => String::new(),
        headers => format!("\n            copy_headers {}", headers.join(" ")),
    };
    let guard = match side.headers.as_slice() {
        [] => String::new(),
        headers => format!(
            "
        # A client must not name these there: Caddy would take them out again.
        @named header_regexp Connection (?i)({})
        respond @named \"\" 400
",
            headers.join("|")
        ),
    };
    let cleared = cleared(side, certificate.as_deref());
    let told = certificate.as_ref().map_or_else(String::new, |header| told(header));
    let (usual, tls) = if certificate.is_some() { (443, TLS) } else { (80, "") };
    let documents = documents(side, &gateway);
    Ok(format!(
        "{}
:{port} {{{tls}
    route {{{SWITCH}{guard}{told}{documents}{forgotten}
        forward_auth {gateway} {{
            uri /forward-auth/caddy{copied}
        }}{nonce}
        reverse_proxy {application}{cleared}
    }}
}}
",
        preamble(
            "caddy",
            "Put your own domain in the place of the port, and Caddy gets a certificate for it."
        ),
        application = side.application,
        port = side.port.unwrap_or(usual),
    ))
}

/// Caddy joins the lines of a header, so that two of them are not `websocket`.
const SWITCH: &str = "
        # After a switch to another protocol, such as h2c, Caddy sees no requests any more, and nobody asks about them.
        @switch expression `{header.Upgrade} != \"\" && !{header.Upgrade}.matches(\"(?i)^websocket$\")`
        respond @switch \"\" 400
";

/// The documents of the gateway's resources, which anybody may read.
fn documents(side: &ProxySide, gateway: &str) -> String {
    side.resources.as_ref().map_or_else(String::new, |resources| {
        let others: String = resources.documents.iter().flat_map(|path| [" ", path]).collect();
        format!(
            "
        {DOCUMENTS}
        @metadata path {WELL_KNOWN} {WELL_KNOWN}/*{others}
        reverse_proxy @metadata {gateway} {{
            header_up -Authorization
        }}
"
        )
    })
}

/// Tells the certificate of the client, in the place of what it has sent itself. Without one, Caddy 2.6 leaves the name of the
/// placeholder there.
fn told(header: &str) -> String {
    format!(
        "
        # Only Caddy tells the certificate of a client.
        request_header {header} \":{{http.request.tls.client.certificate_der_base64}}:\"
        @bare not header_regexp {header} ^:[A-Za-z0-9+/]
        request_header @bare -{header}
"
    )
}

/// What the application must not get.
fn cleared(side: &ProxySide, certificate: Option<&str>) -> String {
    let mut lines = String::new();
    for (reason, header) in side.cleared(certificate) {
        // Writing to a string cannot fail.
        write!(lines, "\n            {reason}\n            header_up -{header}").ok();
    }
    if side.tells_nonces {
        write!(lines, "\n            header_up -{NONCE_HEADER}").ok();
    }
    if lines.is_empty() { lines } else { format!(" {{{lines}\n        }}") }
}

/// The header with a nonce, which is copied from the answer of the gateway to the request, and from there to the answer of the
/// application. What a client has sent under this name is forgotten before. Where the
/// gateway has told none, Caddy 2.6 leaves the name of the placeholder there.
const NONCE_HEADER: &str = "DPoP-Nonce";
const TELL_NONCE: &str = "
        @nonce header_regexp DPoP-Nonce ^[A-Za-z0-9_-]
        header @nonce {
            DPoP-Nonce {http.request.header.DPoP-Nonce}
            defer
        }";

/// Asks clients for certificates.
const TLS: &str = "
    tls {
        # Clients may show a certificate, whoever has issued it: what counts is that a token is bound to it (RFC 8705).
        client_auth {
            mode request
        }
    }";
