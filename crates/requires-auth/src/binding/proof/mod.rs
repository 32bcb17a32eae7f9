//! The proof that a client has the key of its token (RFC 9449 §4.3): every check of it, as a function of its arguments.
//!
//! What costs least comes first, and the signature last. Nothing is recorded here: whether a proof was used before is asked
//! once everything else about the request is good.
//!
//! The order also decides what a client is told of a proof with two faults: the first one. A proof of another key is not a fault of
//! the proof: the token is refused then, as one that somebody else sends (RFC 9449 §7.1, figure 16). It is found by the thumbprint, before
//! the signature is looked at, so that a stolen token with a proof of the thief's own key costs no signature.
//!
//! A nonce is looked at before the signature as well. It says that this server has made the proof possible a moment ago, and nothing about
//! who has made the proof; a client that has an old one is told the current one whether or not the rest holds, which tells it nothing
//! that an unsigned request could not ask for.

use std::sync::Arc;
use std::time::Duration;

use crate::claims::NumericDate;
use crate::error::Reason;
use crate::jose::alg::{Algorithm, AlgorithmSet};
use crate::jose::compact::{self, Unverified};
use crate::jose::digest::{are_equal, sha256_of_all};
use crate::request::{HeaderValues, Request};

mod claims;
mod header;
#[cfg(test)]
mod tests;

use claims::ProofClaims;
use header::Head;
pub(crate) use header::KnownProof;

use super::url::normalised;

/// What proofs are measured by: the same for all issuers of a guard.
#[derive(Clone, Debug)]
pub(crate) struct ProofRules {
    /// How long ago a proof may have been made.
    pub(crate) max_age: Duration,
    /// How far ahead the clock of a client may be.
    pub(crate) future: Duration,
    pub(crate) algorithms: AlgorithmSet,
    pub(crate) max_bytes: usize,
    /// The origin that clients use, and the path before that of each request: `public_url`, without a slash at its end.
    pub(crate) public_url: Box<str>,
    /// Whether keys may be used whose private halves are published for tests.
    pub(crate) public_test_keys: bool,
}

impl ProofRules {
    pub(crate) const DEFAULT_MAX_AGE: Duration = Duration::from_secs(60);
    pub(crate) const DEFAULT_FUTURE: Duration = Duration::from_secs(5);
    pub(crate) const DEFAULT_MAX_BYTES: usize = 8 * 1024;

    /// The rules where nothing else is configured, for requests below this URL in its one spelling.
    pub(crate) fn new(public_url: String) -> Self {
        Self {
            max_age: Self::DEFAULT_MAX_AGE,
            future: Self::DEFAULT_FUTURE,
            algorithms: Self::default_algorithms(),
            max_bytes: Self::DEFAULT_MAX_BYTES,
            public_url: public_url.into(),
            public_test_keys: false,
        }
    }

    /// What is taken where nothing else is configured. A proof by ML-DSA is as long as the limit of a header line at some
    /// servers, and no client signs with ES256K.
    pub(crate) fn default_algorithms() -> AlgorithmSet {
        let is_default = |algorithm: &Algorithm| {
            !matches!(
                algorithm,
                Algorithm::Es256k | Algorithm::MlDsa44 | Algorithm::MlDsa65 | Algorithm::MlDsa87
            )
        };
        Algorithm::ALL.iter().copied().filter(is_default).collect()
    }

    /// The URL of a request as its client knows it, in one spelling; `None` if it has none.
    fn url_of(&self, request: &Request<'_>) -> Option<String> {
        let base = request.origin().unwrap_or(&self.public_url);
        let path = request.target_path();
        if !path.is_empty() && !path.starts_with('/') {
            return None;
        }
        normalised(&[base.strip_suffix('/').unwrap_or(base), path].concat())
    }
}

/// The nonces that count at a time (RFC 9449 §9): that of this step, and the one before it.
#[derive(Debug)]
pub(crate) struct Nonces {
    pub(crate) current: Arc<str>,
    pub(crate) previous: Arc<str>,
}

/// What a proof is looked at for: one token, in one request.
pub(crate) struct ProofOf<'p> {
    pub(crate) request: &'p Request<'p>,
    pub(crate) proof: HeaderValues<'p>,
    /// The SHA-256 of the token.
    pub(crate) token_hash: [u8; 32],
    /// The thumbprint that the token is bound to.
    pub(crate) key: &'p [u8; 32],
    /// The header of an earlier proof for the same token.
    pub(crate) known: Option<&'p KnownProof>,
    /// The nonces of which it must have one; `None` if none are demanded.
    pub(crate) nonces: Option<&'p Nonces>,
    pub(crate) now: NumericDate,
}

