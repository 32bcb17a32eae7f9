//! Who judges a token: the verifier with keys at hand, or a guard that fetches them.

use std::sync::Arc;

use requires_auth::explain::Report;
use requires_auth::verify::{KeySet, Rules};
use requires_auth::{AccessToken, Bearer, Denial, ErrorCode, Request, RequiresAuth};

use super::settings::Settings;
use crate::error::{Failure, unreached};
use crate::runtime::block_on;

/// Who judges tokens.
#[derive(Clone)]
pub(crate) enum Judge {
    /// Rules and keys at hand.
    Offline(Box<Rules>, Arc<KeySet>),
    /// A guard, which fetches what keys it has not been given.
    Guard(RequiresAuth),
}

impl Judge {
    /// Judges by keys at hand, if there are any, else by those of the issuer.
    pub(crate) fn new(settings: &Settings, keys: Option<&Arc<KeySet>>) -> Result<Self, Failure> {
        if settings.needs_guard() {
            return Ok(Self::Guard(settings.guard()?));
        }
        if let Some(keys) = keys {
            return Ok(Self::Offline(Box::new(settings.rules()), Arc::clone(keys)));
        }
        if !settings.names_issuer() {
            return Err(without_keys());
        }
        if settings.algorithms.as_ref().is_some_and(Vec::is_empty) {
            // A list that allows nothing refuses every token before any key is looked for.
            return Ok(Self::Offline(Box::new(settings.rules()), no_keys()));
        }
        Ok(Self::Guard(settings.guard()?))
    }

    /// Judges a token as a request with it would be judged.
    pub(crate) fn verify(
        &self,
        token: &str,
        settings: &Settings,
    ) -> Result<Result<AccessToken, Denial>, Failure> {
        if settings.proven.is_some() {
            let judged = self.explain(token, settings)?;
            return Ok(judged.and_then(|report| report.verdict().cloned().map_err(Clone::clone)));
        }
        let bearer = match Bearer::parse(token) {
            Ok(bearer) => bearer,
            Err(denial) => return Ok(Err(denial)),
        };
        match self {
            Self::Offline(rules, keys) => {
                let judged = rules.verify(bearer, keys, settings.now());
                Ok(judged.and_then(|token| settings.policy.check(&token).map(|()| token)))
            }
            Self::Guard(guard) => {
                let headers = [("authorization", format!("Bearer {token}"))];
                let request = Request::new("GET", "/", &headers);
                block_on(guard.authorize(&request, &settings.policy))
            }
        }
    }

    /// Judges a request with a token and tells of every check; a denial if the token is not even a `b64token`. It is a request
    /// with a proof if the settings have one.
    pub(crate) fn explain(
        &self,
        token: &str,
        settings: &Settings,
    ) -> Result<Result<Report, Denial>, Failure> {
        if let Err(denial) = Bearer::parse(token) {
            return Ok(Err(denial));
        }
        let scheme = if settings.proven.is_some() { "DPoP" } else { "Bearer" };
        let mut headers = vec![("authorization", format!("{scheme} {token}"))];
        let (method, target) = settings.proven.as_ref().map_or(("GET", "/"), |proven| {
            headers.push(("dpop", proven.proof.clone()));
            (proven.method.as_str(), proven.target.as_str())
        });
        let request = Request::new(method, target, &headers);
        match self {
            Self::Offline(rules, keys) => {
                let keys = [Some(Arc::clone(keys))];
                Ok(Ok(rules.explain(&request, &keys, &settings.policy, settings.now())))
            }
            Self::Guard(guard) => block_on(guard.explain(&request, &settings.policy)).map(Ok),
        }
    }

    /// When a token could not be judged for want of keys: what happened, and what to do about it.
    pub(crate) fn outage(&self, denial: &Denial) -> Option<Failure> {
        let Self::Guard(guard) = self else { return None };
        if denial.code() != ErrorCode::IssuerUnavailable {
            return None;
        }
        unreached(&block_on(guard.warm()).ok()?.err()?).into_iter().next()
    }
}

/// Nothing says which keys count.
pub(crate) fn without_keys() -> Failure {
    Failure::new("there are no keys to verify with")
        .hint("give a key set with --jwks FILE, or --issuer URL to fetch the issuer's")
}

/// A set in which no token finds its key.
pub(crate) fn no_keys() -> Arc<KeySet> {
    // The text is a JWK Set.
    Arc::new(KeySet::parse(r#"{"keys":[]}"#).expect("an empty set is a set"))
}
