//! Asking an issuer about a token: OAuth 2.0 token introspection (RFC 7662), also with signed answers (RFC 9701).
//!
//! A token that is not a JWT means something to its issuer alone. Where [`Introspection`] is configured, a guard asks the
//! issuer about such a token, judges the answer by the rules that hold for the claims of a JWT, and remembers it for a
//! minute at most. [`Introspect`] is the network, as an argument; the default is `HttpIntrospect`, with the feature `fetch`.
//!
//! The token goes into the body of the request, and nowhere else. What cannot be a token, what is known to be good, and
//! what was refused a moment ago is not asked about; of one token there is one call at a time.
//!
//! # Which tokens are asked about
//!
//! A token with the three parts of a JWT is judged as a JWT, and is asked about only where
//! [`Introspection::always`] is chosen, once its signature and its claims are good. Every other token is opaque. One
//! issuer of a guard takes opaque tokens, since nothing in them says whose they are and a token must not be shown to the
//! wrong issuer: see [`Tokens`](crate::verify::Tokens).
//!
//! # What goes wrong, and how it ends
//!
//! An answer that the token is not active is a 401 with the reason `inactive`. Everything that keeps the issuer from
//! answering is an [`AskFailure`]: the client gets a 503 with `Retry-After`, the log gets the cause with a hint, and the
//! token is neither accepted nor remembered as refused.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use url::Url;

use crate::fetch::FetchError;

mod secret_key;
mod client;
mod credentials;
mod endpoint;
mod failure;
mod refusals;
mod share;
mod rate;
mod asker;
mod introspection;
#[cfg(feature = "fetch")]
mod http;

pub(crate) use asker::{Asker, Limits, Outcome, Question};
pub(crate) use client::Client;
pub(crate) use credentials::client_of;
pub(crate) use endpoint::{Discovery, Endpoint};
pub use failure::AskFailure;
#[cfg(feature = "fetch")]
pub use http::HttpIntrospect;
pub use introspection::Introspection;
pub(crate) use share::Share;

/// An answer may be this long, in bytes.
pub(crate) const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Asks an introspection endpoint. Given to a guard with
/// [`Builder::with_introspect`](crate::guard::Builder::with_introspect).
///
/// Write one for an HTTP client that the program has already, or for a test without a network:
///
/// ```
/// use requires_auth::introspect::{
///     Introspect, Introspection, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
/// };
/// use requires_auth::verify::Tokens;
/// use requires_auth::{Policy, Reason, RequiresAuth};
///
/// /// A provider in memory that knows one token.
/// struct Provider;
///
/// impl Introspect for Provider {
///     fn introspect(&self, request: IntrospectionRequest) -> IntrospectionFuture {
///         let answer = if request.body() == "token=opaque-token-of-alice" {
///             r#"{"active": true, "token_type": "Bearer", "sub": "alice", "aud": "https://api.example", "scope": "read"}"#
///         } else {
///             r#"{"active": false}"#
///         };
///         Box::pin(std::future::ready(Ok(IntrospectionResponse::new(200, answer))))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
///     .with_introspection(
///         Introspection::at("https://issuer.example/introspect").with_client_secret("api", "secret-of-the-api"),
///     )
///     .with_accepted_tokens(Tokens::Opaque)
///     .with_introspect(Provider)
///     .build()?;
///
/// let token = auth.verify("opaque-token-of-alice", &Policy::all_of(["read"])).await?;
/// assert_eq!(token.subject(), Some("alice"));
/// let denial = auth.verify("opaque-token-of-nobody", &Policy::default()).await.unwrap_err();
/// assert_eq!(denial.reason(), Some(Reason::Inactive));
/// # Ok(())
/// # }
/// ```
pub trait Introspect: Send + Sync + 'static {
    /// Sends one request as a `POST`, without following a redirect.
    ///
    /// The caller bounds the time, and drops the future when it is over. An implementation checks the certificate of the
    /// server, stops reading after [`IntrospectionRequest::max_bytes`], answers any HTTP status as it is, and writes
    /// nothing of the request to a log.
    fn introspect(&self, request: IntrospectionRequest) -> IntrospectionFuture;
}

/// What [`Introspect::introspect`] returns: a future that owns all it needs.
pub type IntrospectionFuture =
    Pin<Box<dyn Future<Output = Result<IntrospectionResponse, FetchError>> + Send>>;

/// A question about a token: made by the guard, read by an [`Introspect`]. It holds the token and the credentials of the
/// client, so `Debug` shows the place alone.
#[derive(Clone)]
pub struct IntrospectionRequest {
    url: Url,
    authorization: Option<String>,
    body: String,
    accept: &'static str,
}

impl IntrospectionRequest {
    pub(crate) const fn new(
        url: Url,
        accept: &'static str,
        authorization: Option<String>,
        body: String,
    ) -> Self {
        Self { url, authorization, body, accept }
    }

    /// Where to send it: an `https` URL, or `http` where the configuration allows that.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The value of `Authorization`, if the client authenticates by it (RFC 6749 §2.3.1).
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// The body, of the type `application/x-www-form-urlencoded` (RFC 7662 §2.1).
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The value of `Accept`: `application/json`, or `application/token-introspection+jwt` where the answer has to be signed
    /// (RFC 9701 §4).
    pub const fn accept(&self) -> &'static str {
        self.accept
    }

    /// How long the body of the answer may be, in bytes; a longer one is [`FetchError::TooLarge`].
    pub const fn max_bytes(&self) -> usize {
        MAX_ANSWER_BYTES
    }
}

impl fmt::Debug for IntrospectionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionRequest").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// What came back. It holds claims of a user, so `Debug` shows the status alone.
#[derive(Clone)]
pub struct IntrospectionResponse {
    status: u16,
    body: Vec<u8>,
}

impl IntrospectionResponse {
    /// An answer with this status and body; the body is what is left once `Content-Encoding` is undone.
    /// Only the status 200 is read for what it says of the token; a body beside any other status may be left out.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into() }
    }

    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }
}

impl fmt::Debug for IntrospectionResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_token_nor_secret_nor_claims() {
        let url = Url::parse("https://issuer.example/introspect").expect("a URL");
        let authorization = Some("Basic c2VjcmV0".to_owned());
        let request =
            IntrospectionRequest::new(url, "application/json", authorization, "token=abc".to_owned());
        let shown = format!("{request:?}{:?}", IntrospectionResponse::new(200, "{\"sub\":\"alice\"}"));
        assert!(shown.contains("https://issuer.example/introspect") && shown.contains("200"));
        for hidden in ["abc", "c2VjcmV0", "alice"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
