#!/usr/bin/env bash
# The files of a release that is kept here.
# Sourced by environment-deployment-management.sh. The CLI also sends this part alone, to read a release.

# Prints the path of a release's full plan. An older coldtivate called it plan.whole. Arguments: the release's directory
full_plan() { if [[ -e $1/plan.full ]]; then printf '%s\n' "$1/plan.full"; else printf '%s\n' "$1/plan.whole"; fi; }

# Prints everything about a release that it takes to apply it again: a field for each file, and the names of its hooks.
# Arguments: the release's directory; what precedes the names of the fields
tell_release() {
  local path file hooks
  cd "$1" && shopt -s nullglob || return
  for path in manifest.json compose.json plan.full fronts/*; do
    file=$path
    [[ $path != plan.full ]] || file=$(full_plan .)
    printf '%s\t%s\n' "${2-}$path" "$(stat -c %s "$file")" && cat "$file" && printf '\n' || return
  done
  hooks=$(printf '%s\n' hooks/*)
  printf '%s\t%s\n%s\n' "${2-}hooks" "${#hooks}" "$hooks"
}
