//! A function of Python that knows issuers.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use requires_auth::guard::{Issuer, ResolveError, ResolveFuture, ResolveIssuer};
use requires_auth::settings::ALL;

use crate::arguments;

/// A function from an issuer to a dict of its settings, or None. It is called off the threads that drive sockets.
#[derive(Clone)]
pub(crate) struct Resolver(Arc<Py<PyAny>>);

impl Resolver {
    pub(crate) fn new(function: Py<PyAny>) -> Self {
        Self(Arc::new(function))
    }

    pub(crate) fn function(&self) -> &Py<PyAny> {
        &self.0
    }

    fn call(&self, issuer: &str) -> Result<Option<Issuer>, ResolveError> {
        Python::attach(|py| {
            let found = self.0.bind(py).call1((issuer,)).map_err(|error| error.to_string())?;
            let Ok(found) = found.cast_into::<PyDict>() else { return Ok(None) };
            settings(&found)
        })
    }
}

impl ResolveIssuer for Resolver {
    fn resolve(&self, issuer: &str) -> ResolveFuture {
        let (resolver, issuer) = (self.clone(), issuer.to_owned());
        Box::pin(async move { tokio::task::spawn_blocking(move || resolver.call(&issuer)).await? })
    }
}

fn settings(found: &Bound<'_, PyDict>) -> Result<Option<Issuer>, ResolveError> {
    let mut problems = Vec::new();
    let of_issuer = ALL.iter().copied().filter(|setting| setting.is_of_issuer());
    let chosen = arguments::read(found, of_issuer, &mut problems).map_err(|error| error.to_string())?;
    if let Some((setting, found, expected, hint)) = problems.into_iter().next() {
        return Err(format!("{setting}: expected {expected}, found {found}; {hint}").into());
    }
    let mut issuer = Issuer::new(Vec::<String>::new());
    for (setting, value) in chosen {
        issuer = issuer.with_setting(setting, value);
    }
    let tenant = found.get_item("tenant").ok().flatten().and_then(|tenant| tenant.extract::<String>().ok());
    Ok(Some(match tenant {
        Some(tenant) => issuer.with_tenant(tenant),
        None => issuer,
    }))
}
