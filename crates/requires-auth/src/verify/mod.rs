//! The verifier: one function, from a credential to a token.
//!
//! [`judge`] makes every check of [`Step`] in order, and the first that fails names the reason. It does
//! no IO and reads no clock: evidence and time are arguments. When the evidence at hand does not settle the
//! matter it says what it needs, and the shell gets that and asks again.
//!
//! What it says of a token holds for any request, so that the token can be remembered. Whether *this* request shows the
//! key that a token is bound to is the next question: [`check_binding`].

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use crate::binding::proof::Proven;
use crate::binding::{Binding, Methods, Proofs};
use crate::claims::{Claims, Confirmation, NumericDate, Payload, Vouched};
use crate::credential::{Bearer, Credential};
use crate::error::{Denial, Reason};
use crate::jose::alg::AlgorithmSet;
use crate::jose::compact::{Token, Unverified};
use crate::jose::header::Header;
pub(crate) use crate::jose::header::KnownHeader;
use crate::jose::key_set::Found;
use crate::jose::signature::Verified;

mod arena;
mod audience;
mod claim_checks;
mod client;
mod evidence;
mod implied;
mod introspected;
mod marks;
mod places;
mod proof;
mod revoked;
mod rules;
mod token;
mod trace;

pub use crate::jose::alg::{Algorithm, UnknownAlgorithm};
pub use crate::jose::jwk::Unusable;
pub use crate::jose::key_set::{KeySet, KeySetError, SkippedKey};
pub use audience::Audience;
use claim_checks::{Signer, check_claims};
pub(crate) use client::{ClientRule, ClientTest};
pub(crate) use evidence::{Evidence, Need, Said, Stop, Tried};
pub(crate) use implied::{Implication, ImpliedScopes, in_a_cycle};
pub(crate) use introspected::RETRY_AFTER;
use introspected::{confirm, judge_opaque};
use marks::check_marks;
pub use marks::{Mark, Marks};
pub(crate) use places::check_place;
use proof::prove_key;
pub(crate) use revoked::check_revoked;
pub(crate) use rules::{GuardId, IntrospectionRules, IssuerRules, Issuers, OfTable, Tenancy};
pub use rules::{Profile, Rules, Tokens};
pub use token::{AccessToken, ClaimsError};
pub(crate) use token::{Proof, ProvenBy};
pub use trace::Step;
pub(crate) use trace::{Finding, NoTrace, Trace};

impl Rules {
    /// Judges a token with the keys at hand, which are all there are.
    ///
    /// # Errors
    ///
    /// The first check that fails names the reason.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use requires_auth::verify::{KeySet, Rules};
    /// use requires_auth::{Bearer, Reason};
    ///
    /// let rules = Rules::new(Some("https://issuer.example"), "https://api.example.com");
    /// let keys = KeySet::parse(r#"{"keys": []}"#)?;
    /// let denial = rules.verify(Bearer::parse("opaque")?, &keys.into(), SystemTime::now()).unwrap_err();
    /// assert_eq!(denial.reason(), Some(Reason::Opaque));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify(
        &self,
        bearer: Bearer<'_>,
        keys: &Arc<KeySet>,
        now: SystemTime,
    ) -> Result<AccessToken, Denial> {
        let credential = Credential::from(bearer);
        let evidence = Evidence {
            known_header: None,
            is_of_tenant: false,
            keys: &|_| Some(Arc::clone(keys)),
            answers: &|_| None,
        };
        let judged = judge(self, &credential, &evidence, now.into(), &mut NoTrace);
        let token = judged.map_err(Stop::into_denial)?;
        // There is no request that could show a key.
        check_binding(&token, &credential, &Proofs::NONE, false, &mut NoTrace)?;
        Ok(token)
    }
}

