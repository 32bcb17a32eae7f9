//! What to do about a refusal, in the words of the provider where that is known.

use super::Check;
use crate::error::{Denial, ErrorCode, Reason};
use crate::providers::{self, Recognised, recognise};
use crate::verify::{IssuerRules, Step};

/// An issuer of the guard, with its provider where that is known or can be told by its URL.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'i> {
    issuer: &'i str,
    provider: Option<Recognised>,
}

impl<'i> Known<'i> {
    /// The issuer of these rules; none if they take any.
    pub(super) fn of(rules: &'i IssuerRules) -> Option<Self> {
        let issuer = rules.issuer.as_deref()?;
        let given = rules.provider.as_ref().and_then(|row| providers::find(row.name));
        let provider = given.map(Recognised::for_certain).or_else(|| recognise(issuer));
        Some(Self { issuer, provider })
    }
}

/// What to do about a refusal: what the check shows, else what is known of the provider, else of the reason.
pub(super) fn hint(denial: &Denial, failed: Option<&Check>, issuers: &[Known<'_>]) -> String {
    if let Some(hint) = failed.and_then(|check| of_check(denial, check, issuers)) {
        return hint;
    }
    let hint = issuers.iter().find_map(|known| of_provider(denial, known.provider?));
    let hint = hint.unwrap_or_else(|| denial.hint().to_owned());
    match (denial.reason(), failed.and_then(claim_of)) {
        (Some(Reason::ClaimMissing), Some(claim)) => format!("`{claim}` is missing: {hint}"),
        (Some(Reason::ClaimMalformed), Some(claim)) => format!("`{claim}` is malformed: {hint}"),
        _ => hint,
    }
}

/// What is known of a provider about a refusal. Where other software may have the same URL, the provider is named.
fn of_provider(denial: &Denial, known: Recognised) -> Option<String> {
    let hint = known.provider.hint(denial.reason()?)?;
    let title = known.provider.title;
    if !known.is_certain && denial.hint().contains(title) {
        // The general hint says it already.
        return None;
    }
    Some(if known.is_certain {
        hint.to_owned()
    } else {
        format!("{}; if this is {title}: {hint}", denial.hint())
    })
}

/// What the failed check itself shows, if that says more than the reason.
fn of_check(denial: &Denial, check: &Check, issuers: &[Known<'_>]) -> Option<String> {
    let found = check.found();
    if denial.code() == ErrorCode::InsufficientScope
        && let Some(hint) = of_missing_scopes(found, issuers)
    {
        return Some(hint);
    }
    let hint = match denial.reason()? {
        Reason::IssuerMismatch if issuers.iter().any(|known| only_a_slash_apart(known.issuer, found)) => {
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

/// What to do about a token that has no scopes.
fn of_missing_scopes(found: &str, issuers: &[Known<'_>]) -> Option<String> {
    let without_scopes =
        issuers.iter().find_map(|known| known.provider.filter(|known| !known.provider.has_scopes));
    if let Some(known) = without_scopes {
        let title = known.provider.title;
        return Some(format!(
            "tokens of {title} have no scopes: decide by a claim rule instead, or map a claim with `scope_claims`"
        ));
    }
    (found == "nothing").then(|| {
        "the token has no scope at all: ask the identity provider for the scope, or if it puts scopes into another \
         claim (`permissions`, `roles`), configure that claim"
            .to_owned()
    })
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
        let at = |issuer: &str| hint(&opaque, None, &[known(issuer)]);
        assert!(at("https://t.logto.app/oidc").contains("resource indicator"));
        assert_eq!(at("https://other.example"), Reason::Opaque.hint());
    }

    #[test]
    fn a_provider_that_runs_elsewhere_is_known_by_its_path() {
        let malformed = Denial::invalid_token(Reason::AudienceMismatch);
        let at = |denial: &Denial, issuer: &str| hint(denial, None, &[known(issuer)]);
        assert!(
            at(&malformed, "http://keycloak:8080/realms/shop")
                .starts_with("Keycloak's audience is `account`")
        );
        let type_not_allowed = Denial::invalid_token(Reason::TypeNotAllowed);
        let hedged = at(&type_not_allowed, "https://id.example.com/oidc");
        assert!(hedged.starts_with(Reason::TypeNotAllowed.hint()), "{hedged}");
        assert!(hedged.contains("; if this is Logto: "), "{hedged}");
        // The general hint names Logto already.
        let opaque = at(&Denial::invalid_token(Reason::Opaque), "https://id.example.com/oidc");
        assert_eq!(opaque, Reason::Opaque.hint());
    }

    #[test]
    fn where_tokens_have_no_scopes_nobody_is_told_to_ask_for_one() {
        let denial = Denial::insufficient_scope("read".into());
        let check = failed(Step::Scope, "nothing", "all of read");
        let at = |issuer: &str| hint(&denial, Some(&check), &[known(issuer)]);
        assert!(at("https://accounts.google.com").contains("have no scopes"));
        assert!(at("https://other.example").contains("ask the identity provider for the scope"));
    }

    fn known(issuer: &str) -> Known<'_> {
        Known { issuer, provider: recognise(issuer) }
    }

    fn failed(step: Step, found: &str, expected: &str) -> Check {
        Check { step, outcome: Outcome::Failed, found: found.to_owned(), expected: expected.to_owned() }
    }

    fn of(reason: Reason, step: Step, found: &str, expected: &str) -> String {
        let check = failed(step, found, expected);
        hint(&Denial::invalid_token(reason), Some(&check), &[known("https://other.example")])
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
