//! The body of a POST as the messages of JSON-RPC 2.0 in it, and what each asks for.
//!
//! What two servers could read in two ways is refused: duplicate members at any depth, and members that differ from one
//! that is read here in their case alone, as some readers of JSON take the one for the other.

use std::borrow::Cow;

use crate::error::{Denial, ErrorCode};
use crate::jose::json::{self, Object, Raw};

/// How many messages a list may have. No version of MCP since 2025-06-18 has lists at all, and what all of them need together
/// has to stand in one header.
const MOST_MESSAGES: usize = 100;

/// What a message asks for, as far as scopes are given for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    /// `prompts/get` of this prompt.
    Prompt(Cow<'a, str>),
    /// `resources/read` or `resources/subscribe` of this URI.
    Resource(Cow<'a, str>),
    /// `tools/call` of this tool.
    Tool(Cow<'a, str>),
    /// Any other request or notification, or a response.
    Other,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// Its method; a response has none.
    pub(crate) method: Option<Cow<'a, str>>,
    pub(crate) operation: Operation<'a>,
}

/// Which member of `params` names what a method is about. One row per method; all other methods are
/// [`Other`](Operation::Other).
const NAMED: [(&str, &str, Make); 4] = [
    ("prompts/get", "name", |name| Operation::Prompt(name)),
    ("resources/read", "uri", |uri| Operation::Resource(uri)),
    // Who subscribes learns when the resource changes, so that it needs what reading needs.
    ("resources/subscribe", "uri", |uri| Operation::Resource(uri)),
    ("tools/call", "name", |name| Operation::Tool(name)),
];

/// The method that asks to be told when any of a list of resources changes. Each needs what subscribing to it needs.
pub(super) const LISTEN: &str = "subscriptions/listen";

type Make = for<'a> fn(Cow<'a, str>) -> Operation<'a>;

impl<'a> Operation<'a> {
    /// What a method asks for; `name` is asked for the member of `params` that names it.
    ///
    /// # Errors
    ///
    /// Those of `name`.
    pub(super) fn of<E>(
        method: &str,
        name: impl FnOnce(&'static str) -> Result<Cow<'a, str>, E>,
    ) -> Result<Self, E> {
        match NAMED.iter().find(|(own, ..)| *own == method) {
            Some((_, member, make)) => name(member).map(make),
            None => Ok(Self::Other),
        }
    }

    /// The tool, prompt or URI.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Prompt(name) | Self::Resource(name) | Self::Tool(name) => Some(name),
            Self::Other => None,
        }
    }

    /// What it is and its name, for a log.
    pub(super) fn shown(&self) -> Option<String> {
        let kind = match self {
            Self::Prompt(_) => "prompt",
            Self::Resource(_) => "resource",
            Self::Tool(_) => "tool",
            Self::Other => return None,
        };
        Some(format!("{kind} {}", self.name()?))
    }
}

/// The messages of a body, in order; never none.
///
/// # Errors
///
/// `McpBodyNotJson`, or `McpMessageInvalid` for JSON that is not a message or a list of messages.
pub(crate) fn messages(body: &[u8]) -> Result<Vec<Message<'_>>, Denial> {
    let first = body.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    if first != Some(&b'[') {
        return all_of(&Object::parse(body).map_err(|_| not_json())?);
    }
    let elements = json::outer_array(body).map_err(|_| not_json())?;
    if elements.is_empty() || elements.len() > MOST_MESSAGES {
        return Err(invalid());
    }
    let read = elements.into_iter().map(|element| match element.as_object() {
        Some(object) => all_of(&object),
        // Its members have duplicates further down.
        None if element.text().starts_with('{') => Err(not_json()),
        None => Err(invalid()),
    });
    Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// A message, and one more for each resource that it listens to.
fn all_of<'a>(object: &Object<'a>) -> Result<Vec<Message<'a>>, Denial> {
    let message = message(object)?;
    if message.method.as_deref() != Some(LISTEN) {
        return Ok(vec![message]);
    }
    let method = message.method.clone();
    let listen = |uri| Message { method: method.clone(), operation: Operation::Resource(uri) };
    let uris = resources_of(object)?;
    Ok([message].into_iter().chain(uris.into_iter().map(listen)).collect())
}

/// The URIs that a message listens to: `params.notifications.resourceSubscriptions`.
fn resources_of<'a>(object: &Object<'a>) -> Result<Vec<Cow<'a, str>>, Denial> {
    let mut inner = object.get("params");
    for member in ["notifications", "resourceSubscriptions"] {
        let Some(raw) = inner else { return Ok(Vec::new()) };
        let outer = raw.as_object().ok_or_else(invalid)?;
        refuse_lookalikes(&outer, &[member])?;
        inner = outer.get(member);
    }
    let Some(uris) = inner else { return Ok(Vec::new()) };
    let text =
        |uri: Raw<'a>| uri.as_str().filter(|uri| !uri.chars().any(char::is_control)).ok_or_else(invalid);
    uris.as_array().ok_or_else(invalid)?.into_iter().map(text).collect()
}

fn message<'a>(object: &Object<'a>) -> Result<Message<'a>, Denial> {
    refuse_lookalikes(object, &["jsonrpc", "id", "method", "params", "result", "error"])?;
    let Some(method) = object.get("method") else {
        let is_response = object.get("result").is_some() || object.get("error").is_some();
        return if is_response {
            Ok(Message { method: None, operation: Operation::Other })
        } else {
            Err(invalid())
        };
    };
    let method = method.as_str().ok_or_else(invalid)?;
    let operation = Operation::of(&method, |member| {
        let params = object.get("params").and_then(Raw::as_object).ok_or_else(invalid)?;
        refuse_lookalikes(&params, &[member])?;
        let name = params.get(member).and_then(Raw::as_str).ok_or_else(invalid)?;
        // A server that ends a text at its first NUL would call another tool.
        if name.chars().any(char::is_control) { Err(invalid()) } else { Ok(name) }
    })?;
    Ok(Message { method: Some(method), operation })
}

/// Refuses a member whose name equals one of these but for its case: to a reader that does not look at the case it is
/// the same member, and there are two of it.
fn refuse_lookalikes(object: &Object<'_>, names: &[&str]) -> Result<(), Denial> {
    let is_lookalike = |own: &str| names.iter().any(|name| own != *name && is_alike(own, name));
    if object.iter().any(|(own, _)| is_lookalike(own)) { Err(invalid()) } else { Ok(()) }
}

/// Whether two names are equal in capitals or in small letters, where the second is in ASCII. Letters outside
/// ASCII count: a long s in capitals is an S, and so is a dotless i an I.
fn is_alike(own: &str, name: &str) -> bool {
    // No letter that becomes one of ASCII has more than three bytes.
    if own.len() > name.len() * 3 {
        return false;
    }
    let in_capitals = || own.chars().flat_map(char::to_uppercase).eq(name.to_ascii_uppercase().chars());
    in_capitals() || own.chars().flat_map(char::to_lowercase).eq(name.to_ascii_lowercase().chars())
}

const fn not_json() -> Denial {
    Denial::new(ErrorCode::McpBodyNotJson)
}

const fn invalid() -> Denial {
    Denial::new(ErrorCode::McpMessageInvalid)
}
