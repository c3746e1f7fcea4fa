#!/usr/bin/env bash
# Makes the tarball of the base image: a small Debian with all packages that the example needs.
# Runs as root in mount and PID namespaces of its own, which end whatever a package starts.
# usage: base.sh TARBALL
set -Eeuo pipefail

FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
readonly FOLDER
# shellcheck source=scripts/setup.sh
source "$FOLDER/../setup.sh"

# What a container does not read. Without LLVM, PostgreSQL's just-in-time compiler is off.
readonly PRUNED=(
  usr/share/{doc,man,info,lintian,linda,locale,bug,bash-completion,i18n}
  usr/share/postgresql/15/man
  "usr/lib/*-linux-gnu/libLLVM*" "usr/lib/llvm*" "usr/lib/*-linux-gnu/libz3*"
  "usr/lib/postgresql/15/lib/llvmjit*" usr/lib/postgresql/15/lib/bitcode
  var/lib/apt/lists var/cache/apt "var/cache/debconf/*-old" var/log
  usr/sbin/policy-rc.d
)

# Prints the address of Debian's archive, as this machine knows it.
archive_address() {
  local sources
  mapfile -t sources < <(apt_sources)
  debian_source bookworm bookworm "${sources[@]}" | sed -n 's/^URIs: *//p'
}

main() {
  local tarball=$1 root packages address pattern found
  address=$(archive_address)
  packages=$(paste -sd, "$FOLDER/base-packages")
  # Hundreds of thousands of small writes, none of which has to outlive this: memory is far quicker than a disk.
  mount -t tmpfs -o mode=755 tmpfs /mnt
  root=/mnt/base
  mkdir -p "$root/usr/sbin"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  debootstrap --variant=minbase --include="$packages" bookworm "$root" "$address"
  for pattern in "${PRUNED[@]}"; do
    mapfile -t found < <(compgen -G "$root/$pattern")
    rm -rf "${found[@]}"
  done
  mkdir -p "$root"/var/{lib/apt/lists/partial,cache/apt/archives/partial,log}
  tar -C "$root" --sort=name --numeric-owner --one-file-system -cf "$tarball.new" .
  mv "$tarball.new" "$tarball"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
