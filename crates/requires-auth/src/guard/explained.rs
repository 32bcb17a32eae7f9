//! A report about the token of a request, by the guard's own keys and its issuer's own answer.

use std::time::SystemTime;

use super::flow::{self, Case};
use super::revoking::RETRY_AFTER;
use super::{Keys, RequiresAuth};
use crate::binding::Proofs;
use crate::credential::Scheme;
use crate::error::Denial;
use crate::explain::{Asked, Report, Revoked};
use crate::introspection::Answer;
use crate::keys::Want;
use crate::policy::Policy;
use crate::request::Request;
use crate::revocation::Sets;
use crate::revocations::Revocations;
use crate::verify::{AccessToken, Evidence, Need, Said, Stop};

impl RequiresAuth {
    /// Judges the token of a request, then its binding and the policy, and tells what every check found. Fetches keys if
    /// that is needed.
    ///
    /// ```
    /// use requires_auth::{Policy, Request, RequiresAuth};
    ///
    /// async fn explain(auth: &RequiresAuth, token: &str) {
    ///     let headers = [("authorization", format!("Bearer {token}"))];
    ///     let report = auth.explain(&Request::new("GET", "/orders", &headers), &Policy::default()).await;
    ///     for check in report.checks() {
    ///         println!("{} {}", check.step().as_str(), check.outcome().as_str());
    ///     }
    /// }
    /// ```
    pub async fn explain(&self, request: &Request<'_>, policy: &Policy) -> Report {
        let case = match self.read(request) {
            Ok(case) => case,
            Err(denial) => return self.inner.rules.explain_unread(request, denial),
        };
        // A request with an expired token fetches no keys; a report shows every check, also those that need them.
        let tenant = self.tenant_of(&case, self.inner.clock.now()).ok().flatten();
        if let Err(Stop::Need(Need::Keys { issuer, tried: None, is_expired: true })) =
            self.judge(&case, self.inner.clock.now())
            && let Some(Keys::Remote(remote)) = self.keys_of(tenant.as_deref(), issuer)
        {
            let _ = tokio::time::timeout(flow::LONGEST_WAIT, remote.refresh(Want::Keys)).await;
        }
        let now = self.inner.clock.now();
        let mut asked = self.asks_about(&case, now);
        let mut unsettled = None;
        if asked.is_none() {
            // The token is judged first as on a request, so that the keys are those that a request would use.
            unsettled = match self.judge_settled(&case, now) {
                Err(Stop::Need(need)) => self.settle(&case, need).await.err(),
                Err(Stop::Deny(denial)) => Some(denial),
                Ok(_) => None,
            };
            asked = self.asks_about(&case, self.inner.clock.now());
        }
        let answer = match asked {
            Some(issuer) => self.answer_for_report(&case, issuer).await,
            None => None,
        };
        let said = answer.as_ref().map(|answer| match answer {
            Ok(answer) => Said::Answer(answer),
            Err(told) => Said::Nothing(told),
        });
        let now = self.inner.clock.now();
        let tenant = self.tenant_of(&case, now).ok().flatten();
        // Whoever calls this for any token has looked at the keys of every issuer, which starts their timers.
        let at_hand: Vec<_> = self.fixed_keys().map(|keys| keys.current(now)).collect();
        let keys = |issuer: usize| match &tenant {
            Some(tenant) => tenant.keys.current(now),
            None => at_hand.get(issuer).cloned().flatten(),
        };
        let answers = |_| said;
        let evidence =
            Evidence { known_header: None, is_of_tenant: tenant.is_some(), keys: &keys, answers: &answers };
        let is_by_dpop = case.credential.scheme() == Scheme::Dpop;
        let finish = |token: &AccessToken, denial: Denial| self.finish(token, denial.by_dpop(is_by_dpop));
        let proofs = Proofs {
            rules: self.inner.rules.proofs.as_deref(),
            request: Some(request),
            token_hash: None,
            nonces: &|| self.nonces(now),
        };
        let sets = self.inner.revocations.as_ref().map(Revocations::sets);
        let revoked = self.revoked(sets.as_deref().map(AsRef::as_ref));
        let asked = Asked { policy, proofs: &proofs, base: self.base(), revoked, finish: &finish };
        self.rules_of(tenant.as_ref()).explain_settled(&case.credential, &evidence, asked, now, unsettled)
    }

    /// What is known of revocations; `sets` are those of this guard.
    fn revoked<'a>(&self, sets: Option<&'a Sets>) -> Revoked<'a> {
        match sets {
            None => Revoked::None,
            Some(_) if self.inner.revocations.as_ref().is_some_and(|own| !own.are_current()) => {
                Revoked::Unknown(RETRY_AFTER)
            }
            Some(sets) => Revoked::Known(sets),
        }
    }

    /// The issuer that has to be asked about the token before it can be judged.
    fn asks_about(&self, case: &Case<'_>, now: SystemTime) -> Option<usize> {
        let tenant = self.tenant_of(case, now).ok().flatten();
        // Whoever calls this for any token has looked at the keys of every issuer, which starts their timers.
        let at_hand: Vec<_> = self.fixed_keys().map(|keys| keys.current(now)).collect();
        let keys = |issuer: usize| match &tenant {
            Some(tenant) => tenant.keys.current(now),
            None => at_hand.get(issuer).cloned().flatten(),
        };
        let evidence =
            Evidence { known_header: None, is_of_tenant: tenant.is_some(), keys: &keys, answers: &|_| None };
        match self.judge_by(tenant.as_ref(), case, &evidence, now) {
            Err(Stop::Need(Need::Answer { issuer })) => Some(issuer),
            _ => None,
        }
    }

    /// What the issuer says now, or why it says nothing.
    async fn answer_for_report(&self, case: &Case<'_>, issuer: usize) -> Option<Result<Answer, String>> {
        let asker = self.inner.askers.get(issuer)?.as_ref()?;
        let token = case.credential.bearer().ok()?.token();
        let answer = self.answer(asker, issuer, token).await;
        Some(answer.map_err(|failure| format!("no answer: {failure}; {}", failure.hint())))
    }
}
