//! Rows O01 to O10: tokens that only their issuer understands (RFC 7662).

use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::tokens::{AUDIENCE, ISSUED, ISSUER, NOW, es384, good};

/// A token as oidc-provider gives out.
const TOKEN: &str = "uJiLGT5oDkQXftU1yb4McZESu5q-CDYspuHFSjjo0Mo";

pub fn cases() -> Vec<Finished> {
    let mut cases = activity();
    cases.extend(types());
    cases.extend(claims());
    cases.extend(outages());
    cases.extend(shapes());
    cases.extend(logto());
    cases.extend(oidc_provider());
    cases.extend(without_type());
    cases.extend(without_audience());
    cases
}

pub fn told() -> Value {
    json!({
        "active": true, "token_type": "Bearer", "iss": ISSUER, "aud": AUDIENCE, "sub": "alice",
        "client_id": "test-client", "scope": "read:items", "iat": ISSUED, "exp": ISSUED + 3600,
    })
}

/// The good answer with one member changed; null takes it out.
pub fn with(name: &str, value: Value) -> String {
    let mut answer = told();
    if let Some(members) = answer.as_object_mut() {
        if value.is_null() {
            members.shift_remove(name);
        } else {
            members.insert(name.to_owned(), value);
        }
    }
    answer.to_string()
}

pub fn answered(id: &'static str, row: &'static str, about: &str, body: impl Into<String>) -> Case {
    Case::new(id, row, about).token(TOKEN).answered(200, body)
}

/// Only the JSON `true` is active.
fn activity() -> Vec<Finished> {
    let inactive = |id, about: &str, active: Value| {
        answered(id, "O01", about, with("active", active)).refuse("inactive")
    };
    vec![
        answered("opaque-active", "O01", "active is true", told().to_string()).accept(),
        inactive("opaque-inactive", "active is false", json!(false)),
        inactive("opaque-active-text", "active is the text true", json!("true")),
        inactive("opaque-active-number", "active is 1", json!(1)),
        inactive("opaque-active-absent", "there is no active", Value::Null),
    ]
}

/// A refresh token is active too.
fn types() -> Vec<Finished> {
    let typed = |id, about: &str, value: Value| answered(id, "O02", about, with("token_type", value));
    vec![
        typed("opaque-type-lower-case", "the type is bearer in lower case", json!("bearer")).accept(),
        typed("opaque-type-dpop", "the type is DPoP, and no key is named", json!("DPoP"))
            .refuse("type_not_allowed"),
        answered("opaque-type-bearer-bound", "O02", "the type is Bearer, and a key is named", {
            with("cnf", json!({ "jkt": "A".repeat(43) }))
        })
        .refuse("type_not_allowed"),
        typed("opaque-type-absent", "there is no type", Value::Null).refuse("type_not_allowed"),
        typed("opaque-type-refresh", "the type is that of a refresh token", json!("refresh_token"))
            .refuse("type_not_allowed"),
        typed("opaque-type-list", "the type is a list", json!(["Bearer"])).refuse("type_not_allowed"),
    ]
}

/// The claims are checked as those of a JWT.
fn claims() -> Vec<Finished> {
    let claim = |id, about: &str, name: &str, value: Value| answered(id, "O03", about, with(name, value));
    let bound = json!({ "x5t#S256": "A".repeat(43) });
    vec![
        claim("opaque-aud-list", "the audience is one of two", "aud", json!(["https://a.example", AUDIENCE]))
            .accept(),
        claim("opaque-aud-other", "the audience is another", "aud", json!("https://a.example"))
            .refuse("audience_mismatch"),
        claim("opaque-aud-absent", "there is no audience", "aud", Value::Null).refuse("claim_missing"),
        claim("opaque-iss-absent", "there is no issuer", "iss", Value::Null).accept(),
        claim("opaque-iss-other", "the issuer is another", "iss", json!("https://a.example"))
            .refuse("issuer_mismatch"),
        claim("opaque-exp-fraction", "the expiry has a fraction", "exp", json!(1_800_000_100.25)).accept(),
        claim("opaque-exp-absent", "there is no expiry", "exp", Value::Null).accept(),
        claim("opaque-exp-passed", "the expiry has passed", "exp", json!(NOW - 31)).refuse("expired"),
        claim("opaque-exp-text", "the expiry is a text", "exp", json!("1800003600"))
            .refuse("claim_malformed"),
        claim("opaque-nbf-ahead", "it is not valid yet", "nbf", json!(NOW + 31)).refuse("not_yet_valid"),
        claim("opaque-scope-number", "the scope is a number", "scope", json!(5)).refuse("claim_malformed"),
        claim("opaque-scope-other", "a scope is missing", "scope", json!("write:items")).forbid("read:items"),
        claim("opaque-cnf-certificate", "it is bound to a certificate", "cnf", bound)
            .refuse("binding_mismatch"),
        claim("opaque-cnf-kid", "it is bound to a key by its name", "cnf", json!({ "kid": "one" }))
            .refuse("binding_mismatch"),
        claim(
            "opaque-cnf-unknown",
            "it is bound in an unknown way",
            "cnf",
            json!({ "urn:example:other": "x" }),
        )
        .refuse("binding_mismatch"),
        claim("opaque-sub-absent", "there is no subject, whatever the profile of JWTs", "sub", Value::Null)
            .strict()
            .accept(),
    ]
}

