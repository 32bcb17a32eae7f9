//! Rows V10, V16, V19 and V21: nonces, what a guard takes and says, and requests without a token; and J03, the profile `fapi2`.

use requires_auth_testkit::ProofDefect;
use serde_json::json;

use super::{Asked, ask, unbound};
use crate::answers;
use crate::case::Finished;

pub fn cases() -> Vec<Finished> {
    let mut cases = nonces();
    cases.extend(challenges());
    cases.extend(modes());
    cases.extend(without_a_token());
    cases.extend(fapi());
    cases
}

/// The nonces themselves differ from server to server, so that only those are here that are none.
fn nonces() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V10", about);
    // Nobody compares the secret here, so that any variable with a long text will do.
    let demanded = |asked: Asked| asked.dpop("nonce_secret", json!({ "env": "PATH" }));
    let with = |nonce: &'static str| move |proof: requires_auth_testkit::ProofBuilder| proof.nonce(nonce);
    vec![
        ask("dpop-nonce-not-demanded", "a nonce where none is demanded").proof(with("eyJ7S_zG")).allow(),
        demanded(ask("dpop-nonce-missing", "no nonce where one is demanded")).proven().needs_nonce(),
        demanded(ask("dpop-nonce-unknown", "a nonce of another server"))
            .proof(with("eyJ7S_zG"))
            .needs_nonce(),
        demanded(ask("dpop-nonce-empty", "an empty nonce")).proof(with("")).needs_nonce(),
        demanded(ask(
            "dpop-nonce-and-method",
            "no nonce, and another method: a client that comes again with a nonce fails as well",
        ))
        .proof(|proof| proof.defect(ProofDefect::Method))
        .refused("proof_method"),
    ]
}

fn challenges() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V16", about).authorization("");
    let missing = "auth.authorization_header_missing";
    let not_supported = "auth.authorization_token_type_not_supported";
    vec![
        ask("dpop-challenges", "nothing is sent: both schemes are named").no_credentials(missing),
        ask("dpop-challenge-required", "nothing is sent, and proofs are required: one scheme is named")
            .required()
            .no_credentials(missing),
        ask("dpop-challenge-algorithms", "the algorithms are those that are configured")
            .algorithms(&["ES256", "Ed25519"])
            .no_credentials(missing),
        ask(
            "dpop-challenge-resource",
            "nothing is sent to a resource: each scheme says where its metadata are",
        )
        .setting("resource", super::ORIGIN)
        .no_credentials_at(missing, &format!("{}/.well-known/oauth-protected-resource", super::ORIGIN)),
        ask("dpop-challenge-basic", "another scheme")
            .authorization("Basic YTpi")
            .no_credentials(not_supported),
        ask("dpop-challenge-expired", "an expired token by Bearer, bound to nothing")
            .token(unbound().defect(requires_auth_testkit::Defect::Expired))
            .bearer()
            .invalid_bearer("expired"),
        ask("dpop-challenge-none", "a good request has no challenge")
            .authorization("DPoP {token}")
            .proven()
            .allow(),
        ask("dpop-challenge-no-token", "a word alone, which is the credentials of no scheme")
            .authorization("DPoP")
            .refused_by_bearer(&answers::invalid_format()),
        ask("dpop-challenge-not-a-token", "the scheme with what no token can be")
            .authorization("DPoP a@b")
            .refused_by_dpop(&answers::invalid_format()),
    ]
}

fn modes() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V19", about);
    let off = |mut finished: Finished| {
        finished.json["config"]["settings"]["dpop"] = json!("off");
        finished
    };
    let bearer_alone = |mut finished: Finished| {
        let challenge = finished.json["expect"]["challenges"][0].clone();
        finished.json["expect"]["challenges"] = json!([challenge]);
        finished.json["expect"]["challenge"] = challenge;
        off(finished)
    };
    vec![
        ask("dpop-required", "a bound token and its proof where that is required")
            .required()
            .proven()
            .allow(),
        ask("dpop-required-unbound", "a token that is bound to nothing where proofs are required")
            .token(unbound())
            .bearer()
            .required()
            .invalid_token("binding_mismatch"),
        ask("dpop-required-as-bearer", "a bound token by Bearer where proofs are required")
            .bearer()
            .required()
            .invalid_token("binding_mismatch"),
        bearer_alone(
            ask("dpop-off", "the scheme DPoP where it is off")
                .proven()
                .no_credentials("auth.authorization_token_type_not_supported"),
        ),
        bearer_alone(
            ask("dpop-off-as-bearer", "a bound token by Bearer where proofs are off")
                .bearer()
                .proven()
                .invalid_bearer("binding_mismatch"),
        ),
        off(ask("dpop-off-unbound", "a token that is bound to nothing where proofs are off")
            .token(unbound())
            .bearer()
            .allow()),
        ask("dpop-pass-bad-proof", "with pass, all but the use of a proof is checked")
            .dpop("mode", "pass")
            .proof(|proof| proof.defect(ProofDefect::Url))
            .refused("proof_url"),
    ]
}

fn without_a_token() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V21", about);
    vec![
        ask("dpop-preflight", "a preflight")
            .authorization("")
            .method("OPTIONS")
            .header("Origin", "https://app.example.test")
            .header("Access-Control-Request-Method", "GET")
            .preflight(),
        ask("dpop-optional", "no token where none is needed")
            .authorization("")
            .with("optional", true)
            .anonymous(),
        ask("dpop-optional-proven", "a token and its proof where none is needed")
            .with("optional", true)
            .proven()
            .allow(),
        ask("dpop-optional-bad-proof", "a bad proof where no token is needed")
            .with("optional", true)
            .proof(|proof| proof.defect(ProofDefect::Method))
            .refused("proof_method"),
    ]
}

fn fapi() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "J03", about).setting("profile", "fapi2");
    vec![
        ask("fapi-proven", "a token that is bound to a key, and its proof").proven().allow(),
        ask("fapi-proof-missing", "a token that is bound to a key, without a proof").refused("proof_missing"),
        ask("fapi-key-as-bearer", "a token that is bound to a key, by Bearer")
            .bearer()
            .proven()
            .invalid_bearer("binding_mismatch"),
        ask("fapi-bearer", "a token that is bound to nothing, where Bearer tokens are taken otherwise")
            .token(unbound())
            .bearer()
            .invalid_bearer("binding_mismatch"),
    ]
}
