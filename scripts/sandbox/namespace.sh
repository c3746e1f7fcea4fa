#!/usr/bin/env bash
# The machines' namespaces. A machine is a network namespace with a name, and in it one process that is
# the first of a PID namespace: when that is killed, everything that ran on the machine ends.
# No list of processes is kept anywhere: the kernel knows who is in a namespace.

# Prints the names of this sandbox's machines that exist, its own or another clone's.
machines() {
  local path
  for path in /run/netns/"$NAMESPACE"-*; do
    if [[ -e $path ]]; then printf '%s\n' "${path#"/run/netns/$NAMESPACE-"}"; fi
  done
}

# Prints the pids of all processes in a machine's network namespace.
# Arguments: machine
machine_pids() { ip netns pids "$NAMESPACE-$1" 2>/dev/null || true; }

# Tells whether a process is the first of a PID namespace right below this one.
# Arguments: pid
is_init() { grep -qsE "^NSpid:[[:space:]]+$1[[:space:]]+1\$" "/proc/$1/status"; }

# Prints the pid of a machine's first process.
# Arguments: machine
# Returns: 1 when the machine is off
machine_init() {
  local pid
  for pid in $(machine_pids "$1"); do
    if is_init "$pid"; then
      printf '%s\n' "$pid"
      return 0
    fi
  done
  return 1
}

# Ends the machines whose network namespace has lost its name, so that only their environment tells.
strays_kill() {
  local path pid
  while read -r path; do
    pid=${path//[!0-9]/}
    if is_init "$pid"; then kill -KILL "$pid" 2>/dev/null || true; fi
  done < <(grep -lzxsF "SANDBOX_NAMESPACE=$NAMESPACE" /proc/[0-9]*/environ)
}

# Prints the hardware address that goes with an address: a machine keeps its own over a reboot,
# or its neighbours would not find it until they have forgotten the old one.
# Arguments: address
hardware_address() {
  local parts
  IFS=. read -ra parts <<<"$1"
  printf '02:c7:%02x:%02x:%02x:%02x\n' "${parts[@]}"
}

# Ends all processes of a machine, the first one first, as a power cut does.
# Arguments: machine
# Returns: 1 when some are still there after ten seconds
machine_kill() {
  local machine=$1 deadline=$((SECONDS + 10)) pid pids
  if pid=$(machine_init "$machine"); then kill -KILL "$pid" 2>/dev/null || true; fi
  until pids=$(machine_pids "$machine") && [[ -z $pids ]]; do
    if ((SECONDS >= deadline)); then
      complain "processes on ${machine} do not end: ${pids//$'\n'/ }"
      return 1
    fi
    for pid in $pids; do kill -KILL "$pid" 2>/dev/null || true; done
    sleep 0.05
  done
}

# Removes what is left of a machine: its processes, its network namespace, its control groups.
# Arguments: machine
machine_remove() {
  local name=$NAMESPACE-$1
  machine_kill "$1" || return 1
  if [[ -e /run/netns/$name ]]; then ip netns del "$name"; fi
  find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} + 2>/dev/null || true
}

# Makes a network namespace with a name. Only while no sandbox tidies: a name that is made on a file system
# which is just going away is lost, and its machine with it.
# Arguments: its name
namespace_add() { flock --close /run ip netns add "$1"; }

# Removes the folder of the namespaces' names once it is empty, which any sandbox on this machine may do.
namespaces_tidy() {
  {
    flock 9
    if [[ -d /run/netns && -z $(ls -A /run/netns) ]]; then
      umount /run/netns 2>/dev/null || true
      rmdir /run/netns
    fi
  } 9</run
}

# Makes the network that the machines are on: a bridge with the gateway's address, inside the gateway's
# namespace, so that packets between machines never meet this machine's own firewall.
network_up() {
  local switch=$NAMESPACE-gateway
  namespace_add "$switch"
  ip -n "$switch" link set lo up
  ip -n "$switch" link add bridge address "$(hardware_address "$GATEWAY")" type bridge
  ip -n "$switch" addr add "$GATEWAY/24" dev bridge
  ip -n "$switch" link set bridge up
  ip link add "$LINK" address "$(hardware_address "$NET.254")" type veth peer name client netns "$switch"
  ip -n "$switch" link set client master bridge up
  ip addr add "$NET.254/24" dev "$LINK"
  ip link set "$LINK" up
}

# Makes a machine's network namespace, joined to the network.
# Arguments: machine, address
network_join() {
  local name=$NAMESPACE-$1 switch=$NAMESPACE-gateway port=v${2##*.}
  namespace_add "$name"
  ip -n "$name" link set lo up
  ip -n "$switch" link del "$port" 2>/dev/null || true
  ip -n "$switch" link add "$port" type veth peer name eth0 address "$(hardware_address "$2")" netns "$name"
  ip -n "$switch" link set "$port" master bridge up
  ip -n "$name" addr add "$2/24" dev eth0
  ip -n "$name" link set eth0 up
}

# Starts a machine: runs boot.sh as the first process of its namespaces.
# Arguments: machine, what it boots as (gateway, builder, host), its address, its root file system
machine_start() {
  local folder=$INSTANCE/$1
  # Network through nsenter alone: `ip netns exec` mounts another /sys, which hides the control groups.
  setsid nsenter --net="/run/netns/$NAMESPACE-$1" \
    env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root SANDBOX="$INSTANCE" SANDBOX_NAMESPACE="$NAMESPACE" \
    unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc \
    bash "$SCRIPTS/sandbox/boot.sh" "$2" "$1" "$3" "$folder" "$TOP" "$4" </dev/null >"$folder/boot.log" 2>&1 {LOCK}>&- &
}

# Runs a command in a machine's namespaces.
# Arguments: machine, command and its arguments
# Returns: what the command returned; 1 when the machine is off
machine_exec() {
  local init
  if ! init=$(machine_init "$1"); then
    complain "$1 is off"
    return 1
  fi
  nsenter --target "$init" --mount --uts --ipc --net --pid --wdns=/ \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-dumb}" "${@:2}"
}