/// Judges the token of a credential by the evidence at hand.
pub(crate) fn judge(
    rules: &Rules,
    credential: &Credential<'_>,
    evidence: &Evidence<'_>,
    now: NumericDate,
    trace: &mut impl Trace,
) -> Result<AccessToken, Stop> {
    let bearer = credential.bearer()?;
    match parse(rules, bearer, evidence.known_header, trace)? {
        Token::Signed(token) => judge_signed(rules, credential, &token, evidence, now, trace),
        Token::Opaque => judge_opaque(rules, credential, bearer, evidence, now, trace),
    }
}

fn judge_signed(
    rules: &Rules,
    credential: &Credential<'_>,
    token: &Unverified<'_>,
    evidence: &Evidence<'_>,
    now: NumericDate,
    trace: &mut impl Trace,
) -> Result<AccessToken, Stop> {
    let header = check_header(rules, token, trace)?;
    let payload = Payload::read(token.payload());
    let issuer = choose_issuer(rules, &payload, trace)?;
    check_algorithm_of(&rules.issuers[issuer], &header, trace)?;
    let Signed { verified, keys, key_issuer } = verify_signature(issuer, token, &header, evidence, trace)
        .map_err(|stop| stop.expired_if(|| payload.claims_to_have_expired(now, rules.leeway)))?;
    let vouched = trace.outcome(Step::Claims, Vouched::signed(verified, payload), |_| {
        Finding::new("the payload", "one JSON object, no member twice, not nested deeper than 100")
    })?;
    let claims = Claims::new(vouched);
    let signer = Signer { issuer: &rules.issuers[issuer], key_issuer };
    check_marks(rules, signer.issuer, &header, &claims, trace)?;
    let checked = check_claims(rules, &signer, credential, &claims, now, trace)?;
    let checked = confirm(rules, issuer, evidence, checked, now, trace)?;
    let proven_by = ProvenBy { issuer, keys: Some(Arc::downgrade(&keys)) };
    Ok(AccessToken::new(rules, &claims, checked, proven_by, now)?)
}

/// Whether a request shows the key or the certificate that its token is bound to. It is asked for each request, whether
/// the token was just judged or is remembered. A proof that holds may have been used before, which is the next question.
///
/// # Errors
///
/// `binding_mismatch`, a reason of `invalid_dpop_proof`, or `use_dpop_nonce`.
pub(crate) fn check_binding(
    token: &AccessToken,
    credential: &Credential<'_>,
    proofs: &Proofs<'_>,
    needs_key: bool,
    trace: &mut impl Trace,
) -> Result<Option<Box<Proven>>, Denial> {
    let found = || token.with_claim("cnf", |cnf| cnf.text().to_owned());
    let found = || found().unwrap_or_else(|| "absent".to_owned());
    let methods = token.methods().with_key_needed(needs_key);
    let required = require_binding(token.confirmation(), credential, methods, found, trace);
    match required.map_err(Denial::invalid_token)? {
        Some(key) => prove_key(token, credential, key, proofs, trace).map(|proven| Some(Box::new(proven))),
        None => Ok(None),
    }
}

/// Refuses a token whose binding the request cannot prove. A key is left to its proof.
fn require_binding<'b>(
    confirmation: Option<&'b Confirmation>,
    credential: &'b Credential<'b>,
    methods: Methods,
    found: impl FnOnce() -> String,
    trace: &mut impl Trace,
) -> Result<Option<&'b [u8; 32]>, Reason> {
    let binding = Binding::new(confirmation, credential, methods);
    trace.outcome(Step::Binding, binding.check(), |_| Finding::new(found(), binding.expected()))
}

