#!/usr/bin/env bash
# Capacity: what is free on this host, and who listens where.
# Sourced by environment-deployment-management.sh.

readonly groups=/sys/fs/cgroup

# Prints one line per fact, and leaves out what cannot be seen here. Numbers are bytes.
#   memory <tab> total <tab> available
#   disk <tab> where images are kept <tab> free
#   used <tab> id of a container of the project <tab> memory that is only freed when it ends
#   publishes <tab> project of a container <tab> its name <tab> ports, as docker ps prints them
#   listens <tab> table of /proc/net <tab> address:port as written there
# Arguments: containers of the project, as observe has them; all containers, as published_format has them
capacity() {
  local id process path driver group store='' parent='' owner name ports
  local -A stat
  # In the background, while this shell does the rest.
  exec 5< <(listeners)
  # Not with tabs, because read treats several tabs in a row as one.
  while IFS=$'\x1f' read -r _ _ _ _ _ _ _ _ _ _ process path driver _; do
    case $driver/$path in
      overlayfs/*/containers/*) find_store "$process" "${path%/containers/*}" ;;
      */containers/*) store=${path%/containers/*} ;;
      # A container that has never run does not tell where images are kept.
      *) continue ;;
    esac
    break
  done <<<"${1//$'\t'/$'\x1f'}"
  [[ -n $store ]] || ask_store
  exec 6< <(free_disk "$store")
  while IFS=$'\x1f' read -r id _ _ _ _ _ _ _ _ _ process _; do
    { find_group "$process" "$id" && read_stat "$group"; } || continue
    parent=${group%/*}
    printf 'used\t%s\t%s\n' "$id" $((${stat[total_rss]-${stat[anon]-0}} + ${stat[total_shmem]-${stat[shmem]-0}}))
  done <<<"${1//$'\t'/$'\x1f'}"
  memory "$parent"
  while IFS=$'\t' read -r id owner name ports; do
    [[ $ports != *'->'* ]] || printf 'publishes\t%s\t%s\t%s\n' "$owner" "$name" "$ports"
  done <<<"$2"
  cat /dev/fd/5 /dev/fd/6
}

# Asks the engine itself where it keeps images, because no container tells. Sets: store
ask_store() {
  local driver security
  IFS=$'\t' read -r store driver security < <(ask info --format $'{{.DockerRootDir}}\t{{.Driver}}\t{{.SecurityOptions}}' 2>/dev/null) || true
  store=${store:-/var/lib/docker}
  # A rootless engine has a containerd of its own.
  [[ ${driver-} != overlayfs || ${security-} == *name=rootless* ]] || find_store '' "$store"
}

# Arguments: first process of a container, the engine's folder. Sets: store, where containerd keeps images
find_store() {
  local line words=() index address='' parent=''
  # The container's parent process names the containerd that it belongs to, if other users' processes are visible.
  { while IFS= read -r line; do [[ $line != PPid:* ]] || parent=${line//[!0-9]/}; done <"/proc/$1/status"; } 2>/dev/null || true
  { [[ -z $parent ]] || mapfile -d '' words <"/proc/$parent/cmdline"; } 2>/dev/null || true
  for index in "${!words[@]}"; do [[ ${words[index]} != -address ]] || address=${words[index + 1]-}; done
  store=/var/lib/containerd
  if [[ $address == */docker/containerd/* ]] || [[ -z $address && ! -S /run/containerd/containerd.sock ]]; then
    # A containerd of the engine's own keeps images in the engine's folder.
    store=$2
  elif [[ -r /etc/containerd/config.toml ]]; then
    line=$(sed -n "s/^root *= *[\"']\(\/[^\"']*\).*/\1/p" /etc/containerd/config.toml | head -n 1)
    store=${line:-$store}
  fi
}

# Arguments: first process of a container, the container's id
# Sets: group, the folder of the control group that counts its memory. Returns: 1 where that is not seen here
find_group() {
  local line
  group=''
  [[ -n $1 && $1 != 0 && -r /proc/$1/cgroup ]] || return
  while IFS= read -r line; do
    case $line in
      *[:,]memory[:,]*"$2"*) group=$groups/memory${line#*:*:} ;;
      0::*"$2"*) [[ -n $group ]] || group=$groups${line#0::} ;;
    esac
  done 2>/dev/null <"/proc/$1/cgroup"
  [[ -r $group/memory.stat ]]
}

# Sets: stat, a control group's memory.stat by name. Arguments: its folder
read_stat() {
  local line lines
  stat=()
  # Reads all lines at once. A read line by line seeks back to the end of its line, and by then the kernel, which generates the
  # file anew, may have something else there.
  mapfile -t lines 2>/dev/null <"$1/memory.stat" && ((${#lines[@]} > 0)) || return
  for line in "${lines[@]}"; do [[ $line != ?*\ * ]] || stat[${line%% *}]=${line##* }; done
}

# Prints the total and the available memory: of the host, or within a limit that applies to all containers.
# Arguments: control group that containers are in, or nothing
memory() {
  local line lines name value total='' available='' group=${1:-$groups} limit used
  local -A stat
  mapfile -t lines 2>/dev/null </proc/meminfo || return 0
  for line in "${lines[@]}"; do
    read -r name value _ <<<"$line"
    case $name in
      MemTotal:) total=$((value * 1024)) ;;
      MemAvailable:) available=$((value * 1024)) && break ;;
    esac
  done
  [[ -n $total && -n $available ]] || return 0
  while [[ $group == "$groups"* ]]; do
    limit='' used=''
    read -r limit 2>/dev/null <"$group/memory.max" || read -r limit 2>/dev/null <"$group/memory.limit_in_bytes" || true
    read -r used 2>/dev/null <"$group/memory.current" || read -r used 2>/dev/null <"$group/memory.usage_in_bytes" || true
    # Without a limit it is the word max, or more than the host can have.
    if [[ ${limit:-max} != max && -n $used ]] && ((limit < total)) && read_stat "$group"; then
      used=$((used - ${stat[total_inactive_file]-${stat[inactive_file]-0}} - ${stat[total_active_file]-${stat[active_file]-0}}))
      total=$limit
      ((limit - used > available)) || available=$((limit > used ? limit - used : 0))
    fi
    group=${group%/*}
  done
  printf 'memory\t%s\t%s\n' "$total" "$available"
}

# Arguments: folder
free_disk() {
  local free
  [[ -z ${DOCKER_HOST-} || $DOCKER_HOST == unix:* ]] && [[ -d $1 ]] || return 0
  free=$(timeout 5 df -B1 --output=avail "$1" 2>/dev/null) || return 0
  printf 'disk\t%s\t%s\n' "$1" "$((${free##*$'\n'}))"
}

listeners() {
  local tables=(/proc/net/tcp* /proc/net/udp*)
  ((${#tables[@]} == 0)) || awk '
    FNR == 1 { n = split(FILENAME, parts, "/"); table = parts[n]; listens = table ~ /^tcp/ ? "0A" : "07" }
    $4 == listens && !seen[table, $2]++ { printf "listens\t%s\t%s\n", table, $2 }' "${tables[@]}" 2>/dev/null || true
}
