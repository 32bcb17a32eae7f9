//! The last step of a request whose token came with a proof of its key: whether the proof was used before.
//!
//! It is the last one since it writes: whoever is refused for another reason can send the proof again with what was missing, and nobody
//! can fill the store with requests that would not pass anyway. It is also the only step that may wait for another server than an
//! issuer. A guard that has had to wait once is asked without waiting no more for tokens with proofs: it would judge each request twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::RequiresAuth;
use crate::binding::proof::{Nonces, Proven, first_half};
use crate::credential::Credential;
use crate::dpop::NonceSource;
use crate::error::{Denial, Reason};
use crate::jose::digest::sha256_of_all;
use crate::policy::Policy;
use crate::replay::{ReplayKey, ReplayStore, Use};
use crate::request::Request;
use crate::verify::AccessToken;

/// After how many seconds to try again where the store has no room or cannot be asked.
const RETRY_AFTER: u32 = 1;

/// What a guard with DPoP has beside its rules.
pub(super) struct Proving {
    /// `None` where the application behind the guard, or nobody, looks for used proofs.
    pub(super) replay: Option<Arc<dyn ReplayStore>>,
    /// `None` where no nonces are demanded.
    pub(super) nonces: Option<NonceSource>,
    /// Whether the store has answered at once whenever it was asked. If not, a request need not be judged before it waits.
    pub(super) waits: AtomicBool,
}

/// A token that passes, and the nonce that its client is to use from now on.
pub(super) struct Authorized {
    pub(super) token: AccessToken,
    pub(super) fresh_nonce: Option<Arc<str>>,
}

impl From<AccessToken> for Authorized {
    fn from(token: AccessToken) -> Self {
        Self { token, fresh_nonce: None }
    }
}

/// A request that passes if its proof was not used before.
pub(super) struct Passing<'p> {
    pub(super) request: &'p Request<'p>,
    pub(super) credential: &'p Credential<'p>,
    pub(super) policy: &'p Policy,
    pub(super) token: AccessToken,
    pub(super) proven: Box<Proven>,
}

impl Passing<'_> {
    /// By what the store knows the proof, and to whose share it counts.
    fn key(&self) -> ReplayKey {
        let Self { token, proven, .. } = self;
        let client = token.client_id().or_else(|| token.subject()).unwrap_or_default();
        let share = sha256_of_all(&[token.issuer().as_bytes(), client.as_bytes(), &proven.key]);
        ReplayKey { id: proven.id, share: first_half(&share) }
    }
}

impl RequiresAuth {
    /// Whether tokens may come with a proof of their key (DPoP, RFC 9449), of any issuer.
    ///
    /// For an adapter: the URL of a request has to be as its client wrote it then, not decoded and encoded anew.
    pub fn takes_dpop(&self) -> bool {
        self.inner.proving.is_some()
    }

    /// The nonces that count at this time; `None` where none are demanded.
    pub(super) fn nonces(&self, now: SystemTime) -> Option<Arc<Nonces>> {
        Some(self.inner.proving.as_ref()?.nonces.as_ref()?.at(now))
    }

    /// Whether the store of used proofs has to be waited for, as far as is known.
    pub(super) fn waits_for_store(&self) -> bool {
        self.inner.proving.as_ref().is_some_and(|proving| proving.waits.load(Ordering::Relaxed))
    }

    /// What is left to do about a request with a good proof, if that needs no wait.
    pub(super) fn record_now(&self, passing: Passing<'_>) -> Option<Result<Authorized, Denial>> {
        let used = match self.store_for(&passing.token) {
            Some(_) if passing.request.is_trial() => return None,
            Some(store) => {
                let now = passing.token.checked_at().as_secs();
                let used = store.first_use_now(&passing.key(), passing.proven.until, now);
                if used.is_none() {
                    self.wait_from_now_on();
                }
                used?
            }
            None => Use::First,
        };
        Some(self.used(passing, used))
    }

    /// As [`record_now`](Self::record_now), and waits for the store where that is needed.
    pub(super) async fn record(&self, passing: Passing<'_>) -> Result<Authorized, Denial> {
        let used = match self.store_for(&passing.token) {
            Some(store) if passing.request.is_trial() => {
                store.look_up(passing.key(), passing.proven.until).await
            }
            Some(store) => {
                let (key, until) = (passing.key(), passing.proven.until);
                if let Some(used) = store.first_use_now(&key, until, passing.token.checked_at().as_secs()) {
                    used
                } else {
                    self.wait_from_now_on();
                    store.first_use(key, until).await
                }
            }
            None => Use::First,
        };
        self.used(passing, used)
    }

    /// Where used proofs are recorded; `None` where that is left to the application.
    fn store_for(&self, token: &AccessToken) -> Option<&Arc<dyn ReplayStore>> {
        let proving = self.inner.proving.as_ref()?;
        proving.replay.as_ref().filter(|_| token.methods().dpop.looks_for_replay())
    }

    fn wait_from_now_on(&self) {
        if let Some(proving) = &self.inner.proving {
            proving.waits.store(true, Ordering::Relaxed);
        }
    }

    /// The last word, which is counted and logged once.
    fn used(&self, passing: Passing<'_>, used: Use) -> Result<Authorized, Denial> {
        let Passing { request, credential, policy, token, proven } = passing;
        let denial = match used {
            Use::First => {
                let authorized = self.allow(request, credential, token, policy);
                return Ok(Authorized { fresh_nonce: proven.fresh_nonce, ..authorized });
            }
            Use::Again => Denial::invalid_proof(Reason::ProofReused),
            Use::OverShare => Denial::too_many_proofs(RETRY_AFTER),
            Use::Full | Use::Unavailable => Denial::state_unavailable(RETRY_AFTER),
        };
        Err(self.refuse_token(request, credential, &token, denial))
    }
}

#[cfg(test)]
mod tests;
