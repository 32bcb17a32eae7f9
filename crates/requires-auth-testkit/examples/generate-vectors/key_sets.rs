//! The key sets that cases refer to by name.

use requires_auth_testkit::keys::jwk_set;
use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::{Map, Value, json};

/// A JWK Set with the name that stands for it in the cases.
#[derive(Clone)]
pub struct KeySet {
    pub name: String,
    pub set: Value,
}

impl KeySet {
    pub fn new(name: impl Into<String>, set: Value) -> Self {
        Self { name: name.into(), set }
    }

    /// A set of these keys.
    pub fn of<'a>(name: impl Into<String>, keys: impl IntoIterator<Item = &'a SigningKey>) -> Self {
        Self::new(name, jwk_set(keys))
    }

    /// A set of these JWKs.
    pub fn of_jwks(name: impl Into<String>, jwks: impl IntoIterator<Item = Value>) -> Self {
        let jwks: Vec<Value> = jwks.into_iter().collect();
        Self::new(name, json!({ "keys": jwks }))
    }

    /// The fixed key of one algorithm.
    pub fn fixed(algorithm: Algorithm) -> Self {
        Self::of(slug(algorithm), [SigningKey::fixed(algorithm)])
    }

    /// The fixed keys of all algorithms.
    pub fn all() -> Self {
        Self::of("all", Algorithm::ALL.map(SigningKey::fixed))
    }

    pub fn es384() -> Self {
        Self::fixed(Algorithm::Es384)
    }
}

/// The name of an algorithm as a part of an id.
pub fn slug(algorithm: Algorithm) -> String {
    algorithm.name().to_lowercase()
}

/// The public JWK of a key with one member changed, or dropped when the value is null.
pub fn jwk_with(key: &SigningKey, name: &str, value: impl Into<Value>) -> Value {
    changed(&key.public_jwk(), name, value)
}

/// A JWK with one member changed, or dropped when the value is null.
pub fn changed(jwk: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut members: Map<String, Value> = jwk.as_object().cloned().unwrap_or_default();
    match value.into() {
        Value::Null => {
            members.shift_remove(name);
        }
        value => {
            members.insert(name.to_owned(), value);
        }
    }
    Value::Object(members)
}
