//! HAProxy: a script of ours asks, since HAProxy itself cannot. It stands beside the file of HAProxy.
//!
//! HAProxy goes on after a script that has failed, so only what the script sets as its last step lets a request pass.

use std::fmt::Write as _;

use requires_auth::client_certificate::HeaderFormat;

#[cfg(test)]
use super::interface::Asking;
use super::interface::{Dialect, Part, Question};
use super::original::Original;
use super::proxy_side::{ANY_ISSUER, DOCUMENTS, NONCE, Place, ProxySide, WELL_KNOWN, preamble};
use crate::error::Failure;

/// HAProxy's action `lua.requires_auth`.
#[derive(Debug)]
pub(super) struct Haproxy;

impl Dialect for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn read<'r>(&self, question: &Question<'r>) -> Result<Original<'r>, &'static str> {
        Original::in_x_original(question.headers)
    }

    fn certificate_format(&self) -> HeaderFormat {
        HeaderFormat::Rfc9440
    }

    #[cfg(test)]
    fn shipped_as(&self) -> &'static str {
        "haproxy.cfg"
    }

    fn emit(&self, side: &ProxySide) -> Result<String, Failure> {
        emit(side)
    }

    fn emit_part(&self, _side: &ProxySide, part: Part) -> Result<String, Failure> {
        match part {
            Part::Lua => Ok(SCRIPT.to_owned()),
            Part::Http | Part::Server | Part::Location => {
                Err(Failure::new("the only part of HAProxy's file is the script that it loads")
                    .hint("write --part lua, or leave --part out"))
            }
        }
    }

    #[cfg(test)]
    fn ask<'a>(&self, method: &'a str, target: &'a str, host: Option<&'a str>) -> Asking<'a> {
        let mut headers = vec![("x-original-method", method), ("x-original-uri", target)];
        headers.extend(host.map(|host| ("x-original-host", host)));
        ("/forward-auth/haproxy".to_owned(), headers)
    }
}

/// The script that asks.
const SCRIPT: &str = include_str!("haproxy.lua");

fn emit(side: &ProxySide) -> Result<String, Failure> {
    let certificate = side.certificate_header(HeaderFormat::Rfc9440, None)?;
    let certificate = certificate.as_deref();
    let gateway = match &side.gateway {
        Place::Tcp(address) => address.to_string(),
        Place::Unix(path) => format!("unix@{}", path.display()),
    };
    let identity = if side.headers.is_empty() { "-".to_owned() } else { side.headers.join(",") };
    let is_mcp = side.resources.as_ref().is_some_and(|resources| resources.is_mcp);
    let (documents, unless, documents_backend) = documents(side, &gateway);
    Ok(format!(
        "{preamble}
{GLOBAL}
defaults
    mode http
    timeout connect 5s
    timeout http-request 10s
    timeout client {patience}
    timeout server {patience}
{TRAILERS}
frontend api
{listen}{NO_TRAILERS}{SWITCH}{named}{told}{documents}
    http-request lua.requires_auth {gateway} {identity}{unless}
    # Whatever keeps the script from its end: without its word nothing passes.
    http-request deny deny_status 503 unless {{ var(txn.requires_auth) -m str allowed }}{or_documents}
{cleared}{nonce}{answered}    default_backend application

backend application
    server application {application}
{documents_backend}",
        preamble = preamble(
            "haproxy",
            "It is a whole haproxy.cfg. The script that it loads is printed by `requires-auth config emit haproxy --part lua`.",
        ),
        patience = if is_mcp { "1h" } else { "60s" },
        listen = listen(side.port, certificate.is_some()),
        named = named(&side.headers),
        told = certificate.map_or_else(String::new, told),
        or_documents = if unless.is_empty() { "" } else { " || metadata" },
        cleared = cleared(side, certificate),
        nonce = if side.tells_nonces { format!("    {NONCE}\n{TELL_NONCE}") } else { String::new() },
        answered = if unless.is_empty() { "" } else { "    use_backend requires_auth if metadata\n" },
        application = side.application,
    ))
}

/// Where clients connect to. HTTP/2, which TLS brings by itself from 2.8 on, is for a HAProxy that drops trailers.
fn listen(port: Option<u16>, with_certificates: bool) -> String {
    if !with_certificates {
        return format!("    bind :{}\n", port.unwrap_or(80));
    }
    let bind = format!("bind :{}{LISTEN_TLS}", port.unwrap_or(443));
    format!(
        "    # Put your own certificate, with its key in the same file, in the place of this.
    {ANY_ISSUER}
.if version_atleast(3.2)
    {bind}
.else
    {bind} alpn http/1.1
.endif
"
    )
}

