#!/bin/sh
# JupyterLab on 8888, with a password in any case, and TensorBoard on 6006 over the event files below /notebooks.
set -eu
secret=/run/secrets/notebook-password
if [ -z "${NOTEBOOK_PASSWORD:-}" ] && [ -e "$secret" ]; then NOTEBOOK_PASSWORD=$(cat "$secret"); fi
if [ -z "${NOTEBOOK_PASSWORD:-}" ]; then
  NOTEBOOK_PASSWORD=$(python3 -c 'import secrets; print(secrets.token_urlsafe(12))')
  echo "The notebook's password is $NOTEBOOK_PASSWORD (set NOTEBOOK_PASSWORD to choose one)"
fi

# By a file: arguments can be seen by every process, and kernels need not know it.
JUPYTER_CONFIG_DIR=$(mktemp -d)
export JUPYTER_CONFIG_DIR
NOTEBOOK_PASSWORD="$NOTEBOOK_PASSWORD" python3 - "$JUPYTER_CONFIG_DIR/jupyter_server_config.json" <<'PYTHON'
import json, os, sys
from jupyter_server.auth import passwd
config = {
    "PasswordIdentityProvider": {"hashed_password": passwd(os.environ["NOTEBOOK_PASSWORD"])},
    "IdentityProvider": {"token": ""},
    "ServerApp": {"ip": "0.0.0.0", "port": 8888, "open_browser": False, "root_dir": "/notebooks"},
}
with open(sys.argv[1], "w") as file:
    json.dump(config, file)
PYTHON
unset NOTEBOOK_PASSWORD

(cd /tmp && tensorboard --logdir /notebooks --host 0.0.0.0 --port 6006 >/tmp/tensorboard.log 2>&1) &
exec jupyter lab "$@"
