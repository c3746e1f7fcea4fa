#!/usr/bin/env bash
# Registry credentials: a Docker configuration for each registry, in memory, until the images are pulled.
# Sourced by environment-deployment-management.sh.

readonly shared_memory=/dev/shm

# Reads `registry <tab> username <tab> password` lines and logs in with each. Sets: credentials
log_in() {
  local registry username password output
  credentials=$(mktemp -d "$shared_memory/coldtivate.$project.XXXXXX") || fail 3 "Cannot write to $shared_memory." || return
  while IFS=$'\t' read -r registry username password || [[ -n $registry ]]; do
    registry=${registry#http*://} registry=${registry%%/*}
    [[ $registry =~ ^[A-Za-z0-9][A-Za-z0-9.:-]*$ ]] || fail 3 "\"$registry\" is no registry's name. Nothing was changed." || return
    mkdir "$credentials/$registry" || return
    # Where no helper is named, docker looks for the desktop's key ring, and would leave the password there.
    printf '{"credHelpers":{"%s":""}}\n' "$registry" >"$credentials/$registry/config.json" || return
    [[ ! -d ~/.docker/contexts ]] || ln -s ~/.docker/contexts "$credentials/$registry/contexts" || return
    output=$(printf %s "$password" | DOCKER_CONFIG=$credentials/$registry engine login --username "$username" --password-stdin "$registry" 2>&1) || {
      fail 3 "$HOSTNAME could not log in to the registry $registry: ${output##*$'\n'}" "Nothing was changed. Check the user name and the password."
      return
    }
  done
}

drop_credentials() {
  [[ -z ${credentials-} ]] || rm -rf "$credentials"
  credentials=
}

# Prints the Docker configuration that an image is pulled with; nothing where it is the user's own.
configuration_for() {
  local registry=${1%%/*}
  [[ $1 == */* && ($registry == *[.:]* || $registry == localhost) ]] || registry=docker.io
  [[ -z ${credentials-} || ! -d $credentials/$registry ]] || printf '%s\n' "$credentials/$registry"
}
