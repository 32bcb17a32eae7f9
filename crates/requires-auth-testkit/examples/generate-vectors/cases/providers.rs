//! Recorded tokens of real providers, each looked at in the second of its issue.

use requires_auth_testkit::Algorithm;
use serde_json::json;

use crate::case::{Case, Finished};
use crate::key_sets::KeySet;
use crate::recorded::PROVIDERS;
use crate::tokens::{claims_of, resigned, swapped};

const LOGTO: &str = "http://127.0.0.1:3001/oidc";
const LOGTO_ADMIN: &str = "http://127.0.0.1:3002/oidc";
const OIDC_PROVIDER: &str = "http://127.0.0.1:9400";
const API: &str = "https://api.example.test";

pub fn cases() -> Vec<Finished> {
    let mut cases = logto_accepted();
    cases.extend(logto_refused());
    cases.extend(logto_rotation());
    cases.extend(oidc_algorithms());
    cases.extend(oidc_shapes());
    cases.extend(oidc_other_looks());
    cases.extend(oidc_refused());
    cases.extend(oidc_rotation());
    cases
}

/// When a recorded JWT was issued.
fn issued(token: &str) -> i64 {
    claims_of(token)["iat"].as_i64().expect("recorded tokens have iat")
}

fn case(name: &str, row: &'static str, about: &str, issuer: &str, keys: &str) -> Case {
    let token = PROVIDERS.token(name);
    Case::new(name, row, about)
        .keys(PROVIDERS.key_set(keys))
        .with("issuer", issuer)
        .with("audience", API)
        .with("now", issued(token))
        .token(token)
}

/// The same token under another id, to look at it in another way.
fn again(name: &str, suffix: &str, row: &'static str, about: &str, issuer: &str, keys: &str) -> Case {
    let token = PROVIDERS.token(name);
    Case::new(format!("{name}-{suffix}"), row, about)
        .keys(PROVIDERS.key_set(keys))
        .with("issuer", issuer)
        .with("audience", API)
        .with("now", issued(token))
        .token(token)
}

fn logto_accepted() -> Vec<Finished> {
    let logto = |name: &str, row, about: &str| case(name, row, about, LOGTO, "logto").strict();
    let organization = "urn:logto:organization:8x4cb5yqigrv";
    vec![
        logto("logto-m2m-two-scopes", "D16", "a machine with two scopes")
            .with("scope", json!(["read:orders", "write:orders"]))
            .accept(),
        logto("logto-m2m-one-scope", "D09", "a machine with one scope").with("scope", "read:orders").accept(),
        logto("logto-m2m-no-scope-asked", "D09", "a machine that asked for no scope").accept(),
        logto("logto-m2m-scope-not-granted", "D09", "a machine that was granted nothing").accept(),
        logto("logto-m2m-mixed-granted-and-not", "D09", "a machine that was granted a part")
            .with("scope", "read:orders")
            .accept(),
        logto("logto-m2m-app-without-role", "D16", "a machine without a role").accept(),
        logto("logto-m2m-custom-claims", "D05", "custom claims, among them nbf 1").accept(),
        logto("logto-m2m-organization-token", "D17", "an organization token")
            .with("audience", organization)
            .with("scope", "manage:billing")
            .accept(),
        logto("logto-m2m-organization-token-no-scope", "D17", "an organization token with an empty scope")
            .with("audience", organization)
            .accept(),
        logto("logto-m2m-organization-and-resource", "D17", "an API token with an organization")
            .with("scope", "read:orders")
            .accept(),
        logto("logto-user-code-jwt", "C23", "a person, by authorization code")
            .with("scope", "write:orders")
            .accept(),
        logto("logto-user-refresh-jwt", "C23", "a person, by refresh token")
            .with("scope", "write:orders")
            .accept(),
        logto("logto-user-refresh-organization-token", "D17", "a person in an organization")
            .with("audience", organization)
            .accept(),
        logto(
            "logto-user-refresh-organization-and-resource",
            "D17",
            "a person in an organization, at an API",
        )
        .accept(),
        logto("logto-exchange-impersonation-no-actor", "D11", "an exchanged token without an actor").accept(),
        logto("logto-exchange-impersonation-with-actor", "D11", "an exchanged token with an actor").accept(),
        logto("logto-exchange-personal-access-token", "D16", "a personal access token, exchanged").accept(),
        case(
            "logto-management-api-token",
            "D02",
            "the Management API has the issuer and keys of the admin tenant",
            LOGTO_ADMIN,
            "logto-admin-tenant",
        )
        .with("audience", "https://default.logto.app/api")
        .with("scope", "all")
        .accept(),
        case(
            "logto-management-api-token-no-scope",
            "D09",
            "the Management API without a scope",
            LOGTO_ADMIN,
            "logto-admin-tenant",
        )
        .with("audience", "https://default.logto.app/api")
        .forbid("all"),
    ]
}

