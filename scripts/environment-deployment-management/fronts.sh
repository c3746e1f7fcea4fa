#!/usr/bin/env bash
# Fronts and slots: the front's own file says what it serves.
# Sourced by environment-deployment-management.sh.

readonly front_mount=/usr/local/etc/haproxy
# Seconds that a slot which gives way to the one before it has to end.
readonly unwanted_grace=5
declare -A fronts_found=() proposed=() cuts_from=()
declare -A revived=()
# When the idle slots of services were found well, in seconds since the epoch.
declare -A well_at=()

# Arguments: a service with a front
# Sets: live; was, live when the release began; - for both where there is no front; idle, the slot that takes over, or was where the service is kept
find_slots() {
  live=- idle=blue
  [[ ! -s $state/fronts/$1/live ]] || live=$(<"$state/fronts/$1/live")
  has "was:$1" || note 0 seen "was:$1=$live" || return
  was=${noted["was:$1"]}
  [[ $was != blue ]] || idle=green
  [[ ! -e $dir/fronts/$1.hold.cfg ]] || idle=slot
  ! has "kept:$1" || idle=$was
}

# Arguments: service, service@idle or service@was. Sets: service, nothing where there is no such slot
resolve() {
  service=$1
  [[ $1 == *@* ]] || return 0
  find_slots "${1%@*}" || return
  case $1 in
    *@idle) service=${1%@*}-$idle ;;
    *) if [[ $was == @(-|"$idle") ]]; then service=''; else service=${1%@*}-$was; fi ;;
  esac
}

# Arguments: service. Sets: front, its container, the newest where there are two; master, its first process. Returns: 1 where it does not run
find_front() {
  local mounts
  read -r front master <<<"${fronts_found[$1]-}" || true
  ! is_near || return 0
  reason="the front of $1 does not run"
  front=$(ids_of "$1") && front=${front%%$'\n'*} && [[ -n $front ]] &&
    read -r master mounts < <(engine container inspect --format '{{.State.Pid}} {{range .Mounts}}{{.Source}} {{end}}' "$front") &&
    [[ $master != 0 && " $mounts " == *" $state/fronts/$1 "* ]] && fronts_found[$1]="$front $master"
}

# Whether the front's first process is one here, too: the engine may count in another namespace.
is_near() { [[ -n $front && -r /proc/$master/task/$master/children ]] && grep -qs "$front" "/proc/$master/cgroup"; }

# Prints the process ids of the front's workers, sorted: more than one while an old one finishes what is in flight.
workers() {
  if is_near; then xargs -rn 1 <"/proc/$master/task/$master/children"; else
    engine top "$front" -o pid,ppid | awk -v master="$master" '$2 == master { print $1 }'
  fi | sort
}

# Puts standard input in the place of a file that containers read at any time. Arguments: path
place() { cat >"$1.new" && chmod 644 "$1.new" && sync "$1.new" && mv -T "$1.new" "$1"; }

# Prints a front's configuration. Arguments: service, slot, cfg or hold.cfg, when it finds the slot's address
render() {
  local from=$dir
  [[ $undoing == no || ! -e $state/current/fronts/$1.$3 ]] || from=$state/current
  sed "s/@SLOT@/$1-$2/g; s/@INIT@/$4/g" "$from/fronts/$1.$3"
}

# Writes it. Arguments: the same, file's name
configure() {
  mkdir -p "$state/fronts/$1" && chmod 755 "$state/fronts" "$state/fronts/$1" && render "$@" | place "$state/fronts/$1/$5"
}

# Has a front serve a slot. Arguments: service, slot, cfg or hold.cfg. Sets: reason, when the front does not take it
point() {
  propose "$@" && configure "$@" libc,none next.cfg && foresee_cuts "$1" && record "$1" "$2" && reload "$1" && configure "$1" "$2" cfg none haproxy.cfg
}

# Has a front check a configuration, once; it looks up no address for that. Arguments: those of point
propose() {
  local output next
  find_front "$1" && next=$front:$(render "$@" none) || return
  [[ ${proposed[$1]-} != "$next" ]] || return 0
  configure "$@" none next.cfg || return
  output=$(engine exec "$front" haproxy -c -f "$front_mount/next.cfg" 2>&1) || {
    log_lines <<<"$output"
    reason="the front of $1 refuses its configuration: ${output##*$'\n'}"
    return 1
  }
  proposed[$1]=$next
}

# Arguments: service. Sets: cuts_from, by service: until this second nothing is cut; the limit is that of the worker that leaves
foresee_cuts() {
  [[ -z ${cuts_from[$1]-} ]] || return 0
  cuts_from[$1]=0
  [[ ! $(<"$state/fronts/$1/haproxy.cfg") =~ hard-stop-after\ ([0-9]+)ms ]] || cuts_from[$1]=$((SECONDS + BASH_REMATCH[1] / 1000 - 1))
}

