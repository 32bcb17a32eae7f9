//! One fetch, from the place of the key set to its keys. Each document has five seconds of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use url::Url;

use super::log;
use super::timing::life;
use super::unproven::Unproven;
use crate::clock::Clock;
use crate::discovery::{self, Answer, FetchFailure, MAX_METADATA_BYTES};
use crate::fetch::{Fetch, FetchError, FetchRequest, FetchResponse};
use crate::issuer::{IssuerUrl, Transport};
use crate::jose::key_set::{KeySet, KeySetLimits};

/// How to get the keys of one issuer.
#[derive(Clone)]
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
    /// How long one document may take.
    pub(crate) timeout: Duration,
    /// A file with a Bearer token for metadata and keys.
    pub(crate) token_file: Option<Arc<Path>>,
    /// Whether it was told that the metadata name keys on another origin.
    pub(crate) other_origin: Arc<AtomicBool>,
    /// Where the issuer is one of several tenants: the pattern, or nothing for a resolver, which is how metrics name it.
    pub(crate) tenant_of: Option<Arc<str>>,
    /// Where nobody has configured it by name: what it may fetch.
    pub(crate) unproven: Option<Arc<Unproven>>,
}

/// What a fetch brought.
pub(super) struct Fetched {
    pub(super) url: Url,
    pub(super) life: Duration,
    pub(super) content: Content,
}

/// Why a fetch brought nothing.
pub(super) struct Failed {
    /// What could not be fetched; `None` if there is no place to fetch it from.
    pub(super) url: Option<Url>,
    pub(super) failure: FetchFailure,
    pub(super) place: Place,
}

/// What stood at the URL that could not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The key set, where it was before.
    Known,
    /// The key set, where the metadata have just said.
    Learnt,
    /// The metadata.
    Metadata,
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
    /// How metrics call the issuer: by what is configured, never by what a token says.
    pub(super) fn label(&self) -> &str {
        self.tenant_of.as_ref().unwrap_or_else(|| self.issuer.identifier())
    }

    /// Whether there may be a fetch now, or in how long.
    pub(super) fn may_fetch(&self, now: SystemTime) -> Result<(), Duration> {
        self.unproven.as_ref().map_or(Ok(()), |unproven| unproven.take(now))
    }

    /// Whether keys are kept fresh ahead of need.
    pub(super) fn is_kept_fresh(&self) -> bool {
        self.unproven.as_ref().is_none_or(|unproven| unproven.is_over())
    }

    /// Whether the keys of the other come from the same place, on the same trust, as these would.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.transport == other.transport
            && self.limits == other.limits
            && self.ca == other.ca
            && self.discovery_url == other.discovery_url
            && self.jwks_uri == other.jwks_uri
            && self.token_file == other.token_file
    }

    /// Whether keys of the other also are as long in use, and are fetched as patiently.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.is_same_place(other) && self.stale == other.stale && self.timeout == other.timeout
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
    ) -> Result<Fetched, Failed> {
        let is_remembered = known.is_some() && self.jwks_uri.is_none();
        let (url, place) = match self.jwks_uri.clone().or(known) {
            Some(url) => (url, Place::Known),
            None => (self.discover().await?, Place::Learnt),
        };
        let fetched = self.fetch_set(url, place, validator).await?;
        let lacks = |kid: &str| match &fetched.content {
            Content::Keys { keys, .. } => !keys.has_kid(kid),
            Content::NotModified => true,
        };
        if !is_remembered || !wanted.is_some_and(lacks) {
            return Ok(fetched);
        }
        match self.discover().await {
            Ok(moved) if moved != fetched.url => self.fetch_set(moved, Place::Learnt, None).await,
            // The set in hand is good, whatever became of the metadata.
            _ => Ok(fetched),
        }
    }

    async fn fetch_set(
        &self,
        url: Url,
        place: Place,
        validator: Option<&Validator>,
    ) -> Result<Fetched, Failed> {
        let etag = validator.filter(|validator| validator.url == url).map(|validator| validator.etag.clone());
        let asked_for_change = etag.is_some();
        let request = FetchRequest::new(url.clone(), self.limits.bytes).with_if_none_match(etag);
        let read = |response: FetchResponse| self.read_set(response, asked_for_change);
        match self.get(request).await.and_then(read) {
            Ok((life, content)) => Ok(Fetched { url, life, content }),
            Err(failure) => Err(Failed { url: Some(url), failure, place }),
        }
    }

    fn read_set(
        &self,
        response: FetchResponse,
        asked_for_change: bool,
    ) -> Result<(Duration, Content), FetchFailure> {
        let life = life(response.cache_control());
        match response.status() {
            200 => {}
            304 if asked_for_change => return Ok((life, Content::NotModified)),
            status => return Err(FetchFailure::Status(status)),
        }
        let keys = KeySet::read(response.body(), self.limits)
            .map_err(|error| FetchFailure::KeySet(error.to_string()))?;
        if keys.is_empty() {
            return Err(FetchFailure::EmptyKeySet);
        }
        let etag = response.etag().map(ToOwned::to_owned);
        Ok((life, Content::Keys { keys, json: response.into_body(), etag }))
    }

    async fn discover(&self) -> Result<Url, Failed> {
        let places = match &self.discovery_url {
            Some(url) => vec![url.clone()],
            None => self.issuer.metadata_urls(),
        };
        let mut nothing = (None, 0);
        for url in places {
            let response = self.get(FetchRequest::new(url.clone(), MAX_METADATA_BYTES)).await;
            let read =
                |response: FetchResponse| discovery::read(&response, &url, &self.issuer, self.transport);
            let failure = match response.and_then(read) {
                Ok(Answer::At(url)) => {
                    self.tell_other_origin(&url);
                    return Ok(url);
                }
                Ok(Answer::NotHere(status)) => {
                    nothing = (Some(url), status);
                    continue;
                }
                Err(failure) => failure,
            };
            return Err(Failed { url: Some(url), failure, place: Place::Metadata });
        }
        let (url, status) = nothing;
        Err(Failed { url, failure: FetchFailure::NoMetadata(status), place: Place::Metadata })
    }

    /// Tells once that keys come from elsewhere: whoever has that host can forge the tokens of the issuer.
    fn tell_other_origin(&self, key_set: &Url) {
        let is_other = |issuer: &Url| issuer.origin() != key_set.origin();
        if self.issuer.url().is_some_and(is_other) && !self.other_origin.swap(true, Ordering::Relaxed) {
            log::other_origin(self.issuer.identifier(), key_set);
        }
    }

    /// Gets one document, within the time that it may take.
    async fn get(&self, request: FetchRequest) -> Result<FetchResponse, FetchFailure> {
        let trusted = [self.issuer.url(), self.jwks_uri.as_ref()];
        let token =
            discovery::token_for(self.token_file.as_deref(), trusted.into_iter().flatten(), request.url())?;
        let request = request.with_token(token);
        let response = tokio::time::timeout(self.timeout, self.fetch.fetch(request)).await;
        response.unwrap_or(Err(FetchError::Timeout)).map_err(FetchFailure::Fetch)
    }
}
