#!/usr/bin/env bash
# The journal: TIME_US <tab> STEP <tab> STATE <tab> DETAIL; step 0 is the release itself.
# Sourced by environment-deployment-management.sh.

declare -A journal_facts=()
exec {silence}<> <(:)

# Waits without starting a process. Arguments: seconds
pause() { read -rt "$1" -u "$silence" || true; }

# Waits, twice as long each time: frequent polling takes processor time from a server that has requests to answer.
# Arguments: milliseconds at first, at most. Uses and sets: backoff, as below
pause_longer() { back_off "$@" && pause "$backoff"; }

# Arguments: milliseconds at first, at most. Uses and sets: backoff, seconds to wait next; empty at first
back_off() {
  local milliseconds=$1
  [[ -z $backoff ]] || milliseconds=$((10#${backoff/./} * 2))
  ((milliseconds < $2)) || milliseconds=$2
  printf -v backoff '%d.%03d' "$((milliseconds / 1000))" "$((milliseconds % 1000))"
}

# Appends a line and syncs it to disk, with everything before it. Arguments: step, state, detail
note() { tell "$@" && sync -d "$journal"; }

# Appends a line that a power cut may lose, because its content can be found out again. Arguments: step, state, detail
tell() {
  local now=${EPOCHREALTIME-$(date +%s.%6N)} bare
  strip "${3-}" ' '
  printf '%s\t%s\t%s\t%s\n' "${now/./}" "$1" "$2" "$bare" >>"$journal" || return
  learn "$1/$2" "$bare"
}

# Sets an element of journal_facts, the first time only: the detail of a line by STEP/STATE, or a seen fact by its own name.
learn() {
  if [[ $1 == */seen ]]; then set -- "${2%%=*}" "${2#*=}"; fi
  journal_has "$1" || journal_facts["$1"]=$2
}

journal_has() { [[ -n ${journal_facts["$1"]+x} ]]; }

# Removes what a terminal would obey from a text. Escape sequences go as a whole: the rest of one would tear words apart.
# Sets: bare
# Arguments: text, what replaces a tab or another control character
strip() {
  local sequence=$'\e''\[[0-9;:?]*[A-Za-z@`~]'
  bare=$1
  while [[ $bare =~ $sequence ]]; do bare=${bare//"${BASH_REMATCH[0]}"/}; done
  bare=${bare//[[:cntrl:]]/$2}
}

# Copies standard input into the journal as output of the current step.
log_lines() {
  local line now bare
  while IFS= read -r line || [[ -n $line ]]; do
    now=${EPOCHREALTIME-$(date +%s.%6N)}
    strip "${line//$'\t'/ }" ''
    printf '%s\t%s\tlog\t%s\n' "${now/./}" "$step" "$bare" >>"$journal"
  done
}

# A power cut can leave half a line, which the next one must not continue.
close_line() { [[ -z $(tail -c 1 "$journal") ]] || printf '\n' >>"$journal"; }

load_journal() {
  local number word detail
  journal_facts=()
  [[ -s $journal ]] || return 0
  close_line
  while IFS=$'\t' read -r _ number word detail; do
    [[ -z $word ]] || learn "$number/$word" "$detail"
  done <"$journal"
}

# Prints the journal as it grows, until the release has ended. Every ten seconds tells the CLI that it is alive, by a line of step
# 0 that is not in the journal. Uses: alive_to, the descriptor for that, where the CLI listens
# Arguments: the executor's process id, where it is this process's child; yes, where standard input has the CLI's messages
# Returns: what the end means: 0, 4 or 5; where nobody works on the release any more, 3 if it never began, else 5
follow() {
  local executor=${1-} listening=${2-no} message='' line='' part turn=0 dead=no broken shown=0 calm=$((SECONDS + 10))
  [[ -e $journal ]] || fail 3 "Release $release was never started here." || return
  exec 8<"$journal"
  while :; do
    broken=no
    while IFS= read -r part <&8; do
      line+=$part broken=no shown=$((shown + 1))
      show "$line" || return
      # A journal that grows faster than this reads must not keep it from reading messages.
      [[ $listening != yes || $((shown % 100)) != 0 ]] || read_message
      case $line in
        *$'\t0\tfinished\t'*) return 0 ;;
        *$'\t0\tundone\t'*) return 4 ;;
        # Unless the release is tried again.
        *$'\t0\tbroken\t'*) broken=yes ;;
      esac
      line=''
    done
    [[ $broken == no || -n $part ]] || return 5
    line+=$part
    [[ $dead == no ]] || break
    if [[ -n ${alive_to-} ]] && ((SECONDS >= calm)); then
      printf '0\t0\talive\t\n' >&"$alive_to" || return
      calm=$((SECONDS + 10))
    fi
    turn=$((turn + 1))
    if [[ -n $executor ]]; then
      kill -0 "$executor" 2>/dev/null || dead=yes
    elif ((turn % 50 == 1)); then
      is_running || dead=yes
    fi
    if [[ $listening == yes ]]; then read_message; else pause 0.02; fi
  done
  [[ -s $journal ]] || fail 3 "Release $release could not be started. See $dir/log." || return
  fail 5 "Nobody works on release $release any more, and it has not ended: it was killed, or the Docker daemon is away." \
    "The next deploy finishes or undoes it, and so does: $script -p $project recover"
}

# Follows a release, for the verbs that do nothing else.
follow_for_cli() {
  local alive_to=
  [[ $reader == person ]] || alive_to=1
  follow
}

# Prints a journal line: unchanged for the CLI, readable for a person.
show() {
  local time state detail
  if [[ $reader == cli ]]; then
    printf '%s\n' "$1"
    return
  fi
  IFS=$'\t' read -r time _ state detail <<<"$1"
  [[ $state == seen ]] || printf '%(%T)T  %-9s %s\n' "${time::10}" "${state/#log/|}" "$detail"
}
