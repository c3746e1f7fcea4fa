#!/usr/bin/env bash
# The transaction: before `committed` a failure undoes the release, and after it the release is finished.
# Sourced by environment-deployment-management.sh.

# Does every step that is not done yet, in order. Returns: 1 at the first that fails. Sets: step, reason
forward() {
  for ((step = 1; step <= ${#plan[@]}; step++)); do
    ! journal_has "$step/done" || continue
    ! is_aborted || { blame && return 1; }
    [[ -z $credentials ]] || will pull || drop_credentials
    take_step "${plan[step - 1]}" || return
  done
}

# Notes that the release was aborted, and by whom, if they said who they are. Sets: reason, the same for people
blame() {
  local who=''
  IFS= read -r who <"$dir/abort" || true
  journal_has 0/aborted || tell 0 aborted "$who" || true
  reason="aborted${who:+ by $who}"
}

# Whether this step or a later one begins with these fields. Uses no pipe, whose writer fails once nobody reads it any more.
# Arguments: fields, with tabs between
will() {
  local line
  for line in "${plan[@]:step-1}"; do
    [[ $line != "$1" && $line != "$1"$'\t'* ]] || return 0
  done
  return 1
}

# Arguments: a line of the plan
take_step() {
  local fields begin=tell
  IFS=$'\t' read -ra fields <<<"$1"
  reason="${fields[0]} failed"
  # Recovery after a crash has to know what there is to undo.
  ! declare -F "undo_${fields[0]}" >/dev/null || begin=note
  "$begin" "$step" begin "${fields[*]}" || return
  if run_with_engine_retry do "${fields[@]}"; then
    tell "$step" 'done'
  elif [[ $stalled == yes ]]; then
    return 1
  elif journal_has 0/committed && [[ ${fields[0]} != commit ]]; then
    tell "$step" note "$reason; the next deploy tries again" && tell "$step" 'done'
  else
    ! is_aborted || blame
    note "$step" failed "$reason"
    return 1
  fi
}

# Undoes every step that began, the last one first. Returns: 1 when one cannot be undone
backward() {
  local fields reason bad=0
  undoing=yes
  for ((step = ${#plan[@]}; step > 0; step--)); do
    { journal_has "$step/begin" && ! journal_has "$step/undone"; } || continue
    IFS=$'\t' read -ra fields <<<"${plan[step - 1]}"
    reason="${fields[0]} cannot be undone"
    if ! declare -F "undo_${fields[0]}" >/dev/null || run_with_engine_retry undo "${fields[@]}"; then
      note "$step" undone || return
    elif [[ $stalled == yes ]]; then
      return 1
    else
      note "$step" stuck "$reason" || return
      bad=1
    fi
  done
  return "$bad"
}

# Brings the release from where its journal stands to its end. Runs detached, and holds the lock.
# Arguments: release; directory with registry credentials, or nothing
execute() {
  open_release "$1"
  credentials=${2-} step=0 undoing=no stalled=no reason='interrupted by a crash'
  trap drop_credentials EXIT
  load_journal
  if ! journal_has 0/begin; then
    note 0 begin "$(<"$dir/by")"
    ! forward || { end finished && return; }
  else
    await_engine || true
    ! is_aborted || blame
  fi
  # The release stays unsettled: without the daemon it cannot be settled.
  [[ $stalled == no ]] || return 0
  if journal_has 0/committed; then
    if forward; then end finished; elif [[ $stalled == no ]]; then end broken "$reason"; fi
  elif backward; then
    end undone "$reason"
  elif [[ $stalled == no ]]; then
    end broken "$reason"
  fi
}

# Uses: tasks, the containers of tasks
remove_tasks() { engine rm -f "${tasks[@]}" >/dev/null 2>&1; }

# Arguments: finished, undone or broken; why
end() {
  local line began ref='' commit='' changed='' repeats='' tasks=()
  drop_credentials
  for line in "${plan[@]}"; do
    IFS=$'\t' read -ra line <<<"$line"
    [[ ${line[0]} != task ]] || tasks+=("$project-$release-${line[1]}" "$project-$release-undo-${line[1]}")
  done
  # All tasks have ended, or were told to.
  ((${#tasks[@]} == 0)) || remove_tasks || { await_engine && remove_tasks; } || true
  tell_hook "$1"
  IFS=$'\t' read -r began _ <"$journal"
  IFS=$'\t' read -r _ _ commit ref changed repeats <"$dir/who" || true
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(date -u -d "@${began::10}" +%FT%TZ)" "$(date -u +%FT%TZ)" "$release" "$1" "$(<"$dir/by")" \
    "${commit:--}" "${ref:--}" "${changed:--}" "${repeats:--}" >>"$state/history"
  note 0 "$1" "${2-}"
}
