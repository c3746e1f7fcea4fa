#!/usr/bin/env bash
# Tests of the script that changes hosts, on the sandbox's engine and registry (eval "$(scripts/sandbox.sh env)" first).
# The tests build on each other: each goes on from where the one before it came to.
set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=test/scripts/support/assert.sh
source "$TOP/test/scripts/support/assert.sh"
# shellcheck source=test/scripts/support/release.sh
source "$TOP/test/scripts/support/release.sh"

journal_has() { grep -qE "$2" "$state/releases/$1/journal"; }
version_served() { docker exec "$project-web-1" sh -c 'echo "$VERSION"'; }
executor_of() { pgrep -of "^bash $state/releases/$1/.* execute $1"; }
is_free() { flock -sn "$state/running" true; }

test_a_release_is_applied() {
  make_release r01
  mkdir -p "$state/releases/r01/files/0123"
  (umask 077 && echo hello >"$state/releases/r01/files/0123/motd")
  sed -i "s#\"image\": \"${images[0]}\", \"command\"#\"volumes\": [\"$state/files/0123/motd:/motd:ro\"], &#" "$state/releases/r01/compose.json"
  docker image rm "${images[0]}" >/dev/null 2>&1 || true
  run deploy_release r01
  check "a deploy ends with 0" equals 0 "$code"
  check "it prints the journal to its end" contains "$output" $'\t0\tfinished\t'
  check "what the task prints is in the journal" contains "$output" $'\tlog\tmigrated'
  check "an image that is not there is pulled, and told" contains "$output" $'\tnote\tpulled '"${images[0]}"
  check "the release is current" equals r01 "$(current)"
  check "the history has a line" grep -q $'\tr01\tfinished\ttester from laptop\t0*1\tmain\t-\t-$' "$state/history"
  check "the task's container is gone" equals "" "$(docker ps -aq --filter "name=$project-r01-migrate")"
  check "mounted files have their place by content, readable in containers" equals 644 "$(stat -c %a "$state/files/0123/motd")"
  check "no credentials are left" equals "" "$(compgen -G "/dev/shm/coldtivate.$project.*" || true)"
  check "the state is closed to others" equals 700 "$(stat -c %a "$state")"
  check "the script lies beside the state" test -x "$state/environment-deployment-management.sh"
}

test_what_did_not_change_is_left_alone() {
  local before
  before=$(container_ids)
  make_release r02 expect=r01
  cp "$state/releases/r01/compose.json" "$state/releases/r02/"
  run deploy_release r02
  check "a deploy that changes nothing ends with 0" equals 0 "$code"
  check "its containers are the same" equals "$before" "$(container_ids)"
}

test_a_changed_release_replaces() {
  make_release r03 expect=r02 image="${images[1]}"
  run deploy_release r03
  check "the new image serves" equals two "$(version_served)"
}

test_a_failing_task_undoes() {
  local before
  before=$(container_ids)
  make_release r04 expect=r03 task='echo no such table; exit 3'
  run deploy_release r04
  check "a failing task ends with 4" equals 4 "$code"
  check "its exit code is told" contains "$output" $'\t3\tfailed\ttask migrate exited with 3'
  check "its output is told" contains "$output" $'\tlog\tno such table'
  check "the release's end names the cause" contains "$output" $'\t0\tundone\ttask migrate exited with 3'
  check "no service was touched" equals "$before" "$(container_ids)"
  check "what served before is current" equals r03 "$(current)"
}

test_an_unhealthy_service_undoes() {
  make_release r05 expect=r03 check='echo database is down; exit 1'
  run deploy_release r05
  check "an unhealthy service ends with 4" equals 4 "$code"
  check "it is named" contains "$output" "failed"$'\t'"$project-web-1 is unhealthy"
  check "the health check's last output is told" contains "$output" "database is down"
  check "both services were taken back" contains "$output" $'\t4\tundone\t'
  check "the previous release serves" equals two "$(version_served)"
  check "its container is the previous release's" equals r03 "$(docker inspect --format '{{index .Config.Labels "coldtivate.definition"}}' "$project-web-1")"
}

