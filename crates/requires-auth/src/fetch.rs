//! The network, as an argument: one method that gets a URL.
//!
//! The default is `HttpFetch`, with the feature `fetch`. Write a [`Fetch`] of your own for an HTTP client that the program
//! has already, for a machine that reaches the issuer through something special, or for a test without a network.
//!
//! What may be fetched is decided elsewhere: an implementation is only ever asked for metadata and key sets of configured
//! issuers, by URLs that were checked. Nothing of a token gets here. What comes back is checked as well, so an
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
}

impl FetchRequest {
    pub(crate) const fn new(url: Url, max_bytes: usize) -> Self {
        Self { url, max_bytes, if_none_match: None }
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
mod http {
    use std::sync::{Arc, OnceLock};
    use std::time::Duration;

    use reqwest::dns::Resolve;
    use reqwest::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderName, IF_NONE_MATCH};
    use reqwest::redirect::Policy;
    use reqwest::{Certificate, Client, ClientBuilder, Response};
    use url::Url;

    use super::names::{SafeNames, SystemNames};
    use super::{
        CONNECT_TIMEOUT, Fetch, FetchError, FetchFuture, FetchRequest, FetchResponse, TOTAL_TIMEOUT,
    };
    use crate::issuer::is_loopback;

    /// Fetches over HTTP with rustls on aws-lc, the roots of the platform, and the proxy of the environment: the default
    /// of a guard, which makes one with the certificates of
    /// [`Builder::with_ca`](crate::guard::Builder::with_ca).
    ///
    /// Redirects are not followed, loopback is reached without a proxy, and a name that leads to link-local
    /// addresses alone leads nowhere. (What a proxy makes of a name is up to the proxy.)
    pub struct HttpFetch {
        extra_roots: Vec<Certificate>,
        names: Arc<SafeNames>,
        timeout: Duration,
        // Made at the first fetch: reading the roots of the platform takes a while.
        clients: OnceLock<Result<Clients, String>>,
    }

    #[derive(Debug)]
    struct Clients {
        proxied: Client,
        direct: Client,
    }

    impl HttpFetch {
        /// A client that trusts the roots of the platform and, in addition, the certificates in `extra_roots` (PEM).
        /// Empty bytes add none.
        ///
        /// One is needed only to wrap it, as a [`Fetch`] that counts does:
        ///
        /// ```
        /// use std::sync::Arc;
        /// use std::sync::atomic::{AtomicUsize, Ordering};
        ///
        /// use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, HttpFetch};
        ///
        /// struct Counted {
        ///     inner: HttpFetch,
        ///     fetches: Arc<AtomicUsize>,
        /// }
        ///
        /// impl Fetch for Counted {
        ///     fn fetch(&self, request: FetchRequest) -> FetchFuture {
        ///         self.fetches.fetch_add(1, Ordering::Relaxed);
        ///         self.inner.fetch(request)
        ///     }
        /// }
        ///
        /// let fetches = Arc::new(AtomicUsize::new(0));
        /// let fetch = Counted { inner: HttpFetch::new(&[])?, fetches: Arc::clone(&fetches) };
        /// let builder = requires_auth::RequiresAuth::builder("https://issuer.example", "https://api.example");
        /// let auth = builder.with_fetch(fetch).build()?;
        /// // Building a guard fetches nothing.
        /// assert_eq!(fetches.load(Ordering::Relaxed), 0);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        ///
        /// # Errors
        ///
        /// The certificates cannot be read; the text says why.
        pub fn new(extra_roots: &[u8]) -> Result<Self, String> {
            let pem = extra_roots;
            let extra_roots = match pem {
                [] => Vec::new(),
                pem => Certificate::from_pem_bundle(pem).map_err(|error| chain(&error))?,
            };
            if extra_roots.is_empty() && !pem.is_empty() {
                return Err("no certificate".to_owned());
            }
            Ok(Self::with_names(extra_roots, Arc::new(SystemNames)))
        }

        /// How long one fetch may take, from the first packet to the last. Default [`TOTAL_TIMEOUT`].
        #[must_use]
        pub fn with_timeout(mut self, timeout: Duration) -> Self {
            self.timeout = timeout;
            self
        }

        fn with_names(extra_roots: Vec<Certificate>, names: Arc<dyn Resolve>) -> Self {
            Self {
                extra_roots,
                names: Arc::new(SafeNames::new(names)),
                timeout: TOTAL_TIMEOUT,
                clients: OnceLock::new(),
            }
        }

        /// The client for a URL: loopback is reached without a proxy.
        pub(crate) fn client_for(&self, url: &Url) -> Result<&Client, FetchError> {
            let clients = self.clients()?;
            Ok(if is_loopback(url) { &clients.direct } else { &clients.proxied })
        }

        fn clients(&self) -> Result<&Clients, FetchError> {
            let make = || {
                let builder = || {
                    let builder = Client::builder()
                        .redirect(Policy::none())
                        .connect_timeout(CONNECT_TIMEOUT)
                        .timeout(self.timeout)
                        .dns_resolver(Arc::clone(&self.names))
                        .user_agent(concat!("requires-auth/", env!("CARGO_PKG_VERSION")));
                    self.extra_roots.iter().cloned().fold(builder, ClientBuilder::add_root_certificate)
                };
                let build = |builder: ClientBuilder| builder.build().map_err(|error| chain(&error));
                Ok(Clients { proxied: build(builder())?, direct: build(builder().no_proxy())? })
            };
            let clients = self.clients.get_or_init(make).as_ref();
            clients.map_err(|error| FetchError::Connect(error.clone()))
        }
    }

    impl std::fmt::Debug for HttpFetch {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("HttpFetch").field("extra_roots", &self.extra_roots.len()).finish_non_exhaustive()
        }
    }

