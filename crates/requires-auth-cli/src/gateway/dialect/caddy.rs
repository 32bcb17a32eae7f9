//! Caddy: `forward_auth`, which passes on refusals as they are.
//!
//! Caddy takes out of a request what `Connection` names once the gateway has set the identity headers. So a client that
//! names one of these there is refused before (RFC 9110 §7.6.1 lets a client name what is for one connection alone).

#[cfg(test)]
use super::interface::Asking;
use super::interface::{Dialect, Question};
use super::original::Original;
use super::proxy_side::{DOCUMENTS, PROVEN, Place, ProxySide, WELL_KNOWN, preamble};
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

    #[cfg(test)]
    fn shipped_as(&self) -> &'static str {
        "Caddyfile"
    }

    fn emit(&self, side: &ProxySide) -> Result<String, Failure> {
        Ok(emit(side))
    }

    #[cfg(test)]
    fn ask<'a>(&self, method: &'a str, target: &'a str, host: Option<&'a str>) -> Asking<'a> {
        let mut headers = vec![("x-forwarded-method", method), ("x-forwarded-uri", target)];
        headers.extend(host.map(|host| ("x-forwarded-host", host)));
        ("/forward-auth/caddy".to_owned(), headers)
    }
}

/// What is taken away from a request to the application, as a block.
fn cleared(side: &ProxySide) -> String {
    let token = side.clears_authorization.map(|reason| (reason, "Authorization"));
    let proof = side.takes_proofs.then_some((PROVEN, "DPoP"));
    let lines: String = token
        .into_iter()
        .chain(proof)
        .map(|(reason, name)| format!("            {reason}\n            header_up -{name}\n"))
        .collect();
    if lines.is_empty() { lines } else { format!(" {{\n{lines}        }}") }
}

fn emit(side: &ProxySide) -> String {
    let gateway = match &side.gateway {
        Place::Tcp(address) => address.to_string(),
        Place::Unix(path) => format!("unix/{}", path.display()),
    };
    let copied = match side.headers.as_slice() {
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
    let cleared = cleared(side);
    let documents = side.resources.as_ref().map_or_else(String::new, |resources| {
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
    });
    format!(
        "{}
:{port} {{
    route {{{guard}{documents}
        forward_auth {gateway} {{
            uri /forward-auth/caddy{copied}
        }}
        reverse_proxy {application}{cleared}
    }}
}}
",
        preamble(
            "caddy",
            "Put your own domain in the place of the port, and Caddy gets a certificate for it."
        ),
        application = side.application,
        port = side.port.unwrap_or(80),
    )
}
