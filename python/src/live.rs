//! A guard as one process has it.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use requires_auth::guard::{Admission as Admitted, Passed};
use requires_auth::{Request, RequiresAuth};
use tracing::warn;

use crate::asked::{Asked, Judged};
use crate::headers::BearerHeader;
use crate::lock_hint::LockHint;
use crate::settings::Settings;
use crate::token::AccessToken;
use crate::{errors, runtime};

/// A guard that belongs to one process.
pub(crate) struct Live {
    pub(crate) generation: u32,
    pub(crate) process: u32,
    pub(crate) auth: RequiresAuth,
    /// None for a guard that remembers few tokens or none: then the interpreter lock is always released.
    pub(crate) lock_hint: Option<LockHint>,
    /// Whether keys that are at hand from the start may need a timer, which only a runtime can start.
    needs_timer: AtomicBool,
    /// Whether it was said that the server does not tell paths as clients write them.
    has_warned_of_paths: AtomicBool,
}

impl Live {
    pub(crate) fn new(auth: RequiresAuth, settings: &Settings) -> Self {
        Self {
            generation: runtime::generation(),
            process: process::id(),
            auth,
            lock_hint: LockHint::of_cache(settings.cache()),
            needs_timer: AtomicBool::new(settings.needs_timer()),
            has_warned_of_paths: AtomicBool::new(false),
        }
    }

    /// Gives keys of a state file the runtime on which they refresh themselves: a fetch brings its own.
    pub(crate) fn start_timer(&self) -> PyResult<()> {
        if self.needs_timer.load(Ordering::Relaxed) && self.needs_timer.swap(false, Ordering::Relaxed) {
            // To explain any token is to look at the keys of all issuers, and to look is to start the timer. This
            // one is refused before its keys matter, so nothing is fetched for it.
            let headers = BearerHeader::new("opaque");
            let request = Request::new("GET", "/", &headers).as_token_alone();
            drop(runtime::handle()?.block_on(self.auth.explain(&request, &requires_auth::Policy::default())));
        }
        Ok(())
    }

    /// Says once that proofs of some URLs cannot hold, where tokens come with proofs and paths are not as clients wrote them.
    pub(crate) fn look_at_path(&self, is_raw: bool) {
        if !is_raw && self.auth.takes_dpop() && !self.has_warned_of_paths.swap(true, Ordering::Relaxed) {
            warn!(
                target: "requires_auth",
                hint = "take a server that does: gunicorn, uWSGI, waitress, uvicorn or hypercorn",
                "the server tells only decoded paths: DPoP proofs for URLs with an escaped slash (%2F) are refused"
            );
        }
    }

    pub(crate) fn token_or_raise(
        &self,
        py: Python<'_>,
        asked: &Asked<'_>,
        judged: Judged,
    ) -> PyResult<AccessToken> {
        match judged.map(Admitted::into_passed) {
            Ok(Passed::Token(token)) => Ok(AccessToken::new(token)),
            // Where a token is required and no preflight passes, there is no other admission.
            Ok(_) => Err(PyRuntimeError::new_err("a request passed without a token")),
            Err(denial) => Err(errors::denied(py, &denial, &self.auth.challenge(&asked.request, &denial))),
        }
    }
}
