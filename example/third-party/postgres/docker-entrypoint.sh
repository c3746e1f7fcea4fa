#!/bin/bash
# Makes the cluster that POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB ask for, then runs the server.
set -Eeuo pipefail

# A cluster is whole once it has its PG_VERSION, which is therefore the last to be moved into place.
initialise() {
  local user=${POSTGRES_USER:-postgres}
  local database=${POSTGRES_DB:-$user} draft=$PGDATA/.initialising
  find "$PGDATA" -mindepth 1 -delete
  initdb --pgdata="$draft" --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 >/dev/null
  printf 'host all all all scram-sha-256\n' >>"$draft/pg_hba.conf"
  printf '%s\n' "listen_addresses = '*'" 'jit = off' >>"$draft/postgresql.conf"
  if [[ $database != postgres ]]; then
    postgres --single -j -D "$draft" postgres <<<"CREATE DATABASE \"${database//\"/\"\"}\";" >/dev/null
  fi
  mv "$draft/PG_VERSION" "$draft/.PG_VERSION"
  (
    shopt -s dotglob
    mv "$draft"/* "$PGDATA/"
  )
  rmdir "$draft"
  mv "$PGDATA/.PG_VERSION" "$PGDATA/PG_VERSION"
}

main() {
  if [[ ${1:-} == postgres && ! -s $PGDATA/PG_VERSION ]]; then
    initialise
  fi
  exec "$@"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  main "$@"
fi
