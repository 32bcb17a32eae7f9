//! Envoy: `ext_authz` over HTTP or gRPC.
//!
//! Over gRPC it shows the gateway all of a request. Over HTTP it shows the headers that it is told to, and passes on to the
//! application all of them. So it is told to show each that the gateway refuses: other spellings of the identity headers,
//! and what names another method or path.

use std::fmt::Write as _;
use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use requires_auth::client_certificate::HeaderFormat;
use requires_auth::mcp::HEADERS;

use super::envoy_template::{
    BESIDE, CERTIFICATE, COPIED, FORWARDED, GRPC_SERVICE, HTTP_2, HTTP_SERVICE, NONCES, RESPONSE, TEMPLATE,
    TLS,
};
#[cfg(test)]
use super::interface::Asking;
use super::interface::{Answer, Caution, Dialect, Question};
use super::original::Original;
use super::original::{HOSTS, METHOD_OVERRIDES, METHODS, TARGETS};
use super::proxy_side::{DOCUMENTS, Place, ProxySide, WELL_KNOWN, preamble};
use crate::error::Failure;
use crate::gateway::refused::Refused;
use crate::gateway::token_places::Taken;

/// What else a preflight and a proof of possession (RFC 9449) need.
const SHOWN: [&str; 3] = ["access-control-request-method", "dpop", "origin"];

/// What stands in Envoy's own file cannot be seen from here, and decides whether an outage opens the API.
pub(super) const CAUTION: Caution = Caution {
    code: "gateway.envoy",
    what: "Envoy's file decides what becomes of a request while the gateway gives no answer",
    hint: "see that it says `failure_mode_allow: false`: with `true` an outage lets every request pass",
};

/// The header of an answer that has Envoy take headers away from the request.
const TO_REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// How it asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Http,
    Grpc,
}

/// Envoy's `ext_authz` over HTTP.
#[derive(Debug)]
pub(super) struct Envoy;

impl Dialect for Envoy {
    fn name(&self) -> &'static str {
        "envoy"
    }

    /// The path of the request that it asks about follows, where dot segments are refused.
    fn has_endpoint(&self, rest: &str) -> bool {
        rest.is_empty() || rest.starts_with(['/', '?'])
    }

    /// It asks with the original method and host, and appends the original path to the endpoint's.
    fn read<'r>(&self, question: &Question<'r>) -> Result<Original<'r>, &'static str> {
        // Of addresses it shows its own.
        let (method, target, host) = (question.method.as_str(), question.rest, question.host);
        Ok(Original { method, target, host, client: None, certificate: None })
    }

    /// A 503 that anybody can cause with a token of their own making is told as 403: with `failure_mode_allow: true`
    /// Envoy lets the request pass that was answered with a 5xx.
    fn refuse(&self, _question: &Question<'_>, refused: Refused) -> Answer {
        let is_undecided = refused.is_undecided;
        let mut response = refused.into_response();
        if is_undecided {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        response
    }

    fn takes_tokens(&self) -> bool {
        true
    }

    /// What is left of a header overwrites it, and this header names those that go.
    fn take(&self, taken: &Taken, answer: &mut HeaderMap) {
        let removed: Vec<_> = taken.removed.iter().map(HeaderName::as_str).collect();
        if let Ok(removed) = HeaderValue::from_str(&removed.join(","))
            && !removed.is_empty()
        {
            answer.insert(TO_REMOVE, removed);
        }
        answer.extend(taken.set.iter().map(|(name, value)| (Some(name.clone()), value.clone())));
    }

    fn caution(&self) -> Option<Caution> {
        Some(CAUTION)
    }

    fn certificate_format(&self) -> HeaderFormat {
        HeaderFormat::Xfcc
    }

    #[cfg(test)]
    fn shipped_as(&self) -> &'static str {
        "envoy.yaml"
    }

    fn emit(&self, side: &ProxySide) -> Result<String, Failure> {
        emit(side, Over::Http)
    }

    #[cfg(test)]
    fn ask<'a>(&self, _method: &'a str, target: &'a str, host: Option<&'a str>) -> Asking<'a> {
        (format!("/forward-auth/envoy{target}"), host.map(|host| ("host", host)).into_iter().collect())
    }
}

