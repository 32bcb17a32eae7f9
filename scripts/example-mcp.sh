#!/usr/bin/env bash
# Tests examples/mcp-rmcp, an MCP server of rmcp behind the guard. Not part of scripts/test.sh: rmcp is needed by nothing else, and
# takes minutes to build.
#
#   scripts/example-mcp.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../examples/mcp-rmcp"

cargo test --locked
cargo clippy --locked --all-targets -- -D warnings
