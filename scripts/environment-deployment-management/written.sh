#!/usr/bin/env bash
# What containers wrote to content of a commit. Beside a folder of files/ that they may write to lies FOLDER.sums. It lists what
# was put there, or holds a word: `read-only` if nobody could write to it; `data` if it has become data, which nobody compares.
# Sourced by environment-deployment-management.sh.

# How many bytes are compared in a folder from an older coldtivate, which has no sums.
readonly most_compared=100000000

# Moves what containers mount to its place by content, and creates what the engine does not. Containers read it as users of their
# own, while the state directory is closed.
keep_files() {
  local path name kind first second
  mkdir -p "$state/files" || return
  for path in "$dir"/files/*; do
    name=${path##*/}
    chmod -R go+rX "$path" || return
    if [[ ! -e $state/files/$name ]]; then
      if may_be_written "$name"; then list_content "$path"; else echo read-only; fi >"$state/files/$name.sums" || return
      mv -T "$path" "$state/files/$name" || return
      continue
    fi
    add_others "$path" "$state/files/$name" || return
    if may_be_written "$name" && is_unmarked "$name"; then
      # It was read-only before, or comes from an older coldtivate.
      find_written "$name" || list_content "$state/files/$name" >"$state/files/$name.sums" || return
    fi
  done
  [[ ! -e $dir/places ]] || while IFS=$'\t' read -r kind first second; do
    case $kind in
      parent) (umask 022 && mkdir -p "$first") 2>/dev/null || true ;;
      folder) [[ -e $first ]] || (umask 022 && mkdir -p "$first") || fail 3 "$first cannot be made on $HOSTNAME. Make that folder, then deploy again." || return ;;
      seed) plant "$dir/seeds/$first" "$second" || printf '%s does not get everything that the commit has for it: it belongs to another user.\n' "$second" >&2 ;;
    esac
  done <"$dir/places"
  rm -rf "$dir/files" "$dir/seeds"
}

# Adds a file or folder with the same content under another name. Arguments: folder that was sent, folder in files/
add_others() {
  local top sums=$2.sums
  for top in "$1"/{.[!.],}*; do
    [[ ! -e $2/${top##*/} ]] || continue
    mkdir "$1.other" && mv -T "$top" "$1.other/${top##*/}" || return
    is_unmarked "${2##*/}" || is_data "${2##*/}" || list_content "$1.other" >>"$sums" || return
    mv -T "$1.other/${top##*/}" "$2/${top##*/}" && rmdir "$1.other" || return
  done
}

# Whether the release mounts a folder of files/ so that containers may write to it. Arguments: its name
may_be_written() { grep -qsxF "watched"$'\t'"$1" "$dir/places"; }

# Whether a folder has not been compared so far. Arguments: its name
is_unmarked() { [[ ! -e $state/files/$1.sums || $(head -n 1 "$state/files/$1.sums") == read-only ]]; }

# Whether a folder has become data. Arguments: its name
is_data() { [[ -s $state/files/$1.sums && $(head -n 1 "$state/files/$1.sums") == data ]]; }

# Puts files where data lies, each of them once and never over an existing one. Arguments: folder or file with them; place
plant() {
  local from=$1 place=$2 record path bad=0
  mkdir -p "$state/planted" || return
  record=$state/planted/$(sha256sum <<<"$place" | cut -c 1-64)
  touch "$record"
  (umask 022 && mkdir -p "${place%/*}") 2>/dev/null || return
  [[ ! -d $from ]] || [[ -d $place ]] || (umask 022 && mkdir "$place") 2>/dev/null || return
  while IFS= read -r path; do
    ! grep -qxF -- "$path" "$record" || continue
    if [[ ! -e $place$path && ! -L $place$path ]]; then
      (umask 022 && mkdir -p "$(dirname "$place$path")" && cp -dp "$from$path" "$place$path") 2>/dev/null || { bad=1 && continue; }
      [[ -L $place$path ]] || chmod go+rX "$place$path"
    fi
    printf '%s\n' "$path" >>"$record"
  done < <(if [[ -d $from ]]; then cd "$from" && find . -mindepth 1 ! -type d -printf '/%P\n'; else echo; fi)
  return "$bad"
}

# Whether containers changed something in a folder of files/. Arguments: its name. Sets: written, a path a line
find_written() {
  local sums=$state/files/$1.sums folder=$state/files/$1 first=''
  written=''
  [[ -d $folder ]] || return
  [[ ! -s $sums ]] || IFS= read -r first <"$sums"
  case $first in
    read-only | data) return 1 ;;
    ?*) written=$(cd "$folder" && compare_sums "$sums" | cut -d / -f 2- | sort -u) ;;
    # A folder from an older coldtivate has no sums, only the digest that it is named by.
    *)
      [[ $(digest_of "$folder") == "$1" ]] || written=$(cd "$folder" && find . -type f -newer . -printf '%P\n' | sort) || true
      [[ -n $written || $(digest_of "$folder") == "$1" ]] || written=$(cd "$folder" && find . -type f -printf '%P\n' | sort)
      ;;
  esac
  [[ -n $written ]]
}

