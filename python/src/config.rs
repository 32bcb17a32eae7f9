//! Settings that are written elsewhere, as arguments of the constructor of `requires_auth.RequiresAuth`: in a file, and
//! in the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict as _, PyDict};
use requires_auth::Audience;
use requires_auth::config::Config;
use requires_auth::credential::TokenPlace;
use requires_auth::error::{ConfigProblem, Place};
use requires_auth::settings::{Document, Setting, Value, Variables};

use crate::errors::{self, Problem};

/// A configuration file as far as it could be read.
#[pyclass(frozen, module = "requires_auth._core")]
pub(crate) struct ConfigFile {
    config: Config,
    problems: Vec<ConfigProblem>,
}

/// Reads a configuration file. Raises `ConfigError` if it cannot be read as TOML at all.
#[pyfunction]
pub(crate) fn read_config(py: Python<'_>, path: PathBuf) -> PyResult<ConfigFile> {
    let read = py.detach(|| Config::read(path));
    let (config, problems) = read.map_err(|error| errors::config_error(py, &error))?;
    Ok(ConfigFile { config, problems })
}

#[pymethods]
impl ConfigFile {
    /// What the file sets for the guard, as arguments.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        arguments(py, self.config.values())
    }

    /// What the file sets for each issuer, as the arguments of `Issuer`, with the name of its table.
    #[getter]
    fn issuers<'py>(&self, py: Python<'py>) -> PyResult<Vec<(&str, Bound<'py, PyDict>)>> {
        let issuer = |issuer: &'_ requires_auth::config::IssuerConfig| arguments(py, issuer.values());
        self.config.issuers.iter().map(|own| Ok((own.name(), issuer(own)?))).collect()
    }

    /// One sentence for each setting that has a new name.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.config.warnings().to_vec()
    }

    /// All mistakes of the file: its own, and those that the guard has found in what it sets, with their lines and in
    /// the order of the file. Settings in `overridden` come from elsewhere.
    #[expect(clippy::needless_pass_by_value, reason = "arguments from Python are owned")]
    fn problems(
        &self,
        found: Vec<(String, String, String, String)>,
        overridden: BTreeSet<String>,
    ) -> Vec<(String, String, String, String)> {
        let line = |place: Option<&Place>| place.map_or(u32::MAX, Place::line);
        let mut all: Vec<_> = Vec::new();
        let mut known = BTreeSet::new();
        for problem in &self.problems {
            let (field, found, expected, hint) = errors::problem(problem);
            known.insert(field.clone());
            all.push((line(problem.place()), (field, found, expected.to_owned(), hint)));
        }
        for (field, found, expected, hint) in found {
            let place = self.config.place(&field).filter(|_| !overridden.contains(&field));
            let shown = place.as_ref().map_or(field, ToString::to_string);
            if !known.contains(&shown) {
                all.push((line(place.as_ref()), (shown, found, expected, hint)));
            }
        }
        all.sort_by_key(|(line, _)| *line);
        all.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// What the environment chooses: the arguments, the variable of each, the problem of each variable that has no value of
/// its setting, and a sentence for each variable that nothing reads.
#[pyfunction]
pub(crate) fn read_environment(py: Python<'_>) -> PyResult<Environment<'_>> {
    let variables = Variables::read(std::env::vars_os());
    let names = variables.values().map(|(setting, _, name)| (setting.key, name.to_owned())).collect();
    let arguments = arguments(py, variables.values().map(|(setting, value, _)| (setting, value)))?;
    let problems =
        variables.problems().iter().map(|problem| (problem.field(), errors::problem(problem))).collect();
    Ok((arguments, names, problems, variables.warnings().to_vec()))
}

type Environment<'py> =
    (Bound<'py, PyDict>, BTreeMap<&'static str, String>, Vec<(&'static str, Problem)>, Vec<String>);

/// Values of settings as the arguments of their names.
fn arguments<'py, 'v>(
    py: Python<'py>,
    values: impl Iterator<Item = (&'static Setting, &'v Value)>,
) -> PyResult<Bound<'py, PyDict>> {
    let arguments = PyDict::new(py);
    for (setting, value) in values {
        arguments.set_item(setting.key, in_python(py, value)?)?;
    }
    Ok(arguments)
}

fn in_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Text(text) => text.into_bound_py_any(py),
        Value::Words(words) => words.into_bound_py_any(py),
        Value::Audience(Audience::Prefix(prefix)) => {
            [("prefix", prefix)].into_py_dict(py)?.into_bound_py_any(py)
        }
        Value::Audience(Audience::Claim { path, one_of }) => {
            let rule = [("claim", path)].into_py_dict(py)?;
            rule.set_item("one_of", one_of)?;
            rule.into_bound_py_any(py)
        }
        Value::Audience(names) => names.names().into_bound_py_any(py),
        Value::Scopes(scopes) => scopes.iter().cloned().collect::<BTreeMap<_, _>>().into_bound_py_any(py),
        Value::Duration(duration) => duration.as_secs().into_bound_py_any(py),
        Value::Count(count) => count.into_bound_py_any(py),
        Value::Choice(name) => name.into_bound_py_any(py),
        Value::Places(places) => {
            let shown: PyResult<Vec<_>> = places.iter().map(|own| place(py, own)).collect();
            shown?.into_bound_py_any(py)
        }
        Value::Switch(is_on) => is_on.into_bound_py_any(py),
        Value::Path(path) | Value::Document(Document::File(path)) => path.into_bound_py_any(py),
        Value::Document(Document::Bytes(bytes)) => bytes.as_slice().into_bound_py_any(py),
        Value::Secret(secret) => secret.text().into_bound_py_any(py),
        Value::Table(table) => {
            let members = PyDict::new(py);
            for (key, value) in table.iter() {
                members.set_item(key, in_python(py, value)?)?;
            }
            members.into_bound_py_any(py)
        }
    }
}

/// As the argument `token_from` has it.
fn place<'py>(py: Python<'py>, place: &TokenPlace) -> PyResult<Bound<'py, PyAny>> {
    let (kind, name) = place.parts();
    let Some(name) = name else { return kind.into_bound_py_any(py) };
    match kind.split_once('.') {
        Some((kind, how)) => BTreeMap::from([(kind, BTreeMap::from([(how, name)]))]).into_bound_py_any(py),
        None => BTreeMap::from([(kind, name)]).into_bound_py_any(py),
    }
}
