#!/usr/bin/env bash
# Makes the root file system of hosts with the next engine: a small Debian of the release after next, with what a host
# needs. Runs as root in mount and PID namespaces of its own, which end whatever a package starts.
# usage: next.sh FOLDER
set -Eeuo pipefail

# shellcheck source=scripts/sandbox/base.sh
source "$(dirname "${BASH_SOURCE[0]}")/base.sh"

readonly NEXT_RELEASE=forky

# What a host does not read.
readonly UNREAD=(
  usr/share/{doc,man,info,lintian,linda,locale,bug,bash-completion,i18n,zsh,fish}
  "usr/lib/*-linux-gnu/gconv" usr/lib/udev usr/share/perl
  var/lib/apt/lists var/cache "var/lib/dpkg/info/*.md5sums" var/log
  usr/sbin/policy-rc.d
)

# Prints debootstrap's script for a release, that of the newest one where it does not know it yet.
# Arguments: release
bootstrap_script() {
  local script=/usr/share/debootstrap/scripts/$1
  if [[ ! -e $script ]]; then script=${script%/*}/sid; fi
  printf '%s\n' "$script"
}

main() {
  local target=$1 root=/mnt/next address packages pattern found
  address=$(archive_address)
  packages=$(paste -sd, "$FOLDER/next-packages")
  # As for the base: memory is far quicker than a disk.
  mount -t tmpfs -o mode=755 tmpfs /mnt
  mkdir -p "$root/usr/sbin"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  debootstrap --variant=minbase --include="$packages" "$NEXT_RELEASE" "$root" "$address" "$(bootstrap_script "$NEXT_RELEASE")"
  for pattern in "${UNREAD[@]}"; do
    mapfile -t found < <(compgen -G "$root/$pattern")
    rm -rf "${found[@]}"
  done
  rm -rf "$target.new"
  cp -a "$root" "$target.new"
  mv -T "$target.new" "$target"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
