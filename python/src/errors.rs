//! From the library's tables and errors to the exceptions of `requires_auth/_errors.py`.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use requires_auth::challenge::Challenge;
use requires_auth::error::ConfigProblem;
use requires_auth::{ConfigError, Denial, ErrorCode, Reason};

/// A code: its name, status, message and hint.
type CodeRow = (&'static str, u16, &'static str, &'static str);

/// A reason: its name, its code, message and hint.
type ReasonRow = (&'static str, &'static str, &'static str, &'static str);

/// Every code with its status, message and hint.
#[pyfunction]
pub(crate) fn error_codes() -> Vec<CodeRow> {
    ErrorCode::ALL.iter().map(|code| (code.as_str(), code.status(), code.message(), code.hint())).collect()
}

/// Every reason with the code that it explains, its message and hint.
#[pyfunction]
pub(crate) fn reasons() -> Vec<ReasonRow> {
    let row = |reason: &Reason| (reason.as_str(), reason.code().as_str(), reason.message(), reason.hint());
    Reason::ALL.iter().map(row).collect()
}

/// The exception for a refusal, which the answer's headers go with.
pub(crate) fn from_denial<'py>(
    py: Python<'py>,
    denial: &Denial,
    headers: &[(&str, Cow<'_, str>)],
) -> PyResult<Bound<'py, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let reason = denial.reason().map(Reason::as_str);
    let arguments = (denial.code().as_str(), reason, headers.to_vec(), denial.retry_after(), denial.scope());
    MAKE.import(py, "requires_auth._errors", "from_denial")?.call1(arguments)
}

/// The headers of an answer, each name once: some frameworks keep the last value of a name alone. The challenges of several
/// schemes are one list then (RFC 9110 §11.6.1).
pub(crate) fn headers_of(challenge: &Challenge) -> Vec<(&str, Cow<'_, str>)> {
    let mut headers: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for (name, value) in challenge.headers() {
        match headers.iter_mut().find(|(own, _)| *own == name) {
            Some((_, list)) => list.to_mut().extend([", ", value]),
            None => headers.push((name, value.into())),
        }
    }
    headers
}

/// What to raise for a refusal.
pub(crate) fn denied(py: Python<'_>, denial: &Denial, challenge: &Challenge) -> PyErr {
    match from_denial(py, denial, &headers_of(challenge)) {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// What to raise for keys that could not be fetched at start.
pub(crate) fn unavailable(py: Python<'_>, message: &str) -> PyErr {
    raise(py, "IssuerUnavailable", (message,))
}

/// What to raise for mistakes in a configuration.
pub(crate) fn config_error(py: Python<'_>, error: &ConfigError) -> PyErr {
    raise(py, "ConfigError", (problems(error),))
}

/// A mistake in a configuration: setting (with its file and line, if it stands in one), found, expected, hint.
pub(crate) type Problem = (String, String, &'static str, String);

/// The mistakes in a configuration.
pub(crate) fn problems(error: &ConfigError) -> Vec<Problem> {
    error.problems().iter().map(problem).collect()
}

/// A mistake in a configuration, as it is told in Python.
pub(crate) fn problem(problem: &ConfigProblem) -> Problem {
    let of_table = (problem.path() != problem.field()).then(|| problem.path());
    let setting = problem.place().map(ToString::to_string);
    let setting = setting.unwrap_or_else(|| of_table.unwrap_or_else(|| problem.name()).to_owned());
    (setting, problem.found().to_owned(), problem.expected(), in_python(problem.hint()))
}

/// What hints call by its Rust name has another one here.
fn in_python(hint: &str) -> String {
    hint.replace("`danger::allow_http_issuer`", "`dangerously_allow_http_issuer=True`")
        .replace("Audience::Any", "dangerously_any_audience=True")
        .replace("RequiresAuth::new(", "RequiresAuth(")
        .replace("RequiresAuth::", "RequiresAuth.")
}

/// An exception of `requires_auth._errors`, or what went wrong in making it.
pub(crate) fn raise<'py>(py: Python<'py>, class: &str, arguments: impl pyo3::call::PyCallArgs<'py>) -> PyErr {
    let error = py.import("requires_auth._errors").and_then(|errors| errors.getattr(class)?.call1(arguments));
    match error {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// Adds the mistakes that a build has found to those that were found in the arguments, without what follows from these.
pub(crate) fn add(problems: &mut Vec<Problem>, error: &ConfigError) {
    let known: Vec<_> = problems.iter().map(|(setting, ..)| setting.clone()).collect();
    let is_known = |setting: &str| known.iter().any(|known| known == setting);
    // Beside an argument of the wrong type, such as an application, what is missing is not worth a word.
    let is_missing = |found: &str| !known.is_empty() && found == "nothing";
    // The short name of an issuer means something with its provider alone.
    let follows = |setting: &str| setting == "issuer" && is_known("provider");
    let is_news =
        |(setting, found, ..): &Problem| !is_known(setting) && !is_missing(found) && !follows(setting);
    problems.extend(self::problems(error).into_iter().filter(is_news));
}
