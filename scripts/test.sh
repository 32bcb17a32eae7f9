#!/usr/bin/env bash
# Runs the checks of this repository on a machine that has Rust and a C compiler; installs what else is missing and
# says so. The last line is always `N passed, M failed, K skipped`; the exit status is 0 only if M is 0.
#
#   scripts/test.sh                everything
#   scripts/test.sh PART...        lint       format, clippy, documentation
#                                  providers  real identity providers (installs Node and oidc-provider)
#                                  rust       all tests, and the library under each of its features
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PARTS=(lint providers rust) # the order of a run: `rust` includes the tests that `providers` prepares
readonly LIBRARY=crates/requires-auth
readonly PROVIDER=tests/providers/oidc-provider
readonly NODE_MAJOR=20 NODE_MINOR=12 # what oidc-provider needs at least
readonly NODE_FROM_NPM=22            # what is installed where the system has nothing as new

passed=0 failed=0 skipped=0
failures=()

main() {
  parse_arguments "$@"
  prepare_environment
  log=$(mktemp)
  trap finish EXIT

  for part in "${PARTS[@]}"; do
    if selected "$part"; then "part_$part"; fi
  done
  finished=yes
}

# --- the parts

part_lint() {
  heading lint
  step "cargo fmt" cargo fmt --all --check
  step "cargo clippy" cargo clippy --workspace --all-targets --all-features -- -D warnings
  step "cargo doc" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
}

part_providers() {
  heading providers
  if provide_node; then
    step "npm ci" npm --prefix "$PROVIDER" ci --no-audit --no-fund
  fi
  if ! selected rust; then # `rust` runs this test with all the others
    tests "oidc-provider" cargo test -p requires-auth --all-features --test oidc_provider
  fi
}

part_rust() {
  heading rust
  tests "cargo test" cargo test --workspace --all-features --no-fail-fast
  step "requires-auth, no features" cargo clippy -p requires-auth --all-targets --no-default-features -- -D warnings
  local feature
  for feature in $(single_features); do
    step "requires-auth, feature $feature" \
      cargo clippy -p requires-auth --all-targets --no-default-features --features "$feature" -- -D warnings
  done
}

# The features that stand for themselves: `default` and `full` are sums of the others.
single_features() {
  awk '/^\[/ { inside = ($0 == "[features]") }
       inside && /^[a-z0-9_-]+ *=/ && $1 !~ /^(default|full)$/ { print $1 }' "$LIBRARY/Cargo.toml"
}

# --- steps: each is timed, and none ends the run

# step NAME COMMAND...: counts as one check.
step() {
  local name=$1 started=$SECONDS
  shift
  say "$name: $*"
  if "$@" </dev/null; then
    passed=$((passed + 1))
    say "$name: ok ($((SECONDS - started)) s)"
  else
    fail "$name" "$started"
    failed=$((failed + 1))
  fi
}

# tests NAME COMMAND...: counts the tests that the command's `test result:` lines report. A test that prints a line
# `skipped: X needs ...` has passed for the harness, and is skipped here.
tests() {
  local name=$1 started=$SECONDS status=0 ok bad ignored self_skipped
  shift
  say "$name: $*"
  "$@" </dev/null 2>&1 | tee "$log" || status=$?
  read -r ok bad ignored self_skipped < <(count_tests)
  passed=$((passed + ok - self_skipped))
  skipped=$((skipped + ignored + self_skipped))
  failed=$((failed + bad))
  if ((status == 0 && bad == 0)); then
    say "$name: ok ($((SECONDS - started)) s)"
  else
    fail "$name" "$started"
    # It did not get as far as a test: did not compile, or was killed.
    if ((bad == 0)); then failed=$((failed + 1)); fi
  fi
}

count_tests() {
  sed 's/\x1b\[[0-9;]*m//g' "$log" | awk '
    /^test result: / { ok += $4; bad += $6; ignored += $8 }
    { skipped += gsub(/skipped: [a-z-]+ needs /, "") }
    END { print ok + 0, bad + 0, ignored + 0, skipped + 0 }'
}

