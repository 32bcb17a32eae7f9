//! Mistakes that servers make, each with all that must be found.

pub mod endpoint;
pub mod metadata;
pub mod tokens;

use crate::server::{DOCUMENT, Mistake, ROOT, Request};

/// What is wrong, what of it must be found, and how it is planted.
pub type Row = (&'static str, &'static [(&'static str, &'static str)], Mistake);

pub const FAIL: &str = "fail";
pub const WARN: &str = "warn";

/// A POST or GET to the server itself without a token.
pub fn is_bare(request: &Request) -> bool {
    request.path == "/mcp" && !request.has_token() && request.method != "OPTIONS"
}

/// A challenge of this server, with other parameters.
pub fn challenge(parameters: &str) -> String {
    format!("Bearer {parameters}")
}

/// The document, in either of its places.
pub fn is_document(request: &Request) -> bool {
    request.method == "GET" && [DOCUMENT, ROOT].contains(&&*request.path)
}
