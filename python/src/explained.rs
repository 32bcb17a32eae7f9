//! What every check of a token found, also of one that comes with a proof.

use pyo3::prelude::*;
use requires_auth::{Bearer, Request, RequiresAuth};

use crate::headers::BearerHeader;
use crate::policy::Policy;
use crate::{report, runtime};

/// A proof (DPoP), and the request that it is shown with.
pub(crate) struct ShownProof<'a> {
    pub(crate) proof: &'a str,
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
}

/// Judges a token by this guard, which may have to ask somebody if it is remote.
pub(crate) fn explained<'py>(
    py: Python<'py>,
    auth: &RequiresAuth,
    is_remote: bool,
    token: &str,
    policy: Option<&Bound<'py, Policy>>,
    proof: Option<&ShownProof<'_>>,
) -> PyResult<Bound<'py, PyAny>> {
    let none = requires_auth::Policy::default();
    let policy = policy.map_or(&none, |policy| policy.get().inner());
    let explained = match (Bearer::parse(token), proof) {
        (Ok(_), Some(shown)) => {
            let headers = [("authorization", format!("DPoP {token}")), ("dpop", shown.proof.to_owned())];
            let request = Request::new(shown.method, shown.url, &headers);
            Ok(runtime::run(py, is_remote, auth.explain(&request, policy))?)
        }
        (Ok(_), None) => {
            let headers = BearerHeader::new(token);
            let request = Request::new("GET", "/", &headers).as_token_alone();
            Ok(runtime::run(py, is_remote, auth.explain(&request, policy))?)
        }
        (Err(denial), _) => Err(denial),
    };
    report::explanation(py, auth, token, &explained)
}
