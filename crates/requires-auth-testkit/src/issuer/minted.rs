//! The memory of minted tokens that introspection answers from.

use std::collections::{HashMap, VecDeque};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::fill;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// How many tokens are remembered; the oldest is forgotten for the next.
const CAPACITY: usize = 10_000;

type Fingerprint = [u8; 32];

/// The claims of minted tokens, by the SHA-256 of the token; the tokens themselves are not kept.
#[derive(Default)]
pub(super) struct Minted {
    claims: HashMap<Fingerprint, Value>,
    oldest_first: VecDeque<Fingerprint>,
}

impl Minted {
    pub(super) fn remember(&mut self, token: &str) {
        if let Some(claims) = claims_of(token) {
            self.keep(token, claims);
        }
    }

    /// An opaque name for what a token says: 43 characters, as oidc-provider and Logto give out.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub(super) fn name(&mut self, token: &str) -> String {
        let mut bytes = [0; 32];
        fill(&mut bytes).expect("the operating system has randomness");
        let name = URL_SAFE_NO_PAD.encode(bytes);
        self.keep(&name, claims_of(token).unwrap_or_default());
        name
    }

    /// Forgets a token.
    pub(super) fn forget(&mut self, token: &str) {
        // Its place in the order stays, and is passed over later.
        self.claims.remove(&fingerprint(token));
    }

    fn keep(&mut self, token: &str, claims: Value) {
        let fingerprint = fingerprint(token);
        if self.claims.insert(fingerprint, claims).is_none() {
            self.oldest_first.push_back(fingerprint);
        }
        if self.oldest_first.len() > CAPACITY
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.claims.remove(&oldest);
        }
    }

    pub(super) fn claims(&self, token: &str) -> Option<&Value> {
        self.claims.get(&fingerprint(token))
    }
}

fn claims_of(token: &str) -> Option<Value> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn fingerprint(token: &str) -> Fingerprint {
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    fingerprint
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
        minted.remember(&token(1));
        assert_eq!(minted.claims(&token(1)).expect("remembered")["n"], 1);
        assert!(minted.claims(&token(2)).is_none());
        assert!(minted.claims(&format!("{}x", token(1))).is_none());
    }

    #[test]
    fn a_name_stands_for_the_claims_until_it_is_forgotten() {
        let mut minted = Minted::default();
        let (one, other) = (minted.name(&token(1)), minted.name(&token(1)));
        assert!(one != other && one.len() == 43 && !one.contains('.'));
        assert_eq!(minted.claims(&one).expect("remembered")["n"], 1);
        assert!(minted.claims(&token(1)).is_none());
        minted.forget(&one);
        assert!(minted.claims(&one).is_none() && minted.claims(&other).is_some());
    }

    #[test]
    fn the_oldest_is_forgotten_when_the_memory_is_full() {
        let mut minted = Minted::default();
        (0..=CAPACITY).for_each(|number| minted.remember(&token(number)));
        assert!(minted.claims(&token(0)).is_none());
        assert!(minted.claims(&token(1)).is_some());
        assert!(minted.claims(&token(CAPACITY)).is_some());
        assert_eq!(minted.claims.len(), minted.oldest_first.len());
    }

    #[test]
    fn the_same_token_twice_takes_one_place() {
        let mut minted = Minted::default();
        minted.remember(&token(1));
        minted.remember(&token(1));
        assert_eq!((minted.claims.len(), minted.oldest_first.len()), (1, 1));
    }
}