/// What tells nothing is an outage, never a verdict.
fn outages() -> Vec<Finished> {
    let outage = |id, about: &str, status, body: &str| {
        Case::new(id, "O04", about).token(TOKEN).answered(status, body).unknown()
    };
    let good = told().to_string();
    let twice = good.replacen('{', "{\"active\":true,", 1);
    vec![
        outage("opaque-answer-html", "the answer is a page", 200, "<!doctype html>"),
        outage("opaque-answer-empty", "the answer is empty", 200, ""),
        outage("opaque-answer-list", "the answer is a list", 200, "[true]"),
        outage("opaque-answer-twice", "a member stands there twice", 200, &twice),
        outage("opaque-answer-401", "the client's credentials are refused", 401, &good),
        outage("opaque-answer-400", "the question is refused", 400, &good),
        outage("opaque-answer-302", "the answer leads elsewhere", 302, &good),
        outage("opaque-answer-500", "the server has failed", 500, &good),
        answered("opaque-answer-with-white-space", "O04", "white space around it", format!("\n {good}\r\n"))
            .accept(),
    ]
}

/// Which tokens the issuer is asked about.
fn shapes() -> Vec<Finished> {
    let shaped = |id, row, about: &str, token: &str| {
        Case::new(id, row, about).token(token).answered(200, told().to_string())
    };
    let jwt = good(es384()).mint();
    let (head, tail) = jwt.split_at(jwt.len() - 8);
    let forged = format!("{head}{}", if tail == "AAAAAAAA" { "BBBBBBBB" } else { "AAAAAAAA" });
    vec![
        shaped("opaque-with-a-dot", "O05", "an opaque token has a dot in it", "ya29.a0AfH6SMBx-opaque")
            .accept(),
        shaped("opaque-shortest", "O05", "eight characters may be a token", "12345678").accept(),
        shaped("opaque-too-short", "O05", "seven characters are not a token", "1234567").refuse("malformed"),
        shaped("opaque-encrypted", "O05", "five parts are an encrypted JWT", "YQ.YQ.YQ.YQ.YQ")
            .refuse("encrypted"),
        Case::new("opaque-good-jwt", "O06", "a good JWT is accepted, and its issuer is not asked")
            .token(&jwt)
            .answered(200, with("active", json!(false)))
            .accept(),
        shaped("opaque-forged-jwt", "O06", "a JWT with a bad signature is not introspected instead", &forged)
            .refuse("signature_mismatch"),
        shaped("opaque-jwt-not-taken", "O06", "only opaque tokens are taken", &jwt)
            .setting("accept_tokens", "opaque")
            .refuse("type_not_allowed"),
        Case::new("opaque-not-taken", "O06", "no issuer is asked").token(TOKEN).alg(None).refuse("opaque"),
    ]
}

