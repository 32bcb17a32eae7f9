//! Issuer, audience, identity, binding and other claims.

use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::tokens::{AUDIENCE, ISSUER, es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = issuer();
    cases.extend(audience());
    cases.extend(identity());
    cases.extend(actors());
    cases.extend(authorization_details());
    cases.extend(binding());
    cases.extend(organizations());
    cases.extend(step_up());
    cases
}

/// A good token with one claim changed.
fn with(name: &str, value: impl Into<Value>) -> String {
    good(es384()).claim(name, value).mint()
}

fn without(name: &str) -> String {
    good(es384()).without_claim(name).mint()
}

fn issuer() -> Vec<Finished> {
    let case = |id: &str, about: &str| Case::new(format!("iss-{id}"), "D01", about);
    let other = |id: &str, about: &str, issuer: &str| {
        case(id, about).token(with("iss", issuer)).refuse("issuer_mismatch")
    };
    let malformed = |id: &str, about: &str, value: Value| {
        case(id, about).token(with("iss", value)).refuse("claim_malformed")
    };
    let slash = format!("{ISSUER}/");
    vec![
        case("equal", "byte for byte the configured one").token(good(es384()).mint()).accept(),
        case("slash-in-both", "a slash at the end of both")
            .with("issuer", &*slash)
            .token(with("iss", &*slash))
            .accept(),
        case("free-form", "an issuer that is no URL")
            .with("issuer", "joe")
            .token(with("iss", "joe"))
            .accept(),
        other("slash-added", "a slash at the end", &slash),
        case("slash-missing", "no slash at the end")
            .with("issuer", &*slash)
            .token(good(es384()).mint())
            .refuse("issuer_mismatch"),
        other("other-case", "another case", &ISSUER.to_uppercase()),
        other("other-scheme", "http instead of https", &ISSUER.replace("https", "http")),
        other("default-port", "the default port spelled out", &ISSUER.replace(".test/", ".test:443/")),
        other("prefix", "the beginning of the configured one", "https://issuer.example.test"),
        other("longer", "the configured one and more", "https://issuer.example.test/oidc2"),
        other("space", "a space at the end", "https://issuer.example.test/oidc "),
        other(
            "user-info",
            "the configured one as user name",
            "https://issuer.example.test@attacker.example.test/oidc",
        ),
        other("escape", "a letter percent-encoded", "https://issuer.example.test/%6fidc"),
        other("nul", "a NUL at the end", "https://issuer.example.test/oidc\0"),
        other("empty", "the empty string", ""),
        case("absent", "no iss").token(without("iss")).refuse("claim_missing"),
        malformed("null", "iss is null", Value::Null),
        malformed("number", "iss is a number", json!(7)),
        malformed("array", "iss is an array with ours in it", json!(["https://evil.example.test", ISSUER])),
        malformed("array-of-one", "iss is an array of ours alone", json!([ISSUER])),
        malformed("object", "iss is an object", json!({ "url": ISSUER })),
        case("not-configured", "no issuer is configured, any will do")
            .without("issuer")
            .token(with("iss", "https://another-issuer.example.test"))
            .accept(),
        case("not-configured-absent", "no issuer is configured, but iss must be there")
            .without("issuer")
            .token(without("iss"))
            .refuse("claim_missing"),
        case("not-configured-number", "no issuer is configured, but iss must be a string")
            .without("issuer")
            .token(with("iss", 7))
            .refuse("claim_malformed"),
    ]
}

