#!/usr/bin/env bash
# The steps: do_VERB acts. undo_VERB reverts it, if there is anything to undo. Each can be repeated. $reason says what failed.
# Sourced by environment-deployment-management.sh.

readonly parallel_pulls=4

# Whether the release is aborted. Once the hosts have decided, none of them turns back alone.
is_aborted() { [[ $undoing == no && -e $dir/abort && ! -e $dir/go.switched ]] && ! journal_has 0/committed; }

# Waits for a background process. Arguments: its id; a command that ends it when the release is aborted. Returns: its exit code
await() {
  until ! kill -0 "$1" 2>/dev/null || is_aborted; do pause 0.02; done
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
    pull_image "$image" "$#" &
    running=$((running + 1))
  done
  wait
  [[ -e $dir/unpulled ]] || return 0
  reason="cannot pull $(paste -sd ' ' "$dir/unpulled")"
  return 1
}

# Pulls images that services need and this host no longer has, with the logins of the host itself.
# Arguments: the release's directory, services. Returns: 1 when nothing was missing, or something still is
pull_lost() {
  local images
  images=$(compose "$1" config --images "${@:2}" 2>/dev/null | sort -u) && [[ -n $images ]] || return
  mapfile -t images <<<"$images"
  ! engine image inspect --format ' ' "${images[@]}" >/dev/null 2>&1 && do_pull "${images[@]}"
}

# Arguments: image; how many images there are: a single one is known to be missing
# Returns: 1 when this image, or another before it, could not be pulled
pull_image() {
  local configuration context output=$dir/pull.$BASHPID
  (($2 == 1)) || ! engine image inspect --format ' ' "$1" >/dev/null 2>&1 || return 0
  configuration=$(configuration_for "$1")
  if [[ -n $configuration ]]; then
    # The user's own configuration still decides which engine it is.
    context=${DOCKER_CONTEXT:-$(own_context)}
    export DOCKER_CONFIG=$configuration
    [[ -z $context || -n ${DOCKER_HOST-} ]] || export DOCKER_CONTEXT=$context
  fi
  # No shell around it: the shell would be killed in its place, and docker would go on and hold the lock.
  (exec timeout -k 5 1800 docker pull -q "$1") >"$output" 2>&1 &
  if await "$!" kill "$!"; then
    tell "$step" note "pulled $1"
  else
    printf '%s\n' "$1" >>"$dir/unpulled"
    is_aborted || log_lines <<<"$1: $(<"$output")"
  fi
  rm -f "$output"
  [[ ! -e $dir/unpulled ]]
}

do_task() { run_once "task-$1" "$project-$release-$1" "$2" "task $1"; }

# Arguments: task, seconds; undo, where it has one
undo_task() {
  local container=$project-$release-undo-$1
  drop_task "$project-$release-$1" || return
  [[ ${3-} == undo ]] || return 0
  run_once "undo-$1" "$container" "$2" "the undo of task $1" && return
  # A retry has to run it anew.
  drop_task "$container" || true
  return 1
}

# Runs a service of compose.json to its end. The container's name makes sure that repeated calls run it only once.
# Arguments: service, container, seconds, what to call it. Sets: reason, when it fails
run_once() {
  local container=$2 deadline=$((SECONDS + $3)) output code
  reason="$4 could not be started: the networks cannot be listed"
  engine container inspect "$container" >/dev/null 2>&1 || {
    keep_made || return
    output=$(compose "$dir" "${as_made[@]}" run -d --no-deps --name "$container" "$1" 2>&1)
  } || {
    log_lines <<<"$output"
    reason="$4 could not be started: ${output##*$'\n'}"
    return 1
  }
  limit=$3 engine logs --follow "$container" 2>&1 | log_lines &
  await "$!" drop_task "$container" || true
  ! is_aborted || return
  reason="$4 did not end within $3 s"
  code=$(limit=$((deadline > SECONDS ? deadline - SECONDS : 1)) engine wait "$container" 2>/dev/null) || return
  reason="$4 exited with $code"
  [[ $code == 0 ]]
}

# Arguments: container
drop_task() { ! engine container inspect "$1" >/dev/null 2>&1 || { engine stop "$1" && engine rm -f "$1"; } >/dev/null; }

