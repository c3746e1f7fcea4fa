#!/usr/bin/env bash
# A host of the test's own: a home directory, a project, and two images in the sandbox's registry. Sourced by the tests.

readonly SCRIPT=$TOP/scripts/environment-deployment-management.sh
readonly REPOSITORY=$CI_REGISTRY/script-tests/app

# Arguments: directory to work in. Sets: HOME, project, state, images (an array of two references)
prepare_host() {
  export HOME=$1/home
  project=script-test-$$
  state=$HOME/.coldtivate/$project
  mkdir -p "$HOME/.docker" "$state/releases"
  docker login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY" <<<"$CI_REGISTRY_PASSWORD" >/dev/null 2>&1
  images=("$(push_image "$1" one)" "$(push_image "$1" two)")
  docker logout "$CI_REGISTRY" >/dev/null
}

# Prints the reference by digest of a tiny image. Arguments: directory to work in, what makes it differ
push_image() {
  mkdir -p "$1/image"
  cat >"$1/image/Dockerfile" <<TEXT
FROM $BASE_IMAGE AS base
FROM scratch
COPY --from=base /usr/bin/busybox /bin/sh
COPY --from=base /usr/bin/busybox /bin/busybox
ENV VERSION=$2
STOPSIGNAL SIGKILL
TEXT
  docker buildx build --quiet --provenance=false --metadata-file "$1/image.json" --push --tag "$REPOSITORY:$2" "$1/image" >/dev/null 2>&1
  printf '%s@%s\n' "$REPOSITORY" "$(sed -n 's/.*"containerimage.digest": "\(.*\)".*/\1/p' "$1/image.json")"
}

remove_host() {
  docker ps -aq --filter "label=com.docker.compose.project=$project" | xargs -r docker rm -f >/dev/null
  docker network rm "${project}_default" >/dev/null 2>&1 || true
  docker image rm "${images[@]}" >/dev/null 2>&1 || true
}

# Makes a release with web (checked), worker (not checked) and the task migrate, and a plan that changes all of them.
# Arguments: id; then NAME=VALUE: web, worker, task, undo (what they run), image, expect, check (what checks web)
make_release() {
  local id=$1 dir=$state/releases/$1 word
  local web='sleep 1000' worker='sleep 1000' task='echo migrated' undo='echo taken back' image=${images[0]} expect=- check='exit 0'
  for word in "${@:2}"; do printf -v "${word%%=*}" %s "${word#*=}"; done
  mkdir -p "$dir"
  cp -r "$SCRIPT" "${SCRIPT%.sh}" "$dir/"
  printf 'tester\tlaptop\t%040d\tmain\n' 1 >"$dir/who"
  printf '{"id":"%s"}\n' "$id" >"$dir/manifest.json"
  cat >"$dir/compose.json" <<TEXT
{
  "services": {
    "web": {
      "image": "$image", "command": ["sh", "-c", "$web"], "restart": "always",
      "healthcheck": {"test": ["CMD", "sh", "-c", "$check"], "interval": "300ms", "retries": 2, "timeout": "2s"},
      "labels": {"coldtivate.definition": "$id", "coldtivate.state": "$state"}
    },
    "worker": {"image": "$image", "command": ["sh", "-c", "$worker"], "restart": "always", "labels": {"coldtivate.definition": "$id"}},
    "task-migrate": {"image": "$image", "command": ["sh", "-c", "$task"], "restart": "no", "profiles": ["tasks"]},
    "undo-migrate": {"image": "$image", "command": ["sh", "-c", "$undo"], "restart": "no", "profiles": ["tasks"]}
  }
}
TEXT
  printf '%s\n' "expect	$expect" "pull	$image" 'task	migrate	3600' 'recreate	web	worker' 'healthy	web	3600	1' \
    'healthy	worker	3600	1' commit 'prune	5' >"$dir/plan"
  sed $'/^expect/d; /^commit/i remove\t@others' "$dir/plan" >"$dir/plan.full"
}

# Runs the host's script. Arguments: its arguments
run_script() { bash "$SCRIPT" -p "$project" "$@"; }

# Deploys a release as the CLI does. Arguments: id, password or nothing for the right one
deploy_release() {
  printf '%s\t%s\t%s\n' "$CI_REGISTRY" "$CI_REGISTRY_USER" "${2-$CI_REGISTRY_PASSWORD}" |
    bash "$state/releases/$1/environment-deployment-management.sh" -p "$project" -c deploy "$1"
}

# Waits up to a minute for a command to succeed.
eventually() {
  local deadline=$((SECONDS + 60))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

container_ids() { docker ps -q --no-trunc --filter "label=com.docker.compose.project=$project" | sort; }

current() { basename "$(readlink "$state/current" || echo -)"; }

# Runs a file's tests on a host that is theirs; each goes on from the release that the one before it left. Arguments: the file
run_in_order_on_host() {
  work=$(mktemp -d)
  trap 'remove_host; rm -rf "$work"' EXIT
  prepare_host "$work"
  run_in_order "$1"
}