test_a_crash_is_found_at_once() {
  # Not at the limit, which is an hour.
  make_release r06 expect=r03 worker='echo cannot start; exit 7'
  run deploy_release r06
  check "a crash ends with 4" equals 4 "$code"
  check "its exit code and output are told" contains "$output" "$project-worker-1 exited with 7"
  check "its last output is told" contains "$output" $'\tlog\tcannot start'
}

test_an_image_that_cannot_be_pulled_undoes() {
  make_release r07 expect=r03 image="$REPOSITORY@sha256:$(printf '%064d' 7)"
  run deploy_release r07
  check "a missing image ends with 4" equals 4 "$code"
  check "the image is named" contains "$output" $'\t2\tfailed\tcannot pull '"$REPOSITORY"
  check "the registry's words are told" contains "$output" "not found"
}

test_wrong_credentials_undo() {
  local before
  before=$(container_ids)
  make_release r07w expect=r03 image="$REPOSITORY@sha256:$(printf '%064d' 8)"
  run deploy_release r07w wrong-password
  check "wrong credentials end with 4" equals 4 "$code"
  check "the image is named" contains "$output" $'\t2\tfailed\tcannot pull '"$REPOSITORY"
  check "the registry's words are told" contains "$output" Unauthorized
  check "the password is not shown" lacks "$output" wrong-password
  check "nothing was touched" equals "$before" "$(container_ids)"
  check "no credentials are left" test -z "$(find /dev/shm -name "coldtivate.$project.*")"
}

