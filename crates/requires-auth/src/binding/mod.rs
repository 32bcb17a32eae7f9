//! Whether a request shows the key or the certificate that its token is bound to (RFC 9449 §7.2, RFC 8705 §3).
//!
//! It is asked for each request, also where the token is remembered: who sends the token is another question than
//! whether the token is good. A bound token never counts as one that is not bound: what is not switched on cannot be
//! proven. [`Binding`] says what has to be proven, [`proof`] whether a proof of a key holds.
//!
//! | the token | by `Bearer` | by `DPoP` |
//! | --- | --- | --- |
//! | is bound to nothing | passes, unless a key is needed | refused (RFC 9449 §7.1) |
//! | is bound to a key | refused (RFC 9449 §7.2) | with a proof, where that is switched on |
//! | is bound to a certificate | with that certificate, where that is switched on | refused |
//! | is bound to both | refused | with both |
//! | has a `cnf` in which nothing is known | refused | refused |

use crate::claims::Confirmation;
use crate::credential::{Credential, Scheme};
use crate::error::Reason;
use crate::request::{HeaderValues, Request};

mod certificate;
pub(crate) mod proof;
mod url;

pub(crate) use url::public_base;

/// Whether tokens may come with a proof of the key that they are bound to (DPoP, RFC 9449).
///
/// ```
/// use requires_auth::dpop::DpopMode;
///
/// let names: Vec<_> = DpopMode::ALL.iter().map(|mode| mode.as_str()).collect();
/// assert_eq!(names, ["off", "allowed", "required", "pass"]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DpopMode {
    /// They may not: a token that is bound to a key is refused.
    #[default]
    Off,
    /// A token that is bound to a key needs a proof; one that is bound to nothing may come as a Bearer token.
    Allowed,
    /// Every token needs a proof.
    Required,
    /// As [`Allowed`](Self::Allowed), for a guard in front of an application that checks the proof itself: whether a proof was
    /// used before is left to the application, which would take its own check for a replay otherwise.
    Pass,
}

impl DpopMode {
    /// Every mode.
    pub const ALL: &'static [Self] = &[Self::Off, Self::Allowed, Self::Required, Self::Pass];

    /// The name in configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Allowed => "allowed",
            Self::Required => "required",
            Self::Pass => "pass",
        }
    }

    /// Whether a proof counts once alone.
    pub(crate) const fn looks_for_replay(self) -> bool {
        !matches!(self, Self::Pass)
    }

    /// Whether proofs are looked at.
    pub(crate) const fn is_on(self) -> bool {
        !matches!(self, Self::Off)
    }
}

/// Which bindings the requests of an issuer's tokens may prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Methods {
    pub(crate) dpop: DpopMode,
    /// Whether the certificate of the connection counts.
    pub(crate) certificate: bool,
    /// Whether the route takes no token without a proof of its key.
    pub(crate) needs_key: bool,
    /// Whether no token is taken that is bound to nothing.
    pub(crate) needs_any: bool,
}

impl Methods {
    /// The same, for a route that takes no token without a proof of its key, or for another.
    pub(crate) const fn with_key_needed(self, needs_key: bool) -> Self {
        Self { needs_key, ..self }
    }
}

/// What proofs of a request are measured by.
pub(crate) struct Proofs<'p> {
    /// `None` where no proof can hold.
    pub(crate) rules: Option<&'p proof::ProofRules>,
    /// The request that the token came with; `None` for a token by itself.
    pub(crate) request: Option<&'p Request<'p>>,
    /// The SHA-256 of the token, where it is known already.
    pub(crate) token_hash: Option<&'p [u8; 32]>,
    /// Gives the nonces of which a proof must have one; `None` if none are demanded.
    pub(crate) nonces: &'p dyn Fn() -> Option<std::sync::Arc<proof::Nonces>>,
}

impl Proofs<'_> {
    /// Of a token without a request around it.
    pub(crate) const NONE: Proofs<'static> =
        Proofs { rules: None, request: None, token_hash: None, nonces: &|| None };
}

