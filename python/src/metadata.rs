//! The metadata document of a protected resource, for adapters (RFC 9728).

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use requires_auth::{Denial, ErrorCode, Policy, RequiresAuth, metadata};

use crate::request::RequestLine;

/// The answer to a request for the metadata document of a resource: send it as it is.
#[pyclass(frozen, module = "requires_auth._core")]
pub(crate) struct MetadataAnswer(metadata::MetadataAnswer);

impl MetadataAnswer {
    /// The answer to a request for the document; `None` for any other request. `url` is path and query.
    pub(crate) fn to(auth: &RequiresAuth, method: &str, url: &str) -> Option<Self> {
        let no_headers: [(&str, &str); 0] = [];
        auth.metadata(&requires_auth::Request::new(method, url, &no_headers)).map(Self)
    }

    /// The same, of a request as a framework shows it. Without a resource it is not looked at.
    pub(crate) fn to_line(
        auth: &RequiresAuth,
        line: impl FnOnce() -> PyResult<RequestLine>,
    ) -> PyResult<Option<Self>> {
        if auth.resource().is_none() {
            return Ok(None);
        }
        let line = line()?;
        Ok(Self::to(auth, &line.method, &line.url).filter(|_| !line.is_websocket))
    }
}

#[pymethods]
impl MetadataAnswer {
    /// The HTTP status.
    #[getter]
    const fn status(&self) -> u16 {
        self.0.status()
    }

    /// All headers of the answer, names in lower case; `content-length` is among them, unless the status is 204.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        const LENGTH: &str = "content-length";
        let mut headers: Vec<_> = self.0.headers().collect();
        let length = self.0.body().len().to_string();
        // An answer to HEAD has that of the answer to a GET.
        if self.0.status() != 204 && headers.iter().all(|(name, _)| *name != LENGTH) {
            headers.push((LENGTH, &length));
        }
        PyList::new(py, headers)
    }

    /// The body; empty unless the method is GET.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.body())
    }

    fn __repr__(&self) -> String {
        format!("<MetadataAnswer: {}>", self.0.status())
    }
}

/// Where challenges say that the document is.
pub(crate) fn url(auth: &RequiresAuth) -> Option<String> {
    let challenge = auth.www_authenticate(&Denial::new(ErrorCode::AuthorizationHeaderMissing));
    let (_, url) = challenge.first()?.split_once("resource_metadata=\"")?;
    url.split_once('"').map(|(url, _)| url.to_owned())
}

/// The policies of the routes of an application, whose scopes are those of its resource.
///
/// They are kept, so that a guard that a forked child builds for itself can be told, too.
#[derive(Default)]
pub(crate) struct RoutePolicies(Mutex<Vec<Policy>>);

impl RoutePolicies {
    /// Remembers a policy, and tells the guard.
    pub(crate) fn add(&self, policy: &Policy, auth: &RequiresAuth) {
        auth.know_scopes_of(policy);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(policy) {
            known.push(policy.clone());
        }
    }

    /// Tells another guard what the first one was told.
    pub(crate) fn tell(&self, auth: &RequiresAuth) {
        for policy in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            auth.know_scopes_of(policy);
        }
    }
}
