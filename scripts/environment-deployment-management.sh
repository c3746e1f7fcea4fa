#!/usr/bin/env bash
# The only thing that changes this host: applies a release's plan, all of it or nothing.
# For people who are logged in here, and for the coldtivate CLI; docs/architecture.md has the protocol between the two.
set -Eeuo pipefail
shopt -s inherit_errexit nullglob
umask 077
export LC_ALL=C COMPOSE_IGNORE_ORPHANS=1

readonly script=environment-deployment-management.sh
readonly shared_memory=/dev/shm
readonly parallel_pulls=4
readonly service_label=com.docker.compose.service
readonly front_mount=/usr/local/etc/haproxy
declare -A noted=() fronts_found=()
readonly look_format=$'{{.Name}}\t{{.State.Status}}\t{{with .State.Health}}{{.Status}}{{else}}-{{end}}\t{{.RestartCount}}\t{{.State.ExitCode}}\t{{or .HostConfig.RestartPolicy.Name "no"}}\t{{.State.StartedAt}}'
readonly container_format=$'{{.ID}}\t{{slice .Name 1}}\t{{index .Config.Labels "com.docker.compose.service"}}\t{{.Config.Image}}\t{{index .Config.Labels "coldtivate.definition"}}\t{{index .Config.Labels "coldtivate.state"}}\t{{.State.Status}}\t{{with .State.Health}}{{.Status}}{{else}}-{{end}}\t{{index .Config.Labels "com.docker.compose.oneoff"}}'

usage() {
  cat <<'TEXT'
usage: environment-deployment-management.sh [-p NAME] VERB [ARGUMENT...]

  status                   what runs here, which release, since when
  history                  every deploy so far
  deploy RELEASE           applies a release that is kept here, again
  sh [SERVICE] [COMMAND]   a shell, or another command, in a service's container
  compose ARGUMENT...      docker compose with the release that serves
  follow RELEASE           shows a deploy from its beginning to its end
  abort RELEASE            undoes a deploy that has not committed yet
  recover                  finishes or undoes what a crash interrupted
  help                     this text

-p NAME is the project and its environment, as in ~/.coldtivate/NAME; needed only where there are several.
Exit codes: 0 done; 2 usage; 3 refused, nothing changed; 4 undone, what served before serves; 5 a person is needed.
TEXT
}

# Says why something is not done. Arguments: exit code, lines to print. Returns: that code
fail() {
  printf '%s\n' "${@:2}" >&2
  return "$1"
}

# ---- the state: what is kept in ~/.coldtivate/NAME