test_hooks_run_on_the_host() {
  local before hooks=$state/releases/r07h/hooks
  before=$(container_ids)
  make_release r07h expect=r03
  mkdir -p "$hooks"
  cat >"$hooks/before_deploy" <<'TEXT'
#!/bin/sh
echo "first of all $COLDTIVATE_RELEASE by $COLDTIVATE_BY at $COLDTIVATE_REF"
exit 7
TEXT
  cat >"$hooks/on_failure" <<'TEXT'
#!/bin/sh
echo "in the end $COLDTIVATE_OUTCOME in $PWD"
TEXT
  chmod +x "$hooks"/*
  sed -i $'1a hook\tbefore_deploy\t60' "$state/releases/r07h/plan"
  run deploy_release r07h
  check "a hook that fails ends the deploy with 4" equals 4 "$code"
  check "it is told about the release" contains "$output" $'\tlog\tfirst of all r07h by tester from laptop at main'
  check "its exit code is told" contains "$output" $'\t2\tfailed\tthe hook before_deploy exited with 7'
  check "nothing was touched" equals "$before" "$(container_ids)"
  check "the hook for failures is told how it ended" contains "$output" $'\tlog\tin the end undone in '"$HOME"
}

test_refusals_change_nothing() {
  local before
  before=$(container_ids)
  make_release r08 expect=r01
  run deploy_release r08
  check "a stale plan is refused with 3" equals 3 "$code"
  check "the refused release is not kept" test ! -e "$state/releases/r08"
  check "both releases are named" contains "$output" "made while r01 served, and now r03 does"
  make_release r08 expect=r03
  echo 'juggle	web' >>"$state/releases/r08/plan"
  run deploy_release r08
  check "an unknown step is refused with 3" equals 3 "$code"
  make_release r08 expect=r03
  run run_script lock
  check "a lock without a reason is refused with 2" equals 2 "$code"
  run run_script lock -m "stock taking until Monday"
  check "an environment can be locked" equals 0 "$code"
  run run_script lock -m "something else"
  check "a second lock is refused with 3" equals 3 "$code"
  check "the first one's reason is told" contains "$output" "stock taking until Monday"
  run deploy_release r08
  check "a locked environment is refused with 3" equals 3 "$code"
  check "who locked it is told" contains "$output" "$(id -un) by hand"
  check "why it is locked is told" contains "$output" "stock taking until Monday"
  check "status tells it, too" contains "$(run_script status)" "stock taking until Monday"
  run run_script unlock
  check "it can be unlocked" equals 0 "$code"
  check "what the lock was is told" contains "$output" "stock taking until Monday"
  run run_script unlock
  check "unlocking what is not locked is no error" equals 0 "$code"
  run deploy_release ../r03
  check "a path is no release" equals 127 "$code"
  run run_script deploy ../releases/r03
  check "not by hand either" equals 2 "$code"
  check "nothing was changed" equals "$before" "$(container_ids)"
  check "no credentials are left by refusals" equals "" "$(compgen -G "/dev/shm/coldtivate.$project.*" || true)"
}

test_abort_undoes() {
  local deploy
  make_release r09 expect=r03 check='exit 1' image="${images[0]}"
  sed -i 's/"retries": 2/"retries": 1000/' "$state/releases/r09/compose.json"
  deploy_release r09 >"$HOME/r09" 2>&1 &
  deploy=$!
  eventually journal_has r09 $'\t5\tbegin\t'
  run deploy_release r03
  check "a second deploy is refused with 3" equals 3 "$code"
  check "who deploys what since when is told" contains "$output" "tester from laptop"
  run run_script abort r09
  check "abort is accepted" equals 0 "$code"
  code=0
  wait "$deploy" || code=$?
  check "the aborted deploy ends with 4" equals 4 "$code"
  check "the journal says why" grep -q $'\t0\tundone\taborted' "$HOME/r09"
  check "what served before the abort serves" equals two "$(version_served)"
  run run_script abort r09
  check "an abort that comes too late is refused" equals 3 "$code"
}

test_abort_ends_a_task() {
  local deploy
  # For an hour, if nobody ends it.
  make_release r10 expect=r03 task='sleep 3600'
  deploy_release r10 >/dev/null 2>&1 &
  deploy=$!
  eventually docker inspect "$project-r10-migrate"
  run_script abort r10 2>/dev/null
  code=0
  wait "$deploy" || code=$?
  check "a task is aborted" equals 4 "$code"
  check "the aborted task's container is gone" equals "" "$(docker ps -aq --filter "name=$project-r10-migrate")"
}

test_a_killed_client_does_not_stop_it() {
  make_release r11 expect=r03 task='sleep 1' image="${images[0]}"
  deploy_release r11 2>/dev/null | head -n 3 >"$HOME/r11" || true
  check "the reader is gone while the release is applied" bash -c "! grep -q finished '$state/releases/r11/journal'"
  check "the executor outlives the reader" eventually journal_has r11 $'\t0\tfinished\t'
  run run_script follow r11
  check "a second follower gets every line and the exit code" equals 0 "$code"
  check "from the first line on" contains "$output" $'\t0\tbegin\t'
  eventually is_free
}

test_a_killed_executor_is_recovered() {
  local deploy executor
  make_release r12 expect=r11 check='exit 1' image="${images[1]}"
  sed -i 's/"retries": 2/"retries": 1000/' "$state/releases/r12/compose.json"
  deploy_release r12 >"$HOME/r12" 2>&1 &
  deploy=$!
  eventually journal_has r12 $'\t5\tbegin\t'
  executor=$(executor_of r12)
  kill -9 -- "-$executor"
  code=0
  wait "$deploy" || code=$?
  check "a dead executor ends the follower with 5" equals 5 "$code"
  check "which says what to do" grep -q recover "$HOME/r12"
  check "the release is unsettled" contains "$(bash "$SCRIPT" -p "$project" status)" r12
  run run_script recover
  check "recover ends with 0" equals 0 "$code"
  check "it undid the release" journal_has r12 $'\t0\tundone\tinterrupted by a crash'
  check "the release before the crash serves" equals one "$(version_served)"
  check "the swept credentials are gone" equals "" "$(compgen -G "/dev/shm/coldtivate.$project.*" || true)"
}

test_a_release_killed_after_its_commit_is_finished() {
  make_release r13 expect=r11 image="${images[1]}"
  run deploy_release r13
  eventually is_free
  sed -i $'/\tcommitted\t/q' "$state/releases/r13/journal"
  printf '1795' >>"$state/releases/r13/journal"
  ln -sfn releases/r11 "$state/current"
  make_release r14 expect=r13 image="${images[0]}"
  run deploy_release r14
  check "the next deploy finishes a committed one first" journal_has r13 $'\t0\tfinished\t'
  check "and goes on from it" equals 0 "$code"
  check "its own journal alone is on standard output" lacks "$(deploy_release r14 2>/dev/null)" r13
  check "the next deploy serves" equals r14 "$(current)"
}

test_people_use_it_by_hand() {
  run run_script status
  check "status names the release and the containers" contains "$output" "r14"
  check "with their health" contains "$output" "(healthy)"
  run run_script deploy r03
  check "a kept release is deployed again" equals 0 "$code"
  check "all of it serves" equals two "$(version_served)"
  check "it is current again" equals r03 "$(current)"
  check "success has its words" contains "$output" "The environment was _coldtivated_ with great success!"
  check "its first journal is kept" test -s "$state/releases/r03/journal.1"
  run run_script history
  check "history has both" equals 2 "$(grep -c '  r03  finished ' <<<"$output")"
  run bash "$state/environment-deployment-management.sh" sh web sh -c 'echo "in $VERSION"'
  check "sh runs a command, and the name is found by the script's place" contains "$output" "in two"
  run run_script sh
  check "sh without a service names them" contains "$output" "web worker"
  run run_script compose ps --services
  check "compose knows the release that serves" contains "$output" worker
  run run_script nonsense
  check "an unknown verb ends with 2" equals 2 "$code"
}

test_services_are_removed_and_brought_back() {
  make_release r15 expect=r03
  printf '%s\n' 'expect	r03' 'remove	worker' 'task	migrate	5' 'commit' >"$state/releases/r15/plan"
  sed -i 's/echo migrated/exit 1/' "$state/releases/r15/compose.json"
  run deploy_release r15
  check "a removed service comes back" equals running "$(docker inspect --format '{{.State.Status}}' "$project-worker-1")"
  make_release r16 expect=r03
  printf '%s\n' 'expect	r03' 'remove	worker' 'commit' 'prune	2' >"$state/releases/r16/plan"
  run deploy_release r16
  check "a service is removed" equals 0 "$code"
  check "its container is gone" equals "" "$(docker ps -aq --filter "name=$project-worker-1")"
  check "the two that served last are kept, with what failed since, and no other" equals "r03 r15 r16" "$(cd "$state/releases" && echo *)"
  check "files that no release names are removed" test ! -e "$state/files/0123"
}

test_a_first_release_that_fails_leaves_nothing() {
  rm "$state/current"
  make_release r17 check='exit 1'
  run deploy_release r17
  check "a failed first release ends with 4" equals 4 "$code"
  check "its containers are gone" equals "" "$(container_ids)"
}

test_a_task_is_taken_back() {
  make_release r171 check='exit 1'
  sed -i $'s/^task.*/&\tundo/' "$state/releases/r171/plan"
  run deploy_release r171
  check "a release whose task is taken back ends with 4" equals 4 "$code"
  check "its undo runs once, after what came after it is undone" equals $'4 undone|taken back' \
    "$(awk -F '\t' '$2 == 4 && $3 == "undone" { print "4 undone" } $4 == "taken back" { print $4 }' <<<"$output" | paste -sd '|')"
  check "its containers are gone" equals "" "$(docker ps -aq --filter "label=com.docker.compose.project=$project")"
  make_release r172 task='exit 1' undo='exit 3'
  sed -i $'s/^task.*/&\tundo/' "$state/releases/r172/plan"
  run deploy_release r172
  check "an undo that fails ends with 5" equals 5 "$code"
  check "it is named" contains "$output" "stuck"$'\t'"the undo of task migrate exited with 3"
  sed -i 's/exit 3/echo taken back in the end/' "$state/releases/r172/compose.json"
  run run_script recover
  check "to recover is to try it again" equals 0 "$code"
  check "then it is taken back" journal_has r172 'taken back in the end'
}

