#!/usr/bin/env bash
# Tests of slots and fronts, on one of the sandbox's hosts (eval "$(scripts/sandbox.sh env)" first).
set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=test/scripts/assert.sh
source "$TOP/test/scripts/assert.sh"
# shellcheck source=scripts/sandbox.sh
source "$TOP/scripts/sandbox.sh"
# shellcheck source=test/scripts/environment-deployment-management-fronts.fixture.sh
source "$TOP/test/scripts/environment-deployment-management-fronts.fixture.sh"

test_a_first_release_gets_a_front() {
  make_release r01 plan=first
  run deploy_release r01
  check "a first release with a front ends with 0" equals 0 "$code"
  check "its slot serves through the front" equals one "$(served)"
  check "there is the front and one slot" equals "web web-blue worker" "$(services)"
  [[ $code == 0 ]] || printf '%s\n' "$output"
}

test_ten_switches_lose_nothing() {
  local number expect=r01 id versions=("${images[1]}" "${images[0]}")
  start_load "$work/load"
  for number in {02..11}; do
    id=r$number
    make_release "$id" expect="$expect" image="${versions[10#$number % 2]}"
    run deploy_release "$id"
    check "release $id is deployed" equals 0 "$code"
    [[ $code == 0 ]] || printf '%s\n' "$output"
    expect=$id
  done
  end_load "$work/load"
  check "ten switches under load lose nothing" contains "$output" '"failed":0'
  check "both versions answered" contains "$output" '"two"'
  check "one slot is left" equals "web web-blue worker" "$(services)"
}

main() {
  local tests test
  name_instance "$TOP" "${COLDTIVATE_TEST_NET:-198.18.1.0/24}"
  trap 'remove_host; rm -rf "$work"' EXIT
  prepare_host
  mapfile -t tests < <(sed -n 's/^\(test_[a-z_]*\)().*/\1/p' "${BASH_SOURCE[0]}")
  for test in "${tests[@]}"; do "$test"; done
  ((failures == 0))
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
