//! What a guard says of a request: it may pass, or here is the answer.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList};
use requires_auth::challenge::Challenge;
use requires_auth::guard::Passed;
use requires_auth::{Denial, RequiresAuth};

use crate::errors;
use crate::token::AccessToken;

/// How a request passes, and the headers that its answer has to have.
pub(crate) type Parts = (Passed, Vec<(&'static str, String)>);

/// A request that may pass.
#[pyclass(frozen, module = "requires_auth._core")]
pub(crate) struct Admission {
    token: Option<Py<AccessToken>>,
    kind: &'static str,
    headers: Vec<(&'static str, String)>,
    closes_in: Option<f64>,
}

#[pymethods]
impl Admission {
    /// The token; None for an anonymous request and for a preflight.
    #[getter]
    fn token(&self, py: Python<'_>) -> Option<Py<AccessToken>> {
        self.token.as_ref().map(|token| token.clone_ref(py))
    }

    /// "token"; or "anonymous", a request without a token where it is optional; or "preflight", which has none.
    #[getter]
    const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Headers that the answer has to have, names in lower case: `cache-control` where the application has set none.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.headers.iter().map(|(name, value)| (*name, value.as_str())))
    }

    /// In how many seconds a WebSocket has to be closed that is opened with this token; None if it need not be, and of
    /// another request.
    #[getter]
    const fn closes_in(&self) -> Option<f64> {
        self.closes_in
    }

    fn __repr__(&self) -> String {
        format!("<Admission: {}>", self.kind)
    }
}

impl Admission {
    /// Of a request that passes; of a WebSocket with the guard, which says when that has to be closed.
    pub(crate) fn new(
        py: Python<'_>,
        (passed, headers): Parts,
        websocket_of: Option<&RequiresAuth>,
    ) -> PyResult<Self> {
        let closes_in = match (&passed, websocket_of) {
            (Passed::Token(token), Some(auth)) => auth.closes_in(token).map(|left| left.as_secs_f64()),
            _ => None,
        };
        let (token, kind) = match passed {
            Passed::Token(token) => (Some(Py::new(py, AccessToken::new(token))?), "token"),
            Passed::Anonymous => (None, "anonymous"),
            // A preflight, or something newer: in either case there is no token to give.
            _ => (None, "preflight"),
        };
        Ok(Self { token, kind, headers, closes_in })
    }
}

/// The answer to a refused request.
#[pyclass(frozen, module = "requires_auth._core")]
pub(crate) struct Refusal {
    denial: Denial,
    challenge: Challenge,
    body: Option<OwnBody>,
    error: PyOnceLock<Py<PyAny>>,
}

/// A body of the user's, with its media type.
struct OwnBody {
    content_type: String,
    bytes: Vec<u8>,
}

impl Refusal {
    /// The answer, with a body by `format` if there is one: a callable from the error to media type and body.
    pub(crate) fn new(
        py: Python<'_>,
        denial: Denial,
        challenge: Challenge,
        format: Option<&Py<PyAny>>,
    ) -> PyResult<Self> {
        let mut refusal = Self { denial, challenge, body: None, error: PyOnceLock::new() };
        // A message of MCP is answered in JSON-RPC, whatever the format.
        if let Some(format) = format.filter(|_| !refusal.challenge.is_json_rpc()) {
            let error = refusal.error(py)?;
            let (content_type, bytes) = format.bind(py).call1((error,))?.extract()?;
            refusal.body = Some(OwnBody { content_type, bytes });
            // The error's headers are those of the answer from now on.
            refusal.error = PyOnceLock::new();
        }
        Ok(refusal)
    }

    fn header_pairs(&self) -> Vec<(&str, Cow<'_, str>)> {
        let own = self.body.as_ref().map(|body| body.content_type.as_str());
        let with_own = |(name, value)| match own {
            Some(own) if name == "content-type" => (name, own.into()),
            _ => (name, value),
        };
        errors::headers_of(&self.challenge).into_iter().map(with_own).collect()
    }
}

#[pymethods]
impl Refusal {
    /// The HTTP status.
    #[getter]
    const fn status(&self) -> u16 {
        self.challenge.status()
    }

    /// All headers of the answer, names in lower case, `www-authenticate` and `content-type` included.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.header_pairs())
    }

    /// The body. An answer to HEAD leaves it out.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.body.as_ref().map_or(self.challenge.body(), |body| &body.bytes))
    }

    /// The refusal as an exception: an `AuthError`, or `IssuerUnavailable`. It is the same object each time.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let make = || errors::from_denial(py, &self.denial, &self.header_pairs()).map(Bound::unbind);
        Ok(self.error.get_or_try_init(py, make)?.bind(py).clone())
    }

    /// False, so that `if guard.admit(..)` lets nobody in who is refused.
    #[expect(clippy::unused_self, reason = "it is a method of Python")]
    const fn __bool__(&self) -> bool {
        false
    }

    fn __repr__(&self) -> String {
        format!("<Refusal: {} {}>", self.challenge.status(), self.denial)
    }
}
