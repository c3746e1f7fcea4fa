#!/usr/bin/env bash
# The names and places of one sandbox. Everything that it makes carries its network's number, so that
# any clone finds it again.

readonly BUILDER=builder:2

# Sets the names that every other function reads.
# Arguments: the repository, the sandbox's network (198.18.0.0/24)
# Returns: 1 for a network that the sandbox must not use
name_instance() {
  local number
  if [[ ! $2 =~ ^198\.(18|19)\.([0-9]{1,3})\.0/24$ ]] || ((10#${BASH_REMATCH[2]} > 255)); then
    complain "--net $2 is no network of the sandbox" "give one of 198.18.0.0/24 to 198.19.255.0/24"
    return 1
  fi
  number=${BASH_REMATCH[1]}-$((10#${BASH_REMATCH[2]}))
  TOP=$1
  NET=198.${number/-/.}
  CACHE=$TOP/.tools/sandbox
  INSTANCE=$TOP/.sandbox
  if [[ $NET != 198.18.0 ]]; then INSTANCE+=/$NET.0; fi
  NAMESPACE=coldtivate-$number
  LINK=ct-$number
  GATEWAY=$NET.1
  REGISTRY=$GATEWAY:5000
  GIT_URL=git://$GATEWAY:9418
  readonly TOP NET CACHE INSTANCE NAMESPACE LINK GATEWAY REGISTRY GIT_URL
  name_hosts "$(cat "$INSTANCE/hosts" 2>/dev/null || echo 0)"
}

# Sets HOSTS: the hosts, and the last part of their addresses.
# Arguments: how many there are beside staging and production
name_hosts() {
  local number
  HOSTS=(staging:10 production:20)
  for ((number = 1; number <= $1; number++)); do HOSTS+=("host$number:$((100 + number))"); done
}

# Prints the sandbox's names and places, one a line.
instance_names() {
  printf '%s\n' "$NAMESPACE" "$LINK" "$REGISTRY" "$GIT_URL" "$(address_of "$BUILDER")" "$INSTANCE" "$CACHE"
}

# Returns: 1, with an error, for anyone but root, who alone can make and look into namespaces.
need_root() {
  ((EUID != 0)) || return 0
  complain "the sandbox is root's: it makes network namespaces and mounts" "run this as root"
  return 1
}

# Prints the address of a machine.
# Arguments: name:number
address_of() { printf '%s.%s\n' "$NET" "${1#*:}"; }

# Prints a host as name:number.
# Arguments: the host's name
# Returns: 1 when there is no such host
find_host() {
  local host
  for host in "${HOSTS[@]}"; do
    if [[ ${host%:*} == "$1" ]]; then
      printf '%s\n' "$host"
      return 0
    fi
  done
  complain "there is no host $1" "hosts: ${HOSTS[*]%:*}"
  return 1
}

# Prints the path of the builder's socket. A socket's path may not be longer than 107 bytes:
# a clone deep in the file system gets a link in /run.
builder_socket() {
  local socket=$INSTANCE/builder/socket/docker.sock
  if ((${#socket} > 100)); then socket=/run/$NAMESPACE/docker.sock; fi
  printf '%s\n' "$socket"
}

# Runs Docker's client against the builder, with the sandbox's own configuration.
# Arguments: docker's arguments
builder_docker() {
  DOCKER_HOST=unix://$(builder_socket) DOCKER_CONFIG=$INSTANCE/builder/client \
  BUILDX_CONFIG=$INSTANCE/builder/client/buildx DOCKER_CONTEXT='' /usr/bin/docker "$@"
}
