#!/usr/bin/env bash
# The whole path, on this machine alone: sets up a sandbox with a registry and two servers, builds the example monorepo,
# pushes it, deploys staging from main and production from v1.2.0, and shows both serving.
# usage: scripts/demo.sh
set -Eeuo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(dirname "$SCRIPTS")
readonly SCRIPTS TOP
# shellcheck source=scripts/setup.sh
source "$SCRIPTS/setup.sh"

readonly TAG=v1.2.0
readonly ROUTES=("" base_api/ air_api/ farmer_api/ impact_api/ comsol_dt/)

# Prints what comes next as a heading.
heading() { printf '\n\e[1m▶ %s\e[0m\n' "$*" >&2; }

# Prints a command as it would be typed, and runs it.
run() {
  printf '\e[2m$ %s\e[0m\n' "$*" >&2
  "$@"
}

# Clones the monorepo at a ref, as a CI job would.
# Arguments: folder to make, Git URL, branch or tag
check_out() {
  rm -rf "$1"
  mkdir -p "$(dirname "$1")"
  git -c advice.detachedHead=false clone --quiet --branch "$3" "$2" "$1"
}

# Asks a server for every route's version and compares it with what Git says.
# Arguments: server's address, the monorepo, the released commit
# Returns: 1 when a service is not at the last commit that touched its context
show_versions() {
  local address=$1 repository=$2 release=$3 route answer service image commit expected context code=0
  printf '  %-20s %-21s %-26s %s\n' route service image commit
  for route in "${ROUTES[@]}"; do
    answer=$(curl -fsS --retry 3 --max-time 10 "http://$address/${route}version") || return 1
    service=$(field service "$answer") image=$(field image "$answer") commit=$(field commit "$answer")
    context=$(context_of "$image")
    expected=$(git -C "$repository" log -1 --format=%H "$release" -- "$context")
    printf '  %-20s %-21s %-26s %s' "/${route}version" "$service" "$image" "$commit"
    if [[ $commit == "$expected" ]]; then printf '\n'; else
      printf '   expected %s\n' "$expected"
      code=1
    fi
  done
  return "$code"
}

# Prints a string field of a flat JSON object.
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" <<<"$2"; }

# Prints the folder that an image of the example is built from.
context_of() {
  case $1 in
    gateway) echo Gateway ;;
    base-api) echo Base-API ;;
    app-impact-reporting) echo App-Impact-Reporting ;;
    farmers-dashboard-backend) echo Farmers-Dashboard-Backend ;;
    impact-dashboard-backend) echo Impact-Dashboard-Backend ;;
    comsol-dt) echo Comsol-Digital-Twins ;;
    *) echo . ;;
  esac
}

main() {
  local began=$SECONDS repository=$TOP/.sandbox/monorepo checkouts=$TOP/.sandbox/checkouts url code=0
  heading "Set up: Node, Docker, a registry, two servers"
  ensure_packages || exit 1
  ensure_node "$TOP" || exit 1
  ensure_cli "$TOP" || exit 1
  bash "$SCRIPTS/sandbox.sh" up
  eval "$(bash "$SCRIPTS/sandbox.sh" env)"
  url=$(git -C "$repository" remote get-url origin)

  heading "Build and push $TAG, as the pipeline of a tag does"
  check_out "$checkouts/$TAG" "$url" "$TAG"
  (cd "$checkouts/$TAG" && run coldtivate build --push)
  heading "Build and push main: only what changed since $TAG takes time"
  check_out "$checkouts/main" "$url" main
  (cd "$checkouts/main" && run coldtivate build --push)

  heading "Deploy staging from main"
  (cd "$checkouts/main" && run coldtivate deploy staging)
  heading "Deploy production from $TAG"
  (cd "$checkouts/main" && run coldtivate deploy production --tag "$TAG" --yes)

  heading "Both serve"
  (cd "$checkouts/main" && run coldtivate status staging && printf '\n' && run coldtivate status production)
  printf '\nstaging, http://%s (main)\n' "$STAGING_SSH_HOST"
  show_versions "$STAGING_SSH_HOST" "$checkouts/main" HEAD || code=1
  printf '\nproduction, http://%s (%s)\n' "$PRODUCTION_SSH_HOST" "$TAG"
  show_versions "$PRODUCTION_SSH_HOST" "$checkouts/main" "$TAG" || code=1
  if ((code != 0)); then
    complain "a service is not at the commit that it should be at" "see above; then scripts/sandbox.sh down, and run the demo again"
    exit 1
  fi
  cat <<NEXT

Done in $((SECONDS - began)) s. Try next:

  eval "\$(scripts/sandbox.sh env)"       the environment that a CI job has, and coldtivate on PATH
  cd .sandbox/monorepo                   the example's repository: change something, commit, then
  coldtivate build --push && coldtivate deploy staging
  coldtivate deploy staging --dry-run    what a deploy would do
  coldtivate status production           what runs there
  curl http://$STAGING_SSH_HOST/base_api/db         rows from PostgreSQL

To stop it all and remove it:  scripts/sandbox.sh down
NEXT
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
