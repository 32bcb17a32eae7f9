//! What can be wrong with one token, named after the reason that a guard refuses it for.
//!
//! A [`Defect`] is given to [`TokenBuilder::defect`](crate::TokenBuilder::defect), and to the development issuer as
//! `GET {issuer}/token?defect=expired`.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::draft::{Draft, flipped};

/// Tokens longer than this many bytes are too large for a guard.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// One thing that is wrong with an otherwise good token.
///
/// The name is the reason of the refusal, so a test can compare the two. Reasons that need a server
/// (`revoked`) are not here.
///
/// ```
/// use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey};
///
/// let forge = Forge::new("https://issuer.example", "https://api.example", SigningKey::generate(Algorithm::Es384));
/// // Defects that a later version adds are tested by this loop without a change.
/// for defect in Defect::ALL {
///     let token = forge.token().defect(defect).mint();
///     // Send `token`, and expect 401 with the reason `defect.name()`. Say in a failure what was wrong:
///     println!("{} bytes, where {}", token.len(), defect.about());
///     assert_eq!(defect.name().parse(), Ok(defect));
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Defect {
    /// The header says `none` and the signature is empty.
    AlgorithmNotAllowed,
    /// `aud` names another API.
    AudienceMismatch,
    /// `cnf` binds the token to a `DPoP` key.
    BindingMismatch,
    /// `exp` is a string.
    ClaimMalformed,
    /// `exp` is missing.
    ClaimMissing,
    /// `crit` names an extension that does not exist.
    CriticalHeader,
    /// Five parts, as an encrypted token has.
    Encrypted,
    /// `exp` lies an hour before the time of issue, `iat` two hours.
    Expired,
    /// `iss` names another issuer.
    IssuerMismatch,
    /// `kid` names a key that no set has; the signature itself is good.
    KeyUnknown,
    /// The third part is missing.
    Malformed,
    /// `nbf` lies an hour after the time of issue.
    NotYetValid,
    /// A random string without a dot.
    Opaque,
    /// One bit of the signature is flipped.
    SignatureMismatch,
    /// A claim makes the token longer than 16 KiB.
    TooLarge,
    /// `typ` is `logout+jwt`.
    TypeNotAllowed,
}

impl Defect {
    /// Every defect, in alphabetical order.
    pub const ALL: [Self; 16] = [
        Self::AlgorithmNotAllowed,
        Self::AudienceMismatch,
        Self::BindingMismatch,
        Self::ClaimMalformed,
        Self::ClaimMissing,
        Self::CriticalHeader,
        Self::Encrypted,
        Self::Expired,
        Self::IssuerMismatch,
        Self::KeyUnknown,
        Self::Malformed,
        Self::NotYetValid,
        Self::Opaque,
        Self::SignatureMismatch,
        Self::TooLarge,
        Self::TypeNotAllowed,
    ];

