//! Where the introspection endpoint of an issuer is: as configured, or as its metadata say (RFC 8414 §2).

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use url::Url;

use crate::clock::Clock;
use crate::discovery::{self, FetchFailure, MAX_METADATA_BYTES};
use crate::fetch::{Fetch, FetchError, FetchRequest};
use crate::issuer::{IssuerUrl, Transport};

/// How long the place is taken to be known, as that of the key set is.
const LIFE: Duration = Duration::from_secs(60 * 60);

/// How long after a failure the metadata are not asked for again.
const PAUSE: Duration = Duration::from_secs(2);

/// The place of an endpoint.
pub(crate) enum Endpoint {
    /// Configured.
    Given(Url),
    /// In the metadata.
    Discovered(Box<Discovery>),
}

/// How to find an endpoint in the metadata.
pub(crate) struct Discovery {
    pub(crate) issuer: IssuerUrl,
    pub(crate) transport: Transport,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the metadata are, when the issuer is reached by another name.
    pub(crate) metadata_url: Option<Url>,
    /// A file with a Bearer token for metadata and keys, which goes to the origin of the issuer alone, and to that of `jwks_uri`.
    pub(crate) token_file: Option<Arc<Path>>,
    pub(crate) jwks_uri: Option<Url>,
    /// How long one document may take.
    pub(crate) timeout: Duration,
    /// What was found last. Whoever looks holds the lock, so that the others wait instead of looking too.
    pub(crate) found: Mutex<Option<Found>>,
}

/// What was found in the metadata, and until when that counts.
pub(crate) struct Found {
    endpoint: Result<Url, FetchFailure>,
    until: SystemTime,
}

impl Endpoint {
    /// The place, found now if it is not known.
    pub(super) async fn find(&self) -> Result<Url, FetchFailure> {
        match self {
            Self::Given(url) => Ok(url.clone()),
            Self::Discovered(discovery) => discovery.find().await,
        }
    }

    /// Lets the metadata be read again: nothing useful is at the place that they named.
    pub(super) async fn forget(&self) {
        if let Self::Discovered(discovery) = self {
            *discovery.found.lock().await = None;
        }
    }
}

impl Discovery {
    async fn find(&self) -> Result<Url, FetchFailure> {
        let mut found = self.found.lock().await;
        let now = self.clock.now();
        if let Some(known) = found.as_ref().filter(|known| now < known.until) {
            return known.endpoint.clone();
        }
        let endpoint = self.look().await;
        let life = if endpoint.is_ok() { LIFE } else { PAUSE };
        *found = Some(Found { endpoint: endpoint.clone(), until: now + life });
        endpoint
    }

    async fn look(&self) -> Result<Url, FetchFailure> {
        let places = match &self.metadata_url {
            Some(url) => vec![url.clone()],
            None => self.issuer.metadata_urls(),
        };
        let mut last = 0;
        for url in places {
            let trusted = [self.issuer.url(), self.jwks_uri.as_ref()];
            let token =
                discovery::token_for(self.token_file.as_deref(), trusted.into_iter().flatten(), &url)?;
            let request = FetchRequest::new(url.clone(), MAX_METADATA_BYTES).with_token(token);
            let response = tokio::time::timeout(self.timeout, self.fetch.fetch(request)).await;
            let response = response.unwrap_or(Err(FetchError::Timeout)).map_err(FetchFailure::Fetch)?;
            match discovery::read_introspection(&response, &url, &self.issuer, self.transport)? {
                discovery::Answer::At(endpoint) => return Ok(endpoint),
                discovery::Answer::NotHere(status) => last = status,
            }
        }
        Err(FetchFailure::NoMetadata(last))
    }
}
