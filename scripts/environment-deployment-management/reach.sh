#!/usr/bin/env bash
# The reach check: fronts must reach what is behind them, and services must reach those that they link to, depend on or mention.
# Runs before anything is changed, and again before the commit.
# Sourced by environment-deployment-management.sh.

# Seconds until a target counts as unreachable. Names resolve at once, while a gateway takes its time to try again.
readonly name_patience=2 front_patience=5 gateway_patience=15
# For running containers: ids by service; networks and names by id. For services that do not run: their exit codes.
declare -A running=() networks_of=() name_of=() ended=()
# Of fronts: a line a port, as ports_of has it; whether they have requests wait.
declare -A front_ports=() front_holds=()

look_around() {
  local id name service status code networks lines
  running=() networks_of=() name_of=() ended=() answered=() routes=''
  # Once, for all that look at one of them after the other.
  has_way none || true
  read_fronts
  lines=$(inspect_networks) || return
  while IFS=$'\t' read -r id name service status code networks; do
    [[ -n $id ]] || continue
    if [[ $status == running ]]; then
      running[$service]+=" $id" networks_of[$id]=$networks name_of[$id]=$name
    else
      ended[$service]=$code
    fi
  done <<<"$lines"
}

# Sets: front_ports, front_holds
read_fronts() {
  local path fact files=("$state"/fronts/*/haproxy.cfg)
  front_ports=() front_holds=()
  ((${#files[@]} > 0)) || return 0
  while IFS=$'\t' read -r path fact; do
    path=${path%/*} path=${path##*/}
    if [[ $fact == hold ]]; then front_holds[$path]=yes; else front_ports[$path]+=${front_ports[$path]:+$'\n'}$fact; fi
  done < <(list_ports "${files[@]}")
}

# Records what can be reached before anything is changed.
do_look() {
  local line subject subjects=() found
  for line in "${plan[@]}"; do [[ $line != reach$'\t'* ]] || IFS=$'\t' read -ra subjects <<<"$line"; done
  look_around || return
  # Without containers there is nothing to compare with.
  ((${#running[@]} > 0)) || return 0
  while IFS=$'\x1f' read -r subject verdict found _; do
    [[ $verdict == absent ]] || tell 0 seen "before:$subject=$verdict$found" || return
  done < <(judge_all "${subjects[@]:2}")
}

# Arguments: seconds that a container may take until it listens; then what is to be reached: a service with a front;
# SERVICE>PORT, which answers in HTTP; SERVICE>PORT>tcp; SERVICE>TARGET>NAME>PORT, with - where any port will do
do_reach() {
  local began=$SECONDS subject waiting unreached=("${@:2}") left backoff='' culprit
  local -A reasons=() verdicts=()
  while :; do
    look_around || return
    left=("${unreached[@]}") unreached=() waiting=0
    while IFS=$'\x1f' read -r subject verdict _ reason; do
      verdicts[$subject]=$verdict reasons[$subject]=$reason
    done < <(judge_all "${left[@]}")
    for subject in "${left[@]}"; do
      verdict=${verdicts[$subject]-} reason=${reasons[$subject]-}
      [[ $verdict != @(ok|absent) ]] || continue
      unreached+=("$subject")
      if ! is_fatal "$subject" "$verdict"; then
        [[ $verdict == closed ]] || ((SECONDS - began > name_patience)) || waiting=$((waiting + 1))
      elif ((SECONDS - began <= $(patience_for "$verdict" "$1"))); then
        waiting=$((waiting + 1))
      else
        break 2
      fi
    done
    ((waiting > 0)) || break
    ! is_aborted || return
    pause_longer 200 500
  done
  if has_crashed; then
    explain "$culprit"
    return 1
  fi
  conclude "${unreached[@]}"
}

# Prints for how many seconds a verdict may still improve. Arguments: verdict, seconds that a container may take
patience_for() {
  case $1 in
    name | down) printf '%s\n' "$name_patience" ;;
    worse) printf '%s\n' "$gateway_patience" ;;
    closed) printf '%s\n' "$2" ;;
    *) printf '%s\n' "$front_patience" ;;
  esac
}

# Whether an unreached target is the release's fault. It is not if it was as unreached before and is no part of what the release
# changes. A port at which nobody listened before is not either, because it may only be mentioned. Arguments: what is not reached,
# verdict
is_fatal() {
  local before=${journal_facts["before:$1"]-} changed part words
  [[ $2 != closed || $before == ok* ]] || return 1
  [[ ${before%% *} == "$2" ]] || return 0
  IFS=$'\t' read -r _ _ _ _ changed _ <"$dir/who" || true
  IFS='>' read -ra words <<<"$1"
  for part in "${words[@]:0:2}"; do [[ " $changed " != *" $part "* ]] || return 0; done
  return 1
}

# Reports what is not reached. Arguments: targets. Uses: verdicts, reasons. Sets: reason. Returns: 1 when that is a reason to undo
conclude() {
  local subject fatal=()
  for subject in "$@"; do
    if is_fatal "$subject" "${verdicts[$subject]}"; then fatal+=("${reasons[$subject]}"); else
      tell "$step" note "${reasons[$subject]}$([[ ${journal_facts["before:$subject"]-} != "${verdicts[$subject]}"* ]] || printf ', as before')" || return
    fi
  done
  ((${#fatal[@]} > 0)) || return 0
  ((${#fatal[@]} == 1)) || printf '%s\n' "${fatal[@]}" | log_lines
  reason=${fatal[0]}
  ((${#fatal[@]} == 1)) || reason+=", and $((${#fatal[@]} - 1)) more"
  return 1
}
