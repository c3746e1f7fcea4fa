#!/usr/bin/env bash
# Tests of what the script tells and does for those who look on, wait, or stop a release (eval "$(scripts/sandbox.sh env)" first).
# The tests build on each other: each goes on from where the one before it came to.
set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=test/scripts/support/assert.sh
source "$TOP/test/scripts/support/assert.sh"
# shellcheck source=test/scripts/support/release.sh
source "$TOP/test/scripts/support/release.sh"

# Starts a release whose task does not end. Arguments: id, release that serves. Sets: deploy, what follows it
start_endless() {
  make_release "$1" expect="$2" task='echo at work; sleep 1000'
  printf '%s\n' check pull 'task migrate' replace 'web is healthy' 'worker is healthy' commit keep >"$state/releases/$1/titles"
  printf '{"host":"a",\n"steps":[]}\n' >"$state/releases/$1/plan.json"
  deploy_release "$1" >"$HOME/$1" 2>&1 &
  deploy=$!
  eventually grep -q 'at work' "$HOME/$1"
}

# Sets code to how the deploy ended.
await_deploy() {
  code=0
  wait "$deploy" || code=$?
}

test_nobody_is_at_work() {
  make_release r01
  deploy_release r01 >/dev/null
  eventually flock -sn "$state/running" true
  run run_script -c attach
  check "where nobody is at work there is nothing to attach to" equals 3 "$code"
  check "the last deploy and its end are told" contains "$output" "The last deploy was r01 by tester from laptop: finished"
  run run_script abort
  check "nor to abort" equals 3 "$code"
  run run_script -c at_work
  check "nobody is told" equals "" "$output"
  run run_script queue 1
  check "nobody is waited for" equals 0 "$code"
}

test_who_is_at_work_is_told() {
  local pattern="tester from laptop deploys r02 since [0-9:]{8} UTC, [0-9]+ s, step 3 of 8: task migrate"
  start_endless r02 r01
  run run_script -c at_work
  check "who deploys what since when, and how far it is" matches "$output" "^$pattern$"
  run run_script status
  check "status tells it" matches "$output" "At work: $pattern"
  run run_script lock -m moving
  check "whoever locks is told" matches "$output" "goes on: $pattern"
  run_script unlock 2>/dev/null
  make_release r03 expect=r01
  run deploy_release r03
  check "a second deploy is refused" equals 3 "$code"
  check "with the same words" matches "$output" "$pattern"
  check "and a word for the CLI" contains "$output" $'\t0\trefused\tbusy'
  check "its folder is gone" test ! -e "$state/releases/r03"
  run run_script queue 1
  check "waiting for it has an end" equals 3 "$code"
  check "which names it" matches "$output" "$pattern"
}

test_others_follow_and_abort() {
  local follower end=0
  run_script -c attach >"$HOME/attached" 2>&1 &
  follower=$!
  eventually grep -q 'at work' "$HOME/attached"
  check "the release comes first" equals r02 "$(sed -n 1p "$HOME/attached")"
  check "then its plan, in one line" equals '{"host":"a","steps":[]}' "$(sed -n 2p "$HOME/attached")"
  check "then what time it is" matches "$(sed -n 3p "$HOME/attached")" $'^[0-9]{16}\t0\tnow\t'
  check "then the journal from its beginning" matches "$(sed -n 4p "$HOME/attached")" $'^[0-9]+\t0\tbegin\t'
  run run_script -c abort <<<"ann from laptop"
  check "the one at work is aborted" equals 0 "$code"
  check "it is named" contains "$output" r02
  await_deploy
  check "whoever deployed hears of it" equals 4 "$code"
  wait "$follower" || end=$?
  check "whoever followed, too" equals 4 "$end"
  check "to the end" matches "$(tail -n 1 "$HOME/attached")" $'\t0\tundone\taborted by ann from laptop$'
}

test_whoever_queues_is_next() {
  local queued end=0
  eventually flock -sn "$state/running" true
  start_endless r04 r01
  run_script queue 60 &
  queued=$!
  run_script abort r04 2>/dev/null
  wait "$queued" || end=$?
  check "the wait ends with the deploy" equals 0 "$end"
  await_deploy
  check "which was undone" equals 4 "$code"
}

test_a_stale_plan_has_a_word() {
  eventually flock -sn "$state/running" true
  make_release r05 expect=r00
  run deploy_release r05
  check "a stale plan is refused" equals 3 "$code"
  check "with a word for the CLI" contains "$output" $'\t0\trefused\tstale'
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then run_in_order_on_host "${BASH_SOURCE[0]}"; fi
