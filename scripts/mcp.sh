#!/usr/bin/env bash
# Real MCP clients log in at real MCP servers, with oidc-provider as authorization server, all on loopback; the same
# checks against each SDK's own guard are the table of docs/mcp.md. Installs what is missing and says so: npm packages
# into tests/mcp/node_modules, Python packages into target/mcp, and builds rmcp's client and server (some minutes, once).
# Takes about ten minutes after that. The last line is always `N passed, M failed, K skipped`; the exit status is 0 only if M is 0.
#
#   scripts/mcp.sh                    everything
#   scripts/mcp.sh -k fastmcp         with options for pytest
#   WRITE_TABLE=1 scripts/mcp.sh      writes the table anew instead of comparing it
set -euo pipefail
export CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-line-tables-only}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly ENVIRONMENTS=$PWD/target/mcp TESTS=$PWD/tests/mcp
readonly LOG=$PWD/target/mcp/pytest.log

main() {
  mkdir -p "$ENVIRONMENTS"
  trap finish EXIT
  command -v node >/dev/null || die "node is missing: install Node 20.12 or newer"
  command -v npm >/dev/null || die "npm is missing"
  local python
  python=$(newest_python)
  [[ $python ]] || die "Python 3.12 or newer is missing"

  say "installing with npm into tests/mcp/node_modules: oidc-provider, the TypeScript SDKs, mcp-remote"
  npm --prefix "$TESTS" ci --no-audit --no-fund --loglevel=error
  say "building rmcp's client and server in target/mcp-rmcp"
  CARGO_TARGET_DIR=$PWD/target/mcp-rmcp cargo build --quiet --locked --manifest-path "$TESTS/rmcp/Cargo.toml"
  say "building the gateway, as a debug build"
  cargo build --quiet -p requires-auth-cli --all-features
  local name
  for name in mcp1 mcp2; do provide_environment "$python" "$name"; done
  provide_package

  command -v nginx >/dev/null || [[ -x /usr/sbin/nginx ]] || say "nginx is missing (apt-get install nginx-light): its tests are skipped"
  NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 "$ENVIRONMENTS/mcp2/bin/python" -m pytest -q -rs "$TESTS" "$@" 2>&1 | tee "$LOG" || true
}

# A Python for both environments; the oldest that is known to do.
newest_python() {
  local python
  for python in python3.{14,13,12} ~/.pyenv/versions/3.1[2-4].*/bin/python python3; do
    if "$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
}

# provide_environment PYTHON NAME: the packages of tests/mcp/requirements/NAME.txt.
provide_environment() {
  local folder=$ENVIRONMENTS/$2
  say "installing with pip into target/mcp/$2: the packages of tests/mcp/requirements/$2.txt"
  [[ -x $folder/bin/python ]] || "$1" -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$TESTS/requirements/$2.txt"
}

# Our own package, as a wheel, in both environments.
provide_package() {
  say "building the Python package with maturin, and installing it into both environments"
  "$ENVIRONMENTS/mcp2/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.14,<2'
  rm -rf "$ENVIRONMENTS/wheels"
  # Into the folder of the gateway's build, which has most of what it needs.
  CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target} "$ENVIRONMENTS/mcp2/bin/maturin" build --quiet --locked --profile dev --manifest-path python/Cargo.toml --out "$ENVIRONMENTS/wheels"
  local name
  for name in mcp1 mcp2; do
    "$ENVIRONMENTS/$name/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$ENVIRONMENTS"/wheels/*.whl
  done
}

# The last line, from what pytest has counted.
finish() {
  local status=$?
  [[ -f $LOG ]] || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
  tail -n1 "$LOG" | sed 's/\x1b\[[0-9;]*m//g' | awk -v status="$status" '
    {
      for (i = 1; i < NF; i++) {
        if ($(i + 1) ~ /^passed/) passed = $i
        if ($(i + 1) ~ /^(failed|errors?)/) failed += $i
        if ($(i + 1) ~ /^(skipped|xfailed)/) skipped += $i
      }
      if (!passed && !failed) failed = 1
      printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
      exit(failed > 0)
    }'
}

say() { printf -- '--- %s\n' "$1"; }

die() {
  printf -- '--- %s\n' "$1" >&2
  exit 1
}

rm -f "$LOG"
main "$@"
