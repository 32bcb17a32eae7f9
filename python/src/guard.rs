//! The guard as a Python class: what `requires_auth.RequiresAuth` is built on.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::{mem, process};

use arc_swap::ArcSwapOption;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use requires_auth::credential::Protocols;
use requires_auth::guard::Admission as Admitted;
use requires_auth::{Denial, Request, RequiresAuth};

use crate::asked::{Asked, Judged, Parameters, path_parameters_of};
use crate::explained::{self, ShownProof};
use crate::headers::{BearerHeader, HeaderList};
use crate::live::Live;
use crate::metadata::{self, MetadataAnswer, RoutePolicies};
use crate::outcome::{Admission, Parts, Refusal};
use crate::policy::{GivenPolicy, Policy};
use crate::proven::Proven;
use crate::request::{FrameworkRequest, RequestLine, Wanted, is_among};
use crate::resolver::Resolver;
use crate::settings::Settings;
use crate::token::AccessToken;
use crate::{errors, log, report, runtime};

/// The guard without the arguments of its constructor, which `requires_auth.RequiresAuth` puts in order.
#[pyclass(frozen, subclass, module = "requires_auth._core")]
pub(crate) struct Guard {
    settings: OnceLock<Settings>,
    live: ArcSwapOption<Live>,
    policies: RoutePolicies,
}

