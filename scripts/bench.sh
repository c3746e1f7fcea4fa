#!/usr/bin/env bash
# Measures, from a bare clone: sets up what is missing and a sandbox of its own, and prints a table.
# usage: scripts/bench.sh deploy|build [--rounds N] [--json FILE]
set -Eeuo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(dirname "$SCRIPTS")
readonly SCRIPTS TOP
# shellcheck source=scripts/setup.sh
source "$SCRIPTS/setup.sh"

# The benchmarks' own sandbox, unless one is named: neither the demo's nor the tests'.
readonly NET=198.18.2.0/24

main() {
  local subject=${1:-deploy} net=${COLDTIVATE_TEST_NET:-$NET} environment
  [[ -e $TOP/test/bench/$subject.ts ]] || {
    complain "there is no benchmark $subject" "benchmarks: deploy, build"
    exit 2
  }
  cd "$TOP"
  ensure_packages || exit 1
  ensure_node "$TOP" || exit 1
  ensure_cli "$TOP" || exit 1
  [[ -n ${COLDTIVATE_TEST_NET-} ]] || trap 'bash "$SCRIPTS/sandbox.sh" down --net "$NET" >&2 || true' EXIT
  bash "$SCRIPTS/sandbox.sh" up --net "$net"
  environment=$(bash "$SCRIPTS/sandbox.sh" env --net "$net")
  eval "$environment"
  COLDTIVATE_TEST_NET=$net node "$TOP/test/bench/$subject.ts" "${@:2}"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