/// A proof that holds. Whether it was used before is not known yet.
#[derive(Debug)]
pub(crate) struct Proven {
    /// What it is known by: of its key, our URL and its `jti`.
    pub(crate) id: [u8; 16],
    /// The thumbprint of its key.
    pub(crate) key: [u8; 32],
    /// The last second, since 1970, in which it can be accepted anywhere.
    pub(crate) until: u64,
    /// The nonce that the client is to use from now on, if its own will soon be over.
    pub(crate) fresh_nonce: Option<Arc<str>>,
    /// Its header, if it was not the known one.
    pub(crate) learnt: Option<KnownProof>,
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The proof itself is wrong.
    Proof(Reason),
    /// It is a good proof of another key than that of the token (RFC 9449 §7.1, figure 16).
    OtherKey,
    /// It has no nonce, or one that does not count. The client is to use this one (RFC 9449 §9).
    Nonce(Arc<str>),
}

/// A check of a proof, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProofCheck {
    Value,
    Type,
    Algorithm,
    Key,
    Claims,
    Method,
    Url,
    Time,
    Token,
    Thumbprint,
    Nonce,
    Signature,
}

/// Who is told of each check as it is made.
pub(crate) trait Watch {
    /// `finding` makes what was found and what was expected, for people to read.
    fn saw(&mut self, check: ProofCheck, passed: bool, finding: impl FnOnce() -> (String, String));

    /// Tells of a check, and refuses for `reason` if it does not hold.
    fn require(
        &mut self,
        check: ProofCheck,
        holds: bool,
        reason: Reason,
        finding: impl FnOnce() -> (String, String),
    ) -> Result<(), Fault> {
        self.saw(check, holds, finding);
        if holds { Ok(()) } else { Err(Fault::Proof(reason)) }
    }
}

/// Every check of a proof.
pub(crate) fn check(rules: &ProofRules, of: &ProofOf<'_>, watch: &mut impl Watch) -> Result<Proven, Fault> {
    let text = the_one_value(rules, of.proof, watch)?;
    let is_known = |header: &str| of.known.is_some_and(|known| known.is_of(header));
    let proof = decoded(text, is_known, watch)?;
    let head = Head::read(rules, text, &proof, of.known, watch)?;
    let claims = ProofClaims::read(proof.payload(), watch)?;
    let url = check_request(rules, of, &claims, watch)?;
    check_time(rules, claims.iat, of.now, watch)?;
    watch.require(ProofCheck::Token, claims.ath == of.token_hash, Reason::ProofToken, || {
        ("ath of another token".to_owned(), "the SHA-256 of the token that came with it".to_owned())
    })?;
    let thumbprint = head.thumbprint();
    watch.saw(ProofCheck::Thumbprint, thumbprint == of.key, || {
        ("the thumbprint of jwk".to_owned(), "cnf.jkt of the token".to_owned())
    });
    if thumbprint != of.key {
        return Err(Fault::OtherKey);
    }
    let fresh_nonce = check_nonce(of.nonces, claims.nonce.as_deref(), watch)?;
    watch.require(ProofCheck::Signature, head.has_signed(&proof), Reason::ProofSignature, || {
        (format!("{} bytes", proof.signature().len()), "the signature of the key in jwk".to_owned())
    })?;
    let id = sha256_of_all(&[rules.public_url.as_bytes(), of.key, url.as_bytes(), claims.jti.as_bytes()]);
    Ok(Proven {
        id: first_half(&id),
        key: *of.key,
        until: claims.iat.after(rules.max_age + rules.future).as_secs(),
        fresh_nonce,
        learnt: head.learnt(),
    })
}

