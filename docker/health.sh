#!/bin/bash
# The images' health check. A scheduler: its page's /health answers. A worker: it has joined, and its event loop turns (it renews its
# file every five seconds). Anything else is well while it runs.
set -u
state=/tmp/taskflock-container
role=$(cat "$state/role" 2>/dev/null)

answers() {
  # {"address":"0.0.0.0:8786","dashboard":"https://0.0.0.0:8787/status",…}
  local url
  url=$(sed -nE 's|.*"dashboard":"(https?://[^/"]+)/.*|\1|p' "$state/ready" 2>/dev/null)
  local place=${url#*://}
  local host=${place%:*} port=${place##*:} line
  case "$host" in
    "") echo "not ready yet" && return 1 ;;
    0.0.0.0) host=127.0.0.1 ;;
    "[::]") host=::1 ;;
  esac
  if [[ $url == https:* ]]; then
    answers_by_tls "${host//[\[\]]/}" "$port"
    return
  fi
  exec 3<>"/dev/tcp/${host//[\[\]]/}/$port" || return 1
  printf 'GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
  IFS= read -r -t 4 line <&3
  echo "${line%$'\r'}"
  [[ $line == HTTP/*" 200 "* ]]
}

# It says only whether the page answers, and goes nowhere but here: whose certificate it is does not matter.
answers_by_tls() {
  # shellcheck disable=SC2016 # it is JavaScript
  node --eval '
    const [host, port] = process.argv.slice(1);
    const request = { host, port, path: "/health", headers: { host: "localhost" }, rejectUnauthorized: false, timeout: 4000 };
    const asked = require("node:https").get(request, ({ statusCode }) => {
      console.log(`HTTPS ${statusCode}`);
      process.exit(statusCode === 200 ? 0 : 1);
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", ({ message }) => {
      console.log(message);
      process.exit(1);
    });' "$1" "$2"
}

case "$role" in
  scheduler | dashboard) answers ;;
  worker)
    if [ -n "$(find "$state/joined" -newermt '-30 seconds' 2>/dev/null)" ]; then
      echo "joined"
    else
      echo "not joined, or it does not answer"
      exit 1
    fi
    ;;
esac
