#!/usr/bin/env bash
# Lets the gateway work for a long time: half of the load that it can bear, tokens that end, keys that rotate, another
# configuration now and then. Prints what became of its memory and of the answers, and writes soak.md and soak.json.
#
#   bench/soak.sh MINUTES [FOLDER]    FOLDER is bench/results unless it is given
#
# Installs wrk with apt. Builds the command as it is shipped (profile dist), and the tokens' tool in release mode.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ! ${1:-} =~ ^[0-9]+$ ]]; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
  [[ ${1:-} == -h || ${1:-} == --help ]] && exit 0
  exit 2
fi

source bench/gateway/install.sh
install_wrk
build_ours
exec "$python" bench/gateway/soak.py "$1" "${2:-bench/results}" --command "$command" --tools "$tools"