fail() {
  local name=$1 started=$2
  failures+=("$name")
  shout "$name: FAILED ($((SECONDS - started)) s)"
}

# --- what is installed on the way

# Puts a Node that oidc-provider can use, and npm, on PATH; false where that is impossible.
provide_node() {
  if ! command -v node >/dev/null; then
    apt_install nodejs npm || return 1
  elif ! command -v npm >/dev/null; then
    apt_install npm || return 1
  fi
  if node_is_new_enough; then return; fi

  local folder=$PWD/target/node
  say "node $(node --version) is too old for oidc-provider: installing Node $NODE_FROM_NPM from npm into target/node"
  mkdir -p "$folder"
  if ! npm --prefix "$folder" install --no-audit --no-fund "node@$NODE_FROM_NPM" </dev/null; then
    shout "Node $NODE_FROM_NPM cannot be installed: the tests that need it are skipped"
    return 1
  fi
  PATH=$folder/node_modules/.bin:$PATH
}

node_is_new_enough() {
  local major minor
  IFS=. read -r major minor _ < <(node --version | tr -d v)
  ((major > NODE_MAJOR || (major == NODE_MAJOR && minor >= NODE_MINOR)))
}

# apt_install PACKAGE...: false, with a line that says why, where apt cannot be used.
apt_install() {
  local sudo=()
  if [[ $(id -u) != 0 ]]; then sudo=(sudo -n); fi
  if ! command -v apt-get >/dev/null || ! "${sudo[@]}" true 2>/dev/null; then
    shout "missing: $*. apt-get needs Debian and root (or sudo without a password): the tests that need it are skipped"
    return 1
  fi
  say "installing with apt-get: $*"
  local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } </dev/null >/dev/null; then
    shout "apt-get could not install $*: the tests that need it are skipped"
    return 1
  fi
}

# --- the run as a whole

parse_arguments() {
  local argument
  for argument in "$@"; do
    case " ${PARTS[*]} " in
      *" $argument "*) ;;
      *) usage "$argument" ;;
    esac
  done
  chosen=("${@:-${PARTS[@]}}")
}

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
  if [[ $1 == -h || $1 == --help ]]; then exit 0; fi
  echo "scripts/test.sh: no such part: $1" >&2
  exit 2
}

selected() {
  [[ " ${chosen[*]} " == *" $1 "* ]]
}

prepare_environment() {
  if ! command -v cargo >/dev/null; then
    echo "scripts/test.sh: cargo is missing: install Rust with rustup first" >&2
    exit 2
  fi
  if ! command -v cc >/dev/null; then
    apt_install gcc libc6-dev || exit 2
  fi
  # Nobody debugs what is built here, and a cold build is faster without; CI keeps no state between runs either.
  export CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-line-tables-only}
  if [[ -n ${CI:-} ]]; then export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}; fi
  # The tests talk to themselves: a proxy of the machine must not come between.
  export NO_PROXY=127.0.0.1,localhost,::1${NO_PROXY:+,$NO_PROXY} no_proxy=127.0.0.1,localhost,::1${no_proxy:+,$no_proxy}
  if [[ -t 1 ]]; then
    bold=$'\e[1m' red=$'\e[1;31m' plain=$'\e[0m'
    export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-always} # also through the pipe to the log
  fi
}

finish() {
  local name
  rm -f "$log"
  if [[ -z ${finished:-} ]]; then
    failures+=("the run was cut short")
    failed=$((failed + 1))
  fi
  heading "result after $SECONDS s"
  for name in "${failures[@]}"; do shout "failed: $name"; done
  echo "$passed passed, $failed failed, $skipped skipped"
  exit $((failed > 0))
}

heading() { printf '\n%s=== %s ===%s\n' "${bold:-}" "$1" "${plain:-}"; }
say() { printf '%s--- %s%s\n' "${bold:-}" "$1" "${plain:-}"; }
shout() { printf '%s--- %s%s\n' "${red:-}" "$1" "${plain:-}"; }

main "$@"
