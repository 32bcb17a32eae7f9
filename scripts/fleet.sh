#!/usr/bin/env bash
# Four gateways as processes on one Redis, and eight clients that send copies of each other's requests with proofs (DPoP)
# to all of them. Redis is killed in the middle and starts again with nothing in it; tokens are revoked all the time. It
# prints what was counted, and exits 1 if a request was accepted twice or while Redis was away, or if a revocation was not
# known to all gateways within a second. Loopback alone; what it starts ends with it.
#
#   scripts/fleet.sh [SECONDS]   how long the clients send; 60 unless you say otherwise
#
# Needs cargo and redis-server (apt-get install redis-server). scripts/test.sh does the same for a few seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! [[ ${1:-60} =~ ^[0-9]+$ ]] || ((${1:-60} < 5)); then
  echo "usage: scripts/fleet.sh [SECONDS], 5 at least" >&2
  exit 2
fi
cargo test -p requires-auth-cli --all-features --test fleet --no-run
FLEET_SECONDS=${1:-60} TEST_REDIS_SERVER=required \
  cargo test --quiet -p requires-auth-cli --all-features --test fleet -- --nocapture || exit 1
