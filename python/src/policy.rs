//! What a route needs beyond a valid token.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString, PyTuple};
use requires_auth::policy::{ClaimTest, ClaimValue, Requirement};

use crate::errors;

/// What a request needs beyond a valid token. `Policy()` needs nothing more.
///
/// Make it once, when the route is built: a mistake in it shows there.
#[pyclass(frozen, eq, hash, module = "requires_auth._core")]
#[derive(Clone)]
pub(crate) struct Policy {
    required: Requirement,
    /// The same where a request may also have no token.
    optional: Requirement,
    /// For `repr`: the calls that have made it.
    made_by: String,
}

/// How a policy was made is not a part of it.
impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.required == other.required
    }
}

impl Eq for Policy {}

impl Hash for Policy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The scopes are what tells most policies apart; equal policies have equal ones.
        self.inner().scope().hash(state);
    }
}

#[pymethods]
impl Policy {
    #[new]
    fn new() -> Self {
        Self::of(requires_auth::Policy::default(), "Policy()".to_owned())
    }

    /// Needs every one of these scopes; a string may hold several, separated by spaces.
    ///
    /// Raises `ConfigError` if there is none, or one is not a scope token (RFC 6749 §3.3).
    #[staticmethod]
    #[pyo3(signature = (*scopes))]
    fn all_of(py: Python<'_>, scopes: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let listed = scopes.extract::<Vec<String>>()?.join(" ");
        let policy =
            requires_auth::Policy::parse(&listed).map_err(|error| errors::config_error(py, &error))?;
        Ok(Self::of(policy, format!("Policy.all_of({listed:?})")))
    }

    /// Needs at least one of these scopes. A refusal lists all of them.
    ///
    /// Raises `ConfigError` if there is none, or one is not a scope token (RFC 6749 §3.3).
    #[staticmethod]
    fn any_of(py: Python<'_>, scopes: Vec<String>) -> PyResult<Self> {
        check_words(py, &scopes)?;
        let made_by = format!("Policy.any_of({scopes:?})");
        Ok(Self::of(requires_auth::Policy::any_of(scopes), made_by))
    }

    /// Also needs the claim at a dotted path to pass a test; otherwise 403 `access_denied`.
    ///
    /// Give one of `equals`, `contains` (the array has the value, or one of a list of values, or is it), `one_of`, `prefix`
    /// (a text begins so, or one of an array does) and `path_parameter` (the claim is what the path of the request has in
    /// the place of this name); without any, the claim has to be there and not null. Values are str, int or bool, and
    /// types count: `"1"` is not `1`.
    #[pyo3(signature = (path, *, equals = None, contains = None, one_of = None, prefix = None, path_parameter = None))]
    fn with_claim(
        &self,
        path: &str,
        equals: Option<&Bound<'_, PyAny>>,
        contains: Option<&Bound<'_, PyAny>>,
        one_of: Option<&Bound<'_, PyAny>>,
        prefix: Option<&Bound<'_, PyAny>>,
        path_parameter: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let given = [
            ("equals", equals),
            ("contains", contains),
            ("one_of", one_of),
            ("prefix", prefix),
            ("path_parameter", path_parameter),
        ];
        let mut given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let (test, shown) = match (given.next(), given.next()) {
            (None, _) => (ClaimTest::Present, String::new()),
            (Some((name, value)), None) => (claim_test(name, value)?, format!(", {name}={}", value.repr()?)),
            _ => {
                return Err(PyTypeError::new_err(
                    "give one of equals, contains, one_of, prefix and path_parameter",
                ));
            }
        };
        let made_by = format!("{}.with_claim({path:?}{shown})", self.made_by);
        Ok(Self::of(self.inner().clone().with_claim(path, test), made_by))
    }

    /// Also needs a login of one of these strengths (`acr`, RFC 9470 §3), best first.
    ///
    /// Raises `ConfigError` if there is none, or one has a space, a quote or a backslash.
    fn with_acr_values(&self, py: Python<'_>, acr_values: Vec<String>) -> PyResult<Self> {
        check_words(py, &acr_values)?;
        let made_by = format!("{}.with_acr_values({acr_values:?})", self.made_by);
        Ok(Self::of(self.inner().clone().with_acr_values(acr_values), made_by))
    }

    /// Also needs a login at most this many seconds ago (`auth_time`, RFC 9470 §3).
    fn with_max_age(&self, seconds: i64) -> PyResult<Self> {
        let age =
            u64::try_from(seconds).map_err(|_| PyValueError::new_err("max_age must not be negative"))?;
        let made_by = format!("{}.with_max_age({seconds})", self.made_by);
        Ok(Self::of(self.inner().clone().with_max_age(Duration::from_secs(age)), made_by))
    }

