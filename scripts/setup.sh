#!/usr/bin/env bash
# Makes this machine ready to work on the project: Node.js, Debian packages, dependencies, build.
# What is there already stays as it is.
# usage: scripts/setup.sh
set -Eeuo pipefail

SETUP_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)/setup
readonly SETUP_DIR
# shellcheck source=scripts/setup/report.sh
source "$SETUP_DIR/report.sh"
# shellcheck source=scripts/setup/packages.sh
source "$SETUP_DIR/packages.sh"
# shellcheck source=scripts/setup/node.sh
source "$SETUP_DIR/node.sh"
# shellcheck source=scripts/setup/cli.sh
source "$SETUP_DIR/cli.sh"

main() {
  local top
  top=$(dirname "$(dirname "$SETUP_DIR")")
  ensure_packages || exit 1
  ensure_node "$top" || exit 1
  ensure_cli "$top" || exit 1
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
