#!/usr/bin/env bash
# Is each part of the sandbox there, and does it answer?

# Prints all parts, as kind:name.
parts() {
  local host
  printf '%s\n' registry: git: builder: database:
  for host in "${HOSTS[@]}"; do printf 'host:%s\n' "${host%:*}"; done
}

# Tells whether the registry lets its user in.
registry_answers() {
  local account
  account=$(<"$INSTANCE/gateway/user"):$(<"$INSTANCE/gateway/password") || return 1
  curl -fsS --max-time 5 --noproxy '*' --config - "http://$REGISTRY/v2/" <<<"user = \"$account\"" >/dev/null 2>&1
}

# Tells whether something takes connections.
# Arguments: address, port
port_answers() { timeout 5 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null; }

# Tells whether the builder's engine answers.
builder_answers() { timeout 10 env -u DOCKER_CONTEXT /usr/bin/docker -H "unix://$(builder_socket)" version >/dev/null 2>&1; }

# Runs a command on a host through SSH, as a deploy does.
# Arguments: host's name, command
host_ssh() {
  local host
  host=$(find_host "$1") || return 1
  ssh -F /dev/null -i "$INSTANCE/ssh/id" -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=5 \
    -o UserKnownHostsFile="\"$INSTANCE/ssh/known_hosts\"" -o GlobalKnownHostsFile=/dev/null \
    -o StrictHostKeyChecking=yes "deploy@$(address_of "$host")" "${@:2}"
}

# Tells whether a host lets its user in, and its engine answers that user.
# Arguments: host's name
host_answers() { host_ssh "$1" 'docker version' </dev/null >/dev/null 2>&1; }

# Tells whether a part works.
# Arguments: kind:name
answers() {
  case $1 in
    registry:) registry_answers ;;
    git:) port_answers "$GATEWAY" 9418 ;;
    database:) port_answers "$(address_of "$BUILDER")" 5432 ;;
    builder:) builder_answers ;;
    host:*) host_answers "${1#host:}" ;;
  esac
}

# Tells whether a part works after all: on a busy machine an answer may take a while. One whose machine is off is
# not waited for.
# Arguments: kind:name
answers_late() { machine_init "$(machine_of "$1")" >/dev/null && eventually 5 answers "$1"; }

# Prints the machine that a part runs on.
# Arguments: kind:name
machine_of() {
  case $1 in
    registry: | git:) echo gateway ;;
    builder: | database:) echo builder ;;
    host:*) printf '%s\n' "${1#host:}" ;;
  esac
}

# Prints where a part is.
# Arguments: kind:name
place_of() {
  case $1 in
    registry:) printf 'http://%s\n' "$REGISTRY" ;;
    git:) printf '%s/backend.git\n' "$GIT_URL" ;;
    builder:) printf 'unix://%s\n' "$(builder_socket)" ;;
    database:) printf 'postgres://%s:5432\n' "$(address_of "$BUILDER")" ;;
    host:*) printf 'deploy@%s\n' "$(address_of "$(find_host "${1#host:}")")" ;;
  esac
}

# Prints the log in which a part says why it does not start.
# Arguments: kind:name
log_of() {
  case $1 in
    registry:) echo "$INSTANCE/gateway/registry.log" ;;
    git:) echo "$INSTANCE/gateway/git.log" ;;
    builder:) echo "$INSTANCE/builder/var/log/dockerd.log" ;;
    database:) echo "$INSTANCE/builder/database.log" ;;
    host:*) echo "$INSTANCE/${1#host:}/var/log/dockerd.log" ;;
  esac
}

# Prints a part's name for people.
# Arguments: kind:name
part_name() {
  case $1 in
    host:*) printf '%s\n' "${1#host:}" ;;
    *) printf '%s\n' "${1%:}" ;;
  esac
}

# Waits until a part works.
# Arguments: kind:name
# Returns: 1 when it does not within a minute
await() {
  eventually 60 answers "$1" && return 0
  tail -n 5 "$(log_of "$1")" >&2 2>/dev/null || true
  complain "the $(part_name "$1") did not start" "its log: $(log_of "$1")"
  return 1
}

# Tells whether the sandbox that is there, whole or not, is this clone's alone.
is_ours() {
  local machine init found=1
  [[ -e $INSTANCE/ready && -e /run/netns/$NAMESPACE-gateway ]] || return 1
  for machine in $(machines); do
    init=$(machine_init "$machine") || continue
    grep -qzxsF "SANDBOX=$INSTANCE" "/proc/$init/environ" || return 1
    found=0
  done
  return "$found"
}

# Prints what is up and where.
# Returns: 1 when a part is not
sandbox_status() {
  local part state ours=true code=0
  need_root || return 1
  is_ours || ours=false
  printf 'sandbox %s.0/24 in %s\n' "$NET" "$INSTANCE"
  while read -r part; do
    state=up
    if ! "$ours" || ! answers "$part"; then state=down code=1; fi
    printf '  %-12s %-5s %s\n' "$(part_name "$part")" "$state" "$(place_of "$part")"
  done < <(parts)
  return "$code"
}
