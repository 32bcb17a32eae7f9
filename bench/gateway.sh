#!/usr/bin/env bash
# Measures the gateway beside Envoy jwt_authn, nginx-auth-jwt and Apache mod_oauth2: one core for the server, one for the
# load, 5,000 different tokens in turn, 16 connections. Prints the table and writes gateway.md and gateway.json.
#
#   bench/gateway.sh            everything: some minutes, on a machine with nothing else to do
#   bench/gateway.sh --quick    less of everything, to bench/target/quick: only to see that it runs
#
# Installs wrk, Apache and mod_oauth2 with apt, and Envoy and nginx with pip into target/bench-gateway. Builds the command
# as it is shipped (profile dist), and the tokens' tool in release mode.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=bench/results
case "${1:-}" in
  '') ;;
  --quick) folder=bench/target/quick ;;
  *)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    [[ $1 == -h || $1 == --help ]] && exit 0
    exit 2
    ;;
esac

source bench/gateway/install.sh
install_peers
build_ours
exec "$python" bench/gateway "$folder" --command "$command" --tools "$tools" "$@"