# Finds the state directory. Arguments: project or nothing, directory or nothing. Sets: project, state
open_state() {
  local here known
  project=$1 state=$2
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
  here=${here%/releases/*}
  [[ -n $project$state || ${here%/*} != */.coldtivate ]] || state=$here
  if [[ -z $project$state ]]; then
    known=("$HOME"/.coldtivate/*/releases/)
    known=("${known[@]%/releases/}")
    ((${#known[@]} == 1)) || fail 2 "Which environment? Name one with -p. In ~/.coldtivate: ${known[*]##*/}"
    state=${known[0]}
  fi
  project=${project:-${state##*/}}
  state=${state:-$HOME/.coldtivate/$project}
  [[ $project =~ ^[a-z0-9][a-z0-9_-]*$ ]] || fail 2 "\"$project\" cannot be an environment's name: it has [a-z0-9_-] only."
}

# Arguments: a release's id. Sets: release, dir, journal, and plan, a line an element
open_release() {
  release=${1-} dir=$state/releases/${1-} journal=$state/releases/${1-}/journal
  [[ $release =~ ^[a-z0-9][a-z0-9._-]*$ && -s $dir/plan && -s $dir/compose.json ]] || {
    local kept=("$state"/releases/*/plan)
    kept=("${kept[@]%/plan}")
    fail 2 "${release:-No name} is not a release that is kept here. These are: ${kept[*]##*/}"
    return
  }
  mapfile -t plan <"$dir/plan"
}

# Prints the release that serves, or -.
current_release() {
  local target
  target=$(readlink "$state/current") || target=-
  printf '%s\n' "${target##*/}"
}

# Prints the releases that began and did not end, an id a line.
unsettled_releases() {
  awk -F '\t' '
    $2 == "0" && $3 == "begin" { open[FILENAME] = 1 }
    $2 == "0" && $3 ~ /^(finished|undone|broken)$/ { delete open[FILENAME] }
    END { for (path in open) { n = split(path, parts, "/"); print parts[n - 1] } }' "$state"/releases/*/journal /dev/null | sort
}

# ---- the lock: held by descriptor 9, so by this process and by all that it starts

# Arguments: who, seconds to wait. Sets the content of `running`: who, since when, which release
take_lock() {
  exec 9>>"$state/running"
  flock -w "$2" 9 || {
    fail 3 "A deploy is at work here: $(tr '\t' ' ' <"$state/running")" "Nothing was changed. Try again when it has ended."
    return
  }
  printf '%s\t%s\t%s\n' "$1" "$(date -u +%FT%TZ)" "${release-}" >"$state/running"
}

is_running() { [[ -e $state/running ]] && ! flock -sn "$state/running" true; }

refuse_when_locked() {
  [[ ! -e $state/locked ]] ||
    fail 3 "$project is locked: $(<"$state/locked")" "Nothing was changed. Once the reason is gone: rm $state/locked"
}

# ---- the journal: TIME_US <tab> STEP <tab> STATE <tab> DETAIL; step 0 is the release itself

# Appends a line and sees it onto the disk. Arguments: step, state, detail
note() {
  local now=${EPOCHREALTIME-$(date +%s.%6N)} detail=${3-}
  detail=${detail//[[:cntrl:]]/ }
  printf '%s\t%s\t%s\t%s\n' "${now/./}" "$1" "$2" "$detail" >>"$journal" && sync -d "$journal" || return
  learn "$1/$2" "$detail"
}

# Sets an element of noted, the first time: what a line says, by STEP/STATE, and what is seen, by the name it is given.
learn() {
  if [[ $1 == */seen ]]; then set -- "${2%%=*}" "${2#*=}"; fi
  has "$1" || noted["$1"]=$2
}

has() { [[ -n ${noted["$1"]+x} ]]; }

# Copies standard input into the journal, as output of the current step.
log_lines() {
  local line now
  while IFS= read -r line || [[ -n $line ]]; do
    now=${EPOCHREALTIME-$(date +%s.%6N)} line=${line//$'\t'/ }
    printf '%s\t%s\tlog\t%s\n' "${now/./}" "$step" "${line//[[:cntrl:]]/}" >>"$journal"
  done
}

load_journal() {
  local number word detail
  noted=()
  [[ -s $journal ]] || return 0
  # A power cut can leave half a line, which the next one must not continue.
  [[ -z $(tail -c 1 "$journal") ]] || printf '\n' >>"$journal"
  while IFS=$'\t' read -r _ number word detail; do
    [[ -z $word ]] || learn "$number/$word" "$detail"
  done <"$journal"
}

# Prints the journal as it grows, until the release has ended.
# Arguments: the executor's process id, where it is this process's child
# Returns: what the end means: 0, 4 or 5; where nobody works on the release any more, 3 if it never began, else 5
follow() {
  local executor=${1-} line='' part turn=0 dead=no
  [[ -e $journal ]] || fail 3 "Release $release was never started here." || return
  exec 8<"$journal"
  while :; do
    while IFS= read -r part <&8; do
      line+=$part
      show "$line" || return
      case $line in
        *$'\t0\tfinished\t'*) return 0 ;;
        *$'\t0\tundone\t'*) return 4 ;;
        *$'\t0\tbroken\t'*) return 5 ;;
      esac
      line=''
    done
    line+=$part
    [[ $dead == no ]] || break
    turn=$((turn + 1))
    if [[ -n $executor ]]; then
      kill -0 "$executor" 2>/dev/null || dead=yes
    elif ((turn % 10 == 1)); then
      is_running || dead=yes
    fi
    sleep 0.1
  done
  [[ -s $journal ]] || fail 3 "Release $release could not be started; nothing was changed. See $dir/log." || return
  fail 5 "Nobody works on release $release any more, and it has not ended: a crash, or it was killed." \
    "The next deploy finishes or undoes it, and so does: $script -p $project recover"
}

