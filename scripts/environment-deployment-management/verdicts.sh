#!/usr/bin/env bash
# Whether one thing reaches another now, compared with the state before anything was changed.
# Sourced by environment-deployment-management.sh.

# Judges all targets, and asks everything that this takes at once. Prints a line for each, as it comes: target, verdict, what was
# found, reason. Arguments: what is to be reached
judge_all() {
  local subject verdict reason found asked=0
  ask_ahead "$@"
  for subject in "$@"; do
    if ((${#answered[@]} > 0)); then
      print_verdict "$subject"
      continue
    fi
    # What remains is asked from within containers.
    if ((asked < 16)); then asked=$((asked + 1)); else wait -n || true; fi
    print_verdict "$subject" &
  done
  wait
}

# Arguments: what is to be reached
print_verdict() {
  judge "$1" || true
  printf '%s\x1f%s\x1f%s\x1f%s\n' "$1" "$verdict" "$found" "$reason"
}

# Asks in advance what judge is going to ask, in one process. Otherwise each question would take two processes of its own.
# Arguments: what is to be reached. Sets: answered
ask_ahead() {
  local subject questions question code text verdict reason found
  questions=$({ for subject in "$@"; do collecting=yes judge "$subject" || true; done; } 8>&1 >/dev/null | sort -u)
  [[ -n $questions ]] || return 0
  while read -r question; do answered["$question"]='1 '; done <<<"$questions"
  # shellcheck disable=SC2016
  while IFS=$'\x1f' read -r question code text; do answered["$question"]="$code $text"; done < <(
    timeout $((2 * probe_patience)) bash -c "$(declare -f knock_at ask_at ask_all)"$'\n''ask_all "$1"' ask "$probe_patience" <<<"$questions"
  )
}

# Arguments: what is to be reached. Sets: verdict: ok; absent, where nothing runs that could ask or answer; else what is
# wrong; reason; found, what each port of it answered
judge() {
  local words
  IFS='>' read -ra words <<<"$1"
  verdict=ok found='' reason=''
  case ${#words[@]} in
    1) judge_front "$1" ;;
    2 | 3) judge_answer "${words[@]}" ;;
    *) judge_name "${words[@]}" ;;
  esac
  [[ $verdict != ok || ${#words[@]} -gt 3 ]] || compare_answers "$1" "${words[0]}"
}

# Sets: service, in whose containers a service runs: its slot, where it has slots. Arguments: service
find_serving() {
  local slot
  service=$1
  [[ -s $state/fronts/$1/live ]] || return 0
  slot=$1-$(<"$state/fronts/$1/live")
  [[ -z ${running[$slot]-} ]] || service=$slot
}

# Whether a container finds a running one of another service by a name. Arguments: id, the other service, name
# Sets: address, gateway, of the one that it finds
find_by_name() {
  local entry near other wanted link alias aliases links
  for entry in ${networks_of[$1]}; do
    IFS='|' read -r _ _ _ _ links <<<"$entry"
    wanted=",$3,"
    for link in ${links//,/ }; do [[ ${link##*:} != "$3" ]] || wanted+="${link%:*},"; done
    for other in ${running[$2]-}; do
      for near in ${networks_of[$other]}; do
        [[ ${near%%|*} == "${entry%%|*}" ]] || continue
        IFS='|' read -r _ address gateway aliases _ <<<"$near"
        for alias in ${aliases//,/ } "${name_of[$other]}"; do [[ ${wanted,,} != *",${alias,,},"* ]] || return 0; done
      done
    done
  done
  return 1
}

# Arguments: service that asks, service that is asked, by which name, at which port or -
judge_name() {
  local service id address gateway code=0
  find_serving "$1"
  id=${running[$service]-} id=${id##* }
  if [[ -z $id ]]; then
    verdict=absent
  elif [[ -z ${running[$2]-} ]]; then
    # A service that has done its work need not be reached.
    [[ ${ended[$2]-} == 0 ]] || verdict=down reason="$1 cannot reach $2: no container of it runs"
  elif ! find_by_name "$id" "$2" "$3"; then
    verdict=name reason="$1 cannot reach $2 by the name $3: no container of $2 has that name in a network of ${name_of[$id]}"
  elif [[ $4 != - ]]; then
    probe knock_at "$address" "$4" "$gateway" "$id" >/dev/null || code=$?
    found=" $4=open"
    ((code != 1)) || verdict=closed reason="$1 cannot reach $2 at $3:$4: nothing listens at $address, port $4"
  fi
}

# Arguments: service with a front
judge_front() {
  local own=$state/fronts/$1 live front address gateway port mode word reached=no numbers=''
  [[ -s $own/live ]] || { judge_plain "$1" && return; }
  live=$1-$(<"$own/live")
  verdict=dead
  [[ -n ${running[$1]-} ]] || { reason="the front of $1 does not run" && return; }
  [[ -n ${running[$live]-} ]] || { reason="the front of $1 reaches nothing: no container of $live runs" && return; }
  [[ -z ${front_holds[$1]-} ]] || { verdict=held reason="the front of $1 still has requests wait" && return; }
  for front in ${running[$1]}; do
    find_by_name "$front" "$live" "$live" || { reason="the front of $1 does not find $live: they share no network" && return; }
    while read -r port mode; do
      [[ -n $port ]] || continue
      if [[ $mode == http ]]; then ask_through "$1" "$front"; else knock_behind "$front"; fi
      found+=" $port=$word" numbers+=", $port"
      [[ $word == @(closed|dead) ]] || reached=yes
    done <<<"${front_ports[$1]-}"
  done
  [[ $reached == no ]] || { verdict=ok && return; }
  reason="the front of $1 reaches nothing: $live does not answer at port${numbers#,}, address $address"
}

# Judges a service that will get a front and has none yet. Arguments: service
judge_plain() {
  local id=${running[$1]-} address gateway port mode word
  id=${id##* }
  [[ -n $id && -s $dir/fronts/$1.cfg ]] || { verdict=absent && return; }
  IFS='|' read -r _ address gateway _ <<<"${networks_of[$id]%% *}"
  while read -r port mode; do
    if [[ $mode == http ]]; then ask_directly "$id"; else knock_behind "$id"; fi
    found+=" $port=$word"
  done < <(ports_of "$dir/fronts/$1.cfg")
}

# Arguments: service, port, tcp where it does not answer in HTTP there
judge_answer() {
  local service id address gateway port=$2 word
  find_serving "$1"
  id=${running[$service]-} id=${id##* }
  [[ -n $id ]] || { verdict=absent && return; }
  IFS='|' read -r _ address gateway _ <<<"${networks_of[$id]%% *}"
  if [[ ${3-} == tcp ]]; then knock_behind "$id"; else ask_directly "$id"; fi
  found=" $port=$word"
  [[ $word != closed ]] || verdict=closed reason="$1 does not listen at port $port"
}

# Requests / through a front. Arguments: service, the front's container. Uses: port; address, gateway: of the slot. Sets: word
ask_through() {
  local answer entry own way code=0
  entry=${networks_of[$2]%% *}
  IFS='|' read -r _ own way _ <<<"$entry"
  answer=$(probe ask_at "$own" "$port" "$way" "$2") || code=$?
  read_answer "$answer" "$code"
  if [[ ${answer,,} =~ (^|$'\n')x-coldtivate-front:\ $1($|$'\n') ]]; then
    word=dead
  elif [[ $word == silent ]]; then
    # The service may be slow, with or without a front.
    ask_directly "$2"
    [[ $word == silent ]] || word=dead
  fi
}

# Arguments: a container with a way there. Uses: address, port, gateway. Sets: word
ask_directly() {
  local answer code=0
  answer=$(probe ask_at "$address" "$port" "$gateway" "$1") || code=$?
  read_answer "$answer" "$code"
}

# Arguments: the same. Uses: address, port, gateway. Sets: word
knock_behind() {
  local code=0
  probe knock_at "$address" "$port" "$gateway" "$1" >/dev/null || code=$?
  case $code in 0) word=open ;; 1) word=closed ;; *) word=unknown ;; esac
}

# Arguments: what was answered, what probe returned. Sets: word
read_answer() {
  case $2 in 1) word=closed ;; 2) word=unknown ;; *) word=silent ;; esac
  [[ $1 =~ ^HTTP/1\.[01]\ ([1-5][0-9][0-9]) ]] || return 0
  word=${BASH_REMATCH[1]}
  # An answer that says when to come back does not come from a gateway that finds nobody.
  [[ $word != 503 || ! ${1,,} =~ $'\n'retry-after: ]] || word=busy
}

# Arguments: what was reached, service. Uses: found. Sets: verdict and reason, where it is worse than before
compare_answers() {
  local word port was before=" ${journal_facts["before:$1"]-} "
  for word in $found; do
    port=${word%%=*} word=${word#*=}
    [[ $before == *" $port="* ]] || continue
    was=${before#*" $port="} was=${was%% *}
    [[ $was != @(closed|dead|unknown|silent|502|503|504) ]] || continue
    case $word in
      closed | dead) verdict=lost reason="$2 is not reached any more at port $port, where it was before" ;;
      502 | 503 | 504) verdict=worse reason="$2 answers with $word at port $port, where it answered with $was before: what it passes requests on to is not reached" ;;
    esac
  done
}
