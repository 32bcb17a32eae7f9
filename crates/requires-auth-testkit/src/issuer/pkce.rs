//! Proof Key for Code Exchange (RFC 7636), with S256 alone: whoever begins a login ends it.
//!
//! A client sends the hash of a random text with its request for a login, and the text itself with the code. Somebody who has read
//! the code on its way does not know the text.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::oauth_error::OAuthError;
use super::parameters::Parameters;

/// The one method, as metadata list it; `plain` would show the proof to whoever sees the first request.
pub(super) const METHOD: &str = "S256";

/// What a login begins with: the SHA-256 of a verifier that only the client has.
#[derive(Clone, Debug)]
pub(super) struct Challenge(String);

impl Challenge {
    /// The challenge of an authorization request.
    ///
    /// # Errors
    ///
    /// `invalid_request` (RFC 7636 §4.4.1) without a challenge, for another method, or for one that no SHA-256 looks like.
    pub(super) fn of(query: &Parameters) -> Result<Self, OAuthError> {
        let challenge = query.one("code_challenge")?;
        let challenge = challenge.ok_or_else(|| OAuthError::invalid_request("code_challenge required"))?;
        if query.one("code_challenge_method")? != Some(METHOD) {
            return Err(OAuthError::invalid_request("code_challenge_method has to be S256"));
        }
        if URL_SAFE_NO_PAD.decode(challenge).map_or(0, |bytes| bytes.len()) != 32 {
            return Err(OAuthError::invalid_request("code_challenge is not the base64url of a SHA-256"));
        }
        Ok(Self(challenge.to_owned()))
    }

    /// Whether it is the challenge of this verifier.
    pub(super) fn is_of(&self, verifier: &str) -> bool {
        // RFC 7636 §4.1.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        (43..=128).contains(&verifier.len())
            && verifier.bytes().all(allowed)
            && URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Challenge, Parameters};

    /// The example of RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge(pairs: &[(&str, &str)]) -> Option<Challenge> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Challenge::of(&Parameters::new(pairs.iter().map(owned).collect())).ok()
    }

    #[test]
    fn the_verifier_alone_fits() {
        let s256 = ("code_challenge_method", "S256");
        let challenge = challenge(&[("code_challenge", CHALLENGE), s256]).expect("a challenge");
        assert!(challenge.is_of(VERIFIER));
        for other in ["", CHALLENGE, &VERIFIER[1..], &format!("{VERIFIER}="), &VERIFIER.repeat(4)] {
            assert!(!challenge.is_of(other), "{other}");
        }
    }

    #[test]
    fn another_method_and_a_challenge_of_another_shape_are_refused() {
        let (good, s256) = (("code_challenge", CHALLENGE), ("code_challenge_method", "S256"));
        let cases: [&[(&str, &str)]; 7] = [
            &[],
            &[good],
            &[s256],
            &[good, ("code_challenge_method", "plain")],
            &[good, ("code_challenge_method", "s256")],
            &[("code_challenge", &CHALLENGE[1..]), s256],
            &[good, good, s256],
        ];
        for pairs in cases {
            assert!(challenge(pairs).is_none(), "{pairs:?}");
        }
    }
}
