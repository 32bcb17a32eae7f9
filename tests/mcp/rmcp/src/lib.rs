//! The snippets in Rust of the page about MCP servers, which are tests of this crate.
#![doc = include_str!("../../../../docs/mcp.md")]
