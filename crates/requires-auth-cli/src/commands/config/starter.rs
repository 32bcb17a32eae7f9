//! The example of `config init` for a provider: its settings, what everybody should know who takes its tokens, and tests
//! with claims as it sends them.

use requires_auth::providers::{AudienceRule, Provider, Shape};

/// The example with the lines of this provider in the place of those that are for any.
pub(super) fn of_provider(
    example: &str,
    provider: &Provider,
    issuer: Option<&str>,
    audience: Option<&str>,
) -> String {
    let start = example.find("[issuers.main]").unwrap_or_default();
    let end = example.find("[server]").unwrap_or(start);
    let rest = rewritten(&example[end..], provider);
    [&example[..start], &issuer_table(provider, issuer, audience), "\n", &rest].concat()
}

fn issuer_table(provider: &Provider, issuer: Option<&str>, audience: Option<&str>) -> String {
    let Provider { title, name, .. } = provider;
    let mut lines = vec![format!("# {title}: see {} in the repository of requires-auth.", provider.page())];
    lines.extend(provider.warnings.iter().map(|warning| format!("# {warning}")));
    lines.push("[issuers.main]".to_owned());
    lines.push(format!("provider = \"{name}\""));
    if issuer.is_some() || !matches!(provider.form.shape, Shape::Fixed(_)) {
        let what = match provider.form.shape {
            Shape::Url(url) => format!("The issuer, as in {url}."),
            Shape::Fixed(_) => "The issuer, as in `iss`.".to_owned(),
            _ => format!("This is {}, or the URL of the issuer.", provider.form.short),
        };
        lines.push(format!("# {what}"));
        lines.push("issuer = \"ISSUER\"".to_owned());
    }
    if audience.is_some() || !matches!(provider.audience_rule, AudienceRule::Default(_)) {
        lines.push(format!("# This is {}, such as {}.", provider.audience, provider.audience_example));
        lines.push("audience = \"AUDIENCE\"".to_owned());
    }
    lines.join("\n") + "\n"
}

/// Routes and their tests in the claims of this provider.
fn rewritten(rest: &str, provider: &Provider) -> String {
    if !provider.has_scopes {
        return rest
            .replace(
                "scopes = [\"read:orders\"]",
                "claims = { sub = [\"reader\"] } # these tokens have no scopes",
            )
            .replace("scopes = [\"write:orders\"]", "claims = { sub = [\"writer\"] }")
            .replace("scope = \"read:orders\"", "sub = \"reader\"")
            .replace("insufficient_scope", "access_denied");
    }
    match provider.scope_claims.first() {
        Some(first) if *first != "scope" => {
            rest.replace("scope = \"read:orders\"", &format!("{first} = \"read:orders\""))
        }
        _ => rest.to_owned(),
    }
}

/// An issuer of this provider, for tests.
#[cfg(test)]
pub(super) const fn issuer_to_try(provider: &Provider) -> Option<&'static str> {
    match provider.form.shape {
        Shape::Fixed(_) => None,
        Shape::Template(_) => Some("acme"),
        Shape::Url(url) => Some(url),
        Shape::CognitoPool => Some("eu-west-1_Acme"),
    }
}
