//! JSON between Rust and Python, by Python's own `json`: numbers of any size come out as its users know them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Map, Value};

/// Reads JSON as `json.loads` does.
pub(crate) fn load<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (text,))
}

/// Reads the claims of a verified token, into the type that Python's half has for them.
pub(crate) fn claims<'py>(py: Python<'py>, payload: &str) -> PyResult<Bound<'py, PyDict>> {
    Ok(py.import("requires_auth._claims")?.call_method1("read", (payload,))?.cast_into()?)
}

/// The members of a Python dict, as `json.dumps` writes them.
pub(crate) fn dump(object: &Bound<'_, PyDict>) -> PyResult<Map<String, Value>> {
    let text = object.py().import("json")?.call_method1("dumps", (object,))?;
    serde_json::from_str(text.extract()?).map_err(|error| PyValueError::new_err(error.to_string()))
}
