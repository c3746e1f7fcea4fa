#!/usr/bin/env bash
# Services that depend on other services' containers: those that share one, and those that restart with a service.
# Sourced by environment-deployment-management.sh.

# Prints one line for each container of the project that uses another one's network or processes: its id, that of the other one.
sharing_containers() {
  local ids
  ids=$(containers --format '{{.ID}}') && [[ -n $ids ]] || return 0
  xargs -r docker container inspect --format '{{.Id}} {{.HostConfig.NetworkMode}} {{.HostConfig.PidMode}} {{.HostConfig.IpcMode}}' <<<"$ids" |
    awk '{ for (i = 2; i <= NF; i++) if (sub(/^container:/, "", $i)) print $1, $i }'
}

# Arguments: container
is_sharing() { sharing_containers | grep -q "^$1"; }

# Restarts containers that lost another container's network or processes. They lose these when that container ends, even if it
# comes back. Sets: reason, when it fails
join_again() {
  local id other began
  grep -qs '"service:' "$state/current/compose.json" "$dir/compose.json" || return 0
  while read -r id other; do
    # If the other container is gone, Compose takes care of this one.
    began=$(engine container inspect --format '{{.State.Status}} {{.State.StartedAt}}' "$other" 2>/dev/null) || continue
    [[ $began == 'running '* ]] || continue
    [[ $(engine container inspect --format '{{.State.StartedAt}}' "$id") < ${began#* } ]] || continue
    [[ $(engine container inspect --format '{{.HostConfig.RestartPolicy.Name}}/{{.State.Status}}' "$id") != no/exited ]] || continue
    reason='what shares a container does not start again' && limit=120 engine restart "$id" >/dev/null || return
  done < <(sharing_containers)
}

# Prints the running services that restart with the given ones in the serving release, directly or through others. Leaves out the
# given ones, plain ones, and slots behind a front. Arguments: services
followers_of() {
  local name front found
  [[ -s $state/current/followers ]] || return 0
  found=$(awk -F '\t' -v known=" $* " '
    { follower[NR] = $1; target[NR] = $2 }
    END {
      do {
        more = 0
        for (line = 1; line <= NR; line++) {
          if (index(known, " " follower[line] " ") || !index(known, " " target[line] " ")) continue
          known = known follower[line] " "
          more = 1
          print follower[line]
        }
      } while (more)
    }' "$state/current/followers")
  [[ -n $found ]] || return 0
  containers --filter status=running --filter label=coldtivate.definition --format "{{.Label \"$service_label\"}}" | sort -u | while IFS= read -r name; do
    front=$state/fronts/${name%-*}/live
    [[ ${name##*-} == @(blue|green|slot) && -e $front ]] || ! grep -qxF -- "$name" <<<"$found" || printf '%s\n' "$name"
  done
}
