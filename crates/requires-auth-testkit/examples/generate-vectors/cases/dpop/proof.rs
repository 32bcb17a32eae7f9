//! Rows V01 to V04: one header, one JWT, its claims and its type.

use requires_auth_testkit::{ProofBuilder, ProofDefect};
use serde_json::{Value, json};

use super::{Asked, ask};
use crate::case::Finished;
use crate::tokens::{claims_of, parts, swapped};

pub fn cases() -> Vec<Finished> {
    let mut cases = one_header();
    cases.extend(one_jwt());
    cases.extend(missing_claims());
    cases.extend(claim_types());
    cases.extend(types());
    cases
}

fn one_header() -> Vec<Finished> {
    let ask = |id, about| ask(id, "V01", about);
    vec![
        ask("dpop-one-proof", "one header with one proof").proven().allow(),
        ask("dpop-header-lower-case", "the name of the header is lower case")
            .line("dpop", |proof| proof)
            .allow(),
        ask("dpop-header-upper-case", "the name of the header is upper case")
            .line("DPOP", |proof| proof)
            .allow(),
        ask("dpop-two-headers", "two headers, each with a good proof")
            .proof(|proof| proof.defect(ProofDefect::TwoProofs))
            .malformed(),
        ask("dpop-same-header-twice", "the same good proof in two headers").proven().proven().malformed(),
        ask("dpop-bad-then-good", "a bad proof, then a good one in a second header")
            .header("DPoP", "x")
            .proven()
            .malformed(),
        ask("dpop-comma", "two good proofs in one header, with a comma between them")
            .proof(|proof| proof.defect(ProofDefect::Comma))
            .malformed(),
        ask("dpop-comma-after", "a good proof with a comma behind it")
            .text(|proof| format!("{proof},"))
            .malformed(),
        ask("dpop-comma-before", "a good proof with a comma before it")
            .text(|proof| format!(",{proof}"))
            .malformed(),
        ask("dpop-semicolon", "a good proof with a parameter behind it")
            .text(|proof| format!("{proof};v=1"))
            .malformed(),
        ask("dpop-scheme-in-proof", "the word DPoP before a good proof")
            .text(|proof| format!("DPoP {proof}"))
            .malformed(),
    ]
}

