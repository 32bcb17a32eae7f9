#!/usr/bin/env bash
# Weakens every check of the verifier, one at a time, and looks whether a test notices (cargo-mutants).
# It takes many hours on two cores, so it runs once per release and is not part of scripts/test.sh.
# Usage: scripts/mutants.sh [FILE...], files below crates/requires-auth/src; all that are listed here if none is named
set -euo pipefail
cd "$(dirname "$0")/.."
command -v cargo-mutants >/dev/null || { echo "install it first: cargo install cargo-mutants" >&2; exit 2; }

# The verifier, where a token stands, whose it is, and what its issuer says of it; what it is bound to, and whether it was revoked.
verifier=(
  'jose/**' 'verify/**' 'binding/**' 'claims/**' 'policy/**' claims.rs policy.rs challenge.rs
  credential.rs 'credential/**' request.rs 'request/**'
  'introspection/**' introspect/{asker,rate,refusals,endpoint,credentials,client,secret_key,introspection}.rs
  guard/{places,resolver,tenancy}.rs 'guard/tenants/**' providers/mod.rs
  # What a token is bound to, which proofs were used, and which tokens were revoked.
  'dpop/**' 'replay/**' 'client_certificate/**' 'revocation/**' 'revocations/**' 'challenge/**'
  guard/{proving,revoking,sharing}.rs guard/builder/{dpop,certificates,revocations,shared,fapi}.rs
)
# What holds it: each of these fails if one of the checks is weakened.
tests=(
  request_vectors peers policy hostile config keys health
  token_places introspection introspected_claims tenants audience per_issuer route_audience key_documents published_keys
  binding token_cache examine config_file settings fetch_token
  dpop fapi client_certificates revocations replay_memory redis_guards redis_revocations axum
)
[[ $# -gt 0 ]] || set -- "${verifier[@]}"
files=()
for file in "$@"; do
  files+=(--file "crates/requires-auth/src/$file")
done
# Output for people (Debug, Display, what `explain` prints) is not a check.
exclude='impl (std::)?fmt::(Debug|Display)|describe|expected_audience|NoTrace'
exec cargo mutants --package requires-auth --features axum,config,redis,tower "${files[@]}" --exclude-re "$exclude" \
  --baseline skip --timeout 60 --output "${MUTANTS_OUT:-.}" -- --lib "${tests[@]/#/--test=}"