test_secrets_stay_out_of_sight() {
  local sampler
  make_release r18
  docker image rm "${images[0]}" >/dev/null 2>&1 || true
  # All that runs is looked at, again and again; what is over too soon for that tells its arguments itself.
  while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' || true; done >"$HOME/seen" &
  sampler=$!
  mkdir "$HOME/telling"
  printf '#!/bin/sh\necho "docker $*" >>"%s"\nexec %s "$@"\n' "$HOME/told" "$(command -v docker)" >"$HOME/telling/docker"
  chmod 755 "$HOME/telling/docker"
  PATH=$HOME/telling:$PATH run deploy_release r18
  kill "$sampler"
  wait "$sampler" 2>/dev/null || true
  check "processes were looked at" grep -q 'environment-deployment-management.sh' "$HOME/seen"
  check "the pull was, too" grep -q '^docker pull' "$HOME/told"
  check "no argument list had the password" bash -c "! grep -qF -- '$CI_REGISTRY_PASSWORD' '$HOME/seen' '$HOME/told'"
  check "no file has it" bash -c "! grep -rqF -- '$CI_REGISTRY_PASSWORD' '$state' /dev/shm"
}

# Prints a field of an observation. Arguments: name
observed() {
  LC_ALL=C awk -v want="$1" '
    BEGIN { FS = "\t" }
    left > 0 { left -= length($0) + 1; if (shown) print; next }
    { shown = $1 == want; left = $2 + 1 }' <<<"$output"
}