fn audience() -> Vec<Finished> {
    let case = |id: &str, about: &str| Case::new(format!("aud-{id}"), "D03", about);
    let other = |id: &str, about: &str, value: Value| {
        case(id, about).token(with("aud", value)).refuse("audience_mismatch")
    };
    let malformed = |id: &str, about: &str, value: Value| {
        case(id, about).token(with("aud", value)).refuse("claim_malformed")
    };
    let second = "https://second.example.test";
    vec![
        case("string", "a string").token(with("aud", AUDIENCE)).accept(),
        case("array", "an array with ours last")
            .token(with("aud", json!(["https://another-api.example.test", AUDIENCE])))
            .accept(),
        case("array-of-one", "an array of ours alone").token(with("aud", json!([AUDIENCE]))).accept(),
        case("array-repeated", "an array with ours twice")
            .token(with("aud", json!([AUDIENCE, AUDIENCE])))
            .accept(),
        case("several-configured", "two are configured, the token is for the second one")
            .with("audience", json!([AUDIENCE, second]))
            .token(with("aud", second))
            .accept(),
        case("several-configured-array", "two are configured, the token is for one of them and another")
            .with("audience", json!([AUDIENCE, second]))
            .token(with("aud", json!(["x", second])))
            .accept(),
        case("several-configured-neither", "two are configured, the token is for neither")
            .with("audience", json!([AUDIENCE, second]))
            .token(with("aud", "x"))
            .refuse("audience_mismatch"),
        case("client-id", "an audience that is no URL")
            .with("audience", "api-1")
            .token(with("aud", "api-1"))
            .accept(),
        other("other", "another API", json!("https://another-api.example.test")),
        other(
            "array-of-others",
            "an array of other APIs",
            json!(["https://a.example.test", "https://b.example.test"]),
        ),
        other("empty-array", "an empty array", json!([])),
        other("empty", "the empty string", json!("")),
        other("slash-added", "a slash at the end", json!("https://api.example.test/")),
        other("prefix", "the beginning of ours", json!("https://api.example")),
        other("longer", "ours and more", json!("https://api.example.test.attacker.example.test")),
        other("other-case", "another case", json!("https://API.example.test")),
        other(
            "list-in-string",
            "a list in one string",
            json!("https://api.example.test https://another-api.example.test"),
        ),
        other("wildcard", "a wildcard", json!("*")),
        malformed("null", "aud is null", Value::Null),
        malformed("number", "aud is a number", json!(5)),
        malformed("true", "aud is true", json!(true)),
        malformed("object", "aud is an object", json!({})),
        malformed("array-of-numbers", "an array of numbers", json!([1, 2])),
        malformed("array-with-number", "an array with ours and a number", json!([AUDIENCE, 1])),
        malformed("array-with-null", "an array with ours and null", json!([AUDIENCE, null])),
        malformed("nested-array", "an array in an array", json!([[AUDIENCE]])),
        case("absent", "no aud").token(without("aud")).refuse("claim_missing"),
        case("not-configured", "no audience is configured, the token has one")
            .without("audience")
            .token(good(es384()).mint())
            .refuse("audience_mismatch"),
        case("not-configured-absent", "no audience is configured, the token has none")
            .without("audience")
            .token(without("aud"))
            .accept(),
    ]
}

fn identity() -> Vec<Finished> {
    let case = |id: &str, row, about: &str| Case::new(format!("identity-{id}"), row, about);
    let malformed = |name: &str, kind: &str, value: Value| {
        case(&format!("{}-{kind}", name.replace('_', "-")), "D07", &format!("{name} is no string: {kind}"))
            .token(with(name, value))
            .refuse("claim_malformed")
    };
    let mut cases = vec![
        case("machine", "D16", "sub is the client itself")
            .token(good(es384()).subject("test-client").mint())
            .accept(),
        case("person", "D16", "sub is somebody else than the client").token(good(es384()).mint()).accept(),
        case("subject-empty", "D07", "an empty sub is a string")
            .token(good(es384()).subject("").mint())
            .accept(),
        case("subject-unicode", "D07", "a sub outside ASCII")
            .token(good(es384()).subject("alice \u{1f600} \u{5d0}").mint())
            .accept(),
        case("machine-number", "D16", "sub is a number, as one provider's machine tokens had it")
            .token(with("sub", 12345))
            .refuse("claim_malformed"),
    ];
    for name in ["sub", "client_id", "jti"] {
        for (kind, value) in
            [("number", json!(1)), ("array", json!(["alice"])), ("object", json!({ "id": "alice" }))]
        {
            cases.push(malformed(name, kind, value));
        }
        cases.push(
            case(
                &format!("{}-null", name.replace('_', "-")),
                "Q07",
                &format!("{name} is null, which counts as absent"),
            )
            .token(with(name, Value::Null))
            .accept(),
        );
        cases.push(
            case(
                &format!("{}-absent", name.replace('_', "-")),
                "D07",
                &format!("no {name}, which this profile does not demand"),
            )
            .token(without(name))
            .accept(),
        );
    }
    cases
}

fn actors() -> Vec<Finished> {
    let case = |id: &str, about: &str, act: Value| {
        Case::new(format!("act-{id}"), "D11", about).token(with("act", act))
    };
    vec![
        case("one", "an actor is information", json!({ "sub": "service" })).accept(),
        case(
            "nested",
            "actors within actors",
            json!({ "sub": "service", "act": { "sub": "admin", "act": { "sub": "root" } } }),
        )
        .accept(),
        case(
            "scope",
            "the scope of an actor grants nothing",
            json!({ "sub": "admin", "scope": "write:items" }),
        )
        .forbid("write:items"),
    ]
}