fn one_jwt() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V02", about);
    let with_header = |json: &'static str| move |proof: ProofBuilder| proof.raw_header(json);
    let with_claims = |json: &'static str| move |proof: ProofBuilder| proof.raw_claims(json);
    vec![
        ask("dpop-compact", "three parts").proven().allow(),
        ask("dpop-text", "a text without a dot").header("DPoP", "proof").malformed(),
        ask("dpop-two-parts", "two parts").proof(|proof| proof.defect(ProofDefect::Malformed)).malformed(),
        ask("dpop-four-parts", "four parts").text(|proof| format!("{proof}.e30")).malformed(),
        ask("dpop-five-parts", "five parts, as an encrypted JWT")
            .text(|proof| format!("{proof}..e30"))
            .malformed(),
        ask("dpop-dots", "three empty parts").header("DPoP", "..").malformed(),
        ask("dpop-json", "a JWS in the JSON serialization")
            .text(|proof| {
                let (header, claims, signature) = parts(&proof);
                json!({ "protected": header, "payload": claims, "signature": signature }).to_string()
            })
            .malformed(),
        ask("dpop-padding", "padding behind the signature").text(|proof| format!("{proof}==")).malformed(),
        ask("dpop-space", "a space within").text(|proof| proof.replacen('.', ". ", 1)).malformed(),
        ask("dpop-not-ascii", "a byte that is not ASCII").raw_header("DPoP", b"e30.e30.\xff").malformed(),
        ask("dpop-quoted", "quotes around a good proof").text(|proof| format!("\"{proof}\"")).malformed(),
        ask("dpop-header-not-json", "a header that is not JSON").proof(with_header("{")).malformed(),
        ask("dpop-header-array", "a header that is an array").proof(with_header("[]")).malformed(),
        ask("dpop-header-twice", "a member of the header stands twice")
            .text(|proof| swapped(&proof, 0, |header| header.replacen('{', r#"{"typ":"dpop+jwt","#, 1)))
            .malformed(),
        ask("dpop-claims-not-json", "claims that are not JSON").proof(with_claims("htm=GET")).malformed(),
        ask("dpop-claims-array", "claims that are an array").proof(with_claims("[]")).malformed(),
        ask("dpop-claim-twice", "a claim stands twice: the first one is right")
            .proof(|proof| {
                let claims = claims(&proof).to_string();
                proof.raw_claims(claims.replacen('}', r#","htm":"POST"}"#, 1))
            })
            .malformed(),
        ask("dpop-long", "a proof of 8 KiB at most").proof(|proof| padded(&proof, 0)).allow(),
        ask("dpop-too-long", "a proof of more than 8 KiB").proof(|proof| padded(&proof, 1)).malformed(),
        ask("dpop-long-configured", "a longer proof where more is allowed")
            .dpop("max_proof_bytes", 16_384)
            .proof(|proof| padded(&proof, 1))
            .allow(),
    ]
}

fn missing_claims() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V03", about);
    vec![
        ask("dpop-all-claims", "all claims are there").proven().allow(),
        ask("dpop-other-claims", "claims that nobody knows, and those of other JWTs")
            .proof(|proof| {
                proof.claim("sub", "alice").claim("aud", json!(["x"])).claim("x", json!({ "y": [1] }))
            })
            .allow(),
        ask("dpop-no-jti", "jti is missing").proof(|proof| proof.without_claim("jti")).malformed(),
        ask("dpop-no-htm", "htm is missing").proof(|proof| proof.without_claim("htm")).malformed(),
        ask("dpop-no-htu", "htu is missing").proof(|proof| proof.without_claim("htu")).malformed(),
        ask("dpop-no-iat", "iat is missing").proof(|proof| proof.without_claim("iat")).malformed(),
        ask("dpop-no-ath", "ath is missing, as in a proof for a token request")
            .proof(|proof| proof.without_claim("ath"))
            .malformed(),
    ]
}

fn claim_types() -> Vec<Finished> {
    let with = |id, about: &str, name: &'static str, value: Value| {
        ask(id, "V03", about).proof(|proof| proof.claim(name, value))
    };
    vec![
        with("dpop-jti-empty", "jti is empty", "jti", json!("")).malformed(),
        with("dpop-jti-number", "jti is a number", "jti", json!(1)).malformed(),
        with("dpop-jti-null", "jti is null", "jti", json!(null)).malformed(),
        with("dpop-jti-256", "jti has 256 bytes", "jti", json!("x".repeat(256))).allow(),
        with("dpop-jti-257", "jti has 257 bytes", "jti", json!("x".repeat(257))).malformed(),
        with("dpop-htm-number", "htm is a number", "htm", json!(1)).malformed(),
        with("dpop-htm-array", "htm is an array with the method", "htm", json!(["GET"])).malformed(),
        with(
            "dpop-htu-array",
            "htu is an array with the URL",
            "htu",
            json!(["https://api.example.test/items"]),
        )
        .malformed(),
        with("dpop-iat-string", "iat is a string", "iat", json!("1800000060")).malformed(),
        with("dpop-iat-null", "iat is null", "iat", json!(null)).malformed(),
        with("dpop-iat-true", "iat is true", "iat", json!(true)).malformed(),
        with("dpop-iat-fraction", "iat has a fraction (RFC 7519 §2)", "iat", json!(1_800_000_060.5)).allow(),
        with("dpop-ath-number", "ath is a number", "ath", json!(1)).malformed(),
        with("dpop-ath-short", "ath is shorter than a SHA-256", "ath", json!("AAAA")).malformed(),
        with("dpop-nonce-number", "nonce is a number", "nonce", json!(1)).malformed(),
    ]
}

fn types() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V04", about);
    let typ = |typ: Value| move |proof: ProofBuilder| proof.header("typ", typ);
    vec![
        ask("dpop-typ", "typ is dpop+jwt").proven().allow(),
        ask("dpop-typ-upper-case", "typ in another case (RFC 7515 §4.1.9)")
            .proof(typ(json!("DPoP+JWT")))
            .allow(),
        ask("dpop-typ-application", "typ with application/ (RFC 7515 §4.1.9)")
            .proof(typ(json!("application/dpop+jwt")))
            .allow(),
        ask("dpop-typ-jwt", "typ is JWT").proof(typ(json!("JWT"))).malformed(),
        ask("dpop-typ-access-token", "typ is at+jwt").proof(typ(json!("at+jwt"))).malformed(),
        ask("dpop-typ-missing", "typ is missing").proof(|proof| proof.without_header("typ")).malformed(),
        ask("dpop-typ-number", "typ is a number").proof(typ(json!(1))).malformed(),
        ask("dpop-crit", "a critical extension")
            .proof(|proof| proof.header("crit", json!(["x"])))
            .malformed(),
        ask("dpop-cty", "a JWT within the proof").proof(|proof| proof.header("cty", "JWT")).malformed(),
        ask("dpop-access-token", "the access token in the place of the proof")
            .header("DPoP", "{token}")
            .malformed(),
    ]
}

/// The claims that a proof will have.
fn claims(proof: &ProofBuilder) -> Value {
    let proof = proof.clone().mint();
    claims_of(&proof)
}

/// The longest proof of at most 8 KiB, or with one byte more in its claims.
fn padded(proof: &ProofBuilder, more: usize) -> ProofBuilder {
    let with = |count: usize| proof.clone().claim("pad", "x".repeat(count));
    let fits = |count: &usize| with(*count).mint().len() <= 8192;
    let count = (5_000..6_144).rev().find(fits).expect("a proof of 8 KiB");
    with(count + more)
}

impl Asked {
    /// A changed proof under another name of the header.
    fn line(self, name: &str, change: impl FnOnce(ProofBuilder) -> ProofBuilder) -> Self {
        let proof = change(self.good_proof()).mint();
        self.header(name, &proof)
    }

    /// A good proof as a text that is changed once it is signed.
    pub(super) fn text(self, change: impl FnOnce(String) -> String) -> Self {
        let text = change(self.good_proof().mint());
        self.header("DPoP", &text)
    }
}
