#!/usr/bin/env bash
# Node.js: the machine's own where it is new enough, else a copy in .tools/node.

readonly NODE_NEEDED=22.13 NODE_PINNED=24.21.0

# Tells whether a node is new enough.
# Arguments: node's path or name
is_new_enough() {
  local version major minor
  version=$("$1" --version 2>/dev/null) || return 1
  [[ $version =~ ^v([0-9]+)\.([0-9]+)\. ]] || return 1
  major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
  ((major > ${NODE_NEEDED%.*} || (major == ${NODE_NEEDED%.*} && minor >= ${NODE_NEEDED#*.})))
}

# Prints this machine's name in the names of Node's packages.
node_platform() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) echo linux-x64 ;;
    Linux-aarch64) echo linux-arm64 ;;
    *) return 1 ;;
  esac
}

# Fetches the pinned Node into a folder; its npm is the machine's, run by it.
# Arguments: the folder to make
fetch_node() {
  local target=$1 platform work code=0
  if ! platform=$(node_platform); then
    complain "no Node.js package for $(uname -s) on $(uname -m)" "install Node.js $NODE_NEEDED or newer"
    return 1
  fi
  work=$(mktemp -d)
  if ! npm install --prefix "$work" --ignore-scripts --no-save --no-audit --no-fund \
    "node-$platform@$NODE_PINNED" >"$work/log" 2>&1; then
    tail -n 10 "$work/log" >&2
    complain "npm could not fetch Node.js $NODE_PINNED" \
      "its last lines are above; or install Node.js $NODE_NEEDED or newer yourself"
    code=1
  else
    rm -rf "$target"
    mkdir -p "$(dirname "$target")"
    mv "$work/node_modules/node-$platform" "$target"
  fi
  rm -rf "$work"
  return "$code"
}

# Puts a new enough Node, and npm, on PATH.
# Arguments: the repository
# Returns: 1 when there is none and it cannot be fetched
ensure_node() {
  local own=$1/.tools/node
  if is_new_enough "$own/bin/node"; then
    PATH="$own/bin:$PATH"
  elif ! is_new_enough node; then
    if ! has_command npm; then
      complain "there is no npm on this machine" "install Node.js $NODE_NEEDED or newer, with npm"
      return 1
    fi
    timed "node $NODE_PINNED" fetch_node "$own" || return 1
    PATH="$own/bin:$PATH"
  fi
  export PATH
  has_command npm && return 0
  complain "there is no npm on this machine" "install npm (Debian: apt-get install npm)"
  return 1
}
