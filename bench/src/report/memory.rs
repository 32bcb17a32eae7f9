//! What the program `memory` prints.

use serde::{Deserialize, Serialize};

/// All of it.
#[derive(Deserialize, Serialize)]
pub(crate) struct Memory {
    /// Allocations of 1,000 calls for tokens that are remembered.
    pub(crate) warm_allocations: u64,
    /// What the library allocates for a remembered Ed25519 token, by the number of tokens.
    pub(crate) tokens: Vec<Each>,
    /// The same for an ES384 token of Logto's, in a cache of the default size.
    pub(crate) logto: Each,
    /// What the process grows by for a key, by the number of keys.
    pub(crate) keys: Vec<Each>,
    /// What the process grows by for an issuer, by the number of issuers.
    pub(crate) issuers: Vec<Each>,
}

/// One number of things.
#[derive(Deserialize, Serialize)]
pub(crate) struct Each {
    pub(crate) count: usize,
    /// Bytes for each.
    pub(crate) bytes: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_bytes: Option<usize>,
}