# Prints the paths in this folder that differ from what was put there. Arguments: file with their sums
compare_sums() {
  local now
  now=$(find . -type f ! -path '*/__pycache__/*.pyc' -printf '%p\n' -o -type l -printf '%p\n' -o ! -readable -printf '%p\n' 2>/dev/null | sort) || true
  comm -3 <(printf '%s\n' "$now") <(sed 's/^[^ ]*  //' "$1" | sort -u) | tr -d '\t'
  grep -v '^link:' "$1" | sha256sum -c --quiet 2>/dev/null | sed -n 's/: FAILED.*$//p' || true
  comm -3 <(find . -type l -printf 'link:%l  %p\n' | sort) <(grep '^link:' "$1" | sort) | sed 's/^\t*[^ ]*  //'
}

# Prints the digest by which older versions name a folder of files/. Arguments: folder
digest_of() {
  local size top
  size=$(find "$1" -type f -printf '%s\n' 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f", sum }') || true
  ((${size:-0} < most_compared)) || return 0
  for top in "$1"/*; do break; done
  (
    if [[ -d $top ]]; then cd "$top" || exit 0; else cd "$1" || exit 0; fi
    find . \( -type f -o -type l \) -printf '%y\t%P\n' 2>/dev/null | while IFS=$'\t' read -r kind path; do
      [[ -d $top ]] || { printf '\t%s\t%s\n' "$(executable "$path")" "$(sha256sum <"$path" | cut -c 1-64)" && continue; }
      if [[ $kind == l ]]; then
        printf '%s\tlink\t%s\n' "$path" "$(printf %s "$(readlink "$path")" | sha256sum | cut -c 1-64)"
      else
        printf '%s\t%s\t%s\n' "$path" "$(executable "$path")" "$(sha256sum <"$path" | cut -c 1-64)"
      fi
    done
  ) 2>/dev/null | sort | head -c -1 | sha256sum | cut -c 1-64 || true
}

executable() { if [[ -x $1 ]]; then echo true; else echo false; fi; }

# Prints a fingerprint of files that were written to. It changes if one of them is written to once more.
# Arguments: name of a folder in files/. Uses: written
fingerprint() { (cd "$state/files/$1" && while IFS= read -r path; do stat -c '%n %s %y' "$path" 2>/dev/null || printf '%s\n' "$path"; done <<<"$written"); }

# Prints a line for each place in files/ that was written to: place <tab> how many files <tab> some of them, a tab between them.
# Leaves out a place if somebody has left just that behind and no container has it again. For a place that containers have and
# that has become data, prints 0 files. Arguments: containers of the project, as observe has them
tell_written() {
  local path name all=() some
  local -A mounted=()
  while IFS= read -r name; do mounted[$name]=yes; done < <(
    grep -oE "\"Source\":\"$state/files/[0-9a-f]{64}/[^}]*\"RW\":true" <<<"$1" | sed -E 's#.*/files/([0-9a-f]{64})/.*#\1#' | sort -u || true
  )
  for path in "$state"/files/*.sums; do
    name=${path##*/}
    all+=("${name%.sums}")
  done
  # Places that an older coldtivate mounted.
  for name in "${!mounted[@]}"; do [[ -e $state/files/$name.sums ]] || all+=("$name"); done
  for name in "${all[@]}"; do
    for path in "$state/files/$name"/*; do break; done
    [[ -z ${mounted[$name]-} ]] || ! is_data "$name" || printf '%s\t0\n' "$path"
    find_written "$name" || continue
    [[ -n ${mounted[$name]-} || ! -e $state/files/$name.left || $(fingerprint "$name") != "$(<"$state/files/$name.left")" ]] || continue
    some=$(head -n 10 <<<"$written" | sed "s#^${path##*/}/##")
    printf '%s\t%s\t%s\n' "$path" "$(wc -l <<<"$written")" "${some//$'\n'/$'\t'}"
  done
}

