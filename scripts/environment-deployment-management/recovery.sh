#!/usr/bin/env bash
# After a crash: of the executor, of the Docker daemon, of the machine.
# Sourced by environment-deployment-management.sh.

# Seconds to wait for the daemon, for containers that it restarts, and for processes that a killed executor left behind.
readonly engine_patience=60 calm_patience=30 orphan_patience=10

# Does or undoes a step. If the Docker daemon goes away meanwhile, waits for it. Then tries again what has to succeed: what
# follows the commit, and every undo. Arguments: do or undo; verb, its arguments
run_with_engine_retry() {
  local code=0
  "$1_$2" "${@:3}" || code=1
  [[ $code == 1 || $1 == undo ]] && ! answers || return "$code"
  await_engine || return
  [[ $1 == undo ]] || journal_has 0/committed || return "$code"
  "$1_$2" "${@:3}"
}

# Whether the Docker daemon answers.
answers() { limit=5 engine version --format ' ' >/dev/null 2>&1; }

# Waits for the Docker daemon. Returns: 1 when it stays away
await_answer() {
  local deadline=$((SECONDS + engine_patience))
  until answers; do
    ((SECONDS <= deadline)) || return
    pause 0.5
  done
}

# Waits for the daemon like that, and records it in the journal. Then waits until the containers that the daemon restarted are up.
# Sets: stalled, when it stays away
await_engine() {
  if ! answers; then
    note "$step" note 'waiting for the Docker daemon' || return
    await_answer || {
      stalled=yes
      note "$step" note "the Docker daemon did not come back within $engine_patience s"
      return 1
    }
    note "$step" note 'the Docker daemon is back' || return
  fi
  await_calm
}

# Waits for a limited time until no container of the project is starting: a container that has to serve must be up.
await_calm() {
  local deadline=$((SECONDS + calm_patience)) starting
  while ((SECONDS <= deadline)); do
    starting=$(containers --filter status=running --filter health=starting --format '{{.ID}}' 2>/dev/null) && [[ -n $starting ]] || return 0
    pause 0.1
  done
}

# Finishes or undoes releases that nobody brought to an end. If there are none, tries again a release that could be neither
# finished nor undone. For the CLI prints the release that serves, what became of each, and in which order releases were here.
recover() {
  local code=0
  refuse_when_locked || return
  answers || printf 'Waiting for the Docker daemon.\n' >&2
  await_answer || true
  check_docker || return
  end_orphans || true
  take_lock "${SUDO_USER:-$(id -un)} by hand, recovering" "$orphan_patience" || return
  sweep
  settled=()
  settle_others again || code=$?
  if [[ $reader == cli ]]; then
    printf '%s\n' "current"$'\t'"$(current_release)" "${settled[@]}" "$(release_order)"
  elif ((code == 0)); then
    printf 'Nothing is left unsettled. This release serves: %s\n' "$(current_release)" >&2
  fi
  return "$code"
}

# Prints the last few hundred releases that were applied here, in that order, in one line.
release_order() { tail -n 500 "$state/history" 2>/dev/null | awk -F '\t' '{ line = line "\t" $3 } END { print "order" line }'; }

# Removes what killed runs left behind. Nobody uses it once the lock is held.
sweep() { rm -rf "$shared_memory/coldtivate.$project".?????? || true; }

# Whether a process is alive, and not a zombie that its parent has yet to collect. Arguments: its id
is_alive() { grep -qs $'^State:\t[^XZ]' "/proc/$1/status"; }

# Ends processes that a killed executor left behind and that hold the lock, once they had time to end by themselves. Returns: 1
# when somebody is at work who was not killed
end_orphans() {
  local path pid group session orphans=()
  ! (exec 9>>"$state/running" && flock -w "$orphan_patience" 9) 2>/dev/null || return 0
  for path in /proc/[0-9]*/fd/9; do
    [[ $path -ef $state/running ]] || continue
    pid=${path#/proc/} pid=${pid%%/*}
    session=$(<"/proc/$pid/stat") || continue
    read -r _ _ group session _ <<<"${session##*) }"
    ! is_alive "$session" || return
    # The whole process group, because a hook does not hold the lock itself.
    orphans+=("-$group")
  done 2>/dev/null
  ((${#orphans[@]} == 0)) || kill -KILL -- "${orphans[@]}" 2>/dev/null
}

# Finishes or undoes what a crash interrupted, each release with its own copy of this script.
# Arguments: again, to try once more a release that could be neither finished nor undone. Sets: settled, a line for each
settle_others() {
  local id ids outcome code mine=${release-} mode=$reader
  settled=()
  ids=$(unsettled_releases)
  [[ -n $ids || -z ${1-} ]] || ids=$(broken_release)
  [[ -z $ids ]] || check_docker || return
  for id in $ids; do
    printf 'Release %s was interrupted: it is finished or undone first.\n' "$id" >&2
    open_release "$id" || return
    close_line && note 0 note 'taken up again' || return
    launch || return
    reader=person code=0
    # Standard output belongs to the CLI.
    alive_to=${alive_to:+3} follow "$executor" 3>&1 >&2 || code=$?
    reader=$mode
    case $code in 0) outcome=finished ;; 4) outcome=undone ;; *) outcome=broken ;; esac
    settled+=("$id"$'\t'"$outcome")
    [[ $outcome != broken ]] || fail 5 "Release $id could be neither finished nor undone. A person is needed; see $journal." || return
  done
  [[ -z $mine ]] || open_release "$mine"
}

# Prints the release that could be neither finished nor undone, if nothing has been deployed since.
broken_release() {
  awk -F '\t' '{ id = $4 == "broken" ? $3 : "" } END { if (id) print id }' "$state/history" 2>/dev/null || true
}
