//! Rows Y01 to Y04: how strong and how recent a login must be (RFC 9470).

use serde_json::{Value, json};

use crate::answers;
use crate::case::{Case, Finished};
use crate::tokens::{NOW, es384, good};

/// A token after a login of this strength and at this time, on a route that needs a strong one, at most five minutes old.
fn case(id: &str, row: &'static str, about: &str, acr: Value, auth_time: Value) -> Case {
    let mut token = good(es384());
    for (name, value) in [("acr", acr), ("auth_time", auth_time)] {
        if !value.is_null() {
            token = token.claim(name, value);
        }
    }
    Case::new(format!("step-up-{id}"), row, about).token(token.mint())
}

pub fn cases() -> Vec<Finished> {
    let strong =
        |id, about, acr: Value| case(id, "Y01", about, acr, Value::Null).with("acr", json!(["phr", "mfa"]));
    let recent =
        |id, about, auth_time: Value| case(id, "Y02", about, Value::Null, auth_time).with("max_age", 300);
    let both = |id, about, acr: &str, auth_time: i64| {
        let case = case(id, "Y03", about, json!(acr), json!(auth_time));
        case.with("acr", json!(["phr", "mfa"])).with("max_age", 300)
    };
    let acr = || answers::step_up("acr_values=\"phr mfa\"");
    let age = || answers::step_up("max_age=\"300\"");
    let all = || answers::step_up("acr_values=\"phr mfa\", max_age=\"300\"");
    vec![
        strong("acr-second", "the login is of the second strength", json!("mfa")).accept(),
        strong("acr-other", "the login is of another strength", json!("pwd")).refuse_with(&acr()),
        strong("acr-case", "the strength in another case", json!("MFA")).refuse_with(&acr()),
        strong("acr-part", "two strengths in one text", json!("phr mfa")).refuse_with(&acr()),
        strong("acr-absent", "the token does not say", Value::Null).refuse_with(&acr()),
        strong("acr-list", "the strength in an array", json!(["mfa"])).refuse_with(&acr()),
        recent("age", "the login is as old as it may be", json!(NOW - 300)).accept(),
        recent("age-older", "the login is a second older", json!(NOW - 301)).refuse_with(&age()),
        recent("age-absent", "the token does not say", Value::Null).refuse_with(&age()),
        recent("age-text", "the time is a text", json!(NOW.to_string())).refuse_with(&age()),
        both("both", "the login is strong and recent", "phr", NOW - 10).accept(),
        both("both-weak", "the login is recent and weak", "pwd", NOW - 10).refuse_with(&all()),
        both("both-old", "the login is strong and old", "phr", NOW - 3000).refuse_with(&all()),
        both("both-scope", "the login is weak, and a scope is missing", "pwd", NOW - 10)
            .row("Y04")
            .forbid("write:items"),
        both("both-with-scope", "the login is strong, and the scope is there", "phr", NOW - 10)
            .row("Y04")
            .with("scope", "read:items")
            .accept(),
    ]
}
