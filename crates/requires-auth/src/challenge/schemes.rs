//! Which schemes a refusal names, and in the challenge of which it says what is wrong (RFC 9449 §7.1, §7.2).
//!
//! | a guard that takes both | challenges |
//! | --- | --- |
//! | no token | `Bearer` and `DPoP algs=".."`, each with where to get a token (figure 17) |
//! | a bad token by `Bearer`, also one that is bound to a key | `Bearer error=".."` and `DPoP algs=".."` |
//! | a bad token by `DPoP`, also one of another key | `Bearer` and `DPoP error=".."` (figure 16) |
//! | a proof that does not hold, or lacks a nonce | `DPoP error=".."` alone: no Bearer token would mend that |
//! | a scope, or a stronger login, is missing | in the challenge of the scheme that the token came by |
//!
//! A guard that needs proofs of every token names `DPoP` alone, and one that takes none names `Bearer` alone. `Bearer` comes first,
//! as some clients read one challenge and no more.

use std::sync::Arc;

use crate::credential::Scheme;
use crate::error::{Denial, ErrorCode};
use crate::jose::alg::{Algorithm, AlgorithmSet};

/// The schemes that a guard takes.
#[derive(Clone, Debug)]
pub(crate) struct Schemes {
    takes_bearer: bool,
    /// The algorithms of proofs, space-separated, where tokens come with proofs (RFC 9449 §7.1).
    pub(super) algs: Option<Arc<str>>,
}

impl Default for Schemes {
    fn default() -> Self {
        Self { takes_bearer: true, algs: None }
    }
}

impl Schemes {
    /// `DPoP` with these algorithms, and before it `Bearer` if that is taken as well: some clients read one challenge alone.
    pub(crate) fn with_dpop(takes_bearer: bool, algorithms: AlgorithmSet) -> Self {
        let mut names: Vec<_> = algorithms.iter().map(Algorithm::name).collect();
        names.sort_unstable();
        Self { takes_bearer, algs: Some(names.join(" ").into()) }
    }

    /// The schemes that a refusal names. What is wrong with a proof, no Bearer token mends.
    pub(super) fn of(&self, denial: &Denial) -> impl Iterator<Item = Scheme> {
        let is_about_proof = is_about_proof(denial);
        let bearer = (self.takes_bearer && !is_about_proof).then_some(Scheme::Bearer);
        let dpop = (self.algs.is_some() || is_about_proof).then_some(Scheme::Dpop);
        bearer.into_iter().chain(dpop)
    }

    /// The scheme whose challenge says what is wrong: the one that the token came by.
    pub(super) const fn tried(&self, denial: &Denial) -> Scheme {
        if denial.is_by_dpop() || is_about_proof(denial) || !self.takes_bearer {
            Scheme::Dpop
        } else {
            Scheme::Bearer
        }
    }
}

/// Whether a proof of a key is what is wrong, or missing.
const fn is_about_proof(denial: &Denial) -> bool {
    matches!(denial.code(), ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce)
}
