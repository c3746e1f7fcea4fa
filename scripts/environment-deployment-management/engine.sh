#!/usr/bin/env bash
# The engine: Docker and Compose.
# Sourced by environment-deployment-management.sh.

readonly service_label=com.docker.compose.service

# Runs docker for at most $limit seconds, 60 unless a caller sets it.
engine() { timeout -k 5 "${limit:-60}" docker "$@"; }

# Finds Compose. It is a plugin that also runs on its own. Run through docker, it would be started twice. Looks in docker's own
# places, in docker's order. Sets: composer
find_compose() {
  local path own=${DOCKER_CONFIG:-$HOME/.docker}
  composer=(docker compose)
  ! grep -qs cliPluginsExtraDirs "$own/config.json" || return 0
  for path in "$own" /usr/local/lib/docker /usr/local/libexec/docker /usr/lib/docker /usr/libexec/docker; do
    [[ ! -x $path/cli-plugins/docker-compose ]] || { composer=("$path/cli-plugins/docker-compose") && return; }
  done
}

# Runs docker compose with a release's model, for at most $limit seconds. Arguments: the release's directory, Compose's arguments
compose() {
  local written variables=() without=()
  [[ -n ${composer-} ]] || find_compose
  find_prepared "$1"
  # Variables that a service only names must not come from the login of whoever deploys.
  [[ ! -s $1/unset ]] || { mapfile -t without <"$1/unset" && without=(env "${without[@]/#/-u}"); }
  [[ ! -s $written/variables ]] || variables=(--env-file "$written/variables")
  timeout -k 5 "${limit:-60}" "${without[@]}" "${composer[@]}" -p "$project" --project-directory "$state" -f "$1/compose.json" "${variables[@]}" "${@:2}"
}

