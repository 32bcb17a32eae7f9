//! Asking the issuer about a token, and judging what it says.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::flow::Case;
use super::{Keys, RequiresAuth};
use crate::credential::{Bearer, Credential};
use crate::error::Denial;
use crate::introspect::{AskFailure, Asker, Outcome, Question, Share};
use crate::introspection::{Answer, AnswerFault, Expected, UnreadAnswer, read_signed};
use crate::keys::{Doubt, Refreshed, Want};
use crate::token_cache::CacheKey;
use crate::verify::{Evidence, RETRY_AFTER, Said, Stop};

/// After how many seconds to try again, where there are too many calls.
const HELD_BACK: u32 = 1;

impl RequiresAuth {
    /// What the issuer was asked about a token a moment ago, if the token was refused for it.
    pub(super) fn said_before(
        &self,
        issuer: usize,
        key: Option<&CacheKey>,
        token: &[u8],
    ) -> Option<Said<'_>> {
        let asker = self.inner.askers.get(issuer)?.as_ref()?;
        let key = key.copied().unwrap_or_else(|| CacheKey::of(token));
        asker.refused(&key, self.inner.clock.now()).map(Said::Refused)
    }

    /// Asks the issuer about a token, or waits for the call about it that is on its way, and judges the answer.
    ///
    /// Waits until the deadline at most; a call goes on, and what comes of it is remembered.
    pub(super) async fn ask(&self, case: &Case<'_>, issuer: usize, deadline: Instant) -> Outcome {
        let Some(Some(asker)) = self.inner.askers.get(issuer) else {
            return Err(Denial::undecided(RETRY_AFTER));
        };
        let token = case.credential.bearer()?.token();
        let key = CacheKey::of(token.as_bytes());
        let is_known = self.inner.cache.as_ref().is_some_and(|cache| cache.get(&key).is_some());
        let mut call = match asker
            .start_or_join(key, is_known, case.client.map(Share::of), || self.known(asker, &key))
        {
            Question::Answered(outcome) => return outcome,
            Question::HeldBack => return Err(Denial::undecided(HELD_BACK)),
            Question::Joined(call) => call,
            Question::Started(started, call) => {
                let Ok(runtime) = Handle::try_current() else {
                    tracing::error!(
                        issuer = asker.issuer(),
                        "tokens cannot be introspected outside a tokio runtime"
                    );
                    return Err(Denial::undecided(RETRY_AFTER));
                };
                let (guard, token) = (self.clone(), token.to_owned());
                runtime.spawn(async move { started.finish(guard.asked(&token, issuer, key).await) });
                call
            }
        };
        let told = tokio::time::timeout_at(deadline, call.wait_for(Option::is_some)).await;
        match told {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or_else(|| Err(Denial::undecided(RETRY_AFTER))),
            // It takes too long, or the task is gone without a word: its runtime has shut down.
            Ok(Err(_)) | Err(_) => Err(Denial::undecided(RETRY_AFTER)),
        }
    }

    /// What is known of a token that somebody else has asked about in the meantime.
    fn known(&self, asker: &Asker, key: &CacheKey) -> Option<Outcome> {
        let now = self.inner.clock.now();
        let refused = || asker.refused(key, now).map(|reason| Err(Denial::invalid_token(reason)));
        self.remembered(key, now).map(Ok).or_else(refused)
    }

    /// One call, from its begin to its end. What it finds out is remembered before it is told.
    async fn asked(&self, token: &str, issuer: usize, key: CacheKey) -> Outcome {
        let (Some(Some(asker)), Ok(bearer)) = (self.inner.askers.get(issuer), Bearer::parse(token)) else {
            return Err(Denial::undecided(RETRY_AFTER));
        };
        let answer = match self.answer(asker, issuer, token).await {
            Ok(answer) => answer,
            Err(failure) => {
                asker.log(&failure);
                return Err(Denial::undecided(RETRY_AFTER));
            }
        };
        let now = self.inner.clock.now();
        let evidence = Evidence {
            known_header: None,
            is_of_tenant: false,
            keys: &|issuer| self.keys_of(None, issuer)?.current(now),
            answers: &|asked| (asked == issuer).then_some(Said::Answer(&answer)),
        };
        let case = Case { credential: Credential::from(bearer), key: Some(key), client: None };
        match self.judge_by(None, &case, &evidence, now) {
            Ok(token) => {
                if let Some(cache) = &self.inner.cache {
                    cache.insert(&key, &token);
                }
                Ok(token)
            }
            Err(Stop::Deny(denial)) => {
                if let Some(reason) = denial.reason() {
                    asker.refuse(key, reason, now);
                }
                Err(denial)
            }
            // The keys of a JWT have changed while its issuer was asked about it.
            Err(Stop::Need(_)) => Err(Denial::undecided(HELD_BACK)),
        }
    }

    /// What the issuer says of a token, read and believed.
    pub(super) async fn answer(
        &self,
        asker: &Asker,
        issuer: usize,
        token: &str,
    ) -> Result<Answer, AskFailure> {
        let body = asker.call(token).await?;
        if !asker.is_signed() {
            return Ok(Answer::read(body)?);
        }
        let mut has_fresh_keys = false;
        loop {
            let keys = self.keys_of(None, issuer).and_then(|keys| keys.current(self.inner.clock.now()));
            let rules = &self.inner.rules;
            let expected = Expected {
                issuer: asker.issuer(),
                client_id: asker.client_id(),
                algorithms: rules.issuers[issuer].algorithms.or(rules.algorithms),
            };
            let unread = match keys.as_ref().map(|keys| (keys, read_signed(&body, expected, keys))) {
                Some((_, Ok(answer))) => return Ok(answer),
                Some((_, Err(UnreadAnswer::Fault(fault)))) => return Err(fault.into()),
                Some((seen, Err(UnreadAnswer::OtherKeys { kid }))) => Some((seen, kid)),
                None => None,
            };
            if has_fresh_keys || !self.has_other_keys(issuer, unread, &body).await {
                return Err(AnswerFault::Signature.into());
            }
            has_fresh_keys = true;
        }
    }

    /// Fetches the keys of an issuer because an answer of it is signed by another one than those in `unread`, which has
    /// the `kid` of the answer as well, or because there are none.
    async fn has_other_keys(
        &self,
        issuer: usize,
        unread: Option<(&Arc<crate::jose::key_set::KeySet>, Option<Box<str>>)>,
        answer: &[u8],
    ) -> bool {
        let Some(Keys::Remote(remote)) = self.keys_of(None, issuer) else { return false };
        let want = match &unread {
            Some((seen, kid)) => {
                let doubt = kid.as_deref().map_or(Doubt::Signature(answer), Doubt::Kid);
                Want::OtherThan { seen, doubt }
            }
            None => Want::Keys,
        };
        matches!(remote.refresh(want).await, Refreshed::Yes | Refreshed::Underway)
    }
}
