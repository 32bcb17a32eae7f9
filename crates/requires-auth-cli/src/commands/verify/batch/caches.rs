//! What lines have in common, parsed or fetched once: key sets by their text, guards by their settings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use requires_auth::Policy;
use requires_auth::verify::KeySet;

use crate::error::Failure;
use crate::verdict::Settings;
use crate::verdict::{Judge, no_keys};

/// Texts of key sets are kept up to this many bytes; then all are forgotten.
const MAX_TEXT_BYTES: usize = 64 * 1024 * 1024;

/// Guards are kept up to this many; then the oldest is forgotten.
const MAX_GUARDS: usize = 64;

/// Key sets by their JSON text.
#[derive(Default)]
pub(super) struct KeySets(Mutex<Texts>);

#[derive(Default)]
struct Texts {
    sets: HashMap<Box<str>, Arc<KeySet>>,
    bytes: usize,
}

impl KeySets {
    /// The keys of a text; none if it is not a key set, so that the token is refused for want of a key.
    pub(super) fn get(&self, text: &str) -> Arc<KeySet> {
        // Nothing that holds the lock panics, and a half-filled cache is still right.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = lock().sets.get(text) {
            return Arc::clone(keys);
        }
        // Parsed without the lock: two threads may do it at once, and none waits for another.
        let keys = KeySet::parse(text).map_or_else(|_| no_keys(), Arc::new);
        let mut texts = lock();
        if texts.bytes + text.len() > MAX_TEXT_BYTES {
            *texts = Texts::default();
        }
        if texts.sets.insert(text.into(), Arc::clone(&keys)).is_none() {
            texts.bytes += text.len();
        }
        keys
    }
}

/// Judges that fetch keys, by the settings they were made of.
#[derive(Default)]
pub(super) struct Judges(Mutex<Vec<(Settings, Judge)>>);

impl Judges {
    /// The judge for these settings.
    pub(super) fn get(&self, settings: &Settings) -> Result<Judge, Failure> {
        // A guard takes its policy with each token.
        let settings = Settings { policy: Policy::default(), ..settings.clone() };
        let mut judges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, judge)) = judges.iter().find(|(own, _)| *own == settings) {
            return Ok(judge.clone());
        }
        let judge = Judge::new(&settings, None)?;
        if judges.len() == MAX_GUARDS {
            judges.remove(0);
        }
        judges.push((settings, judge.clone()));
        Ok(judge)
    }
}
