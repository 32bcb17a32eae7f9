//! The parameters of a query or form, of which OAuth allows each one only once.

use axum::Form;
use axum::extract::rejection::FormRejection;

use super::oauth_error::OAuthError;

/// The longest value of a login that is remembered, in bytes: a grant lives for days, and there are thousands.
pub(super) const MAX_BYTES: usize = 2048;

/// Names and values in the order of the request; a parameter without a value counts as absent
/// (RFC 6749 §3.1).
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn new(mut pairs: Vec<(String, String)>) -> Self {
        pairs.retain(|(_, value)| !value.is_empty());
        Self(pairs)
    }

    pub(super) fn from_form(
        form: Result<Form<Vec<(String, String)>>, FormRejection>,
    ) -> Result<Self, OAuthError> {
        match form {
            Ok(Form(pairs)) => Ok(Self::new(pairs)),
            Err(rejection) => Err(OAuthError::invalid_request(rejection.body_text())),
        }
    }

    /// The value of a parameter that may come once.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, OAuthError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(OAuthError::invalid_request(format!("the parameter {name} comes more than once"))),
        }
    }

    /// The value of a parameter that may come once, and is short enough to be remembered.
    pub(super) fn short(&self, name: &str) -> Result<Option<&str>, OAuthError> {
        let value = self.one(name)?;
        if value.is_some_and(|value| value.len() > MAX_BYTES) {
            let wrong = format!("the parameter {name} is longer than {MAX_BYTES} bytes");
            return Err(OAuthError::invalid_request(wrong));
        }
        Ok(value)
    }

    /// The value of a parameter that has to come once.
    pub(super) fn required(&self, name: &str) -> Result<&str, OAuthError> {
        self.one(name)?.ok_or_else(|| OAuthError::invalid_request(format!("the parameter {name} is missing")))
    }

    /// The values of a parameter that may come more than once.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The first name that is not among the known ones.
    pub(super) fn unknown(&self, known: &[&str]) -> Option<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !known.contains(name))
    }
}
