//! The checks of claims that are vouched for, in the order in which they are made.

use std::borrow::Cow;
use std::time::Duration;

use super::client::client_id;
use super::token::{Checked, Kind, Parties};
use super::{Finding, IssuerRules, Profile, Rules, Step, Trace, require_binding};
use crate::binding::Methods;
use crate::claims::{Claims, Confirmation, NumericDate, Strings};
use crate::credential::Credential;
use crate::error::Reason;

/// Who has signed a token.
pub(super) struct Signer<'r> {
    pub(super) issuer: &'r IssuerRules,
    /// The issuer that the key is for, where it is one of several tenants and the key set says so.
    pub(super) key_issuer: Option<Box<str>>,
}

/// Checks the claims, save for whether the request shows what the token is bound to.
pub(super) fn check_claims<'t>(
    rules: &'t Rules,
    signer: &Signer<'t>,
    credential: &Credential<'_>,
    claims: &Claims<'t>,
    now: NumericDate,
    trace: &mut impl Trace,
) -> Result<Checked<'t>, Reason> {
    let issuer = signer.issuer;
    // What RFC 9068 demands of a JWT is not demanded of an answer (RFC 7662 §2.2: all but `active` is optional).
    let profile = if claims.are_answered() { Profile::Jwt } else { issuer.profile.unwrap_or(rules.profile) };
    let ttl = issuer.introspection.as_ref().map_or(Duration::ZERO, |asked| asked.ttl);
    let answer_until = claims.are_answered().then(|| now.after(ttl));
    check_kind(issuer, claims, trace)?;
    if let Some((reason, finding)) = tenant_fault(signer, claims) {
        trace.record(Step::Iss, false, || finding);
        return Err(reason);
    }
    let iss = trace.outcome(Step::Iss, check_iss(issuer, claims), |_| {
        Finding::new(claims.describe("iss"), issuer.issuer.as_deref().unwrap_or("a string"))
    })?;
    let (audience, is_for_guard) =
        trace.outcome(Step::Aud, check_audience(rules, issuer, profile, claims), |_| {
            Finding::new(issuer.audience.found(claims), issuer.audience.expected())
        })?;
    let Times { expires_at, not_before } = check_times(rules, claims, now, answer_until, trace)?;
    let parties = trace_profile(profile, check_profile(rules, issuer, profile, claims), claims, trace)?;
    let confirmation = claims.confirmation();
    let is_client = issuer.client_rule.decide(claims, &parties);
    let may_be_user = match is_client {
        Some(is_client) => !is_client,
        None => issuer.client_rule.unknown_may_be_user,
    };
    let scopes = read_scopes(rules, issuer, claims).or_else(|fault| {
        refuse_scopes(fault, issuer.methods, confirmation.as_ref(), credential, claims, trace)
    })?;
    let tenant = issuer.tenant.as_ref().and_then(|tenancy| tenancy.name.as_deref());
    let checked = Checked {
        issuer: iss,
        tenant,
        parties,
        kind: Kind { is_client, may_be_user },
        audience,
        is_for_guard,
        scopes,
        expires_at,
        not_before,
        confirmation,
        remembered_until: None,
    };
    Ok(match answer_until {
        Some(until) => checked.remembered_until(now, until),
        None => checked,
    })
}

/// Refuses what says that it is another kind of token than an access token.
fn check_kind(issuer: &IssuerRules, claims: &Claims<'_>, trace: &mut impl Trace) -> Result<(), Reason> {
    // Where JWTs that are ID tokens are taken, answers about ID tokens still are not.
    let takes_id_tokens = issuer.marks.id_tokens && !claims.are_answered();
    let is_access_token = !claims.are_of_another_kind(takes_id_tokens);
    trace.require(Step::IdToken, is_access_token, Reason::TypeNotAllowed, || {
        let marks = ["at_hash", "c_hash", "nonce", "typ"].into_iter().filter(|name| claims.has(name));
        let marks = marks
            .map(|name| if name == "typ" { format!("typ {}", claims.describe(name)) } else { name.to_owned() })
            .collect::<Vec<_>>();
        let found = if marks.is_empty() { "none of them".to_owned() } else { marks.join(", ") };
        let expected =
            "no at_hash, no c_hash, nonce only beside scope or client_id, and no typ of another kind of token";
        Finding::new(found, expected)
    })
}

/// When a token begins and ends to be good.
struct Times {
    expires_at: NumericDate,
    not_before: Option<NumericDate>,
}

