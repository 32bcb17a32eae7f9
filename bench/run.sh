#!/usr/bin/env bash
# Measures requires-auth beside its peers, prints the tables and writes them, with JSON and plots, to bench/results.
# Installs wrk with apt if it is missing; without it the routes are not measured.
#
#   bench/run.sh            everything: some minutes, on a machine with nothing else to do
#   bench/run.sh --quick    less of everything, to bench/target/quick: only to see that it runs
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

folder=results
case "${1:-}" in
  '') ;;
  --quick) folder=target/quick ;;
  *)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    [[ $1 == -h || $1 == --help ]] && exit 0
    exit 2
    ;;
esac

install_wrk() {
  local sudo=()
  if [[ $(id -u) != 0 ]]; then sudo=(sudo -n); fi
  if ! command -v apt-get >/dev/null || ! "${sudo[@]}" true 2>/dev/null; then
    echo "wrk is missing, and apt-get needs Debian and root: the routes are not measured" >&2
    return
  fi
  echo "installing with apt-get: wrk" >&2
  local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
  if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends wrk; } </dev/null >/dev/null; then
    echo "apt-get could not install wrk: the routes are not measured" >&2
  fi
}

if ! command -v wrk >/dev/null; then install_wrk; fi

# Both programs are built before one of them starts the other.
cargo build --release --locked --bins
exec cargo run --release --locked --quiet --bin bench -- "$folder" "$@"
