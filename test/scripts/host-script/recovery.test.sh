#!/usr/bin/env bash
# Tests of what the script does when the engine is away, and of what could not come to its end (eval "$(scripts/sandbox.sh env)" first).
# The tests build on each other: each goes on from where the one before it came to.
set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=test/scripts/support/assert.sh
source "$TOP/test/scripts/support/assert.sh"
# shellcheck source=test/scripts/support/release.sh
source "$TOP/test/scripts/support/release.sh"

journal_has() { grep -qE "$2" "$state/releases/$1/journal"; }
version_served() { docker exec "$project-web-1" sh -c 'echo "$VERSION"'; }
is_free() { flock -sn "$state/running" true; }

# From now on there is no engine where the file `away` is.
make_engine_unsteady() {
  local real
  real=$(command -v docker)
  mkdir "$HOME/unsteady"
  cat >"$HOME/unsteady/docker" <<TEXT
#!/bin/sh
[ ! -e "$HOME/away" ] || { echo "Cannot connect to the Docker daemon" >&2 && exit 1; }
exec $real "\$@"
TEXT
  chmod +x "$HOME/unsteady/docker"
  PATH=$HOME/unsteady:$PATH
}

# Starts a release. Arguments: those of make_release. Sets: deploy, what follows it
start_release() {
  make_release "$@"
  deploy_release "$1" >"$HOME/$1" 2>&1 &
  deploy=$!
}

# Sets code to how the deploy ended.
await_deploy() {
  code=0
  wait "$deploy" || code=$?
  eventually is_free
}

test_an_engine_that_goes_away_is_waited_for() {
  make_release r01
  deploy_release r01 >/dev/null
  eventually is_free
  make_engine_unsteady
  start_release r02 expect=r01 image="${images[1]}" task='sleep 2'
  eventually journal_has r02 $'\t3\tbegin\t'
  touch "$HOME/away"
  eventually journal_has r02 $'\tnote\twaiting for the Docker daemon'
  check "nothing is undone without an engine" fails journal_has r02 $'\tundone\t'
  rm "$HOME/away"
  await_deploy
  check "what failed for want of it is undone" equals 4 "$code"
  check "once it is back" journal_has r02 $'\tnote\tthe Docker daemon is back'
  check "what served serves" equals one "$(version_served)"
  check "the task's container is gone" equals "" "$(docker ps -aq --filter "name=$project-r02-migrate")"
}

test_after_the_commit_the_release_is_finished() {
  make_release r03 expect=r01 image="${images[1]}"
  sed -i 's/^commit$/commit\nremove\tworker/' "$state/releases/r03/plan"
  cat >"$HOME/unsteady/sync" <<TEXT
#!/bin/sh
[ "\$1" != "$state" ] || [ ! -e "$HOME/strike" ] || mv "$HOME/strike" "$HOME/away"
exec /bin/sync "\$@"
TEXT
  chmod +x "$HOME/unsteady/sync"
  touch "$HOME/strike"
  deploy_release r03 >"$HOME/r03" 2>&1 &
  deploy=$!
  eventually journal_has r03 $'\t8\tnote\twaiting for the Docker daemon'
  rm "$HOME/away"
  await_deploy
  check "a release that committed is finished when the engine is back" equals 0 "$code"
  check "its last steps were taken" equals "" "$(docker ps -aq --filter "name=$project-worker-1")"
  check "and it serves" equals two "$(version_served)"
}

# As after a power cut, with an engine that does not come up at once.
test_recovery_waits_for_the_engine() {
  local executor recovery
  start_release r04 expect=r03 task='sleep 1000'
  eventually journal_has r04 $'\t3\tbegin\t'
  executor=$(pgrep -of "^bash $state/releases/r04/.* execute r04")
  kill -9 -- "-$executor"
  await_deploy
  check "a killed release has no end" equals 5 "$code"
  touch "$HOME/away"
  run_script -c recover >"$HOME/recovered" 2>"$HOME/said" &
  recovery=$!
  eventually grep -q 'Waiting for the Docker daemon' "$HOME/said"
  rm "$HOME/away"
  code=0
  wait "$recovery" || code=$?
  check "recovery ends with 0" equals 0 "$code"
  check "it tells what serves, and what became of each release" equals $'current\tr03\nr04\tundone' "$(grep -v ^order "$HOME/recovered")"
  check "and in which order releases were here" contains "$(grep ^order "$HOME/recovered")" $'r03\tr04'
  check "what served serves" equals two "$(version_served)"
  check "the task's container is gone" equals "" "$(docker ps -aq --filter "name=$project-r04-migrate")"
  run run_script -c recover
  check "there is nothing to do twice" equals $'current\tr03' "$(grep -v ^order <<<"$output")"
}