/// Checks `exp`, `nbf` and `iat`, in this order.
fn check_times(
    rules: &Rules,
    claims: &Claims<'_>,
    now: NumericDate,
    answer_until: Option<NumericDate>,
    trace: &mut impl Trace,
) -> Result<Times, Reason> {
    let within = |name, limit: &str| {
        let words = claims.time(name).ok().flatten().map(|time| format!(" ({})", time.in_words(now)));
        Finding::new(
            claims.describe(name) + &words.unwrap_or_default(),
            format!("{limit} {} (now), leeway {} s", now.whole_seconds(), rules.leeway.as_secs()),
        )
    };
    let exp = check_exp(rules, claims, now, answer_until);
    let expires_at = trace.outcome(Step::Exp, exp, |_| within("exp", "after"))?;
    let not_ahead = |name| check_not_ahead(name, rules, claims, now);
    let nbf = trace.outcome(Step::Nbf, not_ahead("nbf"), |_| within("nbf", "absent, or not after"))?;
    let iat = trace.outcome(Step::Iat, not_ahead("iat"), |_| within("iat", "absent, or not after"))?;
    Ok(Times { expires_at, not_before: nbf.into_iter().chain(iat).reduce(NumericDate::later) })
}

/// RFC 9068 §4: `iss` is one string, equal to the issuer byte for byte.
///
/// The issuer was chosen by what the unverified payload said; this looks at what was signed. The two are the same
/// bytes, so the comparison never fails here, and stays for the day when they are not.
///
/// An answer need not say who gives it (RFC 7662 §2.2); it was asked of the issuer.
fn check_iss<'t>(issuer: &'t IssuerRules, claims: &Claims<'t>) -> Result<Cow<'t, str>, Reason> {
    let iss = match &issuer.issuer {
        Some(issuer) if claims.are_answered() && !claims.has("iss") => Cow::Borrowed(&**issuer),
        _ => claims.required_string("iss")?,
    };
    match &issuer.issuer {
        Some(name) if **name == *iss => Ok(iss),
        // Under another of its names it is the same issuer, so that its subjects are the same.
        Some(name) if issuer.is_called(&iss) => Ok(Cow::Borrowed(name)),
        Some(_) => Err(Reason::IssuerMismatch),
        None => Ok(iss),
    }
}

/// What stands for the tenant in the issuer of a key.
const TENANT_OF_KEY: &str = "{tenantid}";

/// A key that is for another tenant has signed nothing here, and a claim that names the tenant names this one: one server
/// signs for many.
fn tenant_fault(signer: &Signer<'_>, claims: &Claims<'_>) -> Option<(Reason, Finding)> {
    let tenancy = signer.issuer.tenant.as_ref()?;
    let issuer = signer.issuer.issuer.as_deref().unwrap_or_default();
    let tenant = match signer.key_issuer.as_deref().map(|key_issuer| key_for(key_issuer, issuer)) {
        Some(KeyFor::Another) => {
            let key_issuer = signer.key_issuer.as_deref().unwrap_or_default();
            let finding = Finding::new(format!("a key for {key_issuer}"), format!("a key for {issuer}"));
            return Some((Reason::IssuerMismatch, finding));
        }
        Some(KeyFor::EachTenant(tenant)) => Some(tenant),
        Some(KeyFor::This) | None => None,
    };
    let own = tenancy.name.as_deref().into_iter();
    let own = own.flat_map(|name| tenancy.claims.iter().map(move |claim| (&**claim, name)));
    let mut names = own.chain(tenant.map(|tenant| ("tid", tenant)));
    names.find_map(|(claim, name)| {
        let reason = match claims.required_string(claim) {
            Ok(value) if value == name => return None,
            Ok(_) => Reason::IssuerMismatch,
            Err(reason) => reason,
        };
        let found = format!("{claim} {}", claims.describe(claim));
        Some((reason, Finding::new(found, format!("{claim} \"{name}\""))))
    })
}

/// For whom a key is.
enum KeyFor<'i> {
    /// For every tenant, of which this is the one in the issuer.
    EachTenant(&'i str),
    /// For this issuer alone.
    This,
    Another,
}

fn key_for<'i>(key_issuer: &str, issuer: &'i str) -> KeyFor<'i> {
    let Some((before, after)) = key_issuer.split_once(TENANT_OF_KEY) else {
        return if key_issuer == issuer { KeyFor::This } else { KeyFor::Another };
    };
    let tenant = issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let tenant = tenant.filter(|tenant| !tenant.is_empty() && !tenant.contains('/'));
    tenant.map_or(KeyFor::Another, KeyFor::EachTenant)
}

/// The audiences, and whether the issuer's rule takes them. One that it does not take may be that of a route, whose policy
/// then has the last word.
fn check_audience<'t>(
    rules: &Rules,
    issuer: &IssuerRules,
    profile: Profile,
    claims: &Claims<'t>,
) -> Result<(Strings<'t>, bool), Reason> {
    match issuer.audience.check(profile, claims) {
        Ok(audience) => Ok((audience, true)),
        Err(Reason::AudienceMismatch) if !rules.route_audiences.is_empty() => {
            let audience = claims.audience()?.unwrap_or_default();
            let is_of_a_route =
                |named: &Cow<'_, str>| rules.route_audiences.iter().any(|own| **own == **named);
            if audience.iter().any(is_of_a_route) {
                Ok((audience, false))
            } else {
                Err(Reason::AudienceMismatch)
            }
        }
        Err(reason) => Err(reason),
    }
}

