//! One fetch, from the place of the key set to its keys.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::timing::life;
use crate::clock::Clock;
use crate::discovery::{self, Answer, FetchFailure, MAX_METADATA_BYTES};
use crate::fetch::{Fetch, FetchRequest, FetchResponse};
use crate::issuer::{IssuerUrl, Transport};
use crate::jose::key_set::{KeySet, KeySetLimits};

/// How to get the keys of one issuer.
pub(crate) struct Source {
    pub(crate) issuer: IssuerUrl,
    pub(crate) transport: Transport,
    pub(crate) limits: KeySetLimits,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The certificates that `fetch` trusts beside those of the platform.
    pub(crate) ca: Arc<[u8]>,
    /// Where the metadata is, when the issuer is reached by another name.
    pub(crate) discovery_url: Option<Url>,
    /// Where the key set is, when that is pinned and nothing is discovered.
    pub(crate) jwks_uri: Option<Url>,
    /// For how long past its life a set still serves while it cannot be fetched.
    pub(crate) stale: Duration,
}

/// What a fetch brought.
pub(super) struct Fetched {
    pub(super) url: Url,
    pub(super) life: Duration,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// The set is the one that we have (RFC 9110 §15.4.5).
    NotModified,
    Keys {
        keys: KeySet,
        json: Vec<u8>,
        etag: Option<String>,
    },
}

/// The set that we have, as the server names it.
#[derive(Clone, Debug)]
pub(super) struct Validator {
    pub(super) url: Url,
    pub(super) etag: String,
}

impl Source {
    /// Whether the keys of the other come from the same place, on the same trust, as these would.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.transport == other.transport
            && self.limits == other.limits
            && self.ca == other.ca
            && self.discovery_url == other.discovery_url
            && self.jwks_uri == other.jwks_uri
    }

    /// Fetches the key set from `known` if that is given, else from where the metadata say.
    ///
    /// When the set of a remembered place has no key `wanted`, the metadata are read again: the set may
    /// have moved.
    pub(super) async fn fetch_keys(
        &self,
        known: Option<Url>,
        validator: Option<&Validator>,
        wanted: Option<&str>,
    ) -> Result<Fetched, FetchFailure> {
        let is_remembered = known.is_some() && self.jwks_uri.is_none();
        let url = match self.jwks_uri.clone().or(known) {
            Some(url) => url,
            None => self.discover().await?,
        };
        let fetched = self.fetch_set(url, validator).await?;
        let lacks = |kid: &str| match &fetched.content {
            Content::Keys { keys, .. } => !keys.has_kid(kid),
            Content::NotModified => true,
        };
        if !is_remembered || !wanted.is_some_and(lacks) {
            return Ok(fetched);
        }
        match self.discover().await {
            Ok(moved) if moved != fetched.url => self.fetch_set(moved, None).await,
            // The set in hand is good, whatever became of the metadata.
            _ => Ok(fetched),
        }
    }

    async fn fetch_set(&self, url: Url, validator: Option<&Validator>) -> Result<Fetched, FetchFailure> {
        let etag = validator.filter(|validator| validator.url == url).map(|validator| validator.etag.clone());
        let asked_for_change = etag.is_some();
        let request = FetchRequest::new(url.clone(), self.limits.bytes).with_if_none_match(etag);
        let response = self.fetch.fetch(request).await.map_err(FetchFailure::Fetch)?;
        let life = life(response.cache_control());
        match response.status() {
            200 => {}
            304 if asked_for_change => return Ok(Fetched { url, life, content: Content::NotModified }),
            status => return Err(FetchFailure::Status(status)),
        }
        let keys = KeySet::read(response.body(), self.limits)
            .map_err(|error| FetchFailure::KeySet(error.to_string()))?;
        if keys.is_empty() {
            return Err(FetchFailure::EmptyKeySet);
        }
        let etag = response.etag().map(ToOwned::to_owned);
        Ok(Fetched { url, life, content: Content::Keys { keys, json: response.into_body(), etag } })
    }

    async fn discover(&self) -> Result<Url, FetchFailure> {
        let places = match &self.discovery_url {
            Some(url) => vec![url.clone()],
            None => self.issuer.metadata_urls().into(),
        };
        let mut last_status = 0;
        for url in places {
            let response = self.get_metadata(url.clone()).await?;
            match discovery::read(&response, &url, &self.issuer, self.transport)? {
                Answer::KeySetAt(url) => return Ok(url),
                Answer::NotHere(status) => last_status = status,
            }
        }
        Err(FetchFailure::NoMetadata(last_status))
    }

    async fn get_metadata(&self, url: Url) -> Result<FetchResponse, FetchFailure> {
        self.fetch.fetch(FetchRequest::new(url, MAX_METADATA_BYTES)).await.map_err(FetchFailure::Fetch)
    }
}
