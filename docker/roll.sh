#!/bin/sh
# Replace the replicas of `api` one by one by those of the current image and settings, without losing a request:
# docker/roll.sh [options of `docker compose`, such as -f compose.yaml -f compose.gpu.yaml]
# A replica drains before it ends, and the next one goes only when its successor is healthy.
set -eu
cd "$(dirname "$0")/.."
replicas=$(docker compose "$@" ps --quiet api)
count=$(echo "$replicas" | wc -w)
if [ "$count" -lt 2 ]; then
    echo "there are $count replicas, and a roll needs 2: docker compose up --detach --scale api=2" >&2
    exit 1
fi
for replica in $replicas; do
    docker stop "$replica" >/dev/null
    docker rm "$replica" >/dev/null
    docker compose "$@" up --detach --no-deps --no-build --no-recreate --scale "api=$count" --wait api
done
