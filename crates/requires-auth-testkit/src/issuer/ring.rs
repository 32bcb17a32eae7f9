//! The keys of the issuer: the one that signs, the one before it, and whatever a test adds.

use serde_json::{Value, json};

use crate::keys::{SigningKey, jwk_set};

/// The keys that sign and the keys that are published.
#[derive(Debug)]
pub(super) struct KeyRing {
    current: SigningKey,
    previous: Option<SigningKey>,
    added: Vec<Value>,
}

impl KeyRing {
    pub(super) fn new(current: SigningKey) -> Self {
        Self { current, previous: None, added: Vec::new() }
    }

    /// The key that signs.
    pub(super) fn current(&self) -> &SigningKey {
        &self.current
    }

    /// Lets another key sign; the one that has signed so far stays published, the one before goes.
    pub(super) fn rotate_to(&mut self, key: SigningKey) {
        self.previous = Some(std::mem::replace(&mut self.current, key));
    }

    /// Publishes a JWK beside the keys of the ring.
    pub(super) fn add(&mut self, jwk: Value) {
        self.added.push(jwk);
    }

    /// Stops publishing the previous key.
    pub(super) fn withdraw_previous(&mut self) {
        self.previous = None;
    }

    /// Stops publishing what was added.
    pub(super) fn withdraw_added(&mut self) {
        self.added.clear();
    }

    /// The published JWK Set: the key that signs, the previous one, then the added ones.
    pub(super) fn jwk_set(&self) -> Value {
        let mut set = jwk_set(std::iter::once(&self.current).chain(&self.previous));
        if let Some(Value::Array(keys)) = set.get_mut("keys") {
            keys.extend(self.added.iter().cloned());
        }
        set
    }

    /// The `kid` of the key that signs and of all that are published, for the one who rotated.
    pub(super) fn report(&self) -> Value {
        let set = self.jwk_set();
        let published: Vec<&Value> =
            set["keys"].as_array().into_iter().flatten().filter_map(|jwk| jwk.get("kid")).collect();
        json!({ "kid": self.current.kid(), "published": published })
    }
}
