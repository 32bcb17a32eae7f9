//! What can be wrong with one proof, named after the reason that a guard refuses it for.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::token_hash;
use crate::SigningKey;
use crate::draft::{Draft, flipped};

/// One thing that is wrong with an otherwise good proof.
///
/// The name begins with the reason of the refusal, and is the reason where only one defect has it.
///
/// ```
/// use requires_auth_testkit::{Algorithm, Forge, ProofDefect, SigningKey};
///
/// let forge = Forge::new("https://issuer.example", "https://api.example", SigningKey::generate(Algorithm::Es384));
/// let client = SigningKey::generate(Algorithm::Es256);
/// let token = forge.token().bound_to(&client).mint();
/// // Defects that a later version adds are tested by this loop without a change.
/// for defect in ProofDefect::ALL {
///     let lines = forge.proof(&client).token(&token).defect(defect).lines();
///     // Send the request with one header `DPoP` for each line, as often as `defect.times()` says. Expect 401 with the
///     // reason `defect.reason()` for the last one. Say in a failure what was wrong:
///     println!("{} lines, where {}", lines.len(), defect.about());
///     assert!(defect.name().starts_with(defect.reason()));
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProofDefect {
    /// Another key signs, and is the one in the header: a good proof, but not of the key that the token is bound to.
    AnotherKey,
    /// The key in the header is a symmetric one.
    Key,
    /// The key in the header has its private part.
    KeyPrivate,
    /// The third part is missing.
    Malformed,
    /// The algorithm is `none`, and the signature empty.
    AlgorithmNone,
    /// `iat` is a string.
    ClaimMalformed,
    /// `jti` is missing.
    ClaimMissing,
    /// Two proofs in one line, with a comma between them.
    Comma,
    /// The algorithm is `HS256`, with the public key as the secret.
    Hmac,
    /// `typ` is `JWT`.
    Type,
    /// Two header lines, each with a good proof.
    TwoProofs,
    /// `htm` is another method.
    Method,
    /// `htm` is the method in another case.
    MethodCase,
    /// There is no proof.
    Missing,
    /// The request is sent a second time.
    Reused,
    /// One bit of the signature is flipped.
    Signature,
    /// `iat` lies an hour before the time of issue.
    Stale,
    /// `iat` lies an hour after the time of issue.
    Future,
    /// `ath` is that of another token.
    Token,
    /// `htu` is another path.
    Url,
    /// `htu` is of another host.
    UrlHost,
}

impl ProofDefect {
    /// Every defect, in alphabetical order of the names.
    pub const ALL: [Self; 21] = [
        Self::AnotherKey,
        Self::Key,
        Self::KeyPrivate,
        Self::Malformed,
        Self::ClaimMalformed,
        Self::ClaimMissing,
        Self::Comma,
        Self::Hmac,
        Self::AlgorithmNone,
        Self::TwoProofs,
        Self::Type,
        Self::Method,
        Self::MethodCase,
        Self::Missing,
        Self::Reused,
        Self::Signature,
        Self::Stale,
        Self::Future,
        Self::Token,
        Self::Url,
        Self::UrlHost,
    ];

