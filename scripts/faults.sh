#!/usr/bin/env bash
# Breaks a release at each of its steps in each way, from a bare clone, and writes docs/faults.md.
# usage: [FAULTS="cut freeze"] [STEPS="3 14"] scripts/faults.sh
set -Eeuo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(dirname "$SCRIPTS")
readonly SCRIPTS TOP
# shellcheck source=scripts/setup.sh
source "$SCRIPTS/setup.sh"

# A sandbox of its own, unless one is named.
readonly NET=198.18.3.0/24

main() {
  local net=${COLDTIVATE_TEST_NET:-$NET}
  cd "$TOP"
  ensure_packages || exit 1
  ensure_node "$TOP" || exit 1
  ensure_cli "$TOP" || exit 1
  [[ -n ${COLDTIVATE_TEST_NET-} ]] || trap 'bash "$SCRIPTS/sandbox.sh" down --net "$NET" >&2 || true' EXIT
  COLDTIVATE_TEST_NET=$net npx vitest run --project faults
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
