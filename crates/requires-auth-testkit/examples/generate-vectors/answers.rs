//! What a guard answers: the table of codes, reasons and challenges that the documentation promises.

use serde_json::{Value, json};

/// The refusal of a token, by the reason of `invalid_token`.
pub fn invalid_token(reason: &str) -> Value {
    json!({
        "ok": false,
        "status": 401,
        "code": "invalid_token",
        "reason": reason,
        "challenge": challenge("invalid_token", message(reason)),
    })
}

/// The refusal of something that is not a Bearer token at all.
pub fn invalid_format() -> Value {
    let message = "the Authorization header must be the word Bearer, a space and one token";
    json!({
        "ok": false,
        "status": 401,
        "code": "auth.authorization_token_invalid_format",
        "reason": null,
        "challenge": challenge("invalid_token", message),
    })
}

/// The refusal for want of a scope; the challenge names all that the route needs.
pub fn insufficient_scope(needed: &str) -> Value {
    let challenge = challenge("insufficient_scope", "the token lacks a scope that this route needs");
    json!({
        "ok": false,
        "status": 403,
        "code": "insufficient_scope",
        "reason": null,
        "challenge": format!("{challenge}, scope=\"{needed}\""),
    })
}

/// The refusal of a login that is too weak or too old, with what the challenge tells of the one that is needed.
pub fn step_up(needed: &str) -> Value {
    let challenge =
        challenge("insufficient_user_authentication", "a stronger or more recent login is required");
    json!({
        "ok": false,
        "status": 401,
        "code": "insufficient_user_authentication",
        "reason": null,
        "challenge": format!("{challenge}, {needed}"),
    })
}

/// The refusal for a claim rule that does not hold.
pub fn access_denied() -> Value {
    json!({ "ok": false, "status": 403, "code": "access_denied", "reason": null, "challenge": null })
}

/// The refusal of a request that says two things, or one that nobody can read.
pub fn ambiguous_request() -> Value {
    json!({ "ok": false, "status": 400, "code": "auth.ambiguous_request", "reason": null, "challenge": null })
}

/// The refusal of a cookie on a request that another site may have caused.
pub fn cross_site() -> Value {
    json!({ "ok": false, "status": 403, "code": "auth.cross_site", "reason": null, "challenge": null })
}

/// The refusal of a request without credentials; RFC 6750 §3.1 wants no error in the challenge.
pub fn no_credentials(code: &str) -> Value {
    json!({ "ok": false, "status": 401, "code": code, "reason": null, "challenge": "Bearer" })
}

/// The refusal of a request with more than one token.
pub fn invalid_request() -> Value {
    json!({
        "ok": false,
        "status": 400,
        "code": "invalid_request",
        "reason": null,
        "challenge": challenge("invalid_request", "the request carries more than one access token"),
    })
}

/// The answer while the keys of the issuer are out of reach.
pub fn issuer_unavailable() -> Value {
    json!({ "ok": false, "status": 503, "code": "auth.issuer_unavailable", "reason": null, "challenge": null })
}

/// The refusal of a proof, by the reason of `invalid_dpop_proof`.
pub fn invalid_proof(reason: &str) -> Value {
    json!({
        "ok": false,
        "status": 401,
        "code": "invalid_dpop_proof",
        "reason": reason,
        "challenge": challenge("invalid_dpop_proof", message(reason)),
    })
}

/// The refusal of a proof without a nonce of this server.
pub fn use_dpop_nonce() -> Value {
    let challenge = challenge("use_dpop_nonce", "the DPoP proof needs the nonce of this server");
    json!({ "ok": false, "status": 401, "code": "use_dpop_nonce", "reason": null, "challenge": challenge })
}

fn challenge(error: &str, message: &str) -> String {
    format!("Bearer error=\"{error}\", error_description=\"{message}\"")
}

fn message(reason: &str) -> &'static str {
    match reason {
        "malformed" => "the token is not a well-formed signed JWT",
        "too_large" => "the token is too large",
        "critical_header" => "the token has a critical header that is not supported",
        "type_not_allowed" => "the token is not an access token",
        "algorithm_not_allowed" => "the signature algorithm of the token is not allowed",
        "key_unknown" => "the key that signed the token is not known",
        "signature_mismatch" => "the signature of the token does not match",
        "issuer_mismatch" => "the token is from another issuer",
        "audience_mismatch" => "the token is meant for another audience",
        "expired" => "the token has expired",
        "not_yet_valid" => "the token is not valid yet",
        "claim_missing" => "a required claim is missing from the token",
        "claim_malformed" => "a claim of the token is malformed",
        "binding_mismatch" => "the token is bound to a key or certificate that was not shown",
        "encrypted" => "the token is encrypted: a signed token is required",
        "inactive" => "the identity provider says that the token is not active",
        "opaque" => "the token is opaque: a signed JWT is required",
        "revoked" => "the token has been revoked",
        "proof_key" => "the key of the DPoP proof cannot be used",
        "proof_malformed" => "the DPoP proof is not one well-formed proof",
        "proof_method" => "the DPoP proof is for another method",
        "proof_missing" => "the request has no DPoP proof",
        "proof_reused" => "the DPoP proof was used before",
        "proof_signature" => "the signature of the DPoP proof does not match",
        "proof_time" => "the DPoP proof is too old, or from the future",
        "proof_token" => "the DPoP proof is for another token",
        "proof_url" => "the DPoP proof is for another URL",
        other => panic!("no reason that a token alone can provoke: {other}"),
    }
}
