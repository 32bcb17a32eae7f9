//! Tokens that are refused before they expire.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use requires_auth::revocation::{Revocation, RevocationKind};
use requires_auth::revocations::RevokeError;

use crate::guard::Guard;
use crate::token::AccessToken;

/// A moment: a datetime that knows its time zone, or seconds since 1970.
#[derive(FromPyObject)]
pub(crate) enum Moment {
    Seconds(f64),
    Time(SystemTime),
}

impl Moment {
    fn time(&self) -> PyResult<SystemTime> {
        match self {
            Self::Time(time) => Ok(*time),
            Self::Seconds(seconds) => Duration::try_from_secs_f64(*seconds)
                .ok()
                .and_then(|since| UNIX_EPOCH.checked_add(since))
                .ok_or_else(|| PyValueError::new_err("a moment is a number of seconds since 1970")),
        }
    }
}

/// Revokes a token by its own `jti`.
#[pyfunction]
pub(crate) fn revoke_token(
    py: Python<'_>,
    guard: &Bound<'_, Guard>,
    token: &Bound<'_, AccessToken>,
) -> PyResult<()> {
    let (auth, token) = (guard.get().auth()?, token.get().inner());
    py.detach(|| auth.revoke_token(token)).map_err(|error| raised(&error))
}

/// Revokes what a claim names: `jti`, `sub`, `sid` or `client_id`.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "arguments from Python are owned")]
pub(crate) fn revoke(
    py: Python<'_>,
    guard: &Bound<'_, Guard>,
    claim: &str,
    value: &str,
    issuer: Option<String>,
    before: Option<Moment>,
    until: Option<Moment>,
) -> PyResult<()> {
    let kind = RevocationKind::ALL.into_iter().find(|kind| kind.as_str() == claim);
    let kind = kind.ok_or_else(|| PyValueError::new_err("not a claim by which tokens are revoked"))?;
    let until = match until {
        Some(until) => until.time()?,
        None => SystemTime::now() + Revocation::DEFAULT_LIFE,
    };
    let mut entry = Revocation::of(kind, value, until);
    if let Some(issuer) = &issuer {
        entry = entry.at_issuer(issuer);
    }
    if let Some(before) = &before {
        entry = entry.issued_before(before.time()?);
    }
    let auth = guard.get().auth()?;
    py.detach(|| auth.revoke(entry)).map_err(|error| raised(&error))
}

/// How many revocations are in use, and why the file could not be read when it was last tried; None without revocations.
#[pyfunction]
pub(crate) fn revocations(guard: &Bound<'_, Guard>) -> PyResult<Option<(usize, Option<String>)>> {
    let health = guard.get().auth()?.health();
    let revocations = health.revocations();
    Ok(revocations.map(|own| (own.entries(), own.last_error().map(ToOwned::to_owned))))
}

fn raised(error: &RevokeError) -> PyErr {
    let text = error.to_string();
    match error {
        RevokeError::Invalid(_) | RevokeError::NoTokenId => PyValueError::new_err(text),
        RevokeError::NotKept(_) => PyOSError::new_err(text),
        _ => PyRuntimeError::new_err(text),
    }
}
