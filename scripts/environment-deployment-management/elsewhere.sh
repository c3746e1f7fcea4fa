#!/usr/bin/env bash
# Elsewhere: what the Compose files use that no release makes: networks, volumes and containers that have to be there.
# Sourced by environment-deployment-management.sh.

# Whether the files that were sent, or a release that is kept, may use any. Arguments: directory with what the CLI sent
uses_elsewhere() { [[ -e $1/past ]] || grep -rqsE 'external|container:' "$1/compose"; }

# Prints a line a thing that the engine has, and after each of the four answers, where it is whole, `all`.
#   network <tab> name <tab> id
#   volume <tab> name
#   container <tab> name <tab> id <tab> state
#   swarm, where networks may be known to other hosts alone
ask_elsewhere() {
  cat <(tell_all network ls --no-trunc --format $'network\t{{.Name}}\t{{.ID}}') \
    <(tell_all volume ls --format $'volume\t{{.Name}}') \
    <(tell_all ps -a --no-trunc --format $'container\t{{.Names}}\t{{.ID}}\t{{.State}}') \
    <(tell_all info --format '{{if eq .Swarm.LocalNodeState "active"}}swarm{{end}}')
}

tell_all() { ! ask "$@" 2>/dev/null || printf 'all\n'; }
