//! Tokens that their issuer is asked about: opaque ones (RFC 7662), and JWTs where the issuer shall confirm each.

use std::borrow::Cow;

use super::claim_checks::{Signer, check_claims};
use super::client::client_id;
use super::token::Checked;
use super::{
    AccessToken, Evidence, Finding, IntrospectionRules, IssuerRules, ProvenBy, Rules, Said, Step, Stop, Trace,
};
use crate::claims::{Claims, NumericDate, Vouched};
use crate::credential::{Bearer, Credential};
use crate::error::{Denial, ErrorCode, Reason};
use crate::introspection::Active;

/// A shorter text is not a token that anybody gives out, so no issuer is asked about it.
const SHORTEST_OPAQUE_TOKEN: usize = 8;

/// After how many seconds to try again, where the issuer has not answered.
pub(crate) const RETRY_AFTER: u32 = 2;

/// Judges a token that only its issuer understands, by what the issuer says of it.
pub(super) fn judge_opaque(
    rules: &Rules,
    credential: &Credential<'_>,
    bearer: Bearer<'_>,
    evidence: &Evidence<'_>,
    now: NumericDate,
    trace: &mut impl Trace,
) -> Result<AccessToken, Stop> {
    let Some((issuer, asked)) = rules.issuers.of_opaque_tokens() else { return Err(Reason::Opaque.into()) };
    let own = &rules.issuers[issuer];
    // What stands where this issuer's tokens may not is not its token, and is not shown to it.
    if !credential.places().meets(own.places) {
        return Err(Denial::new(ErrorCode::AuthorizationHeaderMissing).into());
    }
    let length = bearer.token().len();
    if length < SHORTEST_OPAQUE_TOKEN {
        trace.record(Step::Introspection, false, || {
            let expected = format!("at least {SHORTEST_OPAQUE_TOKEN} characters: nobody was asked about it");
            Finding::new(format!("{length} characters"), expected)
        });
        return Err(Reason::Malformed.into());
    }
    let active = active(issuer, asked, evidence, trace)?;
    let is_of_type = |type_: &str| active.token_type().is_some_and(|name| name.eq_ignore_ascii_case(type_));
    let (is_bearer, is_dpop) = (is_of_type("bearer"), is_of_type("dpop"));
    let claims = Claims::new(Vouched::answered(active));
    let signer = Signer { issuer: own, key_issuer: None };
    let checked = check_claims(rules, &signer, credential, &claims, now, trace)?;
    // RFC 9449 §6.2: a token that is bound to a key has the type DPoP, and its answer says which key that is.
    let is_bound = checked.confirmation.as_ref().is_some_and(|confirmation| confirmation.key.is_some());
    if is_bearer && is_bound || is_dpop && !is_bound {
        trace.record(Step::Binding, false, || {
            let found =
                if is_bound { "token_type Bearer beside cnf.jkt" } else { "token_type DPoP without cnf.jkt" };
            Finding::new(found, "token_type DPoP and cnf.jkt together, or neither of them")
        });
        return Err(Reason::TypeNotAllowed.into());
    }
    let proven_by = ProvenBy { issuer, keys: None };
    Ok(AccessToken::new(rules, &claims, checked, proven_by, now)?)
}

/// Lets the issuer confirm a token that is good by its signature and its claims, where the rules ask for that.
///
/// The claims of the token stay those that count. The answer must be about the same token, and may end it earlier.
pub(super) fn confirm<'t>(
    rules: &Rules,
    issuer: usize,
    evidence: &Evidence<'_>,
    checked: Checked<'t>,
    now: NumericDate,
    trace: &mut impl Trace,
) -> Result<Checked<'t>, Stop> {
    let own = &rules.issuers[issuer];
    let Some(asked) = own.introspection.as_ref().filter(|asked| asked.is_always) else { return Ok(checked) };
    let answer = Claims::new(Vouched::answered(active(issuer, asked, evidence, trace)?));
    match agrees(rules, own, &answer, &checked, now) {
        Ok(end) => {
            let until = now.after(asked.ttl);
            Ok(checked.remembered_until(now, end.map_or(until, |end| end.earlier(until))))
        }
        Err(reason) => {
            trace.record(Step::Introspection, false, || {
                Finding::new(
                    reason.message(),
                    "an answer about this token: same iss, sub, client_id and cnf, not expired",
                )
            });
            Err(reason.into())
        }
    }
}

