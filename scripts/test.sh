#!/usr/bin/env bash
# Every check there is, from a bare clone: types, lint, format, scripts, unit and end to end. Closes with the sum.
# usage: scripts/test.sh [suite...]   suites: types lint format shell unit scripts e2e
set -Eeuo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(dirname "$SCRIPTS")
readonly SCRIPTS TOP
# shellcheck source=scripts/setup.sh
source "$SCRIPTS/setup.sh"

# The tests' own sandbox: the demo's is never touched.
readonly NET=198.18.1.0/24
readonly SUITES=(types lint format shell unit scripts e2e)
passed=0 failed=0 sandbox=

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
  local log=$TOP/.tools/test-scripts.log counted
  printf '\n── scripts\n'
  bash "$TOP/test/scripts/run.sh" 2>&1 | tee "$log" || true
  counted=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
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
    e2e) run_vitest e2e ;;
    *)
      complain "there is no suite $1" "suites: ${SUITES[*]}"
      exit 2
      ;;
  esac
}

# Brings the sandbox up while suites run that do not need it. Sets: sandbox, its process id
raise_sandbox() {
  bash "$SCRIPTS/sandbox.sh" up --net "$NET" >"$TOP/.tools/test-sandbox.log" 2>&1 </dev/null &
  sandbox=$!
}

# Waits until it is up, and shows what it took. Returns: 1 when it did not come up
await_sandbox() {
  local code=0
  [[ -n $sandbox ]] || return 0
  wait "$sandbox" || code=1
  sandbox=
  cat "$TOP/.tools/test-sandbox.log"
  return "$code"
}

lower_sandbox() {
  await_sandbox >/dev/null || true
  bash "$SCRIPTS/sandbox.sh" down --net "$NET" >&2
}

main() {
  local suite suites=("$@")
  ((${#suites[@]} > 0)) || suites=("${SUITES[@]}")
  cd "$TOP"
  ensure_packages || exit 1
  ensure_node "$TOP" || exit 1
  ensure_cli "$TOP" || exit 1
  export COLDTIVATE_TEST_NET=$NET
  trap 'lower_sandbox 2>/dev/null || true' EXIT
  [[ " ${suites[*]} " != *\ @(scripts|e2e)\ * ]] || raise_sandbox
  for suite in "${suites[@]}"; do
    case $suite in scripts | e2e) await_sandbox || exit 1 ;; esac
    run_suite "$suite"
  done
  trap - EXIT
  lower_sandbox
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  ((failed == 0))
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
