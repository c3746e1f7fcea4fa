#!/usr/bin/env bash
# What the host reports, and the verbs that change nothing but a container or an interrupted release.
# Sourced by environment-deployment-management.sh.

# Prints a field of the answer to `observe`. Arguments: name, content
field() { printf '%s\t%s\n%s\n' "$1" "${#2}" "$2"; }

# Prints one line per front: service <tab> slot that it points at.
fronts() {
  local path
  for path in "$state"/fronts/*/live; do
    path=${path%/live}
    printf '%s\t%s\n' "${path##*/}" "$(<"$path/live")"
  done
}

# Prints what affects the result of Compose, apart from the files that were sent.
merger() {
  local name=cli-plugins/docker-compose
  printf '%s %s\n' "$HOME" "$PATH"
  stat -Lc '%n %s %Y' ~/".docker/$name" {/usr/local,/usr}/lib{,exec}/docker/"$name" 2>/dev/null || true
}

# Finds the last result of Compose for exactly these files and variables. Arguments: directory with what the CLI sent.
# Sets: model, error, directory. Returns: 1 where that is not known
recall_model() {
  local kept
  [[ -s $1/key ]] && kept=$state/merged/$(<"$1/key") && [[ -s $kept/model && $(<"$kept/merger") == "$(merger)" ]] || return
  model=$(<"$kept/model") error=$(<"$kept/error") directory=$(<"$kept/directory")
  # Another process may be writing it anew.
  [[ -n $model && -n $directory ]] && touch -c "$kept"
}

