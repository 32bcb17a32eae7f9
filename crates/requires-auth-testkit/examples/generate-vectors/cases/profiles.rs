//! The two profiles, token types and ID tokens.

use requires_auth_testkit::TokenBuilder;
use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::tokens::{es384, good};

/// Types that both profiles take, in spellings that mean the same.
const ACCESS_TOKEN_TYPES: [(&str, &str); 5] = [
    ("at-jwt", "at+jwt"),
    ("at-jwt-upper", "AT+JWT"),
    ("at-jwt-mixed", "At+Jwt"),
    ("at-jwt-long", "application/at+jwt"),
    ("at-jwt-long-mixed", "Application/AT+JWT"),
];

/// Types that only the profile `jwt` takes.
const GENERIC_TYPES: [(&str, &str); 4] = [
    ("jwt", "JWT"),
    ("jwt-lower", "jwt"),
    ("jwt-long", "application/jwt"),
    ("jwt-long-upper", "APPLICATION/JWT"),
];

/// Types that no profile takes.
const OTHER_TYPES: [(&str, &str); 21] = [
    ("dpop", "dpop+jwt"),
    ("logout", "logout+jwt"),
    ("logout-long", "application/logout+jwt"),
    ("security-event", "secevent+jwt"),
    ("introspection", "token-introspection+jwt"),
    ("status-list", "statuslist+jwt"),
    ("transaction", "txntoken+jwt"),
    ("client-authentication", "client-authentication+jwt"),
    ("request-object", "oauth-authz-req+jwt"),
    ("entity-statement", "entity-statement+jwt"),
    ("key-binding", "kb+jwt"),
    ("sd-jwt", "dc+sd-jwt"),
    ("id-token", "id_token"),
    ("jose", "JOSE"),
    ("empty", ""),
    ("space-before", " at+jwt"),
    ("space-after", "at+jwt "),
    ("parameter", "at+jwt; charset=utf-8"),
    ("prefix-twice", "application/application/at+jwt"),
    ("other-prefix", "text/at+jwt"),
    ("at-only", "at"),
];

pub fn cases() -> Vec<Finished> {
    let mut cases = types();
    cases.extend(required_claims());
    cases.extend(id_tokens());
    cases
}

fn types() -> Vec<Finished> {
    let token = |typ: &str| good(es384()).header("typ", typ).mint();
    let strict = |id: &str, typ: &str| {
        Case::new(format!("typ-strict-{id}"), "C23", format!("typ {typ:?}, profile at+jwt"))
            .strict()
            .token(token(typ))
    };
    let jwt = |id: &str, typ: &str| {
        Case::new(format!("typ-{id}"), "C24", format!("typ {typ:?}, profile jwt")).token(token(typ))
    };
    let mut cases = Vec::new();
    for (id, typ) in ACCESS_TOKEN_TYPES {
        cases.push(strict(id, typ).accept());
        cases.push(jwt(id, typ).accept());
    }
    for (id, typ) in GENERIC_TYPES {
        cases.push(strict(id, typ).refuse("type_not_allowed"));
        cases.push(jwt(id, typ).accept());
    }
    for (id, typ) in OTHER_TYPES {
        cases.push(strict(id, typ).refuse("type_not_allowed"));
        cases.push(jwt(id, typ).refuse("type_not_allowed"));
    }
    let absent = || good(es384()).without_header("typ").mint();
    cases.extend([
        Case::new("typ-strict-absent", "C23", "no typ, profile at+jwt")
            .strict()
            .token(absent())
            .refuse("type_not_allowed"),
        Case::new("typ-absent", "C24", "no typ, profile jwt").token(absent()).accept(),
        Case::new("typ-profile-spelled-out", "C24", "the profile jwt spelled out")
            .with("profile", "jwt")
            .token(absent())
            .accept(),
        Case::new("typ-claim", "C24", "Keycloak's claim typ is not the type of the token")
            .token(good(es384()).header("typ", "JWT").claim("typ", "Bearer").mint())
            .accept(),
    ]);
    for (id, value) in
        [("null", Value::Null), ("number", json!(1)), ("array", json!(["at+jwt"])), ("object", json!({}))]
    {
        let token = good(es384()).header("typ", value).mint();
        cases.push(
            Case::new(format!("typ-{id}"), "C24", "typ is no string").token(&*token).refuse("malformed"),
        );
        cases.push(
            Case::new(format!("typ-strict-{id}"), "C23", "typ is no string")
                .strict()
                .token(token)
                .refuse("malformed"),
        );
    }
    cases
}

