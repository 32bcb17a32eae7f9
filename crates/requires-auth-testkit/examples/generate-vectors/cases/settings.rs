//! What has no member of its own in a case: settings by their keys, and claim rules.

use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::tokens::{es384, good};

pub fn cases() -> Vec<Finished> {
    let roles = |roles: Value| good(es384()).claim("realm_access", json!({ "roles": roles })).mint();
    let of_roles = |id, about: &str, token| {
        Case::new(id, "Q01", about)
            .setting("scope_claims", json!(["scope", "realm_access.roles"]))
            .with("scope", "auditor")
            .token(token)
    };
    let of_object = |id: &str, about: &str, roles: Value| {
        Case::new(format!("scope-claims-object-{id}"), "Q13", about)
            .setting("scope_claims", "urn:zitadel:iam:org:project:roles")
            .with("scope", "auditor")
            .token(good(es384()).claim("urn:zitadel:iam:org:project:roles", roles).mint())
    };
    let admin = |id, about: &str, scope: &str| {
        Case::new(id, "Q02", about)
            .setting("implied_scopes", json!({ "admin": "read write" }))
            .token(good(es384()).scope(scope).mint())
    };
    let of_plan = |id, about: &str, plan: &str| {
        let token = good(es384()).claim("org", json!({ "plan": plan })).mint();
        Case::new(id, "Q20", about).claim("org.plan", "pro").token(token)
    };
    vec![
        of_roles("scope-claims-role", "a role counts as a scope", roles(json!(["auditor"]))).accept(),
        of_roles("scope-claims-other-role", "another role", roles(json!(["buyer"]))).forbid("auditor"),
        of_roles("scope-claims-no-list", "the roles are a number", roles(json!(5))).refuse("claim_malformed"),
        of_object(
            "member",
            "a role that is a member of an object, as at Zitadel",
            json!({ "auditor": { "1": "acme" } }),
        )
        .accept(),
        of_object("true", "a role that is true", json!({ "auditor": true })).accept(),
        of_object("false", "a role that is false", json!({ "auditor": false })).forbid("auditor"),
        of_object("null", "a role that is null", json!({ "auditor": null })).forbid("auditor"),
        of_object("other", "another role", json!({ "buyer": { "1": "acme" } })).forbid("auditor"),
        of_object("space", "a name with a space is not a scope", json!({ "x auditor": {} }))
            .forbid("auditor"),
        of_object("text", "a role whose value is a text", json!({ "auditor": "yes" }))
            .refuse("claim_malformed"),
        admin("implied-scope", "admin includes read", "admin").with("scope", "read").accept(),
        of_plan("claim-rule", "the claim has the value", "pro").accept(),
        of_plan("claim-rule-other", "the claim has another value", "free").deny(),
        admin("implied-scope-upwards", "read does not include admin", "read").forbid("admin"),
    ]
}