# Makes a configuration that was checked the front's own. Arguments: service, slot that it points at
record() {
  local own=$state/fronts/$1
  mv "$own/next.cfg" "$own/haproxy.cfg" && place "$own/live" <<<"$2" && sync "$own"
}

# Returns: 1 when a front has not loaded its configuration after ten seconds: then the old worker serves on
reload() {
  local before now began=${EPOCHREALTIME-$(date +%s)} turn looks=0
  before=$(workers) || return
  for ((turn = 0; turn < 200; turn++)); do
    # A signal that reaches HAProxy while it still starts is lost; one that comes while its new worker starts cuts connections.
    ((turn % 20 != 0 || looks > 0)) || engine kill -s USR2 "$front" >/dev/null || return
    now=$(workers) || return
    if [[ -n $(comm -13 <(printf '%s\n' "$before") <(printf '%s\n' "$now")) ]]; then looks=$((looks + 1)); else looks=0; fi
    ((looks == 0)) || ! has_loaded "$began" "$looks" || return 0
    pause 0.02
  done
  reason="the front of $1 did not load its configuration; it serves what it served before"
  return 1
}

# Whether a front says that its worker serves, which is there before. Arguments: since when; how often the worker was seen
has_loaded() {
  local output
  output=$(engine logs --since "$1" "$front" 2>&1) || {
    # Its log cannot be read: that of a worker that stumbles over its configuration is short.
    (($2 > 20))
    return
  }
  [[ $output == *'Loading success'* ]]
}

# Waits until all that a front had in flight has finished. Arguments: service, seconds. Returns: 1 when it has not by then
await_drained() {
  find_front "$1" || return 0
  await_one_worker "$2"
}

# Arguments: seconds. Uses: front, master
await_one_worker() {
  local deadline=$((SECONDS + $1)) now
  while now=$(workers); do
    [[ $now == *$'\n'* ]] || return 0
    ((SECONDS <= deadline)) || return
    pause 0.05
  done
}

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
  for service in "$@"; do
    { find_slots "$service" && { [[ $live == @(-|"$idle") ]] || ! find_front "$service" || propose "$service" "$idle" cfg; }; } || code=1
  done
  wait "$starting" || code=1
  [[ ! -e $dir/unstarted ]] || reason=$(<"$dir/unstarted")
  return "$code"
}

