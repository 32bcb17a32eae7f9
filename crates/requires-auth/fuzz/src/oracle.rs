//! The oracle: every rule of the verifier written a second time, over `serde_json` and `jsonwebtoken`.
//!
//! It is slow and plain on purpose, and takes nothing from the library: a bug there must not be a bug here.

use serde_json::Value;

use crate::base64url;
use crate::peer::{self, Key};
use crate::setting::{KEYS, Setting};
use crate::strict::{self, Flaw, Members};

/// The longest token, in bytes.
const MAX_BYTES: usize = 16_384;

/// Names of signature algorithms that may be configured, besides those of the two keys.
const OTHER_ALGORITHMS: [&str; 12] = [
    "ES256K",
    "ES384",
    "ES512",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
    "PS256",
    "PS384",
    "PS512",
    "RS256",
    "RS384",
    "RS512",
];

/// What is checked, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described where it is made, in `judge`")]
pub enum Check {
    Characters,
    Size,
    Parts,
    Header,
    Critical,
    Type,
    Algorithm,
    ClaimedIssuer,
    Key,
    Signature,
    Claims,
    IdToken,
    IssuerType,
    Issuer,
    AudienceType,
    Audience,
    Expiry,
    NotBefore,
    IssuedAt,
    Profile,
    Binding,
    Scope,
}

/// What the oracle says of a token.
#[derive(Debug)]
pub struct Judgement {
    /// Accepted, or refused by a check for a reason; `None` if `serde_json` cannot read a number in it.
    pub verdict: Option<Result<(), (Check, &'static str)>>,
    /// The header, if it was read.
    pub header: Members,
    /// The claims, if they were read.
    pub claims: Members,
    /// The key that the token was checked with.
    pub key: Option<Key>,
}

/// A check that failed, or that could not be made.
enum Stop {
    Refuse(Check, &'static str),
    NoOpinion,
}

use Stop::Refuse;

/// Judges a token.
pub fn judge(token: &str, setting: &Setting) -> Judgement {
    let mut judgement =
        Judgement { verdict: None, header: Members::new(), claims: Members::new(), key: None };
    judgement.verdict = match check(token, setting, &mut judgement) {
        Ok(()) => Some(Ok(())),
        Err(Refuse(check, reason)) => Some(Err((check, reason))),
        Err(Stop::NoOpinion) => None,
    };
    judgement
}

fn check(token: &str, setting: &Setting, judgement: &mut Judgement) -> Result<(), Stop> {
    let without_padding = token.trim_end_matches('=');
    let is_b64token_char = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    require(
        !without_padding.is_empty() && without_padding.chars().all(is_b64token_char),
        Check::Characters,
        "",
    )?;
    require(token.len() <= MAX_BYTES, Check::Size, "too_large")?;

    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        let reason = match parts.len() {
            1 => "opaque",
            5 => "encrypted",
            _ => "malformed",
        };
        return Err(Refuse(Check::Parts, reason));
    };
    let decode = |part| base64url::decode(part).ok_or(Refuse(Check::Parts, "malformed"));
    let (header_json, claims_json) = (decode(header)?, decode(payload)?);
    decode(signature)?;

    judgement.header = members(strict::object(&header_json), Check::Header)?;
    let algorithm = check_header(&judgement.header, setting)?;

    let claims = strict::object(&claims_json);
    // Before the signature, `iss` tells only which issuer's keys to try.
    if let (Ok(claims), Some(issuer)) = (&claims, &setting.issuer) {
        let is_other = claims.get("iss").and_then(Value::as_str).is_some_and(|claimed| claimed != issuer);
        require(!is_other, Check::ClaimedIssuer, "issuer_mismatch")?;
    }
    if claims == Err(Flaw::NumberOutOfRange) {
        return Err(Stop::NoOpinion);
    }

