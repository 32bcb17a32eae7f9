//! What is known of the makes of identity providers, by the form of the issuer's URL.

use super::Check;
use crate::error::{Denial, Reason};

/// A make of identity provider, recognised by a part of the issuer's URL.
struct Provider {
    url_part: &'static str,
    hints: &'static [(Reason, &'static str)],
}

const PROVIDERS: &[Provider] = &[
    Provider {
        url_part: ".logto.app/oidc",
        hints: &[
            (
                Reason::Opaque,
                "Logto gives an opaque token when the request names no `resource`: ask for this API's resource indicator",
            ),
            (
                Reason::AlgorithmNotAllowed,
                "Logto signs with ES384 by default, and with RS256 after a rotation to RSA: allow both",
            ),
            (
                Reason::TypeNotAllowed,
                "this looks like Logto's ID token: send the access token that was asked for with `resource`",
            ),
        ],
    },
    Provider {
        url_part: ".auth0.com/",
        hints: &[
            (
                Reason::Opaque,
                "Auth0 gives an opaque token when the request names no `audience`: ask for this API's identifier",
            ),
            (
                Reason::Encrypted,
                "Auth0 gives an encrypted token when the request names no `audience`, or when the API has encryption on",
            ),
            (Reason::IssuerMismatch, "Auth0's issuer ends in a slash, and a custom domain changes it"),
        ],
    },
    Provider {
        url_part: "/realms/",
        hints: &[
            (
                Reason::AudienceMismatch,
                "Keycloak's audience is `account` until the client has an Audience mapper for this API",
            ),
            (
                Reason::ClaimMissing,
                "Keycloak leaves out `aud` without an Audience mapper, and `sub` without the scope `basic`",
            ),
            (
                Reason::IssuerMismatch,
                "Keycloak's issuer follows its hostname settings: inside and outside names differ",
            ),
        ],
    },
    Provider {
        url_part: "login.microsoftonline.com/",
        hints: &[
            (
                Reason::IssuerMismatch,
                "Entra ID gives v1 tokens (issuer https://sts.windows.net/<tenant>/) until the API's requestedAccessTokenVersion is 2",
            ),
            (
                Reason::AudienceMismatch,
                "Entra ID's audience is the API's GUID in v2 tokens and `api://...` in v1 tokens; a Graph token is not for this API",
            ),
            (
                Reason::SignatureMismatch,
                "a token for Microsoft Graph cannot be verified by others: ask for a scope of this API",
            ),
        ],
    },
    Provider {
        url_part: "cognito-idp.",
        hints: &[(
            Reason::ClaimMissing,
            "Cognito's access tokens have no `aud` unless the app client has a resource binding",
        )],
    },
    Provider {
        url_part: ".okta.com",
        hints: &[
            (
                Reason::KeyUnknown,
                "tokens of Okta's org server are for Okta alone: use a custom authorization server (/oauth2/default)",
            ),
            (
                Reason::AudienceMismatch,
                "the audience of an Okta custom authorization server is set there, often `api://default`",
            ),
        ],
    },
    Provider {
        url_part: "accounts.google.com",
        hints: &[(Reason::Opaque, "Google's access tokens are opaque and only for Google's own APIs")],
    },
];

/// What to do about a refusal: what is known of the provider, else of the reason.
pub(super) fn hint<'a>(
    denial: &Denial,
    failed: Option<&Check>,
    mut issuers: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let found = failed.map_or("", Check::found);
    if denial.reason() == Some(Reason::IssuerMismatch)
        && issuers.clone().any(|issuer| only_a_slash_apart(issuer, found))
    {
        return "only a trailing slash differs: configure the issuer exactly as the token has it".to_owned();
    }
    let of_provider = |issuer: &str| {
        let provider = PROVIDERS.iter().find(|provider| issuer.contains(provider.url_part))?;
        let (_, hint) = provider.hints.iter().find(|(reason, _)| denial.reason() == Some(*reason))?;
        Some((*hint).to_owned())
    };
    issuers.find_map(of_provider).unwrap_or_else(|| denial.hint().to_owned())
}

fn only_a_slash_apart(a: &str, b: &str) -> bool {
    a != b && a.trim_end_matches('/') == b.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_knows_better_than_the_reason() {
        let opaque = Denial::invalid_token(Reason::Opaque);
        assert!(hint(&opaque, None, ["https://t.logto.app/oidc"].into_iter()).contains("resource indicator"));
        assert_eq!(hint(&opaque, None, ["https://other.example"].into_iter()), Reason::Opaque.hint());
    }
}
