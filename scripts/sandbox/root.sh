#!/usr/bin/env bash
# What the hosts run: which engine, and the store it keeps images in. The current engine is this machine's own. The next one
# comes with a root file system of its own, which is made once and kept in .tools/.

# Sets ENGINE and STORE, which the hosts are to have: as asked for, else as they were made, else the usual ones.
# Arguments: engine (current or next) and store (graph or containerd), or nothing where either is as it is
# Returns: 1 for what is neither
choose_engine() {
  local made=()
  read -ra made < <(cat "$INSTANCE/engine" 2>/dev/null) || true
  ENGINE=${1:-${made[0]:-current}} STORE=${2:-${made[1]:-graph}}
  readonly ENGINE STORE
  if [[ $ENGINE != @(current|next) ]]; then
    complain "--engine $ENGINE is no engine of the sandbox" "give current (this machine's own) or next (Debian's next release)"
    return 1
  fi
  if [[ $STORE != @(graph|containerd) ]]; then
    complain "--store $STORE is no image store" "give graph (the engine's own) or containerd"
    return 1
  fi
}

# Tells whether the hosts that are there have the engine and the store that are wanted.
has_wanted_engine() { [[ $(cat "$INSTANCE/engine" 2>/dev/null || echo current graph) == "$ENGINE $STORE" ]]; }

# Notes which engine and store the hosts are made with.
engine_note() {
  if [[ $ENGINE == next ]]; then ln -sfn "$(next_root)" "$INSTANCE/root"; fi
  printf '%s\n' "$ENGINE $STORE" >"$INSTANCE/engine"
}

# Prints the root file system of hosts; / where they run this machine's own.
host_root() { readlink "$INSTANCE/root" || echo /; }

# Prints the path of the root file system with the next engine.
next_root() { printf '%s/next-%s\n' "$CACHE" "$(digest_of "$SCRIPTS"/sandbox/{base.sh,next.sh,next-packages})"; }

# Tells whether one of this clone's sandboxes has a root file system.
# Arguments: its path
root_used() {
  local link
  for link in "$TOP"/.sandbox/root "$TOP"/.sandbox/*/root; do
    [[ $(readlink "$link") != "$1" ]] || return 0
  done
  return 1
}

# Makes the root file system of hosts, unless it is there or none is needed.
root_make() {
  local root old log=$CACHE/next.log
  [[ $ENGINE == next ]] || return 0
  root=$(next_root)
  [[ ! -d $root ]] || return 0
  mkdir -p "$CACHE"
  for old in "$CACHE"/next-*/; do
    # One that another of this clone's sandboxes has stays.
    if [[ -d $old ]] && ! root_used "${old%/}"; then rm -rf "$old"; fi
  done
  # setpriv: one that nobody waits for any more is not made.
  if ! setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc \
    bash "$SCRIPTS/sandbox/next.sh" "$root" >"$log" 2>&1; then
    tail -n 10 "$log" >&2
    complain "the root file system with the next engine could not be made" "its log: $log"
    return 1
  fi
}