test_what_came_to_no_end_is_tried_again() {
  eventually is_free
  start_release r05 expect=r03 check='sleep 1; exit 1'
  eventually journal_has r05 $'\t5\tbegin\t'
  mv "$state/releases/r03/compose.json" "$HOME/compose.json"
  await_deploy
  check "what cannot be undone ends with 5" equals 5 "$code"
  check "and is stuck" journal_has r05 $'\t4\tstuck\t'
  check "it is told as such" contains "$(run_script status 2>/dev/null)" r05
  mv "$HOME/compose.json" "$state/releases/r03/compose.json"
  run run_script -c recover
  check "once the obstacle is gone, recovery undoes it" equals 0 "$code"
  check "and says so" contains "$output" $'current\tr03\nr05\tundone'
  check "what served serves" equals two "$(version_served)"
  code=0
  run_script follow r05 >/dev/null 2>&1 || code=$?
  check "who follows sees the last end" equals 4 "$code"
}

test_what_was_replaced_since_is_left_alone() {
  start_release r06 expect=r03 check='sleep 1; exit 1'
  eventually journal_has r06 $'\t5\tbegin\t'
  mv "$state/releases/r03/compose.json" "$HOME/compose.json"
  await_deploy
  mv "$HOME/compose.json" "$state/releases/r03/compose.json"
  make_release r07 expect=r03
  run deploy_release r07
  eventually is_free
  check "the next deploy replaces what is half undone" equals 0 "$code"
  run run_script -c recover
  check "and recovery has nothing to do" equals $'current\tr07' "$(grep -v ^order <<<"$output")"
}

test_what_a_killed_executor_left_at_work_does_not_hold_the_lock_for_good() {
  local executor
  start_release r08 expect=r07 task='sleep 1000'
  eventually grep -qE $'\t3\tbegin\t' "$state/releases/r08/journal"
  eventually docker container inspect "$project-r08-migrate"
  executor=$(pgrep -of "^bash $state/releases/r08/.* execute r08")
  kill -9 "$executor"
  wait "$deploy" || true
  run run_script -c recover
  check "recovery ends it, and goes on" equals 0 "$code"
  check "the release is undone" contains "$output" $'r08\tundone'
  check "the lock is free" eventually is_free
}

# Makes a release with a hook. Arguments: id, release that serves, the hook's commands
make_release_with_hook() {
  make_release "$1" "expect=$2"
  mkdir "$state/releases/$1/hooks"
  printf '#!/bin/sh\n%s\n' "$3" >"$state/releases/$1/hooks/before_deploy"
  chmod +x "$state/releases/$1/hooks/before_deploy"
  sed -i $'1a hook\tbefore_deploy\t600' "$state/releases/$1/plan"
}

test_a_hook_of_a_killed_executor_does_not_go_on() {
  local executor
  make_release_with_hook r09 r07 'echo $$ >hook; sleep 1000'
  deploy_release r09 >/dev/null 2>&1 &
  deploy=$!
  eventually test -s "$HOME/hook"
  executor=$(pgrep -of "^bash $state/releases/r09/.* execute r09")
  kill -9 -- "-$executor"
  wait "$deploy" || true
  check "the lock is held as long as the hook is at work" fails is_free
  run run_script -c recover
  check "recovery ends it" fails grep -q $'^State:\t[^XZ]' "/proc/$(<"$HOME/hook")/status"
  check "and undoes the release" contains "$output" $'r09\tundone'
}

test_what_a_hook_leaves_running_does_not_hold_the_lock() {
  make_release_with_hook r10 r07 'sleep 1000 & echo $! >left'
  run deploy_release r10
  check "the release serves" equals 0 "$code"
  check "the lock is free" eventually is_free
  check "what the hook began goes on" kill "$(<"$HOME/left")"
}

test_what_was_deployed_again_by_hand_counts_as_new() {
  eventually is_free
  run run_script deploy r07
  check "an older release is deployed by hand" equals 0 "$code"
  eventually is_free
  make_release r11 expect=r07
  sed -i $'s/^prune\t.*/prune\t2/' "$state/releases/r11/plan"
  run deploy_release r11
  check "the next deploy works" equals 0 "$code"
  eventually is_free
  check "and keeps what served before it" test -s "$state/releases/r07/compose.json"
  check "in the place of newer ones that did not" fails test -e "$state/releases/r10"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then run_in_order_on_host "${BASH_SOURCE[0]}"; fi
