//! Issuers that are no URL, and tenants of a pattern.

use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::key_sets::{KeySet, jwk_with};
use crate::tokens::{es384, good};

const PATTERN: &str = "https://login.example.test/{tenant}/v2.0";

pub fn cases() -> Vec<Finished> {
    let mut cases = any_text();
    cases.extend(tenants());
    cases.extend(tenant_claims());
    cases.extend(keys_of_tenants());
    cases
}

/// Where keys are given, an issuer is any text (RFC 7519 §4.1.1).
fn any_text() -> Vec<Finished> {
    let with = |id: &str, configured: &str, issuer: &str| {
        let token = good(es384()).claim("iss", issuer).mint();
        let about = format!("{issuer} meets a guard for {configured}");
        Case::new(format!("issuer-{id}"), "P10", about).with("issuer", configured).token(token)
    };
    vec![
        with("word", "my-service", "my-service").accept(),
        with("word-other", "my-service", "my-service/").refuse("issuer_mismatch"),
        with("host", "accounts.example.test", "accounts.example.test").accept(),
        with("host-with-scheme", "accounts.example.test", "https://accounts.example.test")
            .refuse("issuer_mismatch"),
        with("urn", "urn:example:issuer", "urn:example:issuer").accept(),
        with("urn-case", "urn:example:issuer", "URN:example:issuer").refuse("issuer_mismatch"),
        with("mailbox", "robot@project.example.test", "robot@project.example.test").accept(),
        with("http", "http://keycloak:8080/realms/r", "http://keycloak:8080/realms/r").accept(),
        with("https-for-http", "http://keycloak:8080/realms/r", "https://keycloak:8080/realms/r")
            .refuse("issuer_mismatch"),
    ]
}

fn of_tenant(id: &str, row: &'static str, about: &str, tenant: &str) -> Case {
    let issuer = PATTERN.replace("{tenant}", tenant);
    Case::new(format!("tenant-{id}"), row, about)
        .with("issuer", PATTERN)
        .token(good(es384()).claim("iss", issuer).mint())
}

fn pattern(id: &str, row: &'static str, about: &str, tenant: &str) -> Case {
    of_tenant(id, row, about, tenant).setting("tenants", json!(["contoso", "Fabrikam-2"]))
}

fn tenants() -> Vec<Finished> {
    let listed = |id: &str, about: &str, tenant: &str| pattern(id, "P11", about, tenant);
    let in_host = |id: &str, about: &str, tenant: &str| {
        let issuer = |tenant: &str| format!("https://{tenant}.login.example.test/oidc");
        Case::new(format!("tenant-{id}"), "P11", about)
            .with("issuer", issuer("{tenant}"))
            .setting("tenants", json!(["contoso", "Fabrikam-2"]))
            .token(good(es384()).claim("iss", issuer(tenant)).mint())
    };
    let any = |id: &str, about: &str, tenant: &str| {
        of_tenant(&format!("any-{id}"), "P12", about, tenant).setting("dangerously_any_tenant", json!(true))
    };
    vec![
        listed("listed", "a tenant that is listed", "contoso").accept(),
        listed("listed-second", "another tenant that is listed", "Fabrikam-2").accept(),
        listed("other", "a tenant that is not listed", "adatum").refuse("issuer_mismatch"),
        listed("case", "a tenant in another case", "fabrikam-2").refuse("issuer_mismatch"),
        listed("placeholder", "the placeholder itself", "{tenant}").refuse("issuer_mismatch"),
        listed("empty", "no tenant", "").refuse("issuer_mismatch"),
        listed("deeper", "two segments", "contoso/x").refuse("issuer_mismatch"),
        listed("dots", "a way up", "contoso/..").refuse("issuer_mismatch"),
        in_host("host", "a tenant in the host", "contoso").accept(),
        in_host("host-other", "a tenant in the host that is not listed", "adatum").refuse("issuer_mismatch"),
        in_host("host-deeper", "two labels", "a.contoso").refuse("issuer_mismatch"),
        in_host("host-elsewhere", "another host", "contoso.evil.example/contoso").refuse("issuer_mismatch"),
        any("listed", "a tenant", "contoso").accept(),
        any("other", "another tenant", "adatum").accept(),
        any("longest", "64 characters", &"a".repeat(64)).accept(),
        any("too-long", "65 characters", &"a".repeat(65)).refuse("issuer_mismatch"),
        any("empty", "no tenant", "").refuse("issuer_mismatch"),
        any("deeper", "two segments", "adatum/x").refuse("issuer_mismatch"),
        any("dots", "a way up", "..").refuse("issuer_mismatch"),
        any("escape", "an escaped slash", "a%2Fb").refuse("issuer_mismatch"),
        any("letter", "a letter that is not ASCII", "\u{e4}").refuse("issuer_mismatch"),
        any("underscore", "an underscore", "a_b").refuse("issuer_mismatch"),
    ]
}

/// A claim that names the tenant names that of the issuer.
fn tenant_claims() -> Vec<Finished> {
    let with = |id: &str, about: &str, claim: Option<Value>| {
        let token = good(es384()).claim("iss", PATTERN.replace("{tenant}", "contoso"));
        let token = claim.into_iter().fold(token, |token, claim| token.claim("org", claim));
        pattern(id, "P13", about, "contoso").setting("tenant_claims", json!("org")).token(token.mint())
    };
    vec![
        with("claim", "the claim names the tenant", Some(json!("contoso"))).accept(),
        with("claim-other", "the claim names another tenant", Some(json!("Fabrikam-2")))
            .refuse("issuer_mismatch"),
        with("claim-absent", "no claim names the tenant", None).refuse("claim_missing"),
        with("claim-list", "the claim is a list", Some(json!(["contoso"]))).refuse("claim_malformed"),
    ]
}

/// Keys that say which tenants they are for, as Entra ID has them.
fn keys_of_tenants() -> Vec<Finished> {
    let with = |id: &str, about: &str, key_issuer: &str, tid: Option<&str>| {
        let token = good(es384()).claim("iss", PATTERN.replace("{tenant}", "contoso"));
        let token = tid.into_iter().fold(token, |token, tid| token.claim("tid", tid));
        let jwk = jwk_with(SigningKey::fixed(Algorithm::Es384), "issuer", key_issuer);
        let keys = KeySet::of_jwks(format!("tenant-{id}"), [jwk]);
        pattern(id, "P14", about, "contoso").keys(keys).token(token.mint())
    };
    let shared = "https://login.example.test/{tenantid}/v2.0";
    let own = "https://login.example.test/contoso/v2.0";
    let other = "https://login.example.test/Fabrikam-2/v2.0";
    vec![
        with("shared-key", "a key for every tenant, and tid", shared, Some("contoso")).accept(),
        with("shared-key-other", "a key for every tenant, and another tid", shared, Some("Fabrikam-2"))
            .refuse("issuer_mismatch"),
        with("shared-key-no-tid", "a key for every tenant, and no tid", shared, None).refuse("claim_missing"),
        with("own-key", "a key for this tenant", own, None).accept(),
        with("key-of-another", "a key for another tenant", other, Some("contoso")).refuse("issuer_mismatch"),
    ]
}
