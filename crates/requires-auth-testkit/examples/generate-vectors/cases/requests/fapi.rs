//! Rows Z01 to Z05: `profile = "fapi2"`, with tokens that are bound to a certificate of their client.

use requires_auth_testkit::{Algorithm, Defect, SigningKey, TokenBuilder};
use serde_json::json;

use super::Request;
use super::certificates::{DER, rfc};
use crate::answers;
use crate::case::Finished;
use crate::key_sets::{KeySet, slug};
use crate::tokens::good;

pub fn cases() -> Vec<Finished> {
    let mut cases = algorithms();
    cases.extend(shape());
    cases.extend(binding());
    cases.extend(query());
    cases.extend(clocks());
    cases
}

/// A token that the profile takes, by a key of this algorithm.
fn bound(algorithm: Algorithm) -> TokenBuilder {
    good(SigningKey::fixed(algorithm)).bound_to_certificate(&DER)
}

/// A request that shows the certificate, and sends no token yet.
fn ask(id: &'static str, row: &'static str, about: &str) -> Request {
    of_algorithm(Algorithm::Ed25519, id, row, about)
}

fn of_algorithm(algorithm: Algorithm, id: &'static str, row: &'static str, about: &str) -> Request {
    let mut request = Request::new(id, row, about)
        .with("profile", "fapi2")
        .setting("public_url", "https://api.example.test")
        .setting("client_certificates", true)
        .setting("client_cert_header", json!({ "header": "Client-Cert", "format": "rfc9440" }))
        .token(bound(algorithm).mint())
        .header("Client-Cert", &rfc(&DER));
    request.key_set = Some(KeySet::fixed(algorithm));
    request
}

/// The same with this token.
fn with(id: &'static str, row: &'static str, about: &str, token: TokenBuilder) -> Request {
    ask(id, row, about).token(token.mint()).bearer()
}

fn algorithms() -> Vec<Finished> {
    let of = |algorithm, id| {
        let about = format!("a token that {} signs", slug(algorithm).to_uppercase());
        of_algorithm(algorithm, id, "Z01", &about).bearer()
    };
    let refused = |algorithm, id| of(algorithm, id).invalid_token("algorithm_not_allowed");
    vec![
        of(Algorithm::Ps256, "fapi-ps256").allow(),
        of(Algorithm::Es256, "fapi-es256").allow(),
        of(Algorithm::Ed25519, "fapi-eddsa").allow(),
        refused(Algorithm::Rs256, "fapi-rs256"),
        refused(Algorithm::Ps384, "fapi-ps384"),
        refused(Algorithm::Es384, "fapi-es384"),
        refused(Algorithm::Es512, "fapi-es512"),
        of(Algorithm::Es256, "fapi-fewer").with("alg", json!(["ES256"])).allow(),
        of(Algorithm::Ps256, "fapi-fewer-other")
            .with("alg", json!(["ES256"]))
            .invalid_token("algorithm_not_allowed"),
    ]
}

fn shape() -> Vec<Finished> {
    let token = || bound(Algorithm::Ed25519);
    let with = |id, about, token| with(id, "Z02", about, token);
    vec![
        with("fapi-shape", "an access token of RFC 9068", token()).allow(),
        with("fapi-type", "another type", token().header("typ", "JWT")).invalid_token("type_not_allowed"),
        with("fapi-no-type", "no type", token().without_header("typ")).invalid_token("type_not_allowed"),
        with("fapi-no-jti", "no jti", token().without_claim("jti")).invalid_token("claim_missing"),
        with("fapi-no-client", "no client_id", token().without_claim("client_id"))
            .invalid_token("claim_missing"),
    ]
}

fn binding() -> Vec<Finished> {
    let free = || good(SigningKey::fixed(Algorithm::Ed25519));
    let with = |id, about, token| with(id, "Z03", about, token);
    let other = |mut request: Request| {
        request.headers.retain(|header| header[0] != "Client-Cert");
        request
    };
    vec![
        with("fapi-bound", "a token that is bound to the certificate", bound(Algorithm::Ed25519)).allow(),
        with("fapi-unbound", "a token that is bound to nothing", free()).invalid_token("binding_mismatch"),
        with(
            "fapi-confirmation-unknown",
            "a token that is bound by a method that nobody knows",
            free().claim("cnf", json!({ "x": "y" })),
        )
        .invalid_token("binding_mismatch"),
        other(with("fapi-no-certificate", "no certificate is shown", bound(Algorithm::Ed25519)))
            .invalid_token("binding_mismatch"),
        with("fapi-unbound-optional", "a token that is bound to nothing where none is needed", free())
            .optional()
            .invalid_token("binding_mismatch"),
    ]
}

fn query() -> Vec<Finished> {
    let ask = |id, about: &str, url| ask(id, "Z04", about).url(url);
    let refused = |request: Request| request.deny(&answers::invalid_request());
    vec![
        ask("fapi-query-other", "another parameter", "/items?access_tokens=a&token=b").bearer().allow(),
        ask("fapi-query-none", "another parameter, where no token is needed", "/items?a=b")
            .optional()
            .anonymous(),
        refused(ask("fapi-query-alone", "a token in the query alone", "/items?access_token={token}")),
        refused(
            ask("fapi-query-optional", "the same where no token is needed", "/items?access_token={token}")
                .optional(),
        ),
        refused(ask("fapi-query-empty", "an empty parameter", "/items?access_token=").optional()),
        refused(ask("fapi-query-escaped", "its name with an escape", "/items?%61ccess_token={token}")),
        refused(ask("fapi-query-beside", "beside the header", "/items?access_token={token}").bearer()),
    ]
}

fn clocks() -> Vec<Finished> {
    let token = |lifetime| bound(Algorithm::Ed25519).lifetime(lifetime);
    let with = |id, about, token| with(id, "Z05", about, token);
    vec![
        with("fapi-expired-within", "expired nine seconds ago", token(51)).allow(),
        with("fapi-expired", "expired ten seconds ago", token(50)).invalid_token("expired"),
        with("fapi-expired-long", "expired long ago", bound(Algorithm::Ed25519).defect(Defect::Expired))
            .invalid_token("expired"),
    ]
}
