//! Caddy: `forward_auth`, which passes on refusals as they are.
//!
//! Caddy takes out of a request what `Connection` names once the gateway has set the identity headers. So a client that
//! names one of these there is refused before (RFC 9110 §7.6.1 lets a client name what is for one connection alone).

use super::{Gateway, Side, preamble};

pub(super) fn emit(side: &Side) -> String {
    let gateway = match &side.gateway {
        Gateway::Tcp(address) => address.to_string(),
        Gateway::Unix(path) => format!("unix/{}", path.display()),
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
    format!(
        "{}
:{port} {{
    route {{{guard}
        forward_auth {gateway} {{
            uri /forward-auth/caddy{copied}
        }}
        reverse_proxy {application}
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
