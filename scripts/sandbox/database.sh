#!/bin/bash
# Production's database, which is elsewhere: a PostgreSQL outside the project and outside its hosts.
set -Eeuo pipefail

DATABASE_NAME=coldtivate-database
DATABASE_SECONDS=60

# Starts it, or leaves it as it runs, and waits until it answers. Its user, password and database are those of
# production's dotenv.
# Arguments: address to listen on (port 5432), DOCKER_HOST of the engine that runs it, registry that has the image
# Environment: a Docker configuration that may pull from the registry
# Returns: 0 it answers; 1 it did not in time, its last lines are on standard error
database_up() {
  local -x DOCKER_HOST=$2
  local dotenv deadline=$((SECONDS + DATABASE_SECONDS))
  dotenv=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../example/dotenv/production")

  database_definition "$1" "$3" "$dotenv" |
    docker compose --progress quiet --project-name "$DATABASE_NAME" --file - up --detach --quiet-pull
  while ((SECONDS < deadline)); do
    if docker exec "$DATABASE_NAME" pg_isready --quiet --host 127.0.0.1; then
      return 0
    fi
    sleep 0.2
  done
  docker logs --tail 20 "$DATABASE_NAME" >&2
  return 1
}

# Compose reads the dotenv, quotes and all; docker run's --env-file would keep the quotes.
# Arguments: address, registry, dotenv
database_definition() {
  cat <<YAML
services:
  database:
    container_name: $DATABASE_NAME
    image: $2/library/postgres:15
    env_file: "$3"
    restart: always
    ports: ["$1:5432:5432"]
    volumes: [data:/var/lib/postgresql/data]
volumes:
  data:
YAML
}

main() {
  if (($# != 3)); then
    echo "usage: database.sh ADDRESS DOCKER_HOST REGISTRY" >&2
    exit 2
  fi
  database_up "$@"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  main "$@"
fi
