#!/usr/bin/env bash
# Registry credentials: a Docker configuration for each registry, in memory, until the images are pulled.
# Sourced by environment-deployment-management.sh.

readonly shared_memory=/dev/shm

# Reads `registry <tab> username <tab> password` lines up to an empty one, and stores them for the pulls. Sets: credentials
keep_credentials() {
  local registry username password key
  credentials=$(mktemp -d "$shared_memory/coldtivate.$project.XXXXXX") || fail 3 "Cannot write to $shared_memory." || return
  while IFS=$'\t' read -r registry username password || [[ -n $registry ]]; do
    [[ -n $registry ]] || break
    registry=${registry#http*://} registry=${registry%%/*}
    [[ $registry =~ ^[A-Za-z0-9][A-Za-z0-9.:-]*$ ]] || fail 3 "\"$registry\" is no registry's name." || return
    mkdir "$credentials/$registry" || return
    # Not with docker login, which asks the registry first. That takes another second on a slow line, and the pull asks the
    # registry anyway.
    key=$registry
    [[ $registry != docker.io ]] || key=https://index.docker.io/v1/
    printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$key" "$(printf '%s:%s' "$username" "$password" | base64 -w 0)" >"$credentials/$registry/config.json" || return
    [[ ! -d ~/.docker/contexts ]] || ln -s ~/.docker/contexts "$credentials/$registry/contexts" || return
  done
}

drop_credentials() {
  [[ -z ${credentials-} ]] || rm -rf "$credentials"
  credentials=
}

# Prints the context that the user's own Docker configuration selects. Prints nothing for the default one.
own_context() { sed -nE 's/.*"currentContext"[[:space:]]*:[[:space:]]*"([A-Za-z0-9_.+-]+)".*/\1/p' "${DOCKER_CONFIG:-$HOME/.docker}/config.json" 2>/dev/null | head -n 1; }

# Prints the Docker configuration that an image is pulled with. Prints nothing if it is the user's own.
configuration_for() {
  local registry=${1%%/*}
  [[ $1 == */* && ($registry == *[.:]* || $registry == localhost) ]] || registry=docker.io
  [[ $registry != index.docker.io ]] || registry=docker.io
  [[ -z ${credentials-} || ! -d $credentials/$registry ]] || printf '%s\n' "$credentials/$registry"
}
