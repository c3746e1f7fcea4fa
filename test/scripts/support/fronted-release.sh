#!/usr/bin/env bash
# A service with a front on one of the sandbox's hosts, two versions of its image, and load on it. Sourced by the tests.

readonly SCRIPT=$TOP/scripts/environment-deployment-management.sh
readonly PARTS=$TOP/test/scripts/support/fronted-service
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
    docker volume rm ${project}_beats
    rm -rf $state" </dev/null >/dev/null 2>&1 || true
  on_host -O exit 2>/dev/null || true
}

# As if nothing had been deployed.
renew_host() {
  remove_host
  rm -rf "$work"/r*
  on_host "mkdir -p $state/releases" </dev/null
}

# Makes a release with web, which has a front, the worker, and a task that fails.
# Arguments: id; then NAME=VALUE: image, expect, check (web's health check, or none), command (what web's slots run),
# front_label (differs where the front itself does), shape (of web: fronted, held or plain), plan (its steps, by name)
make_release() {
  local id=$1 dir=$work/$1 word
  local image=${images[0]} expect=- check='exec 3<>/dev/tcp/localhost/8000' command='exec python3 /app.py' front_label=- shape=fronted plan=web
  for word in "${@:2}"; do printf -v "${word%%=*}" %s "${word#*=}"; done
  mkdir -p "$dir/fronts"
  cp -r "$SCRIPT" "${SCRIPT%.sh}" "$dir/"
  printf 'tester\tlaptop\t%040d\tmain\n' 1 >"$dir/who"
  printf '{"id":"%s"}\n' "$id" >"$dir/manifest.json"
  {
    printf '{"services": {\n'
    case $shape in
      plain) service web '"ports": ["8123:8000"], ' ;;
      held) front_of_web && service web-slot ;;
      fronted) front_of_web && service web-blue && service web-green ;;
    esac
    printf '"task-fail": {"image": "%s", "command": ["false"], "profiles": ["tasks"]},\n' "$front"
    printf '"worker": {"image": "%s", "restart": "always", "stop_grace_period": "1s", "user": "root", "volumes": ["beats:/beats"], ' "$front"
    printf '"command": ["bash", "-c", "%s"], "labels": {"image": "%s", "coldtivate.definition": "worker"}}\n' \
      "exec {pause}<> <(:); while echo \$\${EPOCHREALTIME/./}000 >>/beats/\$\$HOSTNAME; do read -rt 0.02 -u \$\$pause || :; done" "$image"
    printf '}, "volumes": {"beats": {"name": "%s_beats"}}}\n' "$project"
  } >"$dir/compose.json"
  "plan_$plan" >"$dir/plan"
  full_plan_of_release >"$dir/plan.full"
}

# Prints a service that runs web. Arguments: name, further properties
service() {
  printf '"%s": {"image": "%s", "restart": "always", "command": ["bash", "-c", "%s"], %s"healthcheck": ' "$1" "$image" "$command" "${2-}"
  if [[ $check == none ]]; then printf '{"disable": true}},\n'; else
    printf '{"test": ["CMD", "bash", "-c", "%s"], "interval": "300ms", "start_period": "20s", "start_interval": "100ms"}},\n' "$check"
  fi
}

# Prints the front, and puts its configuration into the release.
front_of_web() {
  if [[ $shape == held ]]; then cp "$PARTS/web.cfg" "$dir/fronts/"; else
    # No other than a held one has a gate.
    sed '/bind 127/d' "$PARTS/web.cfg" >"$dir/fronts/web.cfg"
  fi
  [[ $shape != held ]] || cp "$PARTS/web.hold.cfg" "$dir/fronts/"
  printf '"web": {"image": "%s", "restart": "always", "ports": ["8123:8000"], "stop_signal": "SIGUSR1", "labels": {"front": "%s", "coldtivate.definition": "front"},\n' "$front" "$front_label"
  printf '  "volumes": ["%s/fronts/web:/usr/local/etc/haproxy:ro"]},\n' "$state"
}

