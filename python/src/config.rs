//! The configuration file, as arguments of the constructor of `requires_auth.RequiresAuth`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use requires_auth::config::Config;
use requires_auth::danger;
use requires_auth::guard::Builder;
use requires_auth::settings::{Document, Setting, Value};

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
    let arguments = values(py, config.values())?;
    let issuers = config.issuers.iter().map(|issuer| values(py, issuer.values()));
    arguments.set_item("issuers", PyList::new(py, issuers.collect::<PyResult<Vec<_>>>()?)?)?;
    Ok(arguments)
}

/// Values of settings as the arguments of their names.
fn values<'py, 'v>(
    py: Python<'py>,
    values: impl Iterator<Item = (&'static Setting, &'v Value)>,
) -> PyResult<Bound<'py, PyDict>> {
    let arguments = PyDict::new(py);
    for (setting, value) in values {
        // The constructor has the earlier name.
        let key = if setting.key == "error_body" { "error_format" } else { setting.key };
        arguments.set_item(key, in_python(py, value)?)?;
    }
    Ok(arguments)
}

fn in_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Text(text) => text.into_bound_py_any(py),
        Value::Words(words) => words.into_bound_py_any(py),
        Value::Scopes(scopes) => scopes.iter().cloned().collect::<BTreeMap<_, _>>().into_bound_py_any(py),
        Value::Duration(duration) => duration.as_secs().into_bound_py_any(py),
        Value::Count(count) => count.into_bound_py_any(py),
        Value::Choice(name) => name.into_bound_py_any(py),
        Value::Switch(is_on) => is_on.into_bound_py_any(py),
        Value::Path(path) | Value::Document(Document::File(path)) => path.into_bound_py_any(py),
        Value::Document(Document::Bytes(bytes)) => bytes.as_slice().into_bound_py_any(py),
    }
}
