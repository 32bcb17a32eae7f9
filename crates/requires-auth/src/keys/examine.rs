//! The way to an issuer's keys, written down: which documents were asked for, what came back, and which keys can be used.
//!
//! It is the guard's own way: the requests go through its own [`Fetch`], and are noted there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use url::Url;

use super::{Failed, Place, Source};
use crate::discovery::FetchFailure;
use crate::fetch::{Fetch, FetchError, FetchFuture, FetchRequest, FetchResponse};
use crate::jose::examined::ExaminedKey;

/// What a guard finds where one issuer publishes its keys: see [`RequiresAuth::examine`](crate::RequiresAuth::examine).
#[derive(Clone, Debug)]
pub struct Examination {
    issuer: Arc<str>,
    metadata: Vec<ExaminedDocument>,
    key_set: Option<ExaminedDocument>,
    keys: Vec<ExaminedKey>,
    failure: Option<FetchFailure>,
}

impl Examination {
    /// The issuer, as it is configured.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The places that were asked for metadata, in order (OpenID Connect Discovery 1.0 §4, RFC 8414 §3). There is none
    /// where the place of the key set is configured.
    pub fn metadata(&self) -> &[ExaminedDocument] {
        &self.metadata
    }

    /// The key set, if the guard has come so far as to ask for it.
    pub const fn key_set(&self) -> Option<&ExaminedDocument> {
        self.key_set.as_ref()
    }

    /// Every key of the set, also those that are not used.
    pub fn keys(&self) -> &[ExaminedKey] {
        &self.keys
    }

    /// Why the guard gets no keys here; `None` if it does.
    pub const fn failure(&self) -> Option<&FetchFailure> {
        self.failure.as_ref()
    }
}

/// A document that was asked for, and what came back.
#[derive(Clone, Debug)]
pub struct ExaminedDocument {
    url: Url,
    took: Duration,
    answer: Result<FetchResponse, FetchError>,
}

impl ExaminedDocument {
    /// Where it was looked for.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// How long the answer took; 0 if there was none in time.
    pub const fn took(&self) -> Duration {
        self.took
    }

    /// The status of the answer. The guard takes 200 alone, and follows no redirect.
    ///
    /// # Errors
    ///
    /// Why no answer came.
    pub const fn status(&self) -> Result<u16, &FetchError> {
        match &self.answer {
            Ok(response) => Ok(response.status()),
            Err(error) => Err(error),
        }
    }

    /// The body of the answer, of at most 256 KiB: words of the issuer, unchecked.
    pub fn body(&self) -> &[u8] {
        self.answer.as_ref().map_or(&[], FetchResponse::body)
    }

    /// The value of `Cache-Control`, by which the guard keeps a key set.
    pub fn cache_control(&self) -> Option<&str> {
        self.answer.as_ref().ok()?.cache_control()
    }
}

impl Source {
    /// Fetches the keys as if there were none, and tells what was found.
    pub(super) async fn examine(&self) -> Examination {
        let notes = Arc::new(Notes::default());
        let observed = Self {
            fetch: Arc::new(Noted { fetch: Arc::clone(&self.fetch), notes: Arc::clone(&notes) }),
            ..self.clone()
        };
        let (failure, has_key_set) = match observed.fetch_keys(None, None, None).await {
            Ok(_) => (None, true),
            Err(Failed { failure, place, .. }) => (Some(failure), place != Place::Metadata),
        };
        let mut metadata = std::mem::take(&mut *notes.documents());
        // The key set is the last that is asked for, since nothing is known of an earlier place.
        let key_set = if has_key_set { metadata.pop() } else { None };
        let body =
            key_set.as_ref().filter(|set| set.status() == Ok(200)).map_or(&[][..], ExaminedDocument::body);
        let keys = match failure {
            None | Some(FetchFailure::EmptyKeySet) => ExaminedKey::all(body, self.limits),
            Some(_) => Vec::new(),
        };
        Examination { issuer: Arc::clone(self.issuer.identifier()), metadata, key_set, keys, failure }
    }
}

/// What was asked for, in order.
#[derive(Default)]
struct Notes(Mutex<Vec<ExaminedDocument>>);

impl Notes {
    fn documents(&self) -> MutexGuard<'_, Vec<ExaminedDocument>> {
        // Each change is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fetches, and notes what came back.
struct Noted {
    fetch: Arc<dyn Fetch>,
    notes: Arc<Notes>,
}

impl Fetch for Noted {
    fn fetch(&self, request: FetchRequest) -> FetchFuture {
        let place = {
            let mut documents = self.notes.documents();
            // What stays, if the answer is given up because it takes too long.
            let answer = Err(FetchError::Timeout);
            documents.push(ExaminedDocument { url: request.url().clone(), took: Duration::ZERO, answer });
            documents.len() - 1
        };
        let (started, notes) = (Instant::now(), Arc::clone(&self.notes));
        let answer = self.fetch.fetch(request);
        Box::pin(async move {
            let answer = answer.await;
            if let Some(document) = notes.documents().get_mut(place) {
                document.took = started.elapsed();
                document.answer.clone_from(&answer);
            }
            answer
        })
    }
}
