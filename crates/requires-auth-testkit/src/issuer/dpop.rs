//! Proofs of possession at the token endpoint (RFC 9449 §5 and §8): the token is bound to the key that signs the proof.
//!
//! A proof is checked here in the words of RFC 9449 §4.3, by code that shares nothing with a guard, so that one mistake cannot hide
//! another. A token request has no token yet, so there is no `ath`. The memory of `jti` is that of [`Used`].

use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::oauth_error::{ErrorCode, OAuthError};
use super::random::fingerprint;
use super::shown_jwt::ShownJwt;
use super::state::State;
use super::used::Spent;
use crate::keys::{VERIFIED_ALGORITHMS, VerifyingKey, jwk_thumbprint};

/// The header of a proof.
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The header of a nonce (RFC 9449 §8).
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// How old a proof may be, and how far its clock may be ahead, in seconds.
const OLDEST: i64 = 60;
const LEEWAY: i64 = 30;

/// The longest proof, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// The longest `jti`, in bytes.
const MAX_JTI: usize = 256;

/// How long a nonce is given out, in seconds; it counts as long again.
const NONCE_STEP: i64 = 60;

/// The thumbprint of the key to which the request wants its token bound; none without a proof.
///
/// # Errors
///
/// `invalid_dpop_proof`, which says what is wrong, or `use_dpop_nonce` where the issuer demands a nonce and the proof has not one
/// that counts.
pub(super) fn proven_key(state: &State, headers: &HeaderMap) -> Result<Option<String>, OAuthError> {
    let mut lines = headers.get_all(DPOP).iter();
    let (line, more) = (lines.next(), lines.next());
    let Some(line) = line else { return Ok(None) };
    if more.is_some() {
        return Err(wrong("there is more than one header DPoP"));
    }
    let text = line.to_str().ok().filter(|text| text.len() <= MAX_BYTES && !text.contains(','));
    let proof = Proof::parse(text.ok_or_else(|| wrong("the header DPoP is not one proof"))?)?;
    let key = proof.key()?;
    proof.check(&state.urls.token, state.now())?;
    let thumbprint = jwk_thumbprint(&proof.0.header["jwk"]).ok_or_else(|| wrong("jwk has no thumbprint"))?;
    if state.settings.demands_nonce {
        let nonce = proof.0.text("nonce").unwrap_or_default();
        if !nonces(state).iter().any(|own| own == nonce) {
            let told = "the proof needs the nonce of the header DPoP-Nonce";
            return Err(OAuthError::new(ErrorCode::UseDpopNonce, told));
        }
    }
    proof.is_signed_by(&key)?;
    proof.spend(state, &thumbprint)?;
    Ok(Some(thumbprint))
}

/// Whether a text is the SHA-256 of something in base64url, as `cnf.jkt` and `dpop_jkt` are.
pub(super) fn is_thumbprint(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Gives out the nonce that the next proof needs, with every answer (RFC 9449 §8.2).
pub(super) fn with_nonce(state: &State, mut response: Response) -> Response {
    if state.settings.demands_nonce {
        let [current, _] = nonces(state);
        if let Ok(value) = HeaderValue::from_str(&current) {
            response.headers_mut().insert(DPOP_NONCE, value);
        }
    }
    response
}

/// The nonce of the moment, and the one before it.
fn nonces(state: &State) -> [String; 2] {
    let step = state.now().div_euclid(NONCE_STEP);
    [step, step - 1]
        .map(|step| URL_SAFE_NO_PAD.encode(fingerprint(&format!("{} {step}", state.nonce_secret))))
}

/// A proof that is shaped as one, and of which nothing has been checked.
struct Proof<'a>(ShownJwt<'a>);

impl<'a> Proof<'a> {
    fn parse(text: &'a str) -> Result<Self, OAuthError> {
        ShownJwt::parse(text).map(Self).ok_or_else(|| wrong("the proof is not a JWT"))
    }

