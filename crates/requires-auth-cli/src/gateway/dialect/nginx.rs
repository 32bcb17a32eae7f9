//! nginx: `auth_request`, and a second question to tell the client why.
//!
//! nginx passes on no body of a refusal, no challenge of a 403, and makes a 500 of all but 401 and 403. So the first
//! question is refused with 403 whatever the reason, and the answer to the client is that to the second.
//!
//! The same directives are printed as one whole file, or in three parts for a `server` block that exists already.

use std::fmt::Write as _;

use http::StatusCode;
use requires_auth::client_certificate::HeaderFormat;

#[cfg(test)]
use super::interface::Asking;
use super::interface::{Answer, Dialect, Part, Question};
use super::original::Original;
use super::proxy_side::{ANY_ISSUER, DOCUMENTS, NONCE, Place, ProxySide, WELL_KNOWN, preamble};
use crate::error::Failure;
use crate::gateway::refused::Refused;

/// What follows the endpoint in the target of the second question.
const SECOND: &str = "/deny";

/// nginx's `auth_request`.
#[derive(Debug)]
pub(super) struct Nginx;

impl Dialect for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn has_endpoint(&self, rest: &str) -> bool {
        rest.is_empty() || rest.starts_with('?') || rest == SECOND
    }

    fn read<'r>(&self, question: &Question<'r>) -> Result<Original<'r>, &'static str> {
        Original::in_x_original(question.headers)
    }

    fn is_second(&self, question: &Question<'_>) -> bool {
        question.rest == SECOND
    }

    /// With `?deny=403` it is always 403. nginx makes a 500 of most others, and then asks again.
    fn refuse(&self, question: &Question<'_>, refused: Refused) -> Answer {
        let mut response = refused.into_response();
        if question.rest == "?deny=403" {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        response
    }

    fn certificate_format(&self) -> HeaderFormat {
        HeaderFormat::EscapedPem
    }

    #[cfg(test)]
    fn shipped_as(&self) -> &'static str {
        "nginx.conf"
    }

    fn emit(&self, side: &ProxySide) -> Result<String, Failure> {
        emit(side)
    }

    fn emit_part(&self, side: &ProxySide, part: Part) -> Result<String, Failure> {
        emit_part(side, part)
    }

    #[cfg(test)]
    fn ask<'a>(&self, method: &'a str, target: &'a str, host: Option<&'a str>) -> Asking<'a> {
        let mut headers = vec![("x-original-method", method), ("x-original-uri", target)];
        headers.extend(host.map(|host| ("x-original-host", host)));
        ("/forward-auth/nginx".to_owned(), headers)
    }
}

/// The header with the certificate of the client. nginx has it as a PEM text with escapes.
fn certificate(side: &ProxySide) -> Result<Option<String>, Failure> {
    side.certificate_header(HeaderFormat::EscapedPem, None)
}

/// A whole file, with one location to protect.
fn emit(side: &ProxySide) -> Result<String, Failure> {
    let certificate = certificate(side)?;
    let (usual, tls) = if certificate.is_some() { (443, LISTEN_TLS) } else { (80, ";") };
    let mut text = preamble(
        "nginx",
        "It belongs in the block `http`. Repeat what is in `location /` wherever you pass on to the application.",
    );
    write!(
        text,
        "
{upstream}
server {{
    listen {port}{tls}
{buffers}
    location / {{
{guard}{identity}        # No path after the port: with one, nginx passes on another path than the gateway has judged.
        proxy_pass http://{application};
        proxy_set_header Host $host;
    }}

{endpoints}}}
",
        upstream = upstream(side),
        buffers = indented(BUFFERS, 1),
        guard = indented(GUARD, 2),
        identity = indented(&identity(side, certificate.as_deref()), 2),
        application = side.application,
        port = side.port.unwrap_or(usual),
        endpoints = indented(&endpoints(side, certificate.as_deref()), 1),
    )
    .ok();
    Ok(text)
}

/// One part, for a configuration that exists already.
fn emit_part(side: &ProxySide, part: Part) -> Result<String, Failure> {
    let certificate = certificate(side)?;
    let certificate = certificate.as_deref();
    Ok(match part {
        Part::Http => {
            let head = preamble("nginx --part http", "Include it in the block `http`.");
            format!("{head}\n{}", upstream(side))
        }
        Part::Server => {
            let head = preamble(
                "nginx --part server",
                "Include it in the block `server`, and the part `location` in each location that passes on to the application.",
            );
            let spoofed = spoofed(side, certificate);
            let endpoints = endpoints(side, certificate);
            let verify = certificate.map_or_else(String::new, |_| format!("\n{ANY_ISSUER}\n{VERIFY}\n"));
            format!("{head}\n{BUFFERS}{verify}\n{EVERYWHERE}{GUARD}{spoofed}\n{endpoints}")
        }
        Part::Lua => {
            return Err(Failure::new("nginx loads no script").hint("write --part http, server or location"));
        }
        Part::Location => {
            let head = preamble(
                "nginx --part location",
                "Include it in each location that passes on to the application. In its proxy_pass, write no path after the port.",
            );
            format!("{head}\n{GUARD}{}", identity(side, certificate))
        }
    })
}

/// Where the gateway is.
fn upstream(side: &ProxySide) -> String {
    let server = match &side.gateway {
        Place::Tcp(address) => address.to_string(),
        Place::Unix(path) => format!("unix:{}", path.display()),
    };
    format!("upstream requires_auth {{\n    server {server};\n    keepalive 16;\n}}\n")
}

