//! Rows B01 to B16: status, challenge and headers of the answer.

use requires_auth_testkit::Defect;
use serde_json::json;

use super::Request;
use crate::case::Finished;
use crate::tokens::{es384, good};

const ORIGIN: &str = "https://app.example.test";

pub fn cases() -> Vec<Finished> {
    let mut cases = reasons();
    cases.extend(scopes());
    cases.extend(injection());
    cases.extend(out_of_reach());
    cases.extend(browsers());
    cases.extend(optional());
    cases
}

/// Every defect of a token ends in the one code, with its own reason.
fn reasons() -> Vec<Finished> {
    let defects = [
        ("answer-algorithm-not-allowed", "B05", Defect::AlgorithmNotAllowed),
        ("answer-audience-mismatch", "B12", Defect::AudienceMismatch),
        ("answer-binding-mismatch", "B05", Defect::BindingMismatch),
        ("answer-claim-malformed", "B05", Defect::ClaimMalformed),
        ("answer-claim-missing", "B05", Defect::ClaimMissing),
        ("answer-critical-header", "B05", Defect::CriticalHeader),
        ("answer-encrypted", "B02", Defect::Encrypted),
        ("answer-expired", "B02", Defect::Expired),
        ("answer-issuer-mismatch", "B12", Defect::IssuerMismatch),
        ("answer-key-unknown", "B12", Defect::KeyUnknown),
        ("answer-malformed", "B02", Defect::Malformed),
        ("answer-not-yet-valid", "B05", Defect::NotYetValid),
        ("answer-signature-mismatch", "B02", Defect::SignatureMismatch),
        ("answer-too-large", "B02", Defect::TooLarge),
        ("answer-type-not-allowed", "B05", Defect::TypeNotAllowed),
    ];
    let mut cases: Vec<Finished> = defects
        .into_iter()
        .map(|(id, row, defect)| {
            let token = good(es384()).defect(defect).mint();
            Request::new(id, row, defect.about()).token(token).bearer().invalid_token(defect.name())
        })
        .collect();
    cases.extend([
        // The forge derives an opaque token from a signature; here it has to stay the same.
        Request::new("answer-opaque", "B02", "the token is a random string without a dot")
            .token("0-pT9OHOEtn2SB8OyopLM7vnmW23SRPMUcGpcVcPQBb")
            .bearer()
            .invalid_token("opaque"),
        Request::new("answer-good", "B05", "no check fails").bearer().allow(),
        Request::new("answer-challenge-on-401", "B01", "a 401 has a challenge").header_missing(),
        Request::new("answer-challenge-on-400", "B04", "a 400 has a challenge too")
            .bearer()
            .bearer()
            .invalid_request(),
        Request::new("answer-no-metadata", "B08", "no resource_metadata where none is configured")
            .header_missing(),
        Request::new("answer-no-store", "B15", "a 401 is not cached")
            .bearer()
            .token("x.y")
            .invalid_token("malformed"),
        Request::new("answer-head", "B15", "a HEAD gets the same headers")
            .method("HEAD")
            .bearer()
            .token("x.y")
            .invalid_token("malformed"),
    ]);
    cases
}

fn scopes() -> Vec<Finished> {
    let request = |id, row, about: &str| Request::new(id, row, about).bearer();
    vec![
        request("scope-granted", "B03", "the needed scope is granted").with("scope", "read:items").allow(),
        request("scope-missing", "B03", "the needed scope is missing").insufficient_scope("write:items"),
        request("scope-missing-one", "B09", "one of two is missing: the challenge names both")
            .insufficient_scope("read:items write:items"),
        request("scope-missing-order", "B09", "the challenge keeps the order of the route")
            .insufficient_scope("z:last a:first"),
        request("scope-characters", "B07", "every kind of character that a scope has")
            .insufficient_scope("a:b/c.d-e_f*!#[]{}~$%&'()+,;<=>?@^`|"),
        Request::new("scope-looked-at-last", "B03", "a 401 comes before a 403")
            .token(good(es384()).defect(Defect::Expired).mint())
            .with("scope", "write:items")
            .bearer()
            .invalid_token("expired"),
    ]
}

/// Nothing of a token reaches the answer.
fn injection() -> Vec<Finished> {
    let evil = "\"\\\r\nSet-Cookie: a=b\r\n\u{e9}";
    let request = |id, about: &str| Request::new(id, "B06", about).bearer();
    vec![
        request("injection-kid", "line breaks and quotes in kid")
            .token(good(es384()).header("kid", evil).mint())
            .invalid_token("key_unknown"),
        request("injection-alg", "line breaks and quotes in alg")
            .token(good(es384()).header("alg", evil).mint())
            .invalid_token("algorithm_not_allowed"),
        request("injection-typ", "line breaks and quotes in typ")
            .token(good(es384()).header("typ", evil).mint())
            .invalid_token("type_not_allowed"),
        request("injection-iss", "line breaks and quotes in iss")
            .token(good(es384()).claim("iss", evil).mint())
            .invalid_token("issuer_mismatch"),
        request("injection-aud", "line breaks and quotes in aud")
            .token(good(es384()).claim("aud", evil).mint())
            .invalid_token("audience_mismatch"),
        request("injection-scope", "line breaks and quotes in scope")
            .token(good(es384()).scope(evil).mint())
            .insufficient_scope("read:items"),
        request("injection-sub", "line breaks and quotes in sub do no harm")
            .token(good(es384()).subject(evil).mint())
            .allow(),
    ]
}

