//! What an issuer publishes, as the guard sees it: metadata, keys, and beside that its certificate and its clock.

use std::time::{Duration, SystemTime};

use requires_auth::discovery::FetchFailure;
use requires_auth::guard::{Examination, ExaminedDocument};
use reqwest::Url;
use serde_json::Value;

use super::certificate;
use super::configured::Configured;
use super::connection::Connector;
use super::finding::{Finding, Level};
use super::keys;
use super::provider;

/// A clock that is off by more is worth a look, even where the leeway still covers it.
const CLOCK_CARE: Duration = Duration::from_secs(5);

/// Tells what the guard has found, in the order in which it has looked, and looks at the server that has the keys.
pub(super) async fn run(configured: &Configured, found: &Examination, connector: &Connector) -> Vec<Finding> {
    let name = &configured.issuer;
    let mut findings = metadata(configured, found);
    findings.extend(provider::tell(configured, found));
    if let Some(FetchFailure::UnsafeKeySetUrl(_)) = found.failure() {
        let finding = Finding::new(Level::Fail, "keys.reached", name, "there is no jwks_uri with https");
        findings.push(finding.hint("the metadata must have a `jwks_uri` that is an https URL"));
    }
    let Some(key_set) = found.key_set() else { return findings };
    findings.extend(origin(name, found));
    match key_set.status() {
        Ok(_) => findings.push(reached("keys.reached", name, key_set)),
        Err(error) => {
            let what = format!("{}: {error}", key_set.url());
            let finding = Finding::new(Level::Fail, "keys.reached", name, what);
            findings.push(finding.hint("open the way from this machine to the issuer"));
            return findings;
        }
    }
    findings.extend(keys::tell(configured, found));
    findings.push(caching(name, key_set.cache_control()));
    match connector.look(key_set.url()).await {
        Ok(seen) => {
            findings.push(certificate::look(name, seen.certificate.as_deref(), SystemTime::now()));
            findings.push(match seen.clocks {
                Some((theirs, ours)) => clock(name, theirs, ours, configured.leeway),
                None => Finding::new(Level::Skip, "clock", name, "the answer has no Date"),
            });
        }
        Err(error) => findings.push(Finding::new(Level::Skip, "clock", name, error)),
    }
    findings
}

/// A pattern that any tenant fits.
pub(super) fn any_tenant(configured: &Configured) -> Finding {
    let what =
        "each tenant has metadata and keys of its own, which are fetched when the first of its tokens comes";
    Finding::new(Level::Skip, "discovery.reached", &configured.issuer, what)
}

/// Whether the keys are where the issuer is: whoever has their host can forge the tokens of the issuer.
fn origin(name: &str, found: &Examination) -> Option<Finding> {
    let key_set = found.key_set().filter(|_| !found.metadata().is_empty())?.url();
    let issuer = Url::parse(name).ok().filter(|issuer| issuer.origin() != key_set.origin())?;
    let what = format!("the keys of {} are on {}", issuer.host_str()?, key_set.host_str()?);
    let finding = Finding::new(Level::Warn, "keys.origin", name, what);
    Some(
        finding.hint(
            "if that is right, set `jwks_uri` to their address: then the metadata cannot name another one",
        ),
    )
}

/// What the guard has found where it looked for metadata; nothing where the place of the keys is configured.
fn metadata(configured: &Configured, found: &Examination) -> Vec<Finding> {
    const CODE: &str = "discovery.reached";
    let name = &configured.issuer;
    let Some(last) = found.metadata().last() else { return Vec::new() };
    let is_read = last.status() == Ok(200) && found.failure() != Some(&FetchFailure::NotMetadata);
    if !is_read {
        let tried: Vec<_> = found.metadata().iter().map(attempt).collect();
        let hint = if last.status().is_err() { OUT_OF_REACH } else { AS_IN_TOKENS };
        return vec![Finding::new(Level::Fail, CODE, name, tried.join("; ")).hint(hint)];
    }
    let mut findings = vec![reached(CODE, name, last)];
    findings.push(match found.failure() {
        Some(FetchFailure::OtherIssuer(told)) => other_issuer(name, told),
        _ => Finding::new(Level::Ok, ISSUER_CODE, name, "the same, byte for byte"),
    });
    findings.extend(scopes(configured, last));
    findings
}

const AS_IN_TOKENS: &str =
    "the issuer is what its tokens have in `iss`; Logto's ends in `/oidc`, Keycloak's in `/realms/NAME`";
const OUT_OF_REACH: &str = "nothing answers there: is the provider running, is the name or port right, does a firewall or a proxy stand \
     between?";

