//! A request of the `http` crate as the guard sees it, and what the guard leaves with it.

use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap, Method, Uri};

use super::path::original_uri;
use crate::client_certificate::ClientCertificate;
use crate::guard::{self, RequiresAuth};
use crate::request::{Headers, Request};
use crate::verify::AccessToken;

impl Headers for HeaderMap {
    fn visit<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        // The one that every request is asked for is known without being looked up by its letters.
        let values = if name == "authorization" { self.get_all(AUTHORIZATION) } else { self.get_all(name) };
        values.into_iter().for_each(|value| visit(value.as_bytes()));
    }
}

/// The request as the guard sees it. Of the URL, path and query are enough.
pub(crate) fn view<'a>(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> Request<'a> {
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    Request::new(method.as_str(), target, headers)
}

/// As [`view`], with the URL that the client has asked for where a proof may be for it, as a nested router sees less of it, and with
/// the certificate of its connection, which the server has put into the extensions.
pub(super) fn seen_by<'a>(
    auth: &RequiresAuth,
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
) -> Request<'a> {
    let original = if auth.takes_dpop() { original_uri(extensions) } else { None };
    let seen = view(method, original.unwrap_or(uri), headers);
    // Where a proxy tells the certificate in a header, the connection is that of the proxy.
    let is_of_client = auth.takes_client_certificates() && auth.certificate_header().is_none();
    let shown = is_of_client.then(|| extensions.get::<ClientCertificate>()).flatten();
    shown.map_or(seen, |certificate| seen.with_certificate((*certificate).into()))
}

/// How a request has passed the innermost guard that it has met: with a token, or without.
///
/// In the extensions one of the two is an [`AccessToken`], which handlers look for, and the other a [`NoToken`].
#[cfg(feature = "axum")]
pub(crate) enum Passed<'e> {
    /// With this token.
    Token(&'e AccessToken),
    /// Without one, as this guard has allowed.
    NoToken(&'e RequiresAuth),
}

/// The guard that has let a request pass without a token.
#[derive(Clone)]
struct NoToken(
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "only an extractor answers for the guard"))]
    RequiresAuth,
);

#[cfg(feature = "axum")]
impl<'e> Passed<'e> {
    /// What the innermost guard around a handler has said; `None` if there is no guard.
    pub(crate) fn of(extensions: &'e Extensions) -> Option<Self> {
        let no_token = || extensions.get().map(|NoToken(auth)| Self::NoToken(auth));
        extensions.get().map(Self::Token).or_else(no_token)
    }
}

/// The token that `auth` itself, or a clone of it, has let the request pass with.
///
/// A preflight is not remembered: what lies between two layers may have made something else of it.
pub(super) fn token_of<'e>(auth: &RequiresAuth, extensions: &'e Extensions) -> Option<&'e AccessToken> {
    extensions.get().filter(|token| auth.made(token))
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

/// What the answer to an allowed request is to carry.
pub(super) type Added = Vec<(&'static str, String)>;
