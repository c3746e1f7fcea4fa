#!/usr/bin/env bash
# Asking containers: whether they listen, and what they answer. The host asks. If it has no route to their network (a rootless
# engine), a container that has one asks.
# Sourced by environment-deployment-management.sh.

# Seconds that a container gets to accept a connection, and to answer.
readonly probe_patience=3
# Seconds that a healthy container may take until it listens.
readonly listen_patience=10
# One line for each container: id, name, service, state, exit code, networks.
readonly network_format=$'{{.ID}}\t{{slice .Name 1}}\t{{index .Config.Labels "com.docker.compose.service"}}\t{{.State.Status}}\t{{.State.ExitCode}}\t{{range $name, $each := .NetworkSettings.Networks}}{{$name}}|{{or $each.IPAddress $each.GlobalIPv6Address}}|{{$each.Gateway}}|{{range $each.DNSNames}}{{.}},{{end}}{{range $each.Aliases}}{{.}},{{end}}|{{range $each.Links}}{{.}},{{end}} {{end}}'

# Earlier answers, by question: 0 or 1, as probe returns it, and the answer, with \x1e between its lines.
declare -A answered=()
routes=''

# The next three functions run in a bash of their own, here or in a container.

# Arguments: host, port. Returns: 1 when nothing listens there
knock_at() { exec 3<>"/dev/tcp/$1/$2"; }

# Prints the head of the answer. Arguments: host, port, seconds. Returns: 1 when nothing listens there
ask_at() {
  local line=''
  exec 3<>"/dev/tcp/$1/$2" || return 1
  printf 'HEAD / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: coldtivate\r\nAccept: */*\r\nConnection: close\r\n\r\n' >&3
  while IFS= read -rt "$3" line <&3; do
    line=${line%$'\r'}
    [[ -n $line ]] || return 0
    printf '%s\n' "$line"
  done
  [[ -z $line ]] || printf '%s\n' "$line"
}

# Asks everything in the input, one line each: knock_at or ask_at, host, port. Arguments: seconds
# Prints as it comes: the line, 0 or 1, the answer with \x1e for its line ends
ask_all() {
  local kind host port
  while read -r kind host port; do
    {
      local code=0 text
      text=$("$kind" "$host" "$port" "$1" 2>/dev/null) || code=1
      printf '%s\x1f%s\x1f%s\n' "$kind $host $port" "$code" "${text//$'\n'/$'\x1e'}"
    } &
  done
  wait
}

# Asks from a shell of any kind. Arguments: knock_at or ask_at, host, port, seconds, the bash program
probe_within() {
  if command -v bash >/dev/null 2>&1; then
    bash -c "$5"$'\n''"$@"' probe "$1" "$2" "$3" "$4"
  elif command -v nc >/dev/null 2>&1; then
    case $1 in
      knock_at) nc -w "$4" "$2" "$3" </dev/null >/dev/null 2>&1 ;;
      *)
        answer=$(printf 'HEAD / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: coldtivate\r\nAccept: */*\r\nConnection: close\r\n\r\n' |
          nc -w "$4" "$2" "$3" 2>/dev/null | tr -d '\r' | sed '/^$/q')
        if [ -n "$answer" ]; then printf '%s\n' "$answer"; else nc -w "$4" "$2" "$3" </dev/null >/dev/null 2>&1; fi
        ;;
    esac
  else
    return 2
  fi
}

