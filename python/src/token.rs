//! A verified token as a Python object.

use std::time::{Duration, SystemTime};

use pyo3::exceptions::{PyAttributeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFrozenSet, PyIterator, PyTuple};
use serde_json::value::RawValue;

use crate::json;

/// The last moment that Python's datetime has, in seconds since 1970.
const END_OF_TIME: Duration = Duration::from_secs(253_402_300_799);

/// An access token that was verified: signature, issuer, audience, times and type all hold.
///
/// Only a guard makes one. Its repr shows the names of the claims, never their values, and never the token.
#[pyclass(frozen, module = "requires_auth._core")]
pub(crate) struct AccessToken {
    token: requires_auth::AccessToken,
    claims: PyOnceLock<Py<PyDict>>,
}

impl AccessToken {
    pub(crate) const fn new(token: requires_auth::AccessToken) -> Self {
        Self { token, claims: PyOnceLock::new() }
    }

    pub(crate) const fn inner(&self) -> &requires_auth::AccessToken {
        &self.token
    }
}

#[pymethods]
impl AccessToken {
    /// Whom the token speaks for: a user, or a client. None if the token does not say, which only `profile="at+jwt"` demands.
    #[getter]
    fn sub(&self) -> Option<&str> {
        self.token.subject()
    }

    /// Who made the token.
    #[getter]
    fn iss(&self) -> &str {
        self.token.issuer()
    }

    /// Whom the token is meant for; this API is one of them.
    #[getter]
    fn aud<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.token.audience().collect::<Vec<_>>())
    }

    /// The scopes of the token, with those that they imply where that is configured.
    #[getter]
    fn scopes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyFrozenSet>> {
        PyFrozenSet::new(py, self.token.scopes())
    }

    /// The client that asked for the token: `client_id`, else `azp`, `cid` or `appid`, unless `client_claims` says otherwise.
    #[getter]
    fn client_id(&self) -> Option<&str> {
        self.token.client_id()
    }

    /// Whether the token speaks for the client itself rather than for a user; None if nobody can tell.
    #[getter]
    fn is_client(&self) -> Option<bool> {
        self.token.is_client()
    }

    /// Whether the subject may be looked up among users.
    #[getter]
    fn may_be_user(&self) -> bool {
        self.token.may_be_user()
    }

    /// When the token expires, in UTC. What Python's datetime cannot say is its last moment.
    #[getter]
    fn expires_at(&self) -> SystemTime {
        self.token.expires_at().min(SystemTime::UNIX_EPOCH + END_OF_TIME)
    }

    /// Which tenant of the issuer made the token.
    ///
    /// It is what stands in the place of `{tenant}` in a pattern, or what a resolver has said. None for an issuer that
    /// is configured by its own name.
    #[getter]
    fn tenant(&self) -> Option<&str> {
        self.token.tenant()
    }

    /// The Logto organization that the token acts in.
    #[getter]
    fn organization_id(&self) -> Option<String> {
        self.token.organization_id()
    }

    /// All claims, as `json.loads` reads them: a dict that cannot be changed. Copies of it are plain dicts.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let parse = || -> PyResult<_> {
            // The payload of a verified token is JSON, so any text of JSON can hold it.
            let payload: Box<RawValue> =
                self.token.claims().map_err(|error| PyValueError::new_err(error.to_string()))?;
            Ok(json::claims(py, payload.get())?.unbind())
        };
        Ok(self.claims.get_or_try_init(py, parse)?.bind(py).clone())
    }

    /// The claim of this name: `token["sub"]` is `token.claims["sub"]`.
    ///
    /// Raises `KeyError` if the token has none.
    fn __getitem__<'py>(&self, py: Python<'py>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.claims(py)?.as_any().get_item(name)
    }

    /// The claim of this name, or `default` if the token has none.
    #[pyo3(signature = (name, default = None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.claims(py)?.get_item(name)?.or(default))
    }

    /// Whether the token has a claim of this name.
    fn __contains__(&self, py: Python<'_>, name: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.claims(py)?.contains(name)
    }

    /// The names of the claims.
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.claims(py)?.as_any().try_iter()
    }

    /// Says how to read a claim that somebody takes for an attribute. Python asks this where there is no such attribute.
    #[expect(clippy::unused_self, reason = "Python asks a token")]
    fn __getattr__(&self, name: &str) -> PyResult<Py<PyAny>> {
        let problem = format!("'AccessToken' object has no attribute '{name}'");
        Err(PyAttributeError::new_err(if name.starts_with('_') {
            problem
        } else {
            format!(
                "{problem}: a claim is token[\"{name}\"], or token.get(\"{name}\") where it may be absent"
            )
        }))
    }

    /// Whether the token has this scope, compared exactly.
    fn has_scope(&self, scope: &str) -> bool {
        self.token.has_scope(scope)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let claims = self.claims(py)?;
        let names: PyResult<Vec<String>> = claims.as_any().try_iter()?.map(|name| name?.extract()).collect();
        Ok(format!("<AccessToken with the claims {}>", names?.join(", ")))
    }
}