    /// The reason that the defect provokes, such as `audience_mismatch`.
    pub const fn name(self) -> &'static str {
        self.text().0
    }

    /// One sentence on what is wrong with the token.
    pub const fn about(self) -> &'static str {
        self.text().1
    }

    const fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::AlgorithmNotAllowed => {
                ("algorithm_not_allowed", "the header says \"none\" and the signature is empty")
            }
            Self::AudienceMismatch => ("audience_mismatch", "the audience is another API"),
            Self::BindingMismatch => ("binding_mismatch", "the token is bound to a DPoP key"),
            Self::ClaimMalformed => ("claim_malformed", "the expiry is a string"),
            Self::ClaimMissing => ("claim_missing", "there is no expiry"),
            Self::CriticalHeader => {
                ("critical_header", "the header has a critical extension that is unknown")
            }
            Self::Encrypted => ("encrypted", "the token has five parts, as an encrypted one"),
            Self::Expired => ("expired", "the token has expired an hour before its time of issue"),
            Self::IssuerMismatch => ("issuer_mismatch", "the issuer is another one"),
            Self::KeyUnknown => ("key_unknown", "the header names a key that is in no key set"),
            Self::Malformed => ("malformed", "the token has two parts instead of three"),
            Self::NotYetValid => ("not_yet_valid", "the token is valid only an hour after its time of issue"),
            Self::Opaque => ("opaque", "the token is a random string without a dot"),
            Self::SignatureMismatch => ("signature_mismatch", "one bit of the signature is flipped"),
            Self::TooLarge => ("too_large", "the token is longer than 16 KiB"),
            Self::TypeNotAllowed => ("type_not_allowed", "the type is that of a logout token"),
        }
    }

    /// Spoils what can be spoiled before signing, so that the signature stays good.
    pub(crate) fn spoil(self, draft: &mut Draft) {
        let Draft { header, claims, issued_at } = draft;
        let set = |members: &mut Map<String, Value>, name: &str, value| {
            members.insert(name.to_owned(), value);
        };
        match self {
            Self::AlgorithmNotAllowed => set(header, "alg", json!("none")),
            Self::AudienceMismatch => set(claims, "aud", json!("https://another-api.example.test")),
            Self::BindingMismatch => {
                set(claims, "cnf", json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }));
            }
            Self::ClaimMalformed => {
                let expiry = claims.get("exp").map_or_else(|| "soon".to_owned(), Value::to_string);
                set(claims, "exp", json!(expiry));
            }
            Self::ClaimMissing => {
                claims.shift_remove("exp");
            }
            Self::CriticalHeader => {
                set(header, "crit", json!(["urn:example:unknown"]));
                set(header, "urn:example:unknown", json!(true));
            }
            Self::Expired => {
                set(claims, "iat", json!(*issued_at - 7200));
                set(claims, "exp", json!(*issued_at - 3600));
            }
            Self::IssuerMismatch => set(claims, "iss", json!("https://another-issuer.example.test")),
            Self::KeyUnknown => set(header, "kid", json!("unknown")),
            Self::NotYetValid => set(claims, "nbf", json!(*issued_at + 3600)),
            Self::TooLarge => set(claims, "padding", json!("x".repeat(MAX_TOKEN_BYTES))),
            Self::TypeNotAllowed => set(header, "typ", json!("logout+jwt")),
            Self::Encrypted | Self::Malformed | Self::Opaque | Self::SignatureMismatch => {}
        }
    }

    /// Spoils what can only be spoiled in the finished token.
    pub(crate) fn mangle(self, token: String) -> String {
        let (message, signature) = token.rsplit_once('.').unwrap_or((&token, ""));
        match self {
            Self::AlgorithmNotAllowed => format!("{message}."),
            Self::Encrypted => {
                let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM","cty":"at+jwt"}"#);
                format!("{header}..AAECAwQFBgcICQoL.{signature}.AAECAwQFBgcICQoLDA0ODw")
            }
            Self::Malformed => message.to_owned(),
            Self::Opaque => {
                URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
            }
            Self::SignatureMismatch => flipped(&token),
            _ => token,
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads a name; `-` stands for `_`, and `wrong-aud` is short for `audience_mismatch`. Case counts.
///
/// ```
/// use requires_auth_testkit::Defect;
///
/// // On a command line people write dashes.
/// assert_eq!("not-yet-valid".parse(), Ok(Defect::NotYetValid));
/// let error = "expierd".parse::<Defect>().unwrap_err();
/// assert!(error.to_string().starts_with("unknown defect \"expierd\": expected one of"));
/// ```
impl FromStr for Defect {
    type Err = UnknownDefect;

    fn from_str(name: &str) -> Result<Self, UnknownDefect> {
        let reason = match name.replace('-', "_") {
            alias if alias == "wrong_aud" => Self::AudienceMismatch.name().to_owned(),
            reason => reason,
        };
        Self::ALL
            .into_iter()
            .find(|defect| defect.name() == reason)
            .ok_or_else(|| UnknownDefect { name: name.to_owned() })
    }
}

/// A name that is not a defect. `Display` lists all that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDefect {
    name: String,
}

impl fmt::Display for UnknownDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Defect::ALL.map(Defect::name).join(", ");
        write!(f, "unknown defect {:?}: expected one of {names}", self.name)
    }
}

impl std::error::Error for UnknownDefect {}

#[cfg(test)]
mod tests {
    use super::Defect;

    #[test]
    fn every_name_reads_back() {
        for defect in Defect::ALL {
            assert_eq!(defect.to_string().parse(), Ok(defect));
            assert_eq!(defect.name().replace('_', "-").parse(), Ok(defect));
        }
        assert_eq!("wrong-aud".parse(), Ok(Defect::AudienceMismatch));
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = "revoked".parse::<Defect>().expect_err("needs a server").to_string();
        assert!(message.starts_with(r#"unknown defect "revoked": expected one of algorithm_not_allowed, "#));
    }
}
