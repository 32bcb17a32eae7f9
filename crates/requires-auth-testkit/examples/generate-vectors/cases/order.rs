//! Tokens that are wrong in two ways: the first check in the fixed order names the reason.

use requires_auth_testkit::{Algorithm, Defect, SigningKey, TokenBuilder};
use serde_json::json;

use crate::case::{Case, Finished};
use crate::tokens::{Text, es384, good, resigned, with_claims};

/// The checks in their order, as far as one defect of the testkit fails each.
const ORDER: [Defect; 11] = [
    Defect::CriticalHeader,
    Defect::TypeNotAllowed,
    Defect::AlgorithmNotAllowed,
    Defect::IssuerMismatch,
    Defect::KeyUnknown,
    Defect::SignatureMismatch,
    Defect::AudienceMismatch,
    Defect::ClaimMissing,
    Defect::Expired,
    Defect::NotYetValid,
    Defect::BindingMismatch,
];

pub fn cases() -> Vec<Finished> {
    let mut cases = pairs();
    cases.extend(structure_first());
    cases.extend(claims_last());
    cases
}

fn pairs() -> Vec<Finished> {
    let mut cases = Vec::new();
    for (index, first) in ORDER.into_iter().enumerate() {
        for second in ORDER.into_iter().skip(index + 1) {
            // A token without expiry cannot have expired.
            if (first, second) == (Defect::ClaimMissing, Defect::Expired) {
                continue;
            }
            let id = format!("order-{first}-{second}").replace('_', "-");
            let token = good(es384()).defect(first).defect(second).mint();
            cases.push(
                Case::new(id, "C27", format!("{first} is found before {second}"))
                    .alg(
                        (first != Defect::AlgorithmNotAllowed && second != Defect::AlgorithmNotAllowed)
                            .then_some("ES384"),
                    )
                    .token(token)
                    .refuse(first.name()),
            );
        }
    }
    cases
}

fn structure_first() -> Vec<Finished> {
    let case =
        |id: &str, about: &str, token: String| Case::new(format!("order-{id}"), "C27", about).token(token);
    let duplicate = Text::header().add("crit", "[]").add("alg", "\"none\"").json();
    vec![
        case(
            "large-everything",
            "size comes before all else",
            good(es384()).defect(Defect::TooLarge).defect(Defect::AlgorithmNotAllowed).mint(),
        )
        .refuse("too_large"),
        case(
            "base64-crit",
            "base64url of the signature comes before crit",
            good(es384()).defect(Defect::CriticalHeader).mint() + "A",
        )
        .refuse("malformed"),
        case("json-crit", "duplicate members come before crit", good(es384()).raw_header(duplicate).mint())
            .refuse("malformed"),
        case(
            "alg-type-crit",
            "an alg of the wrong type comes before crit",
            good(es384()).header("alg", 1).header("crit", json!([])).mint(),
        )
        .refuse("malformed"),
        case(
            "kid-type-typ",
            "a kid of the wrong type comes before typ",
            good(es384()).header("kid", 1).header("typ", "logout+jwt").mint(),
        )
        .refuse("malformed"),
        case(
            "typ-alg",
            "typ comes before alg",
            good(es384()).header("typ", "logout+jwt").header("alg", "HS256").mint(),
        )
        .refuse("type_not_allowed"),
        case(
            "claims-json-signature",
            "the signature comes before the JSON of the claims",
            resigned(&with_claims("{"), |_| vec![0; 96]),
        )
        .refuse("signature_mismatch"),
        case(
            "claims-json-key",
            "the key comes before the JSON of the claims",
            good(es384()).header("kid", "unknown").raw_claims("{").mint(),
        )
        .refuse("key_unknown"),
        case(
            "issuer-absent-signature",
            "an absent issuer waits for the signature",
            resigned(&good(es384()).without_claim("iss").mint(), |_| vec![0; 96]),
        )
        .refuse("signature_mismatch"),
        case(
            "issuer-type-signature",
            "an issuer of the wrong type waits for the signature",
            resigned(&good(es384()).claim("iss", 7).mint(), |_| vec![0; 96]),
        )
        .refuse("signature_mismatch"),
        case(
            "issuer-of-other-key",
            "another issuer comes before its unknown key",
            good(SigningKey::second(Algorithm::Es384)).defect(Defect::IssuerMismatch).mint(),
        )
        .refuse("issuer_mismatch"),
        case("nothing", "nothing is wrong", good(es384()).mint()).accept(),
    ]
}

fn claims_last() -> Vec<Finished> {
    let case = |id: &str, about: &str, token: TokenBuilder| {
        Case::new(format!("order-{id}"), "C27", about).token(token.mint())
    };
    let strict = |id: &str, about: &str, token: TokenBuilder| case(id, about, token).strict();
    let token = || good(es384());
    let later = crate::tokens::NOW + 3600;
    vec![
        case(
            "marks-iss",
            "marks of an ID token come before iss",
            token().claim("at_hash", "x").without_claim("iss"),
        )
        .refuse("type_not_allowed"),
        case(
            "marks-aud",
            "marks of an ID token come before aud",
            token().claim("at_hash", "x").claim("aud", "test-client"),
        )
        .refuse("type_not_allowed"),
        case("iss-aud", "iss comes before aud", token().without_claim("iss").claim("aud", 5))
            .refuse("claim_missing"),
        case("aud-exp", "aud comes before exp", token().claim("aud", "x").claim("exp", "soon"))
            .refuse("audience_mismatch"),
        case("exp-nbf", "exp comes before nbf", token().defect(Defect::Expired).claim("nbf", "soon"))
            .refuse("expired"),
        case("nbf-iat", "nbf comes before iat", token().claim("nbf", later).claim("iat", "soon"))
            .refuse("not_yet_valid"),
        case("iat-sub", "iat comes before sub", token().claim("iat", later).claim("sub", 1))
            .refuse("not_yet_valid"),
        case(
            "sub-details",
            "sub comes before authorization_details and cnf",
            token().claim("sub", 1).claim("cnf", json!({})),
        )
        .refuse("claim_malformed"),
        case(
            "details-cnf",
            "authorization_details come before cnf",
            token().claim("authorization_details", 1).claim("cnf", json!({})),
        )
        .refuse("claim_malformed"),
        case(
            "cnf-scope",
            "cnf comes before the shape of scope",
            token().claim("cnf", json!({})).claim("scope", 1),
        )
        .refuse("binding_mismatch"),
        case("scope-shape-policy", "the shape of scope comes before the policy", token().claim("scope", 1))
            .with("scope", "admin")
            .refuse("claim_malformed"),
        case("expired-policy", "expiry comes before the policy", token().defect(Defect::Expired))
            .with("scope", "admin")
            .refuse("expired"),
        case("cnf-policy", "a binding comes before the policy", token().defect(Defect::BindingMismatch))
            .with("scope", "admin")
            .refuse("binding_mismatch"),
        strict(
            "strict-exp-sub",
            "exp comes before an absent sub",
            token().defect(Defect::Expired).without_claim("sub"),
        )
        .refuse("expired"),
        strict(
            "strict-jti-cnf",
            "an absent jti comes before cnf",
            token().without_claim("jti").claim("cnf", json!({})),
        )
        .refuse("claim_missing"),
    ]
}