# Runs a service to its end, unless it already ended well with exactly this definition.
# Arguments: service, seconds; optional, if the services that wait for it can do without
do_once() {
  local ids id deadline=$((SECONDS + $2))
  ! has_ended_well "$1" || { note "$step" seen "kept:$1=yes" && tell "$step" note "$1 came to its end before" && return; }
  find_plain "$1" || return
  if ((${#plain[@]} > 0)); then take_over "$dir" "$1"; else bring_up "$dir" --force-recreate "$1"; fi || return
  ids=$(ids_of "$1") || return
  for id in $ids; do
    limit=$2 engine logs --follow "$id" 2>&1 | log_lines &
    await "$!" engine stop "$id" || true
    until_ended "$1" "$id" "$deadline" && continue
    ! is_aborted && [[ ${3-} == optional ]] || return
    note "$step" note "$reason; what waits for it can do without" || return
  done
}
undo_once() {
  ! journal_has "kept:$1" || return 0
  find_plain "$1" || return
  if ((${#plain[@]} > 0)); then put_back "$1"; else remove_services "$1"; fi
}

# Whether a service's containers ended well and were created from the definition in compose.json. Arguments: service
has_ended_well() {
  local wanted found
  find_plain "$1" && ((${#plain[@]} == 0)) || return
  wanted=$(compose "$dir" config --hash "$1") || return
  found=$(containers --filter status=exited --filter exited=0 --format "{{.Label \"$service_label\"}} {{.Label \"com.docker.compose.config-hash\"}}") || return
  grep -qxF -- "$wanted" <<<"$found"
}

# Waits until a container has ended, for good. Arguments: what to call it, id, when to end, by SECONDS
# Returns: 0 when it ended well. Sets: reason, when it did not
until_ended() {
  local status code backoff=''
  while :; do
    reason="$1 is gone"
    read -r status code < <(engine container inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$2" 2>/dev/null) || return
    ! is_aborted || return
    [[ $status != @(exited|dead) ]] || break
    reason="$1 did not end within its time; if it is to go on, set services.$1.rollout to recreate in coldtivate.yml"
    ((SECONDS <= $3)) || return
    pause_longer 200 1000
  done
  reason="$1 exited with $code"
  [[ $code == 0 ]]
}

# Gives the containers that exist the names of their services' first containers. Arguments: services
do_name() { name_containers "$@"; }

do_recreate() { note "$step" seen "unwell:$step= $(unwell_services)" && replace "$dir" "$@" && join_again && tell_gaps; }
undo_recreate() { restore "$@"; }

do_remove() {
  local service which
  name_others "$@" && note "$step" seen "unwell:$step= $(unwell_services)" || return
  journal_has 0/committed || for service in "${others[@]}"; do
    # A service that moves into a slot is removed before the slot comes up.
    which=$state/current
    [[ ! -e $dir/fronts/$service.cfg ]] || which=$dir
    find_plain "$service" && { ((${#plain[@]} == 0)) || displace_plain "$which" "$service"; } || return
  done
  remove_services "${others[@]}"
}
undo_remove() { name_others "$@" && restore "${others[@]}"; }

# Arguments: services, or @others. Sets: others, the services that this means
name_others() {
  local known
  others=("$@")
  [[ $1 == @others ]] || return 0
  known=$(compose "$dir" config --services | sort) || return
  journal_has others || note 0 seen "others=$(containers --format "{{.Label \"$service_label\"}}" | sort -u | comm -13 <(printf '%s\n' "$known") - | paste -sd ' ')" || return
  read -ra others <<<"${journal_facts[others]}"
}

# Prints the services that do not run, or are not healthy, with a space after each.
unwell_services() {
  containers --format "{{.Label \"$service_label\"}} {{.State}} {{.Status}}" |
    awk '$2 != "running" || /unhealthy/ { printf "%s ", $1 }'
}

# Brings services back as the serving release defines them, and removes those that it does not have, including idle slots.
# Services that restart with them are brought back, too.
# Returns: 1 when one that was well before does not come back
restore() {
  local service names='' front known=() unknown=() former=() followers=() bad=0
  [[ ! -e $state/current ]] || names=$(compose "$state/current" config --services) || return
  for service in "$@"; do
    front=$state/fronts/${service%-*}/live
    find_plain "$service" || return
    if ((${#plain[@]} > 0)); then
      put_back "$service" || return
      former+=("$service")
    elif grep -qs "^once"$'\t'"$service"$'\t' "$(full_plan "$state/current")"; then
      # It has run, and must not run again.
      unknown+=("$service")
    elif grep -qxF -- "$service" <<<"$names" && [[ ! -e $front || ${service##*-} != @(blue|green|slot) || ${service##*-} == $(<"$front") ]]; then
      known+=("$service")
    elif journal_has "lost:$service"; then
      bad=1
    else
      unknown+=("$service")
    fi
  done
  remove_services "${unknown[@]}" || return
  ((${#known[@]} == 0)) || { { bring_up "$state/current" "${known[@]}" || { pull_lost "$state/current" "${known[@]}" && bring_up "$state/current" "${known[@]}"; }; } && name_containers "${known[@]}"; } || return
  join_again || return
  mapfile -t followers < <(followers_of "$@")
  ((${#followers[@]} == 0)) || { bring_up "$state/current" --force-recreate "${followers[@]}" && name_containers "${followers[@]}"; } || return
  for service in "${known[@]}" "${former[@]}" "${followers[@]}"; do
    wait_until_healthy "$service" 60 1 0 || [[ $verdict == waiting || ${journal_facts["unwell:$step"]-} == *" $service "* ]] || bad=1
  done
  for service in "$@"; do
    ! journal_has "lost:$service" || reason="Compose has replaced the plain container of $service, so that the new one stays"
  done
  return "$bad"
}

# The line in the journal is the commit. The link follows it, also after a crash.
do_commit() {
  journal_has 0/committed || { inherit_found && note 0 committed; } || return
  ln -sfn "releases/$release" "$state/.current" && mv -T "$state/.current" "$state/current" && sync "$state" &&
    ln -sfn "current/$script" "$state/$script"
}

# Prints the directories of releases in the order in which they were applied. One that is about to be applied comes last.
releases_by_age() {
  local path time
  for path in "$state"/releases/*/; do
    time=9999999999999999
    [[ ! -s $path/journal ]] || IFS=$'\t' read -r time _ <"$path/journal" || true
    printf '%s\t%s\n' "$time" "${path%/}"
  done | sort -n | cut -f 2
}

# Arguments: how many releases to keep, including the serving one; newer failed ones stay with them, and a release and its
# rollbacks count as one
do_prune() {
  local releases index path serving gone count=0 old=() committed origin
  local -A ranks=()
  mapfile -t releases < <(releases_by_age)
  serving=$(current_release) reason='not everything old could be removed'
  forget_plain || return
  for path in "$state"/fronts/*; do [[ -e $state/current/fronts/${path##*/}.cfg ]] || rm -rf "$path"; done
  committed=$(grep -ls $'\t0\tcommitted\t' "$state"/releases/*/journal*) || true
  for ((index = ${#releases[@]} - 1; index >= 0; index--)); do
    path=${releases[index]}
    [[ -s $path/images || ! -s $path/compose.json ]] || compose "$path" config --images >"$path/images" || true
    origin=-
    IFS=$'\t' read -r _ _ _ _ _ origin 2>/dev/null <"$path/who" || true
    origin=${origin:--} origin=${origin/#-/${path##*/}}
    if [[ $committed == *"$path/journal"* ]]; then
      [[ -n ${ranks[$origin]-} ]] || ranks[$origin]=$((count += 1))
      ((ranks[$origin] > $1)) || continue
    elif ((count < $1)); then
      continue
    fi
    [[ ${path##*/} == "$serving" ]] || old+=("$path")
  done
  ((${#old[@]} > 0)) || { prune_files && return; }
  gone=$(cat /dev/null "${old[@]/%//images}" | grep @sha256: | sort -u) || true
  rm -rf "${old[@]}" || return
  comm -23 <(printf '%s\n' "$gone") <(cat "${state%/*}"/*/releases/*/images | sort -u) |
    timeout 300 xargs -r docker image rm >/dev/null 2>&1 || true
  prune_files
}