fn logto_refused() -> Vec<Finished> {
    let token = "logto-m2m-two-scopes";
    let again = |suffix: &str, row, about: &str| again(token, suffix, row, about, LOGTO, "logto");
    let id_token = |name: &str| case(name, "D15", "an ID token", LOGTO, "logto");
    let opaque = |name: &str| {
        Case::new(name, "C01", "an opaque token, as Logto issues without a resource")
            .alg(None)
            .keys(PROVIDERS.key_set("logto"))
            .with("issuer", LOGTO)
            .with("audience", API)
            .with("now", issued(PROVIDERS.token(token)))
            .token(PROVIDERS.token(name))
            .refuse("opaque")
    };
    let recorded = PROVIDERS.token(token);
    vec![
        again("other-issuer", "D01", "the issuer with a slash at the end")
            .with("issuer", "http://127.0.0.1:3001/oidc/")
            .refuse("issuer_mismatch"),
        again("other-audience", "D03", "another API")
            .with("audience", "https://api.example.test/")
            .refuse("audience_mismatch"),
        again("expired", "D04", "a leeway after its expiry")
            .with("now", issued(recorded) + 3630)
            .refuse("expired"),
        again("last-second", "D04", "the last second of the leeway")
            .with("now", issued(recorded) + 3629)
            .accept(),
        again("before-issue", "D08", "a minute before its issue")
            .with("now", issued(recorded) - 60)
            .refuse("not_yet_valid"),
        again("missing-scope", "D09", "a scope is missing").forbid("delete:orders"),
        again("admin-keys", "D02", "the keys of the admin tenant")
            .keys(PROVIDERS.key_set("logto-admin-tenant"))
            .refuse("key_unknown"),
        again("tampered", "C27", "another scope under the old signature")
            .token(swapped(recorded, 1, |claims| claims.replace("read:orders", "all:orders!")))
            .refuse("signature_mismatch"),
        again("signature-flipped", "C16", "one bit of the signature is flipped")
            .token(resigned(recorded, |mut signature| {
                signature[50] ^= 4;
                signature
            }))
            .refuse("signature_mismatch"),
        again("rs256-only", "C07", "a guard for RS256, as in one of Logto's guides")
            .with("alg", json!(["RS256"]))
            .refuse("algorithm_not_allowed"),
        again("es384-only", "C07", "a guard for ES384").with("alg", json!(["ES384"])).accept(),
        id_token("logto-user-code-jwt-id-token").refuse("type_not_allowed"),
        id_token("logto-user-code-opaque-id-token").refuse("type_not_allowed"),
        id_token("logto-user-code-opaque-actor-id-token").refuse("type_not_allowed"),
        id_token("logto-user-refresh-jwt-id-token").refuse("type_not_allowed"),
        id_token("logto-user-refresh-organization-token-id-token")
            .with("audience", "1qkwneangpym3trff7844")
            .refuse("type_not_allowed"),
        id_token("logto-user-refresh-organization-and-resource-id-token").strict().refuse("type_not_allowed"),
        opaque("logto-user-code-opaque"),
        opaque("logto-user-code-opaque-actor"),
    ]
}

fn logto_rotation() -> Vec<Finished> {
    let at_the_time = |step: u8, alg: &'static str, about: &str| {
        let name = format!("logto-rotation-{step}");
        case(&name, "E17", about, LOGTO, &name).alg(alg).accept()
    };
    let with_keys_of = |step: u8, keys: u8, alg: &'static str, about: &str| {
        again(
            &format!("logto-rotation-{step}"),
            &format!("keys-{keys}"),
            "E17",
            about,
            LOGTO,
            &format!("logto-rotation-{keys}"),
        )
        .alg(alg)
    };
    vec![
        at_the_time(1, "ES384", "before the rotation"),
        at_the_time(2, "ES384", "a new key is published, the old one signs"),
        at_the_time(3, "ES384", "the new key signs"),
        at_the_time(4, "RS256", "a key of another type signs"),
        at_the_time(5, "RS256", "the oldest key is gone"),
        at_the_time(6, "RS256", "a key is added, the RSA key signs"),
        at_the_time(7, "ES384", "an EC key signs again"),
        with_keys_of(1, 4, "ES384", "an old token, its key is still published").accept(),
        with_keys_of(1, 5, "ES384", "an old token, its key is gone").refuse("key_unknown"),
        with_keys_of(3, 1, "ES384", "a new token, its key is not known yet").refuse("key_unknown"),
        with_keys_of(4, 3, "RS256", "a token of a new type, its key is not known yet").refuse("key_unknown"),
    ]
}

