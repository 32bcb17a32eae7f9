//! The checks by name, and the trace that records them: none on a request, a full one for `explain`.

use crate::error::Reason;

/// A check of a token, in the order in which they are made.
///
/// The first that fails names the reason of the refusal. What needs no key comes before what does, so that a token that
/// cannot be good costs no signature and no fetch; what the claims say comes after the signature, so that a stranger
/// learns nothing by making them up. The last three are those of the [`Policy`](crate::Policy).
///
/// ```
/// use requires_auth::verify::Step;
///
/// // Steps compare in the order in which they are made.
/// assert!(Step::Algorithm < Step::Signature && Step::Signature < Step::Aud);
/// let names: Vec<_> = Step::ALL.iter().map(|step| step.as_str()).collect();
/// assert_eq!(names[..3], ["size", "parts", "header"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Step {
    /// The token is short enough.
    Size,
    /// Three base64url parts (RFC 7515 §7.1).
    Parts,
    /// The header is a JSON object with the right members (RFC 7515 §4).
    Header,
    /// Nothing critical that we do not understand (RFC 7515 §4.1.11, RFC 7797 §7).
    Critical,
    /// `typ` and `cty` are those of an access token (RFC 9068 §4, RFC 8725 §3.11).
    Type,
    /// `alg` is allowed (RFC 8725 §3.1).
    Algorithm,
    /// `iss` is a configured issuer, so that we know whose keys to take (RFC 8725 §3.8).
    Issuer,
    /// The issuer has a key for this token (RFC 7515 §6).
    Key,
    /// The key signed this token (RFC 7515 §5.2).
    Signature,
    /// The claims are a JSON object without duplicates (RFC 7519 §7.2).
    Claims,
    /// The issuer says that the token is active, and an access token (RFC 7662 §2.2). Only an opaque token, or one that the
    /// issuer has to confirm, gets so far as to be asked about.
    Introspection,
    /// The claims are not those of an ID token (RFC 8725 §3.12).
    IdToken,
    /// `iss` is there and equals the issuer (RFC 9068 §4).
    Iss,
    /// `aud` names this API (RFC 9068 §4).
    Aud,
    /// `exp` is there and lies ahead (RFC 7519 §4.1.4).
    Exp,
    /// `nbf` does not lie ahead (RFC 7519 §4.1.5).
    Nbf,
    /// `iat` does not lie ahead.
    Iat,
    /// The other claims of the profile are there, with the right types (RFC 9068 §2.2).
    Profile,
    /// The token was not revoked. Only a guard that is told of revocations looks for one.
    Revocation,
    /// The token is not bound to a key or certificate that was not shown (RFC 9449 §7.2, RFC 8705 §3).
    Binding,
    /// One header `DPoP` with one JWT that is short enough (RFC 9449 §4.3). This and the checks of a proof below are made only
    /// of a token that is bound to a key, where proofs are taken.
    Proof,
    /// The proof says that it is one (RFC 9449 §4.2).
    ProofType,
    /// The algorithm of the proof is allowed.
    ProofAlgorithm,
    /// The key in the header of the proof is public and can be used.
    ProofKey,
    /// The claims of the proof are there, with their types.
    ProofClaims,
    /// The proof is for this method.
    ProofMethod,
    /// The proof is for this URL.
    ProofUrl,
    /// The proof was made a moment ago (RFC 9449 §11.1).
    ProofTime,
    /// The proof is for this token.
    ProofToken,
    /// The key of the proof is the one that the token is bound to.
    ProofThumbprint,
    /// The proof has the nonce of this server, where nonces are demanded (RFC 9449 §9).
    ProofNonce,
    /// The key of the proof has signed it.
    ProofSignature,
    /// The scopes can be read (RFC 6749 §3.3), and the policy has those it needs (RFC 6750 §3.1).
    Scope,
    /// The claim rules of the policy hold.
    ClaimRules,
    /// The login is strong and recent enough for the policy (RFC 9470 §3).
    Authentication,
}

