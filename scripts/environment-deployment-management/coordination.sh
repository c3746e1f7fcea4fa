#!/usr/bin/env bash
# What the CLI says while a release is applied, and how hosts wait for one another.
# Sourced by environment-deployment-management.sh.

# Reads for a moment what the CLI says: `go BARRIER`, `abort`, or `here`. Each of these is a sign of life. Lets the executor know
# when the CLI is gone. Uses: listening, and message, the part of a line that has arrived
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

# Records when the CLI was last heard, by the uptime, a clock that nobody sets.
sign_of_life() {
  local now
  read -r now _ </proc/uptime && printf '%s\n' "${now%.*}" >"$dir/heard"
}

# Whether the CLI was heard recently. Arguments: within how many seconds
is_heard() {
  local now last=''
  [[ -e $dir/heard ]] && read -r now _ </proc/uptime || return
  # The file may be in the middle of being written, or gone by now.
  read -r last 2>/dev/null <"$dir/heard" || return 0
  ((${now%.*} - last <= $1))
}

# Waits for the other hosts until the CLI says to go on. If the CLI falls silent, this host undoes everything by itself.
# Arguments: name, seconds of silence
do_barrier() {
  until [[ -e $dir/go.$1 ]]; do
    reason='nobody coordinates the hosts any more'
    ! is_aborted || return
    # The CLI's last message may come right before the end.
    is_heard "$2" || [[ -e $dir/go.$1 ]] || return
    pause 0.02
  done
}
