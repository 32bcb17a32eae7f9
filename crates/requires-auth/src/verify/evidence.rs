//! What the verifier is given to judge by, and what it says when that is not enough.

use std::sync::Arc;

use super::{KeySet, KnownHeader, RETRY_AFTER};
use crate::error::{Denial, Reason};
use crate::introspection::Answer;

/// What is at hand to judge a token by.
pub(crate) struct Evidence<'e> {
    /// A header that was read before, which saves reading it again and changes nothing else.
    pub(crate) known_header: Option<&'e KnownHeader>,
    /// Whether the issuer is one of several tenants, whose keys may say which tenant they are for.
    pub(crate) is_of_tenant: bool,
    /// Gives the current key set of an issuer, by its index in the rules.
    pub(crate) keys: &'e dyn Fn(usize) -> Option<Arc<KeySet>>,
    /// Gives what an issuer says of this token, by its index in the rules; `None` if it was not asked.
    pub(crate) answers: &'e dyn Fn(usize) -> Option<Said<'e>>,
}

/// What there is to know from an issuer about a token.
#[derive(Clone, Copy)]
pub(crate) enum Said<'e> {
    /// Its answer.
    Answer(&'e Answer),
    /// It was asked a moment ago, and the token was refused.
    Refused(Reason),
    /// It was asked, and nothing came of it: the cause, for people to read.
    Nothing(&'e str),
}

/// Why there is no token.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A check has failed.
    Deny(Denial),
    /// More evidence may settle it.
    Need(Need),
}

/// What may settle a token.
#[derive(Debug)]
pub(crate) enum Need {
    /// Fresh keys of this issuer, by its index in the rules.
    Keys {
        issuer: usize,
        /// The keys that did not settle it; `None` if there were none.
        tried: Option<Tried>,
        /// No key can make the token good: it says itself that it has expired.
        is_expired: bool,
    },
    /// What this issuer says of the token, by its index in the rules.
    Answer { issuer: usize },
    /// Whether this issuer, which nobody has configured by name, is one of ours.
    Issuer {
        /// What the token claims it to be.
        claimed: Box<str>,
    },
}

/// A key set that did not settle a token.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) keys: Arc<KeySet>,
    /// Holds unless another set settles it.
    pub(crate) reason: Reason,
    /// The `kid` that the set does not have.
    pub(crate) unknown_kid: Option<Box<str>>,
}

impl Stop {
    /// Keys are needed, as far as can be told without the payload.
    pub(super) const fn for_keys(issuer: usize, tried: Option<Tried>) -> Self {
        Self::Need(Need::Keys { issuer, tried, is_expired: false })
    }

    /// The issuer has to be asked about the token.
    pub(super) const fn for_answer(issuer: usize) -> Self {
        Self::Need(Need::Answer { issuer })
    }

    pub(super) fn expired_if(self, claims_so: impl FnOnce() -> bool) -> Self {
        match self {
            Self::Need(Need::Keys { issuer, tried, .. }) => {
                Self::Need(Need::Keys { issuer, tried, is_expired: claims_so() })
            }
            other => other,
        }
    }

    /// The refusal where the evidence is all there is.
    pub(crate) fn into_denial(self) -> Denial {
        match self {
            Self::Deny(denial) => denial,
            Self::Need(Need::Keys { tried, .. }) => {
                Denial::invalid_token(tried.map_or(Reason::KeyUnknown, |tried| tried.reason))
            }
            Self::Need(Need::Answer { .. }) => Denial::undecided(RETRY_AFTER),
            Self::Need(Need::Issuer { .. }) => Denial::invalid_token(Reason::IssuerMismatch),
        }
    }
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial)
    }
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Deny(Denial::invalid_token(reason))
    }
}