pub(super) fn emit(side: &ProxySide, over: Over) -> Result<String, Failure> {
    let certificate = side.certificate_header(HeaderFormat::Xfcc, Some(CERTIFICATE))?;
    let mut shown = shown(side);
    // Over gRPC it can tell the certificate beside the headers.
    let is_told_beside = over == Over::Grpc && side.takes_certificates && certificate.is_none();
    let (usual, forwarded, tls) = match &certificate {
        Some(header) => {
            // Writing to a string cannot fail.
            writeln!(shown, "{}", in_every_spelling(&header.to_ascii_lowercase())).ok();
            (8443, FORWARDED, TLS)
        }
        None if is_told_beside => (8443, "", TLS),
        None => (8000, "", ""),
    };
    let copied = copied(side, &mut shown);
    let (gateway, uri) = match &side.gateway {
        Place::Tcp(address) => (socket(*address), format!("http://{address}")),
        Place::Unix(path) => {
            (format!("pipe: {{ path: \"{}\" }}", path.display()), "http://localhost".to_owned())
        }
    };
    let application = application_address(&side.application);
    // None of the values has a letter of the marks: paths, hosts and names are held to fewer.
    let (name, service, protocol) = match over {
        Over::Http => ("envoy", HTTP_SERVICE, ""),
        Over::Grpc => ("envoy-grpc", GRPC_SERVICE, HTTP_2),
    };
    let port = side.port.unwrap_or(usual).to_string();
    let (documents, application_route) = (documents(side), application_route(side));
    let filled = [
        ("<documents>\n", documents.as_str()),
        ("<route>\n", application_route.as_str()),
        ("<service>\n", service),
        ("<tls>", tls),
        ("<beside>", if is_told_beside { BESIDE } else { "" }),
        ("<forwarded>", forwarded),
        ("<protocol>", protocol),
        ("<port>", port.as_str()),
        ("<shown>\n", shown.as_str()),
        ("<copied>\n", &copied),
        ("<gateway-uri>", &uri),
        ("<gateway>", &gateway),
        ("<application>", &application),
    ];
    let begin = preamble(name, "Take the cluster `requires_auth` and the first filter into your own.");
    Ok(begin + &filled.into_iter().fold(TEMPLATE.to_owned(), |text, (name, value)| text.replace(name, value)))
}

/// What the answers of the gateway tell. What they set is shown to it as well, so that a client cannot.
fn copied(side: &ProxySide, shown: &mut String) -> String {
    let mut copied = String::new();
    // Of these a part may be left.
    let cut: Vec<_> = side
        .token_headers
        .iter()
        .filter(|name| ["cookie", "sec-websocket-protocol"].contains(&name.as_str()))
        .collect();
    if side.tells_nonces {
        copied.push_str(NONCES);
    }
    if !side.headers.is_empty() || !cut.is_empty() {
        copied.push_str(COPIED);
    }
    if !copied.is_empty() {
        copied.insert_str(0, RESPONSE);
    }
    for name in cut {
        writeln!(copied, "                              - exact: {name}").ok();
    }
    for header in &side.headers {
        let name = header.to_ascii_lowercase();
        // The name itself is overwritten. Another spelling would be passed on beside it.
        writeln!(shown, "{}", in_every_spelling(&name)).ok();
        writeln!(copied, "                              - exact: {name}").ok();
    }
    copied
}

/// The headers that the gateway is shown over HTTP, apart from the identity headers.
fn shown(side: &ProxySide) -> String {
    let mut shown = String::new();
    let is_mcp = side.resources.as_ref().is_some_and(|resources| resources.is_mcp);
    // Envoy says a length of its own, as it shows no body.
    let of_mcp = HEADERS.iter().filter(|name| is_mcp && **name != "content-length");
    // Writing to a string cannot fail.
    for name in SHOWN.iter().chain(of_mcp) {
        writeln!(shown, "                          - exact: {name}").ok();
    }
    let hosts = HOSTS.iter().filter(|_| side.names_hosts);
    for name in METHODS.iter().chain(&TARGETS).chain(&METHOD_OVERRIDES).chain(hosts) {
        writeln!(shown, "{}", in_every_spelling(name)).ok();
    }
    for name in &side.token_headers {
        writeln!(shown, "                          - exact: {name}").ok();
    }
    shown
}

/// The routes to the documents, about which the gateway is not asked.
fn documents(side: &ProxySide) -> String {
    let Some(resources) = &side.resources else { return String::new() };
    let mut text = format!("                        {DOCUMENTS}\n");
    let places =
        [("prefix", WELL_KNOWN)].into_iter().chain(resources.documents.iter().map(|path| ("path", &**path)));
    for (kind, path) in places {
        writeln!(text, "                        - match: {{ {kind}: \"{path}\" }}\n{DOCUMENT}").ok();
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// What is said of the route to the application.
fn application_route(side: &ProxySide) -> String {
    let is_mcp = side.resources.as_ref().is_some_and(|resources| resources.is_mcp);
    // A stream of an MCP server may be open for hours.
    let route = if is_mcp { "{ cluster: application, timeout: 0s }" } else { "{ cluster: application }" };
    let mut text = format!("                          route: {route}\n");
    if let Some(reason) = side.clears_authorization.filter(|_| is_mcp) {
        let (indent, list) = ("                          ", "[authorization]");
        writeln!(text, "{indent}{reason}\n{indent}request_headers_to_remove: {list}").ok();
    }
    text
}

const DOCUMENT: &str = "                          route: { cluster: requires_auth }
                          request_headers_to_remove: [authorization]
                          typed_per_filter_config:
                            envoy.filters.http.ext_authz:
                              \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                              disabled: true
";

/// The address of the application, as a field of Envoy's file. A name without a port has port 80.
fn application_address(application: &str) -> String {
    application.parse().map_or_else(
        |_| {
            let (host, port) = application.rsplit_once(':').unwrap_or((application, "80"));
            format!("socket_address: {{ address: \"{host}\", port_value: {port} }}")
        },
        socket,
    )
}

/// A pattern of all names that an application could read as this one.
fn in_every_spelling(name: &str) -> String {
    format!("                          - safe_regex: {{ regex: \"{}\" }}", name.replace('-', "[-_.]"))
}

fn socket(address: SocketAddr) -> String {
    format!("socket_address: {{ address: \"{}\", port_value: {} }}", address.ip(), address.port())
}
