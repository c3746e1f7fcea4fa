#!/usr/bin/env bash
# Boots one machine of the sandbox; its first process, in namespaces of its own (namespace.sh).
# usage: boot.sh gateway|builder|host NAME ADDRESS FOLDER HIDDEN ROOT
#   FOLDER  the machine's files outside
#   HIDDEN  a folder outside that the machine must not see
#   ROOT    the root file system that the machine has: / for this machine's own
set -Eeuo pipefail

# Gives the machine file systems of its own where it writes or where the outside shows.
# Its folder is at /mnt while it boots, which keeps every path short.
isolate() {
  local folder=$1 hidden=$2 root=$3 place
  mount --bind "$folder" /mnt
  if [[ $root == / ]]; then root=''; else
    place=$root root=/media
    lay_root "$place"
  fi
  mount -t overlay overlay -o "lowerdir=$root/etc,upperdir=/mnt/etc,workdir=/mnt/etc.work" "$root/etc"
  for place in run tmp dev/shm; do mount -t tmpfs -o mode=1777 tmpfs "$root/$place"; done
  chmod 755 "$root/run"
  mkdir -p "$root"/run/{lock,sshd,docker}
  for place in var home root opt srv usr/local; do mount --bind "/mnt/$place" "$root/$place"; done
  ln -sfn /run "$root/var/run"
  if [[ -n $root ]]; then
    enter_root
  elif [[ -d $hidden ]]; then mount -t tmpfs -o ro,mode=755,size=4k tmpfs "$hidden"; fi
}

# Lays another root file system at /media, with this kernel's own ones in it. It is shared, so that nobody may write there.
# Arguments: its folder
lay_root() {
  mount --bind "$1" /media
  mount -o remount,bind,ro /media
  mount --rbind /dev /media/dev
  mount --rbind /sys /media/sys
  mount -t proc proc /media/proc
}

# Makes what is at /media the machine's root; the machine's folder stays at /mnt.
enter_root() {
  mount --bind /mnt /media/mnt
  cd /media
  pivot_root . media
  cd /
  umount --lazy /media
}

boot_gateway() {
  local address=$1
  docker-registry serve /mnt/registry.yml >>/mnt/access.log 2>>/mnt/registry.log &
  git daemon --listen="$address" --port=9418 --reuseaddr --export-all --enable=receive-pack \
    --base-path=/mnt/repositories /mnt/repositories >>/mnt/git.log 2>&1 &
}

boot_builder() {
  mkdir /run/outside
  mount --bind /mnt/socket /run/outside
  umount /mnt
  dockerd -H unix:///run/outside/docker.sock >>/var/log/dockerd.log 2>&1 &
}

# Starts containerd as packages have it, in a service of its own: the engine takes the one that it finds.
boot_containerd() {
  local tries
  containerd >>/var/log/containerd.log 2>&1 &
  for ((tries = 0; tries < 600; tries++)); do
    [[ ! -S /run/containerd/containerd.sock ]] || return 0
    sleep 0.05
  done
}

boot_host() {
  if [[ -e /mnt/disk.img ]]; then
    mount -o loop /mnt/disk.img /var/lib/docker
    mkdir -p /var/lib/docker/containerd
    mount --bind /var/lib/docker/containerd /var/lib/containerd
  fi
  # A disk that is a file there stays in use.
  umount --lazy /mnt
  if grep -q '"containerd-snapshotter":true' /etc/docker/daemon.json; then boot_containerd; fi
  dockerd >>/var/log/dockerd.log 2>&1 &
  /usr/sbin/sshd -f /etc/ssh/sandbox_sshd_config -E /var/log/sshd.log
}

main() {
  local role=$1 name=$2 address=$3 folder=$4 hidden=$5 root=$6
  cd /
  hostname "$name"
  if [[ $role == gateway ]]; then mount --bind "$folder" /mnt; else isolate "$folder" "$hidden" "$root"; fi
  "boot_$role" "$address"
  # An init that reaps: a process that outlives its parent must not stay as a zombie.
  exec tini -- sleep infinity
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
