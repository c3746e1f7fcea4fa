#!/usr/bin/env bash
# The sandbox: an engine to build with, a registry, a Git server and two hosts to deploy to, on this machine alone.
# usage: scripts/sandbox.sh COMMAND [--net 198.18.0.0/24]
#   up                    start it, or mend it; where it is up and healthy nothing happens
#   down                  end it and remove everything that it made, caches in .tools/ aside
#   status                show what is up and where; exit 1 when something is not
#   env                   print the environment that a CI job would have: eval "$(scripts/sandbox.sh env)"
#   power-off HOST        cut a host's power: all of its processes end at once
#   power-on HOST         boot it again, with the disk it had
#   exec HOST COMMAND...  run a command on a host, as root
# Each --net is a sandbox of its own, from 198.18.0.0/24 to 198.19.255.0/24.
#
# up --hosts N adds hosts to deploy to, up to 50: host1 at 198.18.0.101, host2 at .102 and so on; `env` has them as
# HOST1_SSH_HOST… With up --disk 2G each host keeps what its engine has on a disk of that size, instead of this machine's.
# With up --engine next the hosts run the engine, Compose and all else of Debian's next release; with up --store containerd
# their engines keep images in containerd's store. Either way they stay so until another up says otherwise.
set -Eeuo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
readonly SCRIPTS
# shellcheck source=scripts/setup.sh
source "$SCRIPTS/setup.sh"
# shellcheck source=scripts/sandbox/instance.sh
source "$SCRIPTS/sandbox/instance.sh"
# shellcheck source=scripts/sandbox/namespace.sh
source "$SCRIPTS/sandbox/namespace.sh"
# shellcheck source=scripts/sandbox/gateway.sh
source "$SCRIPTS/sandbox/gateway.sh"
# shellcheck source=scripts/sandbox/root.sh
source "$SCRIPTS/sandbox/root.sh"
# shellcheck source=scripts/sandbox/engine.sh
source "$SCRIPTS/sandbox/engine.sh"
# shellcheck source=scripts/sandbox/images.sh
source "$SCRIPTS/sandbox/images.sh"
# shellcheck source=scripts/sandbox/health.sh
source "$SCRIPTS/sandbox/health.sh"
# shellcheck source=scripts/sandbox/environment.sh
source "$SCRIPTS/sandbox/environment.sh"
# shellcheck source=scripts/sandbox/lifecycle.sh
source "$SCRIPTS/sandbox/lifecycle.sh"

usage() { sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p;}' "${BASH_SOURCE[0]}"; }

main() {
  local net=198.18.0.0/24 hosts=0 disk='' engine='' store='' words=()
  while (($# > 0)); do
    case $1 in
      --net)
        net=${2:-}
        shift
        (($# == 0)) || shift
        ;;
      --net=*)
        net=${1#--net=}
        shift
        ;;
      --hosts)
        hosts=${2:-}
        shift
        (($# == 0)) || shift
        ;;
      --hosts=*)
        hosts=${1#--hosts=}
        shift
        ;;
      --disk)
        disk=${2:-}
        shift
        (($# == 0)) || shift
        ;;
      --disk=*)
        disk=${1#--disk=}
        shift
        ;;
      --engine)
        engine=${2:-}
        shift
        (($# == 0)) || shift
        ;;
      --engine=*)
        engine=${1#--engine=}
        shift
        ;;
      --store)
        store=${2:-}
        shift
        (($# == 0)) || shift
        ;;
      --store=*)
        store=${1#--store=}
        shift
        ;;
      -h | --help)
        usage
        exit 0
        ;;
      *)
        words+=("$1")
        shift
        # What follows `exec HOST` belongs to the command.
        if [[ ${words[0]} == exec ]] && ((${#words[@]} == 2)); then
          words+=("$@")
          break
        fi
        ;;
    esac
  done
  name_instance "$(dirname "$SCRIPTS")" "$net" && size_disk "$disk" && choose_engine "$engine" "$store" || exit 2
  if [[ ! $hosts =~ ^[0-9]{1,2}$ ]] || ((10#$hosts > 50)); then
    complain "--hosts $hosts is no number of hosts" "give one from 0 to 50"
    exit 2
  fi
  set -- "${words[@]}"
  case "${1:-}/$#" in
    up/1) sandbox_up "$((10#$hosts))" || exit 1 ;;
    down/1) sandbox_down || exit 1 ;;
    status/1) sandbox_status || exit 1 ;;
    env/1) sandbox_environment || exit 1 ;;
    power-off/2) host_power_off "$2" || exit 1 ;;
    power-on/2) host_power_on "$2" || exit 1 ;;
    exec/*) host_exec "${@:2}" || exit $? ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
