//! What the tools, prompts and resources of an MCP server need.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use requires_auth::mcp::{Body, Scopes};
use requires_auth::{Denial, Request};

use crate::errors;
use crate::guard::Guard;
use crate::headers::HeaderList;
use crate::outcome::Refusal;
use crate::policy::Policy;
use crate::token::AccessToken;

/// Scopes by the name of a tool or prompt, or by a pattern of URIs; `*` is for all that are not named.
type Needs = BTreeMap<String, Words>;

/// One or more scopes: a str may hold several, separated by spaces.
#[derive(FromPyObject)]
enum Words {
    One(String),
    More(Vec<String>),
}

impl Words {
    fn listed(&self) -> String {
        match self {
            Self::One(scopes) => scopes.clone(),
            Self::More(scopes) => scopes.join(" "),
        }
    }
}

/// What each tool, prompt and resource of an MCP server needs.
///
/// Ask in this order: `Guard.admit_asgi` with `admission` as the policy; then, if `body_limit` is not None, read so many
/// bytes at most; then `check`. So nothing is read of a request that is not authenticated.
#[pyclass(frozen, module = "requires_auth._core")]
pub(crate) struct McpScopes {
    scopes: Scopes,
}

#[pymethods]
impl McpScopes {
    /// Raises `ConfigError` with every mistake.
    #[new]
    #[pyo3(signature = (scope = None, tools = None, prompts = None, resources = None, max_body = None))]
    #[expect(clippy::needless_pass_by_value, reason = "arguments from Python are owned")]
    fn new(
        py: Python<'_>,
        scope: Option<Words>,
        tools: Option<Needs>,
        prompts: Option<Needs>,
        resources: Option<Needs>,
        max_body: Option<usize>,
    ) -> PyResult<Self> {
        let mut builder = Scopes::builder();
        if let Some(scope) = scope {
            builder = builder.scopes(&scope.listed());
        }
        for (name, needs) in tools.iter().flatten() {
            builder = builder.tool(name, &needs.listed());
        }
        for (name, needs) in prompts.iter().flatten() {
            builder = builder.prompt(name, &needs.listed());
        }
        for (pattern, needs) in resources.iter().flatten() {
            builder = builder.resource(pattern, &needs.listed());
        }
        if let Some(bytes) = max_body {
            builder = builder.max_body(bytes);
        }
        let scopes = builder.build().map_err(|error| errors::config_error(py, &error))?;
        Ok(Self { scopes })
    }

    /// The policy before the body is read: any valid token. `check` asks for all scopes, so that one challenge names them.
    #[getter]
    #[expect(clippy::unused_self, reason = "it is a property of Python")]
    fn admission(&self) -> Policy {
        Policy::of(Scopes::admission().policy().clone(), "McpScopes.admission".to_owned())
    }

    /// How many bytes of the body are to be read; None if nothing is to be read, and `check` needs none of it.
    fn body_limit(&self, method: &str, headers: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
        let headers = HeaderList::new(headers)?;
        Ok(self.scopes.body_limit(&Request::new(method, "/", &headers)))
    }

    /// The scopes that a request needs beside those of the guard, separated by spaces; None if there are none.
    ///
    /// Raises `AuthError` for a message that cannot be judged, and for an operation that no rule allows.
    fn judge(
        &self,
        py: Python<'_>,
        method: &str,
        headers: &Bound<'_, PyAny>,
        body: &[u8],
    ) -> PyResult<Option<String>> {
        let headers = HeaderList::new(headers)?;
        let request = Request::new(method, "/", &headers);
        let raise = |denial: Denial| match errors::from_denial(py, &denial, &[]) {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        };
        let needed = self.scopes.needed(&request, Body::Bytes(body)).map_err(raise)?;
        Ok(needed.scope().map(ToOwned::to_owned))
    }

    /// Whether a request, whose token the guard has judged, may do what its messages ask for: None, or the refusal.
    ///
    /// `body` is all of it, or None if there was more than `body_limit`.
    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
    fn check(
        &self,
        py: Python<'_>,
        guard: &Bound<'_, Guard>,
        token: &Bound<'_, AccessToken>,
        method: &str,
        url: &str,
        headers: &Bound<'_, PyAny>,
        body: Option<&[u8]>,
    ) -> PyResult<Option<Refusal>> {
        let headers = HeaderList::new(headers)?;
        let request = Request::new(method, url, &headers);
        let auth = guard.get().auth()?;
        let token = token.get().inner();
        let body = body.map_or(Body::TooLarge, Body::Bytes);
        match auth.check_mcp(&request, token, &self.scopes, body) {
            Ok(()) => Ok(None),
            Err(denial) => guard.get().refuse(py, &auth, &request, denial).map(Some),
        }
    }

    fn __repr__(&self) -> String {
        format!("<McpScopes: base {}>", self.scopes.base().scope().unwrap_or("none"))
    }
}
