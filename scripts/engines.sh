#!/usr/bin/env bash
# Runs the core of the end-to-end tests on hosts with each engine and each image store, from a bare clone, and closes with
# a line for each and the sum.
# usage: scripts/engines.sh [ENGINE/STORE...]   engines: current next; stores: graph containerd; all of them unless named
set -Eeuo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(dirname "$SCRIPTS")
readonly SCRIPTS TOP
# shellcheck source=scripts/setup.sh
source "$SCRIPTS/setup.sh"

# A sandbox of its own, unless one is named.
readonly NET=198.18.8.0/24
readonly HOSTS=(current/graph current/containerd next/graph next/containerd)

# Prints what hosts have, as they say it themselves.
# Arguments: network
describe_hosts() {
  bash "$SCRIPTS/sandbox.sh" exec --net "$1" staging bash -c '
    docker version --format "Docker Engine {{.Server.Version}}" && docker compose version --short && docker info --format "{{.Driver}}"' |
    paste -sd' ' | sed 's/ \([0-9.]*\S*\) \(\S*\)$/, Compose \1, \2/'
}

main() {
  local net=${COLDTIVATE_TEST_NET:-$NET} hosts wanted=("$@") passed=0 results=() result
  ((${#wanted[@]} > 0)) || wanted=("${HOSTS[@]}")
  for hosts in "${wanted[@]}"; do
    [[ " ${HOSTS[*]} " == *" $hosts "* ]] || {
      complain "there are no hosts $hosts" "hosts: ${HOSTS[*]}"
      exit 2
    }
  done
  cd "$TOP"
  ensure_packages || exit 1
  ensure_node "$TOP" || exit 1
  ensure_cli "$TOP" || exit 1
  [[ -n ${COLDTIVATE_TEST_NET-} ]] || trap 'bash "$SCRIPTS/sandbox.sh" down --net "$NET" >&2 || true' EXIT
  for hosts in "${wanted[@]}"; do
    result=failed
    printf '\n── %s\n' "$hosts"
    if bash "$SCRIPTS/sandbox.sh" up --net "$net" --engine "${hosts%/*}" --store "${hosts#*/}" &&
      COLDTIVATE_TEST_NET=$net npx vitest run --project core; then
      result=passed passed=$((passed + 1))
    fi
    results+=("$(printf '%-20s %s  %s' "$hosts" "$result" "$(describe_hosts "$net" || true)")")
  done
  printf '\n'
  printf '%s\n' "${results[@]}" "" "$passed passed, $((${#wanted[@]} - passed)) failed"
  ((passed == ${#wanted[@]}))
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