# Checks that what the release leaves behind is still as it was when the plan was made. Arguments: names of folders in files/; a
# folder of the host's own, and after it the digest of what is in it
do_unwritten() {
  while (($# > 0)); do
    if [[ $1 == /* ]]; then
      [[ $(sha256sum <<<"$(list_content "$1")" | cut -c 1-64) == "$2" ]] || { reason="containers wrote to $1 meanwhile" && return 1; }
      shift
    elif find_written "$1"; then
      reason="containers wrote to $state/files/$1 meanwhile: $(head -n 3 <<<"$written" | paste -sd ' ')"
      return 1
    fi
    shift
  done
}

# Records what is left behind in folders of files/, so that nobody is asked about exactly that again. Arguments: their names
do_abandon() {
  local name
  for name in "$@"; do ! find_written "$name" || fingerprint "$name" >"$state/files/$name.left" || return; done
}

# Removes folders of files/ that no release mounts any more and that nobody wrote to.
prune_files() {
  local path name
  [[ ! -e $state/current/places ]] || while IFS=$'\t' read -r path name; do
    [[ $path != data || ! -d $state/files/$name ]] || echo data >"$state/files/$name.sums" || return
  done <"$state/current/places"
  for path in "$state"/files/*/; do
    path=${path%/} name=${path##*/}
    ! grep -qsF "/files/$name/" "$state"/releases/*/compose.json || continue
    if is_data "$name" || find_written "$name"; then
      [[ -e $path.kept ]] || { touch "$path.kept" && tell "$step" note "kept $path: containers wrote to it"; } || return
    else
      rm -rf "$path" "$path".{sums,left,kept}
    fi
  done
}

# For a person, refuses a release that mounts nowhere what containers write to now. Returns: 3 then
refuse_leaving() {
  local ids services name service type volume source target lines=()
  ids=$(containers -q) || return
  mapfile -t ids < <(printf %s "$ids")
  ((${#ids[@]} > 0)) || return 0
  services=$(compose "$dir" config --services) || return
  while IFS=$'\x1f' read -r name service type volume source target; do
    case $type:$source in
      bind:"$state"/fronts/* | bind:/dev/* | bind:/proc/* | bind:/run/* | bind:/sys/* | bind:/var/run/* | bind:*.sock | bind:/etc/localtime) continue ;;
      bind:"$state"/files/*)
        source=${source#"$state/files/"}
        is_data "${source%%/*}" || find_written "${source%%/*}" || continue
        source=$state/files/$source
        ;;
      volume:*)
        # Compose passes such a volume on to the container that takes its place.
        [[ ! $volume =~ ^[0-9a-f]{64}$ ]] || ! grep -qxF -- "$service" <<<"$services" || continue
        source=$volume
        ;;
      bind:*) ;;
      *) continue ;;
    esac
    grep -qF "\"$source\"" "$dir/compose.json" || lines+=("  $name has $source at $target")
  done < <(engine container inspect --format $'{{$name := slice .Name 1}}{{$service := index .Config.Labels "com.docker.compose.service"}}{{range .Mounts}}{{if .RW}}{{$name}}\x1f{{$service}}\x1f{{.Type}}\x1f{{.Name}}\x1f{{.Source}}\x1f{{.Destination}}\n{{end}}{{end}}' "${ids[@]}" | awk NF)
  ((${#lines[@]} == 0)) || fail 3 "Release $release mounts nowhere what containers write to:" "${lines[@]}" \
    "To have it stay where it is and go on without it: deploy $release --leave-data"
}
