//! The key set at hand: where it came from, and until when it may be used.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::fetching::{Content, Fetched, Source, Validator};
use super::saved::{SavedKeys, StateFile};
use super::timing::refresh_age;
use super::{RemoteKeys, Shared};
use crate::fetch::TOTAL_TIMEOUT;
use crate::jose::key_set::KeySet;

/// A key set that arrives during a request may be dated a few seconds after that request's `now`, and is good all the same.
const A_MOMENT: Duration = TOTAL_TIMEOUT;

/// A set that was fetched.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) keys: Arc<KeySet>,
    pub(crate) fetched_at: SystemTime,
    pub(crate) life: Duration,
    pub(crate) refresh_at: SystemTime,
    pub(crate) is_from_file: bool,
    usable_for: Duration,
    pub(super) validator: Option<Validator>,
}

impl Held {
    /// What another guard holds, if that comes from the same place.
    pub(super) fn of(earlier: &RemoteKeys, source: &Source) -> Option<Self> {
        let Shared { source: theirs, current, .. } = &*earlier.shared;
        let held = current.load_full().filter(|_| theirs.is_same_place(source))?;
        Some(Self { usable_for: held.life.saturating_add(source.stale), ..Self::clone(&held) })
    }

    pub(super) fn from_file(file: &StateFile, source: &Source) -> Option<Self> {
        let SavedKeys { keys, fetched_at, life } = file.load(source.issuer.identifier(), source.limits)?;
        Some(Self {
            keys: Arc::new(keys),
            fetched_at,
            life,
            // What was saved is as old as the outage or the restart: it is refreshed at first need.
            refresh_at: source.clock.now(),
            is_from_file: true,
            usable_for: life.saturating_add(source.stale),
            validator: None,
        })
    }

    /// What a fetch brought, after the set of `before`, and the text of it if that is new; `None` if it says that
    /// nothing has changed and there was nothing before.
    pub(super) fn of_fetch(
        fetched: Fetched,
        before: Option<&Self>,
        source: &Source,
        now: SystemTime,
    ) -> Option<(Self, Option<Vec<u8>>)> {
        let Fetched { url, life, content } = fetched;
        let before_keys = before.map(|held| &held.keys);
        let (keys, validator, json) = match content {
            Content::NotModified => (before_keys.cloned()?, before?.validator.clone(), None),
            Content::Keys { keys, json, etag } => {
                // The same keys stay the same set, so that remembered tokens stay good.
                let same = before_keys.filter(|held| held.has_same_keys(&keys)).cloned();
                let validator = etag.map(|etag| Validator { url, etag });
                (same.unwrap_or_else(|| Arc::new(keys)), validator, Some(json))
            }
        };
        let held = Self {
            keys,
            fetched_at: now,
            life,
            refresh_at: now + refresh_age(life),
            is_from_file: false,
            usable_for: life.saturating_add(source.stale),
            validator,
        };
        Some((held, json))
    }

    /// Whether the set may still be used: within its life, or past it by no more than the stale time.
    pub(crate) fn is_usable(&self, now: SystemTime) -> bool {
        match now.duration_since(self.fetched_at) {
            Ok(age) => age < self.usable_for,
            // After a jump back of the clock the age is unknown, and the set is fetched again.
            Err(ahead) => ahead.duration() <= A_MOMENT,
        }
    }

    /// Until when the set may be used, however old it gets.
    pub(super) fn usable_until(&self) -> Option<SystemTime> {
        self.fetched_at.checked_add(self.usable_for)
    }
}