fn out_of_reach() -> Vec<Finished> {
    let unavailable = |request: Request| request.out_of_reach().deny(&crate::answers::issuer_unavailable());
    vec![
        unavailable(Request::new("keys-out-of-reach", "B11", "no key was ever fetched").bearer()),
        unavailable(
            Request::new(
                "keys-out-of-reach-optional",
                "B11",
                "no key was ever fetched, authentication is optional",
            )
            .optional()
            .bearer(),
        ),
        Request::new("keys-out-of-reach-no-header", "B11", "without a token no key is needed")
            .out_of_reach()
            .header_missing(),
        Request::new("keys-out-of-reach-other-issuer", "B11", "a token of another issuer needs no key")
            .out_of_reach()
            .token(good(es384()).defect(Defect::IssuerMismatch).mint())
            .bearer()
            .invalid_token("issuer_mismatch"),
        Request::new("keys-in-reach", "B11", "the keys are there").bearer().allow(),
    ]
}

fn browsers() -> Vec<Finished> {
    let cross_origin = |id, row, about: &str| Request::new(id, row, about).header("Origin", ORIGIN);
    let options = |id, about: &str| Request::new(id, "B14", about).method("OPTIONS");
    vec![
        cross_origin("origin-missing", "B13", "a script may read the challenge of a missing token")
            .header_missing(),
        cross_origin("origin-invalid", "B13", "a script may read the challenge of a bad token")
            .bearer()
            .token("x.y")
            .invalid_token("malformed"),
        cross_origin("origin-scope", "B13", "a script may read the challenge of a missing scope")
            .bearer()
            .insufficient_scope("write:items"),
        cross_origin("origin-request", "B13", "a script may read the challenge of a bad request")
            .bearer()
            .bearer()
            .invalid_request(),
        cross_origin("origin-good", "B13", "a good token from a script").bearer().allow(),
        options("preflight", "a preflight carries no token and is not challenged")
            .header("Origin", ORIGIN)
            .header("Access-Control-Request-Method", "GET")
            .preflight(),
        options("preflight-with-headers", "a preflight that announces the header")
            .header("Origin", ORIGIN)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization, content-type")
            .preflight(),
        options("options-plain", "a plain OPTIONS is challenged").header_missing(),
        options("options-origin-only", "Origin alone makes no preflight")
            .header("Origin", ORIGIN)
            .header_missing(),
        options("options-method-only", "Access-Control-Request-Method alone makes no preflight")
            .header("Access-Control-Request-Method", "GET")
            .header_missing(),
        options("options-good", "a plain OPTIONS with a good token").bearer().allow(),
        Request::new("get-like-preflight", "B14", "a GET is never a preflight")
            .header("Origin", ORIGIN)
            .header("Access-Control-Request-Method", "GET")
            .header_missing(),
        options("preflight-optional", "a preflight where authentication is optional")
            .header("Origin", ORIGIN)
            .header("Access-Control-Request-Method", "GET")
            .optional()
            .preflight(),
    ]
}

fn optional() -> Vec<Finished> {
    let request = |id, about: &str| Request::new(id, "B16", about).optional();
    vec![
        request("optional-absent", "no token is anonymous").anonymous(),
        request("optional-good", "a good token is looked at").bearer().allow(),
        request("optional-query", "a token in the query counts as none")
            .url("/items?access_token={token}")
            .anonymous(),
        request("optional-cookie", "a cookie counts as none")
            .header("Cookie", "access_token={token}")
            .anonymous(),
        request("optional-garbage", "a bad token is refused")
            .bearer()
            .token("garbage")
            .invalid_token("opaque"),
        request("optional-expired", "an expired token is refused")
            .bearer()
            .token(good(es384()).defect(Defect::Expired).mint())
            .invalid_token("expired"),
        request("optional-format", "a scheme without a token is refused")
            .authorization("Bearer")
            .invalid_format(),
        request("optional-empty", "an empty header is refused").authorization("").invalid_format(),
        request("optional-basic", "another scheme counts as none")
            .authorization("Basic YWxpY2U6c2VjcmV0")
            .anonymous(),
        request("optional-digest", "another scheme with parameters counts as none")
            .authorization("Digest username=\"alice\", realm=\"api\"")
            .anonymous(),
        request("optional-dpop", "a token of the scheme DPoP is refused")
            .authorization("DPoP {token}")
            .scheme_not_supported(),
        request("optional-basic-format", "another scheme without credentials is refused")
            .authorization("Basic")
            .invalid_format(),
        request("optional-basic-beside", "another scheme beside a token is refused")
            .authorization("Basic YWxpY2U6c2VjcmV0")
            .bearer()
            .invalid_request(),
        request("optional-two-headers", "two headers are refused").bearer().bearer().invalid_request(),
        request("optional-scope", "a good token without the scope is refused")
            .bearer()
            .with("alg", json!(["ES384"]))
            .insufficient_scope("write:items"),
    ]
}
