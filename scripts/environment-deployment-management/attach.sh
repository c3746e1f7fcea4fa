#!/usr/bin/env bash
# Who is working on a release, and the verbs to watch, await or abort that work.
# Sourced by environment-deployment-management.sh.

# Prints in one line who is at work, on which release, since when and how far. Prints nothing if nobody is.
at_work() {
  local who='' since='' id='' took=0
  is_running || return 0
  IFS=$'\t' read -r who since id <"$state/running" || true
  [[ -z $since ]] || took=$(($(date +%s) - $(date -d "$since" +%s)))
  if ((took < 120)); then took="$took s"; else took="$((took / 60)) min"; fi
  printf '%s%s since %s UTC, %s%s\n' "${who:-somebody}" "${id:+ deploys $id}" "${since:11:8}" "$took" "$(how_far "$id")"
}

# Prints the step that a release has reached. Arguments: release
how_far() {
  local path=$state/releases/$1 step back total title
  [[ -n $1 && -s $path/journal ]] || return 0
  IFS=$'\t' read -r step back < <(awk -F '\t' '$3 == "begin" && $2 + 0 > step { step = $2 } $3 == "failed" || $3 == "undone" { back = "yes" }
    END { print step + 0 "\t" back }' "$path/journal")
  total=$(wc -l <"$path/plan")
  title=$(sed -n "${step}p" "$path/titles" 2>/dev/null) || title=$(sed -n "${step}p" "$path/plan" | tr '\t' ' ')
  if [[ $back == yes ]]; then
    printf ', undoing it from step %d of %d\n' "$step" "$total"
  elif ((step > 0)); then
    printf ', step %d of %d: %s\n' "$step" "$total" "$title"
  fi
}

# Opens a release. Arguments: its id, or nothing for the one that somebody works on
open_at_work() {
  local id=${1-} last=''
  if [[ -z $id ]] && is_running; then
    IFS=$'\t' read -r _ _ id <"$state/running" || true
    # A recovery works on what was interrupted.
    id=${id:-$(unsettled_releases | head -n 1)}
  fi
  if [[ -z $id ]]; then
    [[ ! -s $state/history ]] || last=$(tail -n 1 "$state/history" | awk -F '\t' '{ printf "The last deploy was %s by %s: %s at %s.", $3, $5, $4, $2 }')
    # The CLI says so itself, by the exit code.
    [[ $reader == cli ]] || printf 'Nobody is at work here.\n' >&2
    fail 3 ${last:+"$last"} || return
  fi
  open_release "$id"
}

# Prints the whole journal of a release that somebody works on, as it grows. For the CLI, first prints the release's id and its
# plan.json, each on its own line, and the time on this host. Arguments: release or nothing. Returns: as follow
attach() {
  open_at_work "${1-}"
  if [[ $reader == cli ]]; then
    printf '%s\n' "$release"
    if [[ -s $dir/plan.json ]]; then tr -d '\n' <"$dir/plan.json" && printf '\n'; else printf '{}\n'; fi
  fi
  # An earlier interrupted release is settled first.
  until [[ -e $journal ]] || ! is_running; do pause 0.1; done
  [[ $reader == person ]] || tell_time
  follow_for_cli
}

# Prints the current time as a line of a journal.
tell_time() {
  local now=${EPOCHREALTIME-$(date +%s.%6N)}
  printf '%s\t0\tnow\t\n' "${now/./}"
}

# Undoes a release. Arguments: release, or nothing for the one that somebody works on. From the CLI: who, on standard input
abort() {
  local word who
  open_at_work "${1-}"
  load_journal
  for word in committed finished undone broken; do
    ! journal_has "0/$word" || fail 3 "Too late: release $release is $word."
  done
  [[ ! -e $dir/go.switched ]] || fail 3 "Too late: all hosts are committing release $release."
  who="${SUDO_USER:-$(id -un)} by hand"
  [[ $reader == person ]] || IFS= read -r who || true
  # The file counts as soon as it exists, so it must appear complete.
  printf '%s\n' "${who//[[:cntrl:]]/ }" >"$dir/abort.$$" && mv "$dir/abort.$$" "$dir/abort"
  printf 'Release %s is being undone.\n' "$release" >&2
}

# Waits until nobody is at work. Arguments: seconds at most
queue() {
  [[ ! -e $state/running ]] || flock -sw "$1" "$state/running" true || fail 3 "Somebody is still at work here: $(at_work)"
}
