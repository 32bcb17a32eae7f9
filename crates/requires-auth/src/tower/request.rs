//! A request of the `http` crate as the guard sees it, and what the guard leaves with it.

use http::{Extensions, HeaderMap, Method, Uri};

use crate::request::{Headers, Request};
use crate::requires_auth::{Admission, RequiresAuth};
use crate::verify::AccessToken;

impl Headers for HeaderMap {
    fn visit<'a>(&'a self, name: &str, visit: &mut dyn FnMut(&'a [u8])) {
        self.get_all(name).into_iter().for_each(|value| visit(value.as_bytes()));
    }
}

/// The request as the guard sees it. Of the URL, path and query are enough.
pub(crate) fn view<'a>(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> Request<'a> {
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    Request::new(method.as_str(), target, headers)
}

/// How a request has passed a guard; the innermost guard's word stays in the extensions.
#[derive(Clone)]
pub(crate) struct Passed {
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "only an extractor answers for the guard"))]
    auth: RequiresAuth,
    admission: Admission,
}

impl Passed {
    /// What the innermost guard around a handler has said; `None` if there is no guard.
    #[cfg(feature = "axum")]
    pub(crate) fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// The guard that has let the request pass.
    #[cfg(feature = "axum")]
    pub(crate) const fn auth(&self) -> &RequiresAuth {
        &self.auth
    }

    /// The token that the request has passed with, if it has one.
    pub(crate) const fn token(&self) -> Option<&AccessToken> {
        match &self.admission {
            Admission::Token(token) => Some(token),
            Admission::Anonymous | Admission::Preflight => None,
        }
    }

    /// The token that `auth` itself, or a clone of it, has let the request pass with.
    ///
    /// A preflight is not remembered: what lies between two layers may have made something else of it.
    pub(super) fn token_of<'e>(auth: &RequiresAuth, extensions: &'e Extensions) -> Option<&'e AccessToken> {
        extensions.get::<Self>()?.token().filter(|token| auth.made(token))
    }

    /// Marks a request as passed, and gives its token back if it has one.
    pub(super) fn mark(
        auth: &RequiresAuth,
        admission: Admission,
        extensions: &mut Extensions,
    ) -> Option<AccessToken> {
        let passed = Self { auth: auth.clone(), admission };
        let token = passed.token().cloned();
        match &token {
            Some(token) => extensions.insert(token.clone()),
            // An outer guard may have left its token, which is not what this guard has let through.
            None => extensions.remove(),
        };
        extensions.insert(passed);
        token
    }
}
