//! What tokens and proofs are made of before they are signed: members with changes, the time and random names.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// The parts of a JWT before they are encoded and signed.
pub(crate) struct Draft {
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    pub(crate) issued_at: i64,
}

/// A member to set, or to remove when there is no value.
pub(crate) type Edit = (String, Option<Value>);

pub(crate) fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn edited(mut members: Map<String, Value>, edits: &[Edit]) -> Map<String, Value> {
    for (name, value) in edits {
        match value {
            Some(value) => {
                members.insert(name.clone(), value.clone());
            }
            None => {
                // Keeps the order of the others, which the bytes of the JWT show.
                members.shift_remove(name);
            }
        }
    }
    members
}

/// The seconds since 1970.
pub(crate) fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A name of 128 random bits.
///
/// # Panics
///
/// When the operating system has no randomness.
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The JWT with one bit of its signature flipped.
pub(crate) fn flipped(jwt: &str) -> String {
    let (message, signature) = jwt.rsplit_once('.').unwrap_or((jwt, ""));
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes))
}
