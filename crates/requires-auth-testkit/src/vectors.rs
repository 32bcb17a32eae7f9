//! The shared vectors: cases with the verdict that every adapter, in every language, has to give.
//!
//! The files in `vectors/` are plain JSON, so that any language can read them:
//!
//! - `tokens-*.json`: a token meets a guard; [`token_cases`] reads them.
//! - `requests*.json`: a whole request meets a guard; [`request_cases`] reads them.
//! - `metadata*.json`: a request meets a guard with a resource; [`metadata_cases`] reads them.
//! - `dpop.json`: a request with a proof of possession meets a guard, after others; [`proof_cases`] reads it.
//! - `mcp-*.json`: a message meets the guard of an MCP server; [`mcp_cases`] reads them.
//! - `key-sets.json`: the JWK Sets that cases name in `jwks`.
//!
//! The verdicts were written by hand, and no verifier was asked. Every case names the row of the
//! requirements that it shows, such as `C05`; the rows are in `vectors/README.md`.
//!
//! ```
//! use requires_auth_testkit::vectors::{Verdict, token_cases};
//!
//! for case in token_cases() {
//!     match &case.expect {
//!         Verdict::Accept { claims } => assert!(claims.is_object()),
//!         Verdict::Refuse(refusal) => assert!(refusal.status >= 400),
//!         _ => {}
//!     }
//! }
//! ```

mod config;
mod mcp;
mod metadata;
mod proof;
mod request;
mod toml;
mod token;
mod verdict;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use self::config::{Config, IntrospectionAnswer};
pub use self::mcp::{McpCase, McpScopes};
pub use self::metadata::{MetadataCase, Served};
pub use self::proof::{Earlier, ProofCase};
pub use self::request::{Outcome, RequestCase};
pub use self::token::TokenCase;
pub use self::verdict::{Refusal, Verdict};

const KEY_SETS: &str = include_str!("../vectors/key-sets.json");
// `DPOP`, `MCP`, `METADATA`, `REQUESTS` and `TOKENS`: the texts of the files, in alphabetical order.
include!(concat!(env!("OUT_DIR"), "/vector_files.rs"));

/// Every case in which a token meets a guard, with its key set filled in.
///
/// For a verifier of another make this is a test that takes an afternoon to write by hand:
///
/// ```
/// use requires_auth_testkit::vectors::{TokenCase, Verdict, token_cases};
///
/// /// The verifier under test: `Ok` with the claims, or `Err` with the reason.
/// fn verify(case: &TokenCase) -> Result<serde_json::Value, String> {
///     // Configure it with `case.config` and `case.jwks`, stop its clock at `case.config.now`, and give it `case.token`.
/// #   match &case.expect {
/// #       Verdict::Accept { claims } => Ok(claims.clone()),
/// #       Verdict::Refuse(refusal) => Err(refusal.reason.clone().unwrap_or_default()),
/// #       _ => unreachable!(),
/// #   }
/// }
///
/// for case in token_cases() {
///     match (&case.expect, verify(&case)) {
///         (Verdict::Accept { claims }, Ok(found)) => assert_eq!(*claims, found, "{}", case.id),
///         (Verdict::Refuse(refusal), Err(reason)) => {
///             assert_eq!(refusal.reason.as_deref().unwrap_or_default(), reason, "{}: {}", case.id, case.about);
///         }
///         (expected, found) => panic!("{}: expected {expected:?}, found {found:?}", case.id),
///     }
/// }
/// ```
/// # Panics
///
/// When a file of the crate is not what the generator writes.
pub fn token_cases() -> Vec<TokenCase> {
    let key_sets = key_sets();
    TOKENS.iter().flat_map(|text| cases(text, &key_sets)).collect()
}

