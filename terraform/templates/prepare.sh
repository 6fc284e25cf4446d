#!/usr/bin/env bash
# Before each start: Docker, the secrets in memory, the image.
set -euo pipefail
# shellcheck source=/dev/null
. /etc/taskflock/node.env

export DOCKER_CONFIG=/run/taskflock/docker

if ! command -v docker >/dev/null; then
  if command -v dnf >/dev/null; then
    dnf install -y docker
  else
    apt-get update && apt-get install -y docker.io
  fi
fi
systemctl start docker
command -v aws >/dev/null || {
  echo "This AMI has no AWS CLI, which reads the secrets: choose one that has, by *_ami_parameter." >&2
  exit 1
}

install -d -m 0700 "$DOCKER_CONFIG"
/usr/local/lib/taskflock/secrets.sh

host=${IMAGE%%/*}
case $host in
*.dkr.ecr.*)
  aws ecr get-login-password --region "$REGION" | docker login --username AWS --password-stdin "$host"
  ;;
esac
docker pull --quiet "$IMAGE"
