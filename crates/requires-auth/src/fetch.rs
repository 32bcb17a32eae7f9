//! The network, as an argument: one method that gets a URL.
//!
//! What may be fetched is decided elsewhere (`issuer`, `discovery`); nothing of a token ever gets here.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use url::Url;

/// How long one fetch may take, from the first packet to the last, unless the setting `fetch_timeout` says otherwise.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take to connect.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Gets documents of an issuer: its metadata and its key set.
pub trait Fetch: Send + Sync + 'static {
    /// Gets one document, without following a redirect.
    ///
    /// The caller bounds the time. An implementation stops reading after
    /// [`FetchRequest::max_bytes`], and answers any HTTP status as it is.
    fn fetch(&self, request: FetchRequest) -> FetchFuture;
}

/// What [`Fetch::fetch`] returns.
pub type FetchFuture = Pin<Box<dyn Future<Output = Result<FetchResponse, FetchError>> + Send>>;

/// A document to get.
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

    /// Where it is.
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

/// What came back.
#[derive(Clone, Debug)]
pub struct FetchResponse {
    status: u16,
    body: Vec<u8>,
    cache_control: Option<String>,
    etag: Option<String>,
}

impl FetchResponse {
    /// An answer with this status and body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), cache_control: None, etag: None }
    }

    /// With this value of `Cache-Control`.
    #[must_use]
    pub fn with_cache_control(mut self, value: impl Into<String>) -> Self {
        self.cache_control = Some(value.into());
        self
    }

    /// With this value of `ETag`.
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

/// Why nothing came back.
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
mod names;

#[cfg(feature = "fetch")]
mod http {
    use std::sync::{Arc, OnceLock};
    use std::time::Duration;

    use reqwest::dns::Resolve;
    use reqwest::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderName, IF_NONE_MATCH};
    use reqwest::redirect::Policy;
    use reqwest::{Certificate, Client, ClientBuilder};

    use super::names::{SafeNames, SystemNames};
    use super::{
        CONNECT_TIMEOUT, Fetch, FetchError, FetchFuture, FetchRequest, FetchResponse, TOTAL_TIMEOUT,
    };
    use crate::issuer::is_loopback;

    /// Fetches over HTTP with rustls on aws-lc, the roots of the platform, and the proxy of the environment.
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
            let clients = match self.clients() {
                Ok(clients) => clients,
                Err(error) => return Box::pin(std::future::ready(Err(error))),
            };
            let client = if is_loopback(request.url()) { &clients.direct } else { &clients.proxied };
            let mut get = client
                .get(request.url().clone())
                .header(ACCEPT, "application/json, application/jwk-set+json");
            if let Some(etag) = request.if_none_match() {
                get = get.header(IF_NONE_MATCH, etag);
            }
            let sent = get.send();
            Box::pin(async move {
                let mut answer = sent.await.map_err(|error| classify(&error))?;
                let limit = request.max_bytes();
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

    fn classify(error: &reqwest::Error) -> FetchError {
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
        use url::Url;

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
