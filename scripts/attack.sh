#!/usr/bin/env bash
# Tries to hold a gateway that may have 1,024 files: from 127.0.0.2, while a stranger on 127.0.0.1 wants to be served.
# It is not part of scripts/test.sh, whose crates/requires-auth-cli/tests/attack.rs does the same in short. Loopback alone.
#
#   scripts/attack.sh [SECONDS]   how long each of the four attacks lasts; 60 unless you say otherwise
#
# Exits 1 if the stranger, the admin pages or a key fetch were not served, or if the gateway took more than 120 MB.
# Needs cargo, Python 3 and Linux (127.0.0.2, /proc). BINARY names another requires-auth than the one that it builds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -z ${BINARY:-} ]]; then
  cargo build --quiet -p requires-auth-cli
  BINARY=target/debug/requires-auth
fi
exec python3 scripts/attack/attack.py "$BINARY" "${1:-60}"
