#!/usr/bin/env bash
# Replaces the replicas one by one, by ones of the image as it is now, while the shop goes on:
#   docker compose build && ./replace.sh
# A new one is healthy before an old one is told to stop; that one says on /readyz that it isn't
# ready, HAProxy turns away, it finishes what it has, and ends. If a new one doesn't get healthy, it
# goes and the old ones stay.
set -euo pipefail
cd "$(dirname "$0")"

HEALTHY_WITHIN=120 # seconds; 3 on a machine that has nothing else to do

replicas() { docker compose ps --quiet locker; }

await_healthy() { # await_healthy CONTAINER
  local until=$((SECONDS + HEALTHY_WITHIN)) health restarts
  while [ $SECONDS -lt $until ]; do
    read -r health restarts < <(docker inspect --format '{{.State.Health.Status}} {{.RestartCount}}' "$1")
    [ "$health" != healthy ] || return 0
    # Whatever ended it will end it again.
    [ "$restarts" = 0 ] || return 1
    sleep 0.5
  done
  return 1
}

mapfile -t old < <(replicas)
if [ ${#old[@]} -eq 0 ]; then
  echo "No replica runs; start with: docker compose up" >&2
  exit 1
fi

# First what the new ones need; the old ones stand it.
docker compose run --rm --no-deps migrate

for container in "${old[@]}"; do
  before=$(replicas)
  docker compose up --detach --no-deps --no-recreate --scale locker=$((${#old[@]} + 1)) locker
  new=$(comm -13 <(sort <<<"$before") <(replicas | sort))
  if ! await_healthy "$new"; then
    echo "The new replica doesn't get healthy; it goes, and the old ones stay. Its last words:" >&2
    docker logs --tail 20 "$new" >&2
    docker rm --force "$new" >/dev/null
    exit 1
  fi
  # The time is compose.yaml's.
  docker stop "$container" >/dev/null
  docker rm "$container" >/dev/null
  echo "replaced ${container:0:12} by ${new:0:12}"
done
