//! What is left out of a message, and what is put in.
//!
//! First goes what the client names in `Connection`, then what nobody but the gateway may say, and only then comes what
//! it says: so no client takes away or adds to that.

use std::net::IpAddr;

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, MAX_FORWARDS, TRANSFER_ENCODING,
    VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use crate::gateway::connections::Caller;
use crate::gateway::dialect::METHOD_OVERRIDES;
use crate::gateway::header_names::is_folded_like;
use crate::gateway::identity::Identity;
use crate::gateway::listen::Peer;

/// Names and values.
pub(super) type Pairs = Vec<(HeaderName, HeaderValue)>;

/// For one connection and no other (RFC 9110 §7.6.1), and what tells of trailers, which are not passed on.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-authentication-info",
];

/// What an application believes of a proxy, beside all that begins with one of [`BELIEVED`].
/// `Proxy` becomes the proxy of programs that speak CGI, `Remote-User` the name of a user (RFC 3875 §4.1.11, §4.1.18), and
/// some frameworks take a client's `X-Middleware-Subrequest` for a request of their own.
const FORGEABLE: [&str; 19] = [
    "forwarded",
    "x-real-ip",
    "x-rewrite-url",
    "true-client-ip",
    "cf-connecting-ip",
    "client-ip",
    "x-client-ip",
    "proxy",
    "remote-user",
    "x-remote-user",
    "x-forwarded",
    "x-host",
    "x-scheme",
    "x-middleware-subrequest",
    "via",
    // The certificate of a client (RFC 9440 §2.4), and the usual names before there was a standard.
    "client-cert",
    "client-cert-chain",
    "x-ssl-client-cert",
    "x-arr-clientcert",
];
const BELIEVED: [&str; 4] = ["x-forwarded-", "x-original-", "x-envoy-", "x-amzn-mtls-"];

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How messages are changed on their way.
pub(super) struct Rewrite {
    identity: Vec<HeaderName>,
    /// The header in which a proxy before tells the certificate of the client.
    certificate: Option<String>,
    /// Whether the application gets `Authorization`, which holds a token that was judged.
    passes_token: bool,
}

impl Rewrite {
    pub(super) fn new(identity: &Identity, certificate: Option<&str>, passes_token: bool) -> Self {
        let certificate = certificate.map(ToOwned::to_owned);
        Self { identity: identity.names().cloned().collect(), certificate, passes_token }
    }

    /// The headers of a request, for the application.
    pub(super) fn request(
        &self,
        mut headers: HeaderMap,
        version: Version,
        identity: Pairs,
        caller: &Caller,
    ) -> HeaderMap {
        let token = headers.get(AUTHORIZATION).cloned().filter(|_| self.passes_token);
        strip_hop_by_hop(&mut headers);
        let gone: Vec<_> = headers.keys().filter(|name| self.is_of_the_gateway(name)).cloned().collect();
        for name in gone {
            headers.remove(name);
        }
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token);
        }
        join_cookies(&mut headers);
        headers.extend(identity.into_iter().map(|(name, value)| (Some(name), value)));
        if let Peer::Address(address) = caller.peer {
            headers.insert(X_FORWARDED_FOR, address_value(address));
        }
        let scheme = if caller.is_tls { "https" } else { "http" };
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
        headers.append(VIA, HeaderValue::from_static(received_by(version)));
        headers
    }

    /// The headers of an answer, for the client: what the application says about its own connection, and about who the
    /// client is, is not for it.
    pub(super) fn response(&self, headers: &mut HeaderMap) {
        strip_hop_by_hop(headers);
        for name in &self.identity {
            headers.remove(name);
        }
    }

    /// Whether only the gateway may say this.
    fn is_of_the_gateway(&self, name: &HeaderName) -> bool {
        let name = name.as_str();
        self.identity.iter().any(|own| is_folded_like(own.as_str(), name))
            || self.certificate.as_ref().is_some_and(|own| is_folded_like(own, name))
            || is_folded_like(AUTHORIZATION.as_str(), name)
            || FORGEABLE.iter().chain(&METHOD_OVERRIDES).any(|own| is_folded_like(own, name))
            || BELIEVED
                .iter()
                .any(|own| name.get(..own.len()).is_some_and(|start| is_folded_like(own, start)))
    }
}

/// Adds headers to an answer: `Cache-Control` where the application has set none.
pub(super) fn add(headers: &mut HeaderMap, added: Pairs) {
    for (name, value) in added {
        if name != CACHE_CONTROL || !headers.contains_key(CACHE_CONTROL) {
            headers.append(name, value);
        }
    }
}

/// Counts down for whom an OPTIONS request is; false where that is this gateway (RFC 9110 §7.6.2). What is not a number is
/// none of the sender's wishes.
pub(super) fn count_down(headers: &mut HeaderMap) -> bool {
    let left: Option<u32> =
        headers.get(MAX_FORWARDS).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    match left {
        Some(0) => false,
        Some(left) => {
            headers.insert(MAX_FORWARDS, (left - 1).into());
            true
        }
        None => true,
    }
}

/// Says where a body of this `length` ends (RFC 9112 §6.2, §6.3). Over HTTP/2 a client may say the length twice, or send a
/// body without one; hyper sends a body of GET or HEAD only if `Transfer-Encoding` announces it.
pub(super) fn frame(headers: &mut HeaderMap, length: Option<u64>) {
    match length {
        Some(0) if !headers.contains_key(CONTENT_LENGTH) => {}
        Some(length) => {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        None => {
            headers.remove(CONTENT_LENGTH);
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}

/// One `Cookie` of several: HTTP/2 lets a client cut it up, HTTP/1.1 does not (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let parts: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if parts.len() < 2 {
        return;
    }
    // What values were made of makes one again.
    if let Ok(joined) = HeaderValue::from_bytes(&parts.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// Tells the application which host the client has asked for, and which one it is asked for itself: the same one if that
/// is to be `kept`, else its own.
pub(super) fn name_host(
    headers: &mut HeaderMap,
    asked: Option<&HeaderValue>,
    kept: Option<&HeaderValue>,
    own: &str,
) {
    if let Some(host) = asked {
        headers.insert(X_FORWARDED_HOST, host.clone());
    }
    let kept = kept.filter(|host| !host.is_empty()).cloned();
    if let Some(host) = kept.or_else(|| HeaderValue::from_str(own).ok()) {
        headers.insert(HOST, host);
    }
}

/// Leaves out what is for one connection.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn address_value(address: IpAddr) -> HeaderValue {
    // Digits, letters, colons and points.
    HeaderValue::try_from(address.to_canonical().to_string())
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// The protocol of the request, and who has received it (RFC 9110 §7.6.3).
const fn received_by(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2 requires-auth",
        Version::HTTP_10 => "1.0 requires-auth",
        _ => "1.1 requires-auth",
    }
}
