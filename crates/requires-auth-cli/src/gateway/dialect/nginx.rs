//! nginx: `auth_request`, and a second question to tell the client why.
//!
//! nginx passes on no body of a refusal, no challenge of a 403, and makes a 500 of all but 401 and 403. So the first
//! question is refused with 403 whatever the reason, and the answer to the client is that to the second.

use std::fmt::Write as _;

use http::StatusCode;

use super::interface::{Answer, Dialect, Question};
use super::original::Original;
use super::proxy_side::{Place, ProxySide, preamble};
use crate::error::Failure;
use crate::gateway::refused::Refused;

/// nginx's `auth_request`.
#[derive(Debug)]
pub(super) struct Nginx;

impl Dialect for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn read<'r>(&self, question: &Question<'r>) -> Result<Original<'r>, &'static str> {
        Original::in_x_original(question.headers)
    }

    fn is_second(&self, question: &Question<'_>) -> bool {
        question.rest == "/deny"
    }

    /// With `?deny=403` it is always 403. nginx makes a 500 of most others, and then asks again.
    fn refuse(&self, question: &Question<'_>, refused: Refused) -> Answer {
        let mut response = refused.into_response();
        if question.rest == "?deny=403" {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        response
    }

    #[cfg(test)]
    fn shipped_as(&self) -> &'static str {
        "nginx.conf"
    }

    fn emit(&self, side: &ProxySide) -> Result<String, Failure> {
        Ok(emit(side))
    }

    #[cfg(test)]
    fn ask<'a>(&self, method: &'a str, target: &'a str) -> (String, Vec<(&'static str, &'a str)>) {
        let headers = vec![("x-original-method", method), ("x-original-uri", target)];
        ("/forward-auth/nginx".to_owned(), headers)
    }
}

fn emit(side: &ProxySide) -> String {
    let server = match &side.gateway {
        Place::Tcp(address) => address.to_string(),
        Place::Unix(path) => format!("unix:{}", path.display()),
    };
    let identity = identity(&side.headers);
    let mut text = preamble(
        "nginx",
        "It belongs into the block `http`. Repeat what is in `location /` wherever you pass on to the application.",
    );
    write!(
        text,
        "
upstream requires_auth {{
    server {server};
    keepalive 16;
}}

server {{
    listen {port};
    # The gateway takes tokens of up to 16 KiB, and nginx header lines of 8 KiB unless it is told otherwise. Where several
    # servers share a port, this belongs into the default one too.
    large_client_header_buffers 4 32k;

    location / {{
        auth_request /_requires_auth;
        error_page 401 403 500 = @requires_auth_deny;
{identity}        # No path after the port: with one, nginx passes on another path than the gateway has judged.
        proxy_pass http://{application};
        proxy_set_header Host $host;
    }}

    location = /_requires_auth {{
        internal;
        proxy_pass http://requires_auth/forward-auth/nginx?deny=403;
        # For the identity headers. If they have more than 64 KiB altogether, the client gets 503.
        proxy_buffer_size 64k;
        proxy_buffers 4 64k;
        proxy_busy_buffers_size 128k;
{question}    }}

    # Asks again, to pass on status, challenge and body of the refusal. It never answers that a request is allowed.
    location @requires_auth_deny {{
        rewrite ^ /forward-auth/nginx/deny? break;
        proxy_pass http://requires_auth;
        proxy_method GET;
{question}    }}
}}
",
        application = side.application,
        port = side.port.unwrap_or(80),
        question = QUESTION,
    )
    .ok();
    text
}

/// The identity headers, from the gateway's answer to the application.
fn identity(headers: &[String]) -> String {
    let mut lines = String::new();
    for (place, header) in headers.iter().enumerate() {
        let upstream = header.to_ascii_lowercase().replace('-', "_");
        // Writing to a string cannot fail.
        writeln!(lines, "        auth_request_set $requires_auth_{place} $upstream_http_{upstream};").ok();
        writeln!(lines, "        proxy_set_header {header} $requires_auth_{place};").ok();
    }
    lines
}

/// What each of the two questions says about the request. `$request_uri` is the path as the client has sent it.
const QUESTION: &str = "        proxy_http_version 1.1;
        proxy_set_header Connection \"\";
        proxy_pass_request_body off;
        proxy_set_header Content-Length \"\";
        proxy_set_header X-Original-Method $request_method;
        proxy_set_header X-Original-URI $request_uri;
        proxy_set_header X-Original-Host $host;
        proxy_set_header X-Original-Proto $scheme;
";
