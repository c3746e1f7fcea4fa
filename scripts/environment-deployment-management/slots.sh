#!/usr/bin/env bash
# Slots: the steps that bring one up, make its front serve it, and take the other one down.
# Sourced by environment-deployment-management.sh.

# Seconds that a slot gets to end if it gives way to the one before it.
readonly unwanted_grace=5
declare -A revived=()
# Container ids of slots that give way, by slot, as far as they were looked up already.
declare -A leaving=()
# When the idle slots of services were found well, in seconds since the epoch.
declare -A well_at=()

do_keep() {
  local service same
  same=$(comm -12 <(compose "$dir" config --hash '*' | sort -u) \
    <(containers --filter status=running --format "{{.Label \"$service_label\"}} {{.Label \"com.docker.compose.config-hash\"}}" | sort -u))
  for service in "$@"; do
    find_slots "$service" || return
    ! grep -q "^$service-$was " <<<"$same" || note 0 seen "kept:$service=yes" || return
  done
}

do_start() {
  local service slots=() starting code=0
  for service in "$@"; do
    find_slots "$service" || return
    [[ $live == "$idle" ]] || slots+=("$service-$idle")
  done
  ((${#slots[@]} > 0)) || return 0
  start_slots "${slots[@]}" &
  starting=$!
  # A single service does this while it becomes healthy, which leaves the processor to its start.
  (($# == 1)) || for service in "$@"; do get_ready "$service" || code=1; done
  wait "$starting" || code=1
  [[ ! -e $dir/unstarted ]] || reason=$(<"$dir/unstarted")
  return "$code"
}

# Prepares a switch in advance: makes the front check its configuration, and looks up the containers that will leave.
# Arguments: service, with a front. Sets: reason, when the front refuses it
get_ready() {
  find_slots "$1" && [[ $was != @(-|"$idle") ]] || return 0
  [[ $live == "$idle" ]] || ! find_front "$1" || propose "$1" "$idle" cfg || return
  [[ -n ${leaving["$1-$was"]+x} ]] || leaving["$1-$was"]=$(ids_of "$1-$was" | paste -sd ' ')
}

# Starts slots in the background. The rest of the step finds out from a file why it failed. Arguments: services, which are slots
start_slots() {
  rm -f "$dir/unstarted"
  # With new containers and new anonymous volumes: what may be left of another release belongs to nobody.
  bring_up "$dir" --force-recreate --renew-anon-volumes "$@" && return
  printf '%s\n' "$reason" >"$dir/unstarted"
  return 1
}
undo_start() {
  local service slots=()
  for service in "$@"; do
    find_slots "$service" || return
    [[ $was != "$idle" ]] || continue
    reason="the front of $service still serves $service-$idle"
    [[ $live != "$idle" ]] || return
    await_drained "$service" "$(drain_limit "$service")" || true
    slots+=("$service-$idle")
  done
  # Nobody needs them any more. One that ignores its stop signal must not keep people waiting.
  ((${#slots[@]} == 0)) || grace=$unwanted_grace remove_services "${slots[@]}"
}

# Prints how many seconds the plan gives a front to finish what is in flight. Arguments: service
drain_limit() {
  printf '%s\n' "${plan[@]}" | awk -F '\t' -v service="$1" '$1 == "drain" && $2 == service { limit = $3 } END { print limit + 0 ? limit : 30 }'
}

do_front() {
  local service slot new=()
  for service in "$@"; do
    find_slots "$service" || return
    slot=${live/#-/$idle}
    # A held service has only one slot, whatever it had before.
    [[ $idle != slot ]] || slot=$idle
    if [[ $live == - ]] || ! find_front "$service"; then
      configure "$service" "$slot" cfg none next.cfg || return
      new+=("$service-$slot")
    # Between changes the file holds what HAProxy would boot with.
    elif ! cmp -s <(render "$service" "$slot" cfg none) "$state/fronts/$service/haproxy.cfg"; then
      switch_front "$service" "$slot" cfg || return
    fi
  done
  check_configurations "${new[@]%-*}" || return
  for slot in "${new[@]}"; do record "${slot%-*}" "${slot##*-}" || return; done
  # The slots run already, and the first request must not wait until they are found.
  for service in "$@"; do alter "$service" 's/init-addr none/init-addr libc,none/' || return; done
  replace "$dir" "$@" || return
  for service in "$@"; do await_front "$service" || return; done
  tell_gaps "$@" || return
  for service in "$@"; do settle "$service" || return; done
}
undo_front() {
  local service
  restore "$@" || return
  for service in "$@"; do
    find_slots "$service" && settle "$service" || return
    if [[ $was == - ]]; then rm -rf "$state/fronts/$service"; else switch_front "$service" "$was" cfg; fi || return
  done
}

# Whether the idle slot is still well: other steps may have taken a long time since it was. Arguments: service
is_still_well() {
  local patience
  ((EPOCHSECONDS - ${well_at[$1]-0} > 1)) || return 0
  read -ra patience < <(patience_with "$1")
  do_healthy "$1@idle" "${patience[@]}"
}

# Prints for how long, and how, the plan checks the new containers of a service. Arguments: service
patience_with() {
  printf '%s\n' "${plan[@]}" |
    awk -F '\t' -v name="$1@idle" -v slot="$1-slot" '$1 == "healthy" && ($2 == name || $2 == slot) { found = $3 " " $4 " 1 " $6 } END { print found ? found : "60 2" }'
}

do_switch() { find_slots "$1" && { [[ $live == "$idle" ]] || { is_still_well "$1" && switch_front "$1" "$idle" cfg; }; }; }
undo_switch() {
  find_slots "$1" || return
  [[ $was != @(-|"$idle") ]] || return 0
  reason="$1-$was did not come back, so that $1-$idle serves"
  [[ ${revived[$1]-} != no ]] && switch_front "$1" "$was" cfg
}

# Arguments: service with a front; for how many seconds what is in flight may go on; then, where clients are told to leave,
# for how many once they were told, and how that is done
do_hold() {
  find_slots "$1" || return
  # When a person deploys, it may be that nothing is replaced, or that there is no front yet at which a request could wait.
  ! journal_has "kept:$1" && [[ $live != - ]] && find_front "$1" || return 0
  switch_front "$1" "$live" hold.cfg || return
  if (($# > 2)); then
    # An undo has to know about it.
    note "$step" seen "told:$1=$(ids_of "$1-$live" | paste -sd ' ')" && tell_to_leave "$1-$live" "${@:4}" || return
    await_drained "$1" "$3" || true
  else
    await_drained "$1" "$2" || note "$step" note "$1: what is in flight did not finish within $2 s"
  fi
}
undo_hold() {
  local told
  find_slots "$1" || return
  [[ $was != - ]] && find_front "$1" || return 0
  # A container that was told to end goes on sending clients away.
  for told in ${journal_facts["told:$1"]-}; do
    [[ " $(ids_of "$1-$was" | paste -sd ' ') " == *" $told "* ]] || continue
    revive_slot "$1-$was" "$1" || return
    break
  done
  # Waiting requests must have gone through before the configuration without a gate is back.
  if ! grep -qs 'bind 127\.0\.0\.1:' "$state/current/fronts/$1.cfg"; then
    undoing=no switch_front "$1" "$was" cfg || return
    await_drained "$1" 10 || true
  fi
  switch_front "$1" "$was" cfg
}
# A held service has only one slot, whatever it had before.
do_open() {
  find_slots "$1" || return
  ! journal_has "kept:$1" && [[ $live != - ]] && find_front "$1" || return 0
  switch_front "$1" slot cfg
}
undo_open() {
  find_slots "$1" || return
  [[ $was != - ]] && find_front "$1" || return 0
  # A crash may have come before the front had loaded its configuration. Lets waiting requests through first: the worker that
  # holds them ends soon after another one has taken over.
  undoing=no switch_front "$1" slot cfg || return
  switch_front "$1" "$was" hold.cfg && { await_drained "$1" "$(drain_limit "$1")" || true; }
}

do_signal() {
  resolve "$1" && [[ -n $service ]] || return 0
  tell_to_leave "$service" "${@:3}" || return
  await_drained "${1%@*}" "$2" || true
}

# Makes a service send its clients away. Arguments: service, which is a slot; file and its path, or command and its words
tell_to_leave() {
  local ids id
  reason="$1 was not told that it is to end"
  ids=$(ids_of "$1") && place "$dir/signal" </dev/null || return
  while IFS= read -r id; do
    case $2 in
      file) engine cp "$dir/signal" "$id:$3" >/dev/null 2>&1 || return ;;
      command) engine exec "$id" "${@:3}" </dev/null 2>&1 | log_lines || return ;;
    esac
  done <<<"$ids"
}

# Before the commit: containers that were told to leave take no more requests.
undo_signal() { revive "$1"; }

do_drain() {
  local began cut ids=()
  find_slots "$1" && [[ $was != @(-|"$idle") ]] && find_front "$1" || return 0
  # In the background, and only after the commit. Before it they may have to serve on.
  read -ra ids <<<"${leaving["$1-$was"]-}" || true
  if ((${#ids[@]} > 0)) && journal_has 0/committed; then let_go "${ids[@]}" & fi
  await_drained "$1" "$2" || note "$step" note "$1: connections are open after $2 s; they end when $1-$was stops"
  ((SECONDS >= ${cuts_from[$1]-0})) || return 0
  IFS=$'\t' read -r began _ <"$journal"
  cut=$(engine logs --since "${began::10}" "$front" 2>&1 | awk -F '[()]' '/ hard-stopped \(/ { cut += $(NF - 1) } END { print cut + 0 }')
  ((cut == 0)) || note "$step" note "$1: $cut connections to $1-$was were cut after $2 s"
}

do_stop() {
  local name services=() ids=() known
  for name in "$@"; do
    resolve "$name" || return
    [[ -n $service ]] || continue
    read -ra known <<<"${leaving[$service]-}" || true
    # These were told to stay down while their front drained.
    if journal_has 0/committed && ((${#known[@]} > 0)); then
      ids+=("${known[@]}")
      say_goodbye "$service" "$state/current" || true
    else
      services+=("$service")
    fi
  done
  ((${#ids[@]} == 0)) || remove_containers "${ids[@]}" || return
  ((${#services[@]} == 0)) || remove_services "${services[@]}" || return
  # Waits until all of them have been told.
  wait
}
# Slots are stopped before the commit if memory is short.
undo_stop() {
  local name bad=0
  for name in "$@"; do revive "$name" || bad=1; done
  return "$bad"
}

# Brings back the slot that served when the release began, in new containers, while the front still serves the other one.
# Arguments: service@was. Returns: 1 when it does not turn healthy. Sets: revived, by service, whether it did
revive() {
  local owner=${1%@*}
  resolve "$1" || return
  [[ -n $service ]] || return 0
  if [[ -n ${revived[$owner]-} ]]; then
    [[ ${revived[$owner]} == yes ]]
    return
  fi
  revived[$owner]=no
  revive_slot "$service" "$owner" || return
  revived[$owner]=yes
}

# Runs a slot in new containers, as the serving release defines it, as patiently as the new slot. Arguments: slot, service
revive_slot() {
  local patience
  read -ra patience < <(patience_with "$2")
  remove_services "$1" && bring_up "$state/current" "$1" && wait_until_healthy "$1" "${patience[@]}"
}
