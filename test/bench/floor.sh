#!/usr/bin/env bash
# What a release of one service cannot do without, by hand and for this one service: pull, start, wait, switch, stop.
# Runs on the host as one command over SSH; with nothing more than that a release cannot be faster.
# usage: floor.sh IMAGE NEW OLD   the slots' names are blue and green
set -Eeuo pipefail

main() {
  local image=$1 new=$2 old=$3 master worker own=$HOME/floor/front
  docker pull -q "$image" >/dev/null
  docker run -d --name "floor-$new" --network floor --restart always --stop-timeout 35 --env-file "$HOME/floor/env" \
    --health-cmd 'curl -fsS http://localhost:5000/up' --health-start-period 60s --health-start-interval 200ms \
    --health-interval 5s --health-timeout 5s --health-retries 3 "$image" >/dev/null
  until [[ $(docker inspect -f '{{.State.Health.Status}}' "floor-$new") == healthy ]]; do sleep 0.1; done
  sed "s/@SLOT@/floor-$new/" "$HOME/floor/template" >"$own/next.cfg"
  docker exec floor-front haproxy -c -f /usr/local/etc/haproxy/next.cfg >/dev/null
  mv "$own/next.cfg" "$own/haproxy.cfg"
  master=$(docker inspect -f '{{.State.Pid}}' floor-front)
  worker=$(tr -d " " <"/proc/$master/task/$master/children")
  docker kill -s USR2 floor-front >/dev/null
  while [[ -e /proc/$worker ]]; do sleep 0.1; done
  docker stop "floor-$old" >/dev/null
  docker rm "floor-$old" >/dev/null
}

main "$@"
