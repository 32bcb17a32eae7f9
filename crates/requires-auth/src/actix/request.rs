//! A request of actix-web as the guard sees it, and what the guard leaves with it.

use actix_web::HttpMessage;
use actix_web::dev::{Extensions, Path, RequestHead, ServiceRequest, Url};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use crate::client_certificate::ClientCertificate;
use crate::credential::percent_decoded;
use crate::guard::{self, RequiresAuth};
use crate::policy::Policy;
use crate::request::{Headers, Request};
use crate::verify::AccessToken;

impl Headers for HeaderMap {
    fn visit<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        // The one that every request is asked for is known without being looked up by its letters.
        let values = if name == "authorization" { self.get_all(AUTHORIZATION) } else { self.get_all(name) };
        values.for_each(|value| visit(value.as_bytes()));
    }
}

/// The request as the guard sees it. Of the URL, path and query are enough.
pub(super) fn view(head: &RequestHead) -> Request<'_> {
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    Request::new(head.method.as_str(), target, &head.headers)
}

/// As [`view`], with the certificate of its connection, which the server has put into the extensions of the request or, in
/// `HttpServer::on_connect`, into those of the connection.
pub(super) fn seen_by<'a>(auth: &RequiresAuth, request: &'a ServiceRequest) -> Request<'a> {
    let seen = view(request.head());
    // Where a proxy tells the certificate in a header, the connection is that of the proxy.
    if !auth.takes_client_certificates() || auth.certificate_header().is_some() {
        return seen;
    }
    let own = request.extensions().get::<ClientCertificate>().copied();
    let shown = own.or_else(|| request.conn_data::<ClientCertificate>().copied());
    shown.map_or(seen, |certificate| seen.with_certificate(certificate.into()))
}

/// The path parameters that a policy looks at, as the handler sees them. Most look at none, and nothing is read for them;
/// around a whole application no route is found yet, so that a rule on one refuses.
pub(super) fn path_parameters(policy: &Policy, found: &Path<Url>) -> Vec<(String, String)> {
    if policy.path_parameters().next().is_none() {
        return Vec::new();
    }
    found.iter().filter_map(|(name, value)| Some((name.to_owned(), decoded(value)?))).collect()
}

/// The router has left `%25`, `%2F` and `%2B` as they are, which the extractor `web::Path` then decodes; `None` if what comes of it
/// is not a text.
fn decoded(text: &str) -> Option<String> {
    String::from_utf8(percent_decoded(text.as_bytes()).collect()).ok()
}

/// How a request has passed the innermost guard that it has met: with a token, or without.
///
/// In the extensions one of the two is an [`AccessToken`], which handlers look for, and the other a [`NoToken`].
pub(super) enum Passed {
    /// With this token.
    Token(AccessToken),
    /// Without one, as this guard has allowed.
    NoToken(RequiresAuth),
}

/// The guard that has let a request pass without a token.
struct NoToken(RequiresAuth);

impl Passed {
    /// What the innermost guard around a handler has said; `None` if there is no guard.
    pub(super) fn of(extensions: &Extensions) -> Option<Self> {
        let no_token = || extensions.get().map(|NoToken(auth)| Self::NoToken(auth.clone()));
        extensions.get::<AccessToken>().cloned().map(Self::Token).or_else(no_token)
    }
}

/// The token that `auth` itself, or a clone of it, has let the request pass with.
///
/// A preflight is not remembered: what lies between two guards may have made something else of it.
pub(super) fn token_of(auth: &RequiresAuth, extensions: &Extensions) -> Option<AccessToken> {
    extensions.get().filter(|token| auth.made(token)).cloned()
}

/// Marks a request as passed. An outer guard's word gives way: it is not what this guard has let through.
pub(super) fn mark(auth: &RequiresAuth, passed: guard::Passed, extensions: &mut Extensions) {
    match passed {
        guard::Passed::Token(token) => {
            extensions.remove::<NoToken>();
            extensions.insert(token);
        }
        guard::Passed::Anonymous | guard::Passed::Preflight => {
            extensions.remove::<AccessToken>();
            extensions.insert(NoToken(auth.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_router_has_left_is_decoded_once() {
        for (left, expected) in [
            ("acme", Some("acme")),
            ("a%2Fb", Some("a/b")),
            ("a%2fb", Some("a/b")),
            ("a%252Fb", Some("a%2Fb")),
            ("100%25", Some("100%")),
            ("%", Some("%")),
            ("%4", Some("%4")),
            ("%zz", Some("%zz")),
            ("%+1", Some("%+1")),
            ("%\u{e9}", Some("%\u{e9}")),
            ("%ff", None),
            ("", Some("")),
        ] {
            assert_eq!(decoded(left).as_deref(), expected, "{left}");
        }
    }
}