test_observe_tells_what_is_here() {
  local sent=$HOME/incoming turn
  mkdir -p "$sent/compose"
  cp -r "$SCRIPT" "${SCRIPT%.sh}" "$sent/"
  printf 'docker-compose.yml\n' >"$sent/arguments"
  printf "SECRET='p\$ss # x'\n" >"$sent/dotenv"
  printf "TAG='v1'\n" >"$sent/environment"
  cat >"$sent/compose/docker-compose.yml" <<'TEXT'
services: {web: {image: "app:${TAG}", env_file: "${DOT_ENV_PATH}", environment: {A: "${SECRET}", B: "${HOST:-none}"}}}
TEXT
  HOST=laptop COMPOSE_FILE=/nowhere run bash "$sent/environment-deployment-management.sh" -p "$project" observe "$sent"
  check "observe ends with 0" equals 0 "$code"
  check "it speaks protocol 1" equals 1 "$(observed protocol)"
  check "it names the state" equals "$state" "$(observed state)"
  check "it names the current release" equals r18 "$(observed current)"
  check "it has its manifest" equals '{"id":"r18"}' "$(observed manifest)"
  check "it has each container with its labels" contains "$(observed containers)" $'\tweb\t'"${images[0]}"$'\tr18\t'"$state"$'\trunning\thealthy\tFalse'
  check "it has the model with the variables that were sent" contains "$(observed model)" '"image": "app:v1"'
  check "and the dotenv intact" contains "$(observed model)" "\"SECRET\": \"p\$\$ss # x\""
  check "and nothing of the host's environment" contains "$(observed model)" '"B": "none"'
  check "it has the directory" equals "$sent/compose" "$(observed directory)"
  printf abc >"$sent/key"
  for turn in kept recalled; do
    run bash "$sent/environment-deployment-management.sh" -p "$project" observe "$sent"
    check "what the files come to is the same when it is $turn" contains "$(observed model)" '"image": "app:v1"'
    check "with its directory, when it is $turn" equals "$sent/compose" "$(observed directory)"
    printf "TAG='v2'\n" >"$sent/environment"
  done
  PATH=$PATH:/nowhere run bash "$sent/environment-deployment-management.sh" -p "$project" observe "$sent"
  check "it is merged again where something else has changed" contains "$(observed model)" '"image": "app:v2"'
  check "nobody else can read what is kept" test -z "$(find "$state/merged" -perm /077 -path '*/abc*')"
  rm "$sent/key"
  printf 'services: [\n' >"$sent/compose/docker-compose.yml"
  run bash "$sent/environment-deployment-management.sh" -p "$project" observe "$sent"
  check "a broken Compose file is told" contains "$(observed error)" yaml
  check "and has no model" equals "" "$(observed model)"
}

test_a_host_that_cannot_be_deployed_to_says_so() {
  local fake=$HOME/fake
  mkdir -p "$fake"
  printf '#!/bin/sh\necho "permission denied while trying to connect to the Docker daemon socket" >&2\nexit 1\n' >"$fake/docker"
  chmod +x "$fake/docker"
  PATH=$fake:$PATH run run_script status
  check "no right to use Docker is refused with 3" equals 3 "$code"
  check "and what to do about it is told" contains "$output" "usermod -aG docker"
  cat >"$fake/docker" <<'TEXT'
#!/bin/sh
[ "$1" = version ] && echo 26.1.0
TEXT
  PATH=$fake:$PATH run run_script status
  check "a missing Compose is told" contains "$output" "Docker Compose is missing"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then run_in_order_on_host "${BASH_SOURCE[0]}"; fi
