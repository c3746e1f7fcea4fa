#!/usr/bin/env bash
# What the CLI says while a release is applied, and where hosts wait for one another.
# Sourced by environment-deployment-management.sh.

# Takes in what the CLI says, for a moment: `go BARRIER`, `abort`, or `here`; each of them is a sign of life. When nobody
# speaks any more, the executor is to know. Uses: listening, and message, what has come of a line
read_message() {
  local part='' code=0
  IFS= read -rt 0.02 part || code=$?
  message+=$part
  ((code <= 128)) || return 0
  ((code == 0)) || { listening=no && rm -f "$dir/heard" && return; }
  case $message in
    abort) [[ -e $dir/abort ]] || : >"$dir/abort" ;;
    go\ *) [[ ! ${message#go } =~ ^[a-z]+$ ]] || : >"$dir/go.${message#go }" ;;
  esac
  message=''
  sign_of_life
}

# Writes down when somebody was heard, by a clock that nobody sets.
sign_of_life() {
  local now
  read -r now _ </proc/uptime && printf '%s\n' "${now%.*}" >"$dir/heard"
}

# Whether the CLI was heard lately. Arguments: in so many seconds
is_heard() {
  local now last=''
  [[ -e $dir/heard ]] && read -r now _ </proc/uptime || return
  # It may just be written, or be gone since.
  read -r last 2>/dev/null <"$dir/heard" || return 0
  ((${now%.*} - last <= $1))
}

# Waits for the other hosts, until the CLI says to go on. When it does not speak any more, this host takes everything back
# by itself. Arguments: name, seconds of silence
do_barrier() {
  until [[ -e $dir/go.$1 ]]; do
    reason='nobody coordinates the hosts any more'
    ! is_aborted || return
    # The last word may come right before the end.
    is_heard "$2" || [[ -e $dir/go.$1 ]] || return
    pause 0.02
  done
}
