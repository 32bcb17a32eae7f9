//! The body of a refusal, in the format of the guard.
//!
//! It never has anything of the token or of the configuration in it: code, status and one fixed sentence, and for what can be
//! wrong in many ways the reason. An error of JSON-RPC takes its place where a message to an MCP server could not be read, since
//! clients take a 400 without one for a server of another version.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::error::{Denial, ErrorCode, Reason};

/// A body with its media type: what the function of [`BodyFormat::custom`] returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    pub(super) content_type: String,
    pub(super) bytes: Vec<u8>,
    pub(super) is_json_rpc: bool,
}

impl Body {
    /// A body of your own. `content_type` is the value of the header `Content-Type`; one that cannot be a header value is
    /// left out by the adapters of this crate.
    pub fn new(content_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { content_type: content_type.into(), bytes: bytes.into(), is_json_rpc: false }
    }
}

/// What the bodies of refusals look like; chosen for a guard with
/// [`Builder::with_error_body`](crate::guard::Builder::with_error_body).
///
/// Status and headers are the same in every format. The media type is that of the format, whatever the request accepts. A
/// message of MCP that cannot be read is answered with an error of JSON-RPC in every format, which has the members of
/// [`Json`](Self::Json) as its `data`.
///
/// ```
/// # use requires_auth::{ConfigError, Denial, ErrorCode, Request};
/// use requires_auth::RequiresAuth;
/// use requires_auth::challenge::BodyFormat;
///
/// // RFC 9457, for APIs whose other errors are problem details too.
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
///     .with_error_body(BodyFormat::ProblemDetails)
///     .build()?;
/// # let headers: [(&str, &str); 0] = [];
/// # let refusal = Denial::new(ErrorCode::AccessDenied);
/// # let challenge = auth.challenge(&Request::new("GET", "/", &headers), &refusal);
/// let body: serde_json::Value = serde_json::from_slice(challenge.body()).expect("JSON");
/// assert_eq!((&body["title"], &body["code"]), (&"Forbidden".into(), &"access_denied".into()));
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum BodyFormat {
    /// Your own, made from the refusal: see [`BodyFormat::custom`].
    Custom(Arc<dyn Fn(&Denial) -> Body + Send + Sync>),
    /// `{"code", "status", "message"}`, with `"reason"` for `invalid_token` and `invalid_dpop_proof`.
    #[default]
    Json,
    /// Problem details (RFC 9457), with `code` and `reason` as extension members.
    ProblemDetails,
}

impl BodyFormat {
    /// A body of your own, made from the refusal: for an API whose errors already have a shape.
    ///
    /// The function is called for each refusal, so it must not block or panic. Let clients match on
    /// [`Denial::code`], which never changes, and show people [`Denial::message`]. [`Denial::hint`] is for whoever runs the
    /// API, and does not belong in a body.
    ///
    /// ```
    /// use requires_auth::challenge::{Body, BodyFormat};
    /// # use requires_auth::{ConfigError, Denial, ErrorCode, Request, RequiresAuth};
    ///
    /// let format = BodyFormat::custom(|denial| {
    ///     let error = serde_json::json!({ "error": { "type": denial.code().as_str(), "text": denial.message() } });
    ///     Body::new("application/vnd.example+json", error.to_string())
    /// });
    /// # let builder = RequiresAuth::builder("https://issuer.example", "https://api.example");
    /// # let auth = builder.with_error_body(format).build()?;
    /// # let headers: [(&str, &str); 0] = [];
    /// # let denial = Denial::new(ErrorCode::AccessDenied);
    /// # let challenge = auth.challenge(&Request::new("GET", "/", &headers), &denial);
    /// assert!(challenge.headers().any(|header| header == ("content-type", "application/vnd.example+json")));
    /// assert!(challenge.body().starts_with(br#"{"error":"#));
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn custom(write: impl Fn(&Denial) -> Body + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(write))
    }

    pub(super) fn write(&self, denial: &Denial) -> Body {
        if let Some(body) = JsonRpc::of(denial) {
            return Body { is_json_rpc: true, ..json("application/json", &body) };
        }
        let (code, status, message) = (denial.code().as_str(), denial.status(), denial.message());
        let reason = denial.reason().map(Reason::as_str);
        match self {
            Self::Custom(write) => write(denial),
            Self::Json => json("application/json", &Plain { code, status, message, reason }),
            Self::ProblemDetails => {
                let title = status_phrase(status);
                let problem = Problem { r#type: "about:blank", title, status, detail: message, code, reason };
                json("application/problem+json", &problem)
            }
        }
    }
}

impl fmt::Debug for BodyFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Custom(_) => "Custom(..)",
            Self::Json => "Json",
            Self::ProblemDetails => "ProblemDetails",
        })
    }
}

#[derive(Serialize)]
struct Plain {
    code: &'static str,
    status: u16,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// The error of JSON-RPC 2.0 (§5.1) that a refused message of MCP is answered with, in every format: a client takes a
/// 400 with another body for a server that does not know its protocol version.
#[derive(Serialize)]
struct JsonRpc {
    jsonrpc: &'static str,
    /// That of the message is not told: what cannot be read has none.
    id: (),
    error: JsonRpcError,
}

#[derive(Serialize)]
struct JsonRpcError {
    code: i32,
    message: &'static str,
    data: Plain,
}

impl JsonRpc {
    fn of(denial: &Denial) -> Option<Self> {
        let code = match denial.code() {
            ErrorCode::McpBodyNotJson => -32_700,
            ErrorCode::McpBodyEncoded | ErrorCode::McpBodyTooLarge | ErrorCode::McpMessageInvalid => -32_600,
            // The transport of MCP 2026-07-28, "Server Validation".
            ErrorCode::McpHeaderMismatch => -32_020,
            _ => return None,
        };
        let (status, message) = (denial.status(), denial.message());
        let data = Plain { code: denial.code().as_str(), status, message, reason: None };
        Some(Self { jsonrpc: "2.0", id: (), error: JsonRpcError { code, message, data } })
    }
}

fn json(content_type: &str, body: &impl Serialize) -> Body {
    // Strings and numbers always serialize; an empty body would still carry the status and the challenge.
    Body::new(content_type, serde_json::to_vec(body).unwrap_or_default())
}

/// RFC 9457 §4.2.1: with `about:blank` the title is that of the status.
const fn status_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Error",
    }
}