# Prints a journal's line: as it is for the CLI, readable for a person.
show() {
  local time state detail
  IFS=$'\t' read -r time _ state detail <<<"$1"
  case $reader/$state in
    cli/*) printf '%s\n' "$1" ;;
    person/seen) ;;
    person/*) printf '%(%T)T  %-9s %s\n' "${time::10}" "${state/#log/|}" "$detail" ;;
  esac
}

# ---- the engine

# Runs docker for at most $limit seconds, 60 where a caller does not set it.
engine() { timeout -k 5 "${limit:-60}" docker "$@"; }

# docker compose with a release's model. Arguments: the release's directory, Compose's arguments
compose() { engine compose -p "$project" --project-directory "$state" -f "$1/compose.json" "${@:2}"; }

# Brings services up as a release has them. Arguments: the release's directory, services. Sets: reason, when it fails
bring_up() {
  local output
  output=$(limit=900 compose "$1" --progress quiet up -d --no-deps --no-build --pull never "${@:2}" 2>&1) && return
  log_lines <<<"$output"
  reason="cannot start ${*:2}: ${output##*$'\n'}"
  return 1
}

# The same, and notes for how long nothing of a service ran.
replace() {
  local watcher code=0 tries gaps='' died='' events=$dir/events
  # Not only looked up afterwards: the engine forgets all but the last few, and health checks are events, too.
  (exec timeout --foreground -k 5 900 docker events --since "${EPOCHREALTIME-$(date +%s)}" --filter "label=com.docker.compose.project=$project" \
    --filter event=die --filter event=start --format "{{.TimeNano}} {{.Action}} {{index .Actor.Attributes \"$service_label\"}}" 9>&-) >"$events" 2>/dev/null &
  watcher=$!
  bring_up "$@" || code=$?
  for ((tries = 0; code == 0 && tries < 20; tries++)); do
    gaps=$(awk -v wanted=" ${*:2} " '
      !index(wanted, " " $3 " ") { next }
      $2 == "die" { died[$3] = $1 }
      $2 == "start" && ($3 in died) { printf "nothing of %s ran for %d ms\n", $3, ($1 - died[$3]) / 1e6; delete died[$3] }
      END { exit length(died) > 0 }' "$events") && break
    sleep 0.05
  done
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" || true
  rm -f "$events"
  while [[ -n $gaps ]] && IFS= read -r died; do note "$step" note "$died"; done <<<"$gaps"
  return "$code"
}

# docker ps over the project's containers, those of tasks left out. Arguments: docker ps's
containers() {
  engine ps -a --no-trunc --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False "$@"
}

# Prints the ids of services' containers. Arguments: services
ids_of() {
  containers --format "{{.ID}} {{.Label \"$service_label\"}}" | awk -v wanted=" $* " 'index(wanted, " " $2 " ") { print $1 }'
}

# Arguments: services. Sets: reason, when it fails
remove_services() {
  local ids output
  ids=$(ids_of "$@") || return
  mapfile -t ids < <(printf %s "$ids")
  ((${#ids[@]} > 0)) || return 0
  # Or they come back with a daemon that dies halfway. One that is restarting cannot be told.
  engine update --restart no "${ids[@]}" >/dev/null 2>&1 || true
  output=$({ limit=900 engine stop "${ids[@]}" && engine rm -f "${ids[@]}"; } 2>&1) && return
  reason="cannot remove $*: ${output##*$'\n'}"
  return 1
}

# Sets: engine_version, compose_version. Returns: 3 when this host cannot be deployed to
check_docker() {
  local user
  user=$(id -un)
  command -v docker >/dev/null || fail 3 "Docker is not installed on $HOSTNAME. Install Docker Engine 24 or newer, with Compose." || return
  engine_version=$(engine version --format '{{.Server.Version}}' 2>&1) || case $engine_version in
    *'permission denied'*) fail 3 "$user may not use Docker on $HOSTNAME. Let root run \`usermod -aG docker $user\`, then log in again." || return ;;
    *) fail 3 "The Docker daemon does not answer on $HOSTNAME: ${engine_version##*$'\n'}" || return ;;
  esac
  engine_version=${engine_version##*$'\n'}
  is_at_least 24 "$engine_version" || fail 3 "Docker Engine is $engine_version on $HOSTNAME; 24 or newer is needed." || return
  compose_version=$(engine compose version --short 2>/dev/null) ||
    fail 3 "Docker Compose is missing on $HOSTNAME. Install its plugin, 2.20 or newer (docker-compose-plugin)." || return
  is_at_least 2.20 "${compose_version#v}" || fail 3 "Docker Compose is $compose_version on $HOSTNAME; 2.20 or newer is needed."
}

is_at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

# ---- registry credentials: a Docker configuration for each registry, in memory, until the images are pulled

# Reads `registry <tab> username <tab> password` lines and logs in with each. Sets: credentials
log_in() {
  local registry username password output
  credentials=$(mktemp -d "$shared_memory/coldtivate.$project.XXXXXX") || fail 3 "Cannot write to $shared_memory." || return
  while IFS=$'\t' read -r registry username password || [[ -n $registry ]]; do
    registry=${registry#http*://} registry=${registry%%/*}
    [[ $registry =~ ^[A-Za-z0-9][A-Za-z0-9.:-]*$ ]] || fail 3 "\"$registry\" is no registry's name. Nothing was changed." || return
    mkdir "$credentials/$registry" || return
    # Where no helper is named, docker looks for the desktop's key ring, and would leave the password there.
    printf '{"credHelpers":{"%s":""}}\n' "$registry" >"$credentials/$registry/config.json" || return
    [[ ! -d ~/.docker/contexts ]] || ln -s ~/.docker/contexts "$credentials/$registry/contexts" || return
    output=$(printf %s "$password" | DOCKER_CONFIG=$credentials/$registry engine login --username "$username" --password-stdin "$registry" 2>&1) || {
      fail 3 "$HOSTNAME could not log in to the registry $registry: ${output##*$'\n'}" "Nothing was changed. Check the user name and the password."
      return
    }
  done
}

drop_credentials() {
  [[ -z ${credentials-} ]] || rm -rf "$credentials"
  credentials=
}

# Prints the Docker configuration that an image is pulled with; nothing where it is the user's own.
configuration_for() {
  local registry=${1%%/*}
  [[ $1 == */* && ($registry == *[.:]* || $registry == localhost) ]] || registry=docker.io
  [[ -z ${credentials-} || ! -d $credentials/$registry ]] || printf '%s\n' "$credentials/$registry"
}

# ---- the steps: do_VERB acts, undo_VERB, where there is anything to undo, takes it back; each may be repeated; $reason says what failed

is_aborted() { [[ $undoing == no && -e $dir/abort ]] && ! has 0/committed; }

# Waits for a background process. Arguments: its id; a command that ends it when the release is aborted. Returns: its exit code
await() {
  until ! kill -0 "$1" 2>/dev/null || is_aborted; do sleep 0.05; done
  ! is_aborted || "${@:2}" >/dev/null 2>&1 || true
  wait "$1"
}

do_expect() {
  local serving
  serving=$(current_release)
  reason="the plan was made while ${1/#-/nothing} served, and now ${serving/#-/nothing} does"
  [[ $serving == "$1" ]]
}

do_pull() {
  local image running=0
  ! engine image inspect --format ' ' "$@" >/dev/null 2>&1 || return 0
  rm -f "$dir/unpulled"
  for image in "$@"; do
    if ((running == parallel_pulls)); then
      wait -n || break
      running=$((running - 1))
    fi
    pull_image "$image" &
    running=$((running + 1))
  done
  wait
  [[ -e $dir/unpulled ]] || return 0
  reason="cannot pull $(paste -sd ' ' "$dir/unpulled")"
  return 1
}

