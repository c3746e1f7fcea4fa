#!/usr/bin/env bash
# The state: what is kept in ~/.coldtivate/NAME.
# Sourced by environment-deployment-management.sh.

# Finds the state directory. Arguments: project or nothing, directory or nothing. Sets: project, state
open_state() {
  local here known
  project=$1 state=$2
  here=${self%/*}
  here=${here%/releases/*}
  [[ -n $project$state || ${here%/*} != */.coldtivate ]] || state=$here
  if [[ -z $project$state ]]; then
    known=("$HOME"/.coldtivate/*/releases/)
    known=("${known[@]%/releases/}")
    ((${#known[@]} == 1)) || fail 2 "Which environment? Name one with -p. In ~/.coldtivate: ${known[*]##*/}"
    state=${known[0]}
  fi
  project=${project:-${state##*/}}
  state=${state:-$HOME/.coldtivate/$project}
  [[ $project =~ ^[a-z0-9][a-z0-9_-]*$ ]] || fail 2 "\"$project\" cannot be an environment's name: it has [a-z0-9_-] only."
  # The prefetch has just checked this.
  [[ -n ${COLDTIVATE_ASKED-} ]] || check_state "$state"
}

# Arguments: a release's id. Sets: release, dir, journal, and plan, a line an element
open_release() {
  release=${1-} dir=$state/releases/${1-} journal=$state/releases/${1-}/journal
  [[ $release =~ ^[a-z0-9][a-z0-9._-]*$ && -s $dir/plan && -s $dir/compose.json ]] || {
    local kept=("$state"/releases/*/plan)
    kept=("${kept[@]%/plan}")
    fail 2 "${release:-No name} is not a release that is kept here. These are: ${kept[*]##*/}"
    return
  }
  mapfile -t plan <"$dir/plan"
}

# Prints the release that serves, or -.
current_release() {
  local target
  target=$(readlink "$state/current") || target=-
  printf '%s\n' "${target##*/}"
}

# Prints the releases that began and did not end, one id per line.
unsettled_releases() {
  awk -F '\t' '
    $2 == "0" && $3 == "begin" { open[FILENAME] = 1 }
    $2 == "0" && $3 ~ /^(finished|undone|broken)$/ { delete open[FILENAME] }
    END { for (path in open) { n = split(path, parts, "/"); print parts[n - 1] } }' "$state"/releases/*/journal /dev/null | sort
}
