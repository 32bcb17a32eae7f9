//! What a valid token gets: whether it is for this server, whether it passes, and what each tool says to it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use requires_auth::Bearer;
use serde_json::{Map, Value, json};

use super::super::finding::{Finding, Level};
use super::challenge::Challenge;
use super::checks;
use super::client::{Answer, Client};
use super::credentials::GARBAGE;
use super::refusal::bearer;
use super::session::Session;
use super::target::McpUrl;

/// How many tools are asked.
const MAX_TOOLS: usize = 50;

/// Shows the token to the server. Tools are called only if `calls_tools`.
pub(super) async fn run(client: &Client<'_>, token: &str, calls_tools: bool, findings: &mut Vec<Finding>) {
    let (check, subject) = (&checks::TOKEN, client.subject());
    if Bearer::parse(token).is_err() {
        let finding = check.fail(subject, "the token is not a token at all");
        findings.push(finding.hint("look for quotes, spaces, line breaks or a `Bearer` before the token"));
        return;
    }
    let audience = audience(client.server(), token);
    let is_foreign = audience.level == Level::Fail;
    findings.push(audience);
    let (session, status) = match Session::open(client, token).await {
        Ok(opened) => opened,
        Err(error) => {
            findings.push(check.fail(subject, format!("no answer: {error}")));
            return;
        }
    };
    findings.extend(passes(subject, status, is_foreign));
    if [401, 403].contains(&status) || status >= 500 {
        return;
    }
    findings.push(beside_another(&session, client, token).await);
    tools(&session, client, calls_tools, findings).await;
    session.close().await;
}

/// What the answer to the first message says of the token; `is_foreign` says that it is not for this server.
fn passes(subject: &str, status: u16, is_foreign: bool) -> Option<Finding> {
    let check = &checks::TOKEN;
    Some(match status {
        200..=299 if is_foreign => {
            check.fail(subject, format!("it passes, and is not for this server: {status}")).hint(
                "check the audience of each token: else every API to which a user sends one can use it here",
            )
        }
        200..=299 => check.ok(subject, format!("it passes: {status}")),
        401 if is_foreign => check.ok(subject, "401, as it is not for this server"),
        401 | 403 => check.fail(subject, format!("it is refused: {status}")),
        500.. => check
            .fail(subject, status.to_string())
            .hint("the token may be good: look at the log of the server"),
        // Servers of 2026-07-28 alone do not know `initialize`.
        _ => return None,
    })
}

/// RFC 8707 §2: the token is for this server. What else it has there is not told.
fn audience(server: &McpUrl, token: &str) -> Finding {
    let (check, subject) = (&checks::AUDIENCE, server.typed());
    let Some(claims) = claims(token) else {
        return check.skip(subject, "the token is not a JWT: only the server can tell whom it is for");
    };
    let is_for = |value: &Value| value.as_str().is_some_and(|name| server.compare(name).is_ok());
    match claims.get("aud") {
        None => check.fail(subject, "the token has no `aud`: any server could have it"),
        Some(Value::Array(names)) if names.iter().any(is_for) => check.ok(subject, "`aud` has this server"),
        Some(one) if is_for(one) => check.ok(subject, "`aud` is this server"),
        Some(_) => check.fail(subject, "`aud` does not have this server"),
    }
}