/// Passes on who is asking, in the place of what the client has sent under these names.
fn identity(side: &ProxySide, certificate: Option<&str>) -> String {
    let mut text = String::new();
    for (place, header) in side.headers.iter().enumerate() {
        // Writing to a string cannot fail.
        writeln!(text, "auth_request_set $requires_auth_{place} $upstream_http_{};", variable(header)).ok();
        writeln!(text, "proxy_set_header {header} $requires_auth_{place};").ok();
    }
    for (reason, header) in side.cleared(certificate) {
        writeln!(text, "{reason}\nproxy_set_header {header} \"\";").ok();
    }
    if side.tells_nonces {
        writeln!(text, "{NONCE}\n{NONCES}").ok();
    }
    if side.resources.as_ref().is_some_and(|resources| resources.is_mcp) {
        text.push_str(STREAMS);
    }
    text
}

/// Refuses a client that sends an identity header: a location may have been left without the part `location`, which
/// replaces them.
fn spoofed(side: &ProxySide, certificate: Option<&str>) -> String {
    if side.headers.is_empty() && certificate.is_none() {
        return String::new();
    }
    let mut text = String::from("\n# Only the gateway says who is asking.\n");
    for header in side.headers.iter().map(String::as_str).chain(certificate) {
        writeln!(text, "if ($http_{}) {{ return 400; }}", variable(header)).ok();
    }
    text
}

/// A header's name as nginx has it in its variables.
fn variable(header: &str) -> String {
    header.to_ascii_lowercase().replace('-', "_")
}

/// The locations that the gateway answers: metadata documents, which need no token.
fn documents(side: &ProxySide) -> String {
    let Some(resources) = &side.resources else { return String::new() };
    let answered = indented(DOCUMENT, 1);
    let mut text = format!("\n{DOCUMENTS}\n");
    // The path is passed on as it was matched: nginx decodes it, and takes dot segments out.
    let places =
        [("^~", WELL_KNOWN)].into_iter().chain(resources.documents.iter().map(|path| ("=", &**path)));
    for (kind, path) in places {
        writeln!(text, "location {kind} {path} {{\n    proxy_pass http://requires_auth{path};\n{answered}}}")
            .ok();
    }
    text
}

/// The two locations that ask the gateway, and those that it answers.
fn endpoints(side: &ProxySide, certificate: Option<&str>) -> String {
    let told = certificate.map(|header| format!("proxy_set_header {header} $ssl_client_escaped_cert;\n"));
    let question = indented(&format!("{QUESTION}{}", told.unwrap_or_default()), 1);
    let documents = documents(side);
    format!(
        "\
location = /_requires_auth {{
    internal;
    auth_request off;
    proxy_pass http://requires_auth/forward-auth/nginx?deny=403;
    # For the identity headers. If they have more than 64 KiB altogether, the client gets 503.
    proxy_buffer_size 64k;
    proxy_buffers 4 64k;
    proxy_busy_buffers_size 128k;
{question}}}

# Asks again, to pass on status, challenge and body of the refusal. It never answers that a request is allowed.
location @requires_auth_deny {{
    auth_request off;
    rewrite ^ /forward-auth/nginx/deny? break;
    proxy_pass http://requires_auth;
    proxy_method GET;
{question}}}
{documents}"
    )
}

/// Each line that is not empty, `levels` deeper.
fn indented(text: &str, levels: usize) -> String {
    let mut deeper = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        let spaces = if line.is_empty() { 0 } else { 4 * levels };
        writeln!(deeper, "{:spaces$}{line}", "").ok();
    }
    deeper
}

const BUFFERS: &str = "\
# The gateway takes tokens of up to 16 KiB, and nginx header lines of 8 KiB unless it is told otherwise. Where several
# servers share a port, this belongs in the default one too.
large_client_header_buffers 4 32k;
";

const NONCES: &str = "\
# An `add_header` in a location replaces those around it: repeat these there.
auth_request_set $requires_auth_nonce $upstream_http_dpop_nonce;
add_header DPoP-Nonce $requires_auth_nonce always;";

const VERIFY: &str = "ssl_verify_client optional_no_ca;";

/// What follows the port of a server that clients show certificates to.
const LISTEN_TLS: &str = " ssl;
    # Put your own certificate in the place of this.
    ssl_certificate     /etc/nginx/tls/certificate.pem;
    ssl_certificate_key /etc/nginx/tls/key.pem;
    # Clients may show a certificate, whoever has issued it: what counts is that a token is bound to it (RFC 8705).
    ssl_verify_client optional_no_ca;
";

const STREAMS: &str = "\
# Messages of an MCP server are passed on as they come, also one that is open for hours.
proxy_buffering off;
proxy_http_version 1.1;
proxy_read_timeout 1h;
";

const DOCUMENT: &str = "\
auth_request off;
proxy_http_version 1.1;
proxy_set_header Connection \"\";
proxy_set_header Authorization \"\";
proxy_pass_request_body off;
proxy_set_header Content-Length \"\";
";

const EVERYWHERE: &str = "\
# Every location is guarded. One that is public needs `auth_request off;`. A `return`, and a `rewrite` that redirects, answer
# before anything is asked.
";

const GUARD: &str = "\
auth_request /_requires_auth;
error_page 401 403 500 = @requires_auth_deny;
";

/// What each of the two questions says about the request. `$request_uri` is the path as the client has sent it. A cache
/// around them would give the answer about one token to the next.
const QUESTION: &str = "\
proxy_cache off;
proxy_intercept_errors off;
proxy_http_version 1.1;
proxy_set_header Connection \"\";
proxy_pass_request_body off;
proxy_set_header Content-Length \"\";
proxy_set_header X-Original-Method $request_method;
proxy_set_header X-Original-URI $request_uri;
proxy_set_header X-Original-Host $host;
proxy_set_header X-Original-Proto $scheme;
proxy_set_header X-Real-IP $remote_addr;
";
