//! What an issuer publishes: metadata, keys, and its clock.

use std::time::{Duration, SystemTime};

use reqwest::Url;
use serde_json::Value;

use super::certificate;
use super::configured::Configured;
use super::fetch::{Fetched, Fetcher, is_loopback};
use super::finding::{Finding, Level};
use super::keys;

/// A clock that is off by more is worth a look, even where the leeway still covers it.
const CLOCK_CARE: Duration = Duration::from_secs(5);

/// Looks at everything that an issuer publishes, in the order in which the guard needs it.
pub(super) async fn run(configured: &Configured, fetcher: &Fetcher) -> Vec<Finding> {
    let mut findings = Vec::new();
    let jwks_uri = match &configured.jwks_uri {
        Some(uri) => Some(uri.clone()),
        None => match metadata(configured, fetcher, &mut findings).await {
            Some(metadata) => {
                findings
                    .push(same_issuer(&configured.issuer, metadata.get("issuer").and_then(Value::as_str)));
                findings.extend(scopes(configured, &metadata));
                metadata.get("jwks_uri").and_then(Value::as_str).map(ToOwned::to_owned)
            }
            None => return findings,
        },
    };
    let name = &configured.issuer;
    let Some(url) = jwks_uri.and_then(|uri| Url::parse(&uri).ok()).filter(is_safe) else {
        let finding = Finding::new(Level::Fail, "keys.reached", name, "there is no jwks_uri with https");
        findings.push(finding.hint("the metadata must have a `jwks_uri` that is an https URL"));
        return findings;
    };
    match fetcher.get(&url).await {
        Ok(answer) => {
            findings.push(reached("keys.reached", name, &url, &answer));
            findings.extend(keys::look(configured, &answer.body));
            findings.push(caching(name, answer.cache_control.as_deref()));
            findings.push(certificate::look(name, answer.certificate.as_deref(), SystemTime::now()));
            findings.push(match answer.clocks {
                Some((theirs, ours)) => clock(name, theirs, ours, configured.leeway),
                None => Finding::new(Level::Skip, "clock", name, "the answer has no Date"),
            });
        }
        Err(error) => {
            let finding = Finding::new(Level::Fail, "keys.reached", name, format!("{url}: {error}"));
            findings.push(finding.hint("open the way from this machine to the issuer"));
        }
    }
    findings
}

/// The guard fetches over https, or from this machine.
fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && is_loopback(url)
}

/// Where metadata may be: OpenID Connect Discovery 1.0 §4, then RFC 8414 §3.1.
fn places(configured: &Configured) -> Vec<Url> {
    if let Some(url) = &configured.discovery_url {
        return Url::parse(url).into_iter().collect();
    }
    let issuer = configured.issuer.trim_end_matches('/');
    let openid = Url::parse(&format!("{issuer}/.well-known/openid-configuration"));
    let oauth = Url::parse(issuer).map(|mut url| {
        let path = format!("/.well-known/oauth-authorization-server{}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    });
    openid.into_iter().chain(oauth).filter(is_safe).collect()
}

async fn metadata(configured: &Configured, fetcher: &Fetcher, findings: &mut Vec<Finding>) -> Option<Value> {
    const AS_IN_TOKENS: &str =
        "the issuer is what its tokens have in `iss`; Logto's ends in `/oidc`, Keycloak's in `/realms/NAME`";
    const OUT_OF_REACH: &str = "nothing answers there: is the provider running, is the name or port right, does a firewall or a proxy stand \
         between?";
    const CODE: &str = "discovery.reached";
    let name = &configured.issuer;
    let (mut seen, mut hint) = (Vec::new(), AS_IN_TOKENS);
    for url in places(configured) {
        match fetcher.get(&url).await {
            Ok(answer) if answer.status == 200 => {
                let document = serde_json::from_slice::<Value>(&answer.body).ok().filter(Value::is_object);
                if document.is_some() {
                    findings.push(reached(CODE, name, &url, &answer));
                    return document;
                }
                seen.push(format!("{url}: 200, but no JSON object"));
                break;
            }
            Ok(answer) => seen.push(format!("{url}: {}", answer.status)),
            Err(error) => {
                seen.push(format!("{url}: {error}"));
                hint = OUT_OF_REACH;
                break;
            }
        }
    }
    let what = if seen.is_empty() { "the issuer is no https URL".to_owned() } else { seen.join("; ") };
    findings.push(Finding::new(Level::Fail, CODE, name, what).hint(hint));
    None
}

fn reached(code: &'static str, name: &str, url: &Url, answer: &Fetched) -> Finding {
    let level = if answer.status == 200 { Level::Ok } else { Level::Fail };
    let what = format!("{url}: {} in {} ms", answer.status, answer.took.as_millis());
    Finding::new(level, code, name, what).hint("the guard takes only 200, and follows no redirect")
}

/// OpenID Connect Discovery 1.0 §4.3 and RFC 8414 §3.3: identical, else the document MUST NOT be used.
fn same_issuer(configured: &str, told: Option<&str>) -> Finding {
    const CODE: &str = "discovery.issuer";
    let Some(told) = told else {
        return Finding::new(Level::Fail, CODE, configured, "the metadata have no `issuer`")
            .hint("this may be the metadata of something else");
    };
    if told == configured {
        return Finding::new(Level::Ok, CODE, configured, "the same, byte for byte");
    }
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
    Finding::new(Level::Fail, CODE, configured, format!("the metadata have `{told}`")).hint(hint)
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
fn scopes(configured: &Configured, metadata: &Value) -> Option<Finding> {
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
            let finding = same_issuer(configured, Some(told));
            assert_eq!(finding.level, Level::Fail);
            assert!(finding.hint.expect("a hint").contains(expected), "{told}");
        }
        assert_eq!(same_issuer("https://a.example", Some("https://a.example")).level, Level::Ok);
        assert_eq!(same_issuer("https://a.example", None).level, Level::Fail);
    }
}
