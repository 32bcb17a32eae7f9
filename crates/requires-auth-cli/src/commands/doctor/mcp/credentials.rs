//! Credentials that must be refused, and how.

use super::super::attacks::unsigned_token;
use super::super::finding::Finding;
use super::checks;
use super::client::{Client, Question};
use super::refusal::{Said, bearer};

/// What no issuer has made.
pub(super) const GARBAGE: &str = "garbage";

/// Sends tokens that cannot be right; `said` is what the server says to a request without one, and `is_guarded` that it
/// refuses such a request.
pub(super) async fn run(client: &Client<'_>, said: &Said, is_guarded: bool, findings: &mut Vec<Finding>) {
    findings.push(bad(client, said, GARBAGE, "a made-up token").await);
    findings.push(bad(client, said, &unsigned_token(), "a token that nobody has signed").await);
    if is_guarded {
        findings.push(none(client, said, "Basic ZG9jdG9yOmRvY3Rvcg==", "another scheme").await);
        findings.push(none(client, said, "Bearer", "an empty `Bearer`").await);
    }
    findings.push(two(client).await);
    if is_guarded {
        findings.push(query(client, said).await);
    }
}

/// RFC 6750 §3.1: 401 with the error, and with the pointer that the challenge without a token has.
async fn bad(client: &Client<'_>, said: &Said, token: &str, what: &str) -> Finding {
    let (check, subject) = (&checks::BAD_TOKEN, client.subject());
    let answer = match client.ask(Question::ping(), &[token]).await {
        Ok(answer) => answer,
        Err(error) => return check.fail(subject, format!("{what}: no answer: {error}")),
    };
    let challenge = bearer(&answer.challenges()).unwrap_or_default();
    match answer.status {
        401 if challenge.get("error") != Some("invalid_token") => {
            check.warn(subject, format!("{what}: 401 without error=\"invalid_token\""))
        }
        401 if said.pointer.is_some() && challenge.get("resource_metadata").is_none() => {
            check.warn(subject, format!("{what}: 401 without `resource_metadata`"))
        }
        401 => check.ok(subject, format!("{what}: 401, invalid_token")),
        200..=299 => check.fail(subject, format!("{what}: {}, it passes", answer.status)),
        status => check.fail(subject, format!("{what}: {status}, where 401 is expected")),
    }
}

/// What is not a token is answered as nothing, or as a mistake in form.
async fn none(client: &Client<'_>, said: &Said, value: &str, what: &str) -> Finding {
    let (check, subject) = (&checks::NO_BEARER, client.subject());
    let answer = match client.ask(Question::ping().with("authorization", value), &[]).await {
        Ok(answer) => answer,
        Err(error) => return check.warn(subject, format!("{what}: no answer: {error}")),
    };
    let has_pointer =
        || bearer(&answer.challenges()).is_some_and(|challenge| challenge.get("resource_metadata").is_some());
    match answer.status {
        401 if said.pointer.is_some() && !has_pointer() => {
            check.warn(subject, format!("{what}: 401 without `resource_metadata`"))
        }
        status @ (400 | 401) => check.ok(subject, format!("{what}: {status}")),
        status @ 200..=299 => check.fail(subject, format!("{what}: {status}, it passes")),
        status => check.warn(subject, format!("{what}: {status}, where 401 is expected")),
    }
}

/// RFC 6750 §3.1: more than one way to send a token is `invalid_request`.
async fn two(client: &Client<'_>) -> Finding {
    let (check, subject) = (&checks::TWO_TOKENS, client.subject());
    match client.ask(Question::ping(), &[GARBAGE, "other"]).await {
        Ok(answer) => match answer.status {
            400 => check.ok(subject, "two Authorization headers: 400"),
            status @ 200..=299 => {
                check.fail(subject, format!("two Authorization headers: {status}, they pass"))
            }
            status => {
                check.warn(subject, format!("two Authorization headers: {status}, where 400 is expected"))
            }
        },
        Err(error) => check.warn(subject, format!("two Authorization headers: no answer: {error}")),
    }
}

/// A token in the query is refused or not seen. Only a made-up one is sent, as URLs are logged.
async fn query(client: &Client<'_>, said: &Said) -> Finding {
    let (check, subject) = (&checks::QUERY_TOKEN, client.subject());
    let mut url = client.server().url().clone();
    url.query_pairs_mut().append_pair("access_token", GARBAGE);
    let answer = match client.fetch(&url, Question::ping()).await {
        Ok(answer) => answer,
        Err(error) => return check.warn(subject, format!("a token in the query: no answer: {error}")),
    };
    let challenge = bearer(&answer.challenges());
    let error = challenge.as_ref().and_then(|challenge| challenge.get("error"));
    match answer.status {
        status @ 200..=299 => {
            check.fail(subject, format!("a made-up token in the query: {status}, it passes"))
        }
        // Nobody can tell one from the other where the same is said without any token.
        401 if error == Some("invalid_token") && said.error.as_deref() != error => {
            check.fail(subject, "a made-up token in the query is looked at: 401, invalid_token")
        }
        401 if error == Some("invalid_token") => check.skip(
            subject,
            "a token in the query is 401, as is a request without one: nobody can tell from here",
        ),
        status @ (400 | 401) => check.ok(subject, format!("a token in the query is not read: {status}")),
        status => {
            check.warn(subject, format!("a token in the query: {status}, where 400 or 401 is expected"))
        }
    }
}
