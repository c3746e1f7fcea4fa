#!/usr/bin/env bash
# Plain containers: those of the project that coldtivate did not start, and those with an anonymous volume that the serving
# release does not name, so that nobody could start them again with it. Compose would remove them in favour of their successors.
# Here the successors come up beside them, so that an undone release can start them again. Once the new release serves, they are
# removed.
# Sourced by environment-deployment-management.sh.

# Suffix for the name of a plain container whose successor has taken that name.
readonly displaced=.former
readonly plain_format=$'{{.ID}},{{.State.Status}},{{or .HostConfig.RestartPolicy.Name "no"}}{{with .HostConfig.RestartPolicy.MaximumRetryCount}}:{{.}}{{end}}\t{{slice .Name 1}}\t{{or (index .Config.Labels "coldtivate.definition") "-"}}\t{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end}}'

# Prints those of the given names that are anonymous volumes and that the release does not name. Arguments: the release's
# directory; names of volumes
unnamed_volumes() {
  local name
  for name in "${@:2}"; do
    [[ ! $name =~ ^[0-9a-f]{64}$ ]] || grep -qsF "\"$name\"" "$1/compose.json" || printf '%s\n' "$name"
  done
}

# Prints the services that have plain containers.
services_with_plain() {
  local service definition mounts names
  containers --format "{{.Label \"$service_label\"}},{{.Label \"coldtivate.definition\"}},{{.Mounts}}" | while IFS=, read -r service definition mounts; do
    IFS=, read -ra names <<<"$mounts"
    [[ -n $definition && -z $(unnamed_volumes "$state/current" "${names[@]}") ]] || printf '%s\n' "$service"
  done | sort -u
}

