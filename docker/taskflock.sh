#!/bin/sh
# The `taskflock` command of the images. The token and the authority of certificates are found where `docker compose` and Kubernetes put secrets of these names.
set -eu
secret=/run/secrets/taskflock-token
if [ -z "${TASKFLOCK_TOKEN:-}${TASKFLOCK_TOKEN_FILE:-}" ] && [ -e "$secret" ]; then
  export TASKFLOCK_TOKEN_FILE="$secret"
fi
authority=/run/secrets/taskflock-ca.pem
if [ -z "${TASKFLOCK_TLS_CA:-}" ] && [ -e "$authority" ]; then
  export TASKFLOCK_TLS_CA="$authority"
fi
# Roles that run long get young generations of 16 MiB from the start, for the sake of the slowest calls.
young=
case "${1:-}:${NODE_OPTIONS:-}" in
  *semi-space* | *semi_space*) ;;
  scheduler:* | worker:*) young=--min-semi-space-size=16 ;;
esac
# shellcheck disable=SC2086 # no flag rather than an empty one
exec node $young /opt/taskflock/packages/taskflock/dist/cli.js "$@"
