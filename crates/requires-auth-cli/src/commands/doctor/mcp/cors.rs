//! Whether clients in browsers can read the document and the challenge, and send a token.

use reqwest::{Method, Url};

use super::super::finding::{Finding, Level};
use super::checks::{self, Check};
use super::client::{Answer, Client, Question};

/// What a client in a browser asks to send. `*` does not cover `authorization` (Fetch, CORS-preflight fetch).
const SENT: [&str; 3] = ["authorization", "content-type", "mcp-protocol-version"];

/// Looks at the server itself, as a page of this origin sees it.
pub(super) async fn endpoint(client: &Client<'_>, origin: &str, findings: &mut Vec<Finding>) {
    let (challenge, endpoint) = (challenge(client, origin).await, preflight(client, origin).await);
    if let (None, None) = (&challenge, &endpoint) {
        let what =
            "neither the challenge nor a preflight allows an origin: clients in browsers are not served";
        findings.push(checks::CORS_ENDPOINT.skip(client.subject(), what));
        return;
    }
    if let Some(refused) = challenge.as_ref().filter(|finding| finding.level == Level::Skip) {
        findings.push(refused.clone());
        return;
    }
    let missing = |check: &Check, what| check.warn(client.subject(), what);
    findings.push(challenge.unwrap_or_else(|| {
        missing(&checks::CORS_CHALLENGE, "the 401 has no Access-Control-Allow-Origin: pages cannot read it")
    }));
    findings.push(endpoint.unwrap_or_else(|| {
        missing(
            &checks::CORS_ENDPOINT,
            "the preflight has no Access-Control-Allow-Origin: pages send no token",
        )
    }));
}

/// The document is public, so that every page may read it; clients send a header for which browsers ask first.
pub(super) async fn document(client: &Client<'_>, url: &Url, origin: &str) -> Finding {
    let (check, subject) = (&checks::CORS_DOCUMENT, url.as_str());
    let question = Question::new(Method::GET).with("origin", origin);
    let is_open = client.fetch(url, question).await.is_ok_and(|answer| allows(&answer, origin));
    if !is_open {
        return check.warn(subject, "it has no Access-Control-Allow-Origin: pages cannot read it");
    }
    let question = asks(origin, "GET", "mcp-protocol-version");
    match client.fetch(url, question).await {
        Ok(answer) if is_yes(&answer, origin, &["mcp-protocol-version"]) => {
            check.ok(subject, "pages may read it")
        }
        Ok(answer) => {
            check.warn(subject, format!("its preflight is answered {} without a yes", answer.status))
        }
        Err(error) => check.warn(subject, format!("its preflight is not answered: {error}")),
    }
}

/// `None` if the answer has nothing of CORS.
async fn challenge(client: &Client<'_>, origin: &str) -> Option<Finding> {
    let (check, subject) = (&checks::CORS_CHALLENGE, client.subject());
    let answer = client.ask(Question::ping().with("origin", origin), &[]).await.ok()?;
    if answer.status == 403 {
        return Some(refused(check, subject, origin));
    }
    let exposed = list(&answer, "access-control-expose-headers");
    let is_exposed = exposed.iter().any(|name| name == "*" || name == "www-authenticate");
    match (allows(&answer, origin), is_exposed) {
        // What is exposed to nobody does nothing.
        (false, _) => None,
        (true, true) => Some(check.ok(subject, "pages may read the challenge")),
        (true, false) => {
            Some(check.warn(subject, "WWW-Authenticate is not in Access-Control-Expose-Headers"))
        }
    }
}

/// `None` if the answer has nothing of CORS.
async fn preflight(client: &Client<'_>, origin: &str) -> Option<Finding> {
    let (check, subject) = (&checks::CORS_ENDPOINT, client.subject());
    let answer = client.ask(asks(origin, "POST", &SENT.join(",")), &[]).await.ok()?;
    if !allows(&answer, origin) {
        return (answer.status == 403).then(|| refused(check, subject, origin));
    }
    if is_yes(&answer, origin, &SENT) {
        return Some(check.ok(subject, "pages may send a token"));
    }
    if !answer.is_success() {
        return Some(check.warn(subject, format!("the preflight is answered {}", answer.status)));
    }
    let allowed = list(&answer, "access-control-allow-headers");
    let missing: Vec<_> = SENT.into_iter().filter(|name| !covers(&allowed, name)).collect();
    Some(check.warn(subject, format!("not in Access-Control-Allow-Headers: {}", missing.join(", "))))
}

/// A server must look at `Origin`, and may refuse those that it does not know.
fn refused(check: &Check, subject: &str, origin: &str) -> Finding {
    let hint = "servers may refuse foreign origins: give one of yours with --origin";
    check.skip(subject, format!("{origin} is refused: 403")).hint(hint)
}

/// A preflight (Fetch, CORS-preflight fetch).
fn asks(origin: &str, method: &str, headers: &str) -> Question {
    Question::new(Method::OPTIONS)
        .with("origin", origin)
        .with("access-control-request-method", method)
        .with("access-control-request-headers", headers)
}

fn is_yes(answer: &Answer, origin: &str, headers: &[&str]) -> bool {
    let allowed = list(answer, "access-control-allow-headers");
    answer.is_success() && allows(answer, origin) && headers.iter().all(|name| covers(&allowed, name))
}

fn covers(allowed: &[String], name: &str) -> bool {
    allowed.iter().any(|own| own == name || (own == "*" && name != "authorization"))
}

fn allows(answer: &Answer, origin: &str) -> bool {
    answer.header("access-control-allow-origin").is_some_and(|own| own == "*" || own == origin)
}

/// The names in all lines of a header, in lower case.
fn list(answer: &Answer, name: &str) -> Vec<String> {
    let values = answer.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|own| own.trim_ascii().to_ascii_lowercase()).collect()
}
