//! `explain`, `health` and `shared_state` as plain Python data, in the form that the command line prints.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pyo3::prelude::*;
use requires_auth::explain::{Outcome, Report};
use requires_auth::guard::{Health, IssuerHealth, KeySource};
use requires_auth::verify::Step;
use requires_auth::{Denial, Reason, RequiresAuth};
use serde_json::{Map, Value, json};

use crate::json;

/// `{"ok", "error", "hint", "header", "claims", "checks": [{"check", "outcome", "found", "expected"}]}`.
///
/// `header` and `claims` are what the token says, whoever has written it; `None` where they are not an object of JSON.
pub(crate) fn explanation<'py>(
    py: Python<'py>,
    auth: &RequiresAuth,
    token: &str,
    report: &Result<Report, Denial>,
) -> PyResult<Bound<'py, PyAny>> {
    let (denial, hint, checks) = match report {
        Ok(report) => (report.verdict().err(), report.hint(), checks(report)),
        // What is not a token at all is refused before the first check.
        Err(denial) => {
            let hint = "look for quotes, spaces, line breaks or a `Bearer` before the token";
            let steps = Step::ALL.iter().filter(|step| step.is_of_every_token());
            let checks = steps.map(|step| check(step.as_str(), Outcome::NotReached, "", ""));
            (Some(denial), Some(hint), checks.collect())
        }
    };
    let explanation = json!({ "ok": denial.is_none(), "error": denial.map(|denial| error(auth, denial)), "hint": hint, "checks": checks });
    let explanation = json::load(py, &explanation.to_string())?;
    let mut parts = token.split('.');
    for name in ["header", "claims"] {
        let members = parts.next().and_then(members).and_then(|text| json::load(py, &text).ok());
        explanation.set_item(name, members)?;
    }
    Ok(explanation)
}

/// A part of a JWT as the text of a JSON object; `None` if it is something else.
fn members(part: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
    let is_object = serde_json::from_str::<Map<String, Value>>(&text).is_ok();
    is_object.then_some(text) // and not what was read, as numbers of any size stay what they are
}

fn checks(report: &Report) -> Vec<Value> {
    let checks = report.checks().iter();
    checks.map(|made| check(made.step().as_str(), made.outcome(), made.found(), made.expected())).collect()
}

fn check(step: &str, outcome: Outcome, found: &str, expected: &str) -> Value {
    let reached = |text| (outcome != Outcome::NotReached).then_some(text);
    json!({ "check": step, "outcome": outcome.as_str(), "found": reached(found), "expected": reached(expected) })
}

fn error(auth: &RequiresAuth, denial: &Denial) -> Value {
    let challenges = auth.www_authenticate(denial);
    let challenge = (!challenges.is_empty()).then(|| challenges.join(", "));
    let reason = denial.reason().map(Reason::as_str);
    json!({ "code": denial.code().as_str(), "status": denial.status(), "reason": reason, "challenge": challenge })
}

/// One dict per issuer, in the order of the configuration.
pub(crate) fn health<'py>(py: Python<'py>, health: &Health) -> PyResult<Bound<'py, PyAny>> {
    let issuers: Vec<_> = health.issuers().iter().map(issuer).collect();
    json::load(py, &Value::from(issuers).to_string())
}

/// A dict about the server that instances share; None if there is none.
pub(crate) fn shared_state<'py>(py: Python<'py>, health: &Health) -> PyResult<Bound<'py, PyAny>> {
    let shared = health.shared_state().map(|shared| {
        json!({
            "server": shared.server(),
            "status": shared.status().as_str(),
            "last_error": shared.last_error(),
            "warnings": shared.warnings(),
        })
    });
    json::load(py, &Value::from(shared).to_string())
}

fn issuer(health: &IssuerHealth) -> Value {
    let skipped: Vec<_> = health
        .skipped()
        .iter()
        .map(|key| json!({ "index": key.index(), "reason": key.reason().to_string() }))
        .collect();
    json!({
        "issuer": health.issuer(),
        "is_tenant": health.is_tenant(),
        "state": health.state().as_str(),
        "source": health.source().map(KeySource::as_str),
        "age": health.age().map(|age| age.as_secs_f64()),
        "next_refresh": health.next_refresh().map(|wait| wait.as_secs_f64()),
        "last_error": health.last_error().map(|failure| json!({
            "kind": failure.as_str(), "message": failure.to_string(), "hint": failure.hint(),
        })),
        "keys": health.keys(),
        "skipped": skipped,
    })
}