#[pymethods]
impl Guard {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self { settings: OnceLock::new(), live: ArcSwapOption::empty(), policies: RoutePolicies::default() }
    }

    /// Takes the settings, once. Returns the mistakes in them: setting, found, expected, hint; with any, it takes none.
    #[pyo3(signature = (guard, issuers, now = None, resolver = None))]
    fn _configure(
        &self,
        py: Python<'_>,
        guard: &Bound<'_, PyDict>,
        issuers: &Bound<'_, PyList>,
        now: Option<u64>,
        resolver: Option<Py<PyAny>>,
    ) -> PyResult<Vec<errors::Problem>> {
        let mut problems = Vec::new();
        let resolver = resolver.map(Resolver::new);
        let settings = Settings::read(guard, issuers, now, resolver, &mut problems)?;
        let built = py.detach(|| settings.build());
        if let Err(error) = &built {
            errors::add(&mut problems, error);
        }
        let Some(auth) = built.ok().filter(|_| problems.is_empty()) else { return Ok(problems) };
        log::refresh(py)?;
        let live = Live::new(auth, &settings);
        let taken = self.settings.set(settings);
        taken.map_err(|_| PyRuntimeError::new_err("the guard is configured already"))?;
        self.live.store(Some(Arc::new(live)));
        Ok(problems)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let format = self.settings.get().and_then(|settings| settings.error_body.as_ref());
        format.map_or(Ok(()), |format| visit.call(format))?;
        let resolver = self.settings.get().and_then(|settings| settings.resolver.as_ref());
        resolver.map_or(Ok(()), |resolver| visit.call(resolver.function()))
    }

    /// Verifies a token without its scheme, and returns it with its claims.
    ///
    /// Waits only if keys have to be fetched; the interpreter lock is released meanwhile.
    ///
    /// Raises `AuthError`, or `IssuerUnavailable` if the keys are out of reach.
    #[pyo3(signature = (token, policy = None))]
    fn verify(
        &self,
        py: Python<'_>,
        token: &Bound<'_, PyString>,
        policy: Option<GivenPolicy<'_, '_>>,
    ) -> PyResult<AccessToken> {
        let token = self.only_token(py, token)?;
        let headers = BearerHeader::new(&token);
        let asked = Asked::new("-", "-", &headers, policy.as_deref(), false).token_alone();
        let (live, judged) = self.judge(py, &asked)?;
        live.token_or_raise(py, &asked, judged)
    }

    /// As `verify` if that needs no fetch; never waits. None means that keys have to be fetched.
    #[pyo3(signature = (token, policy = None))]
    fn verify_now(
        &self,
        py: Python<'_>,
        token: &Bound<'_, PyString>,
        policy: Option<GivenPolicy<'_, '_>>,
    ) -> PyResult<Option<AccessToken>> {
        let token = self.only_token(py, token)?;
        let headers = BearerHeader::new(&token);
        let asked = Asked::new("-", "-", &headers, policy.as_deref(), false).token_alone();
        let (live, judged) = self.judge_now(py, &asked)?;
        judged.map(|judged| live.token_or_raise(py, &asked, judged)).transpose()
    }

    /// Decides over a request as a whole, and returns an `Admission` or a `Refusal`.
    ///
    /// Preflights pass, and with `optional` a request without a token passes as anonymous. A bad token is refused
    /// either way. `url` is the URL, or only path and query; `headers` are pairs of str or bytes. Waits only if keys
    /// have to be fetched; the interpreter lock is released meanwhile.
    ///
    /// `path_parameters` are those of the route, decoded once, for claim rules on them.
    #[pyo3(signature = (method, url, headers, policy = None, optional = false, path_parameters = None))]
    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python, and most have a default")]
    fn admit<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        url: &str,
        headers: &Bound<'py, PyAny>,
        policy: Option<GivenPolicy<'_, 'py>>,
        optional: bool,
        path_parameters: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let headers = HeaderList::new(headers)?;
        let parameters = path_parameters_of(policy.as_deref(), path_parameters)?;
        let asked = Asked::new(method, url, &headers, policy.as_deref(), optional).on_path(&parameters);
        let (live, judged) = self.judge(py, &asked)?;
        self.answer(py, &live, &asked, judged)
    }

    /// As `admit` if that needs no fetch; never waits. None means that keys have to be fetched.
    #[pyo3(signature = (method, url, headers, policy = None, optional = false))]
    fn admit_now<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        url: &str,
        headers: &Bound<'py, PyAny>,
        policy: Option<GivenPolicy<'_, 'py>>,
        optional: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let headers = HeaderList::new(headers)?;
        let asked = Asked::new(method, url, &headers, policy.as_deref(), optional);
        let (live, judged) = self.judge_now(py, &asked)?;
        judged.map(|judged| self.answer(py, &live, &asked, judged)).transpose()
    }

    /// As `admit`, of a WSGI environment (PEP 3333) or `META` of a Django request.
    ///
    /// With `wait=False` as `admit_now`.
    #[pyo3(signature = (environ, policy = None, optional = false, wait = true, path_parameters = None))]
    fn admit_wsgi<'py>(
        &self,
        environ: &Bound<'py, PyAny>,
        policy: Option<GivenPolicy<'_, 'py>>,
        optional: bool,
        wait: bool,
        path_parameters: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let live = self.live()?;
        let request = FrameworkRequest::of_wsgi(environ, Wanted::by(&live.auth))?;
        let parameters = path_parameters_of(policy.as_deref(), path_parameters)?;
        self.admit_framework(environ, &request, policy.as_deref(), (optional, wait), &parameters)
    }

    /// As `admit`, of the scope of an ASGI connection: HTTP or WebSocket.
    ///
    /// With `wait=False` as `admit_now`.
    #[pyo3(signature = (scope, policy = None, optional = false, wait = true))]
    fn admit_asgi<'py>(
        &self,
        scope: &Bound<'py, PyAny>,
        policy: Option<GivenPolicy<'_, 'py>>,
        optional: bool,
        wait: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let live = self.live()?;
        let wanted = Wanted::by(&live.auth);
        let is_read = |name: &[u8]| is_among(wanted.headers, name);
        let request = FrameworkRequest::of_asgi(scope, is_read, wanted.certificate)?;
        // Set by the router, for what it calls.
        let parameters = match policy.as_deref().map(|policy| policy.get().inner().path_parameters().next()) {
            Some(Some(_)) => {
                path_parameters_of(policy.as_deref(), scope.get_item("path_params").ok().as_ref())?
            }
            _ => Parameters::new(),
        };
        self.admit_framework(scope, &request, policy.as_deref(), (optional, wait), &parameters)
    }

    /// Judges the token of a request, whatever its method, and returns it. Raises `AuthError` or `IssuerUnavailable`.
    #[pyo3(signature = (method, url, headers, policy = None))]
    fn _authorize(
        &self,
        py: Python<'_>,
        method: &str,
        url: &str,
        headers: &Bound<'_, PyAny>,
        policy: Option<GivenPolicy<'_, '_>>,
    ) -> PyResult<AccessToken> {
        let headers = HeaderList::new(headers)?;
        let asked = Asked::new(method, url, &headers, policy.as_deref(), false).whatever_the_method();
        let (live, judged) = self.judge(py, &asked)?;
        live.token_or_raise(py, &asked, judged)
    }

    /// The URL of the resource that this guard protects; None without one.
    #[getter]
    fn resource(&self) -> PyResult<Option<String>> {
        Ok(self.live()?.auth.resource().map(|resource| resource.as_str().to_owned()))
    }

    /// The URL of the metadata document, as challenges name it; None without a resource.
    #[getter]
    fn _metadata_url(&self) -> PyResult<Option<String>> {
        Ok(metadata::url(&self.live()?.auth))
    }

    /// The answer to a request for the metadata document of the `resource` (RFC 9728); None for any other request.
    ///
    /// An adapter asks this before it looks for a token: the document is public, and is there also while the issuer is
    /// down. `url` is the URL, or path and query, with what an application is mounted at.
    fn metadata(&self, method: &str, url: &str) -> PyResult<Option<MetadataAnswer>> {
        Ok(MetadataAnswer::to(&self.live()?.auth, method, url))
    }

    /// As `metadata`, of a WSGI environment (PEP 3333) or `META` of a Django request.
    fn metadata_wsgi(&self, environ: &Bound<'_, PyAny>) -> PyResult<Option<MetadataAnswer>> {
        MetadataAnswer::to_line(&self.live()?.auth, || RequestLine::of_wsgi(environ))
    }

    /// As `metadata`, of the scope of an ASGI connection.
    fn metadata_asgi(&self, scope: &Bound<'_, PyAny>) -> PyResult<Option<MetadataAnswer>> {
        MetadataAnswer::to_line(&self.live()?.auth, || RequestLine::of_asgi(scope))
    }

    /// Tells the guard that its resource has the scopes of this policy: call it when a route is built.
    ///
    /// The challenge of a request that lacks a scope also names those scopes of the resource that its token has.
    fn know_scopes_of(&self, policy: &Bound<'_, Policy>) -> PyResult<()> {
        self.policies.add(policy.get().inner(), &self.live()?.auth);
        Ok(())
    }

    /// The headers, in lower case, in which this guard looks for tokens and certificates beside `authorization`.
    fn _token_headers(&self) -> PyResult<Vec<String>> {
        Ok(self.live()?.auth.token_headers().iter().map(ToString::to_string).collect())
    }

    /// The subprotocols of a WebSocket without those that hold a token, and what announces one there.
    #[expect(clippy::needless_pass_by_value, reason = "arguments from Python are owned")]
    fn _protocols_without_token(&self, offered: Vec<String>) -> PyResult<(Vec<String>, Option<String>)> {
        let live = self.live()?;
        let offered: Vec<_> = offered.iter().map(String::as_str).collect();
        let protocols = Protocols::of(live.auth.token_places(), &offered);
        let rest = protocols.rest().iter().map(|&own| own.to_owned()).collect();
        Ok((rest, protocols.announcement().map(ToOwned::to_owned)))
    }

    /// Fetches the keys of every issuer that has none yet; the interpreter lock is released meanwhile.
    ///
    /// A server that calls this before it listens finds a wrong issuer at start instead of at the first request.
    /// Raises `IssuerUnavailable`, which names every issuer whose keys could not be fetched, and why.
    fn warm(&self, py: Python<'_>) -> PyResult<()> {
        let Some(settings) = self.settings.get() else { return Err(not_configured()) };
        if !settings.is_remote() {
            return Ok(());
        }
        let live = self.live_in_this_process()?;
        runtime::wait(py, live.auth.warm())?.map_err(|error| errors::unavailable(py, &error.to_string()))
    }

    /// How the keys of each issuer are doing: one dict per issuer. It fetches nothing.
    fn health<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let live = self.live()?;
        report::health(py, &live.auth.health())
    }

    /// How the server that instances share is doing: a dict, or None if there is none. It asks the server nothing.
    fn shared_state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let live = self.live()?;
        report::shared_state(py, &live.auth.health())
    }

    /// Judges a token, and tells what every check found: what `requires-auth explain --output json` prints.
    ///
    /// Fetches keys if that is needed. It shows what the token says: keep it out of logs. `header` and `claims` are the decoded
    /// token, whoever has written it; None where the token has none that can be read. With `proof` it is the token of a
    /// request with this proof (DPoP), by this method and to this URL; the proof counts as not used yet.
    #[pyo3(signature = (token, policy = None, *, proof = None, method = "GET", url = "/"))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        token: &str,
        policy: Option<GivenPolicy<'_, 'py>>,
        proof: Option<&str>,
        method: &str,
        url: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let proof = proof.map(|proof| ShownProof { proof, method, url });
        let live = self.live_in_this_process()?;
        explained::explained(py, &live.auth, self.is_remote(), token, policy.as_deref(), proof.as_ref())
    }
}