fn oidc(name: &str, row: &'static str, about: &str) -> Case {
    case(name, row, about, OIDC_PROVIDER, "oidc-provider")
}

fn oidc_algorithms() -> Vec<Finished> {
    let signed = |slug: &str, alg: &'static str, row| {
        oidc(&format!("oidc-{slug}"), row, "signed by oidc-provider")
            .alg(alg)
            .with("audience", format!("https://{slug}.example.test"))
            .strict()
            .accept()
    };
    vec![
        signed("ed25519", "Ed25519", "C19"),
        signed("eddsa", "EdDSA", "C19"),
        signed("es256", "ES256", "C16"),
        signed("es384", "ES384", "C16"),
        signed("es512", "ES512", "C16"),
        signed("ps256", "PS256", "C18"),
        signed("ps384", "PS384", "C18"),
        signed("ps512", "PS512", "C18"),
        signed("rs256", "RS256", "C22"),
        signed("rs384", "RS384", "C22"),
        signed("rs512", "RS512", "C22"),
        oidc("oidc-hs256", "C08", "signed with a shared secret")
            .alg("HS256")
            .with("audience", "https://hs256.example.test")
            .refuse("algorithm_not_allowed"),
    ]
}

fn oidc_shapes() -> Vec<Finished> {
    let shape = |slug: &str, row, about: &str| {
        oidc(&format!("oidc-shape-{slug}"), row, about)
            .with("audience", format!("https://shape-{slug}.example.test"))
    };
    let rsa = |slug: &str, row, about: &str| shape(slug, row, about).alg("RS256");
    vec![
        shape("aud-array", "D03", "an array of audiences").accept(),
        shape("no-kid", "C15", "no kid, in a set with one P-384 key").accept(),
        shape("scope-array", "D09", "scope as an array").with("scope", json!(["write:orders"])).accept(),
        rsa("scp", "D09", "scp as Okta sends it").with("scope", "read:orders").accept(),
        rsa("permissions", "D09", "permissions as Auth0 sends them, beside scope")
            .with("scope", "read:orders")
            .accept(),
        rsa("roles", "D09", "roles as Keycloak sends them, without client_id")
            .with("scope", "read:orders")
            .accept(),
        rsa("typ-jwt", "C24", "typ JWT").accept(),
        shape("typ-long", "C23", "typ with its prefix").strict().accept(),
        shape("typ-upper", "C23", "typ in upper case").strict().accept(),
        shape("nbf-future", "D05", "valid only in two minutes").refuse("not_yet_valid"),
        oidc("oidc-default", "C16", "a token as it comes").strict().accept(),
        oidc("oidc-no-scope", "D09", "no scope was asked for, all were granted")
            .with("scope", json!(["read:orders", "write:orders"]))
            .accept(),
        oidc("oidc-for-introspection", "C16", "a JWT that was introspected").accept(),
        oidc("oidc-person", "D16", "a person").with("scope", "read:orders").accept(),
        oidc("oidc-person-refreshed", "D16", "a person, by refresh token").accept(),
        oidc("oidc-short", "D04", "a token for two seconds, at its issue")
            .with("audience", "https://short.example.test")
            .accept(),
    ]
}

