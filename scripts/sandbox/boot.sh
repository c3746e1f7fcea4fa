#!/usr/bin/env bash
# Boots one machine of the sandbox; its first process, in namespaces of its own (namespace.sh).
# usage: boot.sh gateway|builder|host NAME ADDRESS FOLDER HIDDEN
#   FOLDER  the machine's files outside
#   HIDDEN  a folder outside that the machine must not see
set -Eeuo pipefail

# Gives the machine file systems of its own where it writes or where the outside shows.
# Its folder is at /mnt while it boots, which keeps every path short.
isolate() {
  local folder=$1 hidden=$2 place
  mount --bind "$folder" /mnt
  mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/etc.work /etc
  for place in run tmp dev/shm; do mount -t tmpfs -o mode=1777 tmpfs "/$place"; done
  chmod 755 /run
  mkdir -p /run/lock /run/sshd /run/docker
  for place in var home root opt srv usr/local; do mount --bind "/mnt/$place" "/$place"; done
  ln -sfn /run /var/run
  if [[ -d $hidden ]]; then mount -t tmpfs -o ro,mode=755,size=4k tmpfs "$hidden"; fi
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

boot_host() {
  if [[ -e /mnt/disk.img ]]; then mount -o loop /mnt/disk.img /var/lib/docker; fi
  # A disk that is a file there stays in use.
  umount --lazy /mnt
  dockerd >>/var/log/dockerd.log 2>&1 &
  /usr/sbin/sshd -f /etc/ssh/sandbox_sshd_config -E /var/log/sshd.log
}

main() {
  local role=$1 name=$2 address=$3 folder=$4 hidden=$5
  cd /
  hostname "$name"
  if [[ $role == gateway ]]; then mount --bind "$folder" /mnt; else isolate "$folder" "$hidden"; fi
  "boot_$role" "$address"
  # An init that reaps: a process that outlives its parent must not stay as a zombie.
  exec tini -- sleep infinity
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
