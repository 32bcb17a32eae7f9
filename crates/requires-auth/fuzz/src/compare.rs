//! Three verdicts on one token: the library's, the oracle's, and that of `jsonwebtoken` as it comes.

use requires_auth::{AccessToken, Bearer, Denial, Policy, Request};
use serde_json::Value;

use crate::oracle::{self, Check, Judgement};
use crate::peer;
use crate::setting::Setting;

/// Judges a token three times and panics if the verdicts do not fit together.
///
/// - The library and the oracle accept the same tokens, and refuse the others for the same reason.
/// - What the library tells about an accepted token is what the oracle read.
/// - `explain` has the verdict of `verify`.
/// - `jsonwebtoken` accepts what was accepted, and refuses what a check refuses that it makes too, but for the
///   differences that [`peer`] lists.
pub fn compare(token: &str, setting: &Setting) {
    let judged = verify(token, setting);
    let oracle = oracle::judge(token, setting);
    match (&judged, &oracle.verdict) {
        (_, None) => {}
        (Ok(access_token), Some(Ok(()))) => check_accepted(access_token, &oracle),
        (Err(denial), Some(Err((check, reason)))) => check_refused(denial, *check, reason, token, setting),
        _ => {
            panic!("the oracle says {:?}, and this library {judged:?}\n{token}\n{setting:?}", oracle.verdict)
        }
    }
    check_peer(token, setting, &oracle);
}

fn verify(token: &str, setting: &Setting) -> Result<AccessToken, Denial> {
    let bearer = Bearer::parse(token)?;
    let (rules, keys, now) = (setting.rules(), setting.key_set(), setting.time());
    let judged = rules.verify(bearer, keys, now);
    let headers = [("authorization", format!("Bearer {token}"))];
    let request = Request::new("GET", "/", &headers);
    let report = rules.explain(&request, &[Some(keys.clone())], &Policy::default(), now);
    assert_eq!(report.verdict().err(), judged.as_ref().err(), "explain differs from verify\n{token}");
    judged
}

fn check_accepted(token: &AccessToken, oracle: &Judgement) {
    let claims = &oracle.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    assert_eq!(token.claims::<Value>().ok().as_ref().and_then(Value::as_object), Some(claims));
    assert_eq!(Some(token.issuer()), text("iss"));
    assert_eq!(token.subject(), text("sub"));
    assert_eq!(token.client_id(), text("client_id"));
    // Of a subject that is not the client, nobody knows.
    let is_client = text("sub").is_some() && text("sub") == text("client_id");
    assert_eq!(token.is_client(), is_client.then_some(true));
    let audience = claims.get("aud").and_then(oracle::strings).unwrap_or_default();
    assert_eq!(token.audience().collect::<Vec<_>>(), audience);
    let scopes = oracle::scopes(claims).unwrap_or_default();
    assert_eq!(token.scopes().collect::<Vec<_>>(), scopes);
    assert!(scopes.iter().all(|scope| token.has_scope(scope)));

    let names: Vec<_> = claims.keys().collect();
    assert_eq!(
        format!("{token:?}"),
        format!("AccessToken {{ claims: {names:?}, .. }}"),
        "Debug shows names only"
    );
    for (name, value) in claims {
        assert_eq!(token.claim::<Value>(name).as_ref(), Some(value), "the claim `{name}`");
    }
}

fn check_refused(denial: &Denial, check: Check, reason: &str, token: &str, setting: &Setting) {
    let given = denial.reason().map_or("", |reason| reason.as_str());
    // Which of several profile claims is looked at first is nobody's business.
    let same = given == reason || check == Check::Profile && given.starts_with("claim_");
    assert!(
        same,
        "the oracle refuses for {check:?} {reason}, and this library for {given}\n{token}\n{setting:?}"
    );
    assert_eq!(denial.status(), 401);
}

fn check_peer(token: &str, setting: &Setting, oracle: &Judgement) {
    let (Some(verdict), Some(key)) = (&oracle.verdict, oracle.key) else { return };
    let accepted = peer::accepts(token, key, setting);
    match verdict {
        Ok(()) => {
            let known = peer::known_to_be_stricter(oracle).is_some();
            assert!(accepted || known, "jsonwebtoken refuses what was accepted\n{token}\n{setting:?}");
        }
        Err((check, reason)) => {
            let excused = peer::lacks(*check).is_some();
            assert!(
                !accepted || excused,
                "jsonwebtoken accepts what {check:?} refused for {reason}\n{token}\n{setting:?}"
            );
        }
    }
}
