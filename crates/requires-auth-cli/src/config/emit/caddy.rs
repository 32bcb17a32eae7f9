//! Caddy: `forward_auth`, which passes on refusals as they are.

use super::{Gateway, Side, preamble};

pub(super) fn emit(side: &Side) -> String {
    let gateway = match &side.gateway {
        Gateway::Tcp(address) => address.to_string(),
        Gateway::Unix(path) => format!("unix/{}", path.display()),
    };
    let copied = match side.headers.as_slice() {
        [] => String::new(),
        headers => format!("\n        copy_headers {}", headers.join(" ")),
    };
    format!(
        "{}
:80 {{
    forward_auth {gateway} {{
        uri /forward-auth/caddy{copied}
    }}
    reverse_proxy {application}
}}
",
        preamble("caddy", "Put your own domain in the place of :80, and Caddy gets a certificate for it."),
        application = side.application,
    )
}
