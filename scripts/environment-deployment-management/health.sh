#!/usr/bin/env bash
# Health: whether containers are up.
# Sourced by environment-deployment-management.sh.

readonly look_format=$'{{.Name}}\t{{.State.Status}}\t{{with .State.Health}}{{.Status}}{{else}}-{{end}}\t{{.RestartCount}}\t{{.State.ExitCode}}\t{{or .HostConfig.RestartPolicy.Name "no"}}\t{{.State.StartedAt}}'

# How often containers had been restarted when they were found well, by id.
declare -A restarts_when_well=()

do_healthy() {
  local service first='' listing
  # Lists the containers once for all lookups in this step.
  listing=$(list_containers) || return
  resolve "$1" || return
  [[ $1 != *@idle ]] || get_ready "${1%@*}" || return
  # A slot that this release started has not been restarted before.
  [[ $1 != *@idle || $idle == "$was" ]] || first=0
  wait_until_healthy "$service" "${@:2}" && well_at[${1%@*}]=$EPOCHSECONDS && return
  [[ -z $culprit ]] || is_aborted || explain "$culprit"
  return 1
}

# Waits until all containers of a service are well: healthy or, without a health check, up long enough.
# Arguments: service, seconds to wait, seconds that a container without a health check must run, least number of containers, port that must accept connections
# Returns: 0 when they are, else 1. Sets: verdict (well, waiting, failed), reason, culprit (a container)
wait_until_healthy() {
  local deadline=$((SECONDS + $2)) port=${5-} ids news watcher code=0
  local -A restarts=()
  verdict=waiting culprit='' reason="$1 has no container"
  ids=$(ids_of "$1") || return
  mapfile -t ids < <(printf %s "$ids")
  ((${#ids[@]} >= ${4:-1})) || return
  ((${#ids[@]} > 0)) || return 0
  # Events tell at once when to look again. Without an event, this looks again anyway.
  exec {news}< <(exec timeout --foreground -k 5 "$(($2 + 5))" docker events "${ids[@]/#/--filter=container=}" \
    --filter event=health_status --filter event=die --format . 2>/dev/null 9>&-)
  watcher=$!
  until_well "$3" "$deadline" "${ids[@]}" || code=$?
  kill "$watcher" 2>/dev/null || true
  exec {news}<&-
  ((code < 2)) || reason="$reason after $2 s"
  return "$((code > 0))"
}

# Looks at containers until they are well, or never will be. Arguments: seconds, as above; when to end, by SECONDS; ids
# Uses: news, port, restarts. Sets: verdict, reason, culprit. Returns: 0 when they are, 1 when they will not be, 2 when it is too late
until_well() {
  local backoff=''
  while :; do
    look "$1" "${@:3}"
    [[ $verdict != well ]] || { remember_restarts "${@:3}" && return; }
    [[ $verdict == waiting ]] && ! is_aborted || return 1
    ((SECONDS <= $2)) || return 2
    back_off 150 1000
    # Once no more events can come, do not look again at once.
    read -rt "$backoff" -u "$news" _ || (($? > 128)) || pause "$backoff"
  done
}

# Arguments: ids, in the order in which they were looked at. Uses: counts
remember_restarts() {
  local id index=0
  for id in "$@"; do restarts_when_well[$id]=${counts[index++]-0}; done
}

# Whether a container that was found well has crashed since. It may run again, but then it can only be reached now and then.
# Sets: reason, culprit
has_crashed() {
  local id name count
  ((${#restarts_when_well[@]} > 0)) || return
  # A container may be gone by now.
  while IFS=$'\t' read -r id name count; do
    ((count > ${restarts_when_well[$id]-$count})) || continue
    culprit=${name#/} reason="${name#/} came up, then exited with $(last_exit_code "${name#/}"), and was restarted"
    return 0
  done < <(engine container inspect --format $'{{.ID}}\t{{.Name}}\t{{.RestartCount}}' "${!restarts_when_well[@]}" 2>/dev/null || true)
  return 1
}

# Looks at containers once. Arguments: seconds, as above; ids. Sets: verdict, reason, culprit; restarts, by name; counts of them
look() {
  local found name status health count code policy started now
  verdict=waiting culprit='' counts=()
  found=$(engine container inspect --format "$look_format" "${@:2}" 2>&1) || {
    reason=${found##*$'\n'}
    [[ $found != *'No such container'* ]] || verdict=failed
    return 0
  }
  printf -v now '%(%s)T' -1
  verdict=well
  while IFS=$'\t' read -r name status health count code policy started; do
    name=${name#/} counts+=("$count")
    ((count <= ${restarts[$name]:=${first:-$count}})) || [[ $status != running ]] || status=restarted
    case $status/$health in
      running/healthy) continue ;;
      running/-) ((now - $(date -d "$started" +%s) > $1)) && { [[ -z $port ]] || accepts "$name"; } && continue ;;
      exited/*) [[ $code == 0 && $policy == @(no|on-failure) ]] && continue ;;
    esac
    verdict=waiting culprit=$name reason="$name is ${health/#-/$status}"
    [[ $status/$health != running/- || -z $port ]] || reason="$name does not accept connections at port $port"
    case $status/$health in
      exited/* | restarting/*) reason="$name exited with $code" ;;
      restarted/*) reason="$name exited with $(last_exit_code "$name"), and was restarted" ;;
      dead/* | removing/* | */unhealthy) ;;
      *) continue ;;
    esac
    verdict=failed
    return 0
  done <<<"$found"
}

# Whether a container accepts connections. If nobody can tell, it counts as accepting them. Arguments: container. Uses: port
accepts() {
  local entry address gateway code=0
  entry=$(engine container inspect --format "$network_format" "$1") || return
  IFS='|' read -r _ address gateway _ <<<"${entry##*$'\t'}"
  probe knock_at "$address" "$port" "$gateway" "$1" >/dev/null || code=$?
  ((code != 1))
}

# Prints the exit code of a container that was restarted. Arguments: container
last_exit_code() {
  local id code=''
  id=$(engine container inspect --format '{{.ID}}' "$1") || return 0
  # By id, because the container that it replaced had its name. If its end is not known yet, its next end will do.
  read -r -t 5 code < <(exec timeout 5 docker events --since 10m --filter event=die --filter "container=$id" --format '{{.Actor.Attributes.exitCode}}') || true
  kill "$!" 2>/dev/null || true
  printf '%s\n' "${code:-an unknown code}"
}

# Shows the last output of a container. Arguments: container
explain() {
  local checks
  checks=$(engine container inspect --format $'{{with .State.Health}}{{range .Log}}\x1e{{.Output}}{{end}}{{end}}' "$1" 2>&1) || true
  checks=${checks##*$'\x1e'}
  [[ -z $checks ]] || log_lines <<<"last health check of $1: $checks"
  engine logs --tail 20 "$1" 2>&1 | log_lines
}
