#!/usr/bin/env bash
# Checks the dependencies by deny.toml (cargo-deny): which may never come in, their licences, where they come from, and,
# where the network has the database of RustSec, known advisories.
# It is not part of scripts/test.sh, as building cargo-deny takes minutes. Run it when a lock file changes.
#
#   scripts/supply-chain.sh                       advisories are left out, and it says so, where they cannot be had
#   scripts/supply-chain.sh --with-advisories     it is an error if they cannot be had
#
# Exits 1 after a finding. Needs cargo; installs cargo-deny if it is missing, or takes the one that CARGO_DENY names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What is shipped. Each workspace has a lock file of its own.
readonly SHIPPED=(. python)
# Tools and an example that nobody else gets: there the peers stand that are compared with, and may not come in elsewhere.
readonly TOOLS=(bench bench/gateway crates/requires-auth/fuzz examples/mcp-rmcp tests/conformance/axum-jsonwebtoken tests/mcp/rmcp)

main() {
  local needs_advisories=no
  case "${1-}" in
    "") ;;
    --with-advisories) needs_advisories=yes ;;
    *) sed -n '6,7s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
  provide_cargo_deny
  local advisories=()
  if has_advisories; then
    advisories=(advisories)
  elif [[ $needs_advisories == yes ]]; then
    echo "the advisories cannot be had" >&2
    exit 1
  else
    echo "ADVISORIES ARE NOT CHECKED: their database cannot be had from here" >&2
  fi
  local workspace failed=()
  for workspace in "${SHIPPED[@]}"; do
    check "$workspace" bans licenses sources "${advisories[@]}" || failed+=("$workspace")
  done
  for workspace in "${TOOLS[@]}"; do
    check "$workspace" sources "${advisories[@]}" || failed+=("$workspace")
  done
  if [[ ${#failed[@]} -gt 0 ]]; then
    echo "findings in: ${failed[*]}" >&2
    exit 1
  fi
}

provide_cargo_deny() {
  [[ -n ${CARGO_DENY-} ]] && return
  if ! command -v cargo-deny > /dev/null; then
    echo "installing cargo-deny; this takes minutes" >&2
    cargo install --locked cargo-deny
  fi
  CARGO_DENY=cargo-deny
}

# Checks one workspace, by the rules of the first.
check() {
  local workspace=$1
  shift
  echo "== $workspace: $*"
  "$CARGO_DENY" --log-level error --locked --config "$PWD/deny.toml" --manifest-path "$workspace/Cargo.toml" \
    check --hide-inclusion-graph "$@"
}

has_advisories() {
  timeout 120 "$CARGO_DENY" --log-level off --config "$PWD/deny.toml" --manifest-path Cargo.toml fetch db > /dev/null 2>&1
}

main "$@"