/// Recorded answers of Logto 1.37.1.
fn logto() -> Vec<Finished> {
    const SCOPE: &str = "openid offline_access profile email roles urn:logto:scope:organizations";
    let of_logto = |id, about: &str, body: &Value| {
        let case = answered(id, "O07", about, body.to_string()).with("now", 1_795_519_930);
        case.with("issuer", "http://127.0.0.1:3001/oidc")
    };
    let any = |case: Case| case.without("audience").setting("dangerously_any_audience", true);
    let opaque = json!({
        "active": true, "sub": "ge8ljxlpw18g", "client_id": "1qkwneangpym3trff7844", "exp": 1_795_523_528,
        "iat": 1_795_519_928, "iss": "http://127.0.0.1:3001/oidc", "scope": SCOPE, "token_type": "Bearer",
    });
    let refresh = json!({
        "active": true, "sub": "ge8ljxlpw18g", "client_id": "1qkwneangpym3trff7844", "exp": 1_796_729_528,
        "iat": 1_795_519_928, "iss": "http://127.0.0.1:3001/oidc",
        "scope": format!("{SCOPE} read:orders write:orders manage:billing"),
    });
    let about = "a refresh token of Logto: active, with all scopes and without a type";
    vec![
        any(of_logto("opaque-logto", "an opaque access token of Logto", &opaque)).accept(),
        any(of_logto("opaque-logto-refresh", about, &refresh)).refuse("type_not_allowed"),
        of_logto("opaque-logto-audience", "Logto says no audience, and one is wanted", &opaque)
            .refuse("claim_missing"),
    ]
}

/// Recorded answers of oidc-provider 9.13.3.
fn oidc_provider() -> Vec<Finished> {
    let of_panva = |id, about: &str, body: Value| {
        answered(id, "O08", about, body.to_string())
            .with("issuer", "http://127.0.0.1:9400")
            .with("audience", "https://opaque.example.test")
            .with("now", 1_795_520_105)
    };
    let machine = json!({
        "active": true, "client_id": "machine", "exp": 1_795_523_701, "iat": 1_795_520_101,
        "iss": "http://127.0.0.1:9400", "aud": "https://opaque.example.test", "scope": "read:orders",
        "token_type": "Bearer",
    });
    let bound = json!({
        "active": true, "client_id": "dpop", "exp": 1_795_523_702, "iat": 1_795_520_102,
        "iss": "http://127.0.0.1:9400", "aud": "https://opaque.example.test", "scope": "read:orders",
        "cnf": { "jkt": "_nSxrYQQO-cZLpOlO-o0u9HBejIA79yLi5L3oVyrthk" }, "token_type": "DPoP",
    });
    let revoked = json!({ "active": false });
    vec![
        of_panva("opaque-oidc-provider", "an opaque token of oidc-provider", machine).accept(),
        of_panva("opaque-oidc-provider-revoked", "a token of oidc-provider that was revoked", revoked)
            .refuse("inactive"),
        of_panva("opaque-oidc-provider-dpop", "a token of oidc-provider that is bound to a key", bound)
            .refuse("binding_mismatch"),
    ]
}

/// Where the setting says that a type may be missing.
fn without_type() -> Vec<Finished> {
    let typed = |id, about: &str, value: Value| {
        answered(id, "O09", about, with("token_type", value)).introspection("token_type", "optional")
    };
    vec![
        typed("opaque-optional-type-absent", "there is no type", Value::Null).accept(),
        typed("opaque-optional-type", "the type is Bearer", json!("Bearer")).accept(),
        typed("opaque-optional-type-refresh", "the type is that of a refresh token", json!("refresh_token"))
            .refuse("type_not_allowed"),
        typed("opaque-optional-type-list", "the type is a list", json!(["Bearer"]))
            .refuse("type_not_allowed"),
    ]
}

/// Where another claim stands in for the audience that no answer has.
fn without_audience() -> Vec<Finished> {
    let by_client = |id, about: &str, body: String| {
        let rule = json!({ "claim": "client_id", "one_of": ["test-client", "other-client"] });
        answered(id, "O10", about, body).without("audience").setting("audience", rule)
    };
    let for_client = |client: &str| {
        let mut answer = told();
        if let Some(members) = answer.as_object_mut() {
            members.shift_remove("aud");
            members.insert("client_id".to_owned(), json!(client));
        }
        answer.to_string()
    };
    vec![
        by_client("opaque-audience-claim", "the client is one of those", for_client("test-client")).accept(),
        by_client("opaque-audience-claim-other", "the client is another", for_client("a-client"))
            .refuse("audience_mismatch"),
        by_client("opaque-audience-claim-beside-aud", "there is an audience too", told().to_string())
            .refuse("audience_mismatch"),
        answered("opaque-audience-any", "O10", "any audience is taken", for_client("test-client"))
            .without("audience")
            .setting("dangerously_any_audience", true)
            .accept(),
    ]
}