/// The first 16 bytes of a SHA-256.
pub(crate) fn first_half(digest: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// RFC 9449 §4.3 (1): one header with one value, which is short enough to be looked into.
fn the_one_value<'p>(
    rules: &ProofRules,
    proof: HeaderValues<'p>,
    watch: &mut impl Watch,
) -> Result<&'p str, Fault> {
    let expected = || format!("one header DPoP with one JWT of at most {} bytes", rules.max_bytes);
    let mut refuse = |reason, found: &str| {
        watch.saw(ProofCheck::Value, false, || (found.to_owned(), expected()));
        Fault::Proof(reason)
    };
    let value = match proof {
        HeaderValues::Absent => return Err(refuse(Reason::ProofMissing, "no header DPoP")),
        HeaderValues::Several => return Err(refuse(Reason::ProofMalformed, "several headers DPoP")),
        HeaderValues::One(value) => value.trim_ascii(),
    };
    if value.len() > rules.max_bytes {
        return Err(refuse(Reason::ProofMalformed, &format!("{} bytes", value.len())));
    }
    if value.contains(&b',') {
        return Err(refuse(Reason::ProofMalformed, "a comma, which separates several values"));
    }
    std::str::from_utf8(value).map_err(|_| refuse(Reason::ProofMalformed, "bytes that are not ASCII"))
}

/// RFC 9449 §4.3 (2).
fn decoded<'p>(
    text: &'p str,
    is_known: impl FnOnce(&str) -> bool,
    watch: &mut impl Watch,
) -> Result<Unverified<'p>, Fault> {
    let proof = compact::decode(text, is_known);
    watch.saw(ProofCheck::Value, proof.is_ok(), || {
        let found = format!("{} parts", text.split('.').count());
        (found, "three parts of base64url without padding, separated by dots".to_owned())
    });
    proof.map_err(|_| Fault::Proof(Reason::ProofMalformed))
}

/// RFC 9449 §4.3 (8), (9): it is for this method, byte for byte, and for this URL. The URL by our own reckoning is handed on.
fn check_request(
    rules: &ProofRules,
    of: &ProofOf<'_>,
    claims: &ProofClaims<'_>,
    watch: &mut impl Watch,
) -> Result<String, Fault> {
    let method = of.request.method();
    watch.require(ProofCheck::Method, claims.htm == method, Reason::ProofMethod, || {
        (format!("htm {}", claims.htm), format!("{method}, in this case"))
    })?;
    let url = rules.url_of(of.request);
    // Most clients write it in its one spelling.
    let is_spelled_so = url.as_deref() == Some(&*claims.htu);
    let holds = is_spelled_so || url.is_some() && normalised(&claims.htu) == url;
    watch.saw(ProofCheck::Url, holds, || {
        let expected = url.as_deref().unwrap_or("a request with a path that a URL can have");
        (format!("htu {}", claims.htu), format!("{expected}, without query and fragment"))
    });
    url.filter(|_| holds).ok_or(Fault::Proof(Reason::ProofUrl))
}

/// RFC 9449 §4.3 (11). Seconds of the clock count: a proof of 60 s is 60 s old until the next one begins.
fn check_time(
    rules: &ProofRules,
    iat: NumericDate,
    now: NumericDate,
    watch: &mut impl Watch,
) -> Result<(), Fault> {
    let is_stale = iat.after(rules.max_age) < now.whole_seconds();
    let is_recent = !is_stale && !iat.is_ahead_of(now, rules.future);
    watch.require(ProofCheck::Time, is_recent, Reason::ProofTime, || {
        let expected = format!(
            "at most {} s ago, and at most {} s ahead",
            rules.max_age.as_secs(),
            rules.future.as_secs()
        );
        (format!("iat {iat}, {}", iat.in_words(now)), expected)
    })
}

/// RFC 9449 §4.3 (10), §9: once nonces are given out, a proof without one never passes (§11.3).
fn check_nonce(
    nonces: Option<&Nonces>,
    nonce: Option<&str>,
    watch: &mut impl Watch,
) -> Result<Option<Arc<str>>, Fault> {
    let Some(nonces) = nonces else { return Ok(None) };
    let is = |known: &str| nonce.is_some_and(|nonce| are_equal(nonce.as_bytes(), known.as_bytes()));
    let (is_current, is_previous) = (is(&nonces.current), is(&nonces.previous));
    watch.saw(ProofCheck::Nonce, is_current || is_previous, || {
        let found = nonce.map_or("no nonce", |_| "a nonce").to_owned();
        (found, "the nonce of the last header DPoP-Nonce".to_owned())
    });
    match (is_current, is_previous) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(Arc::clone(&nonces.current))),
        (false, false) => Err(Fault::Nonce(Arc::clone(&nonces.current))),
    }
}
