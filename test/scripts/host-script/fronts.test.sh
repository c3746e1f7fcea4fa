#!/usr/bin/env bash
# Tests of slots and fronts, on one of the sandbox's hosts (eval "$(scripts/sandbox.sh env)" first).
# The tests build on each other: each goes on from where the one before it came to.
set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=test/scripts/support/assert.sh
source "$TOP/test/scripts/support/assert.sh"
# shellcheck source=scripts/sandbox.sh
source "$TOP/scripts/sandbox.sh"
# shellcheck source=test/scripts/support/fronted-release.sh
source "$TOP/test/scripts/support/fronted-release.sh"

# Deploys a release and checks that it ends well. Arguments: id, make_release's further arguments
deploy_well() {
  make_release "$@"
  run deploy_release "$1"
  check "release $1 is deployed" equals 0 "$code"
  ((code == 0)) || printf '%s\n' "$output"
}

# Deploys a release and checks that it is undone. Arguments: the same
deploy_in_vain() {
  make_release "$@"
  run deploy_release "$1"
  check "release $1 is undone" equals 4 "$code"
  ((code == 4)) || printf '%s\n' "$output"
}

# Checks what is left after a deploy. Arguments: version that answers, slot that serves
check_served() {
  check "version $1 serves" equals "$1" "$(served)"
  check "there are the front and one slot" equals "web web-$2 worker" "$(services)"
}

test_a_first_release_gets_a_front() {
  deploy_well r01 plan=first
  check_served one blue
}

test_ten_switches_lose_nothing() {
  local number versions=("${images[1]}" "${images[0]}")
  start_load "$work/load"
  for number in {2..11}; do
    deploy_well "r$(printf %02d "$number")" expect="r$(printf %02d $((number - 1)))" image="${versions[number % 2]}"
  done
  end_load "$work/load"
  check "ten switches under load lose nothing" contains "$output" '"failed":0'
  check "both versions answered" contains "$output" '"two"'
  check_served one blue
}

test_what_does_not_turn_healthy_is_undone() {
  start_load "$work/load"
  deploy_in_vain r12 expect=r11 command='echo no such table; exit 7'
  check "the exit code of a crash is told" contains "$output" "web-green-1 exited with 7"
  check "and its last lines" contains "$output" "no such table"
  deploy_in_vain r13 expect=r11 check='echo database is down; exit 1'
  check "the last health check is told" contains "$output" "database is down"
  end_load "$work/load"
  check "the old one serves throughout" contains "$output" '"failed":0'
  check_served one blue
}

test_a_switch_is_undone_without_loss() {
  start_load "$work/load"
  deploy_in_vain r14 expect=r11 image="${images[1]}" plan=switched_in_vain
  end_load "$work/load"
  check "there and back nothing is lost" contains "$output" '"failed":0'
  check "the new version served meanwhile" contains "$output" '"two"'
  check_served one blue
}

test_a_configuration_that_is_wrong_is_refused() {
  make_release r15 expect=r11 image="${images[1]}"
  echo nonsense >>"$work/r15/fronts/web.cfg"
  run deploy_release r15
  check "a front refuses a wrong configuration" equals 4 "$code"
  check "HAProxy's words are told" contains "$output" nonsense
  check_served one blue
}

test_long_requests_finish_and_cut_ones_are_counted() {
  local slow
  curl -fsS "${ADDRESS}slow/4" >"$work/slow" &
  slow=$!
  deploy_well r16 expect=r11 image="${images[1]}"
  wait "$slow" || true
  check "a request in flight finishes on the old slot" equals one "$(<"$work/slow")"
  make_release r17 expect=r16
  sed -i 's/hard-stop-after.*/hard-stop-after 1s/' "$work/r17/fronts/web.cfg"
  run deploy_release r17
  curl -fsS "${ADDRESS}slow/30" >/dev/null 2>&1 &
  slow=$!
  deploy_well r18 expect=r17 image="${images[1]}"
  wait "$slow" || true
  check "a request that takes longer than the limit is counted" contains "$output" "web: 1 connections to web-blue were cut"
  check_served two green
}

test_a_singleton_is_replaced_and_the_gap_told() {
  local told real
  deploy_well r19 expect=r18 plan=worker image="${images[1]}"
  told=$(sed -n 's/.*nothing of worker ran for \([0-9]*\) ms/\1/p' <<<"$output")
  # From the old one's last beat to the new one's first.
  real=$(on_host "docker exec $project-worker-1 sh -c 'cd /beats && tail -qn 1 \$(ls | grep -v \$HOSTNAME) && head -n 1 \$HOSTNAME'" </dev/null |
    awk 'NR == 1 { last = $1 } END { printf "%d\n", ($1 - last) / 1e6 }')
  check "the gap of a singleton is told" test "${told:-0}" -gt 0
  check "its beats do not overlap" test "$real" -ge "${told:-0}"
  check "the gap is the real one" test "$((real - told))" -lt 1000
}

