#!/usr/bin/env bash
# The update of fronts: a second one serves beside the old one, which leaves once the release has committed.
# Sourced by environment-deployment-management.sh.

# Arguments: service. Sets: former, the containers of its front when the release began; joined, those that came since
find_generations() {
  local id ids
  ids=$(ids_of "$1") || return
  has "front:$1" || note 0 seen "front:$1=${ids//$'\n'/ }" || return
  former=() joined=()
  for id in $ids; do
    if [[ " ${noted["front:$1"]} " == *" $id "* ]]; then former+=("$id"); else joined+=("$id"); fi
  done
}

# Has fronts that boot or reload now read their configuration with a difference. Arguments: service, what sed makes of it
alter() {
  local own=$state/fronts/$1
  [[ -e $own/rest.cfg ]] || place "$own/rest.cfg" <"$own/haproxy.cfg" || return
  sed "$2" "$own/rest.cfg" | place "$own/haproxy.cfg"
}

# Takes the difference back. Arguments: service
settle() {
  local own=$state/fronts/$1
  [[ ! -e $own/rest.cfg ]] || { mv -T "$own/rest.cfg" "$own/haproxy.cfg" && sync "$own"; }
}

# Brings up a second front, as this release has it, which serves what the one that is there serves: both have the service's names.
do_join() {
  find_slots "$1" && find_generations "$1" || return
  reason="the front of $1 does not run, so that none can join it"
  [[ $live != - ]] && ((${#former[@]} > 0)) || return
  # Its slot runs already: it is to know it before it takes a request.
  alter "$1" 's/init-addr none/init-addr libc,none/' || return
  bring_up "$dir" --no-recreate --scale "$1=$((${#former[@]} + 1))" "$1" || {
    reason="a second front of $1 does not start: ${reason#*: }"
    return 1
  }
  unset "fronts_found[$1]"
  reason="a second front of $1 does not serve"
  await_front "$1" && settle "$1"
}
undo_join() {
  settle "$1" && find_generations "$1" && dismiss "$1" "$(drain_limit "$1")" "${joined[@]}"
}

# Arguments: service, seconds that what is in flight may take
do_leave() {
  local name
  find_generations "$1" || return
  ((${#joined[@]} > 0)) || return 0
  dismiss "$1" "$2" "${former[@]}" || return
  # Links lead to this name. As long as the old front had it, the new one was found by it as an alias.
  name=$(engine container inspect --format '{{.Name}}' "${joined[0]}") || return
  [[ $name == "/$project-$1-1" ]] || engine rename "${joined[0]}" "$project-$1-1"
}

# Takes containers of a front away whose service another one serves, too. They close each connection after its next
# response; then they stop listening, and finish what is in flight. Arguments: service, seconds, containers
dismiss() {
  local output
  for front in "${@:3}"; do
    master=$(engine container inspect --format '{{.State.Pid}}' "$front") || return
    [[ $master != 0 ]] || continue
    alter "$1" 's/option http-server-close/option httpclose/' || return
    reload "$1" || true
    settle "$1" || return
    await_one_worker "$2" || note "$step" note "$1: connections through the old front are open after $2 s"
  done
  unset "fronts_found[$1]"
  (($# > 2)) || return 0
  engine update --restart no "${@:3}" >/dev/null || return
  output=$({ limit=$(($2 + 30)) engine stop -t "$2" "${@:3}" && engine rm -f "${@:3}"; } 2>&1) && return
  reason="cannot remove the other front of $1: ${output##*$'\n'}"
  return 1
}
