#!/usr/bin/env bash
# The only program that changes this host. It applies a release's plan completely or not at all. It serves people who are logged
# in here, and the coldtivate CLI. docs/protocol.md describes the protocol between the two.
set -Eeuo pipefail
shopt -s inherit_errexit nullglob
umask 077
export LC_ALL=C COMPOSE_IGNORE_ORPHANS=1

readonly script=environment-deployment-management.sh
self=$(readlink -f "${BASH_SOURCE[0]}")
readonly self parts=${self%.sh}

usage() {
  cat <<'TEXT'
usage: environment-deployment-management.sh [-p NAME] VERB [ARGUMENT...]

  status                   what runs here, which release, since when
  history                  every deploy so far, the newest last
  deploy RELEASE           applies a release that is kept here, again; with --leave-data behind it although it no
                           longer mounts what containers wrote
  sh [SERVICE] [COMMAND]   a shell, or another command, in a service's container
  compose ARGUMENT...      docker compose with the release that serves
  follow [RELEASE]         shows a deploy from its beginning to its end; unless named, the one at work
  abort [RELEASE]          undoes a deploy that has not committed yet; likewise
  recover                  finishes or undoes what a crash interrupted
  lock -m WHY              keeps everybody from deploying until it is unlocked
  unlock                   lets people deploy again
  help                     this text

-p NAME is the project and its environment, as in ~/.coldtivate/NAME; needed only where there are several.
Exit codes: 0 done; 2 usage; 3 refused, nothing changed; 4 undone, what served before serves; 5 a person is needed.
TEXT
}

# Prints why something is not done. For a person, it adds what a refusal means; the CLI says that itself.
# Arguments: exit code, lines to print. Returns: that code
fail() {
  printf '%s\n' "${@:2}" >&2
  [[ $1 != 3 || ${reader-} == cli ]] || printf 'Nothing was changed.\n' >&2
  return "$1"
}

# shellcheck source=scripts/environment-deployment-management/state.sh
source "$parts/state.sh"
# shellcheck source=scripts/environment-deployment-management/lock.sh
source "$parts/lock.sh"
# shellcheck source=scripts/environment-deployment-management/journal.sh
source "$parts/journal.sh"
# shellcheck source=scripts/environment-deployment-management/coordination.sh
source "$parts/coordination.sh"
# shellcheck source=scripts/environment-deployment-management/prefetch.sh
source "$parts/prefetch.sh"
# shellcheck source=scripts/environment-deployment-management/survey.sh
source "$parts/survey.sh"
# shellcheck source=scripts/environment-deployment-management/engine.sh
source "$parts/engine.sh"
# shellcheck source=scripts/environment-deployment-management/stopping.sh
source "$parts/stopping.sh"
# shellcheck source=scripts/environment-deployment-management/sharing.sh
source "$parts/sharing.sh"
# shellcheck source=scripts/environment-deployment-management/credentials.sh
source "$parts/credentials.sh"
# shellcheck source=scripts/environment-deployment-management/steps.sh
source "$parts/steps.sh"
# shellcheck source=scripts/environment-deployment-management/foreign-containers.sh
source "$parts/foreign-containers.sh"
# shellcheck source=scripts/environment-deployment-management/fronts.sh
source "$parts/fronts.sh"
# shellcheck source=scripts/environment-deployment-management/slots.sh
source "$parts/slots.sh"
# shellcheck source=scripts/environment-deployment-management/fronts-update.sh
source "$parts/fronts-update.sh"
# shellcheck source=scripts/environment-deployment-management/health.sh
source "$parts/health.sh"
# shellcheck source=scripts/environment-deployment-management/probe.sh
source "$parts/probe.sh"
# shellcheck source=scripts/environment-deployment-management/reach.sh
source "$parts/reach.sh"
# shellcheck source=scripts/environment-deployment-management/verdicts.sh
source "$parts/verdicts.sh"
# shellcheck source=scripts/environment-deployment-management/hooks.sh
source "$parts/hooks.sh"
# shellcheck source=scripts/environment-deployment-management/transaction.sh
source "$parts/transaction.sh"
# shellcheck source=scripts/environment-deployment-management/recovery.sh
source "$parts/recovery.sh"
# shellcheck source=scripts/environment-deployment-management/written.sh
source "$parts/written.sh"
# shellcheck source=scripts/environment-deployment-management/deploy.sh
source "$parts/deploy.sh"
# shellcheck source=scripts/environment-deployment-management/capacity.sh
source "$parts/capacity.sh"
# shellcheck source=scripts/environment-deployment-management/attach.sh
source "$parts/attach.sh"
# shellcheck source=scripts/environment-deployment-management/releases.sh
source "$parts/releases.sh"
# shellcheck source=scripts/environment-deployment-management/elsewhere.sh
source "$parts/elsewhere.sh"
# shellcheck source=scripts/environment-deployment-management/verbs.sh
source "$parts/verbs.sh"

main() {
  local option name='' directory=''
  reader=person
  unset "${!COMPOSE_@}"
  export COMPOSE_IGNORE_ORPHANS=1
  while getopts :p:s:c option; do
    case $option in
      p) name=$OPTARG ;;
      s) directory=$OPTARG ;;
      c) reader=cli ;;
      *) fail 2 "$(usage)" ;;
    esac
  done
  shift $((OPTIND - 1))
  [[ ${1:-help} != help ]] || { usage && return; }
  open_state "$name" "$directory"
  case $1 in
    observe | deploy | catch_up | attach | abort | queue | at_work | recover | status | execute | lock | unlock) "$@" ;;
    serving | engine_socket | kept_release | kept_images) "$@" ;;
    follow)
      open_at_work "${2-}"
      [[ -t 1 ]] || reader=cli
      follow_for_cli
      ;;
    history) history ;;
    sh) enter "${@:2}" ;;
    compose)
      [[ -e $state/current ]] || fail 3 "No release serves here yet."
      exec docker compose -p "$project" --project-directory "$state" -f "$state/current/compose.json" "${@:2}"
      ;;
    *) fail 2 "$(usage)" ;;
  esac
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
