use std::collections::HashSet;

use super::*;

fn issuer(name: &str, text: &str) -> Result<String, WrongIssuer> {
    find(name).unwrap_or_else(|| panic!("no row {name}")).issuer(text)
}

#[test]
fn short_names_become_issuers() {
    for (name, text, expected) in [
        ("logto", "acme", "https://acme.logto.app/oidc"),
        ("logto", "acme.logto.app", "https://acme.logto.app/oidc"),
        ("logto", "http://127.0.0.1:3001/oidc", "http://127.0.0.1:3001/oidc"),
        ("auth0", "acme.eu", "https://acme.eu.auth0.com/"),
        ("auth0", "acme.eu.auth0.com", "https://acme.eu.auth0.com/"),
        ("auth0", "https://login.example.com/", "https://login.example.com/"),
        ("keycloak", "https://id.example.com/realms/shop", "https://id.example.com/realms/shop"),
        ("cognito", "eu-west-1_AbC", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"),
        ("okta", "dev-1", "https://dev-1.okta.com/oauth2/default"),
        ("google", "", "https://accounts.google.com"),
        ("google", "accounts.google.com", "https://accounts.google.com"),
        ("firebase", "my-project", "https://securetoken.google.com/my-project"),
        ("kubernetes", "https://oidc.eks.example/id/1", "https://oidc.eks.example/id/1"),
    ] {
        assert_eq!(issuer(name, text).as_deref(), Ok(expected), "{name} {text}");
    }
}

#[test]
fn what_cannot_be_an_issuer_is_refused_with_a_reason() {
    for (name, text, hint) in [
        ("logto", "", "the tenant id"),
        ("logto", "a/b", "the tenant id"),
        ("logto", "a..b", "the tenant id"),
        ("logto", "https://acme.logto.app", "/oidc"),
        ("logto", "https://acme.logto.app/oidc/", "/oidc"),
        ("auth0", "https://login.example.com", "slash"),
        ("keycloak", "shop", "https://id.example.com/realms/NAME"),
        ("keycloak", "https://id.example.com", "realm"),
        ("entra", "common", "GUID"),
        ("entra", "https://login.microsoftonline.com/organizations/v2.0", "GUID"),
        ("entra", "contoso.onmicrosoft.com", "GUID"),
        ("cognito", "AbC", "user pool"),
        ("cognito", "https://acme.auth.eu-west-1.amazoncognito.com", "login domain"),
        ("okta", "https://dev-1.okta.com", "custom authorization server"),
        ("google", "acme", "leave it out"),
        ("authentik", "https://id.example.com/application/o/shop", "slash"),
    ] {
        let wrong = issuer(name, text).expect_err(text);
        assert!(wrong.hint.contains(hint), "{name} {text}: {}", wrong.hint);
    }
}

#[test]
fn other_names_of_an_issuer_have_the_same_tenant() {
    let entra = find("entra").expect("a row");
    assert_eq!(entra.aliases("https://login.microsoftonline.com/abc/v2.0"), ["https://sts.windows.net/abc/"]);
    assert_eq!(entra.aliases("https://login.example/abc"), [""; 0]);
    assert_eq!(
        find("google").expect("a row").aliases("https://accounts.google.com"),
        ["accounts.google.com"]
    );
}

#[test]
fn issuers_are_recognised() {
    let seen = |issuer: &str| recognise(issuer).map(|found| (found.provider.name, found.is_certain));
    for (issuer, expected) in [
        ("https://acme.logto.app/oidc", Some(("logto", true))),
        ("http://127.0.0.1:3001/oidc", Some(("logto", false))),
        ("https://ACME.eu.auth0.com/", Some(("auth0", true))),
        ("https://id.example.com/auth/realms/shop", Some(("keycloak", true))),
        ("https://sts.windows.net/abc/", Some(("entra", true))),
        ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", Some(("cognito", true))),
        ("accounts.google.com", Some(("google", true))),
        ("https://id.example.com/application/o/shop/", Some(("authentik", true))),
        // Somebody else's host may have any of these in it.
        ("https://acme.logto.app.evil.example/x", None),
        ("https://evil.example/https://acme.auth0.com/", None),
        ("https://user@evil.example/realms/", None),
        ("https://logto.app", None),
        ("https://issuer.example", None),
        ("", None),
    ] {
        assert_eq!(seen(issuer), expected, "{issuer}");
    }
}

#[test]
fn metadata_tell_a_provider_only_if_all_that_is_its_own_is_there() {
    let seen = |scopes: &[&'static str], endpoint: &'static str| {
        let found = recognise_metadata(|member| match member {
            "introspection_endpoint" => vec![endpoint],
            "scopes_supported" => scopes.to_vec(),
            _ => Vec::new(),
        });
        found.map(|provider| provider.name)
    };
    let endpoint = "http://127.0.0.1:3001/oidc/token/introspection";
    assert_eq!(seen(&["openid", "urn:logto:scope:organizations"], endpoint), Some("logto"));
    // Another server may stand under `/oidc`, too.
    assert_eq!(seen(&["openid"], endpoint), None);
    assert_eq!(seen(&[], endpoint), None);
    assert_eq!(seen(&["urn:logto:scope:organizations"], "http://127.0.0.1:3001/introspect"), None);
}

#[test]
fn a_missing_audience_is_told_in_the_words_of_the_row() {
    let hint = |name: &str| audience_hint(find(name));
    for (name, example, claim) in [
        ("logto", "https://api.example.com", "`aud`"),
        ("cognito", "1example23456789", "`client_id`"),
        ("clerk", "https://app.example.com", "`azp`"),
        ("google", "407408718192.apps.googleusercontent.com", "`aud`"),
    ] {
        assert!(hint(name).contains(example) && hint(name).ends_with(claim), "{name}: {}", hint(name));
    }
    assert!(!hint("cognito").contains("https://api.example.com"));
    assert!(audience_hint(None).contains("https://api.example.com"));
}

#[test]
fn every_row_is_whole() {
    let names: HashSet<_> = NAMES.iter().collect();
    assert_eq!(names.len(), ALL.len(), "a name is there once");
    for (provider, name) in ALL.iter().zip(NAMES) {
        assert_eq!(provider.name, *name);
        assert!(!provider.title.is_empty() && !provider.audience.is_empty(), "{name}");
        assert!(!provider.audience_example.is_empty() && !provider.audience.contains("such as"), "{name}");
        assert!(!provider.hints.is_empty(), "{name}");
        assert!(provider.warnings.iter().all(|text| text.ends_with('.') && !text.contains("  ")), "{name}");
        for (reason, hint) in provider.hints {
            assert!(!hint.ends_with('.') && !hint.contains("  "), "{name} {reason:?}");
        }
        assert!(
            matches!(provider.form.shape, Shape::Fixed(_) | Shape::Url(_)) != !provider.form.short.is_empty(),
            "{name}"
        );
        let places = provider.token_places().map(|places| places.len()).unwrap_or_default();
        assert_eq!(places, provider.token_from.len(), "{name}");
        let is_known = |algorithm: &&str| algorithm.parse::<crate::verify::Algorithm>().is_ok();
        assert!(provider.algorithms.iter().all(is_known), "{name}");
    }
}

#[test]
fn an_issuer_of_the_row_is_recognised_as_its_own() {
    for provider in ALL {
        let short = if provider.form.shape == Shape::CognitoPool { "eu-west-1_a" } else { "acme" };
        let issuer = match provider.form.shape {
            Shape::Fixed(issuer) | Shape::Url(issuer) => issuer.to_owned(),
            _ => provider.issuer(short).expect("a short name"),
        };
        let found = recognise(&issuer).map(|found| found.provider.name);
        assert_eq!(found, Some(provider.name), "{issuer}");
    }
}