    /// Also needs a proof of the key that the token is bound to (DPoP, RFC 9449); otherwise 401 `invalid_token`.
    ///
    /// For single routes of a guard with `dpop="allowed"`. Where `dpop` is off, such a route refuses every token.
    fn with_dpop_required(&self) -> Self {
        let made_by = format!("{}.with_dpop_required()", self.made_by);
        Self::of(self.inner().clone().with_dpop_required(), made_by)
    }

    /// The path parameters that its claim rules look at.
    #[getter]
    fn path_parameters(&self) -> Vec<&str> {
        self.inner().path_parameters().collect()
    }

    /// The scopes that the policy names, separated by spaces; None if it names none.
    #[getter]
    fn scope(&self) -> Option<&str> {
        self.inner().scope()
    }

    fn __repr__(&self) -> &str {
        &self.made_by
    }
}

impl Policy {
    pub(crate) fn of(policy: requires_auth::Policy, made_by: String) -> Self {
        Self { required: policy.clone().into(), optional: Requirement::optional(policy), made_by }
    }

    pub(crate) const fn inner(&self) -> &requires_auth::Policy {
        self.required.policy()
    }

    /// What is asked of a request, which may also have no token if that is `optional`.
    pub(crate) const fn requirement(&self, optional: bool) -> &Requirement {
        if optional { &self.optional } else { &self.required }
    }
}

/// A policy as an argument. What else people write there is refused with what to write, and is never shown: it may be a token.
#[derive(Clone, Copy)]
pub(crate) struct GivenPolicy<'a, 'py>(Borrowed<'a, 'py, Policy>);

impl<'a, 'py> FromPyObject<'a, 'py> for GivenPolicy<'a, 'py> {
    type Error = PyErr;

    fn extract(argument: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(policy) = argument.cast() {
            return Ok(Self(policy));
        }
        let found = argument.get_type().name()?;
        Err(PyTypeError::new_err(format!(
            "policy: expected a Policy, found {found}: write Policy.all_of(\"read:orders\")"
        )))
    }
}

impl<'py> Deref for GivenPolicy<'_, 'py> {
    type Target = Bound<'py, Policy>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Checks what the library takes for a mistake of the programmer, and would panic at.
fn check_words(py: Python<'_>, words: &[String]) -> PyResult<()> {
    // `parse` takes white space for the end of a word; inside a list it is a mistake.
    if let Some(word) = words.iter().find(|word| word.is_empty() || word.contains(char::is_whitespace)) {
        let hint = "write one entry per scope, without spaces: [\"read:orders\", \"write:orders\"]";
        let problem = ("scope", format!("`{word}`"), "printable ASCII without spaces", hint);
        return Err(errors::raise(py, "ConfigError", (vec![problem],)));
    }
    requires_auth::Policy::parse(&words.join(" ")).map(drop).map_err(|error| errors::config_error(py, &error))
}

fn claim_test(name: &str, value: &Bound<'_, PyAny>) -> PyResult<ClaimTest> {
    let values = || value.try_iter()?.map(|value| claim_value(&value?)).collect::<PyResult<Vec<_>>>();
    let is_one = value.is_instance_of::<PyString>() || value.try_iter().is_err();
    Ok(match name {
        "equals" => ClaimTest::Equals(claim_value(value)?),
        "contains" if is_one => ClaimTest::Contains(claim_value(value)?),
        "contains" => ClaimTest::ContainsAny(values()?),
        "one_of" => ClaimTest::OneOf(values()?),
        "prefix" => ClaimTest::Prefix(text(name, value)?),
        _ => ClaimTest::Path(text(name, value)?),
    })
}

/// A text that is not empty: an empty beginning would be that of every text.
fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let text: String = value.extract()?;
    if text.is_empty() { Err(PyValueError::new_err(format!("{name} must not be empty"))) } else { Ok(text) }
}

fn claim_value(value: &Bound<'_, PyAny>) -> PyResult<ClaimValue> {
    // A bool is an int for Python, so it is asked for first.
    if value.is_instance_of::<PyBool>() {
        Ok(ClaimValue::Bool(value.extract()?))
    } else if value.is_instance_of::<PyInt>() {
        Ok(ClaimValue::Integer(value.extract()?))
    } else if value.is_instance_of::<PyString>() {
        Ok(ClaimValue::Text(value.extract()?))
    } else {
        Err(PyTypeError::new_err(format!(
            "a claim is compared with str, int or bool, not {}",
            value.get_type().name()?
        )))
    }
}
