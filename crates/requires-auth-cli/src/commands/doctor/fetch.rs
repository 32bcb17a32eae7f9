//! Fetches what an issuer publishes, and keeps what only a doctor looks at: the time it took, and the answer's headers.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Client, Url};

use crate::error::Failure;
use crate::http::cause;

/// How long one fetch may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// An answer may be this long, in bytes: as much as the guard reads.
const MAX_BYTES: usize = 256 * 1024;

/// An answer, and the circumstances.
pub(super) struct Fetched {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) took: Duration,
    pub(super) cache_control: Option<String>,
    /// What the server's clock said, and what ours said then.
    pub(super) clocks: Option<(SystemTime, SystemTime)>,
    /// The server's certificate, in DER, where there was TLS.
    pub(super) certificate: Option<Vec<u8>>,
}

/// A client that fetches as the guard does: no redirects, and loopback without a proxy.
pub(super) struct Fetcher {
    proxied: Client,
    direct: Client,
}

impl Fetcher {
    /// A client that also trusts the certificates of a file, in PEM.
    pub(super) fn new(ca: Option<&Path>) -> Result<Self, Failure> {
        let unreadable = |why: String| Failure::new(format!("`ca` cannot be read: {why}"));
        let roots = match ca {
            Some(path) => {
                let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
                Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(cause(&error)))?
            }
            None => Vec::new(),
        };
        let builder = || {
            let builder = Client::builder().redirect(Policy::none()).timeout(TIMEOUT).tls_info(true);
            roots.iter().cloned().fold(builder, reqwest::ClientBuilder::add_root_certificate)
        };
        let failed = |error: reqwest::Error| {
            Failure::new(format!("the HTTP client does not start: {}", cause(&error)))
        };
        Ok(Self {
            proxied: builder().build().map_err(failed)?,
            direct: builder().no_proxy().build().map_err(failed)?,
        })
    }

    /// Gets a URL; an error is what went wrong, in a few words.
    pub(super) async fn get(&self, url: &Url) -> Result<Fetched, String> {
        let client = if is_loopback(url) { &self.direct } else { &self.proxied };
        let started = Instant::now();
        let sent = client.get(url.clone()).header("accept", "application/json, application/jwk-set+json");
        let mut answer = sent.send().await.map_err(|error| cause(&error))?;
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let date = header("date").and_then(|date| httpdate::parse_http_date(date).ok());
        let clocks = date.map(|date| (date, SystemTime::now()));
        let cache_control = header("cache-control").map(ToOwned::to_owned);
        let tls = answer.extensions().get::<TlsInfo>();
        let certificate = tls.and_then(TlsInfo::peer_certificate).map(<[u8]>::to_vec);
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| cause(&error))? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err("the answer is longer than 256 KiB".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched {
            status: answer.status().as_u16(),
            body,
            took: started.elapsed(),
            cache_control,
            clocks,
            certificate,
        })
    }
}

/// Whether a URL is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