# Finds where a release keeps what Compose writes into containers: its model begins with that.
# Arguments: the release's directory. Sets: written, empty where there is nothing
find_prepared() {
  local start=''
  written=
  IFS= read -r -N 1024 start <"$1/compose.json" || true
  [[ $start != '{"x-coldtivate-written":"'* ]] || { start=${start#*:\"} && written=${start%%\"*}; }
}

# Writes secrets and configs that are no files into containers that were only created. Compose does that when it starts them.
# Arguments: the release's directory, service, containers
write_into() {
  local written id
  find_prepared "$1"
  for id in "${@:3}"; do
    [[ ! -s $written/$2.tar ]] || engine cp - "$id:/" <"$written/$2.tar" || return
    [[ ! -s $written/$2.owned.tar ]] || engine cp -a - "$id:/" <"$written/$2.owned.tar" || return
  done
}

# Makes Compose use the existing networks and volumes of the project as they are. A newer Compose recreates a network whose
# definition has changed: it stops everything on it, and fails if something keeps running. For a volume it asks to do the same.
# Sets: as_made, options for compose
keep_made() {
  local kind found key name hash lines
  [[ -z ${as_made+x} ]] || return 0
  as_made=()
  for kind in network volume; do
    found=$(engine "$kind" ls --filter "label=com.docker.compose.project=$project" \
      --format "{{.Label \"com.docker.compose.$kind\"}}"$'\t{{.Name}}\t{{.Label "com.docker.compose.config-hash"}}') || {
      unset as_made
      return 1
    }
    lines=''
    while IFS=$'\t' read -r key name hash; do
      # Without a digest of its definition, it comes from a Compose that leaves it alone and may not know this syntax.
      [[ -z $hash ]] || lines+="  \"$key\": !override { external: true, name: \"$name\" }"$'\n'
    done <<<"$found"
    [[ -n $lines ]] || continue
    printf '%ss:\n%s' "$kind" "$lines" >"$dir/made.$kind.yml" || return
    as_made+=(-f "$dir/made.$kind.yml")
  done
}

# Brings services up as a release has them. Arguments: the release's directory, options, services. Sets: reason, when it fails
bring_up() {
  local output wanted=("${@:2}")
  reason='the networks cannot be listed'
  keep_made || return
  output=$(limit=900 compose "$1" "${as_made[@]}" --progress quiet up -d --no-deps --no-build --pull never "${@:2}" 2>&1) && return
  log_lines <<<"$output"
  wanted=("${wanted[@]/#--*/}")
  reason="cannot start $(printf '%s\n' "${wanted[@]}" | awk NF | paste -sd ' '): ${output##*$'\n'}"
  return 1
}

# Brings services up, and measures gaps. Sets: gaps, a line for each service of which nothing ran for a while: its name, when that
# began in nanoseconds since the epoch, milliseconds
replace() {
  local watcher code=0 tries events=$dir/events
  gaps=''
  # Follows events instead of looking them up afterwards. The engine keeps only the last few, and health checks are events, too.
  (exec timeout --foreground -k 5 900 docker events --since "${EPOCHREALTIME-$(date +%s)}" --filter "label=com.docker.compose.project=$project" \
    --filter event=die --filter event=start --format "{{.TimeNano}} {{.Action}} {{index .Actor.Attributes \"$service_label\"}}" 9>&-) >"$events" 2>/dev/null &
  watcher=$!
  take_over "$@" || code=$?
  for ((tries = 0; code == 0 && tries < 20; tries++)); do
    gaps=$(awk -v wanted=" ${*:2} " '
      !index(wanted, " " $3 " ") { next }
      $2 == "die" { died[$3] = $1 }
      $2 == "start" && ($3 in died) { print $3, died[$3], int(($1 - died[$3]) / 1e6); delete died[$3] }
      END { exit length(died) > 0 }' "$events") && break
    pause 0.05
  done
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" || true
  rm -f "$events"
  return "$code"
}

# Gives the first containers of services the names that Compose usually gives to first containers, because others reach them by
# these. Compose goes by container numbers, and the first containers may have other ones. Leaves out a name that Compose would
# give to another container of the service. Arguments: services
name_containers() {
  local id name
  while read -r id name; do engine rename "$id" "$name" >/dev/null 2>&1 || true; done < <(
    containers --format "{{.Label \"$service_label\"}} {{.Label \"com.docker.compose.container-number\"}} {{.ID}} {{.Names}}" |
      sort -k 1,1 -k 2,2n | awk -v wanted=" $* " -v plain="$(plain_containers)" -v project="$project" '
        !index(wanted, " " $1 " ") || index(plain, " " $3 ",") { next }
        { taken[$1, $2] = 1; lines[++count] = $0 }
        END {
          for (line = 1; line <= count; line++) {
            split(lines[line], field)
            # With legacy links a container has other names beside its own.
            total = split(field[4], names, ",")
            for (own = ""; total > 0; total--) if (names[total] !~ /\//) own = names[total]
            first = project "-" field[1] "-"
            rank = ++ranks[field[1]]
            if (index(own, first) == 1 && substr(own, length(first) + 1) ~ /^[0-9]+$/ && own != first rank && (rank == field[2] || !taken[field[1], rank]))
              print field[3], first rank
          }
        }'
  )
}

# Records in the journal how long nothing of a service ran, by gaps. Arguments: if these are fronts, which boot first, their names
tell_gaps() {
  local service began length now=${EPOCHREALTIME-$(date +%s.%6N)}
  while read -r service began length; do
    [[ " $* " != *" $service "* ]] || length=$(((${now/./} - began / 1000) / 1000))
    tell "$step" note "nothing of $service ran for $length ms" || return
  done < <(printf %s "${gaps:+$gaps$'\n'}")
}

# Runs docker ps for the project's containers, without those of tasks. Arguments: those of docker ps
containers() {
  engine ps -a --no-trunc --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False "$@"
}

# Prints one line per container, the newest first: id, service.
list_containers() { containers --format "{{.ID}} {{.Label \"$service_label\"}}"; }

# Prints the ids of services' containers, the newest first. Leaves out plain ones that were found. Arguments: services
# Uses: listing, what list_containers printed, where a caller has that
ids_of() {
  { if [[ -n ${listing-} ]]; then printf '%s\n' "$listing"; else list_containers; fi; } | awk -v wanted=" $* " -v plain="$(plain_containers)" 'index(wanted, " " $2 " ") && !index(plain, " " $1 ",") { print $1 }'
}

# Returns: 3 when this host cannot be deployed to
check_docker() { check_engine && check_compose; }

# Sets: engine_version. Returns: 3 when there is none that can be deployed to
check_engine() {
  local user code=0
  user=$(id -un)
  command -v docker >/dev/null || fail 3 "Docker is not installed on $HOSTNAME. Install Docker Engine 24 or newer, with Compose." || return
  engine_version=$(engine version --format '{{.Server.Version}}' 2>&1) || code=$?
  ((code == 0)) || case $engine_version in
    *'permission denied'*) fail 3 "$user may not use Docker on $HOSTNAME. Let root run \`usermod -aG docker $user\`, then log in again." || return ;;
    *) fail 3 "The Docker daemon does not answer on $HOSTNAME: ${engine_version##*$'\n'}" "$(other_engines)" || return ;;
  esac
  engine_version=${engine_version##*$'\n'}
  is_at_least 24 "$engine_version" || fail 3 "Docker Engine is $engine_version on $HOSTNAME; 24 or newer is needed."
}

# Prints which other engines the user may mean.
other_engines() {
  local socket
  for socket in "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"/docker.sock "$HOME"/.docker/{run,desktop}/docker.sock; do
    [[ ! -S $socket ]] || printf 'There is another one at %s: create a context with it, and docker context use it; or set DOCKER_HOST where a non-interactive shell reads it.\n' "$socket"
  done
}

# Sets: compose_version. Returns: 3 when there is none that can be deployed with
check_compose() {
  compose_version=$(engine compose version --short 2>/dev/null) ||
    fail 3 "Docker Compose is missing on $HOSTNAME. Install its plugin, 2.20 or newer (docker-compose-plugin)." || return
  is_at_least 2.20 "${compose_version#v}" || fail 3 "Docker Compose is $compose_version on $HOSTNAME; 2.20 or newer is needed."
}

# Arguments: version that is needed; version that is there, which may go on after its numbers
is_at_least() {
  local needed given index difference
  IFS=. read -ra needed <<<"$1"
  IFS=. read -ra given <<<"${2%%[^0-9.]*}"
  for index in "${!needed[@]}"; do
    difference=$((10#${given[index]:-0} - needed[index]))
    ((difference == 0)) || return $((difference < 0))
  done
}