/// RFC 7519 §4.1.4; RFC 9068 §4: required. An answer may leave it out (RFC 7662 §2.2), and counts for a while then.
fn check_exp(
    rules: &Rules,
    claims: &Claims<'_>,
    now: NumericDate,
    answer_until: Option<NumericDate>,
) -> Result<NumericDate, Reason> {
    let Some(exp) = claims.time("exp")? else { return answer_until.ok_or(Reason::ClaimMissing) };
    if exp.has_passed(now, rules.leeway) { Err(Reason::Expired) } else { Ok(exp) }
}

/// RFC 7519 §4.1.5 for `nbf`; a token from the future (`iat`) is a broken clock or a forgery.
fn check_not_ahead(
    name: &str,
    rules: &Rules,
    claims: &Claims<'_>,
    now: NumericDate,
) -> Result<Option<NumericDate>, Reason> {
    match claims.time(name)? {
        Some(time) if time.is_ahead_of(now, rules.leeway) => Err(Reason::NotYetValid),
        time => Ok(time),
    }
}

fn trace_profile<'t>(
    profile: Profile,
    parties: Result<Parties<'t>, Fault<'_>>,
    claims: &Claims<'_>,
    trace: &mut impl Trace,
) -> Result<Parties<'t>, Reason> {
    let faulty = parties.as_ref().err().map(|fault| fault.claim);
    trace.outcome(Step::Profile, parties.map_err(|fault| fault.reason), |_| {
        let required = match profile {
            Profile::AccessTokenJwt | Profile::Fapi2 => "sub, client_id, iat and jti of the right types",
            Profile::Jwt => "sub, client_id and jti strings if present",
        };
        let names =
            faulty.map_or(vec!["sub", "client_id", "iat", "jti", "authorization_details"], |name| vec![name]);
        let found: Vec<_> = names.iter().map(|name| format!("{name} {}", claims.describe_at(name))).collect();
        Finding::new(found.join(", "), required)
    })
}

/// A claim that is missing or of another type.
struct Fault<'r> {
    claim: &'r str,
    reason: Reason,
}

/// RFC 9068 §2.2, RFC 9396 §9.1.
fn check_profile<'t, 'r>(
    rules: &'r Rules,
    issuer: &'r IssuerRules,
    profile: Profile,
    claims: &Claims<'t>,
) -> Result<Parties<'t>, Fault<'r>> {
    let is_strict = profile.is_of_rfc_9068();
    let of = |claim: &'r str| move |reason| Fault { claim, reason };
    if is_strict && claims.time("iat").map_err(of("iat"))?.is_none() {
        return Err(Fault { claim: "iat", reason: Reason::ClaimMissing });
    }
    let string = |name: &'r str| match claims.string_or_null(name).map_err(of(name))? {
        None if is_strict => Err(Fault { claim: name, reason: Reason::ClaimMissing }),
        string => Ok(string),
    };
    let subject = string("sub")?;
    if is_strict {
        string("client_id")?;
    }
    let paths = issuer.client_claims.as_ref().unwrap_or(&rules.client_claims);
    let client_id = client_id(paths, claims).map_err(|(claim, reason)| Fault { claim, reason })?;
    string("jti")?;
    // What is null there could be a binding or an actor that was lost.
    if let Some(claim) = ["cnf", "act"].into_iter().find(|name| claims.is_null(name)) {
        return Err(Fault { claim, reason: Reason::ClaimMalformed });
    }
    claims.check_authorization_details().map_err(of("authorization_details"))?;
    Ok(Parties { subject, client_id })
}

/// Refuses scopes that cannot be read. A binding that is not shown names the reason before the scopes do.
fn refuse_scopes<T>(
    (claim, reason): (&str, Reason),
    methods: Methods,
    confirmation: Option<&Confirmation>,
    credential: &Credential<'_>,
    claims: &Claims<'_>,
    trace: &mut impl Trace,
) -> Result<T, Reason> {
    // Whether there is a proof of its key is no matter where the token is bad in any case.
    require_binding(confirmation, credential, methods, || claims.describe("cnf"), trace)?;
    trace.record(Step::Scope, false, || {
        let expected = if claim == "scope" {
            "a string or an array of strings".to_owned()
        } else {
            format!("{claim}: a string, an array of strings, or an object of objects")
        };
        Finding::new(claims.describe_at(claim), expected)
    });
    Err(reason)
}

/// The scopes with those that they imply, or the claim that is malformed.
fn read_scopes<'t>(
    rules: &'t Rules,
    issuer: &'t IssuerRules,
    claims: &Claims<'t>,
) -> Result<Strings<'t>, (&'t str, Reason)> {
    let mut scopes = match issuer.scope_claims.as_ref().unwrap_or(&rules.scope_claims).as_slice() {
        [] => claims.scopes(&["scope", "scp"]).map_err(|reason| ("scope", reason))?,
        paths => claims.scopes_at(paths)?,
    };
    let implied = rules.implied_scopes.of(&scopes);
    scopes.extend(implied.into_iter().map(Cow::Borrowed));
    Ok(scopes)
}
