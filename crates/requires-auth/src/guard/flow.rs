//! The way of a request through the guard: its credential, the cache or the verifier, fresh keys where they are needed,
//! and the last word.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::proving::Passing;
use super::tenants::Tenant;
use super::{Authorized, Keys, RequiresAuth, log};
use crate::binding::Proofs;
use crate::binding::proof::Proven;
use crate::credential::{Bearer, Credential, Scheme};
use crate::error::{Denial, Reason};
use crate::keys::{Doubt, Refreshed, Want};
use crate::policy::Policy;
use crate::request::Request;
use crate::telemetry;
use crate::token_cache::CacheKey;
use crate::verify::{
    AccessToken, Evidence, KnownHeader, Need, NoTrace, Proof, ProvenBy, Stop, Tried, check_place, judge,
};

/// How long a request waits for keys at most.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How often the verifier may say what it needs for one token.
const MOST_ROUNDS: usize = 8;

/// A credential on its way to a verdict.
pub(super) struct Case<'r> {
    pub(super) credential: Credential<'r>,
    /// Where its token stands in the cache; `None` if it can never stand there.
    pub(super) key: Option<CacheKey>,
    /// Who has sent it, where that is known.
    pub(super) client: Option<IpAddr>,
}

impl RequiresAuth {
    /// As `authorize`, with what the answer has to carry.
    pub(super) async fn authorized(
        &self,
        request: &Request<'_>,
        policy: &Policy,
    ) -> Result<Authorized, Denial> {
        let case = self.open(request)?;
        let judged = match self.attempt(&case) {
            // In memory of its own: a fetch is rare, and the future of every request would have room for it.
            Err(Stop::Need(need)) => Box::pin(self.settle(&case, need)).await,
            Err(Stop::Deny(denial)) => Err(denial),
            Ok(token) => Ok(token),
        };
        let (token, proven) = self.decide(request, &case, judged, policy)?;
        match proven {
            Some(proven) => {
                let credential = &case.credential;
                Box::pin(self.record(Passing { request, credential, policy, token, proven })).await
            }
            None => Ok(self.allow(request, &case.credential, token, policy)),
        }
    }

    /// As `authorize_now`, with what the answer has to carry.
    pub(super) fn authorized_now(
        &self,
        request: &Request<'_>,
        policy: &Policy,
    ) -> Option<Result<Authorized, Denial>> {
        let case = match self.open(request) {
            Ok(case) => case,
            Err(denial) => return Some(Err(denial)),
        };
        // It is judged by whoever waits, and not twice.
        if case.credential.scheme() == Scheme::Dpop && self.waits_for_store() {
            return None;
        }
        let judged = match self.attempt(&case) {
            Err(Stop::Need(_)) => return None,
            Err(Stop::Deny(denial)) => Err(denial),
            Ok(token) => Ok(token),
        };
        match self.decide(request, &case, judged, policy) {
            Ok((token, Some(proven))) => {
                let credential = &case.credential;
                self.record_now(Passing { request, credential, policy, token, proven })
            }
            Ok((token, None)) => Some(Ok(self.allow(request, &case.credential, token, policy))),
            Err(denial) => Some(Err(denial)),
        }
    }

