//! Tokens that are refused before they expire.

use std::time::Duration;

use super::RequiresAuth;
use crate::error::Denial;
use crate::revocation::Revocation;
use crate::revocations::{Revocations, RevokeError};
use crate::verify::{AccessToken, NoTrace, check_revoked};

/// After how many seconds to try again where nobody can say what is revoked.
pub(super) const RETRY_AFTER: u32 = 1;

/// How long a guard that is warmed waits for revocations, and how often it looks.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

impl RequiresAuth {
    /// Refuses what an entry is for, from now on and until it ends: in this guard, and in every process that has the same file of
    /// revocations, within a second.
    ///
    /// It writes to a disk, and waits for that; in async code, call it where blocking is allowed.
    ///
    /// ```no_run
    /// use std::time::SystemTime;
    ///
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::revocation::Revocation;
    /// use requires_auth::revocations::RevokeError;
    ///
    /// /// The user has a new password: what was issued before is worth nothing.
    /// fn password_changed(auth: &RequiresAuth, user: &str) -> Result<(), RevokeError> {
    ///     let now = SystemTime::now();
    ///     auth.revoke(Revocation::of_subject(user, now + Revocation::DEFAULT_LIFE).issued_before(now))
    /// }
    /// # let _ = password_changed;
    /// ```
    ///
    /// # Errors
    ///
    /// The guard has no revocations, the entry cannot be one, there is no room for it, or the file cannot be written: nothing was
    /// revoked then. Or it could not be told to the other instances: it is revoked here ([`RevokeError::NotShared`]).
    #[expect(clippy::needless_pass_by_value, reason = "an entry is made for this call")]
    pub fn revoke(&self, revocation: Revocation) -> Result<(), RevokeError> {
        self.inner.revocations.as_ref().ok_or(RevokeError::Off)?.add(&revocation, self.inner.clock.now())
    }

    /// Refuses this token from now on, by its `jti`, until it has expired: for a logout.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke), or the token has no `jti`.
    pub fn revoke_token(&self, token: &AccessToken) -> Result<(), RevokeError> {
        let jti: String = token.claim("jti").ok_or(RevokeError::NoTokenId)?;
        self.revoke(Revocation::of_token(&jti, token.expires_at()).at_issuer(token.issuer()))
    }

    /// The revocations that this guard is told of; `None` if its setting `revocations` names no file, and it was given none.
    pub fn revocations(&self) -> Option<&Revocations> {
        self.inner.revocations.as_ref()
    }

    /// Waits until what is revoked is known, five seconds at most.
    pub(super) async fn wait_for_revocations(&self) {
        let Some(revocations) = &self.inner.revocations else { return };
        for _ in 0..LONGEST_WAIT.as_millis() / LOOK.as_millis() {
            if revocations.are_current() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Refuses a token that was revoked.
    pub(super) fn check_revoked(&self, token: &AccessToken) -> Result<(), Denial> {
        match &self.inner.revocations {
            Some(revocations) if !revocations.are_current() => Err(Denial::state_unavailable(RETRY_AFTER)),
            Some(revocations) => check_revoked(token, &revocations.sets(), &mut NoTrace),
            None => Ok(()),
        }
    }
}

#[cfg(all(test, feature = "redis"))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};

    use super::*;
    use crate::error::ErrorCode;
    use crate::policy::Policy;
    use crate::request::Request;
    use crate::revocations::Feed;

    /// A server that answers, or does not.
    #[derive(Default)]
    struct Server(AtomicBool);

    impl Feed for Server {
        fn publish(&self, _: &Revocation) -> Result<(), String> {
            Ok(())
        }

        fn is_current(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn a_report_says_what_a_request_gets_where_nobody_knows_what_is_revoked() {
        let key = SigningKey::generate(Algorithm::Es256);
        let (issuer, audience) = ("https://issuer.example", "https://api.example.com");
        let (server, revocations) = (Arc::new(Server::default()), Revocations::in_memory(10));
        let feed: Arc<dyn Feed> = Arc::<Server>::clone(&server);
        assert!(revocations.feed_from(feed));
        let auth = RequiresAuth::builder(issuer, audience)
            .with_jwks(jwk_set([&key]).to_string())
            .with_revocations_in(&revocations)
            .build()
            .expect("a guard");
        let token = Forge::new(issuer, audience, key).token().mint();
        let headers = [("authorization", format!("Bearer {token}"))];
        let request = Request::new("GET", "/", &headers);
        for knows in [false, true, false] {
            server.0.store(knows, Ordering::Relaxed);
            let report = auth.explain(&request, &Policy::default()).await;
            let answered = auth.authenticate(&request).await;
            let expected = (!knows).then_some(ErrorCode::StateUnavailable);
            assert_eq!(report.verdict().err().map(Denial::code), expected);
            assert_eq!(answered.as_ref().err().map(Denial::code), expected);
        }
    }
}
