//! The network, as an argument: one method that gets a URL.
//!
//! The default is `HttpFetch`, with the feature `fetch`. Write a [`Fetch`] of your own for an HTTP client that the program
//! has already, for a machine that reaches the issuer through something special, or for a test without a network.
//!
//! What may be fetched is decided elsewhere: an implementation is only ever asked for metadata and key sets of configured
//! issuers, by URLs that were checked. Nothing of a client's token gets here. What comes back is checked as well, so an
//! implementation need not look into it; but it decides who the issuer is, and so it must check certificates.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use url::Url;

/// How long one fetch may take, from the first packet to the last, unless the setting `fetch_timeout` says otherwise.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take to connect.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Gets documents of an issuer: its metadata and its key set. Given to a guard with
/// [`Builder::with_fetch`](crate::guard::Builder::with_fetch).
///
/// For a test it is a whole provider in a few lines:
///
/// ```
/// use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
/// use requires_auth::{Policy, RequiresAuth};
/// use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
///
/// /// A provider in memory.
/// struct Provider {
///     jwks: String,
/// }
///
/// impl Fetch for Provider {
///     fn fetch(&self, request: FetchRequest) -> FetchFuture {
///         let response = match request.url().path() {
///             "/.well-known/openid-configuration" => FetchResponse::new(
///                 200,
///                 r#"{"issuer": "https://issuer.example", "jwks_uri": "https://issuer.example/keys"}"#,
///             ),
///             "/keys" => FetchResponse::new(200, self.jwks.clone()),
///             _ => FetchResponse::new(404, ""),
///         };
///         Box::pin(std::future::ready(Ok(response)))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::Es256);
/// let provider = Provider { jwks: jwk_set([&key]).to_string() };
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_fetch(provider).build()?;
///
/// // The first token waits for discovery and the key set.
/// let token = Forge::new("https://issuer.example", "https://api.example", key).token().mint();
/// assert!(auth.verify_now(&token, &Policy::default()).is_none());
/// assert!(auth.verify(&token, &Policy::default()).await.is_ok());
/// assert!(auth.verify_now(&token, &Policy::default()).is_some());
/// # Ok(())
/// # }
/// ```
///
/// For a provider that rotates keys, is slow, or lies, see `DevelopmentIssuer` of `requires-auth-testkit`.
pub trait Fetch: Send + Sync + 'static {
    /// Gets one document, without following a redirect.
    ///
    /// The caller bounds the time, and drops the future when it is over. An implementation stops reading after
    /// [`FetchRequest::max_bytes`], and answers any HTTP status as it is: 404 and 304 mean something to the caller.
    /// There is one call at a time for each issuer.
    fn fetch(&self, request: FetchRequest) -> FetchFuture;
}

/// What [`Fetch::fetch`] returns: a future that owns all it needs. `Box::pin(async move { .. })` is one, and
/// `Box::pin(std::future::ready(..))` where there is nothing to wait for.
pub type FetchFuture = Pin<Box<dyn Future<Output = Result<FetchResponse, FetchError>> + Send>>;

/// A document to get: made by the guard, read by a [`Fetch`].
#[derive(Clone, Debug)]
pub struct FetchRequest {
    url: Url,
    max_bytes: usize,
    if_none_match: Option<String>,
    token: Option<FetchToken>,
}

/// A Bearer token for documents of an issuer. `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct FetchToken(String);

impl FetchToken {
    /// Reads a file that has a token, and perhaps a line break at its end.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let token = std::str::from_utf8(text).ok()?.trim();
        // RFC 6750 §2.1: b64token.
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        (!token.is_empty() && token.bytes().all(is_token)).then(|| Self(token.to_owned()))
    }
}

impl fmt::Debug for FetchToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FetchToken")
    }
}

impl FetchRequest {
    pub(crate) const fn new(url: Url, max_bytes: usize) -> Self {
        Self { url, max_bytes, if_none_match: None, token: None }
    }

    pub(crate) fn with_token(mut self, token: Option<FetchToken>) -> Self {
        self.token = token;
        self
    }

    pub(crate) fn with_if_none_match(mut self, etag: Option<String>) -> Self {
        self.if_none_match = etag;
        self
    }