    /// The credential of a request. One that cannot be read is refused, which is counted and logged.
    pub(super) fn open<'r>(&self, request: &Request<'r>) -> Result<Case<'r>, Denial> {
        self.read(request).map_err(|denial| self.refuse(request, None, denial))
    }

    /// Refuses a request without a token that is good, which is counted and logged.
    pub(super) fn refuse(
        &self,
        request: &Request<'_>,
        credential: Option<&Credential<'_>>,
        denial: Denial,
    ) -> Denial {
        // The issuer of a refused token is not known, unless there is only one.
        let hint = self.inner.rules.hint_of(request, &denial);
        refused(request, credential, &denial, hint, self.inner.rules.issuers.only());
        denial
    }

    /// The credential of a request.
    pub(super) fn read<'r>(&self, request: &Request<'r>) -> Result<Case<'r>, Denial> {
        let credential = self.inner.rules.credential(request)?;
        let token = credential.token_bytes();
        let may_be_cached = self.inner.cache.is_some() && token.len() <= self.inner.rules.max_token_bytes;
        let key = may_be_cached.then(|| CacheKey::of(token));
        Ok(Case { credential, key, client: request.client() })
    }

    /// What there is to say of a token at once.
    pub(super) fn attempt(&self, case: &Case<'_>) -> Result<AccessToken, Stop> {
        // One look at the clock for the whole token.
        let now = self.inner.clock.now();
        match case.key.as_ref().and_then(|key| self.cached(key, now)) {
            Some(token) => Ok(token),
            None => self.judge_settled(case, now),
        }
    }

    /// A token that was accepted before, if everything that can have changed since still holds.
    fn cached(&self, key: &CacheKey, now: SystemTime) -> Option<AccessToken> {
        self.inner.cache.as_ref()?;
        let token = self.remembered(key, now);
        if token.is_some() {
            telemetry::cache_hit();
        } else {
            telemetry::cache_miss();
        }
        token
    }

    /// The same, without counting.
    pub(super) fn remembered(&self, key: &CacheKey, now: SystemTime) -> Option<AccessToken> {
        let proof = self.inner.cache.as_ref()?.get(key)?;
        self.is_current(&proof, now).then(|| proof.at(now.into(), self.inner.rules.leeway)).flatten()
    }

    /// Whether the keys that prove a token are the issuer's current ones. No keys prove what the issuer has said itself.
    fn is_current(&self, proof: &Proof, now: SystemTime) -> bool {
        let ProvenBy { issuer, keys } = proof.proven_by();
        match (self.inner.keys.get(*issuer), keys) {
            (Some(Keys::Remote(remote)), Some(keys)) => remote.is_current(keys, now),
            // A static set is never replaced.
            (Some(_), _) => true,
            (None, _) => self.is_current_tenant(proof, now),
        }
    }

    /// Judges a token by the keys at hand, where no fetch is asked for that cannot help.
    pub(super) fn judge_settled(&self, case: &Case<'_>, now: SystemTime) -> Result<AccessToken, Stop> {
        let tenant = self.tenant_of(case, now)?;
        self.judge_as(tenant.as_ref(), case, now).map_err(|stop| match stop {
            Stop::Need(Need::Keys { issuer, tried, is_expired }) => {
                match self.keys_of(tenant.as_deref(), issuer) {
                    // No key can make it good.
                    Some(Keys::Remote(_)) if is_expired => Reason::Expired.into(),
                    Some(Keys::Remote(_)) => Stop::Need(Need::Keys { issuer, tried, is_expired }),
                    Some(Keys::Static(_) | Keys::Unneeded) | None => {
                        tried.map_or(Reason::KeyUnknown, |tried| tried.reason).into()
                    }
                }
            }
            other => other,
        })
    }

    /// Judges a token by the keys at hand, and remembers it if it is good.
    pub(super) fn judge(&self, case: &Case<'_>, now: SystemTime) -> Result<AccessToken, Stop> {
        self.judge_as(self.tenant_of(case, now)?.as_ref(), case, now)
    }

    fn judge_as(
        &self,
        tenant: Option<&Arc<Tenant>>,
        case: &Case<'_>,
        now: SystemTime,
    ) -> Result<AccessToken, Stop> {
        // What cannot be a token is not verified, and not timed.
        let bearer = case.credential.bearer()?;
        let _timed = telemetry::verification();
        let known = self.inner.known_header.load();
        let evidence = Evidence {
            known_header: known.as_deref(),
            is_of_tenant: tenant.is_some(),
            keys: &|issuer| self.keys_of(tenant.map(AsRef::as_ref), issuer)?.current(now),
            answers: &|issuer| self.said_before(issuer, case.key.as_ref(), case.credential.token_bytes()),
        };
        let token = self.judge_by(tenant, case, &evidence, now)?;
        if let (Some(tenants), Some(tenant)) = (&self.inner.tenants, tenant) {
            tenants.prove(tenant);
        }
        if let (Some(cache), Some(key)) = (&self.inner.cache, &case.key) {
            cache.insert(key, &token);
        }
        self.remember_header(bearer, known.as_deref());
        Ok(token)
    }

    /// Judges a token by this evidence, and remembers nothing.
    pub(super) fn judge_by(
        &self,
        tenant: Option<&Arc<Tenant>>,
        case: &Case<'_>,
        evidence: &Evidence<'_>,
        now: SystemTime,
    ) -> Result<AccessToken, Stop> {
        judge(self.rules_of(tenant), &case.credential, evidence, now.into(), &mut NoTrace)
    }

    /// Keeps the header of a good token, unless it is the one that is known.
    fn remember_header(&self, bearer: Bearer<'_>, known: Option<&KnownHeader>) {
        if known.is_some_and(|known| known.heads(bearer)) {
            return;
        }
        // The tokens of several issuers would take the place from each other.
        if known.is_none() || (self.inner.keys.len() == 1 && self.inner.tenants.is_none()) {
            self.inner.known_header.store(KnownHeader::of(bearer).map(Arc::new));
        }
    }

    /// Gets what the verifier needs and asks it again, until it needs no more.
    ///
    /// Waits for five seconds at most; a fetch goes on.
    pub(super) async fn settle(&self, case: &Case<'_>, mut need: Need) -> Result<AccessToken, Denial> {
        let deadline = Instant::now() + LONGEST_WAIT;
        for _ in 0..MOST_ROUNDS {
            let refreshed = match &need {
                Need::Keys { issuer, tried, .. } => {
                    Some(self.refresh_keys(case, *issuer, tried.as_ref(), deadline).await?)
                }
                Need::Issuer { claimed } => {
                    self.resolve(claimed, deadline).await?;
                    None
                }
                // Who asks also judges, and remembers.
                Need::Answer { issuer } => return self.ask(case, *issuer, deadline).await,
            };
            need = match self.judge_settled(case, self.inner.clock.now()) {
                Ok(token) => return Ok(token),
                Err(Stop::Deny(denial)) => return Err(denial),
                Err(Stop::Need(again)) => self.still_needed(case, again, refreshed)?,
            };
        }
        // Keys or tenants come and go faster than a token can be judged.
        Err(Denial::undecided(1))
    }

    /// Gets fresh keys of an issuer, if there may be others than those that were tried.
    async fn refresh_keys(
        &self,
        case: &Case<'_>,
        issuer: usize,
        tried: Option<&Tried>,
        deadline: Instant,
    ) -> Result<Refreshed, Denial> {
        let tenant = self.tenant_of(case, self.inner.clock.now()).ok().flatten();
        let Some(Keys::Remote(remote)) = self.keys_of(tenant.as_deref(), issuer) else {
            return Err(Denial::invalid_token(tried.map_or(Reason::KeyUnknown, |tried| tried.reason)));
        };
        let want = match tried {
            Some(tried) => Want::OtherThan { seen: &tried.keys, doubt: doubt_about(tried, case) },
            None => Want::Keys,
        };
        match (refreshed_by(deadline, remote.refresh(want)).await, tried) {
            (Refreshed::No { retry_after }, Some(_)) => Err(Denial::undecided(retry_after)),
            // Whoever sends a token chooses which tenant it names.
            (Refreshed::No { retry_after }, None) if tenant.is_some_and(|tenant| !tenant.is_trusted()) => {
                Err(Denial::undecided(retry_after))
            }
            (Refreshed::No { retry_after }, None) => Err(Denial::issuer_unavailable(retry_after)),
            (Refreshed::Settled, Some(tried)) => Err(Denial::invalid_token(tried.reason)),
            (refreshed, _) => Ok(refreshed),
        }
    }

    /// What is needed after a refresh, or the refusal if another one cannot help. Each round sees a newer set.
    fn still_needed(
        &self,
        case: &Case<'_>,
        need: Need,
        refreshed: Option<Refreshed>,
    ) -> Result<Need, Denial> {
        match &need {
            // What there is to know of the issuer is known now, and its keys come next.
            _ if refreshed.is_none() => Ok(need),
            Need::Keys { tried: None, .. } => Err(Denial::issuer_unavailable(1)),
            // A set that was fetched for this token is the last.
            Need::Keys { issuer, tried: Some(tried), .. } if refreshed == Some(Refreshed::Yes) => {
                let tenant = self.tenant_of(case, self.inner.clock.now()).ok().flatten();
                if let Some(Keys::Remote(remote)) = self.keys_of(tenant.as_deref(), *issuer) {
                    remote.remember(&tried.keys, doubt_about(tried, case));
                }
                Err(Denial::invalid_token(tried.reason))
            }
            Need::Keys { .. } | Need::Issuer { .. } | Need::Answer { .. } => Ok(need),
        }
    }

    /// Whether a token passes, and the proof that came with it, if it needs one: whether that was used before is the next
    /// question, and the last. A refusal is counted and logged.
    pub(super) fn decide(
        &self,
        request: &Request<'_>,
        case: &Case<'_>,
        judged: Result<AccessToken, Denial>,
        policy: &Policy,
    ) -> Result<(AccessToken, Option<Box<Proven>>), Denial> {
        let credential = &case.credential;
        let token = match judged {
            Ok(token) => token,
            Err(denial) => {
                let denial = denial.by_dpop(credential.scheme() == Scheme::Dpop);
                return Err(self.refuse(request, Some(credential), denial));
            }
        };
        let proofs = Proofs {
            rules: self.inner.rules.proofs.as_deref(),
            request: Some(request),
            token_hash: case.key.as_ref().map(CacheKey::digest),
            nonces: &|| self.nonces(token.checked_at().to_system_time()),
        };
        let placed = check_place(&token, credential);
        let decided = placed
            .and_then(|()| self.check_revoked(&token))
            .and_then(|()| policy.decide(&token, credential, &proofs, self.base(), &mut NoTrace));
        match decided {
            Ok(proven) => Ok((token, proven)),
            Err(denial) => Err(self.refuse_token(request, credential, &token, denial)),
        }
    }

    /// Refuses a request with a good token, which is counted and logged.
    pub(super) fn refuse_token(
        &self,
        request: &Request<'_>,
        credential: &Credential<'_>,
        token: &AccessToken,
        denial: Denial,
    ) -> Denial {
        let denial = denial.by_dpop(credential.scheme() == Scheme::Dpop);
        refused(request, Some(credential), &denial, denial.hint(), self.issuer_of(token));
        self.finish(token, denial)
    }

    /// Refuses a request that had passed, for a second rule: counted and logged once more.
    pub(super) fn refuse_later(&self, request: &Request<'_>, token: &AccessToken, denial: Denial) -> Denial {
        if let Ok(credential) = self.inner.rules.credential(request) {
            return self.refuse_token(request, &credential, token, denial);
        }
        refused(request, None, &denial, denial.hint(), self.issuer_of(token));
        self.finish(token, denial)
    }

    /// Lets a request pass, which is counted and logged once: here, unless what its messages ask for is the last word.
    #[inline]
    pub(super) fn allow(
        &self,
        request: &Request<'_>,
        credential: &Credential<'_>,
        token: AccessToken,
        policy: &Policy,
    ) -> Authorized {
        if !policy.leaves_base() {
            self.inner.allowed.count(self.series_of(token.proof().proven_by().issuer));
            log::allowed(request, credential, self.issuer_of(&token));
        }
        token.into()
    }
}

/// Counts and logs a refusal.
pub(super) fn refused(
    request: &Request<'_>,
    credential: Option<&Credential<'_>>,
    denial: &Denial,
    hint: &'static str,
    issuer: Option<&str>,
) {
    telemetry::refused(issuer, denial);
    log::refused(denial, hint, request, credential, issuer, None);
}

/// What comes of a refresh until the deadline. Outside a runtime there is no timer, and nothing to wait for.
async fn refreshed_by(deadline: Instant, refresh: impl Future<Output = Refreshed>) -> Refreshed {
    if Handle::try_current().is_err() {
        return refresh.await;
    }
    tokio::time::timeout_at(deadline, refresh).await.unwrap_or(Refreshed::No { retry_after: 1 })
}

/// What the keys that were tried leave in doubt about a token.
fn doubt_about<'a>(tried: &'a Tried, case: &'a Case<'_>) -> Doubt<'a> {
    tried.unknown_kid.as_deref().map_or(Doubt::Signature(case.credential.token_bytes()), Doubt::Kid)
}
