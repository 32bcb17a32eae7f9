//! A connection to an issuer's server, for what the guard does not look at: the server's certificate and its clock.

use std::time::{Duration, SystemTime};

use requires_auth::settings::Document;
use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Client, Url};

use crate::error::Failure;
use crate::http::cause;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// What an answer tells of its server.
pub(super) struct Seen {
    /// What the server's clock said, and what ours said then.
    pub(super) clocks: Option<(SystemTime, SystemTime)>,
    /// The server's certificate, in DER, where there was TLS.
    pub(super) certificate: Option<Vec<u8>>,
}

/// Connects as the guard does: no redirects, and loopback without a proxy.
pub(super) struct Connector {
    proxied: Client,
    direct: Client,
}

impl Connector {
    /// One that also trusts the certificates of a file, in PEM.
    pub(super) fn new(ca: Option<&Document>) -> Result<Self, Failure> {
        let unreadable = |why: String| Failure::new(format!("`ca` cannot be read: {why}"));
        let roots = match ca {
            Some(ca) => {
                let pem = match ca {
                    Document::File(path) => {
                        std::fs::read(path).map_err(|error| unreadable(error.to_string()))?
                    }
                    Document::Bytes(pem) => pem.clone(),
                };
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

    /// The client for a URL.
    pub(super) fn client(&self, url: &Url) -> &Client {
        if is_loopback(url) { &self.direct } else { &self.proxied }
    }

    /// Looks at the server of a URL; an error is what went wrong, in a few words. The body of the answer is not read.
    pub(super) async fn look(&self, url: &Url) -> Result<Seen, String> {
        let answer = self.client(url).get(url.clone()).send().await.map_err(|error| cause(&error))?;
        let date = answer.headers().get("date").and_then(|value| value.to_str().ok());
        let theirs = date.and_then(|date| httpdate::parse_http_date(date).ok());
        let tls = answer.extensions().get::<TlsInfo>();
        Ok(Seen {
            clocks: theirs.map(|theirs| (theirs, SystemTime::now())),
            certificate: tls.and_then(TlsInfo::peer_certificate).map(<[u8]>::to_vec),
        })
    }
}

/// Whether a URL is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
