//! A request, and what is asked about it.

use std::borrow::Cow;

use pyo3::prelude::*;
use requires_auth::client_certificate::ClientCertificate;
use requires_auth::guard::Admission as Admitted;
use requires_auth::policy::Requirement;
use requires_auth::request::Headers;
use requires_auth::{Denial, Request, RequiresAuth};

use crate::policy::Policy;

/// Path parameters by name, as texts.
pub(crate) type Parameters = Vec<(String, String)>;

/// Those that a policy looks at. What a converter of the framework has made of one is written as a text again.
pub(crate) fn path_parameters_of(
    policy: Option<&Bound<'_, Policy>>,
    given: Option<&Bound<'_, PyAny>>,
) -> PyResult<Parameters> {
    let (Some(policy), Some(given)) = (policy, given) else { return Ok(Parameters::new()) };
    let mut parameters = Parameters::new();
    for name in policy.get().inner().path_parameters() {
        if let Ok(value) = given.get_item(name) {
            parameters.push((name.to_owned(), value.str()?.to_string()));
        }
    }
    Ok(parameters)
}

/// The scheme of RFC 9449 §7.1.
const DPOP: &[u8] = b"DPoP";

/// What a guard says of a request.
pub(crate) type Judged = Result<Admitted, Denial>;

/// A request, and what is asked about it.
pub(crate) struct Asked<'a> {
    pub(crate) request: Request<'a>,
    pub(crate) url: &'a str,
    /// The value of its `Authorization` header; empty where there is none.
    pub(crate) credential: &'a [u8],
    /// The value of its `DPoP` header; empty where there is none.
    pub(crate) proof: &'a [u8],
    requirement: Cow<'a, Requirement>,
    pub(crate) is_websocket: bool,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(
        method: &'a str,
        url: &'a str,
        headers: &'a impl Headers,
        policy: Option<&'a Bound<'_, Policy>>,
        optional: bool,
    ) -> Self {
        let mut credential: &[u8] = &[];
        headers.visit("authorization", &mut |value| credential = value);
        let mut proof: &[u8] = &[];
        headers.visit("dpop", &mut |value| proof = value);
        let requirement = match policy {
            Some(policy) => Cow::Borrowed(policy.get().requirement(optional)),
            None if optional => Cow::Owned(Requirement::optional(requires_auth::Policy::default())),
            None => Cow::Owned(Requirement::default()),
        };
        let request = Request::new(method, url, headers);
        Self { request, url, credential, proof, requirement, is_websocket: false }
    }

    /// With the path parameters that claim rules look at.
    pub(crate) const fn on_path(mut self, parameters: &'a Parameters) -> Self {
        self.request = self.request.with_path_parameters(parameters);
        self
    }

    /// On a connection on which the client has shown this certificate.
    pub(crate) fn over(mut self, certificate: ClientCertificate) -> Self {
        self.request = self.request.with_certificate(certificate.into());
        self
    }

    /// A preflight is asked about as any other request.
    pub(crate) const fn whatever_the_method(mut self) -> Self {
        self.request = self.request.as_ordinary();
        self
    }

    pub(crate) const fn of_websocket(mut self) -> Self {
        self.request = self.request.as_upgrade();
        self.is_websocket = true;
        self
    }

    /// The headers carry a token that did not come in a request.
    pub(crate) const fn token_alone(mut self) -> Self {
        self.request = self.request.as_ordinary().as_token_alone();
        self
    }

    /// Whether the token came by the scheme of tokens that need a proof.
    pub(crate) fn is_by_dpop(&self) -> bool {
        self.credential.get(..DPOP.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(DPOP))
    }

    pub(crate) fn policy(&self) -> &requires_auth::Policy {
        self.requirement.policy()
    }

    /// The answer, if that needs no fetch.
    pub(crate) fn ask_now(&self, auth: &RequiresAuth) -> Option<Judged> {
        auth.admit_now(&self.request, &self.requirement)
    }

    pub(crate) async fn ask(&self, auth: &RequiresAuth) -> Judged {
        auth.admit(&self.request, &self.requirement).await
    }
}
