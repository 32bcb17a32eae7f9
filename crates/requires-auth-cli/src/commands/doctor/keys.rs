//! The keys of an issuer: which are used, which are not, and what they are for.

use requires_auth::discovery::FetchFailure;
use requires_auth::guard::{Examination, ExaminedKey};
use requires_auth::verify::Unusable;

use super::configured::Configured;
use super::finding::{Finding, Level};

/// What can be used of a key set, and whether it serves what is configured.
pub(super) fn tell(configured: &Configured, found: &Examination) -> Vec<Finding> {
    let name = &configured.issuer;
    if let Some(FetchFailure::KeySet(error)) = found.failure() {
        let finding = Finding::new(Level::Fail, "keys.usable", name, error.clone());
        return vec![finding.hint("the jwks_uri must answer with a JWK Set: {\"keys\": [...]}")];
    }
    let used: Vec<_> = found.keys().iter().filter(|key| key.algorithms().is_ok()).collect();
    let shown: Vec<_> = used.iter().map(|key| label(key)).collect();
    let level = if used.is_empty() { Level::Fail } else { Level::Ok };
    let what = format!("{} of {}: {}", used.len(), found.keys().len(), shown.join(", "));
    let mut findings = vec![
        Finding::new(level, "keys.usable", name, what).hint("without a usable key every token is refused"),
    ];
    findings.extend(found.keys().iter().filter_map(|key| Some(skipped(name, key, key.algorithms().err()?))));
    findings.extend(algorithms(configured, &used));
    findings
}

/// A key that is not used.
fn skipped(name: &str, key: &ExaminedKey, reason: Unusable) -> Finding {
    let what = format!("key {} ({}) is not used: {reason}", key.index(), label(key));
    let (level, hint) = match reason {
        Unusable::Private => {
            (Level::Fail, "whoever reads it can sign tokens: withdraw it, and make a new key")
        }
        _ => (Level::Warn, "nothing to do, unless access tokens are signed with it"),
    };
    Finding::new(level, "keys.skipped", name, what).hint(hint)
}

/// How people know a key: its id, and what it is for.
fn label(key: &ExaminedKey) -> String {
    // A thumbprint (RFC 7638) has 43 characters, one of SHA-512 86.
    let short = |text: &str| text.chars().take(128).collect::<String>();
    format!("{} {}", short(key.kid().unwrap_or("no kid")), short(key.kind().unwrap_or("?")))
}

/// Whether there is a key for each algorithm that is configured.
fn algorithms(configured: &Configured, used: &[&ExaminedKey]) -> Option<Finding> {
    const CODE: &str = "keys.algorithms";
    let wanted = configured.algorithms.as_ref()?;
    let is_served =
        |algorithm: &&_| used.iter().any(|key| key.algorithms().is_ok_and(|own| own.contains(algorithm)));
    let (served, missing): (Vec<_>, Vec<_>) = wanted.iter().partition(is_served);
    let names = |algorithms: &[&requires_auth::Algorithm]| {
        algorithms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let (served, missing) = (names(&served), names(&missing));
    let (level, what) = if served.is_empty() {
        (Level::Fail, format!("no key is for {missing}"))
    } else if missing.is_empty() {
        (Level::Ok, format!("keys for {served}"))
    } else {
        (Level::Warn, format!("keys for {served}, none for {missing}"))
    };
    let finding = Finding::new(level, CODE, &configured.issuer, what);
    Some(finding.hint("`algorithms` need only name what the issuer uses"))
}
