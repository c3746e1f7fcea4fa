#!/usr/bin/env bash
# Up and down, as a whole.

# Makes the folders and keys of a new sandbox, those of its hosts aside.
instance_prepare() {
  mkdir -p "$INSTANCE/ssh"
  chmod 700 "$TOP/.sandbox" "$INSTANCE"
  ssh-keygen -q -t ed25519 -N '' -C sandbox -f "$INSTANCE/ssh/id"
  gateway_prepare
  engine_prepare builder true
  write_docker_login "$INSTANCE/builder/client"
  if [[ $(builder_socket) == /run/* ]]; then ln -s "$INSTANCE/builder/socket" "/run/$NAMESPACE"; fi
  engine_note
  dotenv_prepare
}

# Makes the folders of hosts that have none.
hosts_prepare() {
  local host
  for host in "${HOSTS[@]}"; do
    [[ ! -d $INSTANCE/${host%:*} ]] || continue
    engine_prepare "${host%:*}" "$([[ $STORE == graph ]] && echo false || echo true)"
    disk_prepare "${host%:*}"
    ssh_prepare "${host%:*}" "$(address_of "$host")"
    printf '%s %s\n' "$(address_of "$host")" "$(cut -d' ' -f1,2 "$INSTANCE/${host%:*}/etc/ssh/sandbox_host_key.pub")" \
      >>"$INSTANCE/ssh/known_hosts"
  done
  printf '%d\n' $((${#HOSTS[@]} - 2)) >"$INSTANCE/hosts"
}

# Copies the example's dotenvs, with this network's addresses.
dotenv_prepare() {
  local source
  mkdir -p "$INSTANCE/dotenv"
  for source in "$TOP"/example/dotenv/*; do
    [[ -f $source ]] || continue
    (umask 077 && sed "s/@NET@/$NET/g" "$source" >"$INSTANCE/dotenv/$(basename "$source")")
  done
}

# Removes every machine of this sandbox, whoever started it, and its link.
machines_remove() {
  local machine
  while read -r machine; do
    machine_remove "$machine" || return 1
  done < <(machines)
  strays_kill
  if ip link show "$LINK" >/dev/null 2>&1; then ip link del "$LINK"; fi
  rm -f "/run/$NAMESPACE"
  namespaces_tidy
}

# Removes this sandbox's files; those of sandboxes on other networks stay.
files_remove() {
  [[ -d $INSTANCE ]] || return 0
  if [[ $INSTANCE == "$TOP/.sandbox" ]]; then
    find "$INSTANCE" -mindepth 1 -maxdepth 1 ! -name '198.1[89].*.0' -exec rm -rf {} +
  else
    rm -rf "$INSTANCE"
  fi
  rmdir --ignore-fail-on-non-empty "$TOP/.sandbox" 2>/dev/null || true
}

# Starts a part again, with the files it has.
# Arguments: kind:name
part_restart() {
  case $1 in
    registry: | git:)
      # Its network namespace stays: the bridge is in there.
      machine_kill gateway && gateway_up
      ;;
    builder:)
      machine_remove builder && builder_up
      ;;
    database:) database_provide || return 1 ;;
    host:*)
      machine_remove "${1#host:}" && host_up "$(find_host "${1#host:}")"
      ;;
  esac
  await "$1"
}

# Mends this clone's sandbox part by part.
# Returns: 1 when a part cannot be mended
sandbox_mend() {
  local part
  while read -r part; do
    answers "$part" || answers_late "$part" || timed "$(part_name "$part") again" part_restart "$part" || return 1
  done < <(parts)
}

# Waits for the machines that have been started.
machines_await() {
  local part
  while read -r part; do
    [[ $part == database: ]] || await "$part" || return 1
  done < <(parts)
}

# Fills the registry, from what was kept if it was.
images_provide() {
  local seed
  seed=$(registry_seed)
  if [[ -d $seed ]]; then
    storage_copy "$seed" "$INSTANCE/gateway/storage"
  else
    timed "images from elsewhere" images_make
  fi
}

# Makes the repositories and the working tree of the example monorepo, where the sources have one.
monorepo_provide() {
  local script=$SCRIPTS/sandbox/monorepo.sh log=$INSTANCE/monorepo.log
  [[ -e $script ]] || return 0
  if ! bash "$script" "$INSTANCE/gateway/repositories" "$INSTANCE/monorepo" "$GIT_URL" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    complain "the example monorepo could not be made" "its log: $log"
    return 1
  fi
}

# Starts the database that production uses and that is no part of its project, on the builder's engine.
database_provide() {
  local script=$SCRIPTS/sandbox/database.sh log=$INSTANCE/builder/database.log
  [[ -e $script ]] || return 0
  if ! DOCKER_CONFIG=$INSTANCE/builder/client PATH=$TOP/.tools/bin:$PATH \
    bash "$script" "$(address_of "$BUILDER")" "unix://$(builder_socket)" "$REGISTRY" >"$log" 2>&1 {LOCK}>&-; then
    tail -n 20 "$log" >&2
    complain "production's database did not start" "its log: $log"
    return 1
  fi
}

# Starts everything from nothing.
sandbox_create() {
  local host
  # What a background command does not do by itself: end with the one that started it.
  trap 'kill "${BOOTSTRAP:-}" "${ROOTSTRAP:-}" 2>/dev/null || true' EXIT
  machines_remove && files_remove && instance_prepare || return 1
  with_tools_lock base_make {LOCK}>&- &
  BOOTSTRAP=$!
  with_lock "$TOP/.tools" root_make {LOCK}>&- &
  ROOTSTRAP=$!
  network_up && gateway_up && builder_up || return 1
  if [[ $ENGINE == next ]]; then timed "root of the hosts" wait "$ROOTSTRAP" || return 1; fi
  hosts_prepare || return 1
  for host in "${HOSTS[@]}"; do host_up "$host" || return 1; done
  timed "machines" machines_await || return 1
  timed "base image" wait "$BOOTSTRAP" || return 1
  with_tools_lock images_provide || return 1
  timed "monorepo" monorepo_provide || return 1
  timed "production's database" database_provide || return 1
  touch "$INSTANCE/ready"
}

# Takes the lock that keeps two clones, or two shells, from starting or ending one sandbox at the same time.
# Returns: 1 when somebody else holds it for five minutes
lock_sandbox() {
  local file=/run/lock/$NAMESPACE
  until
    exec {LOCK}>>"$file"
    if ! flock -n "$LOCK"; then
      say "waiting for another run of this script"
      flock -w 300 "$LOCK" || break
    fi
    # `down` removes the file: who waited for that one takes the new one.
    [[ $file -ef /proc/self/fd/$LOCK ]]
  do exec {LOCK}>&-; done
  [[ $file -ef /proc/self/fd/$LOCK ]] && return 0
  complain "another run of this script has been at work for five minutes" "wait for it, or end it"
  return 1
}

# Runs a command while no other one writes to .tools/ in this way.
# Arguments: command and its arguments
# Returns: what the command returned
with_tools_lock() {
  mkdir -p "$CACHE"
  with_lock "$CACHE" "$@"
}

# Runs a command while no other one has a folder's lock.
# Arguments: folder, command and its arguments
# Returns: what the command returned
with_lock() {
  local lock code=0
  exec {lock}<"$1"
  flock "$lock"
  "${@:2}" || code=$?
  exec {lock}<&-
  return "$code"
}

# Tells whether the hosts have the disks that were asked for, if any were.
has_disk() {
  local host
  [[ -n $DISK ]] || return 0
  for host in "${HOSTS[@]}"; do
    [[ ! -d $INSTANCE/${host%:*} || $(stat -c %s "$INSTANCE/${host%:*}/disk.img" 2>/dev/null) == "$(numfmt --from=iec "$DISK")" ]] || return 1
  done
}

# Starts the sandbox, mends it, or leaves it alone when it is whole.
# Arguments: how many hosts there are to be beside staging and production, at the least
sandbox_up() {
  ensure_packages && need_root && ensure_node "$TOP" && lock_sandbox || return 1
  link_commands "$TOP"
  (($1 + 2 <= ${#HOSTS[@]})) || name_hosts "$1"
  if is_ours && has_disk && has_wanted_engine && hosts_prepare && sandbox_mend; then
    say "sandbox $NET.0/24 is up"
  else
    say "starting sandbox $NET.0/24"
    timed "sandbox $NET.0/24" sandbox_create || return 1
  fi
  with_tools_lock ensure_cli "$TOP"
}

# Ends the sandbox and removes all of it.
sandbox_down() {
  need_root && lock_sandbox || return 1
  machines_remove && files_remove || return 1
  rm -f "/run/lock/$NAMESPACE"
  say "sandbox $NET.0/24 is down"
}
