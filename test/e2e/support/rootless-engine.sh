#!/usr/bin/env bash
# An engine without root on a host of the sandbox, beside root's own, for the user `deploy`, who then uses it by a context.
# usage, on the host and as root: rootless.sh up|down
set -Eeuo pipefail

id=$(id -u deploy)
readonly id home=/home/deploy runtime=/run/user/$id
readonly socket=$runtime/docker.sock

# What a distribution sets up for such a user when it is created and logs in.
prepare_user() {
  local registry
  printf 'deploy:100000:65536\n' | tee /etc/subuid >/etc/subgid
  install -d -m 700 -o deploy -g deploy "$runtime"
  install -d -o deploy -g deploy "$home/.config" "$home/.config/docker"
  registry=$(grep -oE '"insecure-registries":\[[^]]*\]' /etc/docker/daemon.json)
  printf '{%s}\n' "$registry" >"$home/.config/docker/daemon.json"
  # Elsewhere anybody may open it.
  mountpoint -q /dev/net || { mount -t tmpfs -o mode=755 tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200; }
}

as_deploy() { su deploy -c "$1"; }

up() {
  local tries
  prepare_user
  as_deploy "XDG_RUNTIME_DIR=$runtime PATH=/usr/sbin:\$PATH setsid /usr/share/docker.io/contrib/dockerd-rootless.sh >$home/rootless.log 2>&1 </dev/null &"
  for ((tries = 0; tries < 150; tries++)); do
    ! as_deploy "docker -H unix://$socket version" >/dev/null 2>&1 || break
    sleep 0.2
  done
  as_deploy "docker context create rootless --docker host=unix://$socket && docker context use rootless"
  [[ $(as_deploy "docker info --format '{{.SecurityOptions}}'") == *name=rootless* ]] || { tail "$home/rootless.log" && return 1; }
}

down() {
  local tries
  as_deploy 'docker ps -aq | xargs -r docker rm -fv; docker context use default; docker context rm rootless' || true
  kill "$(<"$runtime/docker.pid")" || true
  for ((tries = 0; tries < 50; tries++)); do
    [[ -e $runtime/docker.pid ]] || break
    sleep 0.1
  done
  umount --lazy /dev/net || true
  rm -rf "$home"/{.local,.config/docker,rootless.log} "$runtime" /etc/subuid /etc/subgid
}

"$1" >&2
