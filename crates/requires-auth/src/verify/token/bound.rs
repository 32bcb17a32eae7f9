//! How a token is bound to its holder, as the token remembers it.

use std::sync::OnceLock;

use super::AccessToken;
use crate::binding::Methods;
use crate::binding::proof::KnownProof;
use crate::claims::Confirmation;

/// How a token is bound, and the header of the first proof of its key that has held: a client sends the same one with each.
pub(super) struct Bound {
    confirmation: Confirmation,
    known: OnceLock<KnownProof>,
}

impl Bound {
    pub(super) const fn new(confirmation: Confirmation) -> Self {
        Self { confirmation, known: OnceLock::new() }
    }
}

impl AccessToken {
    /// How the token is bound to its holder; `None` if it is not.
    pub(crate) fn confirmation(&self) -> Option<&Confirmation> {
        self.checks().bound.as_deref().map(|bound| &bound.confirmation)
    }

    /// Which bindings its issuer's requests may prove.
    pub(crate) fn methods(&self) -> Methods {
        self.checks().methods
    }

    /// The header of an earlier proof of its key.
    pub(crate) fn known_proof(&self) -> Option<&KnownProof> {
        self.checks().bound.as_deref()?.known.get()
    }

    /// Keeps the header of a proof that has held. It saves reading it again, and changes nothing else.
    pub(crate) fn keep_proof(&self, proof: KnownProof) {
        if let Some(bound) = &self.checks().bound {
            // Another request may have been quicker, and its header stays.
            bound.known.set(proof).ok();
        }
    }
}
