#!/usr/bin/env bash
# Tests of how a host waits for others, and of what it does when nobody speaks any more (eval "$(scripts/sandbox.sh env)" first).
# The tests build on each other: each goes on from where the one before it came to.
set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=test/scripts/support/assert.sh
source "$TOP/test/scripts/support/assert.sh"
# shellcheck source=test/scripts/support/release.sh
source "$TOP/test/scripts/support/release.sh"

journal_has() { grep -qE "$2" "$state/releases/$1/journal"; }

# Starts a release with two barriers, and speaks to it through descriptor 7. Arguments: id, release that serves, seconds of silence
# Sets: deploy, what follows it
start_with_barriers() {
  make_release "$1" expect="$2"
  printf '%s\n' "expect	$2" "barrier	pulled	$3" 'recreate	web	worker' "barrier	switched	$3" commit 'prune	5' >"$state/releases/$1/plan"
  rm -f "$HOME/messages"
  mkfifo "$HOME/messages"
  bash "$state/releases/$1/environment-deployment-management.sh" -p "$project" -c deploy "$1" <"$HOME/messages" >"$HOME/$1" 2>&1 7>&- &
  deploy=$!
  exec 7>"$HOME/messages"
  printf '%s\t%s\t%s\n\n' "$CI_REGISTRY" "$CI_REGISTRY_USER" "$CI_REGISTRY_PASSWORD" >&7
  eventually journal_has "$1" $'\t2\tbegin\t'
}

# Sets code to how the deploy ended.
await_deploy() {
  code=0
  wait "$deploy" || code=$?
}

test_a_host_goes_on_when_it_is_told() {
  start_with_barriers r01 - 20
  printf 'he' >&7
  check "it waits" fails journal_has r01 $'\t2\tdone\t'
  printf 're\ngo pulled\n' >&7
  check "it goes on, though a line came in two parts" eventually journal_has r01 $'\t4\tbegin\t'
  check "it waits once more" fails journal_has r01 $'\t0\tcommitted\t'
  printf 'go switched\n' >&7
  exec 7>&-
  await_deploy
  check "the last word counts, though nobody speaks after it" equals 0 "$code"
  check "the release serves" equals r01 "$(current)"
}

test_an_abort_undoes() {
  local before
  before=$(container_ids)
  start_with_barriers r02 r01 20
  printf 'abort\n' >&7
  await_deploy
  exec 7>&-
  check "a host that waits is aborted" equals 4 "$code"
  check "the journal says why" journal_has r02 $'\t0\tundone\taborted'
  check "nothing was touched" equals "$before" "$(container_ids)"
}

test_the_end_of_messages_undoes() {
  start_with_barriers r03 r01 20
  printf 'go pulled\n' >&7
  eventually journal_has r03 $'\t4\tbegin\t'
  exec 7>&-
  await_deploy
  check "a host that nobody speaks to takes everything back" equals 4 "$code"
  check "the journal says why" journal_has r03 $'\t4\tfailed\tnobody coordinates the hosts any more'
  check "what served before serves" equals r01 "$(docker inspect --format '{{index .Config.Labels "coldtivate.definition"}}' "$project-web-1")"
}

test_a_dead_follower_undoes() {
  start_with_barriers r04 r01 20
  kill -KILL "$deploy"
  check "a host whose link broke waits for a while" fails journal_has r04 $'\t2\tfailed\t'
  rm -f "$state/releases/r04/heard"
  check "and undoes" eventually journal_has r04 $'\t0\tundone\t'
  exec 7>&-
  await_deploy
}

test_silence_undoes() {
  start_with_barriers r05 r01 1
  await_deploy
  exec 7>&-
  check "silence undoes" equals 4 "$code"
  check "the journal says why" journal_has r05 $'\t2\tfailed\tnobody coordinates the hosts any more'
}

test_signs_of_life_are_heard() {
  local turn
  start_with_barriers r06 r01 4
  # For longer than a host that hears nothing waits.
  for ((turn = 0; turn < 14; turn++)); do
    printf 'here\n' >&7
    sleep 0.5
  done
  check "a host waits as long as there are signs of life" fails journal_has r06 $'\t2\tfailed\t'
  printf 'go pulled\ngo switched\n' >&7
  await_deploy
  exec 7>&-
  check "and goes on" equals 0 "$code"
}

test_nobody_aborts_what_was_decided() {
  start_with_barriers r07 r06 20
  printf 'go pulled\n' >&7
  eventually journal_has r07 $'\t4\tbegin\t'
  : >"$state/releases/r07/go.switched"
  run run_script abort r07
  check "an abort after the decision is too late" equals 3 "$code"
  printf 'abort\n' >&7
  await_deploy
  exec 7>&-
  check "the release is committed" equals r07 "$(current)"
}

test_a_kept_release_needs_nobody() {
  run run_script deploy r06
  check "by hand nothing is waited for" equals 0 "$code"
  check "it serves" equals r06 "$(current)"
}

test_a_host_catches_up_without_tasks() {
  run run_script catch_up r07
  check "a kept release that others serve is applied" equals 0 "$code"
  check "it serves" equals r07 "$(current)"
  check "its tasks do not run again" fails grep -q $'\tbegin\ttask' "$state/releases/r07/journal"
  run run_script catch_up r99
  check "one that is not kept is refused with 2" equals 2 "$code"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then run_in_order_on_host "${BASH_SOURCE[0]}"; fi