impl Step {
    /// Every check, in order.
    pub const ALL: &'static [Self] = &[
        Self::Size,
        Self::Parts,
        Self::Header,
        Self::Critical,
        Self::Type,
        Self::Algorithm,
        Self::Issuer,
        Self::Key,
        Self::Signature,
        Self::Claims,
        Self::Introspection,
        Self::IdToken,
        Self::Iss,
        Self::Aud,
        Self::Exp,
        Self::Nbf,
        Self::Iat,
        Self::Profile,
        Self::Revocation,
        Self::Binding,
        Self::Proof,
        Self::ProofType,
        Self::ProofAlgorithm,
        Self::ProofKey,
        Self::ProofClaims,
        Self::ProofMethod,
        Self::ProofUrl,
        Self::ProofTime,
        Self::ProofToken,
        Self::ProofThumbprint,
        Self::ProofNonce,
        Self::ProofSignature,
        Self::Scope,
        Self::ClaimRules,
        Self::Authentication,
    ];

    /// Whether it is a check of a JWT, which an opaque token does not go through.
    pub(crate) fn is_of_a_jwt(self) -> bool {
        (Self::Header..=Self::Claims).contains(&self)
    }

    /// Whether it is made of every token that gets so far. The others are made only where a setting or the token asks for it, and a
    /// report has them only then.
    pub fn is_of_every_token(self) -> bool {
        !(matches!(self, Self::Introspection | Self::Revocation) || self.is_of_a_proof())
    }

    /// Whether it is a check of a proof, which only a token that is bound to a key goes through.
    pub(crate) fn is_of_a_proof(self) -> bool {
        (Self::Proof..=Self::ProofSignature).contains(&self)
    }

    /// A short name for a console, such as `aud` or `claim_rules`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Parts => "parts",
            Self::Header => "header",
            Self::Critical => "crit",
            Self::Type => "typ",
            Self::Algorithm => "alg",
            Self::Issuer => "issuer",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Introspection => "introspection",
            Self::IdToken => "id_token",
            Self::Iss => "iss",
            Self::Aud => "aud",
            Self::Exp => "exp",
            Self::Nbf => "nbf",
            Self::Iat => "iat",
            Self::Profile => "profile",
            Self::Revocation => "revocation",
            Self::Binding => "cnf",
            Self::Proof => "dpop_proof",
            Self::ProofType => "dpop_typ",
            Self::ProofAlgorithm => "dpop_alg",
            Self::ProofKey => "dpop_jwk",
            Self::ProofClaims => "dpop_claims",
            Self::ProofMethod => "dpop_htm",
            Self::ProofUrl => "dpop_htu",
            Self::ProofTime => "dpop_iat",
            Self::ProofToken => "dpop_ath",
            Self::ProofThumbprint => "dpop_jkt",
            Self::ProofNonce => "dpop_nonce",
            Self::ProofSignature => "dpop_signature",
            Self::Scope => "scope",
            Self::ClaimRules => "claim_rules",
            Self::Authentication => "authentication",
        }
    }
}

/// What a check looked at and what it wanted, for people to read.
pub(crate) struct Finding {
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl Finding {
    pub(crate) fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        let found = Some(found.into()).filter(|found| !found.is_empty());
        Self { found: found.unwrap_or_else(|| "nothing".to_owned()), expected: expected.into() }
    }
}

/// Records the checks as they are made.
pub(crate) trait Trace {
    /// A check was made. `finding` is called only by a trace that keeps it.
    fn record(&mut self, step: Step, passed: bool, finding: impl FnOnce() -> Finding);

    /// Records the outcome of a check and hands it on.
    fn outcome<T>(
        &mut self,
        step: Step,
        outcome: Result<T, Reason>,
        finding: impl FnOnce(&Result<T, Reason>) -> Finding,
    ) -> Result<T, Reason> {
        self.record(step, outcome.is_ok(), || finding(&outcome));
        outcome
    }

    /// Records whether something holds, and refuses for `reason` if not.
    fn require(
        &mut self,
        step: Step,
        holds: bool,
        reason: Reason,
        finding: impl FnOnce() -> Finding,
    ) -> Result<(), Reason> {
        self.record(step, holds, finding);
        if holds { Ok(()) } else { Err(reason) }
    }
}

/// Records nothing: on a request no text is made.
pub(crate) struct NoTrace;

impl Trace for NoTrace {
    fn record(&mut self, _: Step, _: bool, _: impl FnOnce() -> Finding) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_listed_in_the_order_they_compare() {
        assert!(Step::ALL.is_sorted());
        assert_eq!(Step::ALL.last(), Some(&Step::Authentication));
    }
}
