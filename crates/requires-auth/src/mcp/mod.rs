//! Scopes for each tool, prompt and resource of an MCP server (Model Context Protocol).
//!
//! A message of MCP is the body of a POST, and which tool it calls stands in that body. [`Scopes`] says what each
//! operation needs, and finds out which operation a request is about:
//!
//! | request | needs |
//! | --- | --- |
//! | `tools/call` | the base, and the scopes of the tool `params.name` |
//! | `prompts/get` | the base, and the scopes of the prompt `params.name` |
//! | `resources/read`, `resources/subscribe` | the base, and the scopes of the longest pattern that fits `params.uri` |
//! | `subscriptions/listen` | the base, and what reading each of its `resourceSubscriptions` needs |
//! | any other message; a response; any other method than POST | the base |
//! | a list of messages | what all of them need together |
//!
//! What is not named, where others of its kind are, is refused, unless `*` says what it needs. A name that differs from one that is
//! named in its case, or in blanks, alone is refused also then, as a server may take the one for the other.
//!
//! # What is refused
//!
//! A body must be read in one way by everybody. With 400 are refused: JSON with duplicate members, also nested ones; a
//! byte order mark; another encoding than UTF-8; a member that equals `method`, `params`, `name` or `uri` but for its case; a list
//! of more than 100 messages; and a header `Mcp-Method` or `Mcp-Name` that stands twice or says another thing than the body. A content encoding is 415, and a
//! body over the limit 413. These answers are errors of JSON-RPC.
//!
//! # Not covered
//!
//! - A tool that calls other tools, or reads resources, by a name among its arguments, such as `call_tool` and `read_resource` of
//!   the transforms of `FastMCP`. Name such a tool with the scopes of all that it reaches, or let the server ask for scopes as well
//!   (`require_scopes` of `fastmcp`).
//! - `completion/complete` and the lists need the base alone: they may tell names, and values of arguments.
//! - A stream of events that is answered to a request goes on after the token of the request has ended, until either side
//!   closes it; each message that the client sends meanwhile is judged by itself. Where that is too long, let tokens be short-lived
//!   and end streams on the server, which clients open again.
//! - A session (`Mcp-Session-Id`, up to protocol version 2025-11-25) belongs to whoever knows its id, unless the server
//!   compares the subject. Bind what is kept in a session to [`AccessToken::subject`](crate::AccessToken::subject).
//!
//! # An adapter
//!
//! First the token, then the body: nothing is read of a request that is not authenticated. With axum and tower,
//! [`RequiresAuth::mcp`](crate::RequiresAuth#method.mcp) makes a layer that does all of this.
//!
//! ```
//! use requires_auth::mcp::{Body, Scopes};
//! use requires_auth::{AccessToken, Denial, Request, RequiresAuth};
//!
//! /// `read` reads at most so many bytes of the body; `None` if there are more.
//! async fn adapter(
//!     auth: &RequiresAuth,
//!     scopes: &Scopes,
//!     request: &Request<'_>,
//!     mut read: impl FnMut(usize) -> Option<Vec<u8>>,
//! ) -> Result<Option<AccessToken>, Denial> {
//!     let admission = auth.admit(request, &Scopes::admission()).await;
//!     let admission = admission.map_err(|denial| scopes.told_by(denial))?;
//!     // A preflight has no token.
//!     if let Some(token) = admission.token() {
//!         let body = scopes.body_limit(request).map_or_else(|| Some(Vec::new()), &mut read);
//!         let body = body.as_deref().map_or(Body::TooLarge, Body::Bytes);
//!         auth.check_mcp(request, token, scopes, body)?;
//!     }
//!     Ok(admission.token().cloned())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), requires_auth::ConfigError> {
//! # let auth = RequiresAuth::for_resource("https://issuer.example", "https://api.example/mcp")?;
//! # let scopes = Scopes::builder().tool("create_order", "write:orders").build()?;
//! let headers = [("content-type", "application/json")];
//! let request = Request::new("POST", "/mcp", &headers);
//! let denial = adapter(&auth, &scopes, &request, |_| unreachable!("there is no token")).await.unwrap_err();
//! assert_eq!(denial.status(), 401);
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;
use std::collections::HashSet;
use std::ptr;
use std::sync::Arc;

use crate::error::{Denial, ErrorCode};
use crate::policy::{Policy, Requirement};
use crate::request::Request;

mod message;
mod headers;
mod uri;
mod table;
mod builder;

#[cfg(test)]
mod tests;

pub use builder::Builder;
use message::{Operation, messages};
use table::{Need, Table};

/// Names of headers that are looked at beside those of the guard, in lower case: for an adapter that copies only those.
pub const HEADERS: [&str; 6] =
    ["content-encoding", "content-length", "content-type", "mcp-method", "mcp-name", "mcp-protocol-version"];

/// What each tool, prompt and resource of an MCP server needs. A clone is cheap.
///
/// ```
/// use requires_auth::Request;
/// use requires_auth::mcp::{Body, Scopes};
///
/// let scopes = Scopes::builder().scopes("read:orders").tool("create_order", "write:orders").build()?;
///
/// let headers = [("content-type", "application/json")];
/// let request = Request::new("POST", "/mcp", &headers);
/// let call = |tool: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#);
///
/// let needed = scopes.needed(&request, Body::Bytes(call("create_order").as_bytes())).unwrap();
/// assert_eq!(needed.scope(), Some("read:orders write:orders"));
/// // Another tool is not named, so that it is refused.
/// let denial = scopes.needed(&request, Body::Bytes(call("drop_tables").as_bytes())).unwrap_err();
/// assert_eq!(denial.code().as_str(), "auth.mcp_operation_unknown");
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scopes {
    base: Policy,
    table: Arc<Table>,
    max_body: usize,
}

