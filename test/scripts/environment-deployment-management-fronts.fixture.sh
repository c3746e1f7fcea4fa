#!/usr/bin/env bash
# A service with a front on one of the sandbox's hosts, two versions of its image, and load on it. Sourced by the tests.

readonly SCRIPT=$TOP/scripts/environment-deployment-management.sh
readonly PARTS=$TOP/test/scripts/environment-deployment-management-fronts
readonly REPOSITORY=$CI_REGISTRY/script-tests/fronted
readonly ADDRESS=http://$STAGING_SSH_HOST:8123/
work=$(mktemp -d)

# Runs a command on the host as the user who deploys. Arguments: its words, for that user's shell
on_host() { host_ssh staging -o ControlMaster=auto -o ControlPersist=60 -o "ControlPath=$work/ssh" "$@"; }

# Sets: project, state (on the host), front, images (an array of two references).
prepare_host() {
  project=front-test-$$
  state=/home/deploy/.coldtivate/$project
  on_host "mkdir -p $state/releases" </dev/null
  front=$(digest_of_image "$CI_REGISTRY/library/haproxy:lts")
  images=("$(push_image one)" "$(push_image two)")
}

# Prints a reference by digest. Arguments: reference by tag
digest_of_image() {
  builder_docker pull --quiet "$1" >/dev/null
  builder_docker image inspect --format '{{index .RepoDigests 0}}' "$1"
}

# Builds and pushes the service's image and prints its reference by digest. Arguments: version
push_image() {
  builder_docker buildx build --quiet --provenance=false --push --build-arg "BASE=$BASE_IMAGE" --build-arg "VERSION=$1" \
    --tag "$REPOSITORY:$1" "$PARTS" >/dev/null 2>&1
  digest_of_image "$REPOSITORY:$1"
}

remove_host() {
  on_host "docker ps -aq --filter label=com.docker.compose.project=$project | xargs -r docker rm -f
    docker network rm ${project}_default
    rm -rf $state" </dev/null >/dev/null 2>&1 || true
  on_host -O exit 2>/dev/null || true
}

# Makes a release with a front and two slots of web, and the singleton worker; its plan changes web.
# Arguments: id; then NAME=VALUE: image, expect, check (web's health check), command (what web's slots run), plan (its steps, by name)
make_release() {
  local id=$1 dir=$work/$1 word slot
  local image=${images[0]} expect=- check='exec 3<>/dev/tcp/localhost/8000' command='python3 /app.py' plan=web
  for word in "${@:2}"; do printf -v "${word%%=*}" %s "${word#*=}"; done
  mkdir -p "$dir/fronts"
  cp "$SCRIPT" "$dir/"
  cp "$PARTS"/web.cfg "$dir/fronts/"
  printf 'tester\tlaptop\t%040d\tmain\n' 1 >"$dir/who"
  printf '{"id":"%s"}\n' "$id" >"$dir/manifest.json"
  {
    printf '{"services": {\n'
    for slot in blue green; do
      printf '"web-%s": {"image": "%s", "restart": "always", "command": ["bash", "-c", "%s"], ' "$slot" "$image" "$command"
      printf '"healthcheck": {"test": ["CMD", "bash", "-c", "%s"], "interval": "300ms", "start_period": "20s", "start_interval": "100ms"}},\n' "$check"
    done
    printf '"web": {"image": "%s", "restart": "always", "ports": ["8123:8000"], "stop_signal": "SIGUSR1",\n' "$front"
    printf '  "volumes": ["%s/fronts/web:/usr/local/etc/haproxy:ro"]},\n' "$state"
    printf '"worker": {"image": "%s", "restart": "always", "command": ["sleep", "1000"], "labels": {"image": "%s"}}\n' "$front" "$image"
    printf '}}\n'
  } >"$dir/compose.json"
  plan_"$plan" >"$dir/plan"
  plan_whole >"$dir/plan.whole"
}

plan_web() {
  printf '%s\n' "expect	$expect" "pull	$front	$image" 'start	web' 'healthy	web@idle	60	2	1' 'switch	web' commit \
    'drain	web	20' 'stop	web@was' 'prune	3'
}

plan_first() {
  printf '%s\n' "expect	$expect" "pull	$front	$image" 'recreate	worker' 'healthy	worker	60	1	1' 'start	web' 'healthy	web@idle	60	2	1' \
    'front	web' commit 'prune	3'
}

plan_whole() {
  printf '%s\n' 'keep	web' "pull	$front	$image" 'recreate	worker' 'start	web' 'healthy	web@idle	60	2	1' 'front	web' 'remove	@others' \
    'switch	web' commit 'drain	web	20' 'stop	web@was' 'prune	3'
}

# Sends a release to the host and deploys it as the CLI does. Arguments: id
deploy_release() {
  tar -C "$work" -c "$1" | on_host "umask 077; tar -xp -C $state/releases"
  printf '%s\t%s\t%s\n' "$CI_REGISTRY" "$CI_REGISTRY_USER" "$CI_REGISTRY_PASSWORD" |
    on_host "bash $state/releases/$1/${SCRIPT##*/} -p $project -c deploy $1"
}

# Starts load. Arguments: file for what comes of it
start_load() {
  node "$PARTS/load.mjs" "$ADDRESS" >"$1" &
  load=$!
}

# Ends the load. Sets: output, what came of it. Arguments: the file
end_load() {
  kill "$load"
  wait "$load" || true
  output=$(<"$1")
  printf '# %s\n' "$output"
}

# Prints the version that answers.
served() { curl -fsS --max-time 5 "$ADDRESS"; }

# Prints the services of the containers that are there, sorted.
services() { on_host "docker ps -a --filter label=com.docker.compose.project=$project --format '{{.Label \"com.docker.compose.service\"}}' | sort | paste -sd ' '" </dev/null; }