/// Whether an answer is about this token, and its times hold: when the token ends by it, if it says so.
fn agrees(
    rules: &Rules,
    issuer: &IssuerRules,
    answer: &Claims<'_>,
    token: &Checked<'_>,
    now: NumericDate,
) -> Result<Option<NumericDate>, Reason> {
    if answer.string("iss")?.is_some_and(|iss| !issuer.is_called(&iss)) {
        return Err(Reason::IssuerMismatch);
    }
    let end = answer.time("exp")?;
    if end.is_some_and(|exp| exp.has_passed(now, rules.leeway)) {
        return Err(Reason::Expired);
    }
    for name in ["nbf", "iat"] {
        if answer.time(name)?.is_some_and(|time| time.is_ahead_of(now, rules.leeway)) {
            return Err(Reason::NotYetValid);
        }
    }
    let parties = &token.parties;
    let differs = |told: Option<Cow<'_, str>>, own: &Option<Cow<'_, str>>| {
        told.is_some() && own.is_some() && told != *own
    };
    // The client is read where that of the token was.
    let paths = issuer.client_claims.as_ref().unwrap_or(&rules.client_claims);
    let client = client_id(paths, answer).map_err(|(_, reason)| reason)?;
    if differs(answer.string("sub")?, &parties.subject) || differs(client, &parties.client_id) {
        return Err(Reason::ClaimMalformed);
    }
    match answer.confirmation() {
        Some(told) if token.confirmation.as_ref() != Some(&told) => Err(Reason::BindingMismatch),
        _ => Ok(end),
    }
}

/// The issuer's word that a token is active, and an access token.
fn active<'e>(
    issuer: usize,
    asked: &IntrospectionRules,
    evidence: &Evidence<'e>,
    trace: &mut impl Trace,
) -> Result<Active<'e>, Stop> {
    let wanted = || {
        if asked.is_type_optional {
            "an answer with active true, and token_type Bearer, DPoP or absent"
        } else {
            "an answer with active true, and token_type Bearer or DPoP"
        }
    };
    let failed = |trace: &mut _, found: &str| refuse(trace, found, wanted());
    let answer = match (evidence.answers)(issuer) {
        Some(Said::Answer(answer)) => answer,
        Some(Said::Refused(reason)) => {
            failed(trace, "refused a moment ago, which is remembered");
            return Err(reason.into());
        }
        Some(Said::Nothing(cause)) => {
            failed(trace, cause);
            return Err(Denial::undecided(RETRY_AFTER).into());
        }
        None => {
            failed(trace, "no answer: the issuer was not asked");
            return Err(Stop::for_answer(issuer));
        }
    };
    let Some(active) = answer.active() else {
        let quoted = answer.is_active_in_quotes();
        failed(trace, if quoted { "active is the text \"true\"" } else { "not active" });
        return Err(Reason::Inactive.into());
    };
    let named = active.token_type();
    let found = match &named {
        Some(name) => format!("active, token_type {name}"),
        None if active.has_token_type() => "active, token_type is not a text".to_owned(),
        None => "active, no token_type: a refresh token looks like this".to_owned(),
    };
    let is_access_token = match &named {
        Some(name) => name.eq_ignore_ascii_case("bearer") || name.eq_ignore_ascii_case("dpop"),
        None => asked.is_type_optional && !active.has_token_type(),
    };
    trace.require(Step::Introspection, is_access_token, Reason::TypeNotAllowed, || {
        Finding::new(found, wanted())
    })?;
    Ok(active)
}

fn refuse(trace: &mut impl Trace, found: &str, wanted: &'static str) {
    trace.record(Step::Introspection, false, || Finding::new(found, wanted));
}