/// The claims of a JWT. Nothing is verified: it is the server that does so.
fn claims(token: &str) -> Option<Map<String, Value>> {
    let payload = token.split('.').nth(1).filter(|_| token.split('.').count() == 3)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// The valid token beside a made-up one, in both orders.
async fn beside_another(session: &Session<'_>, client: &Client<'_>, token: &str) -> Finding {
    let (check, subject) = (&checks::TWO_TOKENS, client.subject());
    for (tokens, order) in [([token, GARBAGE], "before"), ([GARBAGE, token], "after")] {
        let answer = session.ask("tools/list", json!({}), Some(&tokens)).await;
        if let Some(answer) = answer.ok().filter(Answer::is_success) {
            let what = format!("the valid token {order} a made-up one: {}, it passes", answer.status);
            return check.fail(subject, what);
        }
    }
    check.ok(subject, "the valid token beside a made-up one is refused")
}

async fn tools(session: &Session<'_>, client: &Client<'_>, calls_tools: bool, findings: &mut Vec<Finding>) {
    let (check, subject) = (&checks::TOOLS, client.subject());
    let answer = match session.ask("tools/list", json!({}), None).await {
        Ok(answer) => answer,
        Err(error) => return findings.push(check.warn(subject, format!("tools/list: no answer: {error}"))),
    };
    if !answer.is_success() {
        findings.push(refusal(subject, "tools/list", &answer));
        return;
    }
    let Some(names) = answer.message().await.as_ref().and_then(names) else {
        return findings.push(check.skip(subject, "tools/list: there is no list of tools"));
    };
    if !calls_tools {
        let what = format!("{} tools, none of them called", names.len());
        return findings.push(check.skip(subject, what));
    }
    findings.push(check.ok(subject, format!("{} tools", names.len())));
    for name in names.iter().take(MAX_TOOLS) {
        // A tool takes an object: whoever looks at the arguments refuses this before the tool runs.
        let params = json!({ "name": name, "arguments": "of requires-auth doctor" });
        findings.push(match session.ask("tools/call", params, None).await {
            Ok(answer) => refusal(subject, name, &answer),
            Err(error) => checks::TOOL.warn(subject, format!("`{name}`: no answer: {error}")),
        });
    }
    if names.len() > MAX_TOOLS {
        let what = format!("{} more tools are not called", names.len() - MAX_TOOLS);
        findings.push(check.skip(subject, what));
    }
}

fn names(message: &Value) -> Option<Vec<String>> {
    let tools = message.pointer("/result/tools")?.as_array()?;
    Some(tools.iter().filter_map(|tool| Some(tool.get("name")?.as_str()?.to_owned())).collect())
}

/// What a tool says to the token: it is let through, or told which scopes it lacks.
fn refusal(subject: &str, name: &str, answer: &Answer) -> Finding {
    let check = &checks::TOOL;
    let challenge = bearer(&answer.challenges());
    let get = |name| challenge.as_ref().and_then(|own: &Challenge| own.get(name));
    match answer.status {
        401 => check
            .fail(subject, format!("`{name}`: 401 with a token that has passed before"))
            .hint("a token that lacks a scope is 403: after a 401 clients throw their login away"),
        403 if get("error") != Some("insufficient_scope") => check.warn(
            subject,
            format!("`{name}`: 403 without error=\"insufficient_scope\": clients ask for no more"),
        ),
        403 if get("scope").is_none_or(str::is_empty) => {
            check.warn(subject, format!("`{name}`: 403 without `scope`: clients cannot know what to ask for"))
        }
        403 if get("resource_metadata").is_none() => {
            check.warn(subject, format!("`{name}`: 403 without `resource_metadata`"))
        }
        403 => check.ok(subject, format!("`{name}`: 403, asks for {}", get("scope").unwrap_or_default())),
        500.. => check
            .warn(subject, format!("`{name}`: {}", answer.status))
            .hint("look at the log of the server: arguments that fit no tool should not break it"),
        status => check.ok(subject, format!("`{name}`: {status}, the token is let through")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_audience_is_looked_at_and_not_told() {
        let server = McpUrl::parse("https://api.example.com/mcp").expect("a URL");
        for (claims, level) in [
            (r#"{"aud":"https://api.example.com/mcp"}"#, Level::Ok),
            (r#"{"aud":["private","https://api.example.com/mcp"]}"#, Level::Ok),
            (r#"{"aud":"https://api.example.com/mcp/"}"#, Level::Fail),
            (r#"{"aud":["private"]}"#, Level::Fail),
            (r#"{"aud":7}"#, Level::Fail),
            ("{}", Level::Fail),
            ("[]", Level::Skip),
        ] {
            let found = audience(&server, &token(claims));
            assert_eq!(found.level, level, "{claims}");
            assert!(!format!("{found:?}").contains("private"), "{found:?}");
        }
        assert_eq!(audience(&server, "opaque").level, Level::Skip);
        assert_eq!(audience(&server, "a.b.c.d.e").level, Level::Skip);
    }
}