# Keeps that result for the next time, but only if there are releases. Arguments: the same. Uses: model, error, directory
keep_model() {
  local kept old
  [[ -s $1/key && -d $state/releases ]] || return 0
  kept=$state/merged/$(<"$1/key")
  mkdir -p "$state/merged"
  # Removes all but the few that were used last.
  mapfile -t old < <(cd "$state/merged" && find . -mindepth 1 -maxdepth 1 -printf '%T@ %p\n' | sort -rn | awk 'NR > 4 { print $2 }')
  ((${#old[@]} == 0)) || (cd "$state/merged" && rm -rf "${old[@]}")
  mkdir "$kept.$$" && merger >"$kept.$$/merger" && printf '%s\n' "$model" >"$kept.$$/model" &&
    printf '%s\n' "$error" >"$kept.$$/error" && printf '%s\n' "$directory" >"$kept.$$/directory" || return 0
  rm -rf "$kept"
  mv -T "$kept.$$" "$kept" 2>/dev/null || rm -rf "$kept.$$"
}

# Queries the engine, unless the CLI's prefetch has just done so and nobody has deployed since.
# Arguments: the release that serves
ask_unless_asked() {
  local at now release time
  read -r at release <<<"${COLDTIVATE_ASKED-}" || true
  printf -v now '%(%s)T' -1
  if ((now - ${at%.*} <= 2)) 2>/dev/null && [[ $release == "$1" ]]; then
    # A deploy writes to the first file when it begins, and to the second when it ends.
    while read -r time; do [[ ! $time > $at ]] || release=; done < <(stat -c %.6Y "$state/running" "$state/history" 2>/dev/null)
    [[ -z $release ]] || return 0
  fi
  ask_engine "$project" "$1"
}

# Refuses an answer of the engine that leaves out containers. Their absence from it does not mean that there are none.
# Arguments: the release that serves, exit code, all containers, what was told of the project's
refuse_untold() {
  local id owner lost=() still
  (($2 == 0)) || return 0
  while IFS=$'\t' read -r id owner _; do
    [[ $owner != "$project" || $'\n'$4 == *$'\n'"$id"$'\t'* ]] || lost+=("$id")
  done <<<"$3"
  if ((${#lost[@]} > 0)); then
    # They may have gone away meanwhile.
    still=$(ask ps -a --no-trunc --format '{{.ID}}' 2>/dev/null) || still=${lost[*]}
    for id in "${lost[@]}"; do
      [[ $still != *"$id"* ]] || fail 3 "The Docker daemon lists container ${id::12} on $HOSTNAME, and tells nothing of it."
    done
  fi
  [[ -n $3 || $1 == - ]] || still=$(ask info --format '{{.Containers}}' 2>/dev/null) || still='?'
  [[ -n $3 || $1 == - || $still == 0 ]] || fail 3 "The Docker daemon lists no container on $HOSTNAME, and has $still."
}

# Tells the CLI what this host has, and what Compose makes of the files here. Arguments: directory with what the CLI sent
observe() {
  local root=$1 path name serving files=() variables=() dotenv=() folder model='' error='' directory running='' locked='' manifest='' all code length found='' merging unsettled pointed room wrote elsewhere='' listed
  # The serving release is looked up first. If another one takes over after this, a plan for this state is refused as stale.
  serving=$(current_release)
  ask_unless_asked "$serving"
  mkdir -p "$root/compose"
  cd "$root/compose"
  directory=$(pwd -P)
  ! uses_elsewhere "$root" || exec {elsewhere}< <(ask_elsewhere)
  [[ ! -e $root/arguments ]] || while IFS= read -r path; do files+=(-f "$path"); done <"$root/arguments"
  folder=$directory
  [[ ${files[1]-} != */* ]] || folder+=/${files[1]%/*}
  for name in defaults dotenv environment; do [[ ! -e $root/$name ]] || variables+=(--env-file "$root/$name"); done
  if recall_model "$root"; then
    files=()
  elif ((${#files[@]} > 0)); then
    [[ ! -e $root/dotenv ]] || dotenv=(DOT_ENV_PATH="$root/dotenv")
    # Passes on only what docker itself needs of the environment, and PWD, which is the project's folder for people who work
    # there. Anything else would win over the variables that were sent. A Compose that is too old does not know --progress. Its
    # version is checked below.
    timeout 60 env -i PATH="$PATH" HOME="$HOME" PWD="$folder" ${DOCKER_HOST:+DOCKER_HOST="$DOCKER_HOST"} "${dotenv[@]}" \
      docker compose --progress quiet -p "$project" "${files[@]}" "${variables[@]}" --profile '*' config --format json >"$root/model" 2>"$root/error" &
    merging=$!
  fi
  [[ ! -e $state/locked ]] || locked=$(<"$state/locked")
  running=$(at_work)
  [[ $serving == - || ! -e $state/releases/$serving/manifest.json ]] || manifest=$(<"$state/releases/$serving/manifest.json")
  unsettled=$(unsettled_releases) pointed=$(fronts)
  found=$(</dev/fd/3)
  code=$((${found:0:3})) length=$((${found:3:12}))
  all=${found:15:length} found=${found:15+length}
  refuse_untold "$serving" "$code" "$all" "$found"
  # The daemon had a minute to answer.
  ((code != 124 && code != 137)) || fail 3 "The Docker daemon does not answer on $HOSTNAME."
  # If a release serves, the engine was checked before.
  [[ $code == 0 && $serving != - ]] || check_engine
  # Without an answer nothing is listed, which does not mean that the host is empty.
  [[ $code == 0 ]] || fail 3 "The Docker daemon does not list its containers on $HOSTNAME: ${all##*$'\n'}"
  room=$(capacity "$found" "$all")
  wrote=$(tell_written "$found")
  if ((${#files[@]} > 0)); then
    ! wait "$merging" || model=$(<"$root/model")
    error=$(<"$root/error")
    [[ -z $model ]] || keep_model "$root"
  fi
  # Without a model, Compose itself may be the problem. That is not checked if there were no files to merge and a release serves,
  # because then Compose has worked here before.
  [[ -n $model || (! -s $root/arguments && $serving != -) ]] || check_compose
  field protocol 1
  field state "$state"
  field directory "$directory"
  field engine "${engine_version-}"
  field compose "${compose_version-}"
  field current "${serving#-}"
  field manifest "$manifest"
  field locked "$locked"
  field running "$running"
  field unsettled "$unsettled"
  field containers "$found"
  field fronts "$pointed"
  field written "$wrote"
  listed=$(cat <&4)
  # A deploy pulls an image that it does not see, and then finds it. For a rollback, unlisted images are looked up first.
  if [[ ${listed##*$'\n'} == all ]]; then
    listed=$(grep -F @sha256: <<<"$listed" || true)
    [[ ! -e $root/past ]] || listed+=$'\n'$(unlisted_images "$listed" "$state"/releases/*/compose.json)
    field images "$listed"
  else
    [[ ! -e $root/past ]] || fail 3 "The Docker daemon does not list its images on $HOSTNAME."
  fi
  field capacity "$room"
  [[ -z $elsewhere ]] || field elsewhere "$(cat <&"$elsewhere")"
  field model "$model"
  field error "$error"
  [[ ! -e $root/past ]] || tell_past "$(<"$root/past")"
}

# Tells the CLI which release serves, when it was committed, who locked the environment, and who is at work.
serving() {
  local manifest='' committed='' locked=''
  if [[ -e $state/current ]]; then
    manifest=$(<"$state/current/manifest.json") || true
    committed=$(grep -m1 $'\tcommitted' "$state/current/journal" | cut -f 1) || true
  fi
  [[ ! -e $state/locked ]] || locked=$(<"$state/locked")
  field manifest "$manifest"
  field committed_at "$committed"
  field locked "$locked"
  field running "$(at_work)"
}

# Tells the CLI where the engine is that this user has selected. Prints nothing if it is the default one.
engine_socket() {
  [[ -n ${DOCKER_HOST-}${DOCKER_CONTEXT-} ]] || grep -qs currentContext "${DOCKER_CONFIG:-$HOME/.docker}/config.json" || return 0
  docker context inspect --format '{{.Endpoints.docker.Host}}' </dev/null
}

status() {
  local id since
  check_docker
  id=$(current_release)
  since=$(awk -F '\t' -v id="$id" '$3 == id && $4 == "finished" { line = "since " $2 ", deployed by " $5 } END { print line }' "$state/history" 2>/dev/null) || true
  printf '%s: %s %s\n' "$project" "${id/#-/no release}" "$since"
  ! is_running || printf 'At work: %s\n' "$(at_work)"
  is_running || { unsettled_releases && broken_release; } | sed 's/^/Interrupted, see recover: /'
  [[ ! -e $state/locked ]] || printf 'Locked: %s\n' "$(locked_by)"
  fronts | sed 's/^\(.*\)\t\(.*\)/\1 is served by \1-\2/'
  printf '\n'
  containers --format "table {{.Label \"$service_label\"}}\t{{.Names}}\t{{.Status}}"
}

# Prints every deploy. For the CLI, prints the serving release on a line before, and puts tabs between fields.
history() {
  local began ended id outcome by ref changed
  touch "$state/history"
  [[ $reader == person ]] || { current_release && cat "$state/history" && return; }
  while IFS=$'\t' read -r began ended id outcome by _ ref changed; do
    printf '%s  %s  %-8s  %3d s  %s, %s%s\n' "$began" "$id" "$outcome" "$(($(date -d "$ended" +%s) - $(date -d "$began" +%s)))" \
      "$by" "${ref:--}" "${changed:+: $changed}"
  done <"$state/history"
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