plan_begin() { printf '%s\n' "expect	$expect" "pull	$front	$image"; }
# The limit is an hour: what is found is found before it.
plan_start() { printf '%s\n' 'start	web' 'healthy	web@idle	3600	2	1'; }
plan_end() { printf '%s\n' commit 'drain	web	20' 'stop	web@was' 'prune	5'; }

plan_web() { plan_begin && plan_start && printf 'switch\tweb\n' && plan_end; }
plan_connected() { plan_web | sed $'s/^healthy.*/healthy\tweb@idle\t60\t1\t1\t8000/'; }
plan_switched_in_vain() { plan_web | sed $'/^commit/i task\tfail\t10'; }
plan_in_turn() { plan_begin && plan_start && printf '%s\n' 'switch	web' 'signal	web@was	1	file	/tmp/bye' 'drain	web	20' 'stop	web@was' commit 'prune	5'; }
plan_in_turn_in_vain() { plan_in_turn | sed $'/^commit/i task\tfail\t10'; }
plan_first() { plan_begin && printf '%s\n' 'recreate	worker' 'healthy	worker	60	1	1' && plan_start && printf '%s\n' 'front	web' commit 'prune	5'; }
plan_first_in_vain() { plan_first | sed $'/^commit/i task\tfail\t10'; }
plan_worker() { plan_begin && printf '%s\n' 'recreate	worker' 'healthy	worker	60	1	1' commit 'prune	5'; }
plan_front() { plan_begin && printf '%s\n' 'front	web' commit 'prune	5'; }
plan_plain() { plan_begin && printf '%s\n' 'recreate	web	worker' 'healthy	web	60	2	1' commit 'prune	5'; }
plan_first_held() { plan_begin && printf '%s\n' 'recreate	web-slot' 'healthy	web-slot	60	2	1' 'remove	@others' 'front	web' commit 'prune	5'; }
plan_held() { plan_begin && printf '%s\n' 'hold	web	20' 'recreate	web-slot' 'healthy	web-slot	60	2	1' 'open	web' commit 'prune	5'; }
plan_becomes_held() { plan_held | sed $'s/^recreate.*/remove\tweb-blue\tweb-green\\n&/'; }
plan_becomes_held_in_vain() { plan_becomes_held | sed $'/^commit/i task\tfail\t10'; }
full_plan_of_release() {
  case $shape in
    plain) plan_plain | sed $'/^expect/d; /^prune/i remove\t@others' ;;
    held) plan_becomes_held | sed $'/^expect/d; 2i keep\tweb\n/^commit/i front\tweb\n/^prune/i remove\t@others' ;;
    *)
      plan_begin | sed '/^expect/d' && printf '%s\n' 'keep	web' 'recreate	worker' && plan_start &&
        printf '%s\n' 'front	web' 'switch	web' && plan_end && printf 'remove\t@others\n'
      ;;
  esac
}

# Sends a release to the host and deploys it as the CLI does. Arguments: id
deploy_release() {
  tar -C "$work" -c "$1" | on_host "umask 077; tar -xp -C $state/releases"
  printf '%s\t%s\t%s\n' "$CI_REGISTRY" "$CI_REGISTRY_USER" "$CI_REGISTRY_PASSWORD" |
    on_host "bash $state/releases/$1/${SCRIPT##*/} -p $project -c deploy $1"
}

# Runs the host's script on the host. Arguments: its arguments, for the shell there
run_script() { on_host "bash $state/environment-deployment-management.sh $*" </dev/null; }

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

# Waits up to a minute for a command to succeed.
wait_for() {
  local deadline=$((SECONDS + 60))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# Cuts the host's power and boots it again.
power_cycle() {
  bash "$TOP/scripts/sandbox.sh" power-off staging --net "$NET.0/24" >/dev/null 2>&1
  on_host -O exit 2>/dev/null || true
  bash "$TOP/scripts/sandbox.sh" power-on staging --net "$NET.0/24" >/dev/null 2>&1
}