fn required_claims() -> Vec<Finished> {
    let case = |id: &str, about: &str| Case::new(format!("strict-{id}"), "D07", about).strict();
    let mut cases = vec![
        case("complete", "all claims of RFC 9068 §2.2").token(good(es384()).mint()).accept(),
        case("without-scope", "scope is not required")
            .token(good(es384()).without_claim("scope").mint())
            .accept(),
        case("no-audience-configured", "no audience is configured, the token has one")
            .without("audience")
            .token(good(es384()).mint())
            .refuse("audience_mismatch"),
    ];
    for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        let slug = name.replace('_', "-");
        cases.push(
            case(&format!("{slug}-absent"), &format!("no {name}"))
                .token(good(es384()).without_claim(name).mint())
                .refuse("claim_missing"),
        );
        cases.push(
            case(&format!("{slug}-null"), &format!("{name} is null"))
                .token(good(es384()).claim(name, Value::Null).mint())
                .refuse(if ["sub", "client_id", "jti"].contains(&name) {
                    "claim_missing"
                } else {
                    "claim_malformed"
                }),
        );
        cases.push(
            case(&format!("{slug}-object"), &format!("{name} is an object"))
                .token(good(es384()).claim(name, json!({})).mint())
                .refuse("claim_malformed"),
        );
    }
    cases
}

fn id_tokens() -> Vec<Finished> {
    let case = |id: &str, about: &str| Case::new(format!("id-token-{id}"), "D15", about);
    let plain = || {
        ["scope", "client_id"]
            .into_iter()
            .fold(good(es384()).header("typ", "JWT"), TokenBuilder::without_claim)
    };
    let refused = |id: &str, about: &str, name: &str, value: Value| {
        case(id, about).token(plain().claim(name, value).mint()).refuse("type_not_allowed")
    };
    let beside = |id: &str, name: &str, value: Value| {
        case(&format!("nonce-beside-{id}"), &format!("nonce beside {name}"))
            .token(plain().claim("nonce", "n").claim(name, value).mint())
            .accept()
    };
    let typed = |typ: &str, id: &str| {
        Case::new(format!("claim-typ-{id}"), "Q09", format!("the claim typ is {typ}"))
            .token(good(es384()).claim("typ", typ).mint())
    };
    vec![
        case("no-mark", "neither hash nor nonce").token(plain().mint()).accept(),
        refused("at-hash", "at_hash", "at_hash", json!("2gcmO4yVwolPEOeDeZ7-UywlYmdU1B1C")),
        refused("c-hash", "c_hash", "c_hash", json!("2gcmO4yVwolPEOeDeZ7-UywlYmdU1B1C")),
        refused("nonce", "nonce and nothing of an access token", "nonce", json!("n")),
        refused("at-hash-null", "at_hash of any type", "at_hash", Value::Null),
        case("at-hash-with-scope", "at_hash, even beside scope and client_id")
            .token(good(es384()).claim("at_hash", "x").mint())
            .refuse("type_not_allowed"),
        case("c-hash-as-at-jwt", "c_hash, even in an at+jwt")
            .strict()
            .token(good(es384()).claim("c_hash", "x").mint())
            .refuse("type_not_allowed"),
        case("nonce-strict", "nonce and nothing of an access token, profile at+jwt")
            .strict()
            .token(plain().header("typ", "at+jwt").claim("nonce", "n").mint())
            .refuse("type_not_allowed"),
        beside("scope", "scope", json!("openid")),
        beside("scp", "scp", json!(["read:items"])),
        beside("client-id", "client_id", json!("test-client")),
        beside("realm-access", "realm_access", json!({ "roles": ["clerk"] })),
        typed("ID", "id").refuse("type_not_allowed"),
        typed("Id", "id-mixed").refuse("type_not_allowed"),
        typed("Refresh", "refresh").refuse("type_not_allowed"),
        typed("Offline", "offline").refuse("type_not_allowed"),
        typed("Logout", "logout").refuse("type_not_allowed"),
        typed("Bearer", "bearer").accept(),
        typed("DPoP", "dpop").accept(),
        typed("Identity", "longer").accept(),
        Case::new("claim-typ-number", "Q09", "a typ claim that is a number says nothing")
            .token(good(es384()).claim("typ", 1).mint())
            .accept(),
        case("for-client", "an ID token is for its client, not for this API")
            .token(plain().claim("aud", "test-client").mint())
            .refuse("audience_mismatch"),
    ]
}
