#!/usr/bin/env bash
# The first queries to the engine. The CLI sends this file ahead of its request, so that the engine answers while the request is
# on its way. environment-deployment-management.sh sources it, too. Nothing here changes anything.

readonly published_format=$'{{.ID}}\t{{or (.Label "com.docker.compose.project") "-"}}\t{{.Names}}\t{{.Ports}}'
readonly container_format=$'{{.ID}}\t{{slice .Name 1}}\t{{index .Config.Labels "com.docker.compose.service"}}\t{{.Config.Image}}\t{{index .Config.Labels "coldtivate.definition"}}\t{{index .Config.Labels "coldtivate.state"}}\t{{.State.Status}}\t{{with .State.Health}}{{.Status}}{{else}}-{{end}}\t{{index .Config.Labels "com.docker.compose.oneoff"}}\t{{.HostConfig.NetworkMode}}\t{{.State.Pid}}\t{{.HostnamePath}}\t{{.Driver}}\t{{index .Config.Labels "com.docker.compose.project.working_dir"}}\t{{json .Mounts}}'

# Starts all queries at once. Arguments: project, the release that serves
# Opens: 3, all containers and the project's own, as ask_containers prints them; 4, images, and `all` behind them
# Sets: COLDTIVATE_ASKED, when this was, in seconds since the epoch, and which release served
ask_engine() {
  local now
  printf -v now '%(%s)T' -1
  now=${EPOCHREALTIME-$now}
  export COLDTIVATE_ASKED="${now/,/.} $2"
  # Standard error goes nowhere, so that nobody who reads it waits for an engine that does not answer.
  # With --all, because Docker 29 otherwise leaves out images that have a digest and no tag.
  exec 3< <(ask_containers "$1" 2>/dev/null) 4< <(! ask image ls --all --digests --format '{{.Repository}}@{{.Digest}}' 2>/dev/null || echo all)
}

ask() { timeout -k 5 60 docker "$@" </dev/null; }

# Prints docker's exit code in three columns, then in twelve columns the number of bytes of the list of all containers, then that
# list, then the project's containers.
# Arguments: project
ask_containers() {
  local all code=0 id owner ids=() LC_ALL=C
  all=$(ask ps -a --no-trunc --format "$published_format" 2>&1) || code=$?
  printf '%3d%12d%s' "$code" "${#all}" "$all"
  ((code == 0)) || return 0
  while IFS=$'\t' read -r id owner _; do [[ $owner != "$1" ]] || ids+=("$id"); done <<<"$all"
  # A container may go away meanwhile. The others are still printed.
  ((${#ids[@]} == 0)) || ask container inspect --format "$container_format" "${ids[@]}" 2>/dev/null || true
}

# Checks that nobody else can have created the state, or can change it. Arguments: the state's folder. Returns: 3 if somebody can
check_state() {
  local folder wrong='' folders=()
  for folder in "${1%/*}" "$1"; do
    [[ ($folder == "$1" || $folder == */.coldtivate) && (-e $folder || -L $folder) ]] || continue
    folders+=("$folder")
    [[ -O $folder || $EUID == 0 ]] || wrong="$folder belongs to somebody else."
    [[ $folder != "$1" || ! -L $folder ]] || wrong="$folder is a link: put the folder itself in its place."
  done
  ((${#folders[@]} > 0)) || return 0
  # A letter for the type and for each permission: drwx------.
  [[ -n $wrong ]] || while read -r folder; do
    [[ $folder == d????-??-?\ * ]] || wrong="${folder#* } can be written by others: chmod go-w ${folder#* }"
  done < <(stat -Lc '%A %n' "${folders[@]}" || echo '? the state')
  [[ -n $wrong ]] || return 0
  printf '%s\n' "$wrong" "Whoever can change what lies there can do what this user can: look whether somebody did." >&2
  return 3
}
