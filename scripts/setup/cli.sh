#!/usr/bin/env bash
# The CLI from this clone: its dependencies, its build and the command.

# Tells whether a file or folder is missing or older than any of the others.
# Arguments: the made one, then what it is made from
is_stale() {
  local made=$1
  shift
  [[ ! -e $made ]] || [[ -n $(find "$@" -newer "$made" -print -quit 2>/dev/null) ]]
}

# Runs npm quietly; shows what it said only when it failed.
# Arguments: the repository, npm's arguments
run_npm() {
  local top=$1 log
  shift
  log=$(mktemp)
  if ! (cd "$top" && npm "$@") >"$log" 2>&1 </dev/null; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    complain "npm $* failed" "its last lines are above"
    return 1
  fi
  rm -f "$log"
}

# Makes .tools/bin: the command, the right docker and the right node, to be first on PATH.
# Arguments: the repository
link_commands() {
  local bin=$1/.tools/bin node
  node=$(type -P node)
  mkdir -p "$bin"
  ln -sfn /usr/bin/docker "$bin/docker"
  if [[ $node != "$bin/node" ]]; then ln -sfn "$node" "$bin/node"; fi
  printf '#!/bin/sh\nexec %q %q "$@"\n' "$bin/node" "$1/bin/run.js" >"$bin/coldtivate.new"
  chmod +x "$bin/coldtivate.new"
  mv -f "$bin/coldtivate.new" "$bin/coldtivate"
}

# Installs the dependencies and builds the CLI where either is missing or out of date.
# Needs node on PATH.
# Arguments: the repository
ensure_cli() {
  local top=$1
  if is_stale "$top/node_modules/.package-lock.json" "$top/package-lock.json"; then
    timed "npm ci" run_npm "$top" ci || return 1
    touch "$top/node_modules/.package-lock.json"
  fi
  if is_stale "$top/dist" "$top/src" "$top/package.json"; then
    timed "npm run build" run_npm "$top" run build || return 1
    [[ ! -d $top/dist ]] || touch "$top/dist"
  fi
  link_commands "$top"
}
