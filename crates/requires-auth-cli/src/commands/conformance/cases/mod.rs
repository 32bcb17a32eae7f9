//! The table of cases, by what they are about.

pub(super) mod answers;
pub(super) mod claims;
pub(super) mod dpop;
pub(super) mod form;
pub(super) mod header;
pub(super) mod keys;
pub(super) mod mcp;
pub(super) mod request;
pub(super) mod rfc9068;
pub(super) mod scopes;
pub(super) mod signature;

#[cfg(test)]
mod tests;
