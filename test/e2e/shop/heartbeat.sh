#!/usr/bin/env bash
# A singleton: it writes down every 50 ms that it lives, and which run of it that is.
set -Eeuo pipefail

main() {
  while :; do
    printf '%s\t%s\t%s\n' "${EPOCHREALTIME/./}" "$HOSTNAME" "$EDITION" >>/heartbeats/beats
    sleep 0.05
  done
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main; fi
