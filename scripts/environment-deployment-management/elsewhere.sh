#!/usr/bin/env bash
# Elsewhere: what the Compose files use but no release creates. These networks, volumes and containers must already exist.
# Sourced by environment-deployment-management.sh.

# Whether the files that were sent, or a kept release, may use any of these. Arguments: directory with what the CLI sent
uses_elsewhere() { [[ -e $1/past ]] || grep -rqsE 'external|container:' "$1/compose"; }

# Prints one line for each thing that the engine has. After each of the four answers prints `all` if it is complete.
#   network <tab> name <tab> id
#   volume <tab> name
#   container <tab> name <tab> id <tab> state
#   swarm, if some networks may be known only to other hosts
ask_elsewhere() {
  cat <(tell_all network ls --no-trunc --format $'network\t{{.Name}}\t{{.ID}}') \
    <(tell_all volume ls --format $'volume\t{{.Name}}') \
    <(tell_all ps -a --no-trunc --format $'container\t{{.Names}}\t{{.ID}}\t{{.State}}') \
    <(tell_all info --format '{{if eq .Swarm.LocalNodeState "active"}}swarm{{end}}')
}

tell_all() { ! ask "$@" 2>/dev/null || printf 'all\n'; }