impl Guard {
    /// The text in a token's place. White space around it would be lost in a header, and is in no token.
    fn only_token<'a>(&self, py: Python<'_>, token: &'a Bound<'_, PyString>) -> PyResult<Cow<'a, str>> {
        let token = token.to_string_lossy();
        if token.is_empty() || token.starts_with([' ', '\t']) || token.ends_with([' ', '\t']) {
            let headers = BearerHeader::new("");
            let asked = Asked::new("-", "-", &headers, None, false).token_alone();
            let (live, judged) = self.judge(py, &asked)?;
            return live
                .token_or_raise(py, &asked, judged)
                .and(Err(PyRuntimeError::new_err("an empty token passed")));
        }
        Ok(token)
    }

    /// What is said of a request as a framework shows it; `None` if it may not wait, and keys have to be fetched.
    fn admit_framework<'py>(
        &self,
        mapping: &Bound<'py, PyAny>,
        request: &FrameworkRequest,
        policy: Option<&Bound<'py, Policy>>,
        (optional, wait): (bool, bool),
        parameters: &Parameters,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = mapping.py();
        let FrameworkRequest { line, headers, certificate } = request;
        let RequestLine { method, url, is_raw, is_websocket } = line;
        let mut asked = Asked::new(method, url, headers, policy, optional).on_path(parameters);
        if let Some(certificate) = certificate {
            asked = asked.over(*certificate);
        }
        if *is_websocket {
            asked = asked.of_websocket();
        }
        let live = self.live()?;
        live.look_at_path(*is_raw);
        if asked.is_by_dpop()
            && let Some(proven) = Proven::of(mapping, &live, &asked)
        {
            return self.answer_parts(py, &live, &asked, proven.get().judge(&asked)).map(Some);
        }
        let (live, judged) = if wait { self.judged(py, &asked)? } else { self.judge_now(py, &asked)? };
        if let Some(Ok(admitted)) = judged.as_ref().filter(|_| asked.is_by_dpop()) {
            Proven::note(mapping, &live, &asked, admitted);
        }
        judged.map(|judged| self.answer(py, &live, &asked, judged)).transpose()
    }

    /// Asks about a request. Waits if keys have to be fetched, without the interpreter lock.
    fn judge(&self, py: Python<'_>, asked: &Asked<'_>) -> PyResult<(Arc<Live>, Judged)> {
        let (live, judged) = self.judge_now(py, asked)?;
        if let Some(judged) = judged {
            return Ok((live, judged));
        }
        let live = self.live_in_this_process()?;
        let judged = runtime::wait(py, asked.ask(&live.auth))?;
        Ok((live, judged))
    }

    fn judged(&self, py: Python<'_>, asked: &Asked<'_>) -> PyResult<(Arc<Live>, Option<Judged>)> {
        self.judge(py, asked).map(|(live, judged)| (live, Some(judged)))
    }

    /// Asks about a request if that needs no fetch.
    fn judge_now(&self, py: Python<'_>, asked: &Asked<'_>) -> PyResult<(Arc<Live>, Option<Judged>)> {
        let live = self.live()?;
        live.start_timer()?;
        let ask = || asked.ask_now(&live.auth);
        let Some(lock_hint) = &live.lock_hint else {
            let judged = py.detach(ask);
            return Ok((live, judged));
        };
        // A proof is a signature that was never seen before.
        let is_quick = lock_hint.knows(asked.credential) && !asked.is_by_dpop();
        let judged = if is_quick { ask() } else { py.detach(ask) };
        match &judged {
            Some(Ok(admitted)) if admitted.token().is_some() => lock_hint.remember(asked.credential),
            _ => lock_hint.forget(asked.credential),
        }
        Ok((live, judged))
    }

    /// What is said of a request as an object for Python.
    fn answer<'py>(
        &self,
        py: Python<'py>,
        live: &Live,
        asked: &Asked<'_>,
        judged: Judged,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.answer_parts(py, live, asked, judged.map(Admitted::into_parts))
    }

    fn answer_parts<'py>(
        &self,
        py: Python<'py>,
        live: &Live,
        asked: &Asked<'_>,
        judged: Result<Parts, Denial>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match judged {
            Ok(parts) => {
                let websocket_of = asked.is_websocket.then_some(&live.auth);
                Ok(Bound::new(py, Admission::new(py, parts, websocket_of)?)?.into_any())
            }
            Err(denial) => {
                Ok(Bound::new(py, self.refuse(py, &live.auth, &asked.request, denial)?)?.into_any())
            }
        }
    }

    /// The answer to a request that is refused.
    pub(crate) fn refuse(
        &self,
        py: Python<'_>,
        auth: &RequiresAuth,
        request: &Request<'_>,
        denial: Denial,
    ) -> PyResult<Refusal> {
        let challenge = auth.challenge(request, &denial);
        let format = self.settings.get().and_then(|settings| settings.error_body.as_ref());
        Refusal::new(py, denial, challenge, format)
    }

    /// The guard of this process.
    pub(crate) fn auth(&self) -> PyResult<RequiresAuth> {
        Ok(self.live()?.auth.clone())
    }

    /// Whether something outside this process may have to be asked.
    fn is_remote(&self) -> bool {
        self.settings.get().is_some_and(Settings::is_remote)
    }

    /// The guard. One that was inherited through a fork is left alone, and another is built in its place: threads
    /// of the parent may have held its locks.
    fn live(&self) -> PyResult<Arc<Live>> {
        let live = self.live.load_full().ok_or_else(not_configured)?;
        if live.generation == runtime::generation() { Ok(live) } else { self.replace(live) }
    }

    /// As [`live`](Self::live), also where something else than the interpreter has forked. It asks the system, which
    /// costs as much as a remembered token, so only who is about to wait for keys does.
    fn live_in_this_process(&self) -> PyResult<Arc<Live>> {
        let live = self.live()?;
        if live.process == process::id() { Ok(live) } else { self.replace(live) }
    }

    fn replace(&self, inherited: Arc<Live>) -> PyResult<Arc<Live>> {
        let settings = self.settings.get().ok_or_else(not_configured)?;
        // The same settings have built a guard before.
        let auth = settings.build().map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        self.policies.tell(&auth);
        let live = Arc::new(Live::new(auth, settings));
        let before = self.live.compare_and_swap(&inherited, Some(Arc::clone(&live)));
        if before.as_ref().is_some_and(|before| Arc::ptr_eq(before, &inherited)) {
            // To drop it would be to take its locks.
            mem::forget(inherited);
            mem::forget(arc_swap::Guard::into_inner(before));
            return Ok(live);
        }
        mem::forget(inherited);
        self.live.load_full().ok_or_else(not_configured)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(live) = self.live.swap(None)
            && live.generation != runtime::generation()
        {
            mem::forget(live);
        }
    }
}

fn not_configured() -> PyErr {
    PyRuntimeError::new_err("the guard is not configured: a subclass has to call RequiresAuth.__init__")
}