fn parse<'a>(
    rules: &Rules,
    bearer: Bearer<'a>,
    known: Option<&'a KnownHeader>,
    trace: &mut impl Trace,
) -> Result<Token<'a>, Reason> {
    let size = bearer.token().len();
    trace.require(Step::Size, size <= rules.max_token_bytes, Reason::TooLarge, || {
        Finding::new(format!("{size} bytes"), format!("at most {} bytes", rules.max_token_bytes))
    })?;
    let takes_opaque = rules.issuers.of_opaque_tokens().is_some();
    let token = match Token::parse(bearer, known) {
        // Where opaque tokens are taken, what does not have the shape of a JWT is one: some have a dot or two in them.
        Err(Reason::Malformed) if takes_opaque && bearer.token().split('.').count() != 3 => Ok(Token::Opaque),
        token => token,
    };
    let has_known_shape =
        matches!((&token, takes_opaque), (Ok(Token::Signed(_)), _) | (Ok(Token::Opaque), true));
    trace.record(Step::Parts, has_known_shape, || {
        Finding::new(
            match bearer.token().split('.').count() {
                1 => "one part, without a dot".to_owned(),
                3 if bearer.token().contains('=') => "3 parts, with padding (`=`)".to_owned(),
                parts => format!("{parts} parts"),
            },
            if takes_opaque {
                "three parts of base64url without padding, separated by dots, or an opaque token"
            } else {
                "three parts of base64url without padding, separated by dots"
            },
        )
    });
    token
}

fn check_header<'t>(
    rules: &Rules,
    token: &'t Unverified<'_>,
    trace: &mut impl Trace,
) -> Result<Header<'t>, Reason> {
    let header = trace.outcome(Step::Header, token.header(), |_| {
        Finding::new(
            String::from_utf8_lossy(token.header_text()),
            "one JSON object, no member twice, `alg` a string, `kid` and `typ` strings if present",
        )
    })?;
    trace.require(Step::Critical, !header.is_critical(), Reason::CriticalHeader, || {
        Finding::new(String::from_utf8_lossy(token.header_text()), "no `crit`, and `b64` not false")
    })?;
    // RFC 9068 §4; RFC 8725 §3.11: explicit typing, so that no other kind of JWT passes for an access token.
    let is_access_token = header.is_type("at+jwt")
        || (header.typ().is_none() || header.is_type("JWT")) && rules.profile_of_any() == Profile::Jwt;
    trace.require(Step::Type, is_access_token && !header.is_nested(), Reason::TypeNotAllowed, || {
        let expected = match rules.profile_of_any() {
            Profile::AccessTokenJwt | Profile::Fapi2 => "typ at+jwt, and not a nested JWT",
            Profile::Jwt => "typ at+jwt, JWT or absent, and not a nested JWT",
        };
        Finding::new(header.typ().unwrap_or("no typ"), expected)
    })?;
    // RFC 8725 §3.1: the list is ours, never the token's.
    let allowed = header
        .algorithm()
        .is_some_and(|algorithm| rules.algorithms.is_none_or(|list| list.contains(algorithm)));
    trace.require(Step::Algorithm, allowed, Reason::AlgorithmNotAllowed, || {
        let expected =
            rules.algorithms.map_or_else(|| "an algorithm of the issuer's keys".to_owned(), names_of);
        Finding::new(header.algorithm_name(), expected)
    })?;
    Ok(header)
}

fn names_of(list: AlgorithmSet) -> String {
    let names: Vec<_> = list.iter().map(Algorithm::name).collect();
    if names.is_empty() { "an algorithm of the list, which is empty".to_owned() } else { names.join(", ") }
}

/// Finds the issuer whose keys count (RFC 8725 §3.8). A token whose `iss` is absent or no string goes on
/// with the first: its signature decides, and then `iss` is refused as missing or malformed.
fn choose_issuer(rules: &Rules, payload: &Payload<'_>, trace: &mut impl Trace) -> Result<usize, Reason> {
    let claimed = payload.claimed_issuer();
    let chosen = match &claimed {
        Some(claimed) => rules.issuers.find(claimed),
        None => rules.issuers.first(),
    };
    let chosen = chosen.ok_or(Reason::IssuerMismatch).and_then(|issuer| {
        let takes_jwts = rules.issuers[issuer].tokens != Tokens::Opaque;
        if takes_jwts { Ok(issuer) } else { Err(Reason::TypeNotAllowed) }
    });
    trace.outcome(Step::Issuer, chosen, |outcome| {
        if matches!(outcome, Err(Reason::TypeNotAllowed)) {
            return Finding::new("a JWT", "an opaque token: no JWT of this issuer is taken");
        }
        let configured: Vec<_> = rules.issuers.names().collect();
        let expected = if configured.is_empty() { "any issuer".to_owned() } else { configured.join(", ") };
        Finding::new(claimed.as_deref().unwrap_or("no readable iss"), expected)
    })
}

