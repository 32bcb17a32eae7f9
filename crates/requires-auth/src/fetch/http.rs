//! The default way to fetch.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::Resolve;
use reqwest::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderName, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response};
use url::Url;

use super::names::{SafeNames, SystemNames};
use super::{CONNECT_TIMEOUT, Fetch, FetchError, FetchFuture, FetchRequest, FetchResponse, TOTAL_TIMEOUT};
use crate::metadata::is_loopback;

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
        let mut get =
            client.get(request.url().clone()).header(ACCEPT, "application/json, application/jwk-set+json");
        if let Some(etag) = request.if_none_match() {
            get = get.header(IF_NONE_MATCH, etag);
        }
        if let Some(token) = request.bearer_token() {
            // It marks the header as one that is not to be shown.
            get = get.bearer_auth(token);
        }
        let sent = get.send();
        Box::pin(async move {
            let mut answer = sent.await.map_err(|error| classify(&error))?;
            let body = read_body(&mut answer, request.max_bytes()).await?;
            let header = |name: HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok());
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
