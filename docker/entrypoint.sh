#!/bin/sh
# What `docker run IMAGE …` does: the roles get what a container needs, other commands of the CLI run as they are, and so do shells.
set -eu
state=/tmp/taskflock-container
role=${1:-}

# As the `taskflock` command does: programs and notebooks connect, too.
secret=/run/secrets/taskflock-token
if [ -z "${TASKFLOCK_TOKEN:-}${TASKFLOCK_TOKEN_FILE:-}" ] && [ -e "$secret" ]; then
  export TASKFLOCK_TOKEN_FILE="$secret"
fi
authority=/run/secrets/taskflock-ca.pem
if [ -z "${TASKFLOCK_TLS_CA:-}" ] && [ -e "$authority" ]; then
  export TASKFLOCK_TLS_CA="$authority"
fi

# Where the health check (taskflock-health) reads what it has to look at.
begin() {
  rm -rf "$state"
  if ! mkdir -m 700 "$state"; then
    echo "taskflock: /tmp cannot be written, and the health check needs it. With --read-only, add --tmpfs /tmp." >&2
    exit 1
  fi
  echo "$role" >"$state/role"
}

case "$role" in
  scheduler)
    begin
    shift
    exec taskflock scheduler --ready-fd 3 "$@" 3>"$state/ready"
    ;;
  worker)
    begin
    shift
    # Others reach a worker by the container's address; loopback would be the container's own.
    if [ -z "${TASKFLOCK_WORKER_HOST:-}" ]; then
      for address in $(hostname -I 2>/dev/null || true); do
        export TASKFLOCK_WORKER_HOST="$address"
        break
      done
    fi
    exec taskflock worker --health-file "$state/joined" "$@"
    ;;
  dashboard)
    begin
    shift
    export TASKFLOCK_DASHBOARD_HOST="${TASKFLOCK_DASHBOARD_HOST:-0.0.0.0}"
    exec taskflock dashboard --ready-fd 3 "$@" 3>"$state/ready"
    ;;
  notebook)
    shift
    exec taskflock-notebook "$@"
    ;;
  sh | bash | node | npm | npx | */*)
    exec "$@"
    ;;
  *)
    exec taskflock "$@"
    ;;
esac
