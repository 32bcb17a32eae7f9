#!/usr/bin/env bash
# Judges guards of others, and our adapters for Python and actix-web, with `requires-auth conformance`, and compares the scores with
# docs/conformance.md. Installs what is missing and says so: npm packages into tests/conformance/*/node_modules, Python
# packages into target/conformance, and builds a server of axum with jsonwebtoken (some minutes, once). Everything runs on loopback.
# The last line is always `N passed, M failed, K skipped`; the exit status is 0 only if M is 0.
#
#   scripts/conformance.sh                  everything
#   scripts/conformance.sh Express actix    the guards whose names have one of these words, with each finding
#   WRITE_TABLE=1 scripts/conformance.sh    writes the scores anew instead of comparing them
set -euo pipefail
export CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-line-tables-only}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly ENVIRONMENTS=$PWD/target/conformance TESTS=$PWD/tests/conformance TARGET=${CARGO_TARGET_DIR:-$PWD/target}

main() {
  mkdir -p "$ENVIRONMENTS"
  local binary=${REQUIRES_AUTH_BIN:-}
  if [[ ! $binary ]]; then
    say "building the command, as a debug build"
    cargo build --quiet -p requires-auth-cli --all-features
    binary=$TARGET/debug/requires-auth
  fi
  provide_node
  provide_environment fastapi-pyjwt --requirement "$TESTS/fastapi-pyjwt/requirements.txt"
  provide_environment flask-guide --requirement "$TESTS/flask-guide/requirements.txt"
  provide_environment mcp --requirement tests/mcp/requirements/mcp2.txt
  provide_ours
  say "building our example of actix-web"
  cargo build --quiet -p requires-auth --all-features --example actix
  cp "$TARGET/debug/examples/actix" "$ENVIRONMENTS/actix"
  say "building axum with jsonwebtoken"
  # Into the folder of the command's build, which has some of what it needs.
  CARGO_TARGET_DIR=$TARGET cargo build --quiet --locked --manifest-path "$TESTS/axum-jsonwebtoken/Cargo.toml"
  cp "$TARGET/debug/conformance-axum-jsonwebtoken" "$ENVIRONMENTS/axum-jsonwebtoken"
  "$ENVIRONMENTS/ours/bin/python" "$TESTS/run.py" "$binary" "$ENVIRONMENTS" "$@"
}

provide_node() {
  command -v npm >/dev/null || die "npm is missing: install Node 20.12 or newer"
  say "installing with npm into tests/conformance/*/node_modules: express-oauth2-jwt-bearer, MCP's TypeScript SDK"
  local name
  for name in express mcp-typescript; do
    npm --prefix "$TESTS/$name" ci --no-audit --no-fund --loglevel=error
  done
}

# provide_environment NAME PACKAGES: a virtual environment with these packages.
provide_environment() {
  local folder=$ENVIRONMENTS/$1
  say "installing with pip into target/conformance/$1"
  [[ -x $folder/bin/python ]] || "$(newest_python)" -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
}

# Our own package, as it stands in python/, with the frameworks of its examples.
provide_ours() {
  provide_environment ours flask flask-cors fastapi uvicorn django
  if ! compgen -G "python/requires_auth/_core*.so" >/dev/null; then
    say "building the Python package with maturin"
    "$ENVIRONMENTS/ours/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.14,<2'
    VIRTUAL_ENV=$ENVIRONMENTS/ours PATH=$ENVIRONMENTS/ours/bin:$PATH maturin develop --quiet --locked --manifest-path python/Cargo.toml
  fi
}

newest_python() {
  local python
  for python in python3.{14,13,12,11,10} ~/.pyenv/versions/3.1[0-4].*/bin/python python3; do
    if "$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  die "Python 3.10 or newer is missing"
}

say() { printf -- '--- %s\n' "$1"; }

die() {
  printf -- '--- %s\n' "$1" >&2
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}

main "$@"
