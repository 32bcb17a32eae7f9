#!/usr/bin/env bash
# Weakens every check of the verifier, one at a time, and looks whether a test notices (cargo-mutants).
# It takes about an hour on two cores, so it runs once per release and is not part of scripts/test.sh.
# Usage: scripts/mutants.sh [FILE...], files below crates/requires-auth/src; the verifier's if none is named
set -euo pipefail
cd "$(dirname "$0")/.."
command -v cargo-mutants >/dev/null || { echo "install it first: cargo install cargo-mutants" >&2; exit 2; }

[[ $# -gt 0 ]] || set -- 'jose/**' 'verify/**' 'binding/**' 'claims/**' 'policy/**' claims.rs credential.rs policy.rs challenge.rs
files=()
for file in "$@"; do
  files+=(--file "crates/requires-auth/src/$file")
done
# Output for people (Debug, Display, what `explain` prints) is not a check.
exclude='impl (std::)?fmt::(Debug|Display)|describe|expected_audience|NoTrace'
exec cargo mutants --package requires-auth --features axum "${files[@]}" --exclude-re "$exclude" \
  --baseline skip --timeout 20 --output "${MUTANTS_OUT:-.}" -- \
  --lib --test request_vectors --test peers --test policy --test hostile --test config --test keys --test health
