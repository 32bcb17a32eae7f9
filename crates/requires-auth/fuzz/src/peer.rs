//! `jsonwebtoken` as it comes, and where it is known to differ from this library.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use crate::oracle::{Check, Judgement};
use crate::setting::{KEYS, Setting};
use crate::strict::Members;

/// The key that fits a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// For `EdDSA`.
    Ed25519,
    /// For ES256.
    Es256,
}

impl Key {
    fn public(self) -> (&'static DecodingKey, Algorithm) {
        match self {
            Self::Ed25519 => (&KEYS.ed25519_public, Algorithm::EdDSA),
            Self::Es256 => (&KEYS.es256_public, Algorithm::ES256),
        }
    }
}

/// Whether the signature over this text is the key's.
pub fn signature_matches(key: Key, signature: &str, signing_input: &str) -> bool {
    let (key, algorithm) = key.public();
    jsonwebtoken::crypto::verify(signature, signing_input.as_bytes(), key, algorithm).unwrap_or(false)
}

/// Whether `jsonwebtoken` accepts a token with this key, when it is told to check all that it can.
///
/// Times are not among it: it reads the system's clock.
pub fn accepts(token: &str, key: Key, setting: &Setting) -> bool {
    let (key, algorithm) = key.public();
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    let mut required = vec!["exp", "iss"];
    if let Some(issuer) = &setting.issuer {
        validation.set_issuer(&[issuer]);
    }
    if !setting.audiences.is_empty() {
        required.push("aud");
        validation.set_audience(&setting.audiences);
    }
    validation.set_required_spec_claims(&required);
    jsonwebtoken::decode::<Value>(token, key, &validation).is_ok()
}

/// Why `jsonwebtoken` may accept what a check refuses; `None` if it makes the check too, and must refuse.
pub const fn lacks(check: Check) -> Option<&'static str> {
    match check {
        Check::Characters
        | Check::Parts
        | Check::ClaimedIssuer
        | Check::Signature
        | Check::Issuer
        | Check::Audience => None,
        Check::Size => Some("it takes a token of any length"),
        Check::Header | Check::Claims => {
            Some("of duplicate members the last one counts, nesting goes to 128, null is absent")
        }
        Check::Critical => Some("it reads `crit` and does nothing with it; `b64` it does not know"),
        Check::Type => Some("`typ` and `cty` are left to the caller"),
        Check::Algorithm | Check::Key => Some("the caller chooses the key, and the algorithms with it"),
        Check::IdToken => Some("it knows no kinds of tokens"),
        Check::IssuerType => Some("`iss` may be an array of which one is the issuer"),
        Check::AudienceType => Some("`aud` of a wrong type counts as absent where no audience is configured"),
        Check::Expiry | Check::NotBefore | Check::IssuedAt => {
            Some("its clock cannot be set, so these are switched off")
        }
        Check::Profile | Check::Binding | Check::Scope => Some("it looks at no other claims"),
    }
}

/// A kind of token that this library accepts and `jsonwebtoken` does not.
#[derive(Debug)]
pub struct Stricter {
    /// Why that is right.
    pub reason: &'static str,
    holds: fn(&Members) -> bool,
}

/// Every such kind that is known, told by the header.
pub const STRICTER: &[Stricter] = &[
    Stricter {
        reason: "RFC 9864: `Ed25519` is the fully specified name of what it knows as `EdDSA` only",
        holds: |header| header.get("alg").is_some_and(|alg| alg == "Ed25519"),
    },
    Stricter {
        reason: "it types members that never matter for an access token, where this library does not look at them",
        holds: |header| {
            let strings = ["cty", "jku", "x5u", "x5t", "x5t#S256", "enc", "zip", "url", "nonce"];
            let is_odd = |name| header.get(name).is_some_and(|value| !value.is_string());
            strings.into_iter().any(is_odd) || header.contains_key("x5c") || header.contains_key("jwk")
        },
    },
];

/// Why `jsonwebtoken` may refuse a token that was accepted.
pub fn known_to_be_stricter(judgement: &Judgement) -> Option<&'static Stricter> {
    STRICTER.iter().find(|difference| (difference.holds)(&judgement.header))
}
