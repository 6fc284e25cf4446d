#!/bin/sh
# The `taskflock` command of the images. The token is found where `docker compose` and Kubernetes put a secret of this name.
set -eu
secret=/run/secrets/taskflock-token
if [ -z "${TASKFLOCK_TOKEN:-}${TASKFLOCK_TOKEN_FILE:-}" ] && [ -e "$secret" ]; then
  export TASKFLOCK_TOKEN_FILE="$secret"
fi
# Roles that run long get young generations of 16 MiB from the start, for the sake of the slowest calls.
young=
case "${1:-}:${NODE_OPTIONS:-}" in
  *semi-space* | *semi_space*) ;;
  scheduler:* | worker:*) young=--min-semi-space-size=16 ;;
esac
# shellcheck disable=SC2086 # no flag rather than an empty one
exec node $young /opt/taskflock/packages/taskflock/dist/cli.js "$@"
