#!/usr/bin/env bash
# The machines with a Docker Engine: the builder, and the hosts with an SSH server for a user `deploy`.

readonly DEPLOY_ID=1500

# Sets DISK, how much each host's engine may keep.
# Arguments: a size such as 2G, or nothing where this machine's disk is the limit
# Returns: 1 for what is no size
size_disk() {
  if [[ -n $1 && ! $1 =~ ^[1-9][0-9]*[MG]$ ]]; then
    complain "--disk $1 is no size" "give one such as 2G"
    return 1
  fi
  DISK=$1
  readonly DISK
}

# Makes the folder of a machine with an engine: its disk.
# Arguments: machine, whether the engine keeps images in containerd's store (true or false)
engine_prepare() {
  local folder=$INSTANCE/$1
  mkdir -p "$folder"/{etc/docker,etc.work,home,opt,srv,root,usr/local/{bin,sbin},socket} \
    "$folder"/var/{cache,lib/{docker,containerd},log,mail,spool,tmp}
  chmod 1777 "$folder/var/tmp"
  chmod 700 "$folder/root"
  printf '{"insecure-registries":["%s"],"cgroup-parent":"/%s","features":{"containerd-snapshotter":%s}}\n' \
    "$REGISTRY" "$NAMESPACE-$1" "$2" >"$folder/etc/docker/daemon.json"
  printf '%s\n' "$1" >"$folder/etc/hostname"
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$1" >"$folder/etc/hosts"
  # Nothing answers there, and at once: names that nobody has must not cost a time-out.
  printf 'nameserver %s\n' "$GATEWAY" >"$folder/etc/resolv.conf"
}

# Gives a host the disk that its engine is to have, if any.
# Arguments: host's name
disk_prepare() {
  local image=$INSTANCE/$1/disk.img
  [[ -n $DISK ]] || return 0
  truncate -s "$DISK" "$image" && mkfs.ext4 -q -m 0 "$image"
}

# Gives a host the user `deploy`, who exists nowhere else, and a key login for it.
# Arguments: host's name, address
ssh_prepare() {
  local name=$1 address=$2 folder=$INSTANCE/$1 home=$INSTANCE/$1/home/deploy root
  root=$(host_root)
  mkdir -p "$folder/etc/ssh" "$home/.ssh"
  { cat "$root/etc/passwd" && echo "deploy:x:$DEPLOY_ID:$DEPLOY_ID::/home/deploy:/bin/bash"; } >"$folder/etc/passwd"
  { grep -v '^docker:' "$root/etc/group" && sed -n 's/^\(docker:[^:]*:[^:]*:\).*/\1deploy/p' "$root/etc/group" &&
    echo "deploy:x:$DEPLOY_ID:"; } >"$folder/etc/group"
  (umask 077 && { cat "$root/etc/shadow" && echo 'deploy:*:19000:0:99999:7:::'; } >"$folder/etc/shadow")
  cp -rT "$root/etc/skel" "$home"
  cp "$INSTANCE/ssh/id.pub" "$home/.ssh/authorized_keys"
  chown -R "$DEPLOY_ID:$DEPLOY_ID" "$home"
  chmod -R go-rwx "$home"
  ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$folder/etc/ssh/sandbox_host_key"
  cat >"$folder/etc/ssh/sandbox_sshd_config" <<CONFIGURATION
ListenAddress $address
HostKey /etc/ssh/sandbox_host_key
PidFile /run/sshd.pid
LogLevel VERBOSE
AllowUsers deploy
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
UsePAM no
UseDNS no
MaxStartups 100
Subsystem sftp /usr/lib/openssh/sftp-server
CONFIGURATION
}

# Starts the engine that builds.
builder_up() {
  network_join "${BUILDER%:*}" "$(address_of "$BUILDER")" || return 1
  machine_start "${BUILDER%:*}" builder "$(address_of "$BUILDER")" /
}

# Boots a host.
# Arguments: name:number
host_up() {
  local name=${1%:*} address
  address=$(address_of "$1")
  network_join "$name" "$address" || return 1
  machine_start "$name" host "$address" "$(host_root)"
}

# Cuts a host's power.
# Arguments: host's name
host_power_off() {
  find_host "$1" >/dev/null && need_root && lock_sandbox || return 1
  machine_remove "$1"
}

# Boots a host again; one that is on stays on.
# Arguments: host's name
host_power_on() {
  local host
  host=$(find_host "$1") && need_root && lock_sandbox || return 1
  if [[ ! -d $INSTANCE/$1 || ! -e /run/netns/$NAMESPACE-gateway ]]; then
    complain "this sandbox is not up" "start it: scripts/sandbox.sh up"
    return 1
  fi
  machine_init "$1" >/dev/null && return 0
  machine_remove "$1" && host_up "$host" && await "host:$1"
}

# Runs a command on a host, as root.
# Arguments: host's name (the builder and the gateway too), command and its arguments
host_exec() {
  if (($# < 2)); then
    complain "exec needs a host and a command"
    return 2
  fi
  machine_exec "$@"
}
