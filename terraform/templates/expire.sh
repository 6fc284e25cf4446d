#!/usr/bin/env bash
# Ends this machine when the cluster expires: it powers off, which for EC2 means to terminate.
set -euo pipefail
# shellcheck source=/dev/null
. /etc/taskflock/node.env

left=$(($(date -d "$EXPIRES_AT" +%s) - $(date +%s)))
if ((left <= 0)); then
  echo "The cluster expired at $EXPIRES_AT."
  exec systemctl poweroff
fi
echo "The cluster expires at $EXPIRES_AT, in $((left / 60)) minutes."
exec systemd-run --unit taskflock-expired --on-active="${left}s" systemctl poweroff
