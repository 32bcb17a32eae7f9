//! What a guard remembers in a request that has passed with a proof of possession.
//!
//! A proof counts once (RFC 9449 §11.1), and a request may be judged more than once on its way: by a middleware and then by
//! its view, or by REST framework for its authentication and then for its permission. It is the same request, so the token
//! that it has passed with counts there as well, and only what the later rule asks for is looked at.

use std::sync::Arc;

use pyo3::prelude::*;
use requires_auth::guard::{Admission, Passed};
use requires_auth::{AccessToken, Denial};

use crate::asked::Asked;
use crate::live::Live;
use crate::outcome::Parts;

/// Where it stands in a WSGI environment or an ASGI scope: no client can put anything there.
const KEY: &str = "requires_auth.proven";

/// The token of a request, and what the answer has to carry.
#[pyclass(frozen, module = "requires_auth._core")]
pub(crate) struct Proven {
    live: Arc<Live>,
    request: Vec<u8>,
    token: AccessToken,
    headers: Vec<(&'static str, String)>,
}

#[pymethods]
impl Proven {
    /// Nothing of the request is shown.
    #[expect(clippy::unused_self, reason = "it is a method of Python")]
    const fn __repr__(&self) -> &'static str {
        "<Proven>"
    }
}

impl Proven {
    /// What this guard has noted about this very request, if it has judged it before.
    pub(crate) fn of<'py>(
        mapping: &Bound<'py, PyAny>,
        live: &Arc<Live>,
        asked: &Asked<'_>,
    ) -> Option<Bound<'py, Self>> {
        let noted = mapping.get_item(KEY).ok()?.cast_into::<Self>().ok()?;
        let own = noted.get();
        (Arc::ptr_eq(&own.live, live) && own.request == seen(asked)).then_some(noted)
    }

    /// Notes that a request has passed. A mapping that takes nothing remembers nothing.
    pub(crate) fn note(
        mapping: &Bound<'_, PyAny>,
        live: &Arc<Live>,
        asked: &Asked<'_>,
        admitted: &Admission,
    ) {
        let Passed::Token(token) = admitted.passed() else { return };
        let headers = admitted.headers().map(|(name, value)| (name, value.to_owned())).collect();
        let noted = Self { live: Arc::clone(live), request: seen(asked), token: token.clone(), headers };
        drop(mapping.set_item(KEY, noted));
    }

    /// Whether the token has what a later rule asks for.
    pub(crate) fn judge(&self, asked: &Asked<'_>) -> Result<Parts, Denial> {
        self.live.auth.check(&asked.request, &self.token, asked.policy())?;
        Ok((Passed::Token(self.token.clone()), self.headers.clone()))
    }
}

/// All of a request that its proof is about.
fn seen(asked: &Asked<'_>) -> Vec<u8> {
    let [method, url] = [asked.request.method(), asked.url];
    let mut seen = [method, " ", url, "\n"].concat().into_bytes();
    seen.extend_from_slice(asked.credential);
    seen.push(b'\n');
    seen.extend_from_slice(asked.proof);
    seen
}