/// The issuer's list of algorithms, before any of its keys is looked at (RFC 8725 §3.1). What another issuer may use is
/// no matter here.
fn check_algorithm_of(
    issuer: &IssuerRules,
    header: &Header<'_>,
    trace: &mut impl Trace,
) -> Result<(), Reason> {
    let Some(list) = issuer.algorithms else { return Ok(()) };
    if header.algorithm().is_some_and(|algorithm| list.contains(algorithm)) {
        return Ok(());
    }
    // It has passed as an algorithm of the guard, and fails as one that a key of this issuer may be used with.
    trace.record(Step::Key, false, || {
        let found = format!("kid {}, alg {}", header.kid().unwrap_or("absent"), header.algorithm_name());
        Finding::new(found, format!("of this issuer, {}", names_of(list)))
    });
    Err(Reason::AlgorithmNotAllowed)
}

/// A payload that a key of the issuer has signed.
struct Signed<'t> {
    verified: Verified<'t>,
    keys: Arc<KeySet>,
    /// The issuer that the key is for, where the key set says so.
    key_issuer: Option<Box<str>>,
}

/// What an issuer claims to be, before anything is verified: good for nothing but finding out whether it is one of ours.
pub(crate) fn claimed_issuer(rules: &Rules, bearer: Bearer<'_>) -> Option<String> {
    if bearer.token().len() > rules.max_token_bytes {
        return None;
    }
    let Ok(Token::Signed(token)) = Token::parse(bearer, None) else { return None };
    Payload::read(token.payload()).claimed_issuer().map(Cow::into_owned)
}

fn verify_signature<'t>(
    issuer: usize,
    token: &'t Unverified<'_>,
    header: &Header<'_>,
    evidence: &Evidence<'_>,
    trace: &mut impl Trace,
) -> Result<Signed<'t>, Stop> {
    let algorithm = header.algorithm().ok_or(Reason::AlgorithmNotAllowed)?;
    let asked = || format!("kid {}, alg {algorithm}", header.kid().unwrap_or("absent"));
    let Some(key_set) = (evidence.keys)(issuer) else {
        trace
            .record(Step::Key, false, || Finding::new(asked(), "a key set of the issuer, and there is none"));
        return Err(Stop::for_keys(issuer, None));
    };
    let found = key_set.find(algorithm, header.kid());
    trace.record(Step::Key, matches!(found, Found::Keys(_)), || {
        Finding::new(asked(), format!("one of {}", key_set.describe()))
    });
    let candidates = match found {
        Found::Keys(candidates) => candidates,
        Found::OtherAlgorithm => return Err(Reason::AlgorithmNotAllowed.into()),
        Found::Unknown => {
            let unknown_kid = header.kid().map(Into::into);
            let tried = Some(Tried { keys: key_set, reason: Reason::KeyUnknown, unknown_kid });
            return Err(Stop::for_keys(issuer, tried));
        }
    };
    let verified = candidates.iter().find_map(|key| Some((key.public().verify(algorithm, token)?, key)));
    trace.record(Step::Signature, verified.is_some(), || {
        let tried = match (header.kid(), candidates.iter().count()) {
            (None, tried) => format!(", by one of the {tried} keys that were tried"),
            _ => String::new(),
        };
        let found = format!("{} bytes", token.signature().len());
        Finding::new(found, format!("the signature of {}{tried}", asked()))
    });
    // A known kid may have been given to a new key, so a mismatch is worth a look at fresh keys.
    let Some((verified, key)) = verified else {
        let tried = Tried { keys: key_set, reason: Reason::SignatureMismatch, unknown_kid: None };
        return Err(Stop::for_keys(issuer, Some(tried)));
    };
    let key_issuer = key.issuer().filter(|_| evidence.is_of_tenant).map(Into::into);
    Ok(Signed { verified, keys: key_set, key_issuer })
}