    let key = choose_key(algorithm, judgement.header.get("kid").and_then(Value::as_str), setting.kids)?;
    judgement.key = Some(key);
    let signing_input = format!("{header}.{payload}");
    require(peer::signature_matches(key, signature, &signing_input), Check::Signature, "signature_mismatch")?;

    judgement.claims = members(claims, Check::Claims)?;
    check_claims(&judgement.claims, setting)
}

/// The name under which the algorithm goes, if the header is one of an access token.
fn check_header<'h>(header: &'h Members, setting: &Setting) -> Result<&'h str, Stop> {
    let Some(Value::String(algorithm)) = header.get("alg") else {
        return Err(Refuse(Check::Header, "malformed"));
    };
    for name in ["kid", "typ"] {
        require(header.get(name).is_none_or(Value::is_string), Check::Header, "malformed")?;
    }
    let is_encoded = header.get("b64").is_none_or(|b64| *b64 == Value::Bool(true));
    require(!header.contains_key("crit") && is_encoded, Check::Critical, "critical_header")?;

    let media_type = |name: &str| {
        let text = header.get(name)?.as_str()?.to_ascii_lowercase();
        Some(text.strip_prefix("application/").map_or(text.clone(), ToOwned::to_owned))
    };
    let type_fits = match media_type("typ").as_deref() {
        Some("at+jwt") => true,
        Some("jwt") | None => !setting.at_jwt,
        Some(_) => false,
    };
    let is_nested = media_type("cty").is_some_and(|cty| cty == "jwt" || cty.ends_with("+jwt"));
    require(type_fits && !is_nested, Check::Type, "type_not_allowed")?;

    // Ed25519 is the newer name of EdDSA.
    let same = |name: &str| if name == "Ed25519" { "EdDSA".to_owned() } else { name.to_owned() };
    let is_known =
        ["EdDSA", "ES256"].contains(&same(algorithm).as_str()) || OTHER_ALGORITHMS.contains(&&**algorithm);
    let list = setting.algorithms.as_ref();
    let is_listed = list.is_none_or(|names| names.iter().any(|name| same(name) == same(algorithm)));
    require(is_known && is_listed, Check::Algorithm, "algorithm_not_allowed")?;
    Ok(if algorithm == "Ed25519" { "EdDSA" } else { algorithm })
}

fn choose_key(algorithm: &str, kid: Option<&str>, kids_count: bool) -> Result<Key, Stop> {
    let fitting = match algorithm {
        "EdDSA" => Some(Key::Ed25519),
        "ES256" => Some(Key::Es256),
        _ => None,
    };
    let Some(kid) = kid.filter(|_| kids_count) else {
        return fitting.ok_or(Refuse(Check::Key, "key_unknown"));
    };
    let named = match kid {
        _ if kid == KEYS.ed25519.kid() => Key::Ed25519,
        _ if kid == KEYS.es256.kid() => Key::Es256,
        _ => return Err(Refuse(Check::Key, "key_unknown")),
    };
    if fitting == Some(named) { Ok(named) } else { Err(Refuse(Check::Key, "algorithm_not_allowed")) }
}

fn check_claims(claims: &Members, setting: &Setting) -> Result<(), Stop> {
    let has = |name: &str| claims.contains_key(name);
    let is_for_access = ["scope", "scp", "client_id", "realm_access"].into_iter().any(has);
    let is_id_token = has("at_hash") || has("c_hash") || has("nonce") && !is_for_access;
    let typ = claims.get("typ").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let is_other = typ.is_some_and(|typ| ["id", "refresh", "offline", "logout"].contains(&&*typ));
    require(!is_id_token && !is_other, Check::IdToken, "type_not_allowed")?;

    match (claims.get("iss"), &setting.issuer) {
        (None, _) => return Err(Refuse(Check::Issuer, "claim_missing")),
        (Some(Value::String(claimed)), Some(issuer)) => {
            require(claimed == issuer, Check::Issuer, "issuer_mismatch")?;
        }
        (Some(Value::String(_)), None) => {}
        (Some(_), _) => return Err(Refuse(Check::IssuerType, "claim_malformed")),
    }
    check_audience(claims, setting)?;

    let (now, leeway) = (f64::from(setting.now), f64::from(setting.leeway));
    let expiry = date(claims, "exp", Check::Expiry)?.ok_or(Refuse(Check::Expiry, "claim_missing"))?;
    require(expiry + leeway > now, Check::Expiry, "expired")?;
    for (name, check) in [("nbf", Check::NotBefore), ("iat", Check::IssuedAt)] {
        let start = date(claims, name, check)?;
        require(start.is_none_or(|start| start <= now + leeway), check, "not_yet_valid")?;
    }
    check_profile(claims, setting)?;
    require(!has("cnf"), Check::Binding, "binding_mismatch")?;
    require(scopes(claims).is_some(), Check::Scope, "claim_malformed")
}

