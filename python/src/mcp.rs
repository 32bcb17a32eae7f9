//! What the tools, prompts and resources of an MCP server need.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use requires_auth::Request;
use requires_auth::mcp::{Body, HEADERS, Scopes};

use crate::errors;
use crate::guard::Guard;
use crate::headers::HeaderList;
use crate::outcome::Refusal;
use crate::policy::Policy;
use crate::request::{FrameworkRequest, RequestLine, is_among};
use crate::token::AccessToken;

/// A body of more bytes is read without the interpreter lock, so that other threads go on meanwhile.
const LONG: usize = 64 << 10;

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

/// What each tool, prompt and resource of an MCP server needs, beside the base scopes of the guard.
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
    #[pyo3(signature = (tools = None, prompts = None, resources = None, max_body = None))]
    #[expect(clippy::needless_pass_by_value, reason = "arguments from Python are owned")]
    fn new(
        py: Python<'_>,
        tools: Option<Needs>,
        prompts: Option<Needs>,
        resources: Option<Needs>,
        max_body: Option<usize>,
    ) -> PyResult<Self> {
        let mut builder = Scopes::builder();
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
        self.refusal(py, guard, token, &Request::new(method, url, &headers), body)
    }

    /// As `body_limit`, of the scope of an ASGI connection.
    fn body_limit_asgi(&self, scope: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
        let FrameworkRequest { line: RequestLine { method, url, .. }, headers, .. } =
            FrameworkRequest::of_asgi(scope, |name| is_among(&HEADERS, name), false)?;
        Ok(self.scopes.body_limit(&Request::new(&method, &url, &headers)))
    }

    /// As `check`, of the scope of an ASGI connection.
    fn check_asgi(
        &self,
        guard: &Bound<'_, Guard>,
        token: &Bound<'_, AccessToken>,
        scope: &Bound<'_, PyAny>,
        body: Option<&[u8]>,
    ) -> PyResult<Option<Refusal>> {
        let auth = guard.get().auth()?;
        let is_read = |name: &[u8]| is_among(&HEADERS, name) || is_among(auth.token_headers(), name);
        let FrameworkRequest { line: RequestLine { method, url, .. }, headers, .. } =
            FrameworkRequest::of_asgi(scope, is_read, false)?;
        self.refusal(scope.py(), guard, token, &Request::new(&method, &url, &headers), body)
    }
}

impl McpScopes {
    fn refusal(
        &self,
        py: Python<'_>,
        guard: &Bound<'_, Guard>,
        token: &Bound<'_, AccessToken>,
        request: &Request<'_>,
        body: Option<&[u8]>,
    ) -> PyResult<Option<Refusal>> {
        let auth = guard.get().auth()?;
        let token = token.get().inner();
        let is_long = body.is_some_and(|body| body.len() > LONG);
        let body = body.map_or(Body::TooLarge, Body::Bytes);
        let check = || auth.check_mcp(request, token, &self.scopes, body);
        match if is_long { py.detach(check) } else { check() } {
            Ok(()) => Ok(None),
            Err(denial) => guard.get().refuse(py, &auth, request, denial).map(Some),
        }
    }
}