# Returns: 1 when this image, or another before it, could not be pulled
pull_image() {
  local configuration output=$dir/pull.$BASHPID
  ! engine image inspect --format ' ' "$1" >/dev/null 2>&1 || return 0
  configuration=$(configuration_for "$1")
  [[ -z $configuration ]] || export DOCKER_CONFIG=$configuration
  # No shell around it, which would be killed in its place and leave it at work, with the lock.
  (exec timeout -k 5 1800 docker pull -q "$1") >"$output" 2>&1 &
  if await "$!" kill "$!"; then
    note "$step" note "pulled $1"
  else
    printf '%s\n' "$1" >>"$dir/unpulled"
    is_aborted || log_lines <<<"$1: $(<"$output")"
  fi
  rm -f "$output"
  [[ ! -e $dir/unpulled ]]
}

# The container's name makes a task run once, whoever asks again.
do_task() {
  local container=$project-$release-$1 deadline=$((SECONDS + $2)) output code
  engine container inspect "$container" >/dev/null 2>&1 ||
    output=$(compose "$dir" run -d --no-deps --name "$container" "task-$1" 2>&1) || {
    log_lines <<<"$output"
    reason="task $1 could not be started: ${output##*$'\n'}"
    return 1
  }
  limit=$2 engine logs --follow "$container" 2>&1 | log_lines &
  await "$!" undo_task "$1" || true
  ! is_aborted || return
  reason="task $1 did not end within $2 s"
  code=$(limit=$((deadline > SECONDS ? deadline - SECONDS : 1)) engine wait "$container" 2>/dev/null) || return
  reason="task $1 exited with $code"
  [[ $code == 0 ]]
}
undo_task() {
  local container=$project-$release-$1
  ! engine container inspect "$container" >/dev/null 2>&1 || { engine stop "$container" && engine rm -f "$container"; } >/dev/null
}

do_recreate() { note "$step" seen "unwell:$step= $(unwell_services)" && replace "$dir" "$@"; }
undo_recreate() { restore "$@"; }

do_remove() {
  name_others "$@" && note "$step" seen "unwell:$step= $(unwell_services)" || return
  remove_services "${others[@]}"
}
undo_remove() { name_others "$@" && restore "${others[@]}"; }

