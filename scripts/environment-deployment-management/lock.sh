#!/usr/bin/env bash
# The lock: held by descriptor 9, so by this process and by all that it starts.
# Sourced by environment-deployment-management.sh.

# Arguments: who, seconds to wait. Sets the content of `running`: who, since when, which release
take_lock() {
  exec 9>>"$state/running"
  flock -w "$2" 9 || {
    fail 3 "A deploy is at work here: $(tr '\t' ' ' <"$state/running")" "Nothing was changed. Try again when it has ended."
    return
  }
  printf '%s\t%s\t%s\n' "$1" "$(date -u +%FT%TZ)" "${release-}" >"$state/running"
}

is_running() { [[ -e $state/running ]] && ! flock -sn "$state/running" true; }

refuse_when_locked() {
  [[ ! -e $state/locked ]] ||
    fail 3 "$project is locked: $(<"$state/locked")" "Nothing was changed. Once the reason is gone: rm $state/locked"
}
