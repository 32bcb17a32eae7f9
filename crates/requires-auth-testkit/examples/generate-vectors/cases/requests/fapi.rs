//! Rows J01 to J05: the profile `fapi2`, which is what the FAPI 2.0 Security Profile demands of an API (§5.3.4, §5.4), with tokens
//! that are bound to a certificate. Those that are bound to a key are cases of `dpop.json`.

use requires_auth_testkit::{Algorithm, SigningKey, TokenBuilder};
use serde_json::json;

use super::Request;
use crate::case::Finished;
use crate::key_sets::KeySet;
use crate::tokens::{NOW, good};

/// The outline of a certificate.
const DER: [u8; 11] = [0x30, 9, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 2];

/// The same as `Client-Cert` has it (RFC 9440 §2.1).
const SHOWN: &str = ":MAkwADAAAwMAAQI=:";

pub fn cases() -> Vec<Finished> {
    let mut cases = places();
    cases.extend(algorithms());
    cases.extend(bindings());
    cases.extend(shapes());
    cases.extend(clocks());
    cases
}

/// A token that is bound to the certificate, by this key.
fn by(key: &SigningKey) -> TokenBuilder {
    good(key).bound_to_certificate(&DER)
}

fn token() -> TokenBuilder {
    by(SigningKey::fixed(Algorithm::Ed25519))
}

/// A request to a guard with the profile, which knows the keys of every algorithm. The certificate is shown, and no token.
fn empty(id: &'static str, row: &'static str, about: &str) -> Request {
    Request::new(id, row, about)
        .keys(KeySet::all())
        .setting("profile", "fapi2")
        .setting("public_url", "https://api.example.test")
        .setting("client_certificates", true)
        .setting("client_cert_header", json!({ "header": "Client-Cert", "format": "rfc9440" }))
        .token(token().mint())
        .header("Client-Cert", SHOWN)
}

fn request(id: &'static str, row: &'static str, about: &str) -> Request {
    empty(id, row, about).bearer()
}

fn places() -> Vec<Finished> {
    let request = |id, about: &str| request(id, "J01", about);
    let empty = |id, about: &str| empty(id, "J01", about);
    vec![
        request("fapi-header", "a token in the header").allow(),
        request("fapi-query-other", "a token in the header, and another parameter in the query")
            .url("/items?page=2&token=a")
            .allow(),
        empty("fapi-query", "a token in the query alone")
            .url("/items?access_token={token}")
            .invalid_request(),
        empty("fapi-query-escaped", "the parameter with an escape in its name")
            .url("/items?%61ccess_token={token}")
            .invalid_request(),
        empty("fapi-query-optional", "a token in the query where none is needed")
            .url("/items?access_token={token}")
            .optional()
            .invalid_request(),
        request("fapi-query-and-header", "a token in the header, and an empty one in the query")
            .url("/items?access_token=")
            .invalid_request(),
    ]
}

fn algorithms() -> Vec<Finished> {
    let of =
        |id, about: &str, algorithm| request(id, "J02", about).token(by(SigningKey::fixed(algorithm)).mint());
    vec![
        of("fapi-ps256", "a token by PS256", Algorithm::Ps256).allow(),
        of("fapi-es256", "a token by ES256", Algorithm::Es256).allow(),
        of("fapi-ed25519", "a token by Ed25519", Algorithm::Ed25519).allow(),
        of("fapi-rs256", "a token by RS256", Algorithm::Rs256).invalid_token("algorithm_not_allowed"),
        of("fapi-ps384", "a token by PS384", Algorithm::Ps384).invalid_token("algorithm_not_allowed"),
        of("fapi-es384", "a token by ES384", Algorithm::Es384).invalid_token("algorithm_not_allowed"),
    ]
}

fn bindings() -> Vec<Finished> {
    let request = |id, about: &str| request(id, "J03", about);
    let unbound = good(SigningKey::fixed(Algorithm::Ed25519));
    let of_other = unbound.clone().bound_to_certificate(b"another certificate");
    vec![
        request("fapi-bound", "a token that is bound to the certificate of the client").allow(),
        request("fapi-unbound", "a token that is bound to nothing")
            .token(unbound.mint())
            .invalid_token("binding_mismatch"),
        request("fapi-bound-to-other", "a token that is bound to another certificate")
            .token(of_other.mint())
            .invalid_token("binding_mismatch"),
        request("fapi-no-certificate", "the client shows no certificate")
            .without_headers()
            .bearer()
            .invalid_token("binding_mismatch"),
    ]
}

fn shapes() -> Vec<Finished> {
    let request = |id, about: &str, token: TokenBuilder| request(id, "J04", about).token(token.mint());
    vec![
        request("fapi-shape", "the type and the claims of RFC 9068", token()).allow(),
        request("fapi-typ-jwt", "the type JWT", token().header("typ", "JWT"))
            .invalid_token("type_not_allowed"),
        request("fapi-typ-absent", "no type", token().without_header("typ"))
            .invalid_token("type_not_allowed"),
        request("fapi-no-jti", "jti is missing", token().without_claim("jti")).invalid_token("claim_missing"),
        request("fapi-no-client", "client_id is missing", token().without_claim("client_id"))
            .invalid_token("claim_missing"),
    ]
}

fn clocks() -> Vec<Finished> {
    let request = |id, about: &str, issued_at| {
        request(id, "J05", about).token(token().issued_at(issued_at).lifetime(3600).mint())
    };
    vec![
        request("fapi-expired-9", "it has expired 9 s ago", NOW - 3609).allow(),
        request("fapi-expired-10", "it has expired 10 s ago", NOW - 3610).invalid_token("expired"),
        request("fapi-ahead-10", "it is issued 10 s ahead", NOW + 10).allow(),
        request("fapi-ahead-11", "it is issued 11 s ahead", NOW + 11).invalid_token("not_yet_valid"),
    ]
}