fn check_audience(claims: &Members, setting: &Setting) -> Result<(), Stop> {
    let named: Vec<&str> = match claims.get("aud") {
        None if setting.audiences.is_empty() && !setting.at_jwt => return Ok(()),
        None if setting.audiences.is_empty() => return Err(Refuse(Check::AudienceType, "claim_missing")),
        None => return Err(Refuse(Check::Audience, "claim_missing")),
        Some(value) => strings(value).ok_or(Refuse(Check::AudienceType, "claim_malformed"))?,
    };
    let is_ours = named.iter().any(|named| setting.audiences.iter().any(|own| own == named));
    require(is_ours, Check::Audience, "audience_mismatch")
}

fn check_profile(claims: &Members, setting: &Setting) -> Result<(), Stop> {
    for name in ["iat", "sub", "client_id", "jti"] {
        // Null counts as absent, save for a time.
        let value = claims.get(name).filter(|value| name == "iat" || !value.is_null());
        require(!setting.at_jwt || value.is_some(), Check::Profile, "claim_missing")?;
        require(name == "iat" || value.is_none_or(Value::is_string), Check::Profile, "claim_malformed")?;
    }
    let is_lost = |name: &str| claims.get(name).is_some_and(Value::is_null);
    require(!is_lost("cnf") && !is_lost("act"), Check::Profile, "claim_malformed")?;
    let is_detail = |detail: &Value| detail.get("type").is_some_and(Value::is_string);
    let fits = match claims.get("authorization_details") {
        None => true,
        Some(details) => details.as_array().is_some_and(|details| details.iter().all(is_detail)),
    };
    require(fits, Check::Profile, "claim_malformed")
}

/// The scopes of a token; `None` if the claim has the wrong shape.
pub fn scopes(claims: &Members) -> Option<Vec<&str>> {
    let scopes =
        match ["scope", "scp"].into_iter().filter_map(|name| claims.get(name)).find(|value| !value.is_null())
        {
            None => Vec::new(),
            Some(Value::String(text)) => text.split(' ').collect(),
            Some(other) => strings(other)?,
        };
    // One with white space or a control character in it would be several, or another, for whoever is told of it.
    let is_one =
        |scope: &&str| !scope.is_empty() && !scope.chars().any(|c| c.is_whitespace() || c.is_control());
    Some(scopes.into_iter().filter(is_one).collect())
}

/// A string, or an array of strings.
pub fn strings(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// RFC 7519 §2: a number of seconds; from 0 to 2^53.
fn date(claims: &Members, name: &str, check: Check) -> Result<Option<f64>, Stop> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| seconds.is_sign_positive() && *seconds <= 2_f64.powi(53));
    seconds.map(Some).ok_or(Refuse(check, "claim_malformed"))
}

fn members(read: Result<Members, Flaw>, check: Check) -> Result<Members, Stop> {
    read.map_err(|flaw| match flaw {
        Flaw::NotStrict => Refuse(check, "malformed"),
        Flaw::NumberOutOfRange => Stop::NoOpinion,
    })
}

fn require(holds: bool, check: Check, reason: &'static str) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(Refuse(check, reason)) }
}