# Arguments: service. Sets: plain, the plain containers that it had when the release began: id,status,restart policy; none if
# Compose has to replace them, because a successor could not have the container_name, or would lose an anonymous volume
find_plain() {
  local found='' ids container name definition volumes
  plain=()
  # In most releases this one look is enough.
  journal_has plain || tell 0 seen "plain= $(services_with_plain | paste -sd ' ') " || return
  [[ ${journal_facts[plain]} == *" $1 "* ]] || return 0
  journal_has "plain:$1" || {
    ids=$(ids_of "$1") || return
    mapfile -t ids < <(printf %s "$ids")
    ((${#ids[@]} == 0)) || found=$(engine container inspect --format "$plain_format" "${ids[@]}") || return
    while IFS=$'\t' read -r container name definition volumes; do
      read -ra volumes <<<"$volumes"
      [[ $definition == - || -n $(unnamed_volumes "$state/current" "${volumes[@]}") ]] || continue
      # With several containers, each has its own volumes, and only Compose passes them on.
      if [[ -n $(unnamed_volumes "$dir" "${volumes[@]}") ]] && ((${#ids[@]} > 1)); then
        [[ $definition != - ]] || note 0 seen "lost:$1=yes" || return
        continue
      fi
      plain+=("$container")
      [[ $name =~ ^"${project}"[-_]"$1"[-_][0-9]+("$displaced")?$ ]] || note 0 seen "lost:$1=yes" || return
    done <<<"$found"
    ((${#plain[@]} == ${#ids[@]})) && ! journal_has "lost:$1" || plain=()
    note 0 seen "plain:$1=${plain[*]}" || return
  }
  read -ra plain <<<"${journal_facts["plain:$1"]}"
}

# Prints the plain containers that were found, each with a space before and after it.
plain_containers() {
  local key
  for key in "${!journal_facts[@]}"; do [[ $key != plain:* ]] || printf ' %s ' "${journal_facts[$key]}"; done
}

# Brings services up. Arguments: the release's directory, services. Sets: reason, when it fails
take_over() {
  local service wanted ids output limit others=()
  local -A slow=()
  for service in "${@:2}"; do
    find_plain "$service" || return
    if ((${#plain[@]} == 0)); then
      limit=$(longer_stop "$1" "$service") || return
      is_up_to_date "$1" "$service" || say_goodbye "$service" "$state/current" || return
      if [[ -n $limit ]]; then slow[$limit]+=" $service"; else others+=("$service"); fi
      continue
    fi
    wanted=${#plain[@]}
    [[ ! -e $1/fronts/$service.cfg ]] || wanted=1
    bring_up "$1" --no-start --no-recreate --scale "$service=$((${#plain[@]} + wanted))" "$service" && ids=$(ids_of "$service") || return
    mapfile -t ids < <(printf %s "$ids")
    reason="$service cannot take the place of its plain container"
    output=$({ write_into "$1" "$service" "${ids[@]}" && displace_plain "$1" "$service" && hand_names "$service" "${ids[@]}" && engine start "${ids[@]}"; } 2>&1) || {
      log_lines <<<"$output"
      return 1
    }
  done
  for limit in "${!slow[@]}"; do
    read -ra ids <<<"${slow[$limit]}"
    bring_up "$1" "--timeout=$limit" "${ids[@]}" && name_containers "${ids[@]}" || return
  done
  ((${#others[@]} == 0)) || { bring_up "$1" "${others[@]}" && name_containers "${others[@]}"; }
}

# Prints the name of a service's containers in a release: that of a slot, if the service has a front there.
# Arguments: the release's directory, service
successor_of() {
  local slot
  [[ ! -e $1/fronts/$2.cfg ]] || for slot in slot blue; do
    ! grep -qs "^$2-$slot"$'\t' "$1/stops" "$1/farewells" || { printf '%s\n' "$2-$slot" && return; }
  done
  printf '%s\n' "$2"
}

# Stops the containers in plain. They get as much time as their successor would. Arguments: the release's directory, service
displace_plain() {
  local ids=("${plain[@]%%,*}") time name
  name=$(successor_of "$1" "$2")
  time=$(stop_time "$1" "$name")
  say_goodbye "$2" "$1" "$name" || return
  engine update --restart no "${ids[@]}" >/dev/null && limit=900 engine stop ${time:+--time "$time"} "${ids[@]}" >/dev/null
}

# Whether Compose would leave a service's containers as they are. Only checked if something runs in them before they stop.
# Arguments: the release's directory, service
is_up_to_date() {
  local wanted
  has_farewell "$2" "$state/current" || return 0
  wanted=$(compose "$1" config --hash "$2") || return
  ! containers --filter "label=$service_label=$2" --format '{{.Label "com.docker.compose.config-hash"}}' | grep -qvxF "${wanted##* }"
}

# Prints how many seconds a release gives a service's containers to stop. Prints nothing if it does not say.
# Arguments: the release's directory, service
stop_time() { awk -F '\t' -v service="$2" '$1 == service { print $2 }' "$1/stops" 2>/dev/null || true; }

# Prints the same if it is longer than the time that the service's containers were created with. Then Compose has to be told.
# Arguments: the release's directory, service
longer_stop() {
  local ids time own
  time=$(stop_time "$1" "$2")
  [[ -n $time ]] && ids=$(ids_of "$2") && [[ -n $ids ]] || return 0
  while IFS= read -r own; do
    [[ $own =~ ^[0-9]+$ ]] || own=10
    ((own >= time)) || { printf '%s\n' "$time" && return; }
  done < <(printf '%s\n' "$ids" | xargs docker container inspect --format '{{.Config.StopTimeout}}' 2>/dev/null)
}

# Passes the names of the stopped containers in plain on to their successors, because others reach them by these names.
# Arguments: service, the successors' ids, the newest first
hand_names() {
  local container name number
  for container in "${plain[@]%%,*}"; do
    name=$(engine container inspect --format '{{slice .Name 1}}' "$container") || return
    [[ $name == *"$displaced" ]] || engine rename "$container" "$name$displaced" || return
  done
  for ((number = 1; number < $#; number++)); do
    name=$project-$1-$number
    [[ $(engine container inspect --format '{{.Name}}' "${@:$#+1-number:1}") == "/$name" ]] || engine rename "${@:$#+1-number:1}" "$name" || return
  done
}

# Starts a service's plain containers again, and removes what took their place. Arguments: service. Uses: plain
put_back() {
  local container id status policy name
  remove_services "$1" || return
  reason="the plain container of $1 does not start again"
  for container in "${plain[@]}"; do
    IFS=, read -r id status policy <<<"$container"
    name=$(engine container inspect --format '{{slice .Name 1}}' "$id") || return
    [[ $name != *"$displaced" ]] || engine rename "$id" "${name%"$displaced"}" || return
    engine update --restart "$policy" "$id" >/dev/null || return
    # A container that shares another one may have to wait for it.
    [[ $status != running ]] || engine start "$id" >/dev/null 2>&1 || is_sharing "$id" || return
  done
  unset "journal_facts[plain:$1]"
}

# Removes the plain containers that the release displaced, and gives their names to their successors.
forget_plain() {
  local key service container ids number
  for key in "${!journal_facts[@]}"; do
    [[ $key == plain:* ]] || continue
    service=${key#plain:} number=1
    find_plain "$service" && ids=$(ids_of "$service" | tac) || return
    ((${#plain[@]} > 0)) || continue
    for container in "${plain[@]%%,*}"; do
      ! engine container inspect "$container" >/dev/null 2>&1 || engine rm -f "$container" >/dev/null || return
    done
    for container in $ids; do
      engine rename "$container" "$project-$service-$number" >/dev/null 2>&1 || true
      number=$((number + 1))
    done
  done
}