# Arguments: services, or @others. Sets: others, the services that this means
name_others() {
  local known
  others=("$@")
  [[ $1 == @others ]] || return 0
  known=$(compose "$dir" config --services | sort) || return
  has others || note 0 seen "others=$(containers --format "{{.Label \"$service_label\"}}" | sort -u | comm -13 <(printf '%s\n' "$known") - | paste -sd ' ')" || return
  read -ra others <<<"${noted[others]}"
}

# Prints the services that do not run, or are not healthy, with a space after each.
unwell_services() {
  containers --format "{{.Label \"$service_label\"}} {{.State}} {{.Status}}" |
    awk '$2 != "running" || /unhealthy/ { printf "%s ", $1 }'
}

# Brings services back as the release that serves has them, and removes those that it does not have, idle slots among them.
# Returns: 1 when one of them does not come back that was well before
restore() {
  local service names='' front known=() unknown=() bad=0
  [[ ! -e $state/current ]] || names=$(compose "$state/current" config --services) || return
  for service in "$@"; do
    front=$state/fronts/${service%-*}/live
    if grep -qxF -- "$service" <<<"$names" && [[ ! -e $front || ${service##*-} != @(blue|green|slot) || ${service##*-} == $(<"$front") ]]; then
      known+=("$service")
    else
      unknown+=("$service")
    fi
  done
  remove_services "${unknown[@]}" || return
  ((${#known[@]} == 0)) || bring_up "$state/current" "${known[@]}" || return
  for service in "${known[@]}"; do
    wait_until_healthy "$service" 60 1 0 || [[ $verdict == waiting || ${noted["unwell:$step"]-} == *" $service "* ]] || bad=1
  done
  return "$bad"
}

# ---- fronts and slots: the front's own file says what it serves

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

# Arguments: service. Sets: front, its container; master, its first process. Returns: 1 where it does not run
find_front() {
  local mounts
  read -r front master <<<"${fronts_found[$1]-}" || true
  ! is_near || return 0
  reason="the front of $1 does not run"
  front=$(ids_of "$1") && [[ -n $front ]] &&
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
  local output
  find_front "$1" && configure "$1" "$2" "$3" libc,none next.cfg || return
  output=$(engine exec "$front" haproxy -c -f "$front_mount/next.cfg" 2>&1) || {
    log_lines <<<"$output"
    reason="the front of $1 refuses its configuration: ${output##*$'\n'}"
    return 1
  }
  record "$1" "$2" && reload "$1" && configure "$1" "$2" cfg none haproxy.cfg
}

# Makes a configuration that was checked the front's own. Arguments: service, slot that it points at
record() {
  local own=$state/fronts/$1
  mv "$own/next.cfg" "$own/haproxy.cfg" && place "$own/live" <<<"$2" && sync "$own"
}

# Returns: 1 when a front has no new worker after ten seconds: then the old one serves on
reload() {
  local before now looks=0 turn
  before=$(workers) || return
  for ((turn = 0; turn < 200; turn++)); do
    # A signal that reaches HAProxy while it still starts is lost.
    ((turn % 20 != 0 || looks > 0)) || engine kill -s USR2 "$front" >/dev/null || return
    now=$(workers) || return
    # A worker that stumbles over its configuration is there for a moment, too.
    if [[ -n $(comm -13 <(printf '%s\n' "$before") <(printf '%s\n' "$now")) ]]; then looks=$((looks + 1)); else looks=0; fi
    ((looks == 0)) || [[ -n $(comm -12 <(printf '%s\n' "$before") <(printf '%s\n' "$now")) ]] || return 0
    ((looks < 3)) || return 0
    sleep 0.05
  done
  reason="the front of $1 did not load its configuration; it serves what it served before"
  return 1
}

# Waits until all that a front had in flight has finished. Arguments: service, seconds. Returns: 1 when it has not by then
await_drained() {
  local deadline=$((SECONDS + $2)) now
  find_front "$1" || return 0
  while now=$(workers); do
    [[ $now == *$'\n'* ]] || return 0
    ((SECONDS <= deadline)) || return
    sleep 0.1
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
  local service slots=()
  for service in "$@"; do
    find_slots "$service" || return
    [[ $live == "$idle" ]] || slots+=("$service-$idle")
  done
  ((${#slots[@]} == 0)) || { remove_services "${slots[@]}" && bring_up "$dir" "${slots[@]}"; }
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
  ((${#slots[@]} == 0)) || remove_services "${slots[@]}"
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
  replace "$dir" "$@" || return
  for service in "$@"; do await_front "$service" || return; done
}
undo_front() {
  local service
  restore "$@" || return
  for service in "$@"; do
    find_slots "$service" || return
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
  local deadline=$((SECONDS + 15))
  until find_front "$1" && [[ -n $(workers) ]]; do
    ((SECONDS <= deadline)) || {
      [[ -z $front ]] || explain "$front"
      return 1
    }
    sleep 0.05
  done
}

do_switch() { find_slots "$1" && { [[ $live == "$idle" ]] || point "$1" "$idle" cfg; }; }
undo_switch() { find_slots "$1" && { [[ $was == @(-|"$idle") ]] || point "$1" "$was" cfg; }; }

do_hold() {
  find_slots "$1" && point "$1" "$live" hold.cfg || return
  await_drained "$1" "$2" || note "$step" note "$1: what is in flight did not finish within $2 s"
}
undo_hold() { do_open "$1"; }
do_open() { find_slots "$1" && point "$1" "$live" cfg; }
undo_open() { do_hold "$1" "$(drain_limit "$1")"; }

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

do_drain() {
  local began cut
  find_slots "$1" && [[ $was != @(-|"$idle") ]] && find_front "$1" || return 0
  await_drained "$1" "$2" || note "$step" note "$1: connections are open after $2 s; they end when $1-$was stops"
  IFS=$'\t' read -r began _ <"$journal"
  cut=$(engine logs --since "${began::10}" "$front" 2>&1 | awk -F '[()]' '/ hard-stopped \(/ { cut += $(NF - 1) } END { print cut + 0 }')
  ((cut == 0)) || note "$step" note "$1: $cut connections to $1-$was were cut after $2 s"
}

do_stop() {
  local name services=()
  for name in "$@"; do resolve "$name" && services+=("$service") || return; done
  remove_services "${services[@]}"
}

# ---- health

do_healthy() {
  local service first=''
  resolve "$1" || return
  # A slot that this release started has not been restarted before.
  [[ $1 != *@idle || $idle == "$was" ]] || first=0
  wait_until_healthy "$service" "${@:2}" && return
  [[ -z $culprit ]] || is_aborted || explain "$culprit"
  return 1
}

# Waits until all containers of a service are well: healthy, or, where nothing checks that, up long enough.
# Arguments: service, seconds to wait, seconds that a container without a health check must run, least number of containers, port that must accept connections
# Returns: 0 when they are, else 1. Sets: verdict (well, waiting, failed), reason, culprit (a container)
wait_until_healthy() {
  local deadline=$((SECONDS + $2)) port=${5-} ids
  local -A restarts=()
  verdict=waiting culprit='' reason="$1 has no container"
  ids=$(ids_of "$1") || return
  mapfile -t ids < <(printf %s "$ids")
  ((${#ids[@]} >= ${4:-1})) || return
  ((${#ids[@]} > 0)) || return 0
  while :; do
    look "$3" "${ids[@]}"
    [[ $verdict != well ]] || return 0
    [[ $verdict == waiting ]] && ! is_aborted || return
    ((SECONDS <= deadline)) || break
    sleep 0.15
  done
  reason="$reason after $2 s"
  return 1
}

# Looks at containers once. Arguments: seconds, as above; ids. Sets: verdict, reason, culprit; restarts, by name
look() {
  local found name status health count code policy started now
  verdict=waiting culprit=
  found=$(engine container inspect --format "$look_format" "${@:2}" 2>&1) || {
    reason=${found##*$'\n'}
    [[ $found != *'No such container'* ]] || verdict=failed
    return 0
  }
  printf -v now '%(%s)T' -1
  verdict=well
  while IFS=$'\t' read -r name status health count code policy started; do
    name=${name#/}
    ((count <= ${restarts[$name]:=${first:-$count}})) || [[ $status != running ]] || status=restarted
    case $status/$health in
      running/healthy) continue ;;
      running/-) ((now - $(date -d "$started" +%s) > $1)) && { [[ -z $port ]] || accepts "$name"; } && continue ;;
      exited/*) [[ $code == 0 && $policy == @(no|on-failure) ]] && continue ;;
    esac
    verdict=waiting culprit=$name reason="$name is ${health/#-/$status}"
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

# Whether a container accepts connections. Arguments: container. Uses: port
accepts() {
  local address
  address=$(engine container inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$1") &&
    timeout 1 bash -c ": <>/dev/tcp/${address%% *}/$port" 2>/dev/null
}

# Prints what a container that runs again exited with. Arguments: container
last_exit_code() {
  local id code=''
  id=$(engine container inspect --format '{{.ID}}' "$1") || return 0
  # By its id: the container that it replaced had its name. Where its end is not known yet, the next one will do.
  read -r -t 5 code < <(exec timeout 5 docker events --since 10m --filter event=die --filter "container=$id" --format '{{.Actor.Attributes.exitCode}}') || true
  kill "$!" 2>/dev/null || true
  printf '%s\n' "${code:-an unknown code}"
}

# Shows what a container said last. Arguments: container
explain() {
  local checks
  checks=$(engine container inspect --format $'{{with .State.Health}}{{range .Log}}\x1e{{.Output}}{{end}}{{end}}' "$1" 2>&1) || true
  [[ -z $checks ]] || log_lines <<<"last health check of $1: ${checks##*$'\x1e'}"
  engine logs --tail 20 "$1" 2>&1 | log_lines
}

# The journal's line commits; the link follows it, after a crash too.
do_commit() {
  has 0/committed || note 0 committed || return
  ln -sfn "releases/$release" "$state/.current" && mv -T "$state/.current" "$state/current" && sync "$state" &&
    ln -sfn "current/$script" "$state/$script"
}

# Arguments: how many releases to keep, the one that serves included; failed ones that are newer stay with them
do_prune() {
  local releases=("$state"/releases/*/) index path serving gone count=0 old=()
  serving=$(current_release) reason='not everything old could be removed'
  for path in "$state"/fronts/*/; do [[ -e $state/current/fronts/$(basename "$path").cfg ]] || rm -rf "$path"; done
  for ((index = ${#releases[@]} - 1; index >= 0; index--)); do
    path=${releases[index]%/}
    [[ -s $path/images || ! -s $path/compose.json ]] || compose "$path" config --images >"$path/images" || true
    if ((count >= $1)) && [[ ${path##*/} != "$serving" ]]; then
      old+=("$path")
    elif cat /dev/null "$path"/journal* | grep -q $'\t0\tcommitted\t'; then
      count=$((count + 1))
    fi
  done
  ((${#old[@]} > 0)) || return 0
  gone=$(cat /dev/null "${old[@]/%//images}" | grep @sha256: | sort -u) || true
  rm -rf "${old[@]}" || return
  comm -23 <(printf '%s\n' "$gone") <(cat "${state%/*}"/*/releases/*/images | sort -u) |
    timeout 300 xargs -r docker image rm >/dev/null 2>&1 || true
  for path in "$state"/files/*; do
    grep -qsF "/files/${path##*/}/" "$state"/releases/*/compose.json || rm -rf "$path"
  done
}

# ---- the transaction: before `committed` a failure undoes, after it the release is finished

# Takes every step that is not done yet, in order. Returns: 1 at the first that fails. Sets: step, reason
forward() {
  for ((step = 1; step <= ${#plan[@]}; step++)); do
    reason=aborted
    ! has "$step/done" || continue
    ! is_aborted || return
    printf '%s\n' "${plan[@]:step-1}" | grep -q '^pull' || drop_credentials
    take_step "${plan[step - 1]}" || return
  done
}

# Arguments: a line of the plan
take_step() {
  local fields
  IFS=$'\t' read -ra fields <<<"$1"
  reason="${fields[0]} failed"
  note "$step" begin "${fields[*]}" || return
  if "do_${fields[0]}" "${fields[@]:1}"; then
    note "$step" 'done'
  elif has 0/committed && [[ ${fields[0]} != commit ]]; then
    note "$step" note "$reason; the next deploy tries again" && note "$step" 'done'
  else
    ! is_aborted || reason=aborted
    note "$step" failed "$reason"
    return 1
  fi
}

# Takes back every step that began, the last one first. Returns: 1 when one cannot be taken back
backward() {
  local fields reason bad=0
  undoing=yes
  for ((step = ${#plan[@]}; step > 0; step--)); do
    { has "$step/begin" && ! has "$step/undone"; } || continue
    IFS=$'\t' read -ra fields <<<"${plan[step - 1]}"
    reason="${fields[0]} cannot be undone"
    if ! declare -F "undo_${fields[0]}" >/dev/null || "undo_${fields[0]}" "${fields[@]:1}"; then
      note "$step" undone || return
    else
      note "$step" stuck "$reason" || return
      bad=1
    fi
  done
  return "$bad"
}

# Takes the release from where its journal stands to its end. Runs detached, and holds the lock.
# Arguments: release; directory with registry credentials, or nothing
execute() {
  open_release "$1"
  credentials=${2-} step=0 undoing=no reason='interrupted by a crash'
  trap drop_credentials EXIT
  load_journal
  if ! has 0/begin; then
    note 0 begin "$(<"$dir/by")"
    ! forward || { end finished && return; }
  fi
  if has 0/committed; then
    if forward; then end finished; else end broken "$reason"; fi
  else
    ! is_aborted || reason=aborted
    if backward; then end undone "$reason"; else end broken "$reason"; fi
  fi
}

# Arguments: finished, undone or broken; why
end() {
  local line began
  drop_credentials
  for line in "${plan[@]}"; do
    IFS=$'\t' read -ra line <<<"$line"
    [[ ${line[0]} != task ]] || undo_task "${line[1]}" || true
  done
  IFS=$'\t' read -r began _ <"$journal"
  printf '%s\t%s\t%s\t%s\t%s\n' "$(date -u -d "@${began::10}" +%FT%TZ)" "$(date -u +%FT%TZ)" "$release" "$1" "$(<"$dir/by")" >>"$state/history"
  note 0 "$1" "${2-}"
}

# ---- deploying

# Applies a release: the plan that the CLI just sent, or, for a person, one that is kept here.
deploy() {
  local code=0
  prepared=no
  open_release "${1-}"
  trap drop_credentials EXIT
  prepare || {
    code=$?
    [[ $reader == person || $prepared == no || -s $journal ]] || rm -rf "$dir"
    return "$code"
  }
  launch
  exec 9>&-
  follow "$executor" || code=$?
  [[ $reader == cli ]] || tell_end "$code"
  return "$code"
}

# Everything that can refuse a deploy before it changes anything.
prepare() {
  local who user from
  check_docker && refuse_when_locked || return
  IFS=$'\t' read -r user from _ <"$dir/who" || true
  who="${user:-unknown} from ${from:-unknown}"
  [[ $reader == cli ]] || who="${SUDO_USER:-$(id -un)} by hand"
  # Whoever asks whether the lock is held holds it for a moment.
  take_lock "$who" 1 || return
  prepared=yes
  # The lock is held: what killed runs left behind is in nobody's use.
  rm -rf "$shared_memory/coldtivate.$project".?????? || true
  chmod 700 "$state" || return
  [[ ! -L $state/current || -s $state/current/compose.json ]] || fail 3 "The release that serves, $(current_release), is incomplete: put $state/current/compose.json back." || return
  settle_others || return
  [[ $reader == cli ]] || plan_whole || return
  check_plan && keep_files || return
  printf '%s\n' "$who" >"$dir/by" || return
  [[ $reader == person ]] || log_in
}

# Finishes or undoes what a crash interrupted, each release with its own copy of this script.
settle_others() {
  local id code mine=${release-} mode=$reader
  for id in $(unsettled_releases); do
    printf 'Release %s was interrupted: it is finished or undone first.\n' "$id" >&2
    open_release "$id" || return
    launch
    reader=person code=0
    follow "$executor" >&2 || code=$?
    reader=$mode
    ((code == 0 || code == 4)) || fail 5 "Release $id could be neither finished nor undone. A person is needed; see $journal." || return
  done
  [[ -z $mine ]] || open_release "$mine"
}

# Refuses a plan that this script does not understand, or that was made for another state of this host.
check_plan() {
  local line verb
  [[ ! -s $journal ]] || fail 3 "Release $release was applied here before. Nothing was changed." || return
  for line in "${plan[@]}"; do
    verb=${line%%$'\t'*}
    declare -F "do_$verb" >/dev/null || fail 3 "The plan has an unknown step, \"$verb\". Nothing was changed." || return
    [[ $verb != expect ]] || do_expect "${line#*$'\t'}" || fail 3 "The plan is stale: $reason. Nothing was changed; deploy again." || return
  done
}

# By hand a release is applied whole: its plan may have changed only some services of what served then.
plan_whole() {
  [[ -s $dir/plan.whole ]] || fail 3 "Release $release is from an older coldtivate and cannot be deployed from here. Nothing was changed; deploy its commit with the CLI." || return
  cp "$dir/plan.whole" "$dir/plan" && rm -f "$dir/abort" || return
  [[ ! -e $journal ]] || mv "$journal" "$journal.1" || return
  open_release "$release"
}

# Moves what containers mount to its place by content. They read it as users of their own; the state directory is closed.
keep_files() {
  local path
  mkdir -p "$state/files" || return
  for path in "$dir"/files/*; do
    chmod -R go+rX "$path" || return
    [[ -e $state/files/${path##*/} ]] || mv -T "$path" "$state/files/${path##*/}" || return
  done
  rm -rf "$dir/files"
}

# Starts the executor, in a session of its own so that it outlives this connection. Sets: executor
launch() {
  local own=$dir/$script
  [[ -s $own ]] || own=${BASH_SOURCE[0]}
  : >>"$journal"
  setsid bash "$own" -p "$project" -s "$state" execute "$release" ${credentials:+"$credentials"} </dev/null >>"$dir/log" 2>&1 &
  executor=$!
  credentials=
}

# Arguments: how it ended, as an exit code
tell_end() {
  case $1 in
    0) printf 'The environment was _coldtivated_ with great success!\n' >&2 ;;
    4) printf 'Release %s was undone; as before, this release serves: %s. The journal is %s.\n' "$release" "$(current_release)" "$journal" >&2 ;;
    5) printf 'Release %s could not be undone: see %s, look at what runs (status), and mend it by hand.\n' "$release" "$journal" >&2 ;;
  esac
}

# ---- the other verbs

# Prints a field of the answer to `observe`. Arguments: name, content
field() { printf '%s\t%s\n%s\n' "$1" "${#2}" "$2"; }

# Prints a line a front: service <tab> slot that it points at.
fronts() {
  local path
  for path in "$state"/fronts/*/live; do printf '%s\t%s\n' "$(basename "${path%/live}")" "$(<"$path")"; done
}

# Tells the CLI what this host has, and what the Compose files come to here. Arguments: directory with what the CLI sent
observe() {
  local root=$1 path name files=() variables=() model='' error='' running='' locked='' manifest='' ids
  check_docker
  mkdir -p "$root/compose"
  cd "$root/compose"
  while IFS= read -r path; do files+=(-f "$path"); done < <(cat "$root/arguments" 2>/dev/null || true)
  for name in dotenv environment; do [[ ! -e $root/$name ]] || variables+=(--env-file "$root/$name"); done
  if ((${#files[@]} > 0)); then
    # Of the environment only what docker itself needs: the rest would win over the variables that were sent.
    model=$(timeout 60 env -i PATH="$PATH" HOME="$HOME" ${DOCKER_HOST:+DOCKER_HOST="$DOCKER_HOST"} DOT_ENV_PATH="$root/dotenv" \
      docker compose -p "$project" "${files[@]}" "${variables[@]}" --profile '*' config --format json 2>"$root/error") || model=''
    error=$(<"$root/error")
  fi
  ids=$(engine ps -aq --filter "label=com.docker.compose.project=$project")
  mapfile -t ids < <(printf %s "$ids")
  [[ ! -e $state/locked ]] || locked=$(<"$state/locked")
  ! is_running || running=$(<"$state/running")
  [[ ! -e $state/current/manifest.json ]] || manifest=$(<"$state/current/manifest.json")
  name=$(current_release)
  field protocol 1
  field state "$state"
  field directory "$(pwd -P)"
  field engine "$engine_version"
  field compose "$compose_version"
  field current "${name#-}"
  field manifest "$manifest"
  field locked "$locked"
  field running "$running"
  field unsettled "$(unsettled_releases)"
  # A container may go away meanwhile; the others are printed all the same.
  field containers "$( ((${#ids[@]} == 0)) || engine container inspect --format "$container_format" "${ids[@]}" 2>/dev/null || true)"
  field fronts "$(fronts)"
  field model "$model"
  field error "$error"
}

abort() {
  open_release "${1-}"
  load_journal
  local word
  for word in committed finished undone broken; do
    ! has "0/$word" || fail 3 "Too late: release $release is $word."
  done
  : >"$dir/abort"
  printf 'Release %s is being undone.\n' "$release" >&2
}

recover() {
  check_docker
  refuse_when_locked
  take_lock "${SUDO_USER:-$(id -un)} by hand, recovering" 30
  settle_others
  printf 'Nothing is left unsettled. This release serves: %s\n' "$(current_release)" >&2
}

status() {
  local id since
  check_docker
  id=$(current_release)
  since=$(awk -F '\t' -v id="$id" '$3 == id && $4 == "finished" { line = "since " $2 ", deployed by " $5 } END { print line }' "$state/history" 2>/dev/null) || true
  printf '%s: %s %s\n' "$project" "${id/#-/no release}" "$since"
  ! is_running || printf 'At work: %s\n' "$(tr '\t' ' ' <"$state/running")"
  is_running || unsettled_releases | sed 's/^/Interrupted, see recover: /'
  [[ ! -e $state/locked ]] || printf 'Locked: %s\n' "$(<"$state/locked")"
  fronts | sed 's/^\(.*\)\t\(.*\)/\1 is served by \1-\2/'
  printf '\n'
  containers --format "table {{.Label \"$service_label\"}}\t{{.Names}}\t{{.Status}}"
}

# Runs a command in a service's container. Arguments: service, command; by default the only service, sh
enter() {
  local service=${1-} services id terminal=()
  services=$(engine ps --filter "label=com.docker.compose.project=$project" --format "{{.Label \"$service_label\"}}" | sort -u)
  [[ -n $service || $services == *$'\n'* ]] || service=$services
  [[ ! -s $state/fronts/$service/live ]] || service+=-$(<"$state/fronts/$service/live")
  id=$(engine ps -q --filter "label=com.docker.compose.project=$project" --filter "label=$service_label=$service" | head -n 1)
  [[ -n $service && -n $id ]] || fail 2 "Which service? These run: ${services//$'\n'/ }"
  [[ ! -t 0 ]] || terminal=(-t)
  (($# > 1)) || set -- "$service" sh
  exec docker exec -i "${terminal[@]}" "$id" "${@:2}"
}

main() {
  local option name='' directory=''
  reader=person
  unset "${!COMPOSE_@}"
  export COMPOSE_IGNORE_ORPHANS=1
  while getopts :p:s:c option; do
    case $option in
      p) name=$OPTARG ;;
      s) directory=$OPTARG ;;
      c) reader=cli ;;
      *) fail 2 "$(usage)" ;;
    esac
  done
  shift $((OPTIND - 1))
  [[ ${1:-help} != help ]] || { usage && return; }
  open_state "$name" "$directory"
  case $1 in
    observe | deploy | abort | recover | status | execute) "$@" ;;
    follow)
      open_release "${2-}"
      [[ -t 1 ]] || reader=cli
      follow
      ;;
    history) cat "$state/history" ;;
    sh) enter "${@:2}" ;;
    compose)
      [[ -e $state/current ]] || fail 3 "No release serves here yet."
      exec docker compose -p "$project" --project-directory "$state" -f "$state/current/compose.json" "${@:2}"
      ;;
    *) fail 2 "$(usage)" ;;
  esac
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
