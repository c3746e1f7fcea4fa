#!/usr/bin/env bash
# What script tests say and ask: each check prints `ok - …` or `not ok - …` and the reason.

failures=0

# Prints whether something holds.
# Arguments: what holds, then a command that succeeds when it does
check() {
  local said
  if said=$("${@:2}" 2>&1); then
    printf 'ok - %s\n' "$1"
  else
    printf 'not ok - %s\n' "$1"
    printf '%s\n' "# ${*:2}" "$said" | sed 's/^/# /'
    failures=$((failures + 1))
  fi
}

equals() { [[ $1 == "$2" ]] || { printf 'expected %s\nbut it is %s\n' "$1" "$2" && return 1; }; }
contains() { [[ $1 == *"$2"* ]] || { printf '%s\nis not in\n%s\n' "$2" "$1" && return 1; }; }
lacks() { [[ $1 != *"$2"* ]] || { printf '%s\nis in\n%s\n' "$2" "$1" && return 1; }; }
matches() { [[ $1 =~ $2 ]] || { printf '%s\ndoes not match\n%s\n' "$1" "$2" && return 1; }; }
fails() { ! "$@"; }

# Runs a command. Sets: output (both streams), code
run() {
  code=0
  output=$("$@" 2>&1) || code=$?
}

# What the command ended with that ran last.
# Arguments: exit code
ended_with() { equals "$1" "$code"; }

# What the command said that ran last.
# Arguments: part of it
said() { contains "$output" "$1"; }

# Runs every function of the file whose name starts with test_, in a folder of its own.
# Returns: 1 when a check failed
run_tests() {
  local name work
  work=$(mktemp -d)
  for name in $(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p'); do
    mkdir "$work/$name"
    cd "$work/$name" || return 1
    "$name"
  done
  cd /
  rm -rf "$work"
  ((failures == 0))
}

# Runs a file's tests, in their order: each goes on from where the one before it came to.
# Arguments: the file. Returns: 1 when a check failed
run_in_order() {
  local tests test
  mapfile -t tests < <(sed -n 's/^\(test_[a-z_]*\)().*/\1/p' "$1")
  for test in "${tests[@]}"; do "$test"; done
  ((failures == 0))
}
