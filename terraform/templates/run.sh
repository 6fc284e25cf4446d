#!/usr/bin/env bash
# This machine's role in its container, in the foreground. Docker hands on SIGTERM, upon which a worker retires.
set -euo pipefail
# shellcheck source=/dev/null
. /etc/taskflock/node.env

metadata() {
  local token
  token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
  curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"
}

arguments=()
if [[ -f /etc/taskflock/arguments ]]; then
  mapfile -t arguments </etc/taskflock/arguments
fi

# The journal takes what it writes, so Docker keeps no log of its own.
docker=(
  --rm --name taskflock --network host --log-driver none
  --user "$CONTAINER_UID" --security-opt no-new-privileges
  --volume /run/taskflock/secrets:/run/taskflock:ro
)

secrets=/run/taskflock/secrets
if [[ -f $secrets/ca.pem ]]; then
  # Not a flag of the worker's, so that `docker exec taskflock taskflock status` has it, too.
  docker+=(--env TASKFLOCK_TLS_CA=/run/taskflock/ca.pem)
fi

if [[ $ROLE == scheduler ]]; then
  command=(scheduler --host 0.0.0.0 --dashboard-host 0.0.0.0)
  if [[ -f $secrets/worker-token ]]; then
    command+=(--worker-token-file /run/taskflock/worker-token)
  fi
  if [[ -f $secrets/scheduler.pem ]]; then
    command+=(--tls-cert /run/taskflock/scheduler.pem --tls-key /run/taskflock/scheduler-key.pem)
  fi
else
  if [[ $GPUS == yes ]]; then
    docker+=(--gpus all)
  fi
  # The worker itself looks for AWS's notice that it takes the machine back, and retires in time. Not "auto", which asks once
  # whether this is a spot instance, and gives up when the answer is late, as it may be on a machine that is still busy booting.
  docker+=(--env TASKFLOCK_SPOT=on --env TASKFLOCK_SPOT_REBALANCE=retire)
  # Assigned first: a failure within the list would go unseen.
  name=$(metadata instance-id)
  host=$(metadata local-ipv4)
  command=(worker "$SCHEDULER_ADDRESS" --name "$name" --host "$host")
fi

exec docker run "${docker[@]}" "$IMAGE" "${command[@]}" --token-file /run/taskflock/token "${arguments[@]}"
