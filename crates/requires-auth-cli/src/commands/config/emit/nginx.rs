//! nginx: `auth_request`, and a second question to tell the client why.
//!
//! nginx passes on no body of a refusal, no challenge of a 403, and makes a 500 of all but 401 and 403. So the first
//! question is refused with 403 whatever the reason, and the answer to the client is that to the second.

use std::fmt::Write as _;

use super::{Gateway, Side, preamble};

pub(super) fn emit(side: &Side) -> String {
    let server = match &side.gateway {
        Gateway::Tcp(address) => address.to_string(),
        Gateway::Unix(path) => format!("unix:{}", path.display()),
    };
    let mut identity = String::new();
    for (place, header) in side.headers.iter().enumerate() {
        let upstream = header.to_ascii_lowercase().replace('-', "_");
        // Writing to a string cannot fail.
        writeln!(identity, "        auth_request_set $requires_auth_{place} $upstream_http_{upstream};").ok();
        writeln!(identity, "        proxy_set_header {header} $requires_auth_{place};").ok();
    }
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
