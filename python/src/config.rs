//! The configuration file, as arguments of the constructor of `requires_auth.RequiresAuth`.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use requires_auth::config::{Config, ErrorBody, IssuerConfig};
use requires_auth::guard::Builder;
use requires_auth::{Profile, danger};

use crate::errors;

/// Reads a configuration file, and returns the arguments that it sets; those of each issuer are a dict of their own.
///
/// Raises `ConfigError` with all mistakes, each with its line.
#[pyfunction]
pub(crate) fn read_config(
    py: Python<'_>,
    path: PathBuf,
    allow_http_issuer: bool,
    allow_public_test_keys: bool,
) -> PyResult<Bound<'_, PyDict>> {
    let dangers = |builder: Builder| {
        let builder = if allow_http_issuer { danger::allow_http_issuer(builder) } else { builder };
        if allow_public_test_keys { danger::allow_public_test_keys(builder) } else { builder }
    };
    let (config, _) =
        py.detach(|| Config::load(path, dangers)).map_err(|error| errors::config_error(py, &error))?;
    arguments(py, &config)
}

fn arguments<'py>(py: Python<'py>, config: &Config) -> PyResult<Bound<'py, PyDict>> {
    let arguments = PyDict::new(py);
    let issuers = config.issuers.iter().map(|issuer| issuer_arguments(py, issuer));
    arguments.set_item("issuers", PyList::new(py, issuers.collect::<PyResult<Vec<_>>>()?)?)?;
    if let Some(algorithms) = &config.algorithms {
        arguments.set_item("algorithms", algorithms.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    }
    if let Some(leeway) = config.leeway {
        arguments.set_item("leeway", leeway.as_secs())?;
    }
    if let Some(profile) = config.profile {
        arguments.set_item("profile", Profile::as_str(profile))?;
    }
    if let Some(paths) = &config.scope_claims {
        arguments.set_item("scope_claims", paths)?;
    }
    let implied = PyDict::new(py);
    for (scope, scopes) in &config.implied_scopes {
        implied.set_item(scope, scopes)?;
    }
    arguments.set_item("implied_scopes", implied)?;
    if let Some(bytes) = config.max_token_bytes {
        arguments.set_item("max_token_bytes", bytes)?;
    }
    if let Some(stale) = config.stale {
        arguments.set_item("stale", stale.as_secs())?;
    }
    if let Some(entries) = config.cache_entries {
        arguments.set_item("cache", entries)?;
    }
    arguments.set_item("state_file", &config.state_file)?;
    arguments.set_item("ca", &config.ca)?;
    let body = config.error_body.map(|body| if body == ErrorBody::Problem { "problem" } else { "json" });
    arguments.set_item("error_format", body.unwrap_or("json"))?;
    Ok(arguments)
}

fn issuer_arguments<'py>(py: Python<'py>, issuer: &IssuerConfig) -> PyResult<Bound<'py, PyDict>> {
    let arguments = PyDict::new(py);
    arguments.set_item("issuer", &issuer.issuer)?;
    arguments.set_item("audience", &issuer.audience)?;
    arguments.set_item("jwks", &issuer.jwks)?;
    arguments.set_item("jwks_uri", &issuer.jwks_uri)?;
    arguments.set_item("discovery_url", &issuer.discovery_url)?;
    let algorithms = issuer.algorithms.as_ref();
    let names = algorithms.map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>());
    arguments.set_item("algorithms", names)?;
    arguments.set_item("scope_claims", &issuer.scope_claims)?;
    Ok(arguments)
}