test_the_front_itself_is_updated() {
  deploy_well r20 expect=r19 plan=front image="${images[1]}" front_label=new
  check "the gap is told" contains "$output" "nothing of web ran for"
  check_served two green
}

test_people_use_it_by_hand() {
  local before
  before=$(on_host "docker ps -q" </dev/null)
  run run_script -p "$project" deploy r20
  check "a release that serves is deployed again" equals 0 "$code"
  check "nothing is replaced" equals "$before" "$(on_host "docker ps -q" </dev/null)"
  run run_script -p "$project" deploy r17
  check "an older release is deployed by hand" equals 0 "$code"
  ((code == 0)) || printf '%s\n' "$output"
  check_served one blue
  run run_script -p "$project" deploy r19
  check "another one, too" equals 0 "$code"
  check_served two green
  run run_script -p "$project" status
  check "status tells which slot serves" contains "$output" "web is served by web-green"
  run run_script -p "$project" observe "$state"
  check "observe tells the CLI" contains "$output" $'fronts\t9\nweb\tgreen\n'
  run run_script -p "$project" sh web printenv VERSION
  check "sh goes to the slot that serves" equals two "$output"
}

test_whoever_kills_it_nothing_is_mixed() {
  local step id number=21 expect=r19 last=r19
  start_load "$work/load"
  for step in 3 4 5 6 7 8; do
    id=r$number number=$((number + 1))
    make_release "$id" expect="$last" image="${images[number % 2]}"
    deploy_release "$id" >"$work/deploy" 2>&1 &
    on_host "until grep -qs '	$step	begin' $state/releases/$id/journal || ((SECONDS > 60)); do sleep 0.03; done; kill -9 -- -\$(pgrep -of '[e]xecute $id')" </dev/null
    wait "$!" || true
    run run_script -p "$project" recover
    check "a release that is killed in step $step is recovered" equals 0 "$code"
    ((code == 0)) || printf '%s\n' "$output"
    last=$(on_host "readlink $state/current" </dev/null)
    last=${last##*/}
    if [[ $last == "$id" ]]; then expect=$id; fi
    check "what serves is what is current" equals "$(on_host "grep -o '${REPOSITORY}@[^\"]*' $state/current/compose.json | head -n 1" </dev/null)" \
      "$(on_host "docker inspect --format '{{.Config.Image}}' \$(docker ps -q --filter name=$project-web-\$(cat $state/fronts/web/live))" </dev/null)"
    check "the front and one slot are left" equals 3 "$(wc -w <<<"$(services)")"
  done
  check "some were finished" fails equals r19 "$last"
  end_load "$work/load"
  check "no request is lost" contains "$output" '"failed":0'
}

test_a_plain_service_moves_behind_a_front() {
  renew_host
  deploy_well r01 plan=plain shape=plain
  check "a plain service serves" equals one "$(served)"
  deploy_in_vain r02 expect=r01 plan=first_in_vain image="${images[1]}"
  check "a move that fails is taken back" equals "web worker" "$(services)"
  check "the plain service serves again" equals one "$(served)"
  deploy_well r03 expect=r01 plan=first image="${images[1]}"
  check "the gap of the move is told" contains "$output" "nothing of web ran for"
  check_served two blue
  deploy_well r04 expect=r03 plan=plain shape=plain
  check "it moves back, too" equals one "$(served)"
  check "and its front leaves nothing" test -z "$(on_host "ls $state/fronts" </dev/null)"
  run run_script -p "$project" deploy r03
  check "behind the front by hand" equals 0 "$code"
  check_served two blue
  run run_script -p "$project" deploy r04
  check "and back by hand" equals 0 "$code"
  check "what the release does not have is removed" equals "web worker" "$(services)"
  check "the plain one serves" equals one "$(served)"
  start_load "$work/load"
  deploy_well r05 expect=r04 plan=plain shape=plain image="${images[1]}"
  end_load "$work/load"
  check "without a front the same load sees failures" lacks "$output" '"failed":0'
}

test_a_slot_without_a_health_check_must_accept_connections() {
  renew_host
  deploy_well r01 plan=first
  start_load "$work/load"
  deploy_well r02 expect=r01 plan=connected image="${images[1]}" check=none command='sleep 3; exec python3 /app.py'
  end_load "$work/load"
  check "nothing is lost while it starts slowly" contains "$output" '"failed":0'
  check_served two green
}

test_a_held_service_loses_nothing() {
  renew_host
  deploy_well r01 plan=first_held shape=held
  check "a held service serves" equals one "$(served)"
  start_load "$work/load"
  deploy_well r02 expect=r01 plan=held shape=held image="${images[1]}"
  deploy_in_vain r03 expect=r02 plan=held shape=held command='exit 3'
  end_load "$work/load"
  check "requests wait while it is replaced, and when that fails" contains "$output" '"failed":0'
  check "both versions answered" contains "$output" '"one"'
  check "the slot that was there serves" equals two "$(served)"
}

test_a_service_becomes_held_and_back() {
  renew_host
  deploy_well r01 plan=first
  start_load "$work/load"
  deploy_in_vain r02 expect=r01 plan=becomes_held_in_vain shape=held image="${images[1]}"
  deploy_in_vain r03 expect=r01 plan=becomes_held shape=held command='exit 3'
  check "what served before serves" equals one "$(served)"
  deploy_well r04 expect=r01 plan=becomes_held shape=held image="${images[1]}"
  end_load "$work/load"
  check "becoming held, and failing to, loses nothing" contains "$output" '"failed":0'
  check "both versions answered" contains "$output" '"two"'
  deploy_well r05 expect=r04 plan=held shape=held
  start_load "$work/load"
  run run_script -p "$project" deploy r04
  check "a held release is deployed by hand" equals 0 "$code"
  check "its version serves" equals two "$(served)"
  run run_script -p "$project" deploy r01
  check "one that is not held, too" equals 0 "$code"
  check_served one blue
  run run_script -p "$project" deploy r05
  check "and back" equals 0 "$code"
  ((code == 0)) || printf '%s\n' "$output"
  check "there are the front and its only slot" equals "web web-slot worker" "$(services)"
  end_load "$work/load"
  check "by hand nothing is lost, either" contains "$output" '"failed":0'
}

test_a_service_is_told_that_it_is_to_end() {
  renew_host
  deploy_well r01 plan=first
  make_release r02 expect=r01
  sed -i $'s|^drain.*|signal\tweb@was\t1\tfile\t/tmp/bye\\n&|' "$work/r02/plan"
  run deploy_release r02
  check "a file says good bye" equals 0 "$code"
  make_release r03 expect=r02 image="${images[1]}"
  sed -i $'s|^drain.*|signal\tweb@was\t1\tcommand\tbash\t-c\techo good bye from $VERSION\\n&|' "$work/r03/plan"
  run deploy_release r03
  check "a command says good bye" contains "$output" $'\tlog\tgood bye from one'
  make_release r04 expect=r03
  sed -i $'s|^drain.*|signal\tweb@was\t1\tcommand\tfalse\\n&|' "$work/r04/plan"
  run deploy_release r04
  check "one that fails does not fail the release" equals 0 "$code"
  check "but is told" contains "$output" "was not told that it is to end"
}

test_a_slot_that_stopped_before_the_commit_comes_back() {
  renew_host
  deploy_well r01 plan=first
  start_load "$work/load"
  deploy_well r02 expect=r01 plan=in_turn image="${images[1]}"
  run run_script -p "$project" observe "$state"
  check "observe tells how much memory is free" contains "$output" $'\nmemory\t'
  check "and what the slot uses" contains "$output" $'\nused\t'"$(on_host "docker ps -q --no-trunc --filter name=$project-web-green" </dev/null)"
  check "and who has the port" contains "$output" $'\npublishes\t'"$project"$'\t'"$project-web-1"$'\t0.0.0.0:8123->'
  check "and which images are there" contains "$output" $'\n'"${images[1]}"
  deploy_in_vain r03 expect=r02 plan=in_turn_in_vain
  make_release r04 expect=r02 plan=in_turn
  deploy_release r04 >/dev/null 2>&1 &
  on_host "until grep -qs '	8	begin' $state/releases/r04/journal || ((SECONDS > 60)); do sleep 0.03; done; kill -9 -- -\$(pgrep -of '[e]xecute r04')" </dev/null
  wait "$!" || true
  run run_script -p "$project" recover
  check "a release that is killed while it stops an old slot is recovered" equals 0 "$code"
  end_load "$work/load"
  check "there and back nothing is lost" contains "$output" '"failed":0'
  check "the new version served meanwhile" contains "$output" '"one"'
  check_served two green
  on_host "sed -i 's/app.py/gone.py/' $state/releases/r02/compose.json" </dev/null
  make_release r05 expect=r02 plan=in_turn_in_vain
  run deploy_release r05
  check "an old slot that does not come back needs a person" equals 5 "$code"
  check "and the new one serves until then" equals one "$(served)"
}

test_a_power_cut_leaves_one_slot() {
  renew_host
  deploy_well r01 plan=first
  deploy_well r02 expect=r01 image="${images[1]}"
  power_cycle
  check "after a power cut the slot serves" wait_for served
  check_served two green
  make_release r03 expect=r02 check='exit 1'
  deploy_release r03 >/dev/null 2>&1 &
  on_host "until grep -qs '	4	begin' $state/releases/r03/journal || ((SECONDS > 60)); do sleep 0.05; done" </dev/null
  power_cycle
  wait "$!" || true
  check "in the middle of a deploy the front points where it did" wait_for served
  check "what served before serves" equals two "$(served)"
  run run_script -p "$project" recover
  check "the deploy is undone" equals 0 "$code"
  check_served two green
}

main() {
  name_instance "$TOP" "${COLDTIVATE_TEST_NET:-198.18.1.0/24}"
  trap 'remove_host; rm -rf "$work"' EXIT
  prepare_host
  run_in_order "${BASH_SOURCE[0]}"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