    /// The name, such as `proof_malformed_comma`.
    pub const fn name(self) -> &'static str {
        self.text().0
    }

    /// The reason that the defect provokes, such as `proof_malformed`.
    pub const fn reason(self) -> &'static str {
        self.text().1
    }

    /// One sentence on what is wrong.
    pub const fn about(self) -> &'static str {
        self.text().2
    }

    /// How many times the request is sent: twice for [`Reused`](Self::Reused), which is good the first time, else once.
    pub const fn times(self) -> usize {
        if matches!(self, Self::Reused) { 2 } else { 1 }
    }

    #[rustfmt::skip]
    const fn text(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::AnotherKey => ("binding_mismatch", "binding_mismatch", "another key signs than that of the token"),
            Self::Key => ("proof_key", "proof_key", "the key in the header is a symmetric one"),
            Self::KeyPrivate => ("proof_key_private", "proof_key", "the key in the header has a private part"),
            Self::Malformed => ("proof_malformed", "proof_malformed", "the proof has two parts instead of three"),
            Self::ClaimMalformed => ("proof_malformed_claim", "proof_malformed", "the time of issue is a string"),
            Self::ClaimMissing => ("proof_malformed_claim_missing", "proof_malformed", "there is no jti"),
            Self::Comma => ("proof_malformed_comma", "proof_malformed", "two proofs are in one line"),
            Self::Hmac => ("proof_malformed_hmac", "proof_malformed", "the algorithm is HS256, with the public key as the secret"),
            Self::AlgorithmNone => ("proof_malformed_none", "proof_malformed", "the header says \"none\" and the signature is empty"),
            Self::TwoProofs => ("proof_malformed_two", "proof_malformed", "there are two header lines"),
            Self::Type => ("proof_malformed_type", "proof_malformed", "the type is not that of a proof"),
            Self::Method => ("proof_method", "proof_method", "the proof is for another method"),
            Self::MethodCase => ("proof_method_case", "proof_method", "the method is written in another case"),
            Self::Missing => ("proof_missing", "proof_missing", "there is no proof"),
            Self::Reused => ("proof_reused", "proof_reused", "the request is sent a second time"),
            Self::Signature => ("proof_signature", "proof_signature", "one bit of the signature is flipped"),
            Self::Stale => ("proof_time", "proof_time", "the proof is an hour old"),
            Self::Future => ("proof_time_future", "proof_time", "the proof is of an hour later"),
            Self::Token => ("proof_token", "proof_token", "the proof is for another token"),
            Self::Url => ("proof_url", "proof_url", "the proof is for another path"),
            Self::UrlHost => ("proof_url_host", "proof_url", "the proof is for another host"),
        }
    }

    /// The key that signs and that the header shows, where it is not that of the client.
    pub(super) fn signer(self, key: &SigningKey) -> Option<SigningKey> {
        (self == Self::AnotherKey).then(|| SigningKey::generate(key.algorithm()))
    }

    /// Spoils what can be spoiled before signing, so that the signature stays good.
    pub(super) fn spoil(self, draft: &mut Draft) {
        let Draft { header, claims, issued_at } = draft;
        let set = |members: &mut Map<String, Value>, name: &str, value| {
            members.insert(name.to_owned(), value);
        };
        let text = |claims: &Map<String, Value>, name: &str| {
            claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        match self {
            Self::AlgorithmNone => set(header, "alg", json!("none")),
            Self::Hmac => set(header, "alg", json!("HS256")),
            Self::Type => set(header, "typ", json!("JWT")),
            Self::Key => set(
                header,
                "jwk",
                json!({ "kty": "oct", "k": "c2VjcmV0IHRoYXQgaXMgbm90IG9uZSBhdCBhbGwuLi4" }),
            ),
            Self::KeyPrivate => {
                // Not the private key: a verifier that looks at the member alone has to refuse it all the same.
                if let Some(Value::Object(jwk)) = header.get_mut("jwk") {
                    let name = if jwk.get("kty") == Some(&json!("AKP")) { "priv" } else { "d" };
                    set(jwk, name, json!(token_hash("private")));
                }
            }
            Self::ClaimMalformed => set(claims, "iat", json!(issued_at.to_string())),
            Self::ClaimMissing => {
                claims.shift_remove("jti");
            }
            Self::Method => {
                let other = if text(claims, "htm") == "DELETE" { "GET" } else { "DELETE" };
                set(claims, "htm", json!(other));
            }
            Self::MethodCase => {
                let lower = text(claims, "htm").to_ascii_lowercase();
                set(claims, "htm", json!(lower));
            }
            Self::Stale => set(claims, "iat", json!(issued_at.saturating_sub(3600))),
            Self::Future => set(claims, "iat", json!(issued_at.saturating_add(3600))),
            Self::Token => set(claims, "ath", json!(token_hash("another token"))),
            Self::Url => {
                let other = format!("{}/another", text(claims, "htu").trim_end_matches('/'));
                set(claims, "htu", json!(other));
            }
            Self::UrlHost => {
                let url = text(claims, "htu");
                let path = url.splitn(4, '/').nth(3).unwrap_or_default();
                set(claims, "htu", json!(format!("https://another.example.test/{path}")));
            }
            Self::AnotherKey
            | Self::Comma
            | Self::Malformed
            | Self::Missing
            | Self::Reused
            | Self::Signature
            | Self::TwoProofs => {}
        }
    }

    /// Spoils what can only be spoiled in finished proofs; `another` makes one more.
    pub(super) fn mangle(self, lines: Vec<String>, another: impl FnOnce() -> String) -> Vec<String> {
        let each =
            |lines: Vec<String>, change: fn(&str) -> String| lines.iter().map(|line| change(line)).collect();
        match self {
            Self::AlgorithmNone => each(lines, |proof| format!("{}.", message(proof))),
            Self::Comma => vec![[lines, vec![another()]].concat().join(", ")],
            Self::Hmac => each(lines, with_hmac),
            Self::Malformed => each(lines, |proof| message(proof).to_owned()),
            Self::Missing => Vec::new(),
            Self::Signature => each(lines, flipped),
            Self::TwoProofs => [lines, vec![another()]].concat(),
            _ => lines,
        }
    }
}

fn message(proof: &str) -> &str {
    proof.rsplit_once('.').map_or(proof, |(message, _)| message)
}

/// The proof with a signature of HMAC-SHA-256, whose secret is the text of the public key that everybody sees: the confusion
/// of algorithms that a verifier falls for when it takes any key for any algorithm.
fn with_hmac(proof: &str) -> String {
    let message = message(proof);
    let header =
        message.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    let secret = hmac::Key::new(hmac::HMAC_SHA256, header["jwk"].to_string().as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&secret, message.as_bytes()).as_ref()))
}

impl fmt::Display for ProofDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads a name; `-` stands for `_`. Case counts.
///
/// ```
/// use requires_auth_testkit::ProofDefect;
///
/// assert_eq!("proof-time-future".parse(), Ok(ProofDefect::Future));
/// let error = "expired".parse::<ProofDefect>().unwrap_err();
/// assert!(error.to_string().starts_with("unknown defect of a proof \"expired\": expected one of"));
/// ```
impl FromStr for ProofDefect {
    type Err = UnknownProofDefect;

    fn from_str(name: &str) -> Result<Self, UnknownProofDefect> {
        let wanted = name.replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|defect| defect.name() == wanted)
            .ok_or_else(|| UnknownProofDefect { name: name.to_owned() })
    }
}

/// A name that is not a defect of a proof. `Display` lists all that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownProofDefect {
    name: String,
}

impl fmt::Display for UnknownProofDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ProofDefect::ALL.map(ProofDefect::name).join(", ");
        write!(f, "unknown defect of a proof {:?}: expected one of {names}", self.name)
    }
}

impl std::error::Error for UnknownProofDefect {}
