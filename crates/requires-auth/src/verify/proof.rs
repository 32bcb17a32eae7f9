//! The proof of a token's key, with each check of it in the trace.

use super::{AccessToken, Finding, Step, Trace};
use crate::binding::Proofs;
use crate::binding::proof::{Fault, ProofCheck, ProofOf, Proven, Watch, check};
use crate::credential::Credential;
use crate::error::{Denial, Reason};
use crate::jose::digest::sha256;

/// Looks at the proof that came with a token which is bound to `key`.
///
/// # Errors
///
/// A reason of `invalid_dpop_proof`; `binding_mismatch` for a good proof of another key; or `use_dpop_nonce`.
pub(super) fn prove_key(
    token: &AccessToken,
    credential: &Credential<'_>,
    key: &[u8; 32],
    proofs: &Proofs<'_>,
    trace: &mut impl Trace,
) -> Result<Proven, Denial> {
    let (Some(rules), Some(request)) = (proofs.rules, proofs.request) else {
        return Err(Denial::invalid_token(Reason::BindingMismatch));
    };
    let nonces = (proofs.nonces)();
    let of = ProofOf {
        request,
        proof: credential.proof(),
        token_hash: proofs.token_hash.copied().unwrap_or_else(|| sha256(credential.token_bytes())),
        key,
        known: token.known_proof(),
        nonces: nonces.as_deref(),
        now: token.checked_at(),
    };
    let mut proven = check(rules, &of, &mut Watcher(trace)).map_err(|fault| match fault {
        Fault::Proof(reason) => Denial::invalid_proof(reason),
        Fault::OtherKey => Denial::invalid_token(Reason::BindingMismatch),
        Fault::Nonce(nonce) => Denial::use_dpop_nonce(nonce),
    })?;
    if let Some(learnt) = proven.learnt.take() {
        token.keep_proof(learnt);
    }
    Ok(proven)
}

/// Writes the checks of a proof into a trace.
struct Watcher<'t, T>(&'t mut T);

impl<T: Trace> Watch for Watcher<'_, T> {
    fn saw(&mut self, check: ProofCheck, passed: bool, finding: impl FnOnce() -> (String, String)) {
        let step = match check {
            ProofCheck::Value => Step::Proof,
            ProofCheck::Type => Step::ProofType,
            ProofCheck::Algorithm => Step::ProofAlgorithm,
            ProofCheck::Key => Step::ProofKey,
            ProofCheck::Claims => Step::ProofClaims,
            ProofCheck::Method => Step::ProofMethod,
            ProofCheck::Url => Step::ProofUrl,
            ProofCheck::Time => Step::ProofTime,
            ProofCheck::Token => Step::ProofToken,
            ProofCheck::Thumbprint => Step::ProofThumbprint,
            ProofCheck::Nonce => Step::ProofNonce,
            ProofCheck::Signature => Step::ProofSignature,
        };
        self.0.record(step, passed, || {
            let (found, expected) = finding();
            Finding::new(found, expected)
        });
    }
}
