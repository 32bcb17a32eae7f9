//! What each check is for, in words for the page.

use requires_auth::verify::Step;

/// Every check by its name, in order, with what must hold.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    Step::ALL.iter().map(|step| (step.as_str(), of(*step)))
}

fn of(step: Step) -> &'static str {
    match step {
        Step::Size => "It must be short enough to be looked into",
        Step::Parts => "It must have the three parts of a signed JWT",
        Step::Header => "Its header must be readable in one way only",
        Step::Critical => "Its header must demand nothing that is not understood here",
        Step::Type => "It must be an access token by its type, if it names one",
        Step::Algorithm => "Its algorithm must be allowed",
        Step::Issuer => "It must name an issuer that is trusted here",
        Step::Key => "The issuer must publish the key that it names",
        Step::Signature => "The issuer's key must have signed it",
        Step::Claims => "Its claims must be readable in one way only",
        Step::Introspection => "The issuer must say that it is active",
        Step::IdToken => "It must not be an ID token",
        Step::Iss => "Its issuer must be the one whose key has signed it",
        Step::Aud => "It must be meant for this API",
        Step::Exp => "It must not have expired",
        Step::Nbf => "Its time must have begun",
        Step::Iat => "It must not come from the future",
        Step::Profile => "It must have the claims that its profile demands",
        Step::Revocation => "It must not be revoked",
        Step::Binding => "Its sender must show the key or certificate that it is bound to, if it is bound",
        Step::Proof => "One proof of the key must come with it",
        Step::ProofType => "The proof must say that it is one",
        Step::ProofAlgorithm => "The algorithm of the proof must be allowed",
        Step::ProofKey => "The key in the proof must be public and usable",
        Step::ProofClaims => "The proof must have its claims",
        Step::ProofMethod => "The proof must be for this method",
        Step::ProofUrl => "The proof must be for this URL",
        Step::ProofTime => "The proof must have been made a moment ago",
        Step::ProofToken => "The proof must be for this token",
        Step::ProofThumbprint => "The proof must be by the key that the token is bound to",
        Step::ProofNonce => "The proof must have the nonce of this server",
        Step::ProofSignature => "The key in the proof must have signed it",
        Step::Scope => "It must have the scopes that are asked for",
        Step::ClaimRules => "Its claims must fit the rules of the route",
        Step::Authentication => "The login must be strong and recent enough",
        // One that is added to the library is shown by its name until it stands here: the test below finds it.
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_told() {
        for (name, meaning) in all() {
            assert!(!meaning.is_empty(), "{name}");
        }
        assert!(all().count() > 30);
    }
}