/// A token's binding, if it has one, and what the request shows beside the token.
pub(crate) struct Binding<'b> {
    confirmation: Option<&'b Confirmation>,
    credential: &'b Credential<'b>,
    methods: Methods,
}

impl<'b> Binding<'b> {
    pub(crate) const fn new(
        confirmation: Option<&'b Confirmation>,
        credential: &'b Credential<'b>,
        methods: Methods,
    ) -> Self {
        Self { confirmation, credential, methods }
    }

    /// The thumbprint of the key that has to be proven beside this, if there is one. Each known method of `cnf` has to be
    /// proven, and one that is not switched on cannot be. Unknown members are ignored beside a known one (RFC 7800 §3.1).
    ///
    /// # Errors
    ///
    /// `binding_mismatch`: the request cannot show what the token is bound to, has not shown it, or the token is bound to
    /// nothing and came as if it were.
    pub(crate) fn check(&self) -> Result<Option<&'b [u8; 32]>, Reason> {
        let is_by_key = self.credential.scheme() == Scheme::Dpop;
        let needs_key = self.methods.needs_key || self.methods.dpop == DpopMode::Required;
        let Some(confirmation) = self.confirmation else {
            // RFC 9449 §7.1: with that scheme, a token has to be bound.
            return if is_by_key || needs_key || self.methods.needs_any {
                Err(Reason::BindingMismatch)
            } else {
                Ok(None)
            };
        };
        let Confirmation { key, certificate, is_unprovable, .. } = confirmation;
        let is_nothing_known = key.is_none() && certificate.is_none();
        // RFC 9449 §7.2: a token that is bound to a key never counts as a Bearer token.
        let is_shown_as_bound = is_by_key == key.is_some() && (key.is_some() || !needs_key);
        let is_on = (key.is_none() || self.methods.dpop.is_on())
            && (certificate.is_none() || self.methods.certificate);
        if *is_unprovable || is_nothing_known || !is_shown_as_bound || !is_on {
            return Err(Reason::BindingMismatch);
        }
        if let Some(bound) = certificate {
            certificate::check(bound, self.credential.certificate())?;
        }
        Ok(key.as_ref())
    }

    /// What the check wants, and what the request shows instead, for people to read.
    pub(crate) fn expected(&self) -> String {
        let Some(confirmation) = self.confirmation else {
            return match self.check() {
                Ok(_) => "no cnf: the request showed no key and no certificate".to_owned(),
                Err(_) => "a token that is bound to a key (cnf.jkt), with a proof of it".to_owned(),
            };
        };
        let Confirmation { key, certificate, has_others, is_unprovable } = confirmation;
        let methods = [
            key.map(|_| "a key (jkt)"),
            certificate.map(|_| "a certificate (x5t#S256)"),
            (*has_others || *is_unprovable).then_some("something else"),
        ];
        let methods: Vec<_> = methods.into_iter().flatten().collect();
        let bound = if methods.is_empty() { "nothing".to_owned() } else { methods.join(" and ") };
        let proof = match self.credential.proof() {
            HeaderValues::Absent => "no DPoP proof",
            HeaderValues::One(_) => "a DPoP proof",
            HeaderValues::Several => "several DPoP proofs",
        };
        let shown = self.shown_certificate(certificate.as_ref());
        let (wanted, how) = if self.methods.dpop.is_on() || self.methods.certificate {
            let scheme = self.credential.scheme().as_str();
            (
                "proof of that",
                format!("which is checked where it is switched on; it came by the scheme {scheme}"),
            )
        } else {
            ("no cnf", "which is not checked here".to_owned())
        };
        format!("{wanted}: the token is bound to {bound}, {how}; the request shows {proof} and {shown}")
    }

    fn shown_certificate(&self, bound: Option<&[u8; 32]>) -> &'static str {
        let Some(shown) = self.credential.certificate() else { return "no certificate" };
        match bound {
            None => "a certificate",
            Some(bound) if certificate::check(bound, Some(shown)).is_ok() => "that certificate",
            Some(_) => "another certificate",
        }
    }
}

#[cfg(test)]
mod tests;
