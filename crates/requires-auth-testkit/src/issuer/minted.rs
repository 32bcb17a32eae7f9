//! The memory of minted tokens that introspection answers from.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::bounded::Bounded;
use super::oauth_error::OAuthError;
use super::random::{Fingerprint, fingerprint, random_name};

/// How many tokens are remembered; the oldest is forgotten for the next.
const CAPACITY: usize = 10_000;

/// What is known of a minted token.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) claims: Value,
    /// The client that it was issued to; none for a token that no client asked for.
    pub(super) client_id: Option<String>,
    /// The grant whose end is the end of the token too; none for a token without a login.
    pub(super) grant: Option<String>,
}

/// What is known of minted tokens, by the SHA-256 of the token; the tokens themselves are not kept.
pub(super) struct Minted(Bounded<Fingerprint, Known>);

impl Default for Minted {
    fn default() -> Self {
        Self(Bounded::new(CAPACITY))
    }
}

impl Minted {
    pub(super) fn remember(&mut self, token: &str, client_id: Option<String>, grant: Option<String>) {
        if let Some(claims) = claims_of(token) {
            self.0.insert(fingerprint(token), Known { claims, client_id, grant });
        }
    }

    /// An opaque name for what a token says: 43 characters, as oidc-provider and Logto give out.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub(super) fn name(&mut self, token: &str, client_id: Option<String>, grant: Option<String>) -> String {
        let name = random_name();
        let claims = claims_of(token).unwrap_or_default();
        self.0.insert(fingerprint(&name), Known { claims, client_id, grant });
        name
    }

    /// Forgets a token.
    pub(super) fn forget(&mut self, token: &str) {
        self.0.remove(&fingerprint(token));
    }

    /// Forgets a token for a client.
    ///
    /// # Errors
    ///
    /// `invalid_grant` if it was issued to another one (RFC 7009 §2.1).
    pub(super) fn revoke(&mut self, token: &str, client_id: &str) -> Result<(), OAuthError> {
        let owner = self.known(token).and_then(|known| known.client_id.as_deref());
        if owner.is_some_and(|owner| owner != client_id) {
            return Err(OAuthError::invalid_grant("the token was issued to another client"));
        }
        self.forget(token);
        Ok(())
    }

    pub(super) fn known(&self, token: &str) -> Option<&Known> {
        self.0.get(&fingerprint(token))
    }
}

fn claims_of(token: &str) -> Option<Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::{CAPACITY, Minted};

    fn token(number: usize) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(format!(r#"{{"n":{number}}}"#)))
    }

    #[test]
    fn only_the_exact_token_is_known() {
        let mut minted = Minted::default();
        minted.remember(&token(1), None, Some("grant".to_owned()));
        let known = minted.known(&token(1)).expect("remembered");
        assert_eq!((&known.claims["n"], known.grant.as_deref()), (&1.into(), Some("grant")));
        assert!(minted.known(&token(2)).is_none());
        assert!(minted.known(&format!("{}x", token(1))).is_none());
    }

    #[test]
    fn a_name_stands_for_the_claims_until_it_is_forgotten() {
        let mut minted = Minted::default();
        let (one, other) = (minted.name(&token(1), None, None), minted.name(&token(1), None, None));
        assert!(one != other && one.len() == 43 && !one.contains('.'));
        assert_eq!(minted.known(&one).expect("remembered").claims["n"], 1);
        assert!(minted.known(&token(1)).is_none());
        minted.forget(&one);
        assert!(minted.known(&one).is_none() && minted.known(&other).is_some());
    }

    #[test]
    fn a_client_revokes_its_own_tokens_and_those_of_no_client() {
        let mut minted = Minted::default();
        minted.remember(&token(1), Some("client".to_owned()), None);
        minted.remember(&token(2), None, None);
        assert!(minted.revoke(&token(1), "other").is_err() && minted.known(&token(1)).is_some());
        for number in 1..=3 {
            assert!(minted.revoke(&token(number), "client").is_ok(), "{number}");
            assert!(minted.known(&token(number)).is_none(), "{number}");
        }
    }

    #[test]
    fn the_oldest_is_forgotten_when_the_memory_is_full() {
        let mut minted = Minted::default();
        (0..=CAPACITY).for_each(|number| minted.remember(&token(number), None, None));
        assert!(minted.known(&token(0)).is_none());
        assert!(minted.known(&token(1)).is_some());
        assert!(minted.known(&token(CAPACITY)).is_some());
    }
}
