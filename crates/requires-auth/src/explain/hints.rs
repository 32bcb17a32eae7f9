//! What is known of the makes of identity providers, by the form of the issuer's URL.

use super::Check;
use crate::error::{Denial, ErrorCode, Reason};
use crate::verify::Step;

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

/// What to do about a refusal: what the check shows, else what is known of the provider, else of the reason.
pub(super) fn hint<'a>(
    denial: &Denial,
    failed: Option<&Check>,
    mut issuers: impl Iterator<Item = &'a str> + Clone,
) -> String {
    if let Some(hint) = failed.and_then(|check| of_check(denial, check, issuers.clone())) {
        return hint;
    }
    let of_provider = |issuer: &str| {
        let provider = PROVIDERS.iter().find(|provider| issuer.contains(provider.url_part))?;
        let (_, hint) = provider.hints.iter().find(|(reason, _)| denial.reason() == Some(*reason))?;
        Some(*hint)
    };
    let hint = issuers.find_map(of_provider).unwrap_or_else(|| denial.hint());
    match (denial.reason(), failed.and_then(claim_of)) {
        (Some(Reason::ClaimMissing), Some(claim)) => format!("`{claim}` is missing: {hint}"),
        (Some(Reason::ClaimMalformed), Some(claim)) => format!("`{claim}` is malformed: {hint}"),
        _ => hint.to_owned(),
    }
}

