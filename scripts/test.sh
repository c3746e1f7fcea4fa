#!/usr/bin/env bash
# Every check there is, from a bare clone: types, lint, format, scripts, unit and end to end. Closes with the sum.
# usage: scripts/test.sh [suite...]   suites: types lint format shell unit e2e scripts transaction images compose engines differential
# Those that deploy run in lanes, side by side, each on a sandbox of its own; what they say follows on the rest.
set -Eeuo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(dirname "$SCRIPTS")
readonly SCRIPTS TOP
# shellcheck source=scripts/setup.sh
source "$SCRIPTS/setup.sh"

# The tests' own sandboxes, one for each lane: the demo's is never touched.
readonly NETS=(198.18.1.0/24 198.18.4.0/24 198.18.5.0/24 198.18.6.0/24 198.18.7.0/24 198.18.8.0/24)
readonly SUITES=(types lint format shell unit e2e scripts transaction images compose engines differential)
passed=0 failed=0

# Runs a check that passes or fails as a whole.
# Arguments: name, command and its arguments
check() {
  local name=$1
  shift
  printf '\n── %s\n' "$name"
  if "$@"; then passed=$((passed + 1)); else
    printf 'FAILED: %s\n' "$name"
    failed=$((failed + 1))
  fi
}

# Runs one of vitest's projects and adds what it counted.
# Arguments: project
run_vitest() {
  local report=$TOP/.tools/test-$1.json counted
  printf '\n── %s\n' "$1"
  rm -f "$report"
  npx vitest run --project "$1" --reporter=default --reporter=json --outputFile.json="$report" || true
  counted=$(node -e '
    const { numPassedTests, numTotalTests, testResults } = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
    const broken = testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
    console.log(numPassedTests, numTotalTests - numPassedTests + broken);
  ' "$report" 2>/dev/null) || counted="0 1"
  add "$counted"
}

# Runs the scripts' tests and adds what they counted.
run_scripts() {
  local log=$TOP/.tools/test-scripts.log
  printf '\n── scripts\n'
  bash "$TOP/test/scripts/run.sh" >"$log" 2>&1 || true
  add_counted "$log"
}

# Shows what was said, and adds the sum that it closes with.
# Arguments: log
add_counted() {
  local counted
  cat "$1"
  counted=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$1" | tail -n 1)
  add "${counted:-0 1}"
}

# Adds to the sum.
# Arguments: "PASSED FAILED"
add() {
  passed=$((passed + ${1% *})) failed=$((failed + ${1#* }))
}

# Prints the repository's shell scripts, one a line; what the corpus has stays as others would write it.
shell_scripts() {
  git -C "$TOP" ls-files --cached --others --exclude-standard '*.sh' .ci/run ':!test/e2e/differential/corpus' | sort
}

# The host's script is one program in parts, which share their variables: it is checked whole.
lint_shell() {
  local scripts whole
  mapfile -t scripts < <(shell_scripts)
  mapfile -t whole < <(printf '%s\n' "${scripts[@]}" | grep -v '^scripts/environment-deployment-management')
  shellcheck --external-sources "${whole[@]}" &&
    shellcheck --external-sources --check-sourced scripts/environment-deployment-management.sh &&
    shfmt -i 2 -ci -d "${scripts[@]}"
}

run_suite() {
  case $1 in
    types) check types npx tsc --noEmit ;;
    lint) check lint npx oxlint --type-aware --deny-warnings ;;
    format) check format npx prettier --check --log-level warn . ;;
    shell) check shell lint_shell ;;
    unit) run_vitest unit ;;
    scripts) run_scripts ;;
    e2e | transaction | images | compose | engines | differential) run_vitest "$1" ;;
    *)
      complain "there is no suite $1" "suites: ${SUITES[*]}"
      exit 2
      ;;
  esac
}

# Prints the network of the sandbox that a suite deploys to; nothing where it deploys to none.
# Arguments: suite
net_of() {
  case $1 in
    e2e) printf '%s\n' "${NETS[0]}" ;;
    transaction) printf '%s\n' "${NETS[1]}" ;;
    scripts | images) printf '%s\n' "${NETS[2]}" ;;
    compose) printf '%s\n' "${NETS[3]}" ;;
    engines) printf '%s\n' "${NETS[4]}" ;;
    differential) printf '%s\n' "${NETS[5]}" ;;
  esac
}

# Begins to bring a sandbox up, while suites run that need none. Sets: rising, the process
# Arguments: network
raise_sandbox() {
  local options=()
  # What new installations have, and what comes next.
  if [[ $1 == "${NETS[4]}" ]]; then options=(--engine next --store containerd); fi
  bash "$SCRIPTS/sandbox.sh" up --net "$1" "${options[@]}" >"$TOP/.tools/test-sandbox-${1%/*}.log" 2>&1 </dev/null &
  rising=$!
}

# Runs the suites that deploy to a sandbox, one after the other, once that is up.
# Arguments: network, suites
# Uses: rising
run_lane() {
  local suite
  export COLDTIVATE_TEST_NET=$1
  if wait "$rising"; then
    cat "$TOP/.tools/test-sandbox-${1%/*}.log"
    for suite in "${@:2}"; do [[ $(net_of "$suite") != "$1" ]] || run_suite "$suite"; done
  else
    cat "$TOP/.tools/test-sandbox-${1%/*}.log"
    complain "nothing can be deployed to $1: its sandbox is not up" "why is told above; scripts/sandbox.sh up --net $1"
    failed=$((failed + 1))
  fi
}

# Begins a lane, beside what this shell does. Adds to: lanes, its process and its log
# Arguments: network, suites
begin_lane() {
  local log=$TOP/.tools/test-lane-${1%/*}.log
  bash "$SCRIPTS/test.sh" --lane "$@" >"$log" 2>&1 </dev/null &
  lanes+=("$!:$log")
}

lower_sandboxes() {
  local net
  for net in "${nets[@]}"; do bash "$SCRIPTS/sandbox.sh" down --net "$net" >&2; done
}

# Runs the suites: all lanes but the last beside the rest, and here those that need no sandbox, then the last lane.
# Arguments: suites
# Uses: nets
run_all() {
  local suite net lane own='' lanes=()
  ((${#nets[@]} == 0)) || own=${nets[-1]}
  for net in "${nets[@]}"; do [[ $net == "$own" ]] || begin_lane "$net" "$@"; done
  [[ -z $own ]] || raise_sandbox "$own"
  for suite in "$@"; do [[ -n $(net_of "$suite") ]] || run_suite "$suite"; done
  [[ -z $own ]] || run_lane "$own" "$@"
  for lane in "${lanes[@]}"; do
    wait "${lane%%:*}" || true
    add_counted "${lane#*:}"
  done
}

main() {
  local suite net suites=("$@") nets=() rising
  cd "$TOP"
  if [[ ${1-} == --lane ]]; then
    raise_sandbox "$2"
    run_lane "${@:2}"
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    return
  fi
  ((${#suites[@]} > 0)) || suites=("${SUITES[@]}")
  ensure_packages || exit 1
  ensure_node "$TOP" || exit 1
  ensure_cli "$TOP" || exit 1
  mapfile -t nets < <(for suite in "${suites[@]}"; do net_of "$suite"; done | sort -u)
  trap 'lower_sandboxes 2>/dev/null || true' EXIT
  run_all "${suites[@]}"
  trap - EXIT
  lower_sandboxes
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
