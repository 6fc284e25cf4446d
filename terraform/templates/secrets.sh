#!/usr/bin/env bash
# The secrets from Parameter Store, into memory: all, or those whose names match, as in: secrets.sh '*.pem'
set -euo pipefail
# shellcheck source=/dev/null
. /etc/taskflock/node.env

only=${1:-*}
secrets=/run/taskflock/secrets
install -d -m 0500 -o "$CONTAINER_UID" "$secrets"
while read -r file parameter; do
  # shellcheck disable=SC2053 # a pattern
  [[ $file == $only ]] || continue
  # By a file beside it: a failed read leaves the old one.
  (umask 077 && aws ssm get-parameter --region "$REGION" --with-decryption --name "$parameter" \
    --query Parameter.Value --output text >"$secrets/.$file")
  chown "$CONTAINER_UID" "$secrets/.$file"
  chmod 0400 "$secrets/.$file"
  mv "$secrets/.$file" "$secrets/$file"
done </etc/taskflock/secrets
