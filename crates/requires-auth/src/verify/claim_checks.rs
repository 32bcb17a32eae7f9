//! The checks of claims that are vouched for, in the order in which they are made.

use std::borrow::Cow;
use std::time::Duration;

use super::token::{Checked, Parties};
use super::{Audience, Finding, IssuerRules, Profile, Rules, Step, Tenancy, Trace, require_binding};
use crate::claims::{Claims, NumericDate, Strings};
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
    let profile = if claims.are_answered() { Profile::Jwt } else { rules.profile };
    let ttl = issuer.introspection.as_ref().map_or(Duration::ZERO, |asked| asked.ttl);
    let answer_until = claims.are_answered().then(|| now.after(ttl));
    trace.require(Step::IdToken, !claims.are_of_an_id_token(), Reason::TypeNotAllowed, || {
        let marks =
            ["at_hash", "c_hash", "nonce"].into_iter().filter(|name| claims.has(name)).collect::<Vec<_>>();
        let found = if marks.is_empty() { "none of them".to_owned() } else { marks.join(", ") };
        Finding::new(found, "no at_hash, no c_hash, and nonce only beside scope or client_id")
    })?;
    let iss = trace.outcome(Step::Iss, check_iss(issuer, claims), |_| {
        Finding::new(claims.describe("iss"), issuer.issuer.as_deref().unwrap_or("a string"))
    })?;
    if let Some(tenancy) = &issuer.tenant {
        check_tenant(signer, tenancy, claims, trace)?;
    }
    let (audience, is_for_guard) =
        trace.outcome(Step::Aud, check_audience_or_route(rules, issuer, profile, claims), |_| {
            Finding::new(claims.describe("aud"), expected_audience(&issuer.audience))
        })?;
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
    let parties = trace.outcome(Step::Profile, check_profile(profile, claims), |outcome| {
        let required = match profile {
            Profile::AccessTokenJwt => "sub, client_id, iat and jti of the right types",
            Profile::Jwt => "sub, client_id and jti strings if present",
        };
        let names = match outcome {
            Ok(_) => vec!["sub", "client_id", "iat", "jti", "authorization_details"],
            Err(_) => vec![faulty_claim(profile, claims)],
        };
        let found: Vec<_> = names.iter().map(|name| format!("{name} {}", claims.describe(name))).collect();
        Finding::new(found.join(", "), required)
    })?;
    let confirmation = claims.confirmation();
    let scopes = match read_scopes(rules, issuer, claims) {
        Ok(scopes) => scopes,
        Err(reason) => {
            // A binding that is not shown names the reason before the scopes do.
            require_binding(confirmation.as_ref(), credential, || claims.describe("cnf"), trace)?;
            trace.record(Step::Scope, false, || {
                Finding::new(claims.describe("scope"), "a string or an array of strings")
            });
            return Err(reason);
        }
    };
    let not_before = nbf.into_iter().chain(iat).reduce(NumericDate::later);
    let tenant = issuer.tenant.as_ref().and_then(|tenancy| tenancy.name.as_deref());
    let checked = Checked {
        issuer: iss,
        tenant,
        parties,
        audience,
        is_for_guard,
        scopes,
        expires_at,
        not_before,
        confirmation,
        remembered_until: None,
    };
    Ok(match answer_until {
        Some(until) => checked.remembered_until(until),
        None => checked,
    })
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
        Some(issuer) if **issuer != *iss => Err(Reason::IssuerMismatch),
        _ => Ok(iss),
    }
}

/// What stands for the tenant in the issuer of a key.
const TENANT_OF_KEY: &str = "{tenantid}";

/// A key that is for another tenant has signed nothing here, and a claim that names the tenant names this one: one server
/// signs for many.
fn check_tenant(
    signer: &Signer<'_>,
    tenancy: &Tenancy,
    claims: &Claims<'_>,
    trace: &mut impl Trace,
) -> Result<(), Reason> {
    let Some(name) = tenancy.name.as_deref() else { return Ok(()) };
    let issuer = signer.issuer.issuer.as_deref();
    if let Some(key_issuer) = &signer.key_issuer
        && Some(&*key_issuer.replace(TENANT_OF_KEY, name)) != issuer
    {
        trace.record(Step::Iss, false, || {
            Finding::new(
                format!("a key for {key_issuer}"),
                format!("a key for {}", issuer.unwrap_or_default()),
            )
        });
        return Err(Reason::IssuerMismatch);
    }
    let is_shared = signer.key_issuer.as_ref().is_some_and(|issuer| issuer.contains(TENANT_OF_KEY));
    let names = tenancy.claims.iter().map(AsRef::as_ref).chain(is_shared.then_some("tid"));
    for claim in names {
        let checked = match claims.required_string(claim) {
            Ok(named) if named == name => continue,
            Ok(_) => Reason::IssuerMismatch,
            Err(reason) => reason,
        };
        trace.record(Step::Iss, false, || {
            Finding::new(format!("{claim} {}", claims.describe(claim)), format!("{claim} \"{name}\""))
        });
        return Err(checked);
    }
    Ok(())
}

