#!/usr/bin/env bash
# Before each start: Docker, the secrets in memory, the image.
set -euo pipefail
# shellcheck source=/dev/null
. /etc/taskflock/node.env

secrets=/run/taskflock/secrets
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
install -d -m 0500 -o "$CONTAINER_UID" "$secrets"
while read -r file parameter; do
  # By a file beside it: a failed read leaves the old one.
  (umask 077 && aws ssm get-parameter --region "$REGION" --with-decryption --name "$parameter" \
    --query Parameter.Value --output text >"$secrets/.$file")
  chown "$CONTAINER_UID" "$secrets/.$file"
  chmod 0400 "$secrets/.$file"
  mv "$secrets/.$file" "$secrets/$file"
done </etc/taskflock/secrets

host=${IMAGE%%/*}
case $host in
*.dkr.ecr.*)
  aws ecr get-login-password --region "$REGION" | docker login --username AWS --password-stdin "$host"
  ;;
esac
docker pull --quiet "$IMAGE"
