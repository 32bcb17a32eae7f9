//! A JWT that a client shows about itself: an assertion, or a proof of a key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::keys::VerifyingKey;

/// It is shaped as a JWT, and nothing of it has been checked.
pub(super) struct ShownJwt<'a> {
    pub(super) header: Value,
    pub(super) claims: Value,
    message: &'a str,
    signature: Vec<u8>,
}

impl<'a> ShownJwt<'a> {
    /// Reads it; `None` if it is not a JWT.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let object = |part| serde_json::from_slice(&decode(part)?).ok().filter(Value::is_object);
        Some(Self {
            header: object(header)?,
            claims: object(claims)?,
            message,
            signature: decode(signature)?,
        })
    }

    /// A text in its header.
    pub(super) fn in_header(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// A text among its claims.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Whether this key has signed it, by the algorithm that its header names.
    pub(super) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        self.in_header("alg")
            .is_some_and(|algorithm| key.verifies(algorithm, self.message.as_bytes(), &self.signature))
    }
}
