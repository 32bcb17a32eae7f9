//! "Did you mean": the rule of the library, for the names of settings in Python.

use pyo3::prelude::*;
use requires_auth::settings;

/// The known word that a mistyped one was meant to be, if one is near enough.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "a list of Python is copied")]
pub(crate) fn nearest(typed: &str, known: Vec<String>) -> Option<String> {
    settings::nearest(typed, known.iter().map(String::as_str)).map(str::to_owned)
}
