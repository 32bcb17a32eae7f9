//! The development issuer and the key of a client, for tests: `TestIssuer` and `TestClientKey` of `requires_auth._core`, which
//! `requires_auth.testing` wraps.
//!
//! ```python
//! class TestIssuer:
//!     def __new__(cls, audience: str = "https://api.example.com", *, algorithm: str = "ES384"): ...
//!     issuer: str     # offline "https://issuer.example.test/oidc"; once it serves "http://127.0.0.1:<port>/oidc"
//!     audience: str
//!     jwks: str       # the public keys as JSON: give them to a guard as `jwks=issuer.jwks`
//!     def token(self, scope="", sub="alice", client_id=None, audience=None, lifetime=3600, claims=None, defect=None) -> str: ...
//!     def opaque_token(self, scope="", sub="alice") -> str: ...   # once it serves
//!     def revoke(self, token) -> None: ...
//!     def rotate(self) -> None: ...   # a fresh key signs; the one before stays published
//!     def serve(self) -> str: ...     # starts HTTP on loopback and returns the issuer URL
//!     def stop(self) -> None: ...     # stops it; the issuer is offline again, under its last URL
//!
//! class TestClientKey:
//!     def __new__(cls, algorithm: str = "ES256"): ...
//!     thumbprint: str  # cnf.jkt of the tokens that are bound to it
//!     def proofs(self, method, url, token=None, *, nonce=None, issued_at=None, defect=None) -> list[str]: ...
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use requires_auth_testkit::issuer::DevelopmentIssuer;
use requires_auth_testkit::{
    Algorithm, Defect, Forge, ProofBuilder, ProofDefect, SigningKey, TokenBuilder, jwk_set,
};
use serde_json::{Map, Value};

use crate::{json, runtime};

/// What an issuer that does not serve is called.
const OFFLINE: &str = "https://issuer.example.test/oidc";

/// A development issuer: fresh keys, and tokens good and bad on demand.
///
/// Offline until `serve()` is called: give a guard `jwks=issuer.jwks` then. It protects nothing and asks for no
/// login: it is for tests.
#[pyclass(frozen, module = "requires_auth._core")]
pub(crate) struct TestIssuer {
    audience: String,
    state: Mutex<State>,
}

struct State {
    issuer: String,
    /// The key that signs comes first, then the one before it.
    keys: Vec<SigningKey>,
    server: Option<DevelopmentIssuer>,
}

#[pymethods]
impl TestIssuer {
    /// pytest must not take this class for a test.
    #[classattr]
    #[expect(non_upper_case_globals, reason = "the name is pytest's")]
    const __test__: bool = false;

    #[new]
    #[pyo3(signature = (audience = "https://api.example.com", *, algorithm = "ES384"))]
    fn new(audience: &str, algorithm: &str) -> PyResult<Self> {
        let keys = vec![fresh_key(algorithm)?];
        let state = State { issuer: OFFLINE.to_owned(), keys, server: None };
        Ok(Self { audience: audience.to_owned(), state: Mutex::new(state) })
    }

    /// What `iss` of its tokens is.
    #[getter]
    fn issuer(&self) -> String {
        self.state().issuer.clone()
    }

    /// What `aud` of its tokens is, unless a token names another.
    #[getter]
    fn audience(&self) -> &str {
        &self.audience
    }

    /// The public keys as the JSON of a JWK Set.
    #[getter]
    fn jwks(&self) -> String {
        jwk_set(&self.state().keys).to_string()
    }

    /// Mints a token: a good one, or one with the defect that is named after the reason it is refused for.
    #[pyo3(signature = (scope = "", sub = "alice", client_id = None, audience = None, lifetime = 3600, claims = None, defect = None))]
    #[expect(clippy::too_many_arguments, reason = "each is a keyword in Python")]
    fn token(
        &self,
        scope: &str,
        sub: &str,
        client_id: Option<&str>,
        audience: Option<Audience>,
        lifetime: i64,
        claims: Option<&Bound<'_, PyDict>>,
        defect: Option<&str>,
    ) -> PyResult<String> {
        let defect = defect.map(str::parse::<Defect>).transpose();
        let defect = defect.map_err(|unknown| PyValueError::new_err(unknown.to_string()))?;
        let claims: Map<String, Value> = claims.map(json::dump).transpose()?.unwrap_or_default();
        let (issuer, key) = {
            let state = self.state();
            (state.issuer.clone(), state.keys[0].clone())
        };
        let mut token = Forge::new(issuer, &*self.audience, key).token().subject(sub).lifetime(lifetime);
        if !scope.is_empty() {
            token = token.scope(scope);
        }
        if let Some(client_id) = client_id {
            token = token.client_id(client_id);
        }
        token = match audience {
            Some(Audience::One(one)) => token.claim("aud", one),
            Some(Audience::Several(several)) => token.claim("aud", several),
            None => token,
        };
        for (name, value) in claims {
            token = token.claim(name, value);
        }
        Ok(defect.into_iter().fold(token, TokenBuilder::defect).mint())
    }

