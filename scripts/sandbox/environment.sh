#!/usr/bin/env bash
# The environment of a CI job, for a person's shell.

# Prints one export that any POSIX shell reads back as it was.
# Arguments: name, value
print_export() {
  local value=${2//\'/\'\\\'\'}
  printf "export %s='%s'\n" "$1" "$value"
}

# Prints the fingerprint of a host's key.
# Arguments: host's name
fingerprint_of() {
  ssh-keygen -lf "$INSTANCE/$1/etc/ssh/sandbox_host_key.pub" | cut -d' ' -f2
}

# Prints the exports of one environment.
# Arguments: host as name:number
print_host_exports() {
  local name=${1%:*} prefix
  prefix=${name^^}
  prefix=${prefix//-/_}
  print_export "${prefix}_SSH_HOST" "$(address_of "$1")"
  print_export "${prefix}_SSH_USER" deploy
  print_export "${prefix}_SSH_PRIVATE_KEY" "$INSTANCE/ssh/id"
  print_export "${prefix}_SSH_FINGERPRINT" "$(fingerprint_of "$name")"
  if [[ -e $INSTANCE/dotenv/$name ]]; then print_export "${prefix}_DOT_ENV" "$INSTANCE/dotenv/$name"; fi
}

# Prints the exports that a CI job would have, and puts the command on PATH.
# Returns: 1 when this clone has no sandbox
sandbox_environment() {
  local host bin=$TOP/.tools/bin
  if [[ ! -e $INSTANCE/ready ]]; then
    complain "this clone has no sandbox on $NET.0/24" "start it: scripts/sandbox.sh up"
    return 1
  fi
  print_export CI_REGISTRY "$REGISTRY"
  print_export CI_REGISTRY_IMAGE "$REGISTRY/group/backend"
  print_export CI_REGISTRY_USER "$(<"$INSTANCE/gateway/user")"
  print_export CI_REGISTRY_PASSWORD "$(<"$INSTANCE/gateway/password")"
  print_export REGISTRY_INSECURE true
  print_export BASE_IMAGE "$REGISTRY/debian:bookworm-slim"
  print_export FRONT_IMAGE "$REGISTRY/library/haproxy:lts"
  for host in "${HOSTS[@]}"; do print_host_exports "$host"; done
  print_export DOCKER_HOST "unix://$(builder_socket)"
  printf "export PATH='%s':\"\$PATH\"\n" "${bin//\'/\'\\\'\'}"
}
