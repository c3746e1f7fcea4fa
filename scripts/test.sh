#!/usr/bin/env bash
# Every check there is, from a bare clone: types, lint, format, scripts, unit and end to end. Closes with the sum.
# usage: scripts/test.sh [suite...]   suites: types lint format shell unit e2e scripts transaction images
# Those that deploy run in lanes, side by side, each on a sandbox of its own; what they say follows on the rest.
set -Eeuo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(dirname "$SCRIPTS")
readonly SCRIPTS TOP
# shellcheck source=scripts/setup.sh
source "$SCRIPTS/setup.sh"

# The tests' own sandboxes, one for each lane: the demo's is never touched.
readonly NETS=(198.18.1.0/24 198.18.4.0/24 198.18.5.0/24)
readonly SUITES=(types lint format shell unit e2e scripts transaction images)
passed=0 failed=0
declare -A sandboxes=()

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

# Prints the repository's shell scripts, one a line.
shell_scripts() { git -C "$TOP" ls-files --cached --others --exclude-standard '*.sh' .ci/run | sort; }

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
    e2e | transaction | images) run_vitest "$1" ;;
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
  esac
}

# Begins to bring a sandbox up, while suites run that need none.
# Arguments: network
raise_sandbox() {
  bash "$SCRIPTS/sandbox.sh" up --net "$1" >"$TOP/.tools/test-sandbox-${1%/*}.log" 2>&1 </dev/null &
  sandboxes[$1]=$!
}

# Waits until it is up, and shows what it took.
# Arguments: network
# Returns: 1 when it did not come up
await_sandbox() {
  local code=0
  [[ -n ${sandboxes[$1]} ]] || return 0
  wait "${sandboxes[$1]}" || code=1
  sandboxes[$1]=
  cat "$TOP/.tools/test-sandbox-${1%/*}.log"
  return "$code"
}

lower_sandboxes() {
  local net
  for net in "${!sandboxes[@]}"; do
    await_sandbox "$net" >/dev/null || true
    bash "$SCRIPTS/sandbox.sh" down --net "$net" >&2
  done
}

# Runs the suites that deploy to a sandbox, one after the other.
# Arguments: network, suites
run_lane() {
  local suite
  export COLDTIVATE_TEST_NET=$1
  for suite in "${@:2}"; do [[ $(net_of "$suite") != "$1" ]] || run_suite "$suite"; done
}

# Begins a lane, beside what this shell does. Adds to: lanes, its process and its log
# Arguments: network, suites
begin_lane() {
  local log=$TOP/.tools/test-lane-${1%/*}.log
  bash "$SCRIPTS/test.sh" --lane "$@" >"$log" 2>&1 </dev/null &
  lanes+=("$!:$log")
}

# Runs the suites: the lanes side by side, and here those that need no sandbox, then the last lane.
# Arguments: suites
run_all() {
  local suite net lane own='' ready=() lanes=()
  for net in "${NETS[@]}"; do [[ -z ${sandboxes[$net]-} ]] || ready+=("$net"); done
  for net in "${ready[@]}"; do
    if await_sandbox "$net"; then
      [[ -z $own ]] || begin_lane "$own" "$@"
      own=$net
    else
      complain "nothing can be deployed to $net: there is no sandbox" "why is told above; scripts/sandbox.sh up --net $net"
      failed=$((failed + 1))
    fi
  done
  for suite in "$@"; do [[ -n $(net_of "$suite") ]] || run_suite "$suite"; done
  [[ -z $own ]] || run_lane "$own" "$@"
  for lane in "${lanes[@]}"; do
    wait "${lane%%:*}" || true
    add_counted "${lane#*:}"
  done
}

main() {
  local suite net suites=("$@")
  cd "$TOP"
  if [[ ${1-} == --lane ]]; then
    run_lane "${@:2}"
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    return
  fi
  ((${#suites[@]} > 0)) || suites=("${SUITES[@]}")
  ensure_packages || exit 1
  ensure_node "$TOP" || exit 1
  ensure_cli "$TOP" || exit 1
  trap 'lower_sandboxes 2>/dev/null || true' EXIT
  for suite in "${suites[@]}"; do
    net=$(net_of "$suite")
    [[ -z $net || -n ${sandboxes[$net]-} ]] || raise_sandbox "$net"
  done
  run_all "${suites[@]}"
  trap - EXIT
  lower_sandboxes
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
