#!/usr/bin/env bash
# A singleton: it writes down every 50 ms that it lives, and which run of it that is.
set -Eeuo pipefail

main() {
  local pause
  # Waiting for what never comes takes no process, as sleep would.
  exec {pause}<> <(:)
  while :; do
    printf '%s\t%s\t%s\n' "${EPOCHREALTIME/./}" "$HOSTNAME" "$EDITION" >>/heartbeats/beats
    read -rt 0.05 -u "$pause" || true
  done
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main; fi
