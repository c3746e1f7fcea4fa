#!/usr/bin/env bash
# Every check there is, from a bare clone: types, lint, format, scripts, unit and end to end. Closes with the sum.
# usage: scripts/test.sh [suite...]   suites: types lint format shell unit e2e transaction compose scripts engines differential images
# Those that deploy run in lanes, a few at a time, each on a sandbox of its own; what they say follows on the rest.
set -Eeuo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(dirname "$SCRIPTS")
readonly SCRIPTS TOP
# shellcheck source=scripts/setup.sh
source "$SCRIPTS/setup.sh"

# The tests' own sandboxes, one for each lane: the demo's is never touched.
readonly NETS=(198.18.1.0/24 198.18.4.0/24 198.18.5.0/24 198.18.6.0/24 198.18.7.0/24 198.18.8.0/24 198.18.9.0/24)
# More of them on two processors make each so slow that what is timed goes wrong.
readonly AT_ONCE=2
# Those that take longest begin first: the last one decides.
readonly SUITES=(types lint format shell unit e2e transaction compose scripts engines differential images)
# Where each suite leaves what failed in it, so that all of it can be told once more at the end.
readonly REPORTS=$TOP/.tools
passed=0 failed=0

# Runs a check that passes or fails as a whole.
# Arguments: name, command and its arguments
check() {
  local name=$1
  shift
  printf '\n── %s\n' "$name"
  if "$@"; then passed=$((passed + 1)); else
    printf 'FAILED: %s\n' "$name"
    printf '%s\n' "$name" >>"$REPORTS/test-checks.log"
    failed=$((failed + 1))
  fi
}

# Runs one of vitest's projects and adds what it counted.
# Arguments: project
run_vitest() {
  local report=$REPORTS/test-$1.json counted
  printf '\n── %s\n' "$1"
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
  local log=$REPORTS/test-scripts.log
  printf '\n── scripts\n'
  bash "$TOP/test/scripts/run.sh" >"$log" 2>&1 || true
  add_counted "$log"
}

# Shows what was said, and adds the sum that it closes with.
# Arguments: log
add_counted() {
  local counted
  cat "$1" 2>/dev/null || true
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

# Runs a suite, and says how long it took. Arguments: suite
run_suite() {
  local began=$SECONDS
  run_suite_itself "$1"
  printf '── %s took %d s\n' "$1" "$((SECONDS - began))"
}

run_suite_itself() {
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
    scripts) printf '%s\n' "${NETS[2]}" ;;
    compose) printf '%s\n' "${NETS[3]}" ;;
    engines) printf '%s\n' "${NETS[4]}" ;;
    differential) printf '%s\n' "${NETS[5]}" ;;
    images) printf '%s\n' "${NETS[6]}" ;;
  esac
}

# Brings a suite's sandbox up. Arguments: network
raise_sandbox() {
  local options=()
  # What new installations have, and what comes next.
  if [[ $1 == "${NETS[4]}" ]]; then options=(--engine next --store containerd); fi
  bash "$SCRIPTS/sandbox.sh" up --net "$1" "${options[@]}" </dev/null
}

# Runs the suites that deploy to a sandbox, one after the other, with that sandbox up.
# Arguments: network, suites
run_lane() {
  local suite
  export COLDTIVATE_TEST_NET=$1
  trap 'bash "$SCRIPTS/sandbox.sh" down --net "$COLDTIVATE_TEST_NET" >&2' EXIT
  if raise_sandbox "$1"; then
    for suite in "${@:2}"; do [[ $(net_of "$suite") != "$1" ]] || run_suite "$suite"; done
  else
    complain "nothing can be deployed to $1: its sandbox is not up" "why is told above; scripts/sandbox.sh up --net $1"
    failed=$((failed + 1))
  fi
}

# Prints where a lane's words go. Arguments: network
log_of() { printf '%s\n' "$REPORTS/test-lane-${1%/*}.log"; }

# Runs lanes in their order, a few at a time. Arguments: suites
# Uses: nets
run_lanes() {
  local net running=0
  trap 'end_lanes' EXIT
  for net in "${nets[@]}"; do
    if ((running >= AT_ONCE)); then wait -n || true; else running=$((running + 1)); fi
    bash "$SCRIPTS/test.sh" --lane "$net" "$@" >"$(log_of "$net")" 2>&1 </dev/null &
  done
  wait
  trap - EXIT
}

# Ends the lanes that still run, and waits until their sandboxes are down.
end_lanes() {
  local lane
  for lane in $(jobs -p); do kill "$lane" 2>/dev/null || true; done
  wait
}

# Names once more what failed: a long log is often read from its end, or only that is kept.
tell_failures() {
  printf '\n── what failed\n'
  cat "$REPORTS/test-checks.log" 2>/dev/null || true
  grep -A 8 '^not ok' "$REPORTS/test-scripts.log" 2>/dev/null || true
  # shellcheck disable=SC2016 # JavaScript expands them.
  node -e '
    const { globSync, readFileSync } = require("node:fs");
    for (const report of globSync(`${process.argv[1]}/test-*.json`)) {
      for (const file of JSON.parse(readFileSync(report, "utf8")).testResults.filter(({ status }) => status === "failed")) {
        const failures = file.assertionResults.filter(({ status }) => status === "failed");
        if (failures.length === 0) console.log(`${file.name}\n${file.message}`);
        for (const { fullName, failureMessages } of failures) {
          const reason = failureMessages.join("\n").split("\n").slice(0, 40);
          console.log([`${file.name} › ${fullName.trim()}`, ...reason].join("\n    "));
        }
      }
    }
  ' "$REPORTS" 2>/dev/null || true
}

# Runs the suites: those that deploy in lanes, and beside them, here, those that need no sandbox.
# Arguments: suites
# Uses: nets
run_all() {
  local suite net lanes
  rm -f "$REPORTS"/test-*.{log,json}
  run_lanes "$@" &
  lanes=$!
  trap 'kill "$lanes" 2>/dev/null && wait "$lanes"' EXIT
  for suite in "$@"; do [[ -n $(net_of "$suite") ]] || run_suite "$suite"; done
  wait "$lanes" || true
  trap - EXIT
  for net in "${nets[@]}"; do add_counted "$(log_of "$net")"; done
}

main() {
  local suite suites=("$@") nets=()
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
  # In the order of the suites.
  mapfile -t nets < <(for suite in "${suites[@]}"; do net_of "$suite"; done | awk '!seen[$0]++')
  run_all "${suites[@]}"
  ((failed == 0)) || tell_failures
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