    /// Mints an opaque token, which says nothing by itself: a guard has to ask the issuer about it. It has to serve.
    #[pyo3(signature = (scope = "", sub = "alice"))]
    fn opaque_token(&self, scope: &str, sub: &str) -> PyResult<String> {
        Ok(self.state().server.as_ref().ok_or_else(offline)?.opaque_token(scope, sub))
    }

    /// Revokes a token: the issuer calls it inactive from now on. It has to serve.
    fn revoke(&self, token: &str) -> PyResult<()> {
        self.state().server.as_ref().ok_or_else(offline)?.revoke(token);
        Ok(())
    }

    /// Lets a fresh key sign from now on; the one before stays published until the next rotation.
    fn rotate(&self) {
        let mut state = self.state();
        let key = SigningKey::generate(state.keys[0].algorithm());
        if let Some(server) = &state.server {
            server.rotate_to(key.clone());
        }
        state.keys.insert(0, key);
        state.keys.truncate(2);
    }

    /// Starts to serve metadata and keys on a free port of 127.0.0.1, and returns the issuer's URL.
    ///
    /// From then on tokens name that URL as their issuer. Does nothing if it serves already.
    fn serve(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| {
            let mut state = self.state();
            if state.server.is_none() {
                let builder =
                    DevelopmentIssuer::builder().audience(&*self.audience).key(state.keys[0].clone());
                let server = runtime::handle()?.block_on(builder.start());
                let server = server.map_err(|error| PyOSError::new_err(error.to_string()))?;
                server.issuer().clone_into(&mut state.issuer);
                state.keys.truncate(1);
                state.server = Some(server);
            }
            Ok(state.issuer.clone())
        })
    }

    /// Stops to serve, as a provider that goes down; keys and issuer stay what they are.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            if let Some(server) = self.state().server.take() {
                runtime::handle()?.block_on(server.shutdown());
            }
            Ok(())
        })
    }

    fn __repr__(&self) -> String {
        format!("TestIssuer({:?}, audience={:?})", self.state().issuer, self.audience)
    }
}

impl TestIssuer {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before anything can panic, so a poisoned state is still right.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a client, to which tokens are bound (DPoP, RFC 9449).
#[pyclass(frozen, module = "requires_auth._core")]
pub(crate) struct TestClientKey {
    key: SigningKey,
}

#[pymethods]
impl TestClientKey {
    /// pytest must not take this class for a test.
    #[classattr]
    #[expect(non_upper_case_globals, reason = "the name is pytest's")]
    const __test__: bool = false;

    #[new]
    #[pyo3(signature = (algorithm = "ES256"))]
    fn new(algorithm: &str) -> PyResult<Self> {
        Ok(Self { key: fresh_key(algorithm)? })
    }

    /// The thumbprint of the key: `cnf.jkt` of the tokens that are bound to it.
    #[getter]
    fn thumbprint(&self) -> &str {
        self.key.thumbprint()
    }

    /// The values of the header `DPoP` for a request, one for each line: one, save for a defect that changes their number.
    #[pyo3(signature = (method, url, token = None, *, nonce = None, issued_at = None, defect = None))]
    fn proofs(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        nonce: Option<&str>,
        issued_at: Option<i64>,
        defect: Option<&str>,
    ) -> PyResult<Vec<String>> {
        let defect = defect.map(str::parse::<ProofDefect>).transpose();
        let defect = defect.map_err(|unknown| PyValueError::new_err(unknown.to_string()))?;
        let mut proof = ProofBuilder::new(&self.key, method, url);
        if let Some(token) = token {
            proof = proof.token(token);
        }
        if let Some(nonce) = nonce {
            proof = proof.nonce(nonce);
        }
        if let Some(unix) = issued_at {
            proof = proof.issued_at(unix);
        }
        Ok(defect.into_iter().fold(proof, ProofBuilder::defect).lines())
    }

    /// Every defect of a proof: its name, the reason of the refusal, and how many times the request is sent.
    #[staticmethod]
    fn defects() -> Vec<(&'static str, &'static str, usize)> {
        ProofDefect::ALL.iter().map(|defect| (defect.name(), defect.reason(), defect.times())).collect()
    }

    fn __repr__(&self) -> String {
        format!("TestClientKey({:?})", self.key.thumbprint())
    }
}

fn fresh_key(algorithm: &str) -> PyResult<SigningKey> {
    let parsed: Result<Algorithm, _> = algorithm.parse();
    let algorithm = parsed.map_err(|_| PyValueError::new_err(format!("unknown algorithm {algorithm:?}")))?;
    Ok(SigningKey::generate(algorithm))
}

fn offline() -> PyErr {
    PyValueError::new_err(
        "the issuer does not serve: call serve() first, as nobody can ask it about the token",
    )
}

/// `aud` of one token.
#[derive(FromPyObject)]
enum Audience {
    One(String),
    Several(Vec<String>),
}
