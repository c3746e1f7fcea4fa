#!/usr/bin/env bash
# Progress for people, on standard error: one line a step, with the seconds it took.

# Prints one line of progress.
# Arguments: the words
say() { printf '%s\n' "$*" >&2; }

# Prints an error, first what happened, then what to do about it.
# Arguments: what happened, then one line each of what to do
complain() {
  printf 'error: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '       %s\n' "$@" >&2
}

# Runs a command and prints its label with the time that it took.
# Arguments: label, command and its arguments
# Returns: what the command returned
timed() {
  local label=$1 began=${EPOCHREALTIME//[!0-9]/} took code=0
  shift
  "$@" || code=$?
  took=$(((${EPOCHREALTIME//[!0-9]/} - began) / 100000))
  if ((code == 0)); then
    printf '  %-44s %3d.%d s\n' "$label" $((took / 10)) $((took % 10)) >&2
  fi
  return "$code"
}

# Asks again and again until a command succeeds.
# Arguments: seconds to wait at most, command and its arguments
# Returns: 0 once it succeeded; 1 out of time
eventually() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}
