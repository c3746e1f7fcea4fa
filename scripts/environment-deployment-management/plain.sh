#!/usr/bin/env bash
# Plain containers: those of the project that coldtivate did not start. Compose would remove them for their successors. Here
# these come beside them, so that a release that is undone can start them again; once it serves, they go.
# Sourced by environment-deployment-management.sh.

# What the name of a plain container ends in whose successor has it.
readonly displaced=.former
readonly plain_format=$'{{.ID}},{{.State.Status}},{{or .HostConfig.RestartPolicy.Name "no"}}{{with .HostConfig.RestartPolicy.MaximumRetryCount}}:{{.}}{{end}}\t{{slice .Name 1}}\t{{or (index .Config.Labels "coldtivate.definition") "-"}}\t{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end}}'

# Arguments: service. Sets: plain, the plain containers that it had when the release began: id,status,restart policy; none
# where Compose has to replace them: a successor could not have the container_name, or would lose a volume without a name
find_plain() {
  local found='' ids container name definition volumes
  plain=()
  # One look in most releases.
  has plain || tell 0 seen "plain= $(containers --format "{{.Label \"$service_label\"}} {{.Label \"coldtivate.definition\"}}" | awk 'NF == 1' | paste -sd ' ') " || return
  [[ ${noted[plain]} == *" $1 "* ]] || return 0
  has "plain:$1" || {
    ids=$(ids_of "$1") || return
    mapfile -t ids < <(printf %s "$ids")
    ((${#ids[@]} == 0)) || found=$(engine container inspect --format "$plain_format" "${ids[@]}") || return
    while IFS=$'\t' read -r container name definition volumes; do
      [[ $definition == - ]] || continue
      plain+=("$container")
      [[ $name =~ ^"${project}"[-_]"$1"[-_][0-9]+("$displaced")?$ && ! " $volumes" =~ \ [0-9a-f]{64}\  ]] || note 0 seen "lost:$1=yes" || return
    done <<<"$found"
    ((${#plain[@]} == ${#ids[@]})) && ! has "lost:$1" || plain=()
    note 0 seen "plain:$1=${plain[*]}" || return
  }
  read -ra plain <<<"${noted["plain:$1"]}"
}

# Prints the plain containers that were found, a space before and after each.
plain_containers() {
  local key
  for key in "${!noted[@]}"; do [[ $key != plain:* ]] || printf ' %s ' "${noted[$key]}"; done
}

# Brings services up. Arguments: the release's directory, services. Sets: reason, when it fails
take_over() {
  local service wanted ids output others=()
  for service in "${@:2}"; do
    find_plain "$service" || return
    if ((${#plain[@]} == 0)); then
      others+=("$service")
      continue
    fi
    wanted=${#plain[@]}
    [[ ! -e $1/fronts/$service.cfg ]] || wanted=1
    bring_up "$1" --no-start --no-recreate --scale "$service=$((${#plain[@]} + wanted))" "$service" && ids=$(ids_of "$service") || return
    mapfile -t ids < <(printf %s "$ids")
    reason="$service cannot take the place of its plain container"
    output=$({ displace_plain && hand_names "$service" "${ids[@]}" && engine start "${ids[@]}"; } 2>&1) || {
      log_lines <<<"$output"
      return 1
    }
  done
  ((${#others[@]} == 0)) || { bring_up "$1" "${others[@]}" && name_containers "${others[@]}"; }
}

# Stops the containers in plain.
displace_plain() {
  engine update --restart no "${plain[@]%%,*}" >/dev/null && limit=900 engine stop "${plain[@]%%,*}" >/dev/null
}

# Takes their names from the containers in plain, which have stopped, and gives them to the successors: others reach them by
# these. Arguments: service, the successors' ids, the newest first
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

# Has a service's plain containers run again, and removes what took their place. Arguments: service. Uses: plain
put_back() {
  local container id status policy name
  remove_services "$1" || return
  reason="the plain container of $1 does not start again"
  for container in "${plain[@]}"; do
    IFS=, read -r id status policy <<<"$container"
    name=$(engine container inspect --format '{{slice .Name 1}}' "$id") || return
    [[ $name != *"$displaced" ]] || engine rename "$id" "${name%"$displaced"}" || return
    engine update --restart "$policy" "$id" >/dev/null || return
    # One that shares another's container may have to wait for it.
    [[ $status != running ]] || engine start "$id" >/dev/null 2>&1 || is_sharing "$id" || return
  done
  unset "noted[plain:$1]"
}

# Removes the plain containers that the release displaced, and gives their names to their successors.
forget_plain() {
  local key service container ids number
  for key in "${!noted[@]}"; do
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