fn authorization_details() -> Vec<Finished> {
    let case = |id: &str, about: &str, value: Value| {
        Case::new(format!("authorization-details-{id}"), "D12", about)
            .token(with("authorization_details", value))
    };
    let malformed = |id: &str, about: &str, value| case(id, about, value).refuse("claim_malformed");
    vec![
        case(
            "known-shape",
            "an array of objects with a type",
            json!([{ "type": "payment", "actions": ["initiate"] }, { "type": "x" }]),
        )
        .accept(),
        case("empty", "an empty array", json!([])).accept(),
        case(
            "grants-nothing",
            "an unknown type grants no scope",
            json!([{ "type": "scope", "value": "write:items" }]),
        )
        .forbid("write:items"),
        malformed("object", "an object", json!({ "type": "payment" })),
        malformed("string", "a string", json!("payment")),
        malformed("null", "null", Value::Null),
        malformed("number", "a number", json!(1)),
        malformed("entry-string", "an entry that is no object", json!([{ "type": "payment" }, "payment"])),
        malformed("entry-null", "an entry that is null", json!([null])),
        malformed("no-type", "an object without a type", json!([{ "actions": ["read"] }])),
        malformed("type-number", "a type that is no string", json!([{ "type": 1 }])),
    ]
}

fn binding() -> Vec<Finished> {
    let bound = |id: &str, about: &str, cnf: Value| {
        Case::new(format!("cnf-{id}"), "D14", about).token(with("cnf", cnf)).refuse("binding_mismatch")
    };
    let digest = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    vec![
        Case::new("cnf-absent", "D14", "a token that is bound to nothing")
            .token(good(es384()).mint())
            .accept(),
        bound("jkt", "bound to a DPoP key", json!({ "jkt": digest })),
        bound("certificate", "bound to a certificate", json!({ "x5t#S256": digest })),
        bound("jwk", "bound to a key", json!({ "jwk": es384().public_jwk() })),
        bound("kid", "bound to a key by its name", json!({ "kid": es384().kid() })),
        bound("unknown", "bound in an unknown way", json!({ "urn:example:other": "x" })),
        bound("empty", "an empty object", json!({})),
        Case::new("cnf-null", "Q08", "null").token(with("cnf", Value::Null)).refuse("claim_malformed"),
        Case::new("act-null", "Q08", "an actor that is null")
            .token(with("act", Value::Null))
            .refuse("claim_malformed"),
        Case::new("act-absent", "Q08", "no actor").token(good(es384()).mint()).accept(),
        bound("string", "a string", json!(digest)),
        bound("false", "false", json!(false)),
    ]
}

fn organizations() -> Vec<Finished> {
    let organization = "urn:logto:organization:8x4cb5yqigrv";
    let case = |id: &str, about: &str| Case::new(format!("organization-{id}"), "D17", about);
    vec![
        case("audience", "an organization token meets its organization")
            .with("audience", organization)
            .token(with("aud", organization))
            .accept(),
        case("other-audience", "an organization token meets another organization")
            .with("audience", organization)
            .token(with("aud", "urn:logto:organization:another"))
            .refuse("audience_mismatch"),
        case("audience-at-api", "an organization token meets an API")
            .token(with("aud", organization))
            .refuse("audience_mismatch"),
        case("audience-prefix", "the prefix is no organization")
            .with("audience", "urn:logto:organization:")
            .token(with("aud", organization))
            .refuse("audience_mismatch"),
        case("claim", "an API token that names an organization")
            .token(with("organization_id", "8x4cb5yqigrv"))
            .accept(),
        case("claim-number", "an organization of another type is merely a claim")
            .token(with("organization_id", 1))
            .accept(),
    ]
}

fn step_up() -> Vec<Finished> {
    let case = |id: &str, about: &str, name: &str, value: Value| {
        Case::new(format!("step-up-{id}"), "D13", about).token(with(name, value))
    };
    vec![
        case("acr", "acr is a claim like any other", "acr", json!("phr")).accept(),
        case("acr-number", "acr of another type is not looked at", "acr", json!(1)).accept(),
        case("auth-time-old", "an old login is fine where nothing newer is asked for", "auth_time", json!(1))
            .accept(),
        case("amr", "amr is a claim like any other", "amr", json!(["pwd"])).accept(),
    ]
}
