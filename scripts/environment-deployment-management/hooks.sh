#!/usr/bin/env bash
# Hooks: the team's own executables. They come with a release and run on this host before and after it.
# Sourced by environment-deployment-management.sh.

# Gives a release that repeats another one, or differs only in its fronts, the hooks of that one. They are already here, and
# nobody sends them again.
bring_hooks() {
  local of=''
  [[ -s $dir/hooks.of && ! -e $dir/hooks ]] || return 0
  IFS= read -r of <"$dir/hooks.of" || true
  [[ $of =~ ^[a-z0-9][a-z0-9._-]*$ && -d $state/releases/$of/hooks ]] || fail 3 "The hooks of release $of are gone." || return
  cp -rpT "$state/releases/$of/hooks" "$dir/hooks"
}

# Arguments: which hook, seconds that it may take. Sets: reason, when it fails
do_hook() {
  local hook=$dir/hooks/$1 repeats='' code=0
  # A rollback uses the hooks of the release that serves again.
  IFS=$'\t' read -r _ _ _ _ _ repeats <"$dir/who" || true
  [[ -s $hook || -z ${repeats#-} ]] || hook=$state/releases/$repeats/hooks/$1
  [[ -s $hook ]] || return 0
  # The lock is held while the hook runs, but not by processes that it leaves behind.
  (hook_variables && cd && exec timeout -k 5 "$2" bash -c "exec ${hook@Q} 9>&-") > >(exec 9>&- && log_lines) 2>&1 </dev/null &
  hook=$!
  await "$hook" kill "$hook" || code=$?
  reason="the hook $1 exited with $code"
  ((code != 124)) || reason="the hook $1 did not end within $2 s"
  return "$((code > 0))"
}

# Tells a hook about the release. Uses: outcome
hook_variables() {
  local commit='' ref='' changed='' by=''
  IFS=$'\t' read -r _ _ commit ref changed _ <"$dir/who" || true
  read -r by <"$dir/by" || true
  export COLDTIVATE_PROJECT=$project COLDTIVATE_RELEASE=$release COLDTIVATE_COMMIT=$commit COLDTIVATE_REF=${ref#-} \
    COLDTIVATE_CHANGED=${changed#-} COLDTIVATE_BY=$by COLDTIVATE_OUTCOME=${outcome-}
}

# Runs the hook for releases that were undone, or could not be. Arguments: how it ended
tell_hook() {
  local outcome=$1
  [[ $1 == finished ]] || do_hook on_failure 60 || tell 0 note "$reason" || true
}
