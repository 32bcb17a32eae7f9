//! Nonces that no server has to remember (RFC 9449 §9): each is made of a secret and of the minute that it is for.
//!
//! ```text
//! nonce = base64url( minute as 4 bytes | the first 16 bytes of HMAC-SHA-256(secret, "dpop-nonce", public_url, minute) )
//! ```
//!
//! Two of them count at any time, those of this minute and of the one before. They are made once a minute, so a request costs two
//! comparisons. Who does not have the secret can make none, and one that was read off an answer is worth something for at most two
//! minutes. The URL is in it, so that two APIs with the same secret do not take each other's.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::binding::proof::{Nonces, first_half};
use crate::jose::digest::hmac_sha256_of_all;

/// For how long a nonce is the current one. It counts as long again as the previous one.
const STEP_SECONDS: u64 = 60;

/// Makes the nonces of one secret and one URL. Servers that share both give out and take the same ones.
pub(crate) struct NonceSource {
    secret: Box<[u8]>,
    public_url: Box<str>,
    live: ArcSwapOption<Live>,
}

struct Live {
    step: u32,
    nonces: Arc<Nonces>,
}

impl NonceSource {
    pub(crate) fn new(secret: &[u8], public_url: &str) -> Self {
        Self { secret: secret.into(), public_url: public_url.into(), live: ArcSwapOption::empty() }
    }

    /// The nonces that count at this time. They are made once a minute.
    pub(crate) fn at(&self, now: SystemTime) -> Arc<Nonces> {
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // Wraps in the year 10136.
        let step = u32::try_from(seconds / STEP_SECONDS).unwrap_or(u32::MAX);
        if let Some(live) = self.live.load().as_ref().filter(|live| live.step == step) {
            return Arc::clone(&live.nonces);
        }
        let (current, previous) = (self.nonce(step), self.nonce(step.saturating_sub(1)));
        let nonces = Arc::new(Nonces { current, previous });
        self.live.store(Some(Arc::new(Live { step, nonces: Arc::clone(&nonces) })));
        nonces
    }

    /// The nonce of a minute: its number, and what only the secret makes of it.
    fn nonce(&self, step: u32) -> Arc<str> {
        let step = step.to_be_bytes();
        let mac = hmac_sha256_of_all(&self.secret, &[b"dpop-nonce", self.public_url.as_bytes(), &step]);
        URL_SAFE_NO_PAD.encode([&step[..], &first_half(&mac)].concat()).into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(source: &NonceSource, seconds: u64) -> Arc<Nonces> {
        source.at(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn a_nonce_counts_for_its_minute_and_the_next() {
        let source = NonceSource::new(&[7; 32], "https://api.example.com");
        let (first, same, next, later) =
            (at(&source, 600), at(&source, 659), at(&source, 660), at(&source, 720));
        assert_eq!(first.current, same.current);
        assert_eq!(next.previous, first.current);
        assert_ne!(next.current, first.current);
        assert!(later.current != first.current && later.previous != first.current);
        // A clock that is set back makes the same ones again.
        assert_eq!(at(&source, 600).current, first.current);
        assert_eq!(first.current.len(), 27);
    }

    #[test]
    fn only_servers_with_the_same_secret_and_url_make_the_same() {
        let nonce = |secret: &[u8], url| at(&NonceSource::new(secret, url), 600).current.to_string();
        let own = nonce(&[7; 32], "https://api.example.com");
        assert_eq!(own, nonce(&[7; 32], "https://api.example.com"));
        assert_ne!(own, nonce(&[8; 32], "https://api.example.com"));
        assert_ne!(own, nonce(&[7; 32], "https://other.example.com"));
    }
}
