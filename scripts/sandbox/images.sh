#!/usr/bin/env bash
# The images that come from elsewhere in the real world: a Debian base, PostgreSQL, valkey and HAProxy.
# They are made once and kept in .tools/, as the base's tarball and as the registry's storage.

readonly THIRD_PARTY=(postgres:15 valkey:8 haproxy:lts)

# Prints a digest of files and folders, by content.
# Arguments: paths
digest_of() {
  find "$@" -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

# Prints the path of the base's tarball.
base_tarball() { printf '%s/base-%s.tar\n' "$CACHE" "$(digest_of "$SCRIPTS"/sandbox/base{.sh,-packages})"; }

# Prints the path of the kept registry storage.
registry_seed() {
  printf '%s/registry-%s\n' "$CACHE" "$(digest_of "$SCRIPTS"/sandbox/{base.sh,base-packages,images.sh} "$TOP/example/third-party")"
}

# Makes the base's tarball, unless it is there.
base_make() {
  local tarball
  tarball=$(base_tarball)
  [[ ! -e $tarball ]] || return 0
  mkdir -p "$CACHE"
  rm -f "$CACHE"/base-*.tar*
  # setpriv: a base that nobody waits for any more is not made.
  if ! setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc \
    bash "$SCRIPTS/sandbox/base.sh" "$tarball" >"$CACHE/base.log" 2>&1; then
    tail -n 10 "$CACHE/base.log" >&2
    complain "the base image could not be made" "its log: $CACHE/base.log"
    return 1
  fi
}

# Builds one image and pushes it.
# Arguments: reference, docker buildx build's further arguments
image_push() {
  local log=$INSTANCE/builder/images.log
  if ! builder_docker buildx build --provenance=false --progress=plain \
    --output "type=image,name=$REGISTRY/$1,push=true,compression=gzip,compression-level=1,force-compression=true" \
    "${@:2}" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    complain "the image $1 could not be made" "its log: $log"
    return 1
  fi
}

# Puts the images in the running registry and keeps its storage for the next time.
images_make() {
  local seed image context
  seed=$(registry_seed)
  context=$INSTANCE/builder/base
  rm -rf "$context"
  mkdir -p "$context"
  ln "$(base_tarball)" "$context/base.tar" 2>/dev/null || cp "$(base_tarball)" "$context/base.tar"
  printf 'FROM scratch\nADD base.tar /\nCMD ["bash"]\n' >"$context/Dockerfile"
  image_push debian:bookworm-slim "$context" || return 1
  rm -rf "$context"
  for image in "${THIRD_PARTY[@]}"; do
    image_push "library/$image" --build-arg "BASE=$REGISTRY/debian:bookworm-slim" \
      "$TOP/example/third-party/${image%:*}" || return 1
  done
  rm -rf "$CACHE"/registry-*
  storage_copy "$INSTANCE/gateway/storage" "$seed.new" || return 1
  mv "$seed.new" "$seed"
}

# Copies a registry's storage. Blobs never change once written, so they are shared by hard link.
# Arguments: from, to
storage_copy() {
  local from=$1 to=$2 part=docker/registry/v2
  mkdir -p "$to/$part"
  cp -a "$from/$part/repositories" "$to/$part/"
  cp -al "$from/$part/blobs" "$to/$part/" 2>/dev/null || cp -a "$from/$part/blobs" "$to/$part/"
}
