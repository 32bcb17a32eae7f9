#!/usr/bin/env bash
# Starts a Redis cluster of three nodes with a replica each on loopback, runs the tests that need one, and kills a node
# in the middle. It needs redis-server and redis-cli (apt-get install redis-server). The cluster and its files are gone
# at the end.
#
#   scripts/redis.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly FIRST_PORT=${FIRST_PORT:-17100} NODES=6
folder=$(mktemp -d)
pids=()

main() {
  trap clean EXIT
  local nodes=() port
  for ((port = FIRST_PORT; port < FIRST_PORT + NODES; port++)); do
    mkdir "$folder/$port"
    redis-server --port "$port" --bind 127.0.0.1 --dir "$folder/$port" --save '' --appendonly no \
      --cluster-enabled yes --cluster-config-file nodes.conf --cluster-node-timeout 1000 --repl-diskless-sync-delay 0 \
      --logfile log >/dev/null &
    pids+=("$!")
    nodes+=("127.0.0.1:$port")
  done
  for port in "${nodes[@]}"; do wait_for "${port#*:}"; done
  redis-cli --cluster create "${nodes[@]}" --cluster-replicas 1 --cluster-yes >/dev/null
  wait_for_cluster
  TEST_REDIS_CLUSTER="redis://${nodes[0]} redis://${nodes[1]}" \
    TEST_REDIS_CLUSTER_NODE="${pids[2]}" \
    cargo test -p requires-auth --all-features --test redis_cluster -- --nocapture --test-threads 1
}

wait_for() {
  local try
  for ((try = 0; try < 100; try++)); do
    if [[ $(redis-cli -p "$1" ping 2>/dev/null) == PONG ]]; then return; fi
    sleep 0.1
  done
  echo "redis-server does not answer on port $1" >&2
  exit 1
}

# Until each replica has what its node has: before that, none takes the place of it.
wait_for_cluster() {
  local try port ready
  for ((try = 0; try < 300; try++)); do
    ready=0
    for ((port = FIRST_PORT; port < FIRST_PORT + NODES; port++)); do
      if redis-cli -p "$port" info replication | grep -q master_link_status:up \
        && redis-cli -p "$port" cluster info | grep -q cluster_state:ok; then ready=$((ready + 1)); fi
    done
    if ((ready == NODES / 2)); then return; fi
    sleep 0.1
  done
  echo "the cluster is not there" >&2
  exit 1
}

clean() {
  if ((${#pids[@]})); then kill "${pids[@]}" 2>/dev/null || true; fi
  wait 2>/dev/null || true
  rm -rf "$folder"
}

main