/// A request whose needs cannot be met.
pub(crate) struct Unmet {
    pub(crate) denial: Box<Denial>,
    /// The operation that no rule allows, for a log.
    pub(crate) operation: Option<String>,
}

impl From<Denial> for Unmet {
    fn from(denial: Denial) -> Self {
        Self { denial: Box::new(denial), operation: None }
    }
}

/// What an adapter has of the body of a request.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Body<'b> {
    /// All of it. Of a request for which [`Scopes::body_limit`] is `None`, it is not looked at, and may be empty.
    Bytes(&'b [u8]),
    /// It could not be read to its end.
    Broken,
    /// Nothing, as whoever asks sees the headers alone, such as a gateway that answers for a proxy.
    ///
    /// Headers prove nothing by themselves. They count for protocol versions from 2026-07-28 on, whose servers must
    /// compare them with the body; use it only where the server is known to do so.
    Hidden,
    /// It is longer than the limit.
    TooLarge,
}

impl Scopes {
    /// Begins with a table in which every request needs a valid token and nothing more.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// What every request needs.
    pub const fn base(&self) -> &Policy {
        &self.base
    }

    /// What a request needs before its body is read: a valid token. All scopes are asked for afterwards, those of the
    /// guard too, so that one challenge names everything that the request needs.
    pub fn admission() -> Requirement {
        Requirement::token(Policy::default().leaving_base())
    }

    /// A refusal before the body was read, whose challenge names what every request needs: a client that has no token asks
    /// for that at once. It counts for guards with a resource.
    pub fn told_by(&self, denial: Denial) -> Denial {
        denial.with_base(self.base.scope().map(Arc::from))
    }

    /// The base, and what each operation needs.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &Policy> {
        std::iter::once(&self.base).chain(self.table.policies())
    }

    /// How many bytes of the body are to be read before [`needed`](Self::needed) can say what the request needs; `None`
    /// if nothing is to be read, because it is not a POST, no operation is named, or the headers alone refuse it.
    pub fn body_limit(&self, request: &Request<'_>) -> Option<usize> {
        let is_read = self.looks_at_the_body(request) && self.refused_unread(request).is_ok();
        is_read.then_some(self.max_body)
    }

    /// What a request needs.
    ///
    /// A guard asks this for you and logs a refusal: [`RequiresAuth::check_mcp`](crate::RequiresAuth::check_mcp).
    ///
    /// # Errors
    ///
    /// 400, 413 or 415 where the body cannot be judged, and 403 for an operation that is not named where others are, or
    /// that the headers of a [hidden](Body::Hidden) body do not tell.
    pub fn needed(&self, request: &Request<'_>, body: Body<'_>) -> Result<Cow<'_, Policy>, Denial> {
        self.judge(request, body).map_err(|unmet| *unmet.denial)
    }

    /// As [`needed`](Self::needed), with the operation that is not named.
    pub(crate) fn judge(&self, request: &Request<'_>, body: Body<'_>) -> Result<Cow<'_, Policy>, Unmet> {
        if !self.looks_at_the_body(request) {
            return Ok(Cow::Borrowed(&self.base));
        }
        let bytes = match body {
            Body::Hidden => return self.together([&headers::operation(request)?].into_iter()),
            Body::TooLarge => return Err(Denial::new(ErrorCode::McpBodyTooLarge).into()),
            Body::Broken => return Err(Denial::new(ErrorCode::McpBodyNotJson).into()),
            Body::Bytes(bytes) => bytes,
        };
        self.refused_unread(request)?;
        if bytes.len() > self.max_body {
            return Err(Denial::new(ErrorCode::McpBodyTooLarge).into());
        }
        let messages = messages(bytes)?;
        headers::agree(request, &messages)?;
        self.together(messages.iter().map(|message| &message.operation))
    }

    /// What all of these operations need together.
    fn together<'o, 'n: 'o>(
        &self,
        operations: impl Iterator<Item = &'o Operation<'n>>,
    ) -> Result<Cow<'_, Policy>, Unmet> {
        let (mut seen, mut policies) = (HashSet::new(), Vec::new());
        for operation in operations {
            let need = self.table.need(operation);
            let found = match need
                .map_err(|denial| Unmet { denial: Box::new(denial), operation: operation.shown() })?
            {
                Need::Base => vec![&self.base],
                Need::Policies(found) => found,
            };
            policies.extend(found.into_iter().filter(|policy| seen.insert(ptr::from_ref(*policy))));
        }
        Ok(match policies.as_slice() {
            [] => Cow::Borrowed(&self.base),
            [only] => Cow::Borrowed(*only),
            several => {
                let union = |all: Policy, other: &&Policy| all.with_scopes_of(other);
                Cow::Owned(several.iter().fold(self.base.clone(), union))
            }
        })
    }

    /// Every message is a POST, and it is of interest only where operations are told apart.
    fn looks_at_the_body(&self, request: &Request<'_>) -> bool {
        // A server that does not look at the case of a method takes `post` for one, too.
        request.method().eq_ignore_ascii_case("POST") && !self.table.is_empty()
    }

    /// What the headers alone refuse.
    fn refused_unread(&self, request: &Request<'_>) -> Result<(), Denial> {
        headers::identity(request)?;
        let is_too_large = headers::content_length(request)
            .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > self.max_body));
        if is_too_large { Err(Denial::new(ErrorCode::McpBodyTooLarge)) } else { Ok(()) }
    }
}