fn oidc_other_looks() -> Vec<Finished> {
    let person = "oidc-person-id-token";
    vec![
        oidc(person, "D15", "an ID token without typ, nonce and hash is for its client")
            .refuse("audience_mismatch"),
        again(person, "strict", "D15", "an ID token without typ", OIDC_PROVIDER, "oidc-provider")
            .strict()
            .refuse("type_not_allowed"),
        again(
            "oidc-shape-aud-array",
            "neither",
            "D03",
            "an array of other audiences",
            OIDC_PROVIDER,
            "oidc-provider",
        )
        .refuse("audience_mismatch"),
        again(
            "oidc-shape-typ-jwt",
            "strict",
            "C23",
            "typ JWT, profile at+jwt",
            OIDC_PROVIDER,
            "oidc-provider",
        )
        .alg("RS256")
        .strict()
        .refuse("type_not_allowed"),
        again(
            "oidc-shape-roles",
            "strict",
            "D07",
            "no client_id, profile at+jwt",
            OIDC_PROVIDER,
            "oidc-provider",
        )
        .alg("RS256")
        .with("audience", "https://shape-roles.example.test")
        .strict()
        .refuse("claim_missing"),
        again(
            "oidc-short",
            "expired",
            "D04",
            "a token for two seconds, a leeway later",
            OIDC_PROVIDER,
            "oidc-provider",
        )
        .with("audience", "https://short.example.test")
        .with("now", issued(PROVIDERS.token("oidc-short")) + 32)
        .refuse("expired"),
        again(
            "oidc-shape-nbf-future",
            "later",
            "D05",
            "valid within the leeway",
            OIDC_PROVIDER,
            "oidc-provider",
        )
        .with("audience", "https://shape-nbf-future.example.test")
        .with("now", issued(PROVIDERS.token("oidc-shape-nbf-future")) + 90)
        .accept(),
        again(
            "oidc-default",
            "foreign-keys",
            "D02",
            "the keys of another issuer",
            OIDC_PROVIDER,
            "oidc-provider",
        )
        .keys(KeySet::fixed(Algorithm::Es384))
        .refuse("key_unknown"),
    ]
}

fn oidc_refused() -> Vec<Finished> {
    let bound = |name: &str, about: &str| oidc(name, "D14", about).refuse("binding_mismatch");
    let other_type = |name: &str, alg: &'static str, about: &str| {
        oidc(name, "C24", about).alg(alg).refuse("type_not_allowed")
    };
    let without_claims = |name: &str, row, about: &str| {
        Case::new(name, row, about)
            .alg(None)
            .keys(PROVIDERS.key_set("oidc-provider"))
            .with("issuer", OIDC_PROVIDER)
            .with("audience", API)
            .with("now", issued(PROVIDERS.token("oidc-default")))
            .token(PROVIDERS.token(name))
    };
    vec![
        bound("oidc-dpop-es256", "bound to a DPoP key (ES256)"),
        bound("oidc-dpop-ed25519", "bound to a DPoP key (Ed25519)"),
        bound("oidc-mtls", "bound to a client certificate"),
        bound("oidc-mtls-rfc9440-header", "bound to a client certificate that a proxy passes on"),
        other_type("oidc-proof-es256", "ES256", "a DPoP proof in place of a token"),
        other_type("oidc-proof-ed25519", "Ed25519", "a DPoP proof in place of a token"),
        other_type("oidc-introspection-jwt", "ES384", "a signed introspection answer in place of a token"),
        other_type(
            "oidc-introspection-by-openid-client",
            "ES384",
            "a signed introspection answer in place of a token",
        ),
        without_claims("oidc-sealed-nested", "C25", "a signed token inside an encrypted one")
            .refuse("encrypted"),
        without_claims("oidc-sealed-only", "C26", "an encrypted token").refuse("encrypted"),
        without_claims("oidc-opaque", "C01", "an opaque token").refuse("opaque"),
        without_claims("oidc-dpop-opaque", "C01", "an opaque token that is bound to a DPoP key")
            .refuse("opaque"),
    ]
}

fn oidc_rotation() -> Vec<Finished> {
    let at_the_time = |name: &str, about: &str| case(name, "E17", about, OIDC_PROVIDER, name).accept();
    let with_keys_of = |name: &str, keys: &str, about: &str| {
        again(name, &keys.replace("oidc-rotation", "keys"), "E17", about, OIDC_PROVIDER, keys)
    };
    vec![
        at_the_time("oidc-rotation-1", "the first set of keys"),
        at_the_time("oidc-rotation-1-then-2", "both sets, the first one signs"),
        at_the_time("oidc-rotation-2-then-1", "both sets, the second one signs"),
        at_the_time("oidc-rotation-2", "the second set of keys"),
        with_keys_of("oidc-rotation-1", "oidc-rotation-2-then-1", "an old token, its key is still published")
            .accept(),
        with_keys_of("oidc-rotation-1", "oidc-rotation-2", "an old token, its key is gone")
            .refuse("key_unknown"),
        with_keys_of("oidc-rotation-2", "oidc-rotation-1", "a new token, its key is not known yet")
            .refuse("key_unknown"),
    ]
}
