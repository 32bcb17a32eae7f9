//! Row Z03: `profile = "fapi2"` where tokens are bound to a key of their client.

use requires_auth_testkit::ProofDefect;

use super::{Asked, ask, unbound};
use crate::case::Finished;

pub fn cases() -> Vec<Finished> {
    let ask = |id, about: &str| -> Asked { ask(id, "Z03", about).with("profile", "fapi2") };
    vec![
        ask("dpop-fapi", "a token that is bound to a key, with a proof of it").proven().allow(),
        ask("dpop-fapi-required", "the same where proofs are required").required().proven().allow(),
        ask("dpop-fapi-unbound", "a token that is bound to nothing")
            .token(unbound())
            .bearer()
            .invalid_bearer("binding_mismatch"),
        ask("dpop-fapi-as-bearer", "a token that is bound to a key, as if it were not")
            .bearer()
            .invalid_bearer("binding_mismatch"),
        ask("dpop-fapi-bad-proof", "a proof for another URL")
            .proof(|proof| proof.defect(ProofDefect::Url))
            .refused("proof_url"),
    ]
}
