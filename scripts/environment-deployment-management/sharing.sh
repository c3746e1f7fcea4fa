#!/usr/bin/env bash
# Services that live on others: what shares a container, and what restarts with a service.
# Sourced by environment-deployment-management.sh.

# Prints a line a container of the project that uses another one's network or processes: its id, that of the other one.
sharing_containers() {
  local ids
  ids=$(containers --format '{{.ID}}') && [[ -n $ids ]] || return 0
  xargs -r docker container inspect --format '{{.Id}} {{.HostConfig.NetworkMode}} {{.HostConfig.PidMode}} {{.HostConfig.IpcMode}}' <<<"$ids" |
    awk '{ for (i = 2; i <= NF; i++) if (sub(/^container:/, "", $i)) print $1, $i }'
}

# Arguments: container
is_sharing() { sharing_containers | grep -q "^$1"; }

# What uses another container's network or processes loses them when that one ends, even if it comes back. Starts again what
# did since. Sets: reason, when it fails
join_again() {
  local id other began
  grep -qs '"service:' "$state/current/compose.json" "$dir/compose.json" || return 0
  while read -r id other; do
    # Of one that is gone Compose takes care.
    began=$(engine container inspect --format '{{.State.Status}} {{.State.StartedAt}}' "$other" 2>/dev/null) || continue
    [[ $began == 'running '* ]] || continue
    [[ $(engine container inspect --format '{{.State.StartedAt}}' "$id") < ${began#* } ]] || continue
    [[ $(engine container inspect --format '{{.HostConfig.RestartPolicy.Name}}/{{.State.Status}}' "$id") != no/exited ]] || continue
    reason='what shares a container does not start again' && limit=120 engine restart "$id" >/dev/null || return
  done < <(sharing_containers)
}

# Prints the services, other than those, that restart with them in the release that serves, over others, too, and run. Plain
# ones, and slots behind a front, are left as they are. Arguments: services
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