    /// Where it is: an `https` URL, or `http` where the configuration allows that. It may be fetched as it is.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// How long the body may be, in bytes; a longer one is [`FetchError::TooLarge`].
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// What to send as `Authorization: Bearer`, if anything: the token of the setting `fetch_token_file`, for this URL alone.
    /// Never log it, and never send it on after a redirect.
    pub fn bearer_token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.0.as_str())
    }

    /// What to send as `If-None-Match`, if anything: the document is wanted only if it has changed (RFC 9110 §13.1.2).
    pub fn if_none_match(&self) -> Option<&str> {
        self.if_none_match.as_deref()
    }
}

/// What came back: a status, a body, and the two headers that keep a guard from fetching too often.
///
/// ```
/// use std::time::Duration;
///
/// use requires_auth::RequiresAuth;
/// use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
/// # use requires_auth_testkit::{Algorithm, SigningKey, jwk_set};
///
/// struct Provider {
///     jwks: String,
/// }
///
/// impl Fetch for Provider {
///     fn fetch(&self, request: FetchRequest) -> FetchFuture {
///         // With an entity tag the keys need not travel again while they are the same.
///         let response = if request.if_none_match() == Some("\"v1\"") {
///             FetchResponse::new(304, "")
///         } else {
///             FetchResponse::new(200, self.jwks.clone()).with_etag("\"v1\"")
///         };
///         Box::pin(std::future::ready(Ok(response.with_cache_control("max-age=3600"))))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let provider = Provider { jwks: jwk_set([&key]).to_string() };
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
///     .with_jwks_uri("https://issuer.example/keys")
///     .with_fetch(provider)
///     .build()?;
/// auth.warm().await?;
///
/// // The keys are fetched again ahead of the end of their life, which is the `max-age`.
/// let next = auth.health().issuers()[0].next_refresh().expect("keys that were fetched");
/// assert!(next < Duration::from_secs(3600) && next > Duration::from_secs(2400));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FetchResponse {
    status: u16,
    body: Vec<u8>,
    cache_control: Option<String>,
    etag: Option<String>,
}

impl FetchResponse {
    /// An answer with this status and body; the body is what is left once `Content-Encoding` is undone.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), cache_control: None, etag: None }
    }

    /// With this value of `Cache-Control`. Its `max-age` is how long the keys live, at least one minute and at most a day;
    /// `no-store` and `no-cache` count as one minute. Without either, keys live for ten minutes.
    #[must_use]
    pub fn with_cache_control(mut self, value: impl Into<String>) -> Self {
        self.cache_control = Some(value.into());
        self
    }

    /// With this value of `ETag`, quotes included: the next request for the document brings it back as
    /// [`if_none_match`](FetchRequest::if_none_match).
    #[must_use]
    pub fn with_etag(mut self, value: impl Into<String>) -> Self {
        self.etag = Some(value.into());
        self
    }

    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }

    pub(crate) fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    pub(crate) fn cache_control(&self) -> Option<&str> {
        self.cache_control.as_deref()
    }
}

/// Why nothing came back. The texts are for the log and for [`health`](crate::RequiresAuth::health); no client sees them.
///
/// ```
/// use requires_auth::fetch::FetchError;
///
/// /// The errors of an HTTP client, as those of a guard. Keep the innermost cause: it says most.
/// fn of_io(error: &std::io::Error) -> FetchError {
///     match error.kind() {
///         std::io::ErrorKind::TimedOut => FetchError::Timeout,
///         std::io::ErrorKind::ConnectionRefused => FetchError::Connect(error.to_string()),
///         _ => FetchError::Protocol(error.to_string()),
///     }
/// }
/// assert_eq!(of_io(&std::io::ErrorKind::TimedOut.into()).to_string(), "it took too long");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection: refused, no such name, a certificate that does not hold.
    Connect(String),
    /// The connection broke, or what came was not HTTP.
    Protocol(String),
    /// It took too long.
    Timeout,
    /// The body is longer than allowed.
    TooLarge,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(cause) => write!(f, "no connection: {cause}"),
            Self::Protocol(cause) => write!(f, "the connection broke: {cause}"),
            Self::Timeout => f.write_str("it took too long"),
            Self::TooLarge => f.write_str("the answer is larger than the limit"),
        }
    }
}

impl std::error::Error for FetchError {}

#[cfg(feature = "fetch")]
pub use http::HttpFetch;
#[cfg(feature = "fetch")]
pub(crate) use http::{classify, read_body};

#[cfg(feature = "fetch")]
mod names;

#[cfg(feature = "fetch")]
mod http;
