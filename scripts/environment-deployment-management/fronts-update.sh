#!/usr/bin/env bash
# Updating fronts: a second one serves beside the old one, which leaves once the release has committed.
# Sourced by environment-deployment-management.sh.

# Arguments: service. Sets: former, the containers of its front when the release began; joined, those that came since
find_generations() {
  local id ids
  ids=$(ids_of "$1") || return
  journal_has "front:$1" || note 0 seen "front:$1=${ids//$'\n'/ }" || return
  former=() joined=()
  for id in $ids; do
    if [[ " ${journal_facts["front:$1"]} " == *" $id "* ]]; then former+=("$id"); else joined+=("$id"); fi
  done
}

# Temporarily changes the configuration that fronts read when they boot or reload. Arguments: service, sed script that changes it
alter() {
  local own=$state/fronts/$1
  [[ -e $own/rest.cfg ]] || place "$own/rest.cfg" <"$own/haproxy.cfg" || return
  sed "$2" "$own/rest.cfg" | place "$own/haproxy.cfg"
}

# Reverts that change. Arguments: service
settle() {
  local own=$state/fronts/$1
  [[ ! -e $own/rest.cfg ]] || { mv -T "$own/rest.cfg" "$own/haproxy.cfg" && sync "$own"; }
}

# Brings up second fronts as this release defines them. They serve what the existing ones serve. Both have the service's names.
# Arguments: services
do_join() {
  local service scales=()
  for service in "$@"; do
    find_slots "$service" && find_generations "$service" || return
    reason="the front of $service does not run, so that none can join it"
    [[ $live != - ]] && ((${#former[@]} > 0)) || return
    # If the release switches it later, it gets this release's settings then.
    will "switch"$'\t'"$service" || configure "$service" "$live" cfg none haproxy.cfg || return
    # Its slot runs already, and it must know the slot's address before it takes a request.
    alter "$service" 's/init-addr none/init-addr libc,none/' || return
    scales+=(--scale "$service=$((${#former[@]} + 1))")
  done
  bring_up "$dir" --no-recreate "${scales[@]}" "$@" || {
    reason="a second front does not start: ${reason#*: }"
    return 1
  }
  for service in "$@"; do
    unset "fronts_found[$service]"
    reason="the second front of $service does not serve"
    await_front "$service" && settle "$service" || return
  done
}
undo_join() {
  local limit service
  limit=$(printf '%s\n' "${plan[@]}" | awk -F '\t' '$1 == "leave" && $2 > limit { limit = $2 } END { print limit + 0 ? limit : 30 }')
  for service in "$@"; do
    find_slots "$service" && settle "$service" && configure "$service" "$live" cfg none haproxy.cfg || return
  done
  dismiss joined "$limit" "$@"
}

# Arguments: seconds that what is in flight may take, services
do_leave() {
  local service name left=()
  for service in "${@:2}"; do
    find_generations "$service" || return
    ((${#joined[@]} == 0)) || left+=("$service")
  done
  dismiss former "$1" "${left[@]}" || return
  for service in "${left[@]}"; do
    find_generations "$service" || return
    # Links lead to this name. While the old front still had it, the new one was found by it as an alias.
    name=$(engine container inspect --format '{{.Name}}' "${joined[0]}") || return
    [[ $name == "/$project-$service-1" ]] || engine rename "${joined[0]}" "$project-$service-1" || return
  done
}

# Removes fronts whose services other fronts serve, too. They close each connection after its next response. Then they stop
# listening and finish what is in flight. Arguments: former or joined, seconds, services
dismiss() {
  local -n generation=$1
  local service output deadline ids=()
  local -A masters=()
  for service in "${@:3}"; do
    find_generations "$service" || return
    for front in "${generation[@]}"; do
      ids+=("$front")
      master=$(engine container inspect --format '{{.State.Pid}}' "$front") || return
      # A front that is down has nothing in flight. Reverts the change that an interrupted run may have left behind.
      [[ $master != 0 ]] || { settle "$service" && continue; } || return
      masters[$front]=$master
      alter "$service" 's/option http-server-close/option httpclose/' || return
      reload "$service" || true
      settle "$service" || return
    done
    unset "fronts_found[$service]"
  done
  ((${#ids[@]} > 0)) || return 0
  deadline=$((SECONDS + $2))
  for front in "${!masters[@]}"; do
    master=${masters[$front]}
    await_one_worker $((deadline > SECONDS ? deadline - SECONDS : 0)) || note "$step" note "connections through an old front are open after $2 s"
  done
  engine update --restart no "${ids[@]}" >/dev/null || return
  output=$({ limit=$(($2 + 30)) engine stop -t "$2" "${ids[@]}" && engine rm -f "${ids[@]}"; } 2>&1) && return
  reason="cannot remove old fronts: ${output##*$'\n'}"
  return 1
}