/// What the failed check itself shows, if that says more than the reason.
fn of_check<'a>(
    denial: &Denial,
    check: &Check,
    mut issuers: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let found = check.found();
    if denial.code() == ErrorCode::InsufficientScope && found == "nothing" {
        return Some(
            "the token has no scope at all: ask the identity provider for the scope, or if it puts scopes into another \
             claim (`permissions`, `roles`), configure that claim"
                .to_owned(),
        );
    }
    let hint = match denial.reason()? {
        Reason::IssuerMismatch if issuers.any(|issuer| only_a_slash_apart(issuer, found)) => {
            "only a trailing slash differs: configure the issuer exactly as the token has it"
        }
        Reason::AudienceMismatch if an_audience_is_only_a_slash_apart(check) => {
            "only a trailing slash differs: configure the audience exactly as the token has it"
        }
        Reason::AudienceMismatch
            if check.expected().starts_with("no aud") && found.starts_with(['"', '[']) =>
        {
            "the token has an `aud`: configure it as the audience, if it names this API"
        }
        Reason::AudienceMismatch if found.contains("\"urn:logto:organization:") => {
            "this is Logto's token for an organization: add that audience to the configuration, one for each organization or \
             { prefix = \"urn:logto:organization:\" } for all of them, or request the token with this API's `resource` and the `organization_id`"
        }
        Reason::TypeNotAllowed if is_refresh_token(check) => {
            "this is a refresh token: send the access token that comes with it, and never the refresh token to an API"
        }
        Reason::SignatureMismatch if check.expected().contains("kid absent") => {
            "the token names no key, and none of those that were tried signed it, of which there are at most 8: have the \
             provider set `kid`"
        }
        Reason::AlgorithmNotAllowed if check.step() == Step::Algorithm => {
            return Some(of_algorithm(found).to_owned());
        }
        Reason::Malformed if check.step() == Step::Parts && found.contains("padding") => {
            "a JWT has no padding: take the `=` away, or have the token made with base64url without padding"
        }
        Reason::NotYetValid if check.step() == Step::Nbf => {
            "compare the clocks of this machine and of the identity provider; if they agree, the token is for later: \
             send the access token, not a refresh token"
        }
        Reason::ClaimMalformed if check.step() == Step::Profile && !found.starts_with("iat ") => {
            let (claim, value) = found.split_once(' ')?;
            return (!["authorization_details", "cnf", "act"].contains(&claim)).then(|| {
                format!("`{claim}` is {value}: the provider must make it a string or leave it out")
            });
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What to do about an algorithm that is not taken.
fn of_algorithm(name: &str) -> &'static str {
    if name.eq_ignore_ascii_case("none") {
        "`none` means that nobody signed the token: it is never allowed, and no setting allows it"
    } else if name.starts_with("HS") {
        "HS256, HS384 and HS512 sign with a secret that whoever verifies can sign with too: they are never allowed; have \
         the identity provider sign with a key pair"
    } else {
        "allow the algorithm in the configuration if you trust it"
    }
}

/// The claim that a failed check is about.
fn claim_of(check: &Check) -> Option<&str> {
    match check.step() {
        // Where scopes stand elsewhere.
        Step::Scope if check.expected().contains(": a string") => {
            check.expected().rsplit_once(": ").map(|(claim, _)| claim)
        }
        // Where another claim stands in for `aud`.
        Step::Aud if check.expected().starts_with("no aud, and ") => check.found().split(' ').next(),
        Step::Iss | Step::Aud | Step::Exp | Step::Nbf | Step::Iat | Step::Scope => {
            Some(check.step().as_str())
        }
        Step::Profile => check.found().split(' ').next(),
        _ => None,
    }
}

/// Whether an audience of the token, which is shown as JSON, is one that is expected but for the slash at its end.
fn an_audience_is_only_a_slash_apart(check: &Check) -> bool {
    let expected = || check.expected().split(" or ");
    check
        .found()
        .split('"')
        .any(|found| expected().any(|own| !found.is_empty() && only_a_slash_apart(own, found)))
}

/// Whether the claim `typ`, which is shown as JSON, marks a refresh token.
fn is_refresh_token(check: &Check) -> bool {
    let found = check.found().to_ascii_lowercase();
    check.step() == Step::IdToken
        && ["typ \"refresh\"", "typ \"offline\""].iter().any(|typ| found.contains(typ))
}

fn only_a_slash_apart(a: &str, b: &str) -> bool {
    a != b && a.trim_end_matches('/') == b.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn the_provider_knows_better_than_the_reason() {
        let opaque = Denial::invalid_token(Reason::Opaque);
        assert!(hint(&opaque, None, ["https://t.logto.app/oidc"].into_iter()).contains("resource indicator"));
        assert_eq!(hint(&opaque, None, ["https://other.example"].into_iter()), Reason::Opaque.hint());
    }

    fn failed(step: Step, found: &str, expected: &str) -> Check {
        Check { step, outcome: Outcome::Failed, found: found.to_owned(), expected: expected.to_owned() }
    }

    fn of(reason: Reason, step: Step, found: &str, expected: &str) -> String {
        let check = failed(step, found, expected);
        hint(&Denial::invalid_token(reason), Some(&check), ["https://other.example"].into_iter())
    }

    #[test]
    fn an_audience_that_differs_by_a_slash_is_noticed() {
        let of_aud =
            |found| of(Reason::AudienceMismatch, Step::Aud, found, "https://a.example or https://b.example");
        assert!(of_aud("\"https://b.example/\"").contains("slash"));
        assert!(of_aud("[\"account\",\"https://a.example/\"]").contains("slash"));
        assert_eq!(of_aud("\"https://c.example/\""), Reason::AudienceMismatch.hint());
        assert_eq!(of_aud("\"\""), Reason::AudienceMismatch.hint());
    }

    #[test]
    fn a_token_for_an_organization_is_named() {
        let of_aud = |found| of(Reason::AudienceMismatch, Step::Aud, found, "https://a.example");
        assert!(of_aud("\"urn:logto:organization:acme\"").contains("one for each organization"));
        assert_eq!(of_aud("\"https://c.example/urn:logto:organization:a\""), Reason::AudienceMismatch.hint());
    }

    #[test]
    fn what_is_never_allowed_is_told_from_what_is_not_configured() {
        let of_alg = |found| of(Reason::AlgorithmNotAllowed, Step::Algorithm, found, "ES384");
        for never in ["none", "None", "HS256", "HS512"] {
            assert!(of_alg(never).contains("never allowed"), "{never}");
        }
        assert_eq!(of_alg("RS256"), "allow the algorithm in the configuration if you trust it");
    }

    #[test]
    fn the_claim_is_named() {
        let missing = of(Reason::ClaimMissing, Step::Profile, "client_id absent", "");
        assert!(missing.starts_with("`client_id` is missing: "), "{missing}");
        let malformed = of(Reason::ClaimMalformed, Step::Exp, "\"soon\"", "");
        assert!(malformed.starts_with("`exp` is malformed: "), "{malformed}");
        let number = of(Reason::ClaimMalformed, Step::Profile, "sub 5", "");
        assert!(number.starts_with("`sub` is 5: "), "{number}");
        let refresh = of(Reason::TypeNotAllowed, Step::IdToken, "typ \"Refresh\"", "");
        assert!(refresh.contains("refresh token"), "{refresh}");
    }

    #[test]
    fn padding_is_named() {
        let of_parts = |found| of(Reason::Malformed, Step::Parts, found, "");
        assert!(of_parts("3 parts, with padding (`=`)").contains("no padding"));
        assert_eq!(of_parts("4 parts"), Reason::Malformed.hint());
    }
}