# Arguments: knock_at or ask_at, address, port, gateway of the address's network, a container with a way there
# Prints: what is answered. Uses: answered, what was asked ahead; collecting, where that is about to be asked, on descriptor 8
# Returns: 0 something listens; 1 nothing does; 2 nobody could be asked
probe() {
  local code=0 earlier=${answered["$1 $2 $3"]-}
  if [[ -n $earlier ]]; then
    code=${earlier%% *} earlier=${earlier#* }
    [[ -z $earlier ]] || printf '%s\n' "${earlier//$'\x1e'/$'\n'}"
  elif [[ -n ${collecting-} ]]; then
    code=2
    ! has_way "$4" || printf '%s %s %s\n' "$1" "$2" "$3" >&8
  elif has_way "$4"; then
    timeout $((2 * probe_patience)) bash -c "$(declare -f "$1")"$'\n''"$@"' probe "$1" "$2" "$3" "$probe_patience" 2>/dev/null || code=1
  else
    limit=$((3 * probe_patience)) engine exec "$5" sh -c "$(declare -f probe_within)"$'\n''probe_within "$@"' probe \
      "$1" "$2" "$3" "$probe_patience" "$(declare -f "$1")" 2>/dev/null || code=$?
    ((code < 2)) || code=2
  fi
  return "$code"
}

# Whether the host has a route to a container's network: then the network's gateway is one of its addresses. Arguments: gateway
# Sets: routes, what the host has; empty: to be read again
has_way() {
  [[ -n $1 ]] || return
  [[ -n $routes ]] || { routes=$(</proc/net/fib_trie); } 2>/dev/null || true
  [[ $routes == *"-- $1"$'\n'* ]]
}

# Prints one line for each existing container of the project, in network_format. Arguments: none
inspect_networks() {
  local ids
  ids=$(containers --format '{{.ID}}') || return
  mapfile -t ids < <(printf %s "$ids")
  # A container may go away meanwhile.
  ((${#ids[@]} == 0)) || engine container inspect --format "$network_format" "${ids[@]}" 2>/dev/null || true
}

# Prints one line per port of a front: its number, and http, tcp, auto, or proxy if it has to be told who connects.
# Arguments: a configuration
ports_of() { list_ports "$1" | cut -f 2; }

# Prints the same of several fronts, with the configuration's path before it; and a line with `hold` of those that have requests wait.
# Arguments: configurations
list_ports() {
  awk -v OFS='\t' '
    function tell(   number) {
      for (number = 1; number <= count; number++) print path, ports[number] " " mode[ports[number]]
      if (holds) print path, "hold"
    }
    FNR == 1 { if (NR > 1) tell(); path = FILENAME; count = holds = 0; split("", mode) }
    $1 == "frontend" && $2 ~ /^port-/ { port = substr($2, 6); ports[++count] = port; mode[port] = "http"; next }
    $1 == "backend" { holds = holds || $2 ~ /^gate-/; port = $2; sub(/^.*-/, "", port) }
    $1 == "mode" && $2 == "tcp" { mode[port] = "tcp" }
    $1 ~ /^@http:/ { mode[port] = "auto" }
    $1 ~ /^server/ && /@?send-proxy-v2/ && !/ gate / { mode[port] = "proxy" }
    END { if (NR > 0) tell() }' "$@"
}

# Asks the new, healthy container of a service at all ports that its front passes on. Finds out which of them speak HTTP, how it
# writes the names of headers, and whether it listens at all. Arguments: service with a front
do_probe() {
  local deadline=$((SECONDS + listen_patience)) id name service networks ports numbers target=() first='' port='' culprit verdict backoff=''
  local -A restarts=()
  routes=''
  find_slots "$1" && ports=$(ports_of "$dir/fronts/$1.cfg") || return
  while IFS=$'\t' read -r id name service _ _ networks; do
    [[ $service != "$1-$idle" ]] || { target=("$id" "$name" "$networks") && break; }
    # If no new container was started, this asks the one that serves.
    [[ $service != "$1-$was" ]] || target=("$id" "$name" "$networks")
  done < <(inspect_networks)
  ((${#target[@]} > 0)) || return 0
  numbers=$(cut -d ' ' -f 1 <<<"$ports" | paste -sd ' ')
  # A slot that this release started has not been restarted before.
  [[ $idle == "$was" ]] || first=0
  until probe_ports "${target[0]}" "${target[2]}"; do
    # The container may have crashed since it was healthy.
    look 0 "${target[0]}"
    [[ $verdict != failed ]] || { explain "${target[1]}" && return 1; }
    reason="${target[1]} does not listen where its front asks it, at port ${numbers// /, }; if it listens on 127.0.0.1 alone, others cannot reach it; if elsewhere, say so by services.$1.port"
    ! is_aborted && ((SECONDS <= deadline)) || return
    pause_longer 200 500
  done
  keep_found "$1"
}

# Asks at all ports at once. Arguments: a container, its networks. Uses: ports. Leaves: answers in probe.PORT
# Returns: 1 when nothing listens at any of them
probe_ports() {
  local port mode kind address gateway asking=() listens=1
  IFS='|' read -r _ address gateway _ <<<"${2%% *}"
  while read -r port mode; do
    kind=ask_at
    [[ $mode != @(tcp|proxy) ]] || kind=knock_at
    probe "$kind" "$address" "$port" "$gateway" "$1" >"$dir/probe.$port" &
    asking+=("$!")
  done <<<"$ports"
  for port in "${asking[@]}"; do
    wait "$port" || (($? == 2)) || continue
    listens=0
  done
  return "$listens"
}

# Saves what was found out, for the front's configuration. Arguments: service. Uses: ports
keep_found() {
  local port mode line words found=$dir/fronts/$1.found
  while read -r port mode; do
    line=''
    IFS= read -r line <"$dir/probe.$port" || true
    words='connections are passed on, byte by byte'
    if [[ $line =~ ^HTTP/1\.[01]\ [1-5][0-9][0-9] ]]; then
      words='it answers in HTTP'
      printf 'http\t%s\n' "$port"
      sed -n 's/^\([A-Za-z0-9_-]*\): .*/name\t\1/p' "$dir/probe.$port"
    fi
    [[ $mode != auto ]] || tell "$step" note "$1, port $port: $words"
    rm -f "$dir/probe.$port"
  done <<<"$ports" | awk '!seen[tolower($0)]++' >"$found.new" && mv -T "$found.new" "$found"
}

# Takes from the serving release what this release did not find out itself because it left a front's service alone.
inherit_found() {
  local path
  for path in "$state"/current/fronts/*.found; do
    [[ -e $dir/fronts/${path##*/} || ! -e $dir/fronts/$(basename "$path" .found).cfg ]] || cp "$path" "$dir/fronts/" || return
  done
}