    impl Fetch for HttpFetch {
        fn fetch(&self, request: FetchRequest) -> FetchFuture {
            let client = match self.client_for(request.url()) {
                Ok(client) => client,
                Err(error) => return Box::pin(std::future::ready(Err(error))),
            };
            let mut get = client
                .get(request.url().clone())
                .header(ACCEPT, "application/json, application/jwk-set+json");
            if let Some(etag) = request.if_none_match() {
                get = get.header(IF_NONE_MATCH, etag);
            }
            let sent = get.send();
            Box::pin(async move {
                let mut answer = sent.await.map_err(|error| classify(&error))?;
                let body = read_body(&mut answer, request.max_bytes()).await?;
                let header =
                    |name: HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok());
                let mut response = FetchResponse::new(answer.status().as_u16(), body);
                if let Some(value) = header(CACHE_CONTROL) {
                    response = response.with_cache_control(value);
                }
                if let Some(value) = header(ETAG) {
                    response = response.with_etag(value);
                }
                Ok(response)
            })
        }
    }

    /// The body of an answer, if it is not longer than `limit`.
    pub(crate) async fn read_body(answer: &mut Response, limit: usize) -> Result<Vec<u8>, FetchError> {
        if answer.content_length().is_some_and(|length| length > limit as u64) {
            return Err(FetchError::TooLarge);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| classify(&error))? {
            if body.len() + chunk.len() > limit {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    pub(crate) fn classify(error: &reqwest::Error) -> FetchError {
        if error.is_timeout() {
            FetchError::Timeout
        } else if error.is_connect() {
            FetchError::Connect(chain(error))
        } else {
            FetchError::Protocol(chain(error))
        }
    }

    /// The innermost cause says most: `Connection refused`, `invalid peer certificate`.
    fn chain(error: &reqwest::Error) -> String {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        cause.to_string()
    }

    #[cfg(test)]
    mod tests {
        use std::net::{Ipv4Addr, SocketAddr};

        use reqwest::dns::{Addrs, Name, Resolving};
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        use tokio::net::TcpListener;

        use super::*;

        /// Every name has these addresses.
        struct FixedNames(Vec<SocketAddr>);

        impl Resolve for FixedNames {
            fn resolve(&self, _: Name) -> Resolving {
                let addresses: Addrs = Box::new(self.0.clone().into_iter());
                Box::pin(std::future::ready(Ok(addresses)))
            }
        }

        async fn get(port: u16, addresses: &[Ipv4Addr]) -> Result<u16, FetchError> {
            let names = addresses.iter().map(|&address| SocketAddr::from((address, port))).collect();
            let fetch = HttpFetch::with_names(Vec::new(), Arc::new(FixedNames(names)));
            let url = Url::parse(&format!("http://localhost:{port}/k")).expect("a URL");
            fetch.fetch(FetchRequest::new(url, 10)).await.map(|response| response.status())
        }

        #[tokio::test]
        async fn a_name_does_not_lead_to_a_link_local_address() {
            let server = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let port = server.local_addr().expect("an address").port();
            let answers = tokio::spawn(async move {
                let (mut client, _) = server.accept().await.expect("a client");
                let read = client.read(&mut [0; 1024]).await.expect("a request");
                assert!(read > 0);
                client.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("an answer");
            });
            let link_local = Ipv4Addr::new(169, 254, 169, 254);
            let refused = get(port, &[link_local]).await.expect_err("nowhere to go");
            assert!(
                matches!(&refused, FetchError::Connect(cause) if cause.contains("link-local")),
                "{refused:?}"
            );
            assert_eq!(get(port, &[link_local, Ipv4Addr::LOCALHOST]).await, Ok(204));
            answers.await.expect("the server");
        }
    }
}
