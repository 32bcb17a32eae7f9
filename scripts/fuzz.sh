#!/usr/bin/env bash
# Fuzzes the library: runs every target for MINUTES, two at a time, and exits 1 if one of them finds something.
# It is not part of scripts/test.sh. What the targets assert: crates/requires-auth/fuzz/README.md.
#
#   scripts/fuzz.sh MINUTES [TARGET...]   10 and 0.5 are minutes, 30s is seconds (for a look whether all of it works)
#
# Needs rustup's cargo, a C++ compiler and, if there is one, the nightly toolchain; installs cargo-fuzz if it is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly FUZZ=crates/requires-auth/fuzz
readonly AT_A_TIME=2
# The longest input of each target, in bytes: what the library reads at most, or what still runs fast.
declare -rA MAX_LEN=(
  [credential]=4096
  [client_certificate]=4096
  [compact]=4096
  [header]=2048
  [claims]=4096
  [key_set]=16384
  [proof]=2048
  [confirmation]=1024
  [discovery]=1024
  [mcp]=2048
  [configuration]=1024
  [differential]=256
)
readonly ALL=(differential claims key_set mcp proof confirmation header credential client_certificate compact discovery configuration)

main() {
  parse_arguments "$@"
  choose_toolchain
  provide_cargo_fuzz
  mkdir -p "$FUZZ/logs"

  say "seeds: from the vectors of the testkit"
  cargo run --quiet --manifest-path "$FUZZ/Cargo.toml" --example seeds
  say "build: ${targets[*]}"
  local target
  for target in "${targets[@]}"; do
    fuzz build "$target" 2>&1 | sed '/Compiling/d;/Finished/d' >&2
  done

  say "run: ${#targets[@]} targets, $AT_A_TIME at a time, $seconds s each"
  local at findings=0
  pids=()
  set -m # each run is a process group of its own, so that cargo's child ends with it
  trap 'kill -- "${pids[@]/#/-}" 2>/dev/null || true' EXIT
  for ((at = 0; at < ${#targets[@]}; at += AT_A_TIME)); do
    run_together "${targets[@]:at:AT_A_TIME}" || findings=1
  done
  exit "$findings"
}

# All of them take equally long, so nobody waits for anybody.
run_together() {
  local target status=0
  pids=()
  for target in "$@"; do
    fuzz run "$target" -- -max_total_time="$seconds" -max_len="${MAX_LEN[$target]}" \
      -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 </dev/null >"$FUZZ/logs/$target.log" 2>&1 &
    pids+=($!)
  done
  local index=0
  for target in "$@"; do
    if wait "${pids[index]}"; then report "$target" "no finding"; else report_finding "$target"; status=1; fi
    index=$((index + 1))
  done
  pids=()
  return "$status"
}

# report TARGET RESULT
report() {
  local log=$FUZZ/logs/$1.log
  local executions coverage
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
  if [[ -z $executions ]]; then executions=$(sed -n 's/^#\([0-9]*\).*/\1/p' "$log" | tail -1); fi
  coverage=$(grep -ao 'cov: [0-9]*' "$log" | tail -1 || true)
  printf '%-14s %10s executions  %-11s  %s\n' "$1" "${executions:-0}" "${coverage:-}" "$2"
}

report_finding() {
  local log=$FUZZ/logs/$1.log artifact
  artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
  report "$1" "FINDING: ${artifact:-none written, see $log}"
  sed -n '/panicked at/,/stack backtrace/p;/^ERROR: libFuzzer/p;/^==[0-9]*== ERROR/p' "$log" | head -12 | cut -c1-400 |
    sed 's/^/    /'
  if [[ -n $artifact ]]; then
    echo "    again: cargo${toolchain:+ $toolchain} fuzz run --fuzz-dir $FUZZ -s none $1 $artifact"
  fi
}

# fuzz COMMAND TARGET [ARGUMENTS]. The library has no unsafe code, so an address sanitizer would only slow it down.
fuzz() {
  local command=$1
  shift
  # shellcheck disable=SC2086 # the toolchain is one word or none
  cargo $toolchain fuzz "$command" --fuzz-dir "$FUZZ" -s none "$@"
}

# cargo-fuzz wants nightly; RUSTC_BOOTSTRAP=1 makes stable do as well.
choose_toolchain() {
  if rustup run nightly rustc --version >/dev/null 2>&1; then
    toolchain=+nightly
    say "toolchain: $(rustup run nightly rustc --version)"
  else
    toolchain=
    export RUSTC_BOOTSTRAP=1
    say "toolchain: $(rustc --version) with RUSTC_BOOTSTRAP=1, as there is no nightly that works"
  fi
}

provide_cargo_fuzz() {
  if ! cargo fuzz --version >/dev/null 2>&1; then
    say "cargo-fuzz is missing: installing it from crates.io"
    cargo install --locked cargo-fuzz
  fi
}

parse_arguments() {
  case ${1-} in
    -h | --help) usage 0 ;;
  esac
  local duration=${1-}
  if ! [[ $duration =~ ^[0-9]+(\.[0-9]+)?s?$ ]]; then usage 2; fi
  seconds=$(awk -v d="$duration" 'BEGIN { printf "%d", d ~ /s$/ ? d + 0 : d * 60 }')
  # libFuzzer takes 0 for no limit.
  if ((seconds == 0)); then usage 2; fi
  shift
  targets=("${@:-${ALL[@]}}")
  local target
  for target in "${targets[@]}"; do
    if [[ -z ${MAX_LEN[$target]-} ]]; then
      echo "scripts/fuzz.sh: no such target: $target; there are ${ALL[*]}" >&2
      exit 2
    fi
  done
}

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
  exit "$1"
}

say() { echo "--- $1"; }

main "$@"
