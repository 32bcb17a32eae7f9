//! The good token of the vectors, and the tools that take it apart.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder};
use serde_json::Value;

pub const ISSUER: &str = "https://issuer.example.test/oidc";
pub const AUDIENCE: &str = "https://api.example.test";
/// When the tokens are issued.
pub const ISSUED: i64 = 1_800_000_000;
/// When the guard looks at them, a minute later.
pub const NOW: i64 = ISSUED + 60;

/// The fixed ES384 key, which signs where the algorithm does not matter.
pub fn es384() -> &'static SigningKey {
    SigningKey::fixed(Algorithm::Es384)
}

/// A good token with the scope `read:items`.
pub fn good(key: &SigningKey) -> TokenBuilder {
    Forge::new(ISSUER, AUDIENCE, key.clone())
        .token()
        .issued_at(ISSUED)
        .claim("jti", "vector")
        .scope("read:items")
}

/// A JSON object as text, member by member, so that it can be wrong in ways that no serializer writes.
#[derive(Clone)]
pub struct Text(Vec<(String, String)>);

impl Text {
    /// The claims of the good token.
    pub fn claims() -> Self {
        Self::from(&claims_of(&good(es384()).mint()))
    }

    /// The header of the good token.
    pub fn header() -> Self {
        let token = good(es384()).mint();
        Self::from(&json_part(&token, 0))
    }

    /// These claims.
    pub fn claims_of(claims: &Value) -> Self {
        Self::from(claims)
    }

    fn from(value: &Value) -> Self {
        let members = value.as_object().expect("an object");
        Self(members.iter().map(|(name, value)| (name.clone(), value.to_string())).collect())
    }

    /// Sets a member to a JSON text, in its old place if it has one.
    pub fn set(mut self, name: &str, json: &str) -> Self {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => json.clone_into(value),
            None => self.0.push((name.to_owned(), json.to_owned())),
        }
        self
    }

    /// Adds a member at the end, even if there is one of this name; the name is a JSON text without quotes.
    pub fn add(mut self, name: &str, json: &str) -> Self {
        self.0.push((name.to_owned(), json.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    pub fn json(&self) -> String {
        let members: Vec<String> = self.0.iter().map(|(name, json)| format!("\"{name}\":{json}")).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// A token of the fixed ES384 key with this text as its claims.
pub fn with_claims(json: impl Into<Vec<u8>>) -> String {
    good(es384()).raw_claims(json).mint()
}

/// A token of the fixed ES384 key with this text as its header.
pub fn with_header(json: impl Into<Vec<u8>>) -> String {
    good(es384()).raw_header(json).mint()
}

/// Signs two parts as they are, whatever they hold.
pub fn signed_parts(key: &SigningKey, header: &str, claims: &str) -> String {
    let message = format!("{header}.{claims}");
    let signature = encode(key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// The three parts of a token.
pub fn parts(token: &str) -> (&str, &str, &str) {
    let mut parts = token.splitn(3, '.');
    let mut next = || parts.next().expect("three parts");
    (next(), next(), next())
}

/// The token with other bytes as its signature.
pub fn resigned(token: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    let (header, claims, signature) = parts(token);
    format!("{header}.{claims}.{}", encode(change(decode(signature))))
}

/// The token with another text as one of its parts, under the old signature.
pub fn swapped(token: &str, index: usize, change: impl FnOnce(String) -> String) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let text = String::from_utf8(decode(&parts[index])).expect("JSON is UTF-8");
    parts[index] = encode(change(text));
    parts.join(".")
}

/// The claims that a token carries.
pub fn claims_of(token: &str) -> Value {
    json_part(token, 1)
}

/// What the answer of an introspection endpoint says of a token, be it in a signed JWT or not.
pub fn claims_told(answer: &str) -> Value {
    if answer.split('.').count() != 3 || answer.contains('{') {
        return serde_json::from_str(answer).unwrap_or_default();
    }
    let claims = claims_of(answer);
    claims.get("token_introspection").cloned().unwrap_or(claims)
}

fn json_part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a part");
    serde_json::from_slice(&decode(part)).expect("JSON")
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).expect("base64url")
}
