#!/usr/bin/env bash
# Deploying: the checks that can refuse a release, and its start.
# Sourced by environment-deployment-management.sh.

# Applies a release: the plan that the CLI has just sent or, for a person, one that is kept here.
# Arguments: release; --leave-data, if it may go on although it no longer mounts what containers wrote
deploy() {
  local code=0 listening=no leaves_data=${2-} alive_to=
  [[ $reader == person ]] || alive_to=1
  open_release "${1-}"
  trap 'drop_credentials; rm -f "$dir/heard"' EXIT
  prepare || {
    code=$?
    # Most often the disk is full. Nothing has begun.
    ((code != 1)) || code=3
    [[ $reader == person || -e $journal ]] || rm -rf "$dir"
    return "$code"
  }
  [[ $reader == person ]] || { listening=yes && sign_of_life; }
  launch
  exec 9>&-
  follow "$executor" "$listening" || code=$?
  [[ $reader == cli ]] || tell_end "$code"
  return "$code"
}

# Tells the CLI that a refusal is temporary, in addition to the text for people. Arguments: busy or stale. Returns: 3
because() {
  [[ $reader == person ]] || printf '0\t0\trefused\t%s\n' "$1"
  return 3
}

# Applies a release that other hosts already serve. Works like a person's deploy, but leaves out the tasks, which have run.
# Arguments: release
catch_up() {
  reader=person has_run_tasks=yes
  deploy "$1"
}

# Runs every check that can refuse a deploy before it changes anything.
prepare() {
  local who user from
  # For the CLI, the observation just before has checked this where necessary.
  [[ $reader == cli ]] || check_docker || return
  refuse_when_locked || return
  IFS=$'\t' read -r user from _ <"$dir/who" || true
  who="${user:-unknown} from ${from:-unknown}"
  [[ $reader == cli ]] || who="${SUDO_USER:-$(id -un)} by hand"
  # Waits for a second, because a check whether the lock is held takes it for a moment.
  take_lock "$who" 1 || because busy || return
  sweep
  chmod 700 "$state" || return
  [[ ! -L $state/current || -s $state/current/compose.json ]] || fail 3 "The release that serves, $(current_release), is incomplete: put $state/current/compose.json back." || return
  settle_others || return
  [[ $reader == cli || -n $leaves_data || -n ${has_run_tasks-} ]] || refuse_leaving || return
  [[ $reader == cli ]] || use_full_plan || return
  check_plan && bring_hooks && keep_files || return
  printf '%s\n' "$who" >"$dir/by" || return
  [[ $reader == person ]] || keep_credentials
}

# Refuses a plan that this script does not understand, or that was made for another state of this host.
check_plan() {
  local line verb
  [[ ! -s $journal ]] || fail 3 "Release $release was applied here before." || return
  for line in "${plan[@]}"; do
    verb=${line%%$'\t'*}
    declare -F "do_$verb" >/dev/null || fail 3 "The plan has an unknown step, \"$verb\"." || return
    [[ $verb != expect ]] || do_expect "${line#*$'\t'}" || fail 3 "The plan is stale: $reason. Deploy again." || because stale || return
  done
}

# For a person, a release is applied with its full plan. Its own plan may have changed only some services of the release that
# served then.
use_full_plan() {
  local full
  full=$(full_plan "$dir")
  [[ -s $full ]] || fail 3 "Release $release is from an older coldtivate and cannot be deployed from here. Deploy its commit with the CLI." || return
  awk -v skip="${has_run_tasks-}" '$1 != "task" || !skip' "$full" >"$dir/plan" && rm -f "$dir"/{abort,go.*,plan.json,titles} || return
  # When the script of an older release prunes, it would remove what containers wrote.
  [[ -e $dir/${script%.sh}/written.sh ]] || { cp -rT "$parts" "$dir/${script%.sh}" && cp "$self" "$dir/$script"; } || return
  [[ ! -e $journal ]] || mv "$journal" "$journal.1" || return
  open_release "$release"
}

# Starts the executor in a session of its own, so that it outlives this connection. Sets: executor
launch() {
  local own=$dir/$script mine=()
  [[ -s $own ]] || own=$self
  ((EUID == 0)) || mine=(-o ! -user "$EUID")
  [[ -z $(find "$own" "${own%.sh}" \( -type l -o -perm /022 "${mine[@]}" \) -print -quit) ]] ||
    fail 3 "$own, or a part of it, can be written by others, or somebody else put it there. It was not run." || return
  : >>"$journal"
  setsid bash "$own" -p "$project" -s "$state" execute "$release" ${credentials:+"$credentials"} </dev/null >>"$dir/log" 2>&1 &
  executor=$!
  credentials=
}

# Arguments: how it ended, as an exit code
tell_end() {
  case $1 in
    0) printf 'The environment was _coldtivated_ with great success!\n' >&2 ;;
    4) printf 'Release %s was undone; as before, this release serves: %s. The journal is %s.\n' "$release" "$(current_release)" "$journal" >&2 ;;
    5) printf 'Release %s could not be undone: see %s, look at what runs (status), and mend it by hand.\n' "$release" "$journal" >&2 ;;
  esac
}
