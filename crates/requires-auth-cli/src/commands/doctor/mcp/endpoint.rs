//! Requests without a token, to the URL of the server itself: they must be 401, and nothing else.

use std::time::Duration;

use reqwest::Method;
use tokio::time::timeout;

use super::super::finding::Finding;
use super::super::raw::Target;
use super::checks::{self, Check};
use super::client::{Answer, Client, Question};

/// How long a server may wait for a body that never comes, before it is said to wait.
const PATIENCE: Duration = Duration::from_secs(3);

/// The values of `WWW-Authenticate` that came with a 401; `None` where the answer was another.
#[derive(Default)]
pub(super) struct Refusals {
    pub(super) post: Option<Vec<String>>,
    pub(super) get: Option<Vec<String>>,
}

/// Asks without a token; `None` where nobody answers.
pub(super) async fn run(client: &Client<'_>, findings: &mut Vec<Finding>) -> Option<Refusals> {
    let mut refusals = Refusals::default();
    match client.ask(Question::ping(), &[]).await {
        Ok(answer) => {
            findings.push(judge(client, &checks::POST, "POST", &answer));
            refusals.post = challenges(&answer);
        }
        Err(error) => {
            findings.push(checks::REACHED.fail(client.subject(), format!("it does not answer: {error}")));
            return None;
        }
    }
    match client.ask(Question::new(Method::GET).with("accept", "text/event-stream"), &[]).await {
        Ok(answer) => {
            findings.push(judge(client, &checks::GET, "GET", &answer));
            refusals.get = challenges(&answer);
        }
        Err(error) => findings.push(checks::GET.fail(client.subject(), format!("GET: no answer: {error}"))),
    }
    // Where requests pass without a token, or none of them is answered, these would tell the same once more.
    if refusals.post.is_some() {
        findings.push(broken_body(client).await);
        findings.push(body_that_never_comes(client).await);
    }
    findings.extend(other_slash(client).await);
    Some(refusals)
}

fn challenges(answer: &Answer) -> Option<Vec<String>> {
    (answer.status == 401).then(|| answer.challenges())
}

fn judge(client: &Client<'_>, check: &Check, method: &str, answer: &Answer) -> Finding {
    let (subject, status) = (client.subject(), answer.status);
    let is_html = answer.is("text/html");
    match status {
        401 if is_html => check
            .warn(subject, format!("{method}: 401 with a page of HTML"))
            .hint("clients take it; let the answer be of the guard, and not of a page in front of it"),
        401 => check.ok(subject, format!("{method} without a token: 401")),
        300..=399 => {
            let place = answer.header("location").unwrap_or("nowhere");
            check
                .fail(subject, format!("{method}: {status}, a redirect to {place}"))
                .hint("clients of an API cannot log in on a page: answer 401 with a challenge")
        }
        _ if is_html => check.fail(subject, format!("{method}: {status} with a page of HTML")).hint(
            "a page or a proxy answers in place of the server: look at the path and at what is routed there",
        ),
        200..=299 => check.fail(subject, format!("{method}: {status}, it passes without a token")),
        403 => check
            .fail(subject, format!("{method}: 403, where 401 is expected"))
            .hint("403 is for a token that lacks a scope: clients begin a login at a 401 alone"),
        // Since 2026-07-28 there is no GET; a server may know none, but then says so to everybody.
        400..=499 if method == "GET" => check.warn(subject, format!("GET: {status}, where 401 is expected")),
        404 => check
            .fail(subject, "POST: 404, there is nothing")
            .hint("is the path right, with its last slash or without?"),
        _ => check.fail(subject, format!("{method}: {status}, where 401 is expected")),
    }
}

/// A body that is not JSON must not be seen before the token is.
async fn broken_body(client: &Client<'_>) -> Finding {
    let (check, subject) = (&checks::BODY, client.subject());
    match client.ask(Question::post("{"), &[]).await {
        Ok(answer) => match answer.status {
            401 => check.ok(subject, "a broken body without a token: 401"),
            status => {
                check.warn(subject, format!("a broken body without a token: {status}, where 401 is expected"))
            }
        },
        Err(error) => check.warn(subject, format!("a broken body without a token: no answer: {error}")),
    }
}

/// A body of which nothing is sent: who has no token is answered without it.
async fn body_that_never_comes(client: &Client<'_>) -> Finding {
    let (check, subject) = (&checks::BODY, client.subject());
    let url = client.server().url();
    let target = match Target::new(url) {
        Ok(target) => target,
        Err(error) => return check.skip(subject, error),
    };
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let headers = ["Content-Type: application/json", "Accept: application/json", "Content-Length: 100000"];
    let headers = headers.map(str::to_owned);
    match timeout(PATIENCE, target.ask("POST", &path, &headers)).await {
        Ok(Ok(answer)) if answer.status == 401 => {
            check.ok(subject, "without a token it is answered before its body has come: 401")
        }
        Ok(Ok(answer)) => {
            check.warn(subject, format!("before its body has come: {}, where 401 is expected", answer.status))
        }
        Ok(Err(error)) => check.skip(subject, format!("a body that never comes: {error}")),
        Err(_) => check.warn(subject, "it waits for the body of a request without a token"),
    }
}

/// The other spelling of the URL may be served or not, but must neither redirect nor be open.
async fn other_slash(client: &Client<'_>) -> Option<Finding> {
    let (check, subject) = (&checks::SLASH, client.subject());
    let variant = client.server().slash_variant()?;
    let path = variant.url().path();
    Some(match client.fetch(variant.url(), Question::ping()).await {
        Ok(answer) => match answer.status {
            status @ 200..=299 => check
                .fail(subject, format!("{path}: {status}, it passes without a token"))
                .hint("guard this spelling of the path too"),
            status @ 300..=399 => {
                let place = answer.header("location").unwrap_or("nowhere");
                check.warn(subject, format!("{path}: {status}, a redirect to {place}"))
            }
            status => check.ok(subject, format!("{path}: {status}")),
        },
        Err(error) => check.skip(subject, format!("{path}: no answer: {error}")),
    })
}
