//! The body of a POST to an MCP server, against a strict reader over `serde_json`.
//!
//! Input: the body.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use requires_auth::mcp::{Body, Scopes};
use requires_auth::{ErrorCode, Request};
use requires_auth_fuzz::strict::{self, Flaw};
use serde_json::{Map, Value};

/// Deeper texts are refused, and the oracle counts from another level.
const DEEP: usize = 95;

/// The scopes that a body needs, or why it has none.
type Verdict = Result<BTreeSet<&'static str>, ErrorCode>;

fuzz_target!(|body: &[u8]| {
    let scopes =
        Scopes::builder().scopes("base").tool("list", "").tool("create", "write").tool("caf\u{e9}", "coffee");
    let scopes = scopes.build().expect("scopes");
    let no_headers: [(&str, &str); 0] = [];
    let needed = scopes.needed(&Request::new("POST", "/", &no_headers), Body::Bytes(body));
    let needed: Result<BTreeSet<String>, ErrorCode> = match &needed {
        Ok(policy) => Ok(policy.scope().unwrap_or_default().split(' ').map(str::to_owned).collect()),
        Err(denial) => Err(denial.code()),
    };
    if let Ok(needed) = &needed {
        assert!(needed.contains("base"));
    }

    if body.iter().filter(|byte| b"[{".contains(byte)).count() > DEEP {
        return;
    }
    let expected = match expected(body) {
        Ok(expected) => expected,
        Err(Flaw::NumberOutOfRange) => return,
        Err(Flaw::NotStrict) => Err(ErrorCode::McpBodyNotJson),
    };
    let expected = expected.map(|scopes| scopes.into_iter().map(str::to_owned).collect());
    match (&needed, &expected) {
        // Of a list with several faults, which comes first is not the same.
        (Err(_), Err(_)) => {}
        _ => assert_eq!(needed, expected),
    }
});

/// What the oracle says of a body.
fn expected(body: &[u8]) -> Result<Verdict, Flaw> {
    let wrapped = [b"{\"body\":", body, b"}"].concat();
    let mut members = strict::object(&wrapped)?;
    if members.len() != 1 {
        return Err(Flaw::NotStrict);
    }
    Ok(match members.remove("body") {
        Some(Value::Object(message)) => of_message(&message),
        Some(Value::Array(list)) if !list.is_empty() => {
            let all = list.iter().map(|element| match element {
                Value::Object(message) => of_message(message),
                _ => Err(ErrorCode::McpMessageInvalid),
            });
            all.collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().flatten().collect())
        }
        Some(Value::Array(_)) => Err(ErrorCode::McpMessageInvalid),
        // Neither an object nor a list is no body at all.
        _ => Err(ErrorCode::McpBodyNotJson),
    })
}

fn of_message(message: &Map<String, Value>) -> Verdict {
    let invalid = Err(ErrorCode::McpMessageInvalid);
    if ["jsonrpc", "id", "method", "params", "result", "error"].iter().any(|name| has_double(message, name)) {
        return invalid;
    }
    let Some(method) = message.get("method") else {
        let is_response = message.contains_key("result") || message.contains_key("error");
        return if is_response { Ok(BTreeSet::from(["base"])) } else { invalid };
    };
    let Some(method) = method.as_str() else { return invalid };
    let member = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" | "resources/subscribe" => "uri",
        "subscriptions/listen" => return of_listening(message),
        _ => return Ok(BTreeSet::from(["base"])),
    };
    let Some(params) = message.get("params").and_then(Value::as_object) else { return invalid };
    let Some(name) = params.get(member).and_then(Value::as_str) else { return invalid };
    if has_double(params, member) || name.chars().any(char::is_control) {
        return invalid;
    }
    match (method, name) {
        ("tools/call", "list") => Ok(BTreeSet::from(["base"])),
        ("tools/call", "create") => Ok(BTreeSet::from(["base", "write"])),
        ("tools/call", "caf\u{e9}") => Ok(BTreeSet::from(["base", "coffee"])),
        ("tools/call", _) => Err(ErrorCode::McpOperationUnknown),
        _ => Ok(BTreeSet::from(["base"])),
    }
}

/// No resource is named, so that those of a well-formed list need the base.
fn of_listening(message: &Map<String, Value>) -> Verdict {
    let (base, invalid) = (Ok(BTreeSet::from(["base"])), Err(ErrorCode::McpMessageInvalid));
    let mut inner = message.get("params");
    for name in ["notifications", "resourceSubscriptions"] {
        let Some(value) = inner else { return base };
        let Some(members) = value.as_object().filter(|members| !has_double(members, name)) else {
            return invalid;
        };
        inner = members.get(name);
    }
    let is_uri = |uri: &Value| uri.as_str().is_some_and(|uri| !uri.chars().any(char::is_control));
    match inner {
        None => base,
        Some(Value::Array(uris)) if uris.iter().all(is_uri) => base,
        Some(_) => invalid,
    }
}

/// Whether a member is called as `name` but for its case.
fn has_double(members: &Map<String, Value>, name: &str) -> bool {
    let is_alike =
        |own: &str| own.to_uppercase() == name.to_uppercase() || own.to_lowercase() == name.to_lowercase();
    members.keys().any(|own| own != name && is_alike(own))
}