/// Every case in which a whole request meets a guard, with its key set and token filled in: for adapters, which read
/// headers and write the answer.
///
/// ```
/// use requires_auth_testkit::vectors::{Outcome, request_cases};
///
/// let cases = request_cases();
/// // Header values are bytes, as on the wire: some of the cases are not UTF-8.
/// assert!(cases.iter().any(|case| case.headers.iter().any(|(_, value)| std::str::from_utf8(value).is_err())));
/// // A preflight passes without a token, and a refusal says what the whole answer is.
/// assert!(cases.iter().any(|case| case.outcome == Outcome::Preflight));
/// assert!(cases.iter().any(|case| matches!(&case.outcome, Outcome::Deny(refusal) if refusal.status == 503)));
/// ```
/// # Panics
///
/// When a file of the crate is not what the generator writes.
pub fn request_cases() -> Vec<RequestCase> {
    let key_sets = key_sets();
    REQUESTS.iter().flat_map(|text| cases(text, &key_sets)).collect()
}

/// Every case in which a guard has a resource, and is asked for its metadata document (RFC 9728) or cannot be built.
///
/// No case has a key: the document is there also while every issuer is out of reach.
///
/// ```
/// use requires_auth_testkit::vectors::{Served, metadata_cases};
///
/// let mistakes = metadata_cases().into_iter().filter(|case| matches!(case.served, Served::Mistake { .. }));
/// assert!(mistakes.count() > 10);
/// ```
/// # Panics
///
/// When a file of the crate is not what the generator writes.
pub fn metadata_cases() -> Vec<MetadataCase> {
    METADATA.iter().flat_map(|text| cases(text, &Map::new())).collect()
}

/// Every case in which a message meets the guard of an MCP server, with its key set, token and body filled in.
///
/// ```
/// use requires_auth_testkit::vectors::mcp_cases;
///
/// let cases = mcp_cases();
/// // Some bodies are not UTF-8, and for some cases only the headers are seen.
/// assert!(cases.iter().flat_map(|case| &case.body).any(|body| std::str::from_utf8(body).is_err()));
/// assert!(cases.iter().any(|case| case.body.is_none()));
/// ```
/// # Panics
///
/// When a file of the crate is not what the generator writes.
pub fn mcp_cases() -> Vec<McpCase> {
    let key_sets = key_sets();
    MCP.iter().flat_map(|text| cases(text, &key_sets)).collect()
}

/// Every case in which a request with a proof of possession (DPoP, RFC 9449) meets a guard, with its key set and token filled
/// in. Proofs count once, so some cases send other requests to the same guard before.
///
/// ```
/// use requires_auth_testkit::vectors::{Outcome, proof_cases};
///
/// for case in proof_cases() {
///     // Build a guard with `case.request.config`, and stop its clock at `config.now`.
///     for earlier in &case.before {
///         // Send `earlier.request`, and expect it to pass if `earlier.is_allowed`.
/// #       let _ = earlier;
///     }
///     // Send `case.request`, and compare the answer with `case.request.outcome` and `case.challenges`.
/// #   let is_refused = matches!(case.request.outcome, Outcome::Deny(_));
/// #   assert_eq!(case.challenges.is_empty(), !is_refused);
/// }
/// ```
/// # Panics
///
/// When a file of the crate is not what the generator writes.
pub fn proof_cases() -> Vec<ProofCase> {
    let key_sets = key_sets();
    DPOP.iter().flat_map(|text| cases(text, &key_sets)).collect()
}

fn key_sets() -> Map<String, Value> {
    // The files are part of this crate, and the tests read all of them.
    serde_json::from_str(KEY_SETS).expect("key-sets.json is an object")
}

fn cases<T: DeserializeOwned>(text: &str, key_sets: &Map<String, Value>) -> Vec<T> {
    // Same invariant as for the key sets.
    let mut file: Value = serde_json::from_str(text).expect("a file of vectors is JSON");
    let mut cases = file["cases"].take();
    for case in cases.as_array_mut().into_iter().flatten() {
        if let Some(name) = case["jwks"].as_str() {
            case["jwks"] = key_sets.get(name).unwrap_or_else(|| panic!("no key set is named {name}")).clone();
        }
    }
    serde_json::from_value(cases).expect("the cases of a file of vectors have the documented members")
}

#[cfg(test)]
mod tests;