# Runs beside the rest of its step, which finds out from a file why it failed. Arguments: services, which are slots
start_slots() {
  rm -f "$dir/unstarted"
  remove_services "$@" && bring_up "$dir" "$@" && return
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
  # Nobody needs them any more: one that is deaf to its stop signal must not keep people waiting.
  ((${#slots[@]} == 0)) || grace=$unwanted_grace remove_services "${slots[@]}"
}

# Prints for how many seconds the plan lets a front finish what is in flight. Arguments: service
drain_limit() {
  printf '%s\n' "${plan[@]}" | awk -F '\t' -v service="$1" '$1 == "drain" && $2 == service { limit = $3 } END { print limit + 0 ? limit : 30 }'
}

do_front() {
  local service slot new=()
  for service in "$@"; do
    find_slots "$service" || return
    slot=${live/#-/$idle}
    # A held service has one slot only, whatever it had before.
    [[ $idle != slot ]] || slot=$idle
    if [[ $live == - ]] || ! find_front "$service"; then
      configure "$service" "$slot" cfg none next.cfg || return
      new+=("$service-$slot")
    # At rest the file is what HAProxy would boot with.
    elif ! cmp -s <(render "$service" "$slot" cfg none) "$state/fronts/$service/haproxy.cfg"; then
      point "$service" "$slot" cfg || return
    fi
  done
  check_configurations "${new[@]%-*}" || return
  for slot in "${new[@]}"; do record "${slot%-*}" "${slot##*-}" || return; done
  # The slots run already: who asks first is not to wait until they are found.
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
    if [[ $was == - ]]; then rm -rf "$state/fronts/$service"; else point "$service" "$was" cfg; fi || return
  done
}

# Checks configurations of fronts that do not run yet. Arguments: services
check_configurations() {
  local image output
  (($# > 0)) || return 0
  image=$(compose "$dir" config --images "$1") || return
  output=$(engine run --rm --network none --volume "$state/fronts:$front_mount:ro" "$image" \
    sh -c "set -e; for front in $*; do haproxy -c -f $front_mount/\$front/next.cfg; done" 2>&1) && return
  log_lines <<<"$output"
  reason="a front refuses its configuration: ${output##*$'\n'}"
  return 1
}

# Waits until a front serves. Arguments: service
await_front() {
  local deadline=$((SECONDS + 15)) looks=0
  until find_front "$1" && [[ -n $(workers) ]] && has_loaded 1 "$((looks += 1))"; do
    ((SECONDS <= deadline)) || {
      [[ -z $front ]] || explain "$front"
      return 1
    }
    pause 0.05
  done
}

# Whether the idle slot is well: others may have taken long since it was. Arguments: service
is_still_well() {
  local patience
  ((EPOCHSECONDS - ${well_at[$1]-0} > 1)) || return 0
  read -ra patience < <(patience_with "$1")
  do_healthy "$1@idle" "${patience[@]}"
}

# Prints for how long, and how, the plan has the new containers of a service looked at. Arguments: service
patience_with() {
  printf '%s\n' "${plan[@]}" |
    awk -F '\t' -v name="$1@idle" '$1 == "healthy" && $2 == name { found = $3 " " $4 " 1 " $6 } END { print found ? found : "60 2" }'
}

do_switch() { find_slots "$1" && { [[ $live == "$idle" ]] || { is_still_well "$1" && point "$1" "$idle" cfg; }; }; }
undo_switch() {
  find_slots "$1" || return
  [[ $was != @(-|"$idle") ]] || return 0
  reason="$1-$was did not come back, so that $1-$idle serves"
  [[ ${revived[$1]-} != no ]] && point "$1" "$was" cfg
}

do_hold() {
  find_slots "$1" || return
  # By hand: nothing is replaced, or there is no front yet, which no request can wait at.
  ! has "kept:$1" && [[ $live != - ]] && find_front "$1" || return 0
  point "$1" "$live" hold.cfg || return
  await_drained "$1" "$2" || note "$step" note "$1: what is in flight did not finish within $2 s"
}
undo_hold() {
  find_slots "$1" || return
  [[ $was != - ]] && find_front "$1" || return 0
  # What waits has to have gone through before the configuration is back that has no gate.
  if ! grep -qs 'bind 127\.0\.0\.1:' "$state/current/fronts/$1.cfg"; then
    undoing=no point "$1" "$was" cfg || return
    await_drained "$1" 10 || true
  fi
  point "$1" "$was" cfg
}
# A held service has one slot, whatever it had before.
do_open() {
  find_slots "$1" || return
  ! has "kept:$1" && [[ $live != - ]] && find_front "$1" || return 0
  point "$1" slot cfg
}
undo_open() {
  find_slots "$1" || return
  [[ $was != - ]] && find_front "$1" || return 0
  point "$1" "$was" hold.cfg && { await_drained "$1" "$(drain_limit "$1")" || true; }
}

do_signal() {
  local ids id
  resolve "$1" && [[ -n $service ]] || return 0
  reason="$service was not told that it is to end"
  ids=$(ids_of "$service") && place "$dir/signal" </dev/null || return
  while IFS= read -r id; do
    case $3 in
      file) engine cp "$dir/signal" "$id:$4" >/dev/null 2>&1 || return ;;
      command) engine exec "$id" "${@:4}" </dev/null 2>&1 | log_lines || return ;;
    esac
  done <<<"$ids"
  await_drained "${1%@*}" "$2" || true
}

# Before the commit: whom it told does not take requests any more.
undo_signal() { revive "$1"; }

do_drain() {
  local began cut
  find_slots "$1" && [[ $was != @(-|"$idle") ]] && find_front "$1" || return 0
  await_drained "$1" "$2" || note "$step" note "$1: connections are open after $2 s; they end when $1-$was stops"
  ((SECONDS >= ${cuts_from[$1]-0})) || return 0
  IFS=$'\t' read -r began _ <"$journal"
  cut=$(engine logs --since "${began::10}" "$front" 2>&1 | awk -F '[()]' '/ hard-stopped \(/ { cut += $(NF - 1) } END { print cut + 0 }')
  ((cut == 0)) || note "$step" note "$1: $cut connections to $1-$was were cut after $2 s"
}

do_stop() {
  local name services=()
  for name in "$@"; do resolve "$name" && services+=("$service") || return; done
  remove_services "${services[@]}"
}
# Before the commit, where memory is short.
undo_stop() {
  local name bad=0
  for name in "$@"; do revive "$name" || bad=1; done
  return "$bad"
}

# Brings back the slot that served when the release began, in new containers, while the front still serves the other one.
# Arguments: service@was. Returns: 1 when it does not turn healthy. Sets: revived, by service, whether it did
revive() {
  local owner=${1%@*} patience
  resolve "$1" || return
  [[ -n $service ]] || return 0
  if [[ -n ${revived[$owner]-} ]]; then
    [[ ${revived[$owner]} == yes ]]
    return
  fi
  # As patient as with the new one.
  read -ra patience < <(patience_with "$owner")
  revived[$owner]=no
  { remove_services "$service" && bring_up "$state/current" "$service" && wait_until_healthy "$service" "${patience[@]}"; } || return
  revived[$owner]=yes
}