/// Refuses a `Connection` that names an identity header: a proxy behind this one would take it out again.
fn named(identity: &[String]) -> String {
    if identity.is_empty() {
        return String::new();
    }
    format!(
        "    # A client must not name these there: another proxy on the way would take them out again.
    http-request return status 400 if {{ req.fhdr(connection) -m reg -i ({}) }}
",
        identity.join("|")
    )
}

/// Tells the certificate of the client, in the place of what it has sent itself.
fn told(header: &str) -> String {
    format!(
        "    # Only HAProxy tells the certificate of a client.
    http-request del-header {header}
    http-request set-header {header} :%[ssl_c_der,base64]: if {{ ssl_c_used }}
"
    )
}

/// What the application must not get.
fn cleared(side: &ProxySide, certificate: Option<&str>) -> String {
    let mut lines = String::new();
    for (reason, header) in side.cleared(certificate) {
        // Writing to a string cannot fail.
        writeln!(lines, "    {reason}\n    http-request del-header {header}").ok();
    }
    lines
}

/// What sends the way to the documents, what keeps their requests from the script, and where the gateway is.
fn documents(side: &ProxySide, gateway: &str) -> (String, &'static str, String) {
    let Some(resources) = &side.resources else { return Default::default() };
    let others: String = resources.documents.iter().flat_map(|path| [" ", path]).collect();
    let rules = format!(
        "
    {DOCUMENTS}
    acl metadata path {WELL_KNOWN}{others}
    acl metadata path_beg {WELL_KNOWN}/
"
    );
    let backend = format!(
        "
backend requires_auth
    http-request del-header Authorization
    server requires_auth {gateway}
"
    );
    (rules, " unless metadata", backend)
}

const GLOBAL: &str = "\
global
    lua-load-per-thread /etc/haproxy/requires-auth.lua
    # The gateway takes tokens of up to 16 KiB: a request may have 32 KiB of headers, and get 64 KiB of identity headers.
    tune.bufsize 98304
    tune.maxrewrite 65536
";

/// A trailer could name an identity header behind the body. The option is one of backends, which take it from here.
const TRAILERS: &str = "\
.if version_atleast(3.2)
    # An application could take a trailer for an identity header.
    option http-drop-request-trailers
.endif
";

const NO_TRAILERS: &str = "\
.if !version_atleast(3.2)
    # This HAProxy passes on trailers, which an application could take for identity headers: only chunked bodies have them, and
    # those of HTTP/2 and 3.
    option disable-h2-upgrade
    http-request return status 505 content-type text/plain string \"HTTP/1.1 only\" unless { req.ver -m str 1.0 1.1 }
    http-request return status 411 content-type text/plain string \"Content-Length is missing\" if { req.fhdr(transfer-encoding) -m found }
.endif
";

const SWITCH: &str = "    # After a switch to another protocol, such as h2c, HAProxy sees no requests any more, and nobody asks about them.
    http-request return status 400 content-type text/plain string \"This Upgrade is not taken\" if { req.fhdr_cnt(upgrade) gt 1 } || { req.fhdr(upgrade) -m found } !{ req.fhdr(upgrade) -m str -i websocket }
";

const TELL_NONCE: &str = "    http-response set-header DPoP-Nonce %[var(txn.requires_auth_nonce)] if { var(txn.requires_auth_nonce) -m found }\n";

/// What follows the port where clients show certificates. The file of the authorities has to be there, and counts for nothing.
const LISTEN_TLS: &str = " ssl crt /etc/haproxy/tls/site.pem verify optional ca-verify-file /etc/haproxy/tls/site.pem ca-ignore-err all crt-ignore-err all";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passes_without_the_word_of_the_script() {
        let allowed = "txn:set_var(\"txn.requires_auth\", \"allowed\")";
        assert_eq!(SCRIPT.matches(allowed).count(), 1);
        assert_eq!(SCRIPT.matches("\"txn.requires_auth\"").count(), 1);
        let (_, after) = SCRIPT.split_once("elseif answer.status == 200 then").expect("one place");
        assert!(after.contains(allowed));
    }

    #[test]
    fn the_script_that_is_shipped_is_what_is_printed() {
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateway/requires-auth.lua");
        assert_eq!(std::fs::read_to_string(shipped).expect("a script"), SCRIPT);
    }
}
