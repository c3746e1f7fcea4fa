#!/usr/bin/env bash
# The lock. Descriptor 9 holds it, and so do this process and all that it starts.
# Sourced by environment-deployment-management.sh.

# Arguments: who, seconds to wait. Sets the content of `running`: who, since when, which release
take_lock() {
  exec 9>>"$state/running"
  flock -w "$2" 9 || {
    fail 3 "A deploy is at work here: $(at_work)" "Try again when it has ended."
    return
  }
  printf '%s\t%s\t%s\n' "$1" "$(date -u +%FT%TZ)" "${release-}" >"$state/running"
}

is_running() { [[ -e $state/running ]] && ! flock -sn "$state/running" true; }

# ---- locks by people, which last until somebody removes them: `locked` has who, since when, why

refuse_when_locked() {
  [[ ! -e $state/locked ]] || fail 3 "$project is locked: $(locked_by)" "Once the reason is gone: $script -p $project unlock"
}

# Prints who locked it, since when, and why.
locked_by() { tr '\t' ' ' <"$state/locked"; }

# Keeps everybody from deploying. Arguments: -m, why. From the CLI: who and why, on standard input, with a tab between
lock() {
  local who why=${2-}
  who="${SUDO_USER:-$(id -un)} by hand"
  if [[ $reader == cli ]]; then IFS=$'\t' read -r who why; elif [[ ${1-} != -m ]]; then why=; fi
  [[ $why =~ [^[:space:]] ]] || fail 2 "Say why, for whoever is refused: $script -p $project lock -m \"moving the database\""
  mkdir -p "$state"
  # If two people lock at the same time, only one succeeds: a link cannot be created twice.
  printf '%s\t%s\t%s\n' "${who//[[:cntrl:]]/ }" "$(date -u +%FT%TZ)" "${why//[[:cntrl:]]/ }" >"$state/locked.$$"
  ln -T "$state/locked.$$" "$state/locked" 2>/dev/null || { rm -f "$state/locked.$$" && refuse_when_locked; }
  rm -f "$state/locked.$$"
  ! is_running || printf 'A deploy is at work, and goes on: %s\n' "$(at_work)" >&2
  printf '%s is locked: %s\n' "$project" "$(locked_by)" >&2
}

# Lets people deploy again.
unlock() {
  local was
  was=$(locked_by 2>/dev/null) || { printf '%s is not locked.\n' "$project" >&2 && return; }
  rm -f "$state/locked"
  printf '%s is no longer locked: %s\n' "$project" "$was" >&2
}