    /// The key that the header shows; its type and algorithm are those of a proof.
    fn key(&self) -> Result<VerifyingKey, OAuthError> {
        if self.0.in_header("typ") != Some("dpop+jwt") || self.0.header.get("crit").is_some() {
            return Err(wrong("typ of the proof has to be dpop+jwt"));
        }
        if !VERIFIED_ALGORITHMS.contains(&self.0.in_header("alg").unwrap_or_default()) {
            return Err(wrong("alg of the proof is not one of dpop_signing_alg_values_supported"));
        }
        let key = self.0.header.get("jwk").and_then(VerifyingKey::of_jwk);
        key.ok_or_else(|| wrong("jwk of the proof is not a public key for signatures"))
    }

    /// Checks what the proof is for, and when it was made.
    fn check(&self, url: &str, now: i64) -> Result<(), OAuthError> {
        if self.0.text("htm") != Some("POST") {
            return Err(wrong("htm of the proof has to be POST"));
        }
        if !self.0.text("htu").is_some_and(|target| is_same_url(target, url)) {
            return Err(wrong("htu of the proof has to be the URL of the token endpoint"));
        }
        let issued = self.0.claims.get("iat").and_then(Value::as_i64);
        let times = now.saturating_sub(OLDEST)..=now.saturating_add(LEEWAY);
        if !issued.is_some_and(|issued| times.contains(&issued)) {
            return Err(wrong("iat of the proof is too long ago, or lies in the future"));
        }
        Ok(())
    }

    fn is_signed_by(&self, key: &VerifyingKey) -> Result<(), OAuthError> {
        if self.0.is_signed_by(key) {
            Ok(())
        } else {
            Err(wrong("the signature of the proof is not that of its jwk"))
        }
    }

    /// Records that the key has used this proof.
    fn spend(&self, state: &State, thumbprint: &str) -> Result<(), OAuthError> {
        let jti = self.0.text("jti").filter(|jti| (1..=MAX_JTI).contains(&jti.len()));
        let jti = jti.ok_or_else(|| wrong("jti of the proof is missing or too long"))?;
        let now = state.now();
        // As long as its `iat` counts, and no longer.
        let expires = self.0.claims["iat"].as_i64().unwrap_or(now).saturating_add(OLDEST + 1);
        state.used_proofs().spend(thumbprint, jti, expires, now).map_err(|spent| match spent {
            Spent::Again => wrong("the proof has been used before: its jti counts once"),
            Spent::Full => OAuthError::server_error("too many proofs at once: wait until some expire"),
        })
    }
}

/// Whether two URLs without a query are the same after the case of scheme and host, and the default port (RFC 9449 §4.3).
fn is_same_url(target: &str, own: &str) -> bool {
    let normal = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
        let port = if scheme == "https" { ":443" } else { ":80" };
        let authority = authority.strip_suffix(port).unwrap_or(&authority).to_owned();
        let path = if path.is_empty() { "/" } else { path };
        Some((scheme, authority, path.to_owned()))
    };
    normal(target).is_some_and(|target| Some(target) == normal(own))
}

fn wrong(description: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidDpopProof, description)
}

#[cfg(test)]
mod tests {
    use super::{is_same_url, is_thumbprint};

    #[test]
    fn urls_are_compared_without_the_case_of_the_host_and_the_default_port() {
        let own = "http://issuer.example/oidc/token";
        for same in [own, "HTTP://Issuer.Example:80/oidc/token"] {
            assert!(is_same_url(same, own), "{same}");
        }
        for other in [
            "",
            "issuer.example/oidc/token",
            "https://issuer.example/oidc/token",
            "http://issuer.example:8080/oidc/token",
            "http://issuer.example/oidc/Token",
            "http://issuer.example/oidc/token/",
            "http://issuer.example/oidc/token?x",
            "http://issuer.example",
        ] {
            assert!(!is_same_url(other, own), "{other}");
        }
        assert!(is_same_url("https://a", "https://A:443/"));
    }

    #[test]
    fn a_thumbprint_is_43_characters_of_base64url() {
        assert!(is_thumbprint("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
        for bad in
            ["", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4", "0ZcOCORZNYy+DWpqq30jZyJGHTN0d2HglBV3uiguA4I"]
        {
            assert!(!is_thumbprint(bad), "{bad}");
        }
    }
}