/// The audiences, and whether the issuer's rule takes them. One that it does not take may be that of a route, whose policy
/// then has the last word.
fn check_audience_or_route<'t>(
    rules: &Rules,
    issuer: &IssuerRules,
    profile: Profile,
    claims: &Claims<'t>,
) -> Result<(Strings<'t>, bool), Reason> {
    match check_audience(&issuer.audience, profile, claims) {
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

/// RFC 7519 §4.1.3, RFC 9068 §4: at least one member of `aud` equals an audience of ours byte for byte.
fn check_audience<'t>(
    expected: &Audience,
    profile: Profile,
    claims: &Claims<'t>,
) -> Result<Strings<'t>, Reason> {
    let Some(audience) = claims.audience()? else {
        let may_be_absent = !matches!(expected, Audience::OneOf(_)) && profile == Profile::Jwt;
        return if may_be_absent { Ok(Strings::new()) } else { Err(Reason::ClaimMissing) };
    };
    let is_ours = match expected {
        Audience::Any => true,
        Audience::Absent => false,
        Audience::OneOf(ours) => audience.iter().any(|named| ours.iter().any(|own| **own == **named)),
    };
    if is_ours { Ok(audience) } else { Err(Reason::AudienceMismatch) }
}

fn expected_audience(expected: &Audience) -> String {
    match expected {
        Audience::Any => "any audience".to_owned(),
        Audience::Absent => "no aud, since no audience is configured".to_owned(),
        Audience::OneOf(ours) => ours.join(" or "),
    }
}

/// RFC 7519 §4.1.4; RFC 9068 §4: required. An answer may leave it out (RFC 7662 §2.2), and counts for a while then.
fn check_exp(
    rules: &Rules,
    claims: &Claims<'_>,
    now: NumericDate,
    answer_until: Option<NumericDate>,
) -> Result<NumericDate, Reason> {
    let exp = match claims.time("exp")? {
        Some(exp) => exp,
        None => return answer_until.ok_or(Reason::ClaimMissing),
    };
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

/// RFC 9068 §2.2, RFC 9396 §9.1.
fn check_profile<'t>(profile: Profile, claims: &Claims<'t>) -> Result<Parties<'t>, Reason> {
    let may_be_absent = profile == Profile::Jwt;
    if !may_be_absent && claims.time("iat")?.is_none() {
        return Err(Reason::ClaimMissing);
    }
    let string = |name| match claims.string(name)? {
        None if !may_be_absent => Err(Reason::ClaimMissing),
        string => Ok(string),
    };
    let parties = Parties { subject: string("sub")?, client_id: string("client_id")? };
    string("jti")?;
    claims.check_authorization_details()?;
    Ok(parties)
}

/// Which claim [`check_profile`] refuses, in its order.
fn faulty_claim(profile: Profile, claims: &Claims<'_>) -> &'static str {
    let may_be_absent = profile == Profile::Jwt;
    if !may_be_absent && !matches!(claims.time("iat"), Ok(Some(_))) {
        return "iat";
    }
    let is_faulty = |name: &&str| match claims.string(name) {
        Ok(found) => found.is_none() && !may_be_absent,
        Err(_) => true,
    };
    ["sub", "client_id", "jti"].into_iter().find(is_faulty).unwrap_or("authorization_details")
}

fn read_scopes<'t>(
    rules: &'t Rules,
    issuer: &IssuerRules,
    claims: &Claims<'t>,
) -> Result<Strings<'t>, Reason> {
    let mut scopes = match issuer.scope_claims.as_ref().unwrap_or(&rules.scope_claims).as_slice() {
        [] => claims.scopes(&["scope", "scp"])?,
        paths => claims.scopes_at(paths)?,
    };
    let implied = rules.implied_scopes.of(&scopes);
    scopes.extend(implied.into_iter().map(Cow::Borrowed));
    Ok(scopes)
}