/// A place in which no metadata were found.
fn attempt(document: &ExaminedDocument) -> String {
    let url = document.url();
    match document.status() {
        Ok(200) => format!("{url}: 200, but not JSON with issuer and jwks_uri"),
        Ok(status) => format!("{url}: {status}"),
        Err(error) => format!("{url}: {error}"),
    }
}

fn reached(code: &'static str, name: &str, document: &ExaminedDocument) -> Finding {
    let status = document.status().unwrap_or_default();
    let level = if status == 200 { Level::Ok } else { Level::Fail };
    let what = format!("{}: {status} in {} ms", document.url(), document.took().as_millis());
    Finding::new(level, code, name, what).hint("the guard takes only 200, and follows no redirect")
}

const ISSUER_CODE: &str = "discovery.issuer";

/// OpenID Connect Discovery 1.0 §4.3 and RFC 8414 §3.3: identical, else the document MUST NOT be used.
fn other_issuer(configured: &str, told: &str) -> Finding {
    let without_scheme = |url: &'_ str| url.split_once("://").map_or(url, |(_, rest)| rest).to_owned();
    let hint = if told.trim_end_matches('/') == configured.trim_end_matches('/') {
        "only the slash at the end differs: configure the issuer as the metadata have it"
    } else if without_scheme(told) == without_scheme(configured) {
        "only http and https differ: the provider does not know that it is behind TLS, tell it its public URL"
    } else if told.trim_end_matches('/') == format!("{}/oidc", configured.trim_end_matches('/')) {
        "Logto's issuer ends in `/oidc`: configure it so"
    } else {
        "configure the issuer that the metadata have, if it is the one that you trust"
    };
    Finding::new(Level::Fail, ISSUER_CODE, configured, format!("the metadata have `{told}`")).hint(hint)
}

fn caching(name: &str, cache_control: Option<&str>) -> Finding {
    let what = match cache_control {
        Some(value) => format!("Cache-Control: {value}"),
        None => "no Cache-Control: the guard's own time to live holds".to_owned(),
    };
    Finding::new(Level::Ok, "keys.caching", name, what)
}

/// How far two clocks differ; `Date` has whole seconds (RFC 9110 §5.6.7).
fn clock(name: &str, theirs: SystemTime, ours: SystemTime, leeway: Duration) -> Finding {
    let (difference, side) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let level = match difference {
        difference if difference > leeway.max(CLOCK_CARE) => Level::Fail,
        difference if difference > CLOCK_CARE => Level::Warn,
        _ => Level::Ok,
    };
    let what = format!("this machine is {} s {side}", difference.as_secs());
    Finding::new(level, "clock", name, what).hint("set the clock by NTP here, or ask the issuer to")
}

/// Scopes that routes ask for and the issuer does not announce (RFC 8414 §2: it need not announce all).
fn scopes(configured: &Configured, document: &ExaminedDocument) -> Option<Finding> {
    let metadata: Value = serde_json::from_slice(document.body()).ok()?;
    let announced = metadata.get("scopes_supported")?.as_array()?;
    if configured.scopes.is_empty() {
        return None;
    }
    let is_announced = |scope: &&String| announced.iter().any(|own| own.as_str() == Some(scope.as_str()));
    let missing: Vec<_> = configured.scopes.iter().filter(|scope| !is_announced(scope)).cloned().collect();
    let (level, what) = if missing.is_empty() {
        (Level::Ok, "every scope of the routes is announced".to_owned())
    } else {
        (Level::Warn, format!("not in scopes_supported: {}", missing.join(" ")))
    };
    let hint = "many providers announce no scopes of APIs; else look for a slip of the pen";
    Some(Finding::new(level, "discovery.scopes", &configured.issuer, what).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_both_ways() {
        let (ours, leeway) =
            (SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000), Duration::from_secs(30));
        for (seconds, expected) in
            [(0, Level::Ok), (5, Level::Ok), (6, Level::Warn), (30, Level::Warn), (31, Level::Fail)]
        {
            let off = Duration::from_secs(seconds);
            assert_eq!(clock("a", ours - off, ours, leeway).level, expected, "{seconds} s ahead");
            assert_eq!(clock("a", ours + off, ours, leeway).level, expected, "{seconds} s behind");
        }
    }

    #[test]
    fn a_wrong_issuer_is_told_with_the_likely_cause() {
        for (configured, told, expected) in [
            ("https://a.example", "https://a.example/", "slash"),
            ("https://a.example", "http://a.example", "https"),
            ("https://a.example", "https://a.example/oidc", "Logto"),
            ("https://a.example", "https://b.example", "trust"),
        ] {
            let finding = other_issuer(configured, told);
            assert_eq!(finding.level, Level::Fail);
            assert!(finding.hint.expect("a hint").contains(expected), "{told}");
        }
    }
}
