#!/usr/bin/env bash
# Runs the script tests on the tests' own sandbox, and closes with the sum.
# usage: test/scripts/run.sh [FILE...]
set -Eeuo pipefail

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
SANDBOX=$(dirname "$(dirname "$TESTS")")/scripts/sandbox.sh
readonly TESTS SANDBOX

# Runs one file, shows what it says, and counts. A file that dies without a failed check is a failure.
# Arguments: file
# Sets: passed, failed
run_file() {
  local log code=0 bad began=$SECONDS
  log=$(mktemp)
  printf '%s\n' "── ${1##*/}"
  bash "$1" >"$log" 2>&1 </dev/null || code=$?
  cat "$log"
  bad=$(grep -c '^not ok' "$log" || true)
  if ((code != 0 && bad == 0)); then
    printf 'not ok - %s ended with %d\n' "${1##*/}" "$code"
    bad=1
  fi
  passed=$((passed + $(grep -c '^ok' "$log" || true)))
  failed=$((failed + bad))
  printf '%s took %d s\n' "${1##*/}" "$((SECONDS - began))"
  rm -f "$log"
}

main() {
  local file files=("$@") environment passed=0 failed=0
  export COLDTIVATE_TEST_NET=${COLDTIVATE_TEST_NET:-198.18.1.0/24}
  ((${#files[@]} > 0)) || files=("$TESTS"/*/*.test.sh)
  bash "$SANDBOX" up --net "$COLDTIVATE_TEST_NET"
  environment=$(bash "$SANDBOX" env --net "$COLDTIVATE_TEST_NET")
  eval "$environment"
  for file in "${files[@]}"; do run_file "$file"; done
  printf '%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
