#!/usr/bin/env bash
# Fronts: the proxies, and their own file, which says what each one serves.
# Sourced by environment-deployment-management.sh.

readonly front_mount=/usr/local/etc/haproxy
declare -A fronts_found=() proposed=() cuts_from=()

# Arguments: a service with a front
# Sets: live; was, live when the release began; - for both where there is no front; idle, the slot that takes over, or was where the service is kept
find_slots() {
  live=- idle=blue
  [[ ! -s $state/fronts/$1/live ]] || live=$(<"$state/fronts/$1/live")
  journal_has "was:$1" || note 0 seen "was:$1=$live" || return
  was=${journal_facts["was:$1"]}
  [[ $was != blue ]] || idle=green
  [[ ! -e $dir/fronts/$1.hold.cfg ]] || idle=slot
  ! journal_has "kept:$1" || idle=$was
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

# Whether the front's first process is also one on this host: the engine may count in another namespace.
is_near() {
  local control=''
  [[ -n $front && -r /proc/$master/task/$master/children ]] && { read -rd '' control 2>/dev/null <"/proc/$master/cgroup" || [[ $control == *"$front"* ]]; }
}

# Prints the process ids of the front's workers, one per line and each once. There are several while an old one finishes what is
# in flight.
workers() {
  local found='' each=()
  # Starts no process for this, because it is called often.
  if is_near; then read -rd '' found <"/proc/$master/task/$master/children" || true; else
    # An engine without control groups, which means without root and systemd, cannot tell. The front itself can.
    found=$(engine top "$front" -o pid,ppid 2>/dev/null | awk -v master="$master" '$2 == master { print $1 }') ||
      found=$(engine exec "$front" cat /proc/1/task/1/children) || return
  fi
  read -rd '' -a each <<<"$found" || true
  ((${#each[@]} == 0)) || printf '%s\n' "${each[@]}"
}

# Replaces a file that containers may read at any time with standard input. Arguments: path
place() { cat >"$1.new" && chmod 644 "$1.new" && sync "$1.new" && mv -T "$1.new" "$1"; }

# Prints a front's configuration. Arguments: service, slot, cfg or hold.cfg, when it finds the slot's address
render() {
  local from=$dir found
  [[ $undoing == no || ! -e $state/current/fronts/$1.$3 ]] || from=$state/current
  found=$from/fronts/$1.found
  [[ -e $found ]] || found=$state/current/fronts/$1.found
  [[ -e $found ]] || found=/dev/null
  awk -v found="$found" -v front="$1" -v slot="$1-$2" -v init="$4" '
    BEGIN {
      FS = "\t"
      while ((getline <found) > 0) if ($1 == "name") names[++count] = $2; else mode[$2] = $1
    }
    # Lines for one mode of a port. If nothing was found out, use the mode that passes everything through.
    match($0, /^  @(http|tcp):[0-9]+@ /) {
      split(substr($0, 4, RLENGTH - 5), only, ":")
      if ((mode[only[2]] == "http" ? "http" : "tcp") != only[1]) next
      $0 = "  " substr($0, RLENGTH + 1)
    }
    /^  h1-case-adjust / { split($0, word, " "); known[word[2]] = 1 }
    /^  # @NAMES@$/ {
      for (number = 1; number <= count; number++) {
        name = tolower(names[number])
        if (!(name in known)) print "  h1-case-adjust " name " " names[number]
        known[name] = 1
      }
      next
    }
    { gsub(/@SLOT@/, slot); gsub(/@INIT@/, init); gsub(/@FRONT@/, front); print }' "$from/fronts/$1.$3"
}

# Writes that configuration. Arguments: the same, file's name
configure() {
  mkdir -p "$state/fronts/$1" && chmod 755 "$state/fronts" "$state/fronts/$1" && render "$@" | place "$state/fronts/$1/$5"
}

# Makes a front serve a slot. Arguments: service, slot, cfg or hold.cfg. Sets: reason, when the front does not accept it
switch_front() {
  propose "$@" && configure "$@" libc,none next.cfg && foresee_cuts "$1" && record "$1" "$2" && reload "$1" && configure "$1" "$2" cfg none haproxy.cfg
}

# Makes a front check a configuration, once. The front resolves no address for that. Arguments: those of switch_front
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

# Makes a checked configuration the front's current one. Arguments: service, slot that it points at
record() {
  local own=$state/fronts/$1
  mv "$own/next.cfg" "$own/haproxy.cfg" && place "$own/live" <<<"$2" && sync "$own"
}

# Returns: 1 when a front has not loaded its configuration after ten seconds: then the old worker serves on
reload() {
  local before now began=${EPOCHREALTIME-$(date +%s)} turn looks=0
  before=$(workers) || return
  for ((turn = 0; turn < 200; turn++)); do
    # A signal that reaches HAProxy while it starts is lost. One that comes while its new worker starts cuts connections.
    ((turn % 20 != 0 || looks > 0)) || engine kill -s USR2 "$front" >/dev/null || return
    now=$(workers) || return
    if is_another "$now" "$before"; then looks=$((looks + 1)); else looks=0; fi
    ((looks == 0)) || ! has_loaded "$began" "$((looks > 20))" || return 0
    pause 0.02
  done
  reason="the front of $1 did not load its configuration; it serves what it served before"
  return 1
}

# Whether one of the first processes is not among the second ones. Arguments: process ids, a line each; the others
is_another() {
  local worker
  for worker in $1; do [[ $'\n'$2$'\n' == *$'\n'"$worker"$'\n'* ]] || return 0; done
  return 1
}

# Whether a front reports that its worker serves. That worker must exist already. Arguments: since when; 1 when the worker has
# existed long enough to count as serving if nobody can tell
has_loaded() {
  local output
  output=$(engine logs --since "$1" "$front" 2>&1) || {
    # Its log cannot be read. But a worker that fails on its configuration does not live long.
    (($2))
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
  local deadline=$((SECONDS + $1)) now backoff=''
  while now=$(workers); do
    [[ $now == *$'\n'* ]] || return 0
    ((SECONDS <= deadline)) || return
    pause_longer 50 200
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
  local deadline=$((SECONDS + 15)) looks=0 backoff=''
  until find_front "$1" && [[ -n $(workers) ]] && has_loaded 1 "$(((looks += 1) > 4))"; do
    ((SECONDS <= deadline)) || {
      [[ -z $front ]] || explain "$front"
      return 1
    }
    pause_longer 100 400
  done
}
