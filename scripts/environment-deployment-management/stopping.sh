#!/usr/bin/env bash
# Stopping containers: what runs in them before they stop, and how they stay down.
# Sourced by environment-deployment-management.sh.

# Stops and removes the containers of services. Their own stop_grace_period applies, unless a caller sets $grace, in seconds.
# Arguments: services. Sets: reason, when it fails
remove_services() {
  local ids service
  ids=$(ids_of "$@") || return
  mapfile -t ids < <(printf %s "$ids")
  ((${#ids[@]} > 0)) || return 0
  let_go "${ids[@]}"
  for service in "$@"; do say_goodbye "$service" "$state/current" || true; done
  remove_containers "${ids[@]}" || { reason="cannot remove $*: $reason" && return 1; }
}

# Whether something has to run in a service's containers before they stop. Arguments: service, a release's directory
has_farewell() { grep -qs "^$1"$'\t' "$2/farewells"; }

# Runs those commands (pre_stop). A failure there does not prevent the stop. Arguments: service, a release's directory; the
# service's name there, if it differs
say_goodbye() {
  local ids id words at name=${3-$1}
  has_farewell "$name" "$2" || return 0
  ids=$(containers --filter status=running --filter "label=$service_label=$1" --format '{{.ID}}') || return
  while IFS=$'\t' read -ra words; do
    [[ ${words[0]} == "$name" ]] || continue
    for at in "${!words[@]}"; do printf -v "words[at]" %b "${words[at]}"; done
    for at in "${!words[@]}"; do [[ ${words[at]} != -- ]] || break; done
    for id in $ids; do
      engine exec "${words[@]:1:at-1}" "$id" "${words[@]:at+1}" </dev/null 2>&1 | log_lines || true
    done
  done <"$2/farewells"
}

# Makes containers that are about to end stay down, even if the daemon dies halfway. A restarting container cannot be told.
let_go() { engine update --restart no "$@" >/dev/null 2>&1 || true; }

# Stops and removes containers. Arguments: ids. Sets: reason, when it fails
remove_containers() {
  local output
  output=$({ limit=900 engine stop ${grace:+--time "$grace"} "$@" && engine rm -f "$@"; } 2>&1) && return
  reason=${output##*$'\n'}
  return 1
}
