//! Tokens that are bound to a key, and the proofs of it (RFC 9449).

use requires_auth_testkit::{Defect, ProofDefect};

use crate::commands::conformance::case::Expect::{Accept, Algorithms, Error, Malformed, Refuse};
use crate::commands::conformance::case::Level::{Must, Should};
use crate::commands::conformance::case::{Case, defect, must, proof, should};
use crate::commands::conformance::mint::{Attempt, Mint, no_credentials};

/// RFC 9449 §7.1.
const INVALID: &[&str] = &["invalid_dpop_proof", "invalid_token"];

pub(crate) const CASES: &[Case] = &[
    must(
        ["bound-as-bearer", "V15", "RFC 9449 §7.2", "a bound token by the scheme Bearer, without a proof"],
        Malformed,
        |m| m.bare().header("Authorization", format!("Bearer {}", m.token())),
    ),
    must(
        [
            "bound-as-bearer-proof",
            "V15",
            "RFC 9449 §7.2",
            "a bound token by the scheme Bearer, with its proof",
        ],
        Malformed,
        |m| {
            let token = m.token();
            m.authorized(format!("Bearer {token}"), &token)
        },
    ),
    must(
        [
            "unbound",
            "V14",
            "RFC 9449 §7.1",
            "a token that is bound to nothing by the scheme DPoP, with a proof",
        ],
        Refuse,
        |m| m.send(&m.good().without_claim("cnf").mint()),
    ),
    defect(
        Defect::BindingMismatch,
        [
            "binding-mismatch",
            "V13",
            "RFC 9449 §4.3",
            "a token that is bound to another key than that of its proof",
        ],
    ),
    must(
        ["two-schemes", "V14", "RFC 9449 §7.2", "the same token by both schemes in two headers"],
        Malformed,
        |m| {
            let token = m.token();
            m.send(&token).header("Authorization", format!("Bearer {token}"))
        },
    ),
    should(
        [
            "challenge-algs",
            "V16",
            "RFC 9449 §7.1",
            "no credentials: the challenge lists the algorithms of proofs",
        ],
        Algorithms,
        no_credentials,
    ),
    should(
        [
            "error-proof",
            "V20",
            "RFC 9449 §7.1",
            "a proof for another method: the challenge has error=\"invalid_dpop_proof\"",
        ],
        Error(INVALID),
        |m| m.proven(ProofDefect::Method),
    ),
    proof(
        Must,
        ProofDefect::AnotherKey,
        ["proof-another-key", "V13", "RFC 9449 §4.3", "a good proof by another key than that of the token"],
    ),
    proof(Must, ProofDefect::Missing, ["proof-missing", "V14", "RFC 9449 §4.3", "no proof"]),
    proof(Must, ProofDefect::TwoProofs, ["proof-two", "V01", "RFC 9449 §4.3", "two proofs in two headers"]),
    proof(Must, ProofDefect::Comma, ["proof-comma", "V01", "RFC 9449 §4.3", "two proofs in one header"]),
    proof(
        Must,
        ProofDefect::Malformed,
        ["proof-malformed", "V02", "RFC 9449 §4.3", "a proof with two parts instead of three"],
    ),
    proof(
        Must,
        ProofDefect::ClaimMissing,
        ["proof-claim-missing", "V03", "RFC 9449 §4.3", "a proof without jti"],
    ),
    proof(
        Must,
        ProofDefect::ClaimMalformed,
        ["proof-claim-malformed", "V03", "RFC 9449 §4.2", "a proof whose time of issue is a text"],
    ),
    proof(Must, ProofDefect::Type, ["proof-type", "V04", "RFC 9449 §4.3", "a proof of the type JWT"]),
    proof(
        Must,
        ProofDefect::AlgorithmNone,
        ["proof-none", "V05", "RFC 9449 §4.3", "a proof with the algorithm none"],
    ),
    proof(
        Must,
        ProofDefect::Hmac,
        ["proof-hmac", "V05", "RFC 9449 §4.3", "a proof with HS256, and the public key as the secret"],
    ),
    proof(
        Must,
        ProofDefect::Signature,
        ["proof-signature", "V06", "RFC 9449 §4.3", "a proof with one bit of its signature flipped"],
    ),
    proof(
        Must,
        ProofDefect::KeyPrivate,
        ["proof-key-private", "V07", "RFC 9449 §4.3", "a proof that shows a private key"],
    ),
    proof(
        Must,
        ProofDefect::Key,
        ["proof-key-symmetric", "V07", "RFC 9449 §4.2", "a proof that shows a symmetric key"],
    ),
    proof(Must, ProofDefect::Method, ["proof-method", "V08", "RFC 9449 §4.3", "a proof for another method"]),
    proof(
        Must,
        ProofDefect::MethodCase,
        ["proof-method-case", "V08", "RFC 9449 §4.3", "a proof whose method is in another case"],
    ),
    proof(Must, ProofDefect::Url, ["proof-url", "V09", "RFC 9449 §4.3", "a proof for another path"]),
    proof(Must, ProofDefect::UrlHost, ["proof-url-host", "V09", "RFC 9449 §4.3", "a proof for another host"]),
    should(
        ["proof-url-spelling", "V09", "RFC 9449 §4.3", "a good proof whose host is in upper case"],
        Accept,
        upper_host,
    ),
    must(
        [
            "proof-url-query",
            "V09",
            "RFC 9449 §4.3",
            "a good proof for a request with a query, which htu does not have",
        ],
        Accept,
        |m| m.send(&m.token()).query("page", "2"),
    ),
    proof(Must, ProofDefect::Stale, ["proof-stale", "V11", "RFC 9449 §4.3", "a proof that is an hour old"]),
    proof(Must, ProofDefect::Future, ["proof-future", "V11", "RFC 9449 §4.3", "a proof of an hour later"]),
    proof(
        Must,
        ProofDefect::Token,
        ["proof-token", "V12", "RFC 9449 §4.3", "a proof for another token (ath)"],
    ),
    must(["proof-token-missing", "V12", "RFC 9449 §4.3", "a proof for no token (no ath)"], Malformed, |m| {
        let token = m.token();
        let proof = m.proof(&token).without_claim("ath").mint();
        m.bare().header("Authorization", format!("DPoP {token}")).header("DPoP", proof)
    }),
    proof(
        Should,
        ProofDefect::Reused,
        ["proof-reused", "V17", "RFC 9449 §11.1", "the same proof a second time"],
    ),
];

fn upper_host(m: &Mint<'_>) -> Attempt {
    let token = m.token();
    let url = m.setup.url.as_str();
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let host = m.setup.url.host_str().unwrap_or_default();
    let target = url.replacen(host, &host.to_ascii_uppercase(), 1).replacen("http", "HTTP", 1);
    let proof = m.proof(&token).claim("htu", target).mint();
    m.bare().header("Authorization", format!("DPoP {token}")).header("DPoP", proof)
}
