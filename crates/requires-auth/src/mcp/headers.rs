//! The headers that repeat what a message says (the transport of MCP 2026-07-28, "Request Metadata"), and those that say
//! how its body is to be read.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::message::{LISTEN, Message, Operation};
use crate::error::{Denial, ErrorCode};
use crate::request::Request;

const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";
const VERSION: &str = "mcp-protocol-version";

/// The first version whose servers compare the headers with the body, so that the headers may be believed.
const FIRST_COMPARED: &str = "2026-07-28";

/// Refuses messages that a header contradicts. `Mcp-Name` counts beside a method that has a name here; others, such as
/// those of tasks, may use it for something else.
///
/// # Errors
///
/// `McpHeaderMismatch`.
pub(super) fn agree(request: &Request<'_>, messages: &[Message<'_>]) -> Result<(), Denial> {
    let mismatch = || Denial::new(ErrorCode::McpHeaderMismatch);
    let method = at_most_one(request, METHOD).map_err(|_| mismatch())?;
    let name = at_most_one(request, NAME).map_err(|_| mismatch())?.map(decoded);
    for message in messages {
        let agrees = method.is_none_or(|method| Some(method) == message.method.as_deref());
        let is_named = match (&name, message.operation.name()) {
            (Some(told), Some(name)) => told.as_deref() == Some(name),
            _ => true,
        };
        if !agrees || !is_named {
            return Err(mismatch());
        }
    }
    Ok(())
}

/// The operation as the headers alone name it.
///
/// # Errors
///
/// `McpHeadersInsufficient` where they do not, or where the server behind need not compare them with the body.
pub(super) fn operation<'r>(request: &Request<'r>) -> Result<Operation<'r>, Denial> {
    let told = || {
        at_most_one(request, VERSION).ok()?.filter(|version| is_compared(version))?;
        let method = at_most_one(request, METHOD).ok()??;
        // Its resources stand in the body alone.
        let is_told = method != LISTEN;
        let is_plain = is_told && !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_graphic());
        let name = |_: &str| at_most_one(request, NAME).ok().flatten().and_then(decoded).ok_or(());
        is_plain.then(|| Operation::of(method, name).ok()).flatten()
    };
    told().ok_or_else(|| Denial::new(ErrorCode::McpHeadersInsufficient))
}

/// Refuses a body that another reader may decode into something else than the bytes that are judged.
///
/// # Errors
///
/// `McpBodyEncoded`.
pub(super) fn identity(request: &Request<'_>) -> Result<(), Denial> {
    let mut is_plain = true;
    request.headers().visit("content-encoding", &mut |value| {
        is_plain &= value.trim_ascii().eq_ignore_ascii_case(b"identity");
    });
    request.headers().visit("content-type", &mut |value| is_plain &= is_utf_8(value));
    if is_plain { Ok(()) } else { Err(Denial::new(ErrorCode::McpBodyEncoded)) }
}

/// How long the body is, where the headers say so.
pub(super) fn content_length(request: &Request<'_>) -> Option<u64> {
    at_most_one(request, "content-length").ok().flatten()?.parse().ok()
}

/// Whether a media type names no charset, or UTF-8.
fn is_utf_8(content_type: &[u8]) -> bool {
    let lower = content_type.to_ascii_lowercase();
    lower.split(|byte| *byte == b';').skip(1).all(|parameter| {
        let Some(value) = parameter.trim_ascii().strip_prefix(b"charset") else { return true };
        let Some(value) = value.trim_ascii().strip_prefix(b"=") else { return true };
        [b"utf-8".as_slice(), b"\"utf-8\"", b"utf8"].contains(&value.trim_ascii())
    })
}

/// Whether servers of this version compare the headers with the body. A version is a date, and one that is not is of
/// nobody that we know.
fn is_compared(version: &str) -> bool {
    let is_date = version.len() == FIRST_COMPARED.len()
        && version.bytes().zip(FIRST_COMPARED.bytes()).all(|(own, known)| match known {
            b'-' => own == b'-',
            _ => own.is_ascii_digit(),
        });
    is_date && version >= FIRST_COMPARED
}

/// The value of `Mcp-Name`, decoded where it is in the form for texts that no header can hold; `None` for one that has
/// characters which must be encoded, or an encoding that is broken.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    let encoded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match encoded {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok().map(Cow::Owned),
        None => Some(Cow::Borrowed(value)),
    }
}

/// A header stands twice, or holds what has to be encoded.
struct NotOne;

/// A header that stands at most once, and has only what a header may hold without being encoded.
fn at_most_one<'r>(request: &Request<'r>, name: &str) -> Result<Option<&'r str>, NotOne> {
    let mut found = Ok(None);
    request.headers().visit(name, &mut |value| {
        let is_plain = value.iter().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e));
        let text = std::str::from_utf8(value).ok().filter(|_| is_plain);
        found = match (&found, text) {
            (Ok(None), Some(text)) => Ok(Some(text)),
            _ => Err(NotOne),
        };
    });
    found
}
