#!/usr/bin/env bash
# What else the CLI asks a host once it knows what a release mounts there. It sends this file along with its questions.
# environment-deployment-management.sh sources it, too. Nothing here changes anything.

# How many files of a folder are listed individually.
: "${most_listed:=100000}"

# Answers questions, one per line, with tabs between words.
#   exists <tab> path        → exists, path, yes, no or unknown
#   tree <tab> path          → file, path, SHA-256, path within it; for each file; more, path, how many others there are, if
#                              there are too many; then sum, path, a digest of all of them
#   device <tab> volume      → device, volume, the folder that it is, if it is one
survey() {
  local question subject listed hash path count
  while IFS=$'\t' read -r question subject; do
    case $question in
      exists) printf 'exists\t%s\t%s\n' "$subject" "$(is_there "$subject")" ;;
      tree)
        listed=$(list_content "$subject")
        while read -r hash path; do printf 'file\t%s\t%s\t%s\n' "$subject" "$hash" "${path#./}"; done < <(head -n "$most_listed" <<<"$listed")
        count=$(wc -l <<<"$listed")
        ((count <= most_listed)) || printf 'more\t%s\t%s\n' "$subject" "$((count - most_listed))"
        printf 'sum\t%s\t%s\n' "$subject" "$(sha256sum <<<"$listed" | cut -c 1-64)"
        ;;
      device) printf 'device\t%s\t%s\n' "$subject" "$(timeout -k 5 30 docker volume inspect --format '{{index .Options "device"}}' "$subject" 2>/dev/null </dev/null || true)" ;;
    esac
  done
}

# Prints yes, no, or unknown if this user may not look. Arguments: path
is_there() {
  local path=$1
  if [[ -e $path || -L $path ]]; then
    echo yes
    return
  fi
  while [[ ! -e $path && $path == /?* ]]; do path=${path%/*}; done
  if [[ -d ${path:-/} && ! -x ${path:-/} ]]; then echo unknown; else echo no; fi
}

# Prints what is in a folder, or a file, one line each: SHA-256, or where a link leads; two spaces; path. Leaves out what Python
# compiles, because Python creates it again. A folder that this user may not enter does not count as empty. Arguments: path
list_content() {
  local inside=$1 which=.
  [[ ! -f $1 ]] || { inside=${1%/*} which=./${1##*/}; }
  (
    cd "$inside" || { [[ $(is_there "$inside") == no ]] || echo 'unreadable  .' && exit; }
    find "$which" -path ./.git -prune -o -type f ! -path '*/__pycache__/*.pyc' -print0 | xargs -0 -r sha256sum -z | tr '\0' '\n' || true
    find "$which" -path ./.git -prune -o -type l -printf 'link:%l  %p\n' || true
    find "$which" -path ./.git -prune -o ! -type l ! -readable -printf 'unreadable  %p\n' || true
  ) 2>/dev/null | sort -u
}
